/* SPDX-License-Identifier: MIT */
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "store/state_impl.h"

#define LOCK_NAME "lock"
#define FILTER_PROBES 3

/* ---- connections */

void
conn_unlock(struct db **c)
{
	(void)pthread_mutex_unlock(&(*c)->lock);
}

struct db *
writer_lock(struct state *s)
{
	(void)pthread_mutex_lock(&s->writer.lock);
	return &s->writer;
}

struct db *
reader_lock(struct state *s)
{
	unsigned turn = atomic_fetch_add(&s->turn, 1);
	size_t i;

	for (i = 0; i < READERS; i++) {
		struct db *c = &s->readers[(turn + i) % READERS];

		if (!pthread_mutex_trylock(&c->lock))
			return c;
	}
	(void)pthread_mutex_lock(&s->readers[turn % READERS].lock);
	return &s->readers[turn % READERS];
}

/* ---- the filter */

static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t
hash(const struct resource_id *id)
{
	uint64_t half[2];

	memcpy(half, id->bytes, sizeof(half));
	return mix(half[0] ^ mix(half[1]));
}

static uint64_t
probe(uint64_t h, unsigned i)
{
	return (h + i * ((h >> 32) | 1)) % FILTER_BITS;
}

/*
 * Nothing is ever taken out: a filter that says "probably" once too often
 * costs a query.  It is made anew at each start.
 */
static void
filter_add(struct state *s, const struct resource_id *id)
{
	uint64_t h = hash(id);
	unsigned i;

	for (i = 0; i < FILTER_PROBES; i++) {
		uint64_t bit = probe(h, i);

		atomic_fetch_or_explicit(&s->filter[bit / 64],
		    UINT64_C(1) << (bit % 64), memory_order_release);
	}
}

bool
state_may_have_props(const struct state *s, const struct resource_id *id)
{
	uint64_t h = hash(id);
	unsigned i;

	if (!atomic_load_explicit(&s->filter_whole, memory_order_acquire))
		return true;
	for (i = 0; i < FILTER_PROBES; i++) {
		uint64_t bit = probe(h, i);
		uint64_t word = atomic_load_explicit(
		    &s->filter[bit / 64], memory_order_acquire);

		if (!(word >> (bit % 64) & 1))
			return false;
	}
	return true;
}

/* Up to max ids.  What is set meanwhile is added by who sets it. */
static enum err_code
filter_load(struct state *s, struct db *c, int64_t max, struct err *err)
{
	sqlite3_stmt *stmt;
	int result;

	result = sqlite3_prepare_v2(
	    c->db, "SELECT DISTINCT id FROM props", -1, &stmt, NULL);
	if (result)
		return db_failed(c, result, err);
	while ((result = sqlite3_step(stmt)) == SQLITE_ROW && max-- &&
	    !atomic_load(&s->tidy.stop)) {
		struct resource_id id;

		if (sqlite3_column_bytes(stmt, 0) != (int)sizeof(id.bytes))
			continue;
		memcpy(
		    id.bytes, sqlite3_column_blob(stmt, 0), sizeof(id.bytes));
		filter_add(s, &id);
	}
	(void)sqlite3_finalize(stmt);
	if (result == SQLITE_DONE)
		atomic_store_explicit(
		    &s->filter_whole, true, memory_order_release);
	else if (result != SQLITE_ROW)
		return db_failed(c, result, err);
	return ERR_OK;
}

/* If it fails, every resource is asked for its properties. */
void
state_filter_fill(struct state *s)
{
	if (!atomic_load(&s->filter_whole))
		(void)filter_load(s, &s->tidy.conn, INT64_MAX, NULL);
}

/* ---- properties */

/* A list that grows in an arena, twice as long each time. */
struct prop_list {
	struct arena *a;
	struct prop *props;
	size_t n, cap;
};

static bool
list_add(struct prop_list *l, sqlite3_stmt *stmt)
{
	struct prop p = { .form = sqlite3_column_int(stmt, 2) == PROP_XML
		    ? PROP_XML
		    : PROP_TEXT };

	if (!arena_str(l->a, db_column(stmt, 0), &p.name.ns) ||
	    !arena_str(l->a, db_column(stmt, 1), &p.name.local) ||
	    !arena_str(l->a, db_column(stmt, 3), &p.value))
		return false;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 4;
		struct prop *more = arena_array(l->a, cap, sizeof(*more));

		if (!more)
			return false;
		if (l->n)
			memcpy(more, l->props, l->n * sizeof(*more));
		l->props = more;
		l->cap = cap;
	}
	l->props[l->n++] = p;
	return true;
}

enum err_code
state_props(struct state *s, const struct resource_id *id, struct arena *a,
    const struct prop **out, size_t *n, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	struct prop_list list = { .a = a };
	enum err_code rc = db_prepare(c, Q_LIST, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = db_bind(stmt, 1, id_str(id));
	if (result)
		return db_failed(c, result, err);
	while ((result = sqlite3_step(stmt)) == SQLITE_ROW)
		if (!list_add(&list, stmt))
			return err_nomem(err);
	if (result != SQLITE_DONE)
		return db_failed(c, result, err);
	*out = list.props;
	*n = list.n;
	return ERR_OK;
}

static enum err_code
has_rows(
    struct state *s, const struct resource_id *id, bool *out, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);

	return db_any(c, Q_HAS, id_str(id), out, err);
}

enum err_code
state_has_props(
    struct state *s, const struct resource_id *id, bool *out, struct err *err)
{
	*out = false;
	return state_may_have_props(s, id) ? has_rows(s, id, out, err) : ERR_OK;
}

static enum err_code
set_prop(struct db *c, const struct resource_id *id, const struct prop *p,
    struct err *err)
{
	const struct str blobs[] = { id_str(id), p->name.ns, p->name.local };
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_SET, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int(stmt, 4, (int)p->form);
	if (!result)
		result = db_bind(stmt, 5, p->value);
	if (result)
		return db_failed(c, result, err);
	return db_run(c, Q_SET, blobs, (int)ARRAY_LEN(blobs), err);
}

static enum err_code
change_prop(struct db *c, const struct resource_id *id,
    const struct prop_change *change, struct err *err)
{
	const struct prop *p = &change->prop;
	const struct str blobs[] = { id_str(id), p->name.ns, p->name.local };

	if (change->remove)
		return db_run(c, Q_UNSET, blobs, (int)ARRAY_LEN(blobs), err);
	return set_prop(c, id, p, err);
}

static enum err_code
check_size(struct db *c, const struct resource_id *id, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_SIZE, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = db_bind(stmt, 1, id_str(id));
	if (!result)
		result = sqlite3_step(stmt);
	if (result != SQLITE_ROW)
		return db_failed(c, result, err);
	if (sqlite3_column_int64(stmt, 0) > (sqlite3_int64)STORE_PROPS_MAX)
		return err_tell(err, ERR_TOO_LARGE,
		    "the properties of one resource may hold %zu bytes",
		    STORE_PROPS_MAX);
	return ERR_OK;
}

enum err_code
state_patch(struct state *s, const struct change *change,
    const struct prop_change *changes, size_t n, bool wait, uint64_t *intent,
    uint64_t *number, struct err *err)
{
	const struct resource_id *id = change->made;
	struct tx t;
	uint64_t seq = 0;
	enum err_code rc = tx_begin(s, &t, err);
	size_t i;

	*intent = 0;
	if (rc)
		return rc;
	rc = journal_add(t.c, change, &seq, err);
	for (i = 0; i < n && !rc; i++)
		rc = change_prop(t.c, id, &changes[i], err);
	if (!rc)
		rc = check_size(t.c, id, err);
	if (!rc)
		rc = change_note(t.c, seq, change, wait, intent, err);
	if (!rc) /* before anybody can see them */
		filter_add(s, id);
	rc = tx_end(&t, rc, false, err);
	if (rc)
		*intent = 0;
	*number = wait ? t.number : 0;
	return rc;
}

enum err_code
props_drop(struct db *c, const struct resource_id *id, struct err *err)
{
	const struct str blob = id_str(id);

	return db_run(c, Q_DROP, &blob, 1, err);
}

enum err_code
props_set(struct state *s, struct db *c, const struct resource_id *id,
    const struct prop *props, size_t n, struct err *err)
{
	enum err_code rc = props_drop(c, id, err);
	size_t i;

	for (i = 0; i < n && !rc; i++)
		rc = set_prop(c, id, &props[i], err);
	if (!rc && n)
		rc = check_size(c, id, err);
	if (!rc && n) /* before anybody can see them */
		filter_add(s, id);
	return rc;
}

enum err_code
props_copy(struct state *s, struct db *c, const struct resource_id *from,
    const struct resource_id *to, bool *any, struct err *err)
{
	const struct str ids[] = { id_str(from), id_str(to) };
	enum err_code rc = props_drop(c, to, err);

	if (!rc)
		rc = db_run(c, Q_COPY, ids, 2, err);
	if (rc)
		return rc;
	*any = sqlite3_changes(c->db) > 0;
	if (*any)
		filter_add(s, to);
	return ERR_OK;
}

enum err_code
state_copy(struct state *s, const struct change *change, bool wait,
    uint64_t *intent, struct err *err)
{
	struct tx t;
	bool any;
	uint64_t seq = 0;
	enum err_code rc = tx_begin(s, &t, err);

	*intent = 0;
	if (rc)
		return rc;
	rc = journal_add(t.c, change, &seq, err);
	if (!rc)
		rc = props_copy(
		    s, t.c, change->props_of, change->made, &any, err);
	if (!rc)
		rc = change_note(t.c, seq, change, wait, intent, err);
	rc = tx_end(&t, rc, wait, err);
	if (rc)
		*intent = 0;
	return rc;
}

enum err_code
state_drop(
    struct state *s, const struct resource_id *ids, size_t n, struct err *err)
{
	struct tx t;
	enum err_code rc = tx_begin(s, &t, err);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < n && !rc; i++)
		rc = props_drop(t.c, &ids[i], err);
	return tx_end(&t, rc, false, err);
}

/* ---- opening */

/* Logs of statements and the like belong in memory. */
static const char relaxed_pragmas[] =
    "PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL;"
    "PRAGMA temp_store = MEMORY";
static const char strict_pragmas[] =
    "PRAGMA synchronous = NORMAL; PRAGMA journal_mode = WAL;"
    "PRAGMA temp_store = MEMORY";
/* SQLite syncs by itself, and leaves the server's log as it is. */
static const char guest_pragmas[] =
    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA temp_store = MEMORY";

static enum err_code
open_all(
    struct state *s, const char *file, const char *pragmas, struct err *err)
{
	enum err_code rc = db_open(&s->writer, file, pragmas, err);
	size_t i;

	if (!rc)
		rc = db_make_tables(&s->writer, err);
	if (!rc)
		rc = db_open(&s->tidy.conn, file, pragmas, err);
	for (i = 0; i < READERS && !rc; i++)
		rc =
		    db_open(&s->readers[i], file, "PRAGMA query_only = 1", err);
	return rc;
}

/* For us alone; SQLite gives its other files the same permissions. */
static enum err_code
make_file(
    const struct state_spec *spec, const char *name, int *out, struct err *err)
{
	int fd = openat(
	    spec->dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_os(err,
		    "cannot write '%s' in '%s' (--state chooses another place)",
		    name, spec->path);
	*out = fd;
	return ERR_OK;
}

static enum err_code
lock_dir(struct state *s, const struct state_spec *spec, struct err *err)
{
	enum err_code rc = make_file(spec, LOCK_NAME, &s->lock, err);

	if (rc)
		return rc;
	if (!flock(s->lock, LOCK_EX | LOCK_NB))
		return ERR_OK;
	if (errno != EWOULDBLOCK)
		return err_os(err, "lock '%s'", spec->path);
	return err_set(err, ERR_IN_USE,
	    "'%s' is in use by another sheaf (--state chooses another place)",
	    spec->path);
}

static struct state *
state_new(bool relaxed)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->lock = -1;
	s->relaxed = relaxed;
	(void)pthread_mutex_init(&s->ended.lock, NULL);
	late_init(s);
	held_init(&s->held);
	s->writer.held = &s->held;
	sync_init(s);
	tidy_init(s);
	return s;
}

static enum err_code
load(struct state *s, const struct state_spec *spec, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct rpath file;
	enum err_code rc = rpath_join(&a,
	    (struct rpath){ str_from_c(spec->path) }, STR(DB_NAME), &file, err);

	if (!rc)
		rc = open_all(s, file.s.ptr,
		    spec->relaxed ? relaxed_pragmas : strict_pragmas, err);
	if (!rc)
		rc = filter_load(s, &s->writer, FILTER_AT_ONCE, err);
	if (!rc)
		rc = records_load(s, err);
	return rc ? rc : state_locks_load(s, spec->dir, err);
}

/* Who cannot start wants to know which file it is, and what to do. */
static enum err_code
load_or_say(struct state *s, const struct state_spec *spec, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc = load(s, spec, &why);

	if (rc == ERR_IO)
		return err_set(err, ERR_IO,
		    "'%s': %s (restore it, or move " DB_NAME
		    " away to begin without properties and locks)",
		    spec->path, why.why);
	if (rc && err)
		*err = why;
	return rc;
}

enum err_code
state_open(const struct state_spec *spec, struct state **out, struct err *err)
{
	struct state *s = state_new(spec->relaxed);
	int db = -1;
	enum err_code rc;

	if (!s)
		return err_nomem(err);
	rc = lock_dir(s, spec, err);
	if (!rc)
		rc = make_file(spec, DB_NAME, &db, err);
	/* At once: closing it later would end SQLite's own locks on it. */
	fd_close(&db);
	if (!rc)
		rc = load_or_say(s, spec, err);
	if (!rc)
		rc = sync_open(s, spec, err);
	if (!rc)
		rc = late_open(s, err);
	if (!rc)
		rc = tidy_start(s, err);
	if (rc) {
		state_close(s);
		return rc;
	}
	*out = s;
	return ERR_OK;
}

enum err_code
state_look(struct rpath dir, struct state **out, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct rpath file;
	struct state *s;
	enum err_code rc = rpath_join(&a, dir, STR(DB_NAME), &file, err);

	if (rc)
		return rc;
	if (access(file.s.ptr, R_OK | W_OK))
		return err_os(err, "no state in '%.*s'", STR_ARG(dir.s));
	s = state_new(true); /* it need not sync what SQLite does */
	if (!s)
		return err_nomem(err);
	rc = open_all(s, file.s.ptr, guest_pragmas, err);
	if (rc) {
		state_close(s);
		return rc;
	}
	*out = s;
	return ERR_OK;
}

void
state_close(struct state *s)
{
	size_t i;

	if (!s)
		return;
	tidy_stop(s);
	(void)tx_flush(s);
	if (atomic_load(&s->broken)) /* not into the database, then */
		(void)sqlite3_db_config(
		    s->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	tidy_done(s);
	for (i = 0; i < READERS; i++)
		db_close(&s->readers[i]);
	db_close(&s->writer);
	held_done(&s->held);
	sync_done(s);
	(void)pthread_mutex_destroy(&s->ended.lock);
	late_done(s);
	fd_close(&s->lock);
	free(s);
}
