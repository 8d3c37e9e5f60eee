/* SPDX-License-Identifier: MIT */
/*
 * Turns "props" and "remove" of an operation in JSON into the XML body of
 * PROPPATCH or PROPFIND (RFC 4918 s14.19, s14.20).
 */
#include "outcome/prop.h"
#include "wire/batch_impl.h"
#include "wire/escape.h"
#include "wire/xml.h"
#include "wire/xml_fragment.h"

struct props {
	const struct batch_maker *m;
	struct buf *b;
	const char *member; /* "props" or "remove" */
	struct err *err;
};

static enum err_code
wrong(const struct props *p, const char *name, const char *why)
{
	struct batch_below below = batch_below(
	    str_from_c(p->member), name ? str_from_c(name) : (struct str){ 0 });

	return batch_bad(
	    p->err, ERR_BAD_BODY, &p->m->at, below.text, "%s", why);
}

/*
 * Whether it can stand in a tag without being taken for anything else; which
 * letters beyond ASCII may be in names the parser of XML decides.
 */
static bool
is_local_name(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool letter = ascii_is_alpha(c) || c == '_' || c & '\x80';
		bool later = ascii_is_digit(c) || c == '-' || c == '.';

		if (!letter && !(later && i))
			return false;
	}
	return s.len != 0;
}

/* Reads "{DAV:}displayname"; false: it is not of that form. */
static bool
split_name(struct str text, struct prop_name *name)
{
	size_t end = str_find(text, '}');

	if (!text.len || text.ptr[0] != '{' || end == text.len)
		return false;
	name->ns = str_head(str_skip(text, 1), end - 1);
	name->local = str_skip(text, end + 1);
	return is_local_name(name->local);
}

static void
put_tag_name(struct buf *b, struct prop_name n)
{
	if (str_eq(n.ns, XML_NS))
		BUF_LIT(b, "xml:");
	else if (n.ns.len)
		BUF_LIT(b, "x:");
	buf_put(b, n.local);
}

static void
put_open(struct buf *b, struct prop_name n)
{
	buf_putc(b, '<');
	put_tag_name(b, n);
	if (n.ns.len && !str_eq(n.ns, XML_NS)) {
		BUF_LIT(b, " xmlns:x=\"");
		xml_put_attr(b, n.ns);
		buf_putc(b, '"');
	}
}

/* A string that is an element of that name goes in as it is. */
static enum err_code
put_string(const struct props *p, struct prop_name n, struct str text)
{
	bool is = false;

	if (text.len && text.ptr[0] == '<') {
		enum err_code rc = xml_fragment_check(text, n, &is, p->err);

		if (rc)
			return rc;
	}
	if (is) {
		buf_put(p->b, text);
		return ERR_OK;
	}
	put_open(p->b, n);
	buf_putc(p->b, '>');
	xml_put_text(p->b, text);
	BUF_LIT(p->b, "</");
	put_tag_name(p->b, n);
	buf_putc(p->b, '>');
	return ERR_OK;
}

static enum err_code
put_one(const struct props *p, const char *name, const json_t *v)
{
	char number[32];
	struct prop_name n;

	if (!split_name(str_from_c(name), &n))
		return wrong(p, name, "no name like \"{DAV:}displayname\"");
	if (json_is_string(v))
		return put_string(p, n, batch_text(v));
	if (json_is_integer(v)) {
		(void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
		    json_integer_value(v));
		return put_string(p, n, str_from_c(number));
	}
	if (json_is_boolean(v))
		return put_string(
		    p, n, json_is_true(v) ? STR("true") : STR("false"));
	if (json_is_null(v))
		return wrong(p, name,
		    "null: to remove it name it in \"remove\", to empty it "
		    "send \"\"");
	return wrong(p, name, "neither a string nor a whole number");
}

static enum err_code
put_names(const struct props *p, const json_t *names)
{
	size_t i;

	if (!json_is_array(names) || !json_array_size(names))
		return wrong(p, NULL, "no array of names");
	for (i = 0; i < json_array_size(names); i++) {
		const json_t *v = json_array_get(names, i);
		struct batch_below below =
		    batch_below_nth(str_from_c(p->member), i);
		struct prop_name n;

		if (!json_is_string(v) || !split_name(batch_text(v), &n))
			return batch_bad(p->err, ERR_BAD_BODY, &p->m->at,
			    below.text, "no name like \"{DAV:}displayname\"");
		put_open(p->b, n);
		BUF_LIT(p->b, "/>");
	}
	return ERR_OK;
}

static enum err_code
put_find(const struct props *p, const json_t *v)
{
	enum err_code rc = ERR_OK;

	BUF_LIT(p->b, "<D:propfind xmlns:D=\"DAV:\">");
	if (json_is_string(v) && str_eq(batch_text(v), STR("allprop"))) {
		BUF_LIT(p->b, "<D:allprop/>");
	} else if (json_is_string(v) &&
	    str_eq(batch_text(v), STR("propname"))) {
		BUF_LIT(p->b, "<D:propname/>");
	} else if (json_is_array(v)) {
		BUF_LIT(p->b, "<D:prop>");
		rc = put_names(p, v);
		BUF_LIT(p->b, "</D:prop>");
	} else {
		rc = wrong(p, NULL,
		    "neither names, nor \"allprop\", nor \"propname\"");
	}
	BUF_LIT(p->b, "</D:propfind>");
	return rc;
}

static enum err_code
put_set(const struct props *p, const json_t *v)
{
	enum err_code rc = ERR_OK;
	const char *name;
	json_t *one;

	if (!json_is_object(v) || !json_object_size(v))
		return wrong(p, NULL, "no object of names and values");
	BUF_LIT(p->b, "<D:set><D:prop>");
	json_object_foreach((json_t *)(uintptr_t)v, name, one)
	{
		if (!rc)
			rc = put_one(p, name, one);
	}
	BUF_LIT(p->b, "</D:prop></D:set>");
	return rc;
}

/* No property is both set and removed: the order would decide what is done. */
static enum err_code
check_apart(const struct props *p, const json_t *set, const json_t *remove)
{
	size_t i;

	for (i = 0; i < json_array_size(remove); i++) {
		const char *name = json_string_value(json_array_get(remove, i));

		if (name && json_object_get(set, name))
			return wrong(p, name, "is set and removed");
	}
	return ERR_OK;
}

static enum err_code
put_update(struct props *p, const json_t *set, const json_t *remove)
{
	enum err_code rc = check_apart(p, set, remove);

	BUF_LIT(p->b, "<D:propertyupdate xmlns:D=\"DAV:\">");
	if (!rc && set)
		rc = put_set(p, set);
	p->member = "remove";
	if (!rc && remove) {
		BUF_LIT(p->b, "<D:remove><D:prop>");
		rc = put_names(p, remove);
		BUF_LIT(p->b, "</D:prop></D:remove>");
	}
	BUF_LIT(p->b, "</D:propertyupdate>");
	return rc;
}

enum err_code
batch_props_make(
    struct batch_maker *m, struct batch_parser *p, bool find, struct err *err)
{
	struct props props = { m, &p->text, "props", err };
	enum err_code rc;

	if (m->item.has_body || m->seen & BATCH_MEMBER_ENCODING)
		return batch_bad(err, ERR_BAD_BODY, &m->at, "/body",
		    "stands beside \"props\" or \"remove\"; leave one out");
	buf_clear(&p->text);
	rc = find ? put_find(&props, m->props)
		  : put_update(&props, m->props, m->remove);
	if (rc)
		return rc;
	if (buf_failed(&p->text) ||
	    !arena_str(m->arena, buf_str(&p->text), &m->item.body))
		return err_nomem(err);
	m->item.has_body = true;
	m->item.body_type = STR("application/xml; charset=utf-8");
	return ERR_OK;
}
