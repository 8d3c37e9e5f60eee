/* SPDX-License-Identifier: MIT */
#include "wire/capture.h"

#include <assert.h>

#include "wire/escape.h"

void
capture_done(struct capture *c)
{
	buf_done(&c->text);
	buf_done(&c->head);
	buf_done(&c->hoisted);
	buf_done(&c->rest);
	buf_done(&c->prefixes);
	buf_done(&c->decls);
	buf_done(&c->outer);
	*c = (struct capture){ 0 };
}

static void
put_name(struct buf *b, const struct xml_name *n)
{
	if (n->prefix.len) {
		buf_put(b, n->prefix);
		buf_putc(b, ':');
	}
	buf_put(b, n->name.local);
}

static void
put_decl(struct buf *b, struct str prefix, struct str uri)
{
	BUF_LIT(b, " xmlns");
	if (prefix.len) {
		buf_putc(b, ':');
		buf_put(b, prefix);
	}
	BUF_LIT(b, "=\"");
	xml_put_attr(b, uri);
	buf_putc(b, '"');
}

static void
put_attr(struct buf *b, const struct xml_attr *attr)
{
	buf_putc(b, ' ');
	put_name(b, &attr->name);
	BUF_LIT(b, "=\"");
	xml_put_attr(b, attr->value);
	buf_putc(b, '"');
}

static size_t
count(const struct buf *decls)
{
	return decls->len / sizeof(struct capture_decl);
}

static const struct capture_decl *
decl_at(const struct buf *decls, size_t i)
{
	return (const struct capture_decl *)(const void *)decls->ptr + i;
}

/* Where memory runs out the buffers fail, and so does capture_end(). */
static void
remember(
    struct capture *c, struct buf *decls, struct str prefix, unsigned depth)
{
	const struct capture_decl d = { c->prefixes.len, prefix.len, depth };

	buf_put(&c->prefixes, prefix);
	buf_put(decls, str_of((const char *)&d, sizeof(d)));
}

static bool
has_prefix(const struct capture *c, const struct buf *decls, struct str prefix)
{
	size_t n = count(decls);

	while (n--) {
		const struct capture_decl *d = decl_at(decls, n);
		struct str from = str_skip(buf_str(&c->prefixes), d->at);

		if (str_eq(str_head(from, d->len), prefix))
			return true;
	}
	return false;
}

/*
 * Makes sure that a name's prefix is bound inside the property.  Inside, a
 * prefix is bound either by a declaration that was captured or, where there
 * is none in scope, by the one that is in scope around the property: so it
 * can be declared on the property's own element without changing any other
 * name.
 */
static enum err_code
bind(struct capture *c, const struct xml_name *n, struct err *err)
{
	if (!n->name.ns.len || str_eq(n->prefix, STR("xml")) ||
	    has_prefix(c, &c->decls, n->prefix) ||
	    has_prefix(c, &c->outer, n->prefix))
		return ERR_OK;
	if (count(&c->outer) == CAPTURE_MAX_HOISTED)
		return err_tell(err, ERR_TOO_LARGE,
		    "over %d namespaces from outside in a property",
		    CAPTURE_MAX_HOISTED);
	remember(c, &c->outer, n->prefix, c->depth);
	put_decl(&c->hoisted, n->prefix, n->name.ns);
	return ERR_OK;
}

static enum err_code
declare(struct capture *c, struct buf *to, const struct xml_element *e,
    struct err *err)
{
	size_t i;

	for (i = 0; i < e->n_decls; i++) {
		if (str_eq(e->decls[i].prefix, STR("xml")))
			continue; /* is always bound, and to nothing else */
		if (count(&c->decls) == CAPTURE_MAX_DECLS)
			return err_tell(err, ERR_TOO_LARGE,
			    "over %d namespaces in scope in a property",
			    CAPTURE_MAX_DECLS);
		remember(c, &c->decls, e->decls[i].prefix, e->depth);
		put_decl(to, e->decls[i].prefix, e->decls[i].uri);
	}
	return ERR_OK;
}

static enum err_code
put_attrs(struct capture *c, const struct xml_element *e, struct err *err)
{
	size_t i;

	for (i = 0; i < e->n_attrs; i++) {
		enum err_code rc = ERR_OK;

		/* An attribute with no prefix is in no namespace. */
		if (e->attrs[i].name.prefix.len)
			rc = bind(c, &e->attrs[i].name, err);
		if (rc)
			return rc;
		put_attr(&c->rest, &e->attrs[i]);
	}
	return ERR_OK;
}

static bool
has_lang(const struct xml_element *e)
{
	const struct prop_name lang = { XML_NS, STR("lang") };
	size_t i;

	for (i = 0; i < e->n_attrs; i++)
		if (prop_name_eq(e->attrs[i].name.name, lang))
			return true;
	return false;
}

static void
capture_reset(struct capture *c)
{
	buf_clear(&c->text);
	buf_clear(&c->head);
	buf_clear(&c->hoisted);
	buf_clear(&c->rest);
	buf_clear(&c->prefixes);
	buf_clear(&c->decls);
	buf_clear(&c->outer);
}

enum err_code
capture_begin(struct capture *c, const struct xml_element *e, struct str lang,
    struct err *err)
{
	bool inherits = lang.len && !has_lang(e);
	enum err_code rc;

	capture_reset(c);
	c->depth = e->depth;
	c->whole = e->n_attrs || inherits;
	c->tag_open = true;
	buf_putc(&c->head, '<');
	put_name(&c->head, &e->name);
	rc = declare(c, &c->head, e, err);
	if (!rc)
		rc = bind(c, &e->name, err);
	if (!rc)
		rc = put_attrs(c, e, err);
	if (!rc && inherits) {
		BUF_LIT(&c->rest, " xml:lang=\"");
		xml_put_attr(&c->rest, lang);
		buf_putc(&c->rest, '"');
	}
	return rc;
}

static void
close_tag(struct capture *c)
{
	if (c->tag_open)
		buf_putc(&c->rest, '>');
	c->tag_open = false;
}

/* From now on text is written to c->rest, among the elements. */
static void
need_whole(struct capture *c)
{
	if (c->whole)
		return;
	c->whole = true;
	if (c->text.len) {
		close_tag(c);
		xml_put_text(&c->rest, buf_str(&c->text));
	}
}

enum err_code
capture_open(struct capture *c, const struct xml_element *e, struct err *err)
{
	enum err_code rc;

	assert(e->depth > c->depth);
	need_whole(c);
	close_tag(c);
	buf_putc(&c->rest, '<');
	put_name(&c->rest, &e->name);
	rc = declare(c, &c->rest, e, err);
	if (!rc)
		rc = bind(c, &e->name, err);
	if (!rc)
		rc = put_attrs(c, e, err);
	c->tag_open = true;
	return rc;
}

void
capture_text(struct capture *c, struct str text)
{
	if (!c->whole) {
		buf_put(&c->text, text);
		return;
	}
	close_tag(c);
	xml_put_text(&c->rest, text);
}

void
capture_close(struct capture *c, const struct xml_name *name, unsigned depth)
{
	size_t n = count(&c->decls);

	while (n && decl_at(&c->decls, n - 1)->depth == depth)
		n--;
	c->decls.len = n * sizeof(struct capture_decl);
	if (!c->whole)
		return;
	if (c->tag_open) {
		BUF_LIT(&c->rest, "/>");
	} else {
		BUF_LIT(&c->rest, "</");
		put_name(&c->rest, name);
		buf_putc(&c->rest, '>');
	}
	c->tag_open = false;
}

/* The first failure of any of its buffers. */
static enum err_code
capture_failed(const struct capture *c)
{
	const struct buf *const all[] = { &c->text, &c->head, &c->hoisted,
		&c->rest, &c->prefixes, &c->decls, &c->outer };
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++)
		if (buf_failed(all[i]))
			return buf_failed(all[i]);
	return ERR_OK;
}

enum err_code
capture_end(struct capture *c, struct arena *a, struct prop *p, struct err *err)
{
	enum err_code rc = capture_failed(c);
	struct buf *whole = &c->head;

	if (rc)
		return err_nomem(err);
	p->form = c->whole ? PROP_XML : PROP_TEXT;
	if (c->whole) {
		buf_put(whole, buf_str(&c->hoisted));
		buf_put(whole, buf_str(&c->rest));
	} else {
		whole = &c->text;
	}
	if (buf_failed(whole) || !arena_str(a, buf_str(whole), &p->value))
		return err_nomem(err);
	return ERR_OK;
}
