/* SPDX-License-Identifier: MIT */
#include "wire/dav_request.h"

#include <assert.h>

#include "wire/escape.h"
#include "wire/xml_tree.h"

struct str
dav_request_media_type(void)
{
	return STR("application/xml; charset=utf-8");
}

static void
put_head(struct buf *b)
{
	BUF_LIT(b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
}

/* "<D:local", or "<P:local xmlns:P="ns"", or "<local xmlns=""". */
static void
put_open(struct buf *b, struct prop_name name)
{
	bool dav = str_eq(name.ns, DAV_NS);

	buf_putc(b, '<');
	if (dav)
		BUF_LIT(b, "D:");
	else if (name.ns.len)
		BUF_LIT(b, "P:");
	buf_put(b, name.local);
	if (dav || !name.ns.len)
		return;
	BUF_LIT(b, " xmlns:P=\"");
	xml_put_attr(b, name.ns);
	buf_putc(b, '"');
}

static void
put_close(struct buf *b, struct prop_name name)
{
	BUF_LIT(b, "</");
	if (str_eq(name.ns, DAV_NS))
		BUF_LIT(b, "D:");
	else if (name.ns.len)
		BUF_LIT(b, "P:");
	buf_put(b, name.local);
	buf_putc(b, '>');
}

static void
put_names(struct buf *b, const struct prop_name *names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		put_open(b, names[i]);
		BUF_LIT(b, "/>");
	}
}

void
propfind_request_put(
    struct buf *b, bool all, const struct prop_name *names, size_t n)
{
	put_head(b);
	BUF_LIT(b, "<D:propfind xmlns:D=\"DAV:\">");
	if (all)
		BUF_LIT(b, "<D:allprop/>");
	if (n) {
		buf_put(b, all ? STR("<D:include>") : STR("<D:prop>"));
		put_names(b, names, n);
		buf_put(b, all ? STR("</D:include>") : STR("</D:prop>"));
	}
	BUF_LIT(b, "</D:propfind>\n");
}

static void
put_prop(struct buf *b, const struct prop *p)
{
	if (p->form == PROP_XML) {
		buf_put(b, p->value);
		return;
	}
	put_open(b, p->name);
	if (p->form == PROP_EMPTY) {
		BUF_LIT(b, "/>");
		return;
	}
	assert(p->form == PROP_TEXT);
	buf_putc(b, '>');
	xml_put_text(b, p->value);
	put_close(b, p->name);
}

void
proppatch_request_put(
    struct buf *b, const struct prop_change *changes, size_t n)
{
	size_t i;

	put_head(b);
	BUF_LIT(b, "<D:propertyupdate xmlns:D=\"DAV:\">");
	for (i = 0; i < n; i++) {
		bool remove = changes[i].remove;

		buf_put(b,
		    remove ? STR("<D:remove><D:prop>")
			   : STR("<D:set><D:prop>"));
		put_prop(b, &changes[i].prop);
		buf_put(b,
		    remove ? STR("</D:prop></D:remove>")
			   : STR("</D:prop></D:set>"));
	}
	BUF_LIT(b, "</D:propertyupdate>\n");
}

void
lockinfo_request_put(struct buf *b, bool shared, struct str owner)
{
	put_head(b);
	BUF_LIT(b, "<D:lockinfo xmlns:D=\"DAV:\"><D:lockscope>");
	buf_put(b, shared ? STR("<D:shared/>") : STR("<D:exclusive/>"));
	BUF_LIT(b, "</D:lockscope><D:locktype><D:write/></D:locktype>");
	if (owner.len) {
		BUF_LIT(b, "<D:owner>");
		xml_put_text(b, owner);
		BUF_LIT(b, "</D:owner>");
	}
	BUF_LIT(b, "</D:lockinfo>\n");
}

/*
 * Checks that it is one element: a value that closes it early and opens another
 * of the same name would change what else is in the request.
 */
static enum err_code
check_value(struct str element, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct buf wrapped CLEANUP(buf_done) = { 0 };
	struct xml_node *root;
	enum err_code rc;

	BUF_LIT(&wrapped, "<D:prop xmlns:D=\"DAV:\">");
	buf_put(&wrapped, element);
	BUF_LIT(&wrapped, "</D:prop>");
	if (buf_failed(&wrapped))
		return err_nomem(err);
	rc = xml_tree_read(&a, buf_str(&wrapped), &root, err);
	if (!rc && (!root->child || root->child->next))
		rc = err_tell(
		    err, ERR_BAD_BODY, "it ends the property's own element");
	return rc;
}

enum err_code
prop_value_read(struct prop_name name, struct str value, struct buf *b,
    struct prop *p, struct err *err)
{
	size_t start = b->len;

	*p = (struct prop){ .name = name };
	if (!value.len)
		return ERR_OK;
	p->form = PROP_TEXT;
	p->value = value;
	if (value.ptr[0] != '<')
		return ERR_OK;
	put_open(b, name);
	if (!str_eq(name.ns, DAV_NS))
		BUF_LIT(b, " xmlns:D=\"DAV:\"");
	buf_putc(b, '>');
	buf_put(b, value);
	put_close(b, name);
	if (buf_failed(b))
		return err_nomem(err);
	p->form = PROP_XML;
	p->value = str_skip(buf_str(b), start);
	return check_value(p->value, err);
}
