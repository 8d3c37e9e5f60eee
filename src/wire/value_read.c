/* SPDX-License-Identifier: MIT */
#include "wire/value_read.h"

#include "wire/dav_body_impl.h"

void
value_reader_done(struct value_reader *v)
{
	buf_done(&v->text);
	buf_done(&v->prefix);
	buf_done(&v->kids);
	capture_done(&v->capture);
}

static bool
is_textual(struct prop_name name)
{
	/* A displayname's attribute may be xml:lang, which counts. */
	static const struct str names[] = {
		STR_INIT("getcontentlength"),
		STR_INIT("getlastmodified"),
		STR_INIT("getetag"),
		STR_INIT("getcontenttype"),
		STR_INIT("creationdate"),
		STR_INIT("getcontentlanguage"),
		STR_INIT("quota-available-bytes"),
		STR_INIT("quota-used-bytes"),
	};
	size_t i;

	if (!str_eq(name.ns, DAV_NS))
		return false;
	for (i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(name.local, names[i]))
			return true;
	return false;
}

static bool
is_blank(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.ptr[i] != ' ' && s.ptr[i] != '\t' && s.ptr[i] != '\n' &&
		    s.ptr[i] != '\r')
			return false;
	return true;
}

static void
value_reset(struct value_reader *v, struct arena *a, unsigned depth)
{
	v->arena = a;
	v->depth = depth;
	v->inside = 0;
	v->only_kids = false;
	buf_clear(&v->text);
	buf_clear(&v->prefix);
	buf_clear(&v->kids);
}

/* An xml:lang around it does not become its own: docs/design/reading.md. */
static enum err_code
begin_capture(
    struct value_reader *v, const struct xml_element *e, struct err *err)
{
	v->kind = VALUE_WHOLE;
	return capture_begin(&v->capture, e, STR(""), err);
}

enum err_code
value_begin(struct value_reader *v, struct arena *a, struct prop_name name,
    const struct xml_element *e, struct err *err)
{
	value_reset(v, a, e->depth);
	v->name = name;
	v->only_kids = !e->n_attrs;
	if (is_textual(name)) {
		v->kind = VALUE_PLAIN;
		return ERR_OK;
	}
	if (e->n_attrs || e->n_decls)
		return begin_capture(v, e, err);
	/* Most values are text, and a capture would cost more than all else. */
	v->kind = VALUE_TEXT;
	buf_put(&v->prefix, e->name.prefix);
	return buf_failed(&v->prefix) ? err_nomem(err) : ERR_OK;
}

enum err_code
value_begin_whole(struct value_reader *v, struct arena *a,
    const struct xml_element *e, struct err *err)
{
	enum err_code rc;

	value_reset(v, a, e->depth);
	rc = begin_capture(v, e, err);
	v->capture.whole = true;
	return rc;
}

/* An element comes in what was text: begins to capture it after all. */
static enum err_code
capture_late(struct value_reader *v, struct err *err)
{
	const struct xml_element e = {
		.name = { v->name, buf_str(&v->prefix) },
		.depth = v->depth,
	};
	enum err_code rc;

	if (buf_failed(&v->text))
		return err_nomem(err);
	rc = begin_capture(v, &e, err);
	v->only_kids = v->only_kids && is_blank(buf_str(&v->text));
	if (!rc && v->text.len)
		capture_text(&v->capture, buf_str(&v->text));
	return rc;
}

static enum err_code
add_kid(struct value_reader *v, const struct xml_element *e, struct err *err)
{
	struct prop_name kid;

	if (e->depth != v->depth + 1 || e->n_attrs)
		v->only_kids = false;
	if (!v->only_kids)
		return ERR_OK;
	if (!arena_name(v->arena, e->name.name, &kid))
		return err_nomem(err);
	buf_put(&v->kids, str_of((const char *)&kid, sizeof(kid)));
	return ERR_OK;
}

enum err_code
value_open(struct value_reader *v, const struct xml_element *e, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (v->kind == VALUE_PLAIN) {
		v->inside++;
		return ERR_OK;
	}
	if (v->kind == VALUE_TEXT)
		rc = capture_late(v, err);
	if (!rc)
		rc = add_kid(v, e, err);
	return rc ? rc : capture_open(&v->capture, e, err);
}

void
value_text(struct value_reader *v, struct str text)
{
	if (v->kind == VALUE_WHOLE) {
		v->only_kids = v->only_kids && is_blank(text);
		capture_text(&v->capture, text);
	} else if (!v->inside) {
		buf_put(&v->text, text);
	}
}

bool
value_close(struct value_reader *v, const struct xml_name *name, unsigned depth)
{
	if (v->kind == VALUE_WHOLE)
		capture_close(&v->capture, name, depth);
	else if (v->inside)
		v->inside--;
	return depth == v->depth;
}

/* No names at all are a value of DAV:resourcetype only: no collection. */
static bool
is_names(const struct value_reader *v)
{
	if (!v->only_kids)
		return false;
	return v->kids.len ||
	    (str_eq(v->name.ns, DAV_NS) &&
		str_eq(v->name.local, STR("resourcetype")) &&
		is_blank(buf_str(&v->text)));
}

static enum err_code
take_names(struct value_reader *v, struct prop *p, struct err *err)
{
	void *names = arena_array(v->arena, v->kids.len, 1);

	if (!names || buf_failed(&v->kids))
		return err_nomem(err);
	if (v->kids.len)
		memcpy(names, v->kids.ptr, v->kids.len);
	p->form = PROP_NAMES;
	p->names = names;
	p->n_names = v->kids.len / sizeof(*p->names);
	return ERR_OK;
}

enum err_code
value_end(struct value_reader *v, struct prop *p, struct err *err)
{
	bool whole = v->kind == VALUE_WHOLE;

	v->kind = VALUE_NONE;
	if (is_names(v))
		return take_names(v, p, err);
	if (whole)
		return capture_end(&v->capture, v->arena, p, err);
	p->form = PROP_TEXT;
	if (buf_failed(&v->text) ||
	    !arena_str(v->arena, buf_str(&v->text), &p->value))
		return err_nomem(err);
	return ERR_OK;
}
