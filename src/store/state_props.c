/* SPDX-License-Identifier: MIT */
/*
 * Dead properties: a row for each, by the id of its resource.  A small
 * PROPPATCH is written into a slot (state_late.c), which takes a third of what
 * a transaction does, and the next transaction moves it into its rows.  Whoever
 * reads rows has that done first: once, however many changes there were.
 */
#include <assert.h>

#include "store/state_impl.h"

/* ---- reading */

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

/*
 * Where rows are read.  Where late changes cannot be moved for good, as on a
 * full disk, they are moved in a transaction that is taken back after the
 * reading.
 */
struct reading {
	struct db *c;
	struct tx tx; /* s is NULL: there is none */
};

static enum err_code
reading_begin(struct state *s, struct reading *r, struct err *err)
{
	enum err_code rc;

	if (!late_has_props(s) || !tx_flush(s)) {
		r->c = reader_lock(s);
		return ERR_OK;
	}
	rc = tx_begin_now(s, &r->tx, err);
	if (rc)
		r->tx.s = NULL;
	else
		r->c = r->tx.c;
	return rc;
}

static void
reading_end(struct reading *r)
{
	if (r->tx.s)
		(void)!tx_end(&r->tx, ERR_BUSY, false, NULL);
	else if (r->c)
		conn_unlock(&r->c);
}

static enum err_code
read_rows(struct db *c, const struct resource_id *id, struct prop_list *list,
    struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LIST, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = db_bind(stmt, 1, id_str(id));
	if (result)
		return db_failed(c, result, err);
	while ((result = sqlite3_step(stmt)) == SQLITE_ROW)
		if (!list_add(list, stmt))
			return err_nomem(err);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

enum err_code
state_props(struct state *s, const struct resource_id *id, struct arena *a,
    const struct prop **out, size_t *n, struct err *err)
{
	struct reading r CLEANUP(reading_end) = { 0 };
	struct prop_list list = { .a = a };
	enum err_code rc = reading_begin(s, &r, err);

	if (!rc)
		rc = read_rows(r.c, id, &list, err);
	if (rc)
		return rc;
	*out = list.props;
	*n = list.n;
	return ERR_OK;
}

enum err_code
state_has_props(
    struct state *s, const struct resource_id *id, bool *out, struct err *err)
{
	struct reading r CLEANUP(reading_end) = { 0 };
	enum err_code rc;

	*out = false;
	if (!state_may_have_props(s, id))
		return ERR_OK;
	rc = reading_begin(s, &r, err);
	return rc ? rc : db_any(r.c, Q_HAS, id_str(id), out, err);
}

/* ---- rows */

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

/* Bytes of all that it has. */
static enum err_code
read_size(
    struct db *c, const struct resource_id *id, int64_t *out, struct err *err)
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
	*out = sqlite3_column_int64(stmt, 0);
	return ERR_OK;
}

static enum err_code
check_size(struct db *c, const struct resource_id *id, struct err *err)
{
	int64_t size = 0;
	enum err_code rc = read_size(c, id, &size, err);

	if (!rc && size > (int64_t)STORE_PROPS_MAX)
		rc = err_tell(err, ERR_TOO_LARGE,
		    "the properties of one resource may hold %zu bytes",
		    STORE_PROPS_MAX);
	return rc;
}

/* ---- in a slot */

/*
 * A packed change: its form and the lengths of its texts, in HEAD bytes; then
 * the texts.
 */
#define HEAD ((size_t)4)

static_assert(SLOT_TEXT <= UINT8_MAX, "a length fits into a byte");

static bool
pack_one(char *to, size_t *len, const struct prop_change *c)
{
	const struct prop *p = &c->prop;
	const struct str parts[] = { p->name.ns, p->name.local, p->value };
	size_t at = *len;
	size_t i;

	*len += HEAD;
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		if (*len > SLOT_TEXT || parts[i].len > SLOT_TEXT - *len)
			return false;
		if (parts[i].len)
			memcpy(to + *len, parts[i].ptr, parts[i].len);
		to[at + 1 + i] = (char)parts[i].len;
		*len += parts[i].len;
	}
	to[at] = (char)(c->remove ? PROP_EMPTY : p->form);
	return true;
}

/* False: they do not fit.  to: SLOT_TEXT bytes. */
static bool
pack(char *to, size_t *len, const struct resource_id *id,
    const struct prop_change *changes, size_t n)
{
	size_t i;

	memcpy(to, id->bytes, sizeof(id->bytes));
	*len = sizeof(id->bytes);
	for (i = 0; i < n; i++)
		if (!pack_one(to, len, &changes[i]))
			return false;
	return true;
}

/* The next of packed, which borrows from it; false: there is none. */
static bool
unpack_one(struct str *packed, struct prop_change *out)
{
	struct str parts[HEAD - 1] = { { 0 } };
	struct str left = str_skip(*packed, HEAD);
	enum prop_form form;
	size_t i;

	if (packed->len < HEAD)
		return false;
	form = (enum prop_form)packed->ptr[0];
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		size_t len = (unsigned char)packed->ptr[1 + i];

		if (len > left.len)
			return false;
		parts[i] = str_head(left, len);
		left = str_skip(left, len);
	}
	*out = (struct prop_change){
		.remove = form == PROP_EMPTY,
		.prop = { .name = { parts[0], parts[1] },
		    .form = form,
		    .value = parts[2] },
	};
	*packed = left;
	return true;
}

enum err_code
props_move(struct state *s, struct db *c, struct str packed, struct err *err)
{
	enum err_code rc = ERR_OK;
	struct prop_change change;
	struct resource_id id;

	if (packed.len < sizeof(id.bytes))
		return ERR_OK;
	memcpy(id.bytes, packed.ptr, sizeof(id.bytes));
	packed = str_skip(packed, sizeof(id.bytes));
	state_filter_add(s, &id);
	while (!rc && unpack_one(&packed, &change))
		rc = change_prop(c, &id, &change, err);
	return rc;
}

/*
 * Whether the resource may have more properties, whatever is in slots: only
 * rows are counted.
 */
static bool
has_room(struct state *s, struct db *c, const struct resource_id *id)
{
	int64_t size = 0;

	if (state_may_have_props(s, id) && read_size(c, id, &size, NULL))
		return false;
	return size <=
	    (int64_t)(STORE_PROPS_MAX - (size_t)LATE_SLOTS * SLOT_TEXT);
}

bool
state_patch_is_quick(struct state *s, struct rpath path,
    const struct prop_change *changes, size_t n, bool alone)
{
	static const struct resource_id any;
	char packed[SLOT_TEXT];
	size_t len;

	return late_is_quick(s, alone) &&
	    pack(packed, &len, &any, changes, n) &&
	    path.s.len <= SLOT_TEXT - len && late_is_safe(s, true);
}

/*
 * Writes the change into a slot: its number, or 0, and it needs a transaction.
 */
static uint64_t
patch_late(struct state *s, const struct change *change,
    const struct prop_change *changes, size_t n)
{
	char packed[SLOT_TEXT];
	size_t len;
	struct db *c;
	uint64_t line = 0;

	if (change->note || !pack(packed, &len, change->made, changes, n))
		return 0;
	c = writer_lock(s);
	if (late_is_safe(s, true) && has_room(s, c, change->made)) {
		state_filter_add(s, change->made);
		line = late_add_props(s, change->path, str_of(packed, len));
	}
	conn_unlock(&c);
	return line ? line | LATE_NUMBER : 0;
}

/* ---- changes */

enum err_code
state_patch(struct state *s, const struct change *change,
    const struct prop_change *changes, size_t n, bool wait, uint64_t *intent,
    uint64_t *number, struct err *err)
{
	const struct resource_id *id = change->made;
	struct tx t;
	uint64_t seq = 0;
	uint64_t line;
	enum err_code rc;
	size_t i;

	*intent = 0;
	line = patch_late(s, change, changes, n);
	*number = wait ? line : 0;
	if (line)
		return ERR_OK;
	rc = tx_begin(s, &t, err);
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
		state_filter_add(s, id);
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
		state_filter_add(s, id);
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
		state_filter_add(s, to);
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
