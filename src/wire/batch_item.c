/* SPDX-License-Identifier: MIT */
/* One operation in JSON, put together from its members. */
#include <inttypes.h>
#include <stdio.h>

#include "http/fields.h"
#include "http/scan.h"
#include "wire/batch_impl.h"
#include "wire/json_load.h"

/* Any member that an operation may have. */
#define COMMON                                                     \
	(BATCH_MEMBER_ID | BATCH_MEMBER_OP | BATCH_MEMBER_METHOD | \
	    BATCH_MEMBER_URL | BATCH_MEMBER_HEADERS |              \
	    BATCH_MEMBER_LOCK_TOKEN | BATCH_MEMBER_KEY |           \
	    BATCH_MEMBER_DEPENDS_ON | BATCH_MEMBER_GROUP)

enum {
	BODY = BATCH_MEMBER_BODY | BATCH_MEMBER_ENCODING,
	MATCH = BATCH_MEMBER_MATCH,
	NONE_MATCH = BATCH_MEMBER_NONE_MATCH,
	TO = BATCH_MEMBER_TO | BATCH_MEMBER_OVERWRITE,
	DEPTH = BATCH_MEMBER_DEPTH,
	PROPS = BATCH_MEMBER_PROPS,
	REMOVE = BATCH_MEMBER_REMOVE,
	NEEDS_BODY = BATCH_MEMBER_NEEDS_BODY,
	NEEDS_TO = BATCH_MEMBER_NEEDS_TO,
	ANYTHING = BODY | MATCH | NONE_MATCH | TO | DEPTH,
};

static const struct op_row {
	enum batch_op op;
	struct str name;
	unsigned may;
} ops[] = {
#define OP(id, name, members) { BATCH_OP_##id, STR_INIT(name), members },
#define METHOD(name, members)
#include "wire/batch_ops.def"
#undef OP
#undef METHOD
};

static const struct op_row methods[] = {
#define OP(id, name, members)
#define METHOD(name, members) { BATCH_OP_NONE, STR_INIT(name), members },
#include "wire/batch_ops.def"
#undef OP
#undef METHOD
};

static const struct op_row other_method = { BATCH_OP_NONE, STR_INIT(""),
	ANYTHING };

static const struct op_row *
row_of(const struct op_row *rows, size_t n, struct str name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (str_eq(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* One member that is being taken. */
struct taking {
	struct batch_maker *m;
	struct batch_parser *p;
	struct str name;
	const char *nth; /* which element of it: "3"; NULL: all of it */
	struct str text; /* a string, unescaped; ptr is NULL for other values */
	const json_t *v; /* the value where it is not a string */
	struct err *err;
};

static struct batch_below
below(const struct taking *t)
{
	return batch_below(t->name, str_from_c(t->nth));
}

#define WRONG(t, ...) \
	batch_bad(    \
	    (t)->err, ERR_BAD_BODY, &(t)->m->at, below(t).text, __VA_ARGS__)

static enum err_code
take_text(const struct taking *t, struct str *out)
{
	if (!t->text.ptr)
		return WRONG(t, "no string");
	if (!t->text.len)
		return WRONG(t, "an empty string");
	if (!arena_str(t->m->arena, t->text, out))
		return err_nomem(t->err);
	return ERR_OK;
}

/* Takes text that goes into lists and logs: not too long, and on one line. */
static enum err_code
take_word(
    const struct taking *t, const char *limit, uint64_t max, struct str *out)
{
	struct str word = { 0 };
	enum err_code rc = take_text(t, &word);
	size_t i;

	if (rc)
		return rc;
	if (word.len > max)
		return WRONG(t, "%zu bytes, over the limit %s of %" PRIu64,
		    word.len, limit, max);
	for (i = 0; i < word.len; i++)
		if ((unsigned char)word.ptr[i] < ' ' || word.ptr[i] == '\x7f')
			return WRONG(t, "a control character in it");
	*out = word; /* not sooner: the answer to a bad line bears its id */
	return ERR_OK;
}

static enum err_code
take_id(const struct taking *t, struct str *out)
{
	return take_word(t, "idBytes", t->p->limits->id_bytes, out);
}

static enum err_code
take_key(const struct taking *t, struct str *out)
{
	return take_word(t, "keyBytes", t->p->limits->key_bytes, out);
}

/* Takes text that becomes the value of a header. */
static enum err_code
take_line(const struct taking *t, struct str *out)
{
	return take_word(
	    t, "operationBytes", t->p->limits->operation_bytes, out);
}

static enum err_code
take_op(const struct taking *t, struct str *out)
{
	const struct op_row *row;

	(void)out;
	if (!t->text.ptr)
		return WRONG(t, "no string");
	row = row_of(ops, ARRAY_LEN(ops), t->text);
	if (!row)
		return WRONG(t,
		    "there is no operation \"%.*s\"; \"method\" takes methods",
		    STR_ARG(str_head(t->text, 40)));
	t->m->item.op = row->op;
	return ERR_OK;
}

static enum err_code
take_method(const struct taking *t, struct str *out)
{
	enum err_code rc = take_text(t, out);

	if (!rc && !scan_is_token(*out))
		return WRONG(t, "no name of a method");
	return rc;
}

static enum err_code
take_depth(const struct taking *t, struct str *out)
{
	static const struct str values[] = { STR_INIT("0"), STR_INIT("1"),
		STR_INIT("infinity") };
	struct str s = t->text;
	size_t i;

	if (json_is_integer(t->v))
		s = json_integer_value(t->v) == 0   ? values[0]
		    : json_integer_value(t->v) == 1 ? values[1]
						    : STR("");
	for (i = 0; i < ARRAY_LEN(values); i++)
		if (str_eq_nocase(s, values[i])) {
			*out = values[i];
			return ERR_OK;
		}
	return WRONG(t, "none of \"0\", \"1\", \"infinity\"");
}

static enum err_code
take_overwrite(const struct taking *t, struct str *out)
{
	(void)out;
	if (!json_is_boolean(t->v))
		return WRONG(t, "neither true nor false");
	t->m->item.has_overwrite = true;
	t->m->item.overwrite = json_is_true(t->v);
	return ERR_OK;
}

static enum err_code
take_depends_on(const struct taking *t, struct str *out)
{
	const struct batch_limits *l = t->p->limits;
	size_t n = json_array_size(t->v);
	struct str *ids;
	size_t i;

	(void)out;
	if (!json_is_array(t->v))
		return WRONG(t, "no array");
	if (n > l->depends_on)
		return WRONG(t, "%zu ids, over the limit dependsOn of %" PRIu64,
		    n, l->depends_on);
	ids = arena_array(t->m->arena, n + 1, sizeof(*ids));
	if (!ids)
		return err_nomem(t->err);
	for (i = 0; i < n; i++) {
		struct taking one = *t;
		char nth[24];
		enum err_code rc;

		(void)snprintf(nth, sizeof(nth), "%zu", i);
		one.nth = nth;
		one.text = batch_text(json_array_get(t->v, i));
		rc = take_word(&one, "idBytes", l->id_bytes, &ids[i]);
		if (rc)
			return rc;
	}
	t->m->item.depends_on = ids;
	t->m->item.n_depends_on = n;
	return ERR_OK;
}

static enum err_code
take_encoding(const struct taking *t, struct str *out)
{
	static const struct str known[] = { STR_INIT("base64"),
		STR_INIT("text"), STR_INIT("json") };
	size_t i;

	(void)out;
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(t->text, known[i])) {
			t->m->encoding = known[i];
			return ERR_OK;
		}
	return WRONG(t, "none of \"base64\", \"text\", \"json\"");
}

/* The value as a new reference of jansson's; NULL: no memory. */
static json_t *
value_of(const struct taking *t)
{
	return t->text.ptr ? json_stringn_nocheck(t->text.ptr, t->text.len)
			   : json_incref((json_t *)(uintptr_t)t->v);
}

/* Only kept: what props mean depends on "op", which may come behind them. */
static enum err_code
take_props(const struct taking *t, struct str *out)
{
	(void)out;
	t->m->props = value_of(t);
	return t->m->props ? ERR_OK : err_nomem(t->err);
}

static enum err_code
take_remove(const struct taking *t, struct str *out)
{
	(void)out;
	t->m->remove = value_of(t);
	return t->m->remove ? ERR_OK : err_nomem(t->err);
}

#define NOWHERE offsetof(struct batch_item, body)

static const struct batch_row {
	struct str name;
	enum batch_member member;
	enum err_code (*take)(const struct taking *t, struct str *out);
	size_t to;
} rows[] = {
#define AT(field) offsetof(struct batch_item, field)
	{ STR_INIT("id"), BATCH_MEMBER_ID, take_id, AT(id) },
	{ STR_INIT("op"), BATCH_MEMBER_OP, take_op, NOWHERE },
	{ STR_INIT("method"), BATCH_MEMBER_METHOD, take_method, AT(method) },
	{ STR_INIT("url"), BATCH_MEMBER_URL, take_text, AT(url) },
	{ STR_INIT("body"), BATCH_MEMBER_BODY, NULL, NOWHERE },
	{ STR_INIT("dependsOn"), BATCH_MEMBER_DEPENDS_ON, take_depends_on,
	    NOWHERE },
	{ STR_INIT("headers"), BATCH_MEMBER_HEADERS, NULL, NOWHERE },
	{ STR_INIT("ifMatch"), BATCH_MEMBER_MATCH, take_line, AT(if_match) },
	{ STR_INIT("ifNoneMatch"), BATCH_MEMBER_NONE_MATCH, take_line,
	    AT(if_none_match) },
	{ STR_INIT("idempotencyKey"), BATCH_MEMBER_KEY, take_key,
	    AT(idempotency_key) },
	{ STR_INIT("destination"), BATCH_MEMBER_TO, take_text,
	    AT(destination) },
	{ STR_INIT("overwrite"), BATCH_MEMBER_OVERWRITE, take_overwrite,
	    NOWHERE },
	{ STR_INIT("atomicityGroup"), BATCH_MEMBER_GROUP, take_id, AT(group) },
	{ STR_INIT("lockToken"), BATCH_MEMBER_LOCK_TOKEN, take_line,
	    AT(lock_token) },
	{ STR_INIT("depth"), BATCH_MEMBER_DEPTH, take_depth, AT(depth) },
	{ STR_INIT("encoding"), BATCH_MEMBER_ENCODING, take_encoding, NOWHERE },
	{ STR_INIT("props"), BATCH_MEMBER_PROPS, take_props, NOWHERE },
	{ STR_INIT("remove"), BATCH_MEMBER_REMOVE, take_remove, NOWHERE },
#undef AT
};

bool
batch_maker_expects(struct batch_maker *m, struct str name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(rows[i].name, name)) {
			m->row = &rows[i];
			return true;
		}
	return false;
}

void
batch_maker_done(struct batch_maker *m)
{
	json_decref(m->props);
	json_decref(m->remove);
	arena_done(&m->own);
	*m = (struct batch_maker){ 0 };
}

void
batch_maker_begin(struct batch_maker *m, struct batch_parser *p,
    struct arena *arena, struct batch_place at)
{
	struct arena own = m->own;

	arena_clear(&own);
	m->own = (struct arena){ 0 };
	batch_maker_done(m);
	m->own = own;
	m->arena = arena;
	m->at = at;
	m->item.index = p->n_items;
}

enum err_code
batch_maker_fits(const struct batch_maker *m, const struct batch_parser *p,
    uint64_t n, struct err *err)
{
	if (n < p->limits->operation_bytes)
		return ERR_OK;
	return batch_bad(err, ERR_TOO_LARGE, &m->at, "",
	    "over the limit operationBytes of %" PRIu64,
	    p->limits->operation_bytes);
}

/* A body is kept as it was sent, so that no number in it loses a digit. */
static enum err_code
keep_body(struct batch_maker *m, const struct split_value *v, struct str bytes,
    struct err *err)
{
	m->body_kind = v->kind;
	m->item.has_body = true;
	if (!arena_str(m->arena, bytes, &m->body_sent))
		return err_nomem(err);
	return ERR_OK;
}

/* Sets t->text or t->v.  *v is what the caller has to release, or NULL. */
static enum err_code
load(struct taking *t, enum split_kind kind, struct str bytes, json_t **v)
{
	const char *why;
	enum err_code rc = kind == SPLIT_STRING
	    ? json_load_text(bytes, &t->p->text, &t->text, &why, t->err)
	    : json_load_value(bytes, v, &why, t->err);

	t->v = *v;
	return !rc && why ? WRONG(t, "%s", why) : rc;
}

/*
 * Takes a member other than the body.  Most operations have only strings and
 * headers, which are read without jansson.
 */
static enum err_code
take_value(struct batch_maker *m, struct batch_parser *p, enum split_kind kind,
    struct str bytes, struct err *err)
{
	const struct batch_row *row = m->row;
	bool is_headers = row->member == BATCH_MEMBER_HEADERS;
	struct taking t = { m, p, row->name, NULL, { 0 }, NULL, err };
	json_t *v = NULL;
	enum err_code rc;

	if (is_headers && kind != SPLIT_OBJECT)
		return WRONG(&t, "no object");
	if (is_headers)
		return batch_headers_read(
		    m->arena, bytes, &m->at, "/headers", &m->item.headers, err);
	rc = load(&t, kind, bytes, &v);
	if (!rc)
		rc = row->take(
		    &t, (struct str *)(void *)((char *)&m->item + row->to));
	json_decref(v);
	return rc;
}

enum err_code
batch_maker_member(struct batch_maker *m, struct batch_parser *p,
    const struct split_value *v, struct str bytes, struct err *err)
{
	m->bytes += bytes.len;
	m->seen |= m->row->member;
	if (m->row->member == BATCH_MEMBER_BODY)
		return keep_body(m, v, bytes, err);
	return take_value(m, p, v->kind, bytes, err);
}

static const struct op_row *
op_row(const struct batch_maker *m)
{
	const struct op_row *row;
	size_t i;

	for (i = 0; i < ARRAY_LEN(ops); i++)
		if (m->item.op == ops[i].op)
			return &ops[i];
	row = row_of(methods, ARRAY_LEN(methods), m->item.method);
	return row ? row : &other_method;
}

static struct str
op_name(const struct batch_maker *m)
{
	return m->item.op == BATCH_OP_NONE ? m->item.method : op_row(m)->name;
}

bool
batch_method_has_body(struct str method)
{
	const struct op_row *row = row_of(methods, ARRAY_LEN(methods), method);

	return !row || row->may & BODY;
}

static enum err_code
check_members(
    const struct batch_maker *m, const struct op_row *row, struct err *err)
{
	struct str name = op_name(m);
	unsigned wrong = m->seen & ~(COMMON | row->may);
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows) && wrong; i++)
		if (wrong & rows[i].member)
			return batch_bad(err, ERR_BAD_BODY, &m->at,
			    batch_below(rows[i].name, (struct str){ 0 }).text,
			    "means nothing to %.*s", STR_ARG(name));
	if (row->may & NEEDS_TO && !m->item.destination.ptr &&
	    !headers_has(&m->item.headers, STR("destination")))
		return batch_bad(err, ERR_BAD_BODY, &m->at, "",
		    "%.*s without a destination", STR_ARG(name));
	if (row->may & NEEDS_BODY &&
	    !(m->seen & (BATCH_MEMBER_BODY | PROPS | REMOVE)))
		return batch_bad(err, ERR_BAD_BODY, &m->at, "",
		    "%.*s without %s", STR_ARG(name),
		    row->may & PROPS ? "\"props\", \"remove\" or a body"
				     : "a body");
	return ERR_OK;
}

static enum err_code
check_form(const struct batch_maker *m, struct err *err)
{
	const unsigned both = BATCH_MEMBER_OP | BATCH_MEMBER_METHOD;

	if ((m->seen & both) == both)
		return batch_bad(err, ERR_BAD_BODY, &m->at, "",
		    "both \"op\" and \"method\"; leave one out");
	if (!(m->seen & both))
		return batch_bad(err, ERR_BAD_BODY, &m->at, "",
		    "neither \"op\" nor \"method\"");
	if (!m->item.url.ptr)
		return batch_bad(err, ERR_BAD_BODY, &m->at, "", "no \"url\"");
	return check_members(m, op_row(m), err);
}

/* The key may be given as a header as well. */
static enum err_code
take_header_key(
    struct batch_maker *m, const struct batch_parser *p, struct err *err)
{
	static const char below[] = "/headers/idempotency-key";
	struct str *key = &m->item.idempotency_key;
	struct err why = { 0 };

	if (key->ptr || !headers_has(&m->item.headers, STR("idempotency-key")))
		return ERR_OK;
	if (idempotency_key_parse(&m->item.headers, key, &why))
		return batch_bad(
		    err, ERR_BAD_BODY, &m->at, below, "%s", why.tell);
	if (key->len > p->limits->key_bytes)
		return batch_bad(err, ERR_BAD_BODY, &m->at, below,
		    "%zu bytes; the limit keyBytes is %" PRIu64, key->len,
		    p->limits->key_bytes);
	return ERR_OK;
}

static enum err_code
make_props(struct batch_maker *m, struct batch_parser *p, struct err *err)
{
	bool find = m->item.op == BATCH_OP_PROPFIND ||
	    str_eq(m->item.method, STR("PROPFIND"));
	enum err_code rc = batch_props_make(m, p, find, err);

	return rc ? rc : batch_print_props(m, p, err);
}

/* Makes the body of "body", or of the members that stand for it. */
static enum err_code
make_body(struct batch_maker *m, struct batch_parser *p, struct err *err)
{
	if (m->props || m->remove)
		return make_props(m, p, err);
	if (m->seen & BATCH_MEMBER_ENCODING && !m->item.has_body)
		return batch_bad(
		    err, ERR_BAD_BODY, &m->at, "/encoding", "there is no body");
	return m->item.has_body ? batch_body_make(m, p, err) : ERR_OK;
}

enum err_code
batch_maker_end(struct batch_maker *m, struct batch_parser *p, struct err *err)
{
	enum err_code rc = check_form(m, err);

	if (!rc)
		rc = batch_shorts_check(&m->item, &m->at, err);
	if (!rc)
		rc = take_header_key(m, p, err);
	if (!rc)
		rc = make_body(m, p, err);
	if (!rc && !m->item.id.ptr)
		rc = batch_default_id(p, m->arena, m->item.index, &m->item.id)
		    ? err_nomem(err)
		    : ERR_OK;
	return rc;
}
