/* SPDX-License-Identifier: MIT */
#include "base/ostream.h"

#include <assert.h>

void
ostream_init(struct ostream *o, const struct ostream_ops *ops)
{
	assert(ops->name);
	assert(ops->write);
	o->ops = ops;
	err_clear(&o->err);
}

/* An implementation that returns a code need not have filled o->err. */
static enum err_code
ostream_stick(struct ostream *o, enum err_code rc)
{
	if (rc && !o->err.code)
		(void)err_set(
		    &o->err, rc, "%s: %s", o->ops->name, err_text(rc));
	return o->err.code;
}

enum err_code
ostream_write(struct ostream *o, struct str bytes)
{
	if (o->err.code || !bytes.len)
		return o->err.code;
	return ostream_stick(o, o->ops->write(o, bytes));
}

enum err_code
ostream_flush(struct ostream *o)
{
	if (o->err.code || !o->ops->flush)
		return o->err.code;
	return ostream_stick(o, o->ops->flush(o));
}

enum err_code
ostream_end(struct ostream *o)
{
	if (o->err.code || !o->ops->end)
		return o->err.code;
	return ostream_stick(o, o->ops->end(o));
}

static enum err_code
buf_ostream_write(struct ostream *o, struct str bytes)
{
	struct buf_ostream *b = CONTAINER_OF(o, struct buf_ostream, base);

	buf_put(b->buf, bytes);
	return buf_failed(b->buf);
}

static const struct ostream_ops buf_ostream_ops = {
	.name = "buffer",
	.write = buf_ostream_write,
};

struct ostream *
buf_ostream_init(struct buf_ostream *o, struct buf *b)
{
	ostream_init(&o->base, &buf_ostream_ops);
	o->buf = b;
	return &o->base;
}
