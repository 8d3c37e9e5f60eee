/* SPDX-License-Identifier: MIT */
/*
 * HTTP archives (HAR 1.2): the entries whose status is 207.  An entry is kept
 * until it ends, because what says how its body is encoded may stand behind it;
 * of the others nothing but a few numbers is.
 */
#include <nettle/base64.h>
#include <stdlib.h>

#include "wire/json_split.h"
#include "wire/saved_impl.h"

/* Most bytes of an entry's body, as it is in the archive, and of its fields. */
#define MOST_BODY ((size_t)256 * 1024 * 1024)
#define MOST_FIELDS ((size_t)1024 * 1024)

#define DEPTH 512

/* Where a value is. */
enum place {
	AT_NOWHERE = 0,
	AT_ARCHIVE,
	AT_LOG,
	AT_ENTRIES,
	AT_ENTRY,
	AT_REQUEST,
	AT_RESPONSE,
	AT_HEADERS,
	AT_HEADER,
	AT_CONTENT,
	/* What is kept of an entry. */
	AT_METHOD,
	AT_URL,
	AT_STATUS,
	AT_NAME,
	AT_VALUE,
	AT_SIZE,
	AT_MEDIA_TYPE,
	AT_ENCODING,
	AT_TEXT,
	PLACES
};

/* name is NULL for each element of an array. */
static const struct {
	enum place in;
	const char *name;
	enum split_kind kind;
	enum place at;
} places[] = {
	{ AT_ARCHIVE, "log", SPLIT_OBJECT, AT_LOG },
	{ AT_LOG, "entries", SPLIT_ARRAY, AT_ENTRIES },
	{ AT_ENTRIES, NULL, SPLIT_OBJECT, AT_ENTRY },
	{ AT_ENTRY, "request", SPLIT_OBJECT, AT_REQUEST },
	{ AT_ENTRY, "response", SPLIT_OBJECT, AT_RESPONSE },
	{ AT_REQUEST, "method", SPLIT_STRING, AT_METHOD },
	{ AT_REQUEST, "url", SPLIT_STRING, AT_URL },
	{ AT_RESPONSE, "status", SPLIT_NUMBER, AT_STATUS },
	{ AT_RESPONSE, "headers", SPLIT_ARRAY, AT_HEADERS },
	{ AT_RESPONSE, "content", SPLIT_OBJECT, AT_CONTENT },
	{ AT_HEADERS, NULL, SPLIT_OBJECT, AT_HEADER },
	{ AT_HEADER, "name", SPLIT_STRING, AT_NAME },
	{ AT_HEADER, "value", SPLIT_STRING, AT_VALUE },
	{ AT_CONTENT, "size", SPLIT_NUMBER, AT_SIZE },
	{ AT_CONTENT, "mimeType", SPLIT_STRING, AT_MEDIA_TYPE },
	{ AT_CONTENT, "encoding", SPLIT_STRING, AT_ENCODING },
	{ AT_CONTENT, "text", SPLIT_STRING, AT_TEXT },
};

/* A header field, in the arena. */
struct field {
	struct header header;
	struct field *next;
};

struct har {
	struct saved_form base;
	struct json_split *split;
	enum place at[SPLIT_MAX_ENTERED];
	enum place reading; /* the string or number that is being read */
	bool any; /* an answer was found */

	/* What is known of the current entry. */
	bool in_entry;
	struct arena arena;
	struct buf value; /* the string that is being read, unless the text */
	struct str strings[PLACES];
	uint64_t status, size;
	bool has_size, has_text;
	struct buf text;
	struct header field;
	struct field *fields, **end;
	size_t n_fields;
	size_t kept; /* bytes in the arena */
};

static void
forget_entry(struct har *h)
{
	arena_clear(&h->arena);
	buf_clear(&h->text);
	memset(h->strings, 0, sizeof(h->strings));
	h->status = 0;
	h->has_size = false;
	h->has_text = false;
	h->fields = NULL;
	h->end = &h->fields;
	h->n_fields = 0;
	h->kept = 0;
}

static enum place
place_of(const struct har *h, const struct split_value *v)
{
	enum place in = v->depth ? h->at[v->depth - 1] : AT_NOWHERE;
	size_t i;

	if (!v->depth)
		return AT_ARCHIVE;
	for (i = 0; i < ARRAY_LEN(places); i++)
		if (places[i].in == in && places[i].kind == v->kind &&
		    (!places[i].name ||
			str_eq(v->name, str_from_c(places[i].name))))
			return places[i].at;
	return AT_NOWHERE;
}

static enum err_code
on_begin(void *arg, const struct split_value *v, enum split_way *way,
    struct err *err)
{
	struct har *h = arg;
	enum place at = place_of(h, v);

	(void)err;
	if (at == AT_NOWHERE ||
	    (at == AT_TEXT && h->status && h->status != 207))
		return ERR_OK;
	if (v->kind == SPLIT_NUMBER) {
		*way = SPLIT_TAKE;
	} else if (v->kind == SPLIT_STRING) {
		*way = SPLIT_TEXT;
		h->has_text = h->has_text || at == AT_TEXT;
		buf_clear(&h->value);
	} else if (v->depth < SPLIT_MAX_ENTERED) {
		*way = SPLIT_ENTER;
		h->at[v->depth] = at;
	}
	h->reading = at;
	if (at == AT_ENTRY)
		forget_entry(h);
	if (at == AT_ENTRY)
		h->in_entry = true;
	if (at == AT_HEADER)
		h->field = (struct header){ 0 };
	return ERR_OK;
}

static enum err_code
on_take(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	struct har *h = arg;
	uint64_t n;

	(void)v;
	(void)err;
	if (!str_to_u64(bytes, &n)) /* -1: not known */
		return ERR_OK;
	if (h->reading == AT_STATUS) {
		h->status = n;
	} else {
		h->size = n;
		h->has_size = true;
	}
	return ERR_OK;
}

static enum err_code
on_text(
    void *arg, const struct split_value *v, struct str piece, struct err *err)
{
	struct har *h = arg;
	struct buf *to = h->reading == AT_TEXT ? &h->text : &h->value;

	(void)v;
	buf_put(to, piece);
	if (buf_failed(to) == ERR_TOO_LARGE)
		return err_tell(
		    err, ERR_TOO_LARGE, "a string of over %zu bytes", to->max);
	return buf_failed(to) ? err_nomem(err) : ERR_OK;
}

/* Copies s to the arena; ERR_TOO_LARGE where an entry has too much there. */
static enum err_code
keep(struct har *h, struct str s, struct str *out, struct err *err)
{
	h->kept += s.len + sizeof(struct field);
	if (h->kept > MOST_FIELDS)
		return err_tell(err, ERR_TOO_LARGE,
		    "header fields of over %zu bytes", MOST_FIELDS);
	return arena_str(&h->arena, s, out) ? ERR_OK : err_nomem(err);
}

static enum err_code
keep_field(struct har *h, struct err *err)
{
	struct field *f;

	if (!h->field.name.len)
		return ERR_OK;
	f = ARENA_NEW(&h->arena, struct field);
	if (!f)
		return err_nomem(err);
	f->header = h->field;
	f->header.value = str_trim(f->header.value);
	*h->end = f;
	h->end = &f->next;
	h->n_fields++;
	return ERR_OK;
}

static enum err_code
end_string(struct har *h, struct err *err)
{
	struct str s = buf_str(&h->value);

	if (h->reading == AT_TEXT)
		return ERR_OK;
	if (h->reading == AT_NAME)
		return keep(h, s, &h->field.name, err);
	if (h->reading == AT_VALUE)
		return keep(h, s, &h->field.value, err);
	return keep(h, s, &h->strings[h->reading], err);
}

static enum err_code
fill_head(struct har *h, struct answer_head *head, struct err *err)
{
	struct header *v = arena_array(&h->arena, h->n_fields, sizeof(*v));
	const struct field *f;

	if (!v)
		return err_nomem(err);
	*head = (struct answer_head){
		.status = (unsigned)h->status,
		.method = h->strings[AT_METHOD],
		.url = h->strings[AT_URL],
		.fields = { .v = v, .n = h->n_fields },
	};
	for (f = h->fields; f; f = f->next)
		*v++ = f->header;
	if (headers_one(&head->fields, STR("content-type"), &head->content_type,
		NULL) ||
	    !head->content_type.len)
		head->content_type = h->strings[AT_MEDIA_TYPE];
	return ERR_OK;
}

/* Hands on a body in base64, up to where it is none; adds its bytes to *n. */
static enum err_code
put_base64(struct har *h, uint64_t *n, bool *cut, struct err *err)
{
	struct base64_decode_ctx ctx;
	struct str rest = buf_str(&h->text);
	enum err_code rc = ERR_OK;
	uint8_t piece[BASE64_DECODE_LENGTH(4096)];

	base64_decode_init(&ctx);
	while (rest.len && !rc) {
		struct str some = str_head(rest, 4096);
		size_t got = sizeof(piece);

		if (!base64_decode_update(
			&ctx, &got, piece, some.len, some.ptr)) {
			*cut = true;
			return ERR_OK;
		}
		rest = str_skip(rest, some.len);
		*n += got;
		if (got)
			rc = h->base.events->body(
			    h->base.arg, str_of((const char *)piece, got), err);
	}
	if (!base64_decode_final(&ctx))
		*cut = true;
	return rc;
}

/*
 * Hands on the body.  *cut: there is less of it than its size says, since
 * browsers leave out what they no longer have, and cut what is long.
 */
static enum err_code
put_body(struct har *h, bool *cut, struct err *err)
{
	uint64_t n = 0;
	enum err_code rc = ERR_OK;

	if (str_eq_nocase(h->strings[AT_ENCODING], STR("base64"))) {
		rc = put_base64(h, &n, cut, err);
	} else {
		n = h->text.len;
		if (n)
			rc = h->base.events->body(
			    h->base.arg, buf_str(&h->text), err);
	}
	if (h->has_size ? n < h->size : !h->has_text)
		*cut = true;
	return rc;
}

static enum err_code
put_entry(struct har *h, bool cut, struct err *err)
{
	struct answer_head head;
	enum err_code rc;

	h->in_entry = false;
	if (h->status != 207)
		return ERR_OK;
	h->any = true;
	rc = fill_head(h, &head, err);
	if (!rc)
		rc = h->base.events->begin(h->base.arg, &head, err);
	if (!rc)
		rc = put_body(h, &cut, err);
	return rc ? rc : h->base.events->end(h->base.arg, cut, err);
}

static enum err_code
on_end(void *arg, const struct split_value *v, struct err *err)
{
	struct har *h = arg;

	if (v->kind == SPLIT_STRING)
		return end_string(h, err);
	if (h->at[v->depth] == AT_HEADER)
		return keep_field(h, err);
	if (h->at[v->depth] == AT_ENTRY)
		return put_entry(h, false, err);
	return ERR_OK;
}

static const struct split_events har_events = {
	.begin = on_begin,
	.take = on_take,
	.text = on_text,
	.end = on_end,
};

static struct har *
har_of(struct saved_form *f)
{
	return CONTAINER_OF(f, struct har, base);
}

static enum err_code
har_feed(struct saved_form *f, struct str bytes, struct err *err)
{
	return json_split_feed(har_of(f)->split, bytes, err);
}

static enum err_code
har_end(struct saved_form *f, struct err *err)
{
	struct har *h = har_of(f);
	struct err e = { 0 };
	enum err_code rc = json_split_end(h->split, &e);

	if (rc == ERR_CUT_SHORT && h->in_entry) {
		enum err_code put = put_entry(h, true, err);

		if (put)
			return put;
	}
	if (rc && err)
		*err = e;
	if (!rc && !h->any)
		return err_tell(err, ERR_BAD_ANSWER,
		    "there is no answer with status 207 in the archive");
	return rc;
}

static void
har_free(struct saved_form *f)
{
	struct har *h = har_of(f);

	json_split_free(h->split);
	arena_done(&h->arena);
	buf_done(&h->value);
	buf_done(&h->text);
	free(h);
}

static const struct saved_form_ops har_ops = {
	.name = "HTTP archive",
	.feed = har_feed,
	.end = har_end,
	.free = har_free,
};

enum err_code
saved_har_new(const struct saved_events *events, void *arg,
    struct saved_form **out, struct err *err)
{
	static const struct split_limits limits = {
		.take = 64, /* a number */
		.depth = DEPTH,
	};
	struct har *h = calloc(1, sizeof(*h));
	enum err_code rc;

	if (!h)
		return err_nomem(err);
	h->base = (struct saved_form){ &har_ops, events, arg };
	h->value.max = MOST_FIELDS;
	h->text.max = MOST_BODY;
	forget_entry(h);
	rc = json_split_new(&limits, &har_events, h, &h->split, err);
	if (rc) {
		free(h);
		return rc;
	}
	*out = &h->base;
	return ERR_OK;
}
