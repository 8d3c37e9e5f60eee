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

/* Its first half by itself, which is the inode. */
static uint64_t
hash_inode(uint64_t inode)
{
	return mix(~mix(inode));
}

static void
filter_set(struct state *s, uint64_t h)
{
	unsigned i;

	for (i = 0; i < FILTER_PROBES; i++) {
		uint64_t bit = probe(h, i);

		atomic_fetch_or_explicit(&s->filter[bit / 64],
		    UINT64_C(1) << (bit % 64), memory_order_release);
	}
}

static bool
filter_may_have(const struct state *s, uint64_t h)
{
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

/*
 * Nothing is ever taken out: a filter that says "probably" once too often
 * costs a query.  It is made anew at each start.
 */
void
state_filter_add(struct state *s, const struct resource_id *id)
{
	uint64_t half[2];
	uint64_t newest = atomic_load(&s->filter_newest);

	memcpy(half, id->bytes, sizeof(half));
	while (half[1] > newest &&
	    !atomic_compare_exchange_weak(&s->filter_newest, &newest, half[1]))
		;
	atomic_store_explicit(&s->filter_any, true, memory_order_release);
	filter_set(s, hash(id));
	filter_set(s, hash_inode(half[0]));
}

bool
state_may_have_any_props(const struct state *s)
{
	return !atomic_load_explicit(&s->filter_whole, memory_order_acquire) ||
	    atomic_load_explicit(&s->filter_any, memory_order_acquire);
}

bool
state_may_have_props(const struct state *s, const struct resource_id *id)
{
	return filter_may_have(s, hash(id));
}

bool
state_may_have_props_by_inode(const struct state *s, uint64_t inode)
{
	return filter_may_have(s, hash_inode(inode));
}

bool
state_may_have_props_since(const struct state *s, uint64_t born)
{
	return !atomic_load_explicit(&s->filter_whole, memory_order_acquire) ||
	    atomic_load(&s->filter_newest) >= born;
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
		state_filter_add(s, &id);
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

/* ---- opening */

/*
 * Logs of statements and the like belong in memory; of pages, 256 KiB a
 * connection, not the 2 MiB that the journal alone would fill: nobody comes
 * back to what it has written.
 */
#define IN_MEMORY "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -256"
static const char relaxed_pragmas[] =
    "PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL;" IN_MEMORY;
static const char strict_pragmas[] =
    "PRAGMA synchronous = NORMAL; PRAGMA journal_mode = WAL;" IN_MEMORY;
/* SQLite syncs by itself, and leaves the server's log as it is. */
static const char guest_pragmas[] =
    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;" IN_MEMORY;
static const char reader_pragmas[] = "PRAGMA query_only = 1;" IN_MEMORY;

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
		rc = db_open(&s->readers[i], file, reader_pragmas, err);
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

/* Nobody can ask for a lock of flock() without taking it, but for this one. */
static void
show_lock(int fd)
{
	struct flock all = { .l_type = F_WRLCK };

	(void)fcntl(fd, F_OFD_SETLK, &all);
}

/* Whether somebody shows that the state is his. */
static bool
is_served(const void *file)
{
	struct flock all = { .l_type = F_RDLCK };
	int fd CLEANUP(fd_close) =
	    open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && !fcntl(fd, F_OFD_GETLK, &all) &&
	    all.l_type != F_UNLCK;
}

static enum err_code
lock_dir(struct state *s, const struct state_spec *spec, struct err *err)
{
	enum err_code rc = make_file(spec, LOCK_NAME, &s->lock, err);

	if (rc)
		return rc;
	if (!flock(s->lock, LOCK_EX | LOCK_NB)) {
		show_lock(s->lock);
		return ERR_OK;
	}
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
	return rc ? rc : records_load(s, err);
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

void
state_prepare(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	/* It would take a lock for each piece of memory, to count it. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
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
		rc = state_locks_load(s, spec->dir, err);
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
	struct rpath file, late, lock;
	struct state *s;
	enum err_code rc = rpath_join(&a, dir, STR(DB_NAME), &file, err);

	if (!rc)
		rc = rpath_join(&a, dir, STR(LATE_NAME), &late, err);
	if (!rc)
		rc = rpath_join(&a, dir, STR(LOCK_NAME), &lock, err);
	if (rc)
		return rc;
	if (access(file.s.ptr, R_OK | W_OK))
		return err_os(err, "no state in '%.*s'", STR_ARG(dir.s));
	s = state_new(true); /* it need not sync what SQLite does */
	if (!s)
		return err_nomem(err);
	rc = open_all(s, file.s.ptr, guest_pragmas, err);
	if (!rc)
		rc = late_look(s, late.s.ptr, is_served, lock.s.ptr, err);
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
