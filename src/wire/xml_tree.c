/* SPDX-License-Identifier: MIT */
#include "wire/xml_tree.h"

#include <assert.h>

#include "base/buf.h"
#include "wire/xml.h"

enum { MAX_DEPTH = 64 };

struct reading {
	struct arena *a;
	struct xml_node *root;
	struct xml_node *open[MAX_DEPTH + 1];
	struct xml_node *last[MAX_DEPTH + 1]; /* child of open[] */
	unsigned depth; /* of open[] */
	struct buf text; /* of the innermost element that has no child yet */
};

static bool
copy_name(struct arena *a, struct prop_name from, struct prop_name *to)
{
	return arena_str(a, from.ns, &to->ns) &&
	    arena_str(a, from.local, &to->local);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str
trim(struct str s)
{
	while (s.len && is_space(s.ptr[0]))
		s = str_skip(s, 1);
	while (s.len && is_space(s.ptr[s.len - 1]))
		s = str_head(s, s.len - 1);
	return s;
}

/* What was gathered belongs to the element that is open. */
static enum err_code
keep_text(struct reading *r, struct err *err)
{
	struct str text = trim(buf_str(&r->text));
	struct xml_node *n = r->depth ? r->open[r->depth - 1] : NULL;

	if (buf_failed(&r->text))
		return err_nomem(err);
	if (text.len && n && !n->text.len && !arena_str(r->a, text, &n->text))
		return err_nomem(err);
	buf_clear(&r->text);
	return ERR_OK;
}

static enum err_code
open_node(void *arg, const struct xml_element *e, struct err *err)
{
	struct reading *r = arg;
	struct xml_node *n = ARENA_NEW(r->a, struct xml_node);
	enum err_code rc = keep_text(r, err);

	if (rc)
		return rc;
	if (!n || !copy_name(r->a, e->name.name, &n->name))
		return err_nomem(err);
	assert(e->depth == r->depth && r->depth < MAX_DEPTH);
	if (!r->depth)
		r->root = n;
	else if (r->last[r->depth - 1])
		r->last[r->depth - 1]->next = n;
	else
		r->open[r->depth - 1]->child = n;
	if (r->depth)
		r->last[r->depth - 1] = n;
	r->open[r->depth] = n;
	r->last[r->depth] = NULL;
	r->depth++;
	return ERR_OK;
}

static enum err_code
take_text(void *arg, struct str text, struct err *err)
{
	struct reading *r = arg;

	(void)err;
	buf_put(&r->text, text);
	return ERR_OK;
}

static enum err_code
close_node(
    void *arg, const struct xml_name *name, unsigned depth, struct err *err)
{
	struct reading *r = arg;
	enum err_code rc = keep_text(r, err);

	(void)name;
	if (!rc)
		r->depth = depth;
	return rc;
}

enum err_code
xml_tree_read(struct arena *a, struct str document, struct xml_node **root,
    struct err *err)
{
	static const struct xml_limits limits = { (size_t)1 << 20, MAX_DEPTH };
	static const struct xml_events events = {
		.open = open_node,
		.text = take_text,
		.close = close_node,
	};
	struct reading r = { .a = a };
	struct xml *x;
	enum err_code rc = xml_new(&limits, &events, &r, &x, err);

	if (rc)
		return rc;
	rc = xml_feed(x, document, err);
	if (!rc)
		rc = xml_end(x, err);
	xml_free(x);
	buf_done(&r.text);
	if (!rc)
		*root = r.root;
	return rc;
}

bool
xml_node_is_dav(const struct xml_node *n, const char *local)
{
	return n && str_eq(n->name.ns, DAV_NS) &&
	    str_eq(n->name.local, str_from_c(local));
}

const struct xml_node *
xml_tree_dav(const struct xml_node *n, const char *local)
{
	const struct xml_node *child = n ? n->child : NULL;

	while (child && !xml_node_is_dav(child, local))
		child = child->next;
	return child;
}
