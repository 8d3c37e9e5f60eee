/* SPDX-License-Identifier: MIT */
/*
 * DAV:multistatus (RFC 4918 s13, s14), a DAV:response at a time.  What is held
 * is one response; it is put when its end tag has come.  docs/design/reading.md
 * says what is made of an answer that is not as it should be.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "wire/dav_body_impl.h"
#include "wire/reader_impl.h"
#include "wire/told.h"
#include "wire/value_read.h"
#include "wire/xml_response.h"

/* How many times more may be kept of a response than was sent: capture.h. */
#define GROWTH ((size_t)4)

/* What an element is, by its name and where it stands. */
enum part {
	PART_MULTISTATUS = 1,
	PART_WHOLE_TEXT, /* DAV:responsedescription of the whole */
	PART_SYNC_TOKEN,
	PART_RESPONSE,
	PART_HREF,
	PART_STATUS,
	PART_ERROR,
	PART_FIELD, /* text that is kept as it is */
	PART_FLAG, /* it counts that it is there */
	PART_LOCATION,
	PART_PROPSTAT,
	PART_PROP,
	PART_PROPERTY,
};

/* Bytes that are parsed before the limits are checked again. */
#define PIECE ((size_t)65536)

/* Elements with a part are less deep than this. */
#define MAX_DEPTH 5

/* Most bytes of a text about the whole answer that are kept. */
#define MAX_WHOLE ((size_t)1024)

struct xml_reader {
	struct reader_form base;
	struct xml *xml;
	const struct row *path[MAX_DEPTH]; /* the rows of the open elements */
	unsigned ignored; /* 1 + the depth of an ignored element; 0: none */
	bool error_root; /* the root is DAV:error, not DAV:multistatus */
	bool in_text; /* in an element whose text counts: */
	struct buf text;
	struct value_reader value; /* of a property, or DAV:error */
	struct prop *prop; /* the property whose value that is */
	struct xml_response response;
	unsigned long began; /* xml_offset() at the response's beginning */
	bool in_response;
};

/*
 * An element in `in` means `part`.  ours: its namespace is urn:sheaf:, else
 * DAV:.  to: the offset of the reader's member that it fills, or 0.
 */
struct row {
	enum part in;
	bool ours;
	struct str name;
	enum part part;
	size_t to;
};

#define TO(member) offsetof(struct xml_reader, member)

static const struct row rows[] = {
	/* in, ours, name, part, to */
	{ PART_RESPONSE, false, STR_INIT("href"), PART_HREF, 0 },
	{ PART_RESPONSE, false, STR_INIT("propstat"), PART_PROPSTAT, 0 },
	{ PART_RESPONSE, false, STR_INIT("status"), PART_STATUS,
	    TO(response.status) },
	{ PART_RESPONSE, false, STR_INIT("error"), PART_ERROR,
	    TO(response.told.error) },
	{ PART_RESPONSE, false, STR_INIT("responsedescription"), PART_FIELD,
	    TO(response.tell) },
	{ PART_RESPONSE, false, STR_INIT("location"), PART_LOCATION, 0 },
	{ PART_LOCATION, false, STR_INIT("href"), PART_FIELD,
	    TO(response.told.location) },
	{ PART_PROPSTAT, false, STR_INIT("prop"), PART_PROP, 0 },
	{ PART_PROPSTAT, false, STR_INIT("status"), PART_STATUS,
	    TO(response.set_status) },
	{ PART_PROPSTAT, false, STR_INIT("error"), PART_ERROR,
	    TO(response.set.error) },
	{ PART_PROPSTAT, false, STR_INIT("responsedescription"), PART_FIELD,
	    TO(response.set.tell) },
	{ PART_MULTISTATUS, false, STR_INIT("response"), PART_RESPONSE, 0 },
	{ PART_MULTISTATUS, false, STR_INIT("responsedescription"),
	    PART_WHOLE_TEXT, 0 },
	{ PART_MULTISTATUS, false, STR_INIT("sync-token"), PART_SYNC_TOKEN, 0 },
	/* What our writer keeps of other forms. */
	{ PART_RESPONSE, true, STR_INIT("id"), PART_FIELD,
	    TO(response.told.id) },
	{ PART_RESPONSE, true, STR_INIT("op"), PART_FIELD,
	    TO(response.told.op) },
	{ PART_RESPONSE, true, STR_INIT("retry-after"), PART_FIELD,
	    TO(response.told.retry_after) },
	{ PART_RESPONSE, true, STR_INIT("caused-by"), PART_FIELD,
	    TO(response.told.caused_by) },
	{ PART_RESPONSE, true, STR_INIT("problem-type"), PART_FIELD,
	    TO(response.told.problem_type) },
	{ PART_RESPONSE, true, STR_INIT("partial"), PART_FLAG,
	    TO(response.told.partial) },
	{ PART_RESPONSE, true, STR_INIT("unknown"), PART_FLAG,
	    TO(response.unknown) },
	{ PART_PROPSTAT, true, STR_INIT("unknown"), PART_FLAG,
	    TO(response.set_unknown) },
};

static const struct row root_row = { .part = PART_MULTISTATUS };
static const struct row property_row = { .part = PART_PROPERTY };

static struct xml_reader *
of(struct reader_form *f)
{
	return CONTAINER_OF(f, struct xml_reader, base);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Without XML's white space at both ends. */
static struct str
trim(struct str s)
{
	while (s.len && is_space(s.ptr[0]))
		s = str_skip(s, 1);
	while (s.len && is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

/*
 * The limit of an item is checked when it ends, and after each piece, so that a
 * response that never ends is not held.
 */
static enum err_code
within_item(const struct xml_reader *r, struct err *err)
{
	size_t most = r->base.reader->limits.item;

	if (!r->in_response || xml_offset(r->xml) - r->began <= most)
		return ERR_OK;
	return err_tell(err, ERR_TOO_LARGE, "a response over %zu bytes", most);
}

/* ---- elements */

/* NULL: the element is unknown, and is ignored with all in it (s17). */
static const struct row *
find_row(enum part in, const struct xml_name *name)
{
	bool ours = str_eq(name->name.ns, SHEAF_NS);
	size_t i;

	if (in == PART_PROP)
		return &property_row;
	if (!ours && !str_eq(name->name.ns, DAV_NS))
		return NULL;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].in == in && rows[i].ours == ours &&
		    str_eq(rows[i].name, name->name.local))
			return &rows[i];
	return NULL;
}

/* A name for a message; one that may not be shown is left out. */
static struct str
showable(struct str name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (name.ptr[i] < '!' || name.ptr[i] > '~')
			return STR("...");
	return str_head(name, 60);
}

static enum err_code
open_root(struct xml_reader *r, const struct xml_name *name, struct err *err)
{
	if (is_dav(name, STR("multistatus"))) {
		r->path[0] = &root_row;
		return ERR_OK;
	}
	if (is_dav(name, STR("error"))) {
		r->error_root = true; /* its child says which error */
		return ERR_OK;
	}
	return err_tell(err, ERR_BAD_ANSWER,
	    "the root is {%.*s}%.*s, not {DAV:}multistatus",
	    STR_ARG(showable(name->name.ns)),
	    STR_ARG(showable(name->name.local)));
}

static enum err_code
begin_property(
    struct xml_reader *r, const struct xml_element *e, struct err *err)
{
	struct xml_response *to = &r->response;
	enum err_code rc = xml_response_prop(to, e->name.name, &r->prop, err);

	if (rc)
		return rc;
	return value_begin(&r->value, &to->arena, r->prop->name, e, err);
}

static void
begin_response(struct xml_reader *r)
{
	struct xml_place at = xml_place(r->xml);

	xml_response_begin(&r->response, at.line, at.column);
	r->began = xml_offset(r->xml);
	r->in_response = true;
}

static bool
has_text(enum part part)
{
	return part == PART_HREF || part == PART_STATUS || part == PART_FIELD ||
	    part == PART_WHOLE_TEXT || part == PART_SYNC_TOKEN;
}

static enum err_code
begin_part(struct xml_reader *r, enum part part, const struct xml_element *e,
    struct err *err)
{
	buf_clear(&r->text);
	r->in_text = has_text(part);
	if (part == PART_RESPONSE)
		begin_response(r);
	if (part == PART_PROPSTAT)
		xml_response_set_begin(&r->response);
	if (part == PART_PROPERTY)
		return begin_property(r, e, err);
	if (part == PART_ERROR)
		return value_begin_whole(&r->value, &r->response.arena, e, err);
	return ERR_OK;
}

static enum err_code
on_open(void *arg, const struct xml_element *e, struct err *err)
{
	struct xml_reader *r = arg;
	const struct row *row;

	if (r->ignored)
		return ERR_OK;
	if (e->depth == 0)
		return open_root(r, &e->name, err);
	if (r->error_root)
		return err_tell(err, ERR_BAD_ANSWER,
		    "an error, not a multistatus: %.*s",
		    STR_ARG(showable(e->name.name.local)));
	if (r->value.kind)
		return value_open(&r->value, e, err);
	row = find_row(r->path[e->depth - 1]->part, &e->name);
	if (!row) {
		r->ignored = e->depth + 1;
		return ERR_OK;
	}
	r->path[e->depth] = row;
	return begin_part(r, row->part, e, err);
}

static enum err_code
on_text(void *arg, struct str text, struct err *err)
{
	struct xml_reader *r = arg;

	(void)err;
	if (r->ignored)
		return ERR_OK;
	if (r->value.kind) {
		value_text(&r->value, text);
		return ERR_OK;
	}
	/* Outside of a response no more than will be kept. */
	if (r->in_text && (r->in_response || r->text.len < MAX_WHOLE))
		buf_put(&r->text, text);
	return ERR_OK;
}

/* ---- ends of elements */

static enum err_code
take(struct xml_reader *r, struct str *to, struct err *err)
{
	if (buf_failed(&r->text) ||
	    !arena_str(&r->response.arena, trim(buf_str(&r->text)), to))
		return err_nomem(err);
	return ERR_OK;
}

static enum err_code
take_href(struct xml_reader *r, struct err *err)
{
	if (buf_failed(&r->text))
		return err_nomem(err);
	return xml_response_href(&r->response, trim(buf_str(&r->text)), err);
}

static enum err_code
take_status(struct xml_reader *r, struct said *to, struct err *err)
{
	if (buf_failed(&r->text))
		return err_nomem(err);
	return xml_response_status(&r->response, to, buf_str(&r->text), err);
}

static enum err_code
take_error(struct xml_reader *r, struct str *to, struct err *err)
{
	struct prop p = { 0 };
	enum err_code rc = value_end(&r->value, &p, err);

	*to = p.value;
	return rc ? rc : xml_response_keep(&r->response, p.value.len, err);
}

static enum err_code
take_property(struct xml_reader *r, struct err *err)
{
	struct prop *p = r->prop;
	enum err_code rc = value_end(&r->value, p, err);

	if (rc)
		return rc;
	return xml_response_keep(&r->response,
	    sizeof(*p) + p->value.len + p->n_names * sizeof(*p->names), err);
}

static enum err_code
put(void *arg, const struct outcome *o, struct err *err)
{
	return reader_put(arg, o, err);
}

static enum err_code
end_response(struct xml_reader *r, struct err *err)
{
	enum err_code rc = within_item(r, err);

	r->in_response = false;
	return rc ? rc
		  : xml_response_end(&r->response, put, r->base.reader, err);
}

/* Cut where a character begins. */
static void
take_description(struct xml_reader *r, char *to, size_t size)
{
	struct str s = trim(buf_str(&r->text));
	size_t n = s.len < size ? s.len : size - 1;

	while (n < s.len && n && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
		n--;
	if (n)
		memcpy(to, s.ptr, n);
	to[n] = '\0';
}

static void
take_token(struct xml_reader *r, char *to, size_t size)
{
	struct str s = trim(buf_str(&r->text));

	if (!s.len || s.len >= size)
		return;
	memcpy(to, s.ptr, s.len);
	to[s.len] = '\0';
}

static enum err_code
end_part(struct xml_reader *r, const struct row *row, struct err *err)
{
	struct reading *reading = &r->base.reader->reading;
	void *to = (char *)r + row->to;

	r->in_text = false;
	switch (row->part) {
	case PART_MULTISTATUS:
	case PART_LOCATION:
	case PART_PROP:
		break;
	case PART_WHOLE_TEXT:
		take_description(
		    r, reading->description, sizeof(reading->description));
		break;
	case PART_SYNC_TOKEN:
		take_token(r, reading->sync_token, sizeof(reading->sync_token));
		break;
	case PART_RESPONSE:
		return end_response(r, err);
	case PART_PROPSTAT:
		return xml_response_set_end(&r->response, err);
	case PART_PROPERTY:
		return take_property(r, err);
	case PART_HREF:
		return take_href(r, err);
	case PART_STATUS:
		return take_status(r, to, err);
	case PART_ERROR:
		return take_error(r, to, err);
	case PART_FIELD:
		return take(r, to, err);
	case PART_FLAG:
		*(bool *)to = true;
		break;
	}
	return buf_failed(&r->text) ? err_nomem(err) : ERR_OK;
}

static enum err_code
on_close(
    void *arg, const struct xml_name *name, unsigned depth, struct err *err)
{
	struct xml_reader *r = arg;

	if (r->error_root)
		return err_tell(
		    err, ERR_BAD_ANSWER, "an error, not a multistatus");
	if (r->ignored) {
		if (r->ignored == depth + 1)
			r->ignored = 0;
		return ERR_OK;
	}
	if (r->value.kind && !value_close(&r->value, name, depth))
		return ERR_OK;
	return end_part(r, r->path[depth], err);
}

static const struct xml_events events = {
	.open = on_open,
	.text = on_text,
	.close = on_close,
};

/* ---- the form */

/* Turns a failure of the parser, which is made for requests, into ours. */
static enum err_code
as_answer(const struct xml_reader *r, enum err_code rc, struct err *err)
{
	struct xml_place at = xml_place(r->xml);

	if (rc != ERR_BAD_BODY)
		return rc;
	if (xml_fault(r->xml) == XML_FAULT_CUT)
		return err_tell(err, ERR_CUT_SHORT,
		    "line %" PRIu64 ", column %" PRIu64 ": the answer ends "
		    "here, before </multistatus>",
		    at.line, at.column);
	if (err)
		err->code = ERR_BAD_ANSWER;
	return ERR_BAD_ANSWER;
}

/*
 * The parser holds a tag or a comment until it is whole: that is limited, too.
 */
static enum err_code
within_limits(const struct xml_reader *r, struct err *err)
{
	size_t most = r->base.reader->limits.item;
	struct err why = { 0 };
	enum err_code rc = within_item(r, &why);
	struct xml_place at;

	if (!rc && xml_pending(r->xml) > most)
		rc = err_tell(&why, ERR_TOO_LARGE,
		    "one tag or comment over %zu bytes", most);
	if (!rc)
		return ERR_OK;
	at = xml_place(r->xml);
	return err_tell(err, rc, "line %" PRIu64 ", column %" PRIu64 ": %s",
	    at.line, at.column, why.tell);
}

static enum err_code
form_feed(struct reader_form *f, struct str bytes, struct err *err)
{
	struct xml_reader *r = of(f);
	enum err_code rc = ERR_OK;

	while (bytes.len && !rc) {
		struct str piece = str_head(bytes, PIECE);

		rc = xml_feed(r->xml, piece, err);
		if (!rc)
			rc = within_limits(r, err);
		bytes = str_skip(bytes, piece.len);
	}
	return as_answer(r, rc, err);
}

static enum err_code
form_end(struct reader_form *f, struct err *err)
{
	struct xml_reader *r = of(f);

	return as_answer(r, xml_end(r->xml, err), err);
}

static void
form_place(const struct reader_form *f, uint64_t *line, uint64_t *column)
{
	const struct xml_reader *r = (const void *)f; /* it is first */
	struct xml_place at = xml_place(r->xml);

	*line = at.line;
	*column = at.column;
}

static void
form_free(struct reader_form *f)
{
	struct xml_reader *r = of(f);

	xml_free(r->xml);
	xml_response_done(&r->response);
	value_reader_done(&r->value);
	buf_done(&r->text);
	free(r);
}

static const struct reader_form_ops xml_ops = {
	.name = "XML",
	.feed = form_feed,
	.end = form_end,
	.place = form_place,
	.free = form_free,
};

enum err_code
reader_xml_new(struct reader *r, struct reader_form **out, struct err *err)
{
	/* reader.c counts the bytes. */
	const struct xml_limits limits = { SIZE_MAX, r->limits.depth };
	struct xml_reader *x = calloc(1, sizeof(*x));
	enum err_code rc;

	if (!x)
		return err_nomem(err);
	reader_form_init(&x->base, &xml_ops, r);
	if (r->limits.item <= SIZE_MAX / GROWTH)
		x->response.max = GROWTH * r->limits.item;
	rc = xml_new(&limits, &events, x, &x->xml, err);
	if (rc) {
		free(x);
		return rc;
	}
	*out = &x->base;
	return ERR_OK;
}
