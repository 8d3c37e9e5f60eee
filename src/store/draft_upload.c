/* SPDX-License-Identifier: MIT */
/*
 * New bytes of a draft.  They are staged in the base from the first one on, so
 * that applying the draft need not move them.
 */
#include <stdlib.h>

#include "store/draft_impl.h"

#define PIECE ((size_t)65536) /* bytes that are copied at a time */

/* ---- staged bytes */

static struct staged *
staged_ref(struct staged *f)
{
	f->owners++;
	return f;
}

void
staged_unref(struct staged *f)
{
	if (!f || --f->owners)
		return;
	upload_free(f->inner);
	free(f);
}

static void
staged_done(struct staged **f)
{
	staged_unref(*f);
	*f = NULL;
}

static enum err_code
stage(struct draft *d, struct rpath near, const struct upload_spec *spec,
    struct staged **out, struct err *err)
{
	struct staged *f = calloc(1, sizeof(*f));
	enum err_code rc;

	if (!f)
		return err_nomem(err);
	rc = store_stage(d->under, near, spec, &f->inner, err);
	if (rc) {
		free(f);
		return rc;
	}
	f->owners = 1;
	*out = f;
	return ERR_OK;
}

static struct draft_node *
file_node(struct draft *d, struct mem_props *props)
{
	struct draft_node *n = draft_node_new();

	if (!n)
		return NULL;
	draft_node_name(d, n, false);
	n->props = mem_props_ref(props);
	return n;
}

/* Once it has its id. */
static struct draft_node *
finished(struct draft *d, struct draft_node *n)
{
	struct mem_props *props = n->props;

	n->props = NULL;
	draft_node_set_props(d, n, props);
	return n;
}

enum err_code
draft_node_file(struct draft *d, struct staged *file, struct mem_props *props,
    struct draft_node **out, struct err *err)
{
	struct draft_node *n = file_node(d, props);

	if (!n)
		return err_nomem(err);
	n->res = file->res;
	n->file = staged_ref(file);
	*out = finished(d, n);
	return ERR_OK;
}

/* ---- copies */

static enum err_code
pump(struct content *from, struct ostream *to, struct err *err)
{
	char *piece = malloc(PIECE);
	enum err_code rc = ERR_OK;
	uint64_t offset = 0;
	size_t got = PIECE;

	if (!piece)
		return err_nomem(err);
	while (!rc && got == PIECE) {
		rc = content_read(from, offset, piece, PIECE, &got, err);
		offset += got;
		if (!rc && ostream_write(to, str_of(piece, got))) {
			if (err)
				*err = to->err;
			rc = to->err.code;
		}
	}
	free(piece);
	return rc;
}

static enum err_code
copy_staged(struct draft *d, const struct draft_spot *from,
    const struct draft_spot *to, struct staged **out, struct err *err)
{
	const struct upload_spec spec = { .length = from->res.length };
	struct staged *f CLEANUP(staged_done) = NULL;
	struct content *c = NULL;
	enum err_code rc = stage(d, draft_near(to), &spec, &f, err);

	if (!rc)
		rc = draft_op_open(&d->base, from->path, &c, err);
	if (!rc)
		rc = pump(c, upload_stream(f->inner), err);
	content_free(c);
	if (!rc)
		rc = upload_settle(f->inner, &f->res, err);
	if (rc)
		return rc;
	*out = f;
	f = NULL;
	return ERR_OK;
}

/* Nobody will apply it, so that it may be the same bytes. */
static enum err_code
share_bytes(struct draft *d, const struct draft_spot *from,
    struct mem_props *props, struct draft_node **out, struct err *err)
{
	const struct draft_node *was = from->node;
	struct rpath source = from->base;
	struct draft_node *n = file_node(d, props);
	char *copy = NULL;

	if (!n)
		return err_nomem(err);
	n->res.length = from->res.length;
	if (was)
		source = was->through ? was->base : was->source;
	if (was && was->file)
		n->file = staged_ref(was->file);
	else
		copy = strndup(source.s.ptr, source.s.len);
	if (!n->file && !copy) {
		draft_node_unref(d, n);
		return err_nomem(err);
	}
	n->bytes = copy;
	n->source.s = str_of(copy, copy ? source.s.len : 0);
	*out = finished(d, n);
	return ERR_OK;
}

enum err_code
draft_copy_bytes(struct draft *d, const struct draft_spot *from,
    const struct draft_spot *to, struct mem_props *props,
    struct draft_node **out, struct err *err)
{
	struct staged *f CLEANUP(staged_done) = NULL;
	enum err_code rc;

	if (d->spec.dry)
		return share_bytes(d, from, props, out, err);
	rc = copy_staged(d, from, to, &f, err);
	return rc ? rc : draft_node_file(d, f, props, out, err);
}

/* ---- uploads */

struct draft_upload {
	struct upload base;
	struct draft *d;
	struct staged *file;
	struct rpath path; /* in bytes; of what was staged, none */
	char bytes[];
};

struct staged *
draft_upload_staged(struct upload *u)
{
	return CONTAINER_OF(u, struct draft_upload, base)->file;
}

static enum err_code
draft_settle(struct upload *base, struct resource *out, struct err *err)
{
	struct staged *f = draft_upload_staged(base);
	enum err_code rc = upload_settle(f->inner, &f->res, err);

	if (!rc && out)
		*out = f->res;
	return rc;
}

static enum err_code
draft_upload_open(struct upload *base, struct content **out, struct err *err)
{
	return upload_open(draft_upload_staged(base)->inner, out, err);
}

static enum err_code
must_not_be_collection(const struct draft_spot *s, struct err *err)
{
	if (!s->mapped || !s->res.collection)
		return ERR_OK;
	return err_set(err, ERR_IS_COLLECTION, "'%.*s'", STR_ARG(s->path.s));
}

static enum err_code
find_target(struct draft *d, struct arena *a, struct rpath path,
    struct draft_spot *s, struct err *err)
{
	enum err_code rc = draft_find(d, a, path, DRAFT_FOLLOW, s, err);

	if (!rc)
		rc = draft_may_make(d, a, s, err);
	return rc ? rc : must_not_be_collection(s, err);
}

/* With the properties of what it takes the place of. */
static enum err_code
put_file(struct draft_upload *u, const struct draft_spot *s,
    const struct guard *g, struct resource *made, struct err *err)
{
	struct draft *d = u->d;
	struct draft_record *rec CLEANUP(draft_record_done) = NULL;
	struct draft_loose loose CLEANUP(draft_loose_done) = { .d = d };
	struct mem_props *props CLEANUP(draft_props_done) = NULL;
	struct draft_place p CLEANUP(draft_place_done) = { .d = d };
	enum err_code rc = draft_props_at(d, s, &props, err);

	if (!rc)
		rc = draft_node_file(d, u->file, props, &loose.node, err);
	if (!rc)
		rc = draft_record_new(
		    d, g ? g->record : NULL, s->path, &rec, err);
	if (!rc)
		rc = draft_place_make(d, s, &p, err);
	if (rc)
		return rc;
	*made = loose.node->res;
	made->has_props = props != NULL;
	draft_place_put(&p, loose.node);
	loose.node = NULL;
	draft_record_keep(d, &rec, !s->mapped, made);
	return ERR_OK;
}

static enum err_code
draft_upload_commit(struct upload *base, const struct guard *g,
    struct store_batch *b, struct resource *out, bool *created, struct err *err)
{
	struct draft_upload *u = CONTAINER_OF(base, struct draft_upload, base);
	struct arena a CLEANUP(arena_done) = { 0 };
	struct resource made;
	struct draft_spot s;
	enum err_code rc = draft_settle(base, NULL, err);

	(void)b;
	if (!rc)
		rc = find_target(u->d, &a, u->path, &s, err);
	if (!rc)
		rc = draft_ask(u->d, &s, TOUCH_CONTENT, g, err);
	if (!rc)
		rc = put_file(u, &s, g, &made, err);
	if (rc)
		return rc;
	if (out)
		*out = made;
	if (created)
		*created = !s.mapped;
	return ERR_OK;
}

static void
draft_upload_free(struct upload *base)
{
	struct draft_upload *u = CONTAINER_OF(base, struct draft_upload, base);

	staged_unref(u->file);
	free(u);
}

static const struct upload_ops draft_upload_ops = {
	.commit = draft_upload_commit,
	.settle = draft_settle,
	.open = draft_upload_open,
	.free = draft_upload_free,
};

static enum err_code
begin(struct draft *d, struct rpath near, struct rpath path,
    const struct upload_spec *spec, struct upload **out, struct err *err)
{
	struct draft_upload *u = calloc(1, sizeof(*u) + path.s.len);
	enum err_code rc;

	if (!u)
		return err_nomem(err);
	rc = stage(d, near, spec, &u->file, err);
	if (rc) {
		free(u);
		return rc;
	}
	if (path.s.len)
		memcpy(u->bytes, path.s.ptr, path.s.len);
	u->path.s = str_of(u->bytes, path.s.len);
	u->d = d;
	upload_init(&u->base, &draft_upload_ops, upload_stream(u->file->inner));
	*out = &u->base;
	return ERR_OK;
}

enum err_code
draft_op_upload(struct store *s, struct rpath path,
    const struct upload_spec *spec, struct upload **out, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft *d = draft_of(s);
	struct draft_spot spot;
	enum err_code rc = find_target(d, &a, path, &spot, err);

	return rc ? rc : begin(d, draft_near(&spot), path, spec, out, err);
}

enum err_code
draft_op_stage(struct store *s, struct rpath near,
    const struct upload_spec *spec, struct upload **out, struct err *err)
{
	static const struct rpath nowhere = { { NULL, 0 } };
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft *d = draft_of(s);
	struct draft_spot spot;
	struct rpath base;
	enum err_code rc =
	    draft_find_mapped(d, &a, near, DRAFT_FOLLOW, &spot, err);

	if (rc)
		return rc;
	if (!spot.node)
		base = spot.base;
	else
		base =
		    spot.node->base.s.len ? spot.node->base : draft_near(&spot);
	return begin(d, base, nowhere, spec, out, err);
}
