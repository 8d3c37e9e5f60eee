/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "store/draft_impl.h"

/* ---- contents */

/* The base's, as a resource that the draft knows better. */
struct draft_content {
	struct content base;
	struct content *inner;
};

static enum err_code
draft_content_read(struct content *c, uint64_t offset, char *out, size_t max,
    size_t *got, struct err *err)
{
	struct draft_content *dc = CONTAINER_OF(c, struct draft_content, base);

	return content_read(dc->inner, offset, out, max, got, err);
}

static int
draft_content_take_fd(struct content *c)
{
	return content_take_fd(
	    CONTAINER_OF(c, struct draft_content, base)->inner);
}

static void
draft_content_free(struct content *c)
{
	struct draft_content *dc = CONTAINER_OF(c, struct draft_content, base);

	content_free(dc->inner);
	free(dc);
}

static const struct content_ops draft_content_ops = {
	.read = draft_content_read,
	.take_fd = draft_content_take_fd,
	.free = draft_content_free,
};

static enum err_code
open_bytes(struct draft *d, const struct draft_spot *s, struct content **out,
    struct err *err)
{
	const struct draft_node *n = s->node;

	if (!n)
		return store_open(d->under, s->base, out, err);
	if (n->through)
		return store_open(d->under, n->base, out, err);
	return n->file ? upload_open(n->file->inner, out, err)
		       : store_open(d->under, n->source, out, err);
}

enum err_code
draft_op_open(
    struct store *s, struct rpath path, struct content **out, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft *d = draft_of(s);
	struct draft_content *dc;
	struct draft_spot spot;
	enum err_code rc =
	    draft_find_mapped(d, &a, path, DRAFT_FOLLOW, &spot, err);

	if (rc)
		return rc;
	if (spot.res.collection)
		return err_set(
		    err, ERR_IS_COLLECTION, "'%.*s'", STR_ARG(path.s));
	if (!spot.node)
		return open_bytes(d, &spot, out, err);
	dc = calloc(1, sizeof(*dc));
	if (!dc)
		return err_nomem(err);
	rc = open_bytes(d, &spot, &dc->inner, err);
	if (rc) {
		free(dc);
		return rc;
	}
	content_init(&dc->base, &draft_content_ops);
	dc->base.res = spot.res;
	*out = &dc->base;
	return ERR_OK;
}

/* ---- properties */

void
draft_props_done(struct mem_props **set)
{
	mem_props_unref(*set);
	*set = NULL;
}

/* The base's, as a set that may be shared. */
static enum err_code
load_props(struct draft *d, const struct resource *r, struct mem_props **out,
    struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct prop *props;
	struct prop_change *changes;
	size_t n, i;
	enum err_code rc = store_props(d->under, r, &a, &props, &n, err);

	if (rc)
		return rc;
	changes = arena_array(&a, n, sizeof(*changes));
	if (!changes)
		return err_nomem(err);
	for (i = 0; i < n; i++)
		changes[i].prop = props[i];
	return mem_props_change(NULL, changes, n, out, err);
}

enum err_code
draft_props_at(struct draft *d, const struct draft_spot *s,
    struct mem_props **out, struct err *err)
{
	*out = NULL;
	if (s->node && s->node->own_props) {
		*out = mem_props_ref(s->node->props);
		return ERR_OK;
	}
	return s->mapped && s->res.has_props ? load_props(d, &s->res, out, err)
					     : ERR_OK;
}

enum err_code
draft_op_props(struct store *s, const struct resource *r, struct arena *a,
    const struct prop **out, size_t *n, struct err *err)
{
	struct draft *d = draft_of(s);
	const struct draft_node *node = draft_node_by_id(d, &r->id);

	return node ? mem_props_list(node->props, a, out, n, err)
		    : store_props(d->under, r, a, out, n, err);
}

enum err_code
draft_op_space(
    struct store *s, struct rpath path, struct space *out, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft *d = draft_of(s);
	struct draft_spot spot;
	enum err_code rc =
	    draft_find_mapped(d, &a, path, DRAFT_FOLLOW, &spot, err);

	if (rc)
		return rc;
	if (!spot.node)
		return store_space(d->under, spot.base, out, err);
	return store_space(d->under,
	    spot.node->through ? spot.node->base : draft_near(&spot), out, err);
}
