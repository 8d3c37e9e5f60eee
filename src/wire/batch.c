/* SPDX-License-Identifier: MIT */
#include "wire/batch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/scan.h"
#include "wire/batch_impl.h"
#include "wire/boundary_split.h"
#include "wire/json_load.h"

#define FIRST_CAP ((size_t)16)
/* A block of a window's arena: some hundred bytes leave little of it unused. */
#define WINDOW_BLOCK ((size_t)16 * 1024)

const struct batch_limits batch_limits_default = {
#define LIMIT(field, name, value, doc) .field = (value),
#include "wire/batch_limits.def"
#undef LIMIT
};

static const struct batch_form_ops *const forms[] = {
	[BATCH_JSON] = &batch_json_form,
	[BATCH_LINES] = &batch_lines_form,
	[BATCH_MULTIPART] = &batch_parts_form,
};

static const struct {
	struct str type;
	enum batch_form form;
} types[] = {
	{ STR_INIT("application/json"), BATCH_JSON },
	{ STR_INIT("application/x-ndjson"), BATCH_LINES },
	{ STR_INIT("application/ndjson"), BATCH_LINES },
	{ STR_INIT("application/jsonl"), BATCH_LINES },
	{ STR_INIT("application/json-seq"), BATCH_LINES },
	{ STR_INIT("multipart/mixed"), BATCH_MULTIPART },
};

static struct str
find_boundary(struct str params)
{
	struct str piece, name, value;

	while (scan_cut(&params, ';', &piece))
		if (scan_pair(piece, &name, &value) &&
		    str_eq_nocase(name, STR("boundary")) &&
		    scan_unquote(&value))
			return value;
	return STR("");
}

bool
batch_form_of(
    struct str content_type, enum batch_form *form, struct str *boundary)
{
	struct str rest = content_type;
	struct str type;
	size_t i;

	*boundary = STR("");
	if (!content_type.ptr || !scan_cut(&rest, ';', &type))
		return false;
	for (i = 0; i < ARRAY_LEN(types); i++) {
		if (!str_eq_nocase(type, types[i].type))
			continue;
		*form = types[i].form;
		if (*form == BATCH_MULTIPART && rest.ptr)
			*boundary = find_boundary(rest);
		return true;
	}
	return false;
}

void
batch_window_clear(struct batch_window *w)
{
	arena_clear(&w->arena);
	w->n = 0;
	w->bytes = 0;
}

static void
batch_window_done(struct batch_window *w)
{
	arena_done(&w->arena);
	free(w->v);
	*w = (struct batch_window){ 0 };
}

static enum err_code
check_boundary(enum batch_form form, struct str boundary, struct err *err)
{
	size_t i;

	if (form != BATCH_MULTIPART)
		return ERR_OK;
	if (!boundary.len)
		return err_tell(err, ERR_BAD_BODY,
		    "multipart/mixed without a boundary in Content-Type");
	if (boundary.len > BOUNDARY_MAX)
		return err_tell(err, ERR_BAD_BODY,
		    "the boundary is over %d characters", BOUNDARY_MAX);
	for (i = 0; i < boundary.len; i++)
		if (boundary.ptr[i] < ' ' || boundary.ptr[i] > '~')
			return err_tell(err, ERR_BAD_BODY,
			    "the boundary has bytes that none may have");
	return ERR_OK;
}

enum err_code
batch_parser_new(enum batch_form form, struct str boundary,
    const struct batch_limits *limits, const struct batch_big *big,
    struct batch_parser **out, struct err *err)
{
	enum err_code rc = check_boundary(form, boundary, err);
	struct batch_parser *p;

	if (rc)
		return rc;
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_nomem(err);
	p->ops = forms[form];
	p->limits = limits;
	if (big)
		p->big = *big;
	p->window.arena.block = WINDOW_BLOCK;
	sha256_init(&p->sha);
	if (!arena_str(&p->head_arena, boundary, &p->boundary)) {
		batch_parser_free(p);
		return err_nomem(err);
	}
	*out = p;
	return ERR_OK;
}

void
batch_parser_free(struct batch_parser *p)
{
	if (!p)
		return;
	p->ops->free(p);
	batch_window_done(&p->window);
	arena_done(&p->head_arena);
	buf_done(&p->head_canonical);
	buf_done(&p->text);
	free(p);
}

static enum err_code
stick(struct batch_parser *p, enum err_code rc, struct err *err)
{
	if (rc && !p->failed.code)
		p->failed.code = rc;
	if (rc && err)
		*err = p->failed;
	return rc;
}

enum err_code
batch_parser_feed(struct batch_parser *p, struct str bytes, struct err *err)
{
	enum err_code rc = p->failed.code;

	if (!rc)
		rc = p->ops->feed(p, bytes, &p->failed);
	return stick(p, rc, err);
}

enum err_code
batch_parser_end(struct batch_parser *p, struct err *err)
{
	enum err_code rc = p->failed.code;

	if (!rc)
		rc = p->ops->end(p, &p->failed);
	if (!rc && !p->n_items)
		rc = err_tell(
		    &p->failed, ERR_BAD_BODY, "there are no operations in it");
	if (!rc)
		batch_print_end(p);
	return stick(p, rc, err);
}

const struct batch_head *
batch_parser_head(const struct batch_parser *p)
{
	return &p->head;
}

struct batch_window *
batch_parser_window(struct batch_parser *p)
{
	return &p->window;
}

/*
 * Whether the batch is read whole before any of it is carried out: JSON, and
 * the modes that need it.  Other limits apply then than to a stream.
 */
static bool
batch_is_whole(const struct batch_parser *p)
{
	return p->ops == &batch_json_form || p->head.mode != BATCH_INDEPENDENT;
}

/* A window does not end within a group, unless the group is too long anyway. */
bool
batch_parser_is_full(const struct batch_parser *p)
{
	const struct batch_window *w = &p->window;

	if (batch_is_whole(p) || !w->n)
		return false;
	if (w->n >= p->limits->window + p->limits->group_operations)
		return true;
	return (w->n >= p->limits->window ||
		   w->bytes >= p->limits->window_bytes) &&
	    !w->v[w->n - 1].group.len;
}

void
batch_parser_keep_prints(struct batch_parser *p, enum batch_prints prints)
{
	p->prints = prints;
}

struct str
batch_parser_print(const struct batch_parser *p)
{
	assert(p->prints == BATCH_PRINTS_ALL);
	return str_of(p->print, sizeof(p->print));
}

enum err_code
batch_count_item(struct batch_parser *p, struct err *err)
{
	bool whole = batch_is_whole(p);
	uint64_t max =
	    whole ? p->limits->operations : p->limits->stream_operations;

	if (p->n_items < max)
		return ERR_OK;
	return err_tell(err, ERR_TOO_LARGE,
	    "over the limit %s of %" PRIu64 ": send it in several",
	    whole ? "operations" : "streamOperations", max);
}

enum err_code
batch_count_bytes(struct batch_parser *p, size_t n, struct err *err)
{
	p->n_bytes += n;
	if (!batch_is_whole(p) || p->n_bytes <= p->limits->json_bytes)
		return ERR_OK;
	return err_tell(err, ERR_TOO_LARGE,
	    "over the limit jsonBytes of %" PRIu64 ": send it in several",
	    p->limits->json_bytes);
}

enum err_code
batch_split_new(struct batch_parser *p, const struct split_events *events,
    struct json_split **out, struct err *err)
{
	const struct split_limits limits = {
		.take = (size_t)p->limits->operation_bytes,
		.depth = (unsigned)p->limits->depth,
	};

	return json_split_new(&limits, events, p, out, err);
}

static bool
grow(struct batch_window *w)
{
	size_t cap = w->cap ? w->cap * 2 : FIRST_CAP;
	struct batch_item *more;

	if (w->n < w->cap)
		return true;
	more = reallocarray(w->v, cap, sizeof(*more));
	if (!more)
		return false;
	w->v = more;
	w->cap = cap;
	return true;
}

static bool
copy_texts(struct arena *a, struct batch_item *it)
{
	struct str *const texts[] = { &it->id, &it->method, &it->url,
		&it->destination, &it->if_match, &it->if_none_match,
		&it->lock_token, &it->depth, &it->idempotency_key, &it->group,
		&it->body_print, &it->body_sum };
	size_t i;

	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i]->ptr && !arena_str(a, *texts[i], texts[i]))
			return false;
	return true;
}

/* A body that is part of body_sent becomes part of the copy of that. */
static bool
copy_body(struct arena *a, struct batch_item *it)
{
	struct str *sent = &it->body_sent;
	bool inside = sent->ptr && it->body.ptr == sent->ptr + 1;

	if (sent->ptr && !arena_str(a, *sent, sent))
		return false;
	if (inside)
		it->body.ptr = sent->ptr + 1;
	return inside || !it->body.ptr || arena_str(a, it->body, &it->body);
}

/* Copies all that *it points to, but for body_type, which is a literal. */
static bool
copy_item(struct arena *a, struct batch_item *it)
{
	struct str *ids = arena_array(a, it->n_depends_on + 1, sizeof(*ids));
	struct header *v = arena_array(a, it->headers.n + 1, sizeof(*v));
	bool ok = ids && v && copy_texts(a, it) && copy_body(a, it);
	size_t i;

	for (i = 0; i < it->n_depends_on && ok; i++)
		ok = arena_str(a, it->depends_on[i], &ids[i]);
	for (i = 0; i < it->headers.n && ok; i++)
		ok = arena_str(a, it->headers.v[i].name, &v[i].name) &&
		    arena_str(a, it->headers.v[i].value, &v[i].value);
	it->depends_on = ids;
	it->headers.v = v;
	if (it->bad && ok) {
		struct err *bad = ARENA_NEW(a, struct err);

		ok = bad != NULL;
		if (ok)
			*bad = *it->bad;
		it->bad = bad;
	}
	return ok;
}

enum err_code
batch_put(struct batch_parser *p, const struct batch_item *item, size_t bytes,
    struct err *err)
{
	struct batch_item copy = *item;

	return copy_item(&p->window.arena, &copy)
	    ? batch_put_own(p, &copy, bytes, err)
	    : err_nomem(err);
}

enum err_code
batch_put_own(struct batch_parser *p, const struct batch_item *item,
    size_t bytes, struct err *err)
{
	struct batch_window *w = &p->window;
	enum err_code rc;

	if (!grow(w))
		return err_nomem(err);
	w->v[w->n] = *item;
	rc = batch_print_sum(p, &w->arena, &w->v[w->n], err);
	if (!rc)
		rc = batch_print(p, &w->v[w->n], err);
	if (rc)
		return rc;
	w->n++;
	w->bytes += bytes;
	p->n_items++;
	return ERR_OK;
}

enum err_code
batch_default_id(
    struct batch_parser *p, struct arena *a, uint64_t index, struct str *id)
{
	struct buf *b = &p->text;

	buf_clear(b);
	buf_put_u64(b, index);
	if (buf_failed(b) || !arena_str(a, buf_str(b), id))
		return ERR_NOMEM;
	return ERR_OK;
}

struct batch_place_text
batch_place_text(const struct batch_place *at)
{
	struct batch_place_text out = { "" };

	switch (at->of) {
	case PLACE_WHOLE:
		break;
	case PLACE_OPERATION:
		(void)snprintf(out.text, sizeof(out.text),
		    "/operations/%" PRIu64, at->number);
		break;
	case PLACE_LINE:
		(void)snprintf(out.text, sizeof(out.text), "line %" PRIu64 ": ",
		    at->number);
		break;
	case PLACE_PART:
		(void)snprintf(out.text, sizeof(out.text), "part %" PRIu64 ": ",
		    at->number);
		break;
	}
	return out;
}

enum err_code
batch_bad(struct err *err, enum err_code code, const struct batch_place *at,
    const char *below, const char *why, ...)
{
	struct batch_place_text place;
	char text[sizeof(err->tell)];
	va_list args;

	va_start(args, why);
	(void)vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	place = batch_place_text(at);
	return err_tell(err, code, "%s%s%s%s", place.text, below,
	    *below || at->of == PLACE_OPERATION ? ": " : "", text);
}

enum err_code
batch_tell_split(const struct batch_parser *p, enum err_code rc, struct str at,
    const struct err *said, struct err *err)
{
	bool depth = strstr(said->tell, "nested") != NULL;

	if (rc != ERR_TOO_LARGE)
		return err_tell(
		    err, ERR_BAD_BODY, "%.*s%.150s", STR_ARG(at), said->tell);
	if (depth)
		return err_tell(err, rc, "%.*s%.100s, the limit jsonDepth",
		    STR_ARG(at), said->tell);
	/* No line and column: where it is noticed depends on the pieces. */
	return err_tell(err, rc,
	    "%.*sover the limit operationBytes of %" PRIu64, STR_ARG(at),
	    p->limits->operation_bytes);
}

static void
put_token(struct batch_below *b, size_t *n, struct str s)
{
	size_t i;

	for (i = 0; i < s.len && *n + 3 < sizeof(b->text); i++) {
		char c = s.ptr[i];

		if (c == '~' || c == '/') {
			b->text[(*n)++] = '~';
			c = c == '~' ? '0' : '1';
		}
		b->text[(*n)++] = c;
	}
}

struct batch_below
batch_below(struct str a, struct str b)
{
	struct batch_below out = { { '/' } };
	size_t n = 1;

	put_token(&out, &n, a);
	if (b.ptr && n + 3 < sizeof(out.text)) {
		out.text[n++] = '/';
		put_token(&out, &n, b);
	}
	return out;
}

/* `above` is a JSON pointer already; `name` is appended to it. */
struct batch_below
batch_below_in(const char *above, struct str name)
{
	struct batch_below out = { { 0 } };
	size_t n = strnlen(above, sizeof(out.text) - 3);

	memcpy(out.text, above, n);
	out.text[n++] = '/';
	put_token(&out, &n, name);
	return out;
}

struct batch_below
batch_below_nth(struct str a, size_t nth)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%zu", nth);
	return batch_below(a, str_from_c(number));
}

enum err_code
batch_load(struct str bytes, json_t **out, const struct batch_place *at,
    const char *below, struct err *err)
{
	const char *why;
	enum err_code rc = json_load_value(bytes, out, &why, err);

	if (!rc && !*out)
		return batch_bad(err, ERR_BAD_BODY, at, below, "%s", why);
	return rc;
}
