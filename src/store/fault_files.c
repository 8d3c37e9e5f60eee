/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "store/fault_impl.h"

/* ---- contents */

struct fault_content {
	struct content base;
	struct content *inner;
	struct fault_store *f;
	struct rpath path; /* in bytes */
	char bytes[];
};

static enum err_code
fault_read(struct content *c, uint64_t offset, char *out, size_t max,
    size_t *got, struct err *err)
{
	struct fault_content *fc = CONTAINER_OF(c, struct fault_content, base);
	enum err_code rc = fault_call(fc->f, fc->path, err);

	return rc ? rc : content_read(fc->inner, offset, out, max, got, err);
}

static void
fault_content_free(struct content *c)
{
	struct fault_content *fc = CONTAINER_OF(c, struct fault_content, base);

	content_free(fc->inner);
	free(fc);
}

/* No fd: reads would get past us. */
static const struct content_ops fault_content_ops = {
	.read = fault_read,
	.free = fault_content_free,
};

enum err_code
fault_open(
    struct store *s, struct rpath path, struct content **out, struct err *err)
{
	struct fault_store *f = fault_of(s);
	struct fault_content *fc;
	enum err_code rc = fault_call(f, path, err);

	if (rc)
		return rc;
	fc = calloc(1, sizeof(*fc) + path.s.len);
	if (!fc)
		return err_nomem(err);
	rc = store_open(f->inner, path, &fc->inner, err);
	if (rc) {
		free(fc);
		return rc;
	}
	memcpy(fc->bytes, path.s.ptr, path.s.len);
	fc->path.s = str_of(fc->bytes, path.s.len);
	fc->f = f;
	content_init(&fc->base, &fault_content_ops);
	fc->base.res = *content_resource(fc->inner);
	*out = &fc->base;
	return ERR_OK;
}

/* ---- uploads */

struct fault_upload {
	struct upload base;
	struct ostream stream;
	struct upload *inner;
	struct fault_store *f;
	struct rpath path; /* in bytes */
	char bytes[];
};

static enum err_code
fault_write(struct ostream *o, struct str bytes)
{
	struct fault_upload *u = CONTAINER_OF(o, struct fault_upload, stream);
	struct ostream *inner = upload_stream(u->inner);
	enum err_code rc = fault_call(u->f, u->path, &o->err);

	if (rc)
		return rc;
	rc = ostream_write(inner, bytes);
	if (rc)
		o->err = inner->err;
	return rc;
}

static const struct ostream_ops fault_stream_ops = {
	.name = "fault upload",
	.write = fault_write,
};

static void
fault_expect(struct upload *base, const struct record *r, struct store_batch *b)
{
	upload_expect(fault_upload_inner(base), r, b);
}

static enum err_code
fault_commit(struct upload *base, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	struct fault_upload *u = CONTAINER_OF(base, struct fault_upload, base);
	enum err_code rc = fault_call(u->f, u->path, err);

	return rc ? rc : upload_commit(u->inner, g, b, out, created, err);
}

static void
fault_upload_free(struct upload *base)
{
	struct fault_upload *u = CONTAINER_OF(base, struct fault_upload, base);

	upload_free(u->inner);
	free(u);
}

static enum err_code
fault_settle(struct upload *base, struct resource *out, struct err *err)
{
	struct fault_upload *u = CONTAINER_OF(base, struct fault_upload, base);
	enum err_code rc = fault_call(u->f, u->path, err);

	return rc ? rc : upload_settle(u->inner, out, err);
}

static enum err_code
fault_upload_open(struct upload *base, struct content **out, struct err *err)
{
	struct fault_upload *u = CONTAINER_OF(base, struct fault_upload, base);
	enum err_code rc = fault_call(u->f, u->path, err);

	return rc ? rc : upload_open(u->inner, out, err);
}

static const struct upload_ops fault_upload_ops = {
	.expect = fault_expect,
	.commit = fault_commit,
	.settle = fault_settle,
	.open = fault_upload_open,
	.free = fault_upload_free,
};

typedef enum err_code (*upload_fn)(struct store *s, struct rpath path,
    const struct upload_spec *spec, struct upload **out, struct err *err);

static enum err_code
begin_upload(struct fault_store *f, upload_fn begin, struct rpath path,
    const struct upload_spec *spec, struct upload **out, struct err *err)
{
	struct fault_upload *u;
	enum err_code rc = fault_call(f, path, err);

	if (rc)
		return rc;
	u = calloc(1, sizeof(*u) + path.s.len);
	if (!u)
		return err_nomem(err);
	rc = begin(f->inner, path, spec, &u->inner, err);
	if (rc) {
		free(u);
		return rc;
	}
	memcpy(u->bytes, path.s.ptr, path.s.len);
	u->path.s = str_of(u->bytes, path.s.len);
	u->f = f;
	ostream_init(&u->stream, &fault_stream_ops);
	upload_init(&u->base, &fault_upload_ops, &u->stream);
	*out = &u->base;
	return ERR_OK;
}

enum err_code
fault_upload(struct store *s, struct rpath path, const struct upload_spec *spec,
    struct upload **out, struct err *err)
{
	return begin_upload(fault_of(s), store_upload, path, spec, out, err);
}

enum err_code
fault_stage(struct store *s, struct rpath near, const struct upload_spec *spec,
    struct upload **out, struct err *err)
{
	return begin_upload(fault_of(s), store_stage, near, spec, out, err);
}

struct upload *
fault_upload_inner(struct upload *u)
{
	return CONTAINER_OF(u, struct fault_upload, base)->inner;
}
