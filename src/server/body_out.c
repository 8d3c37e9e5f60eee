/* SPDX-License-Identifier: MIT */
#include "server/body_out.h"

#include <assert.h>

#include "base/clock.h"

/* What is pending is more than a small body, or has to leave now. */
static enum err_code
start_sending(struct body_out *b)
{
	enum err_code rc;

	b->decided = true;
	b->next = b->open(b);
	if (!b->next)
		return err_nomem(&b->base.err);
	if (b->coding != CODING_IDENTITY) {
		rc = compress_new(
		    b->coding, b->next, &b->compress, &b->base.err);
		if (rc)
			return rc;
		b->next = compress_stream(b->compress);
	}
	return ostream_write(b->next, str_of(b->pending, b->pending_len));
}

static enum err_code
body_out_flush(struct ostream *o)
{
	struct body_out *b = CONTAINER_OF(o, struct body_out, base);
	enum err_code rc = ERR_OK;

	b->flushed = clock_monotonic();
	if (!b->decided && b->pending_len && !b->small)
		rc = start_sending(b);
	if (!rc && b->decided)
		rc = ostream_flush(b->next);
	return rc;
}

static enum err_code
body_out_write(struct ostream *o, struct str bytes)
{
	struct body_out *b = CONTAINER_OF(o, struct body_out, base);
	enum err_code rc = ERR_OK;

	assert(!b->small);
	if (!b->decided && bytes.len <= sizeof(b->pending) - b->pending_len) {
		memcpy(b->pending + b->pending_len, bytes.ptr, bytes.len);
		b->pending_len += bytes.len;
	} else {
		if (!b->decided)
			rc = start_sending(b);
		if (!rc)
			rc = ostream_write(b->next, bytes);
	}
	if (!rc && clock_monotonic() - b->flushed > BODY_OUT_PATIENCE)
		rc = body_out_flush(o);
	return rc;
}

static enum err_code
body_out_end(struct ostream *o)
{
	struct body_out *b = CONTAINER_OF(o, struct body_out, base);

	b->small = !b->decided;
	if (!b->small)
		return ostream_end(b->next);
	b->coding = CODING_IDENTITY;
	return ERR_OK;
}

static const struct ostream_ops body_out_ops = {
	.name = "body",
	.write = body_out_write,
	.flush = body_out_flush,
	.end = body_out_end,
};

struct ostream *
body_out_init(struct body_out *b, struct ostream *(*open)(struct body_out *b),
    enum coding coding)
{
	b->open = open;
	b->coding = coding;
	b->decided = false;
	b->small = false;
	b->compress = NULL;
	b->next = NULL;
	b->flushed = clock_monotonic();
	b->pending_len = 0;
	ostream_init(&b->base, &body_out_ops);
	return &b->base;
}

void
body_out_done(struct body_out *b)
{
	compress_free(b->compress);
	b->compress = NULL;
}
