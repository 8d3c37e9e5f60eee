/* SPDX-License-Identifier: MIT */
#include "wire/dav_body.h"

#include <stdlib.h>

#include "wire/dav_body_impl.h"

#define ROOM_FIRST ((size_t)8)

enum err_code
dav_body_parse(struct dav_body *b, struct str bytes, struct err *err)
{
	enum err_code rc = xml_feed(b->xml, bytes, err);

	if (rc) { /* what is still to come costs nothing */
		xml_free(b->xml);
		b->xml = NULL;
	}
	return rc;
}

static enum err_code
body_write(struct ostream *o, struct str bytes)
{
	struct dav_body *b = CONTAINER_OF(o, struct dav_body, stream);

	return dav_body_parse(b, bytes, &o->err);
}

static const struct ostream_ops body_stream_ops = {
	.name = "XML body",
	.write = body_write,
};

enum err_code
dav_body_init(struct dav_body *b, const struct xml_limits *limits,
    const struct xml_events *events, struct arena *a,
    void (*done)(struct dav_body *), struct err *err)
{
	ostream_init(&b->stream, &body_stream_ops);
	b->arena = a;
	b->done = done;
	return xml_new(limits, events, b, &b->xml, err);
}

enum err_code
dav_body_finish(struct dav_body *b, struct err *err)
{
	if (b->stream.err.code) {
		if (err)
			*err = b->stream.err;
		return b->stream.err.code;
	}
	b->empty = !xml_has_input(b->xml);
	return b->empty ? ERR_OK : xml_end(b->xml, err);
}

struct ostream *
dav_body_stream(struct dav_body *b)
{
	return &b->stream;
}

void
dav_body_free(struct dav_body *b)
{
	if (!b)
		return;
	if (b->done)
		b->done(b);
	xml_free(b->xml);
	free(b);
}

bool
arena_name(struct arena *a, struct prop_name n, struct prop_name *out)
{
	return arena_str(a, n.ns, &out->ns) &&
	    arena_str(a, n.local, &out->local);
}

enum err_code
body_room(struct arena *a, void **items, size_t n, size_t size, struct err *err)
{
	bool full = n == 0 || (n >= ROOM_FIRST && (n & (n - 1)) == 0);
	void *more;

	if (n == BODY_MAX_PROPS)
		return err_tell(err, ERR_TOO_LARGE,
		    "over %zu properties in one request", BODY_MAX_PROPS);
	if (!full) /* it doubles at each power of two */
		return ERR_OK;
	more = arena_array(a, n ? 2 * n : ROOM_FIRST, size);
	if (!more)
		return err_nomem(err);
	if (n)
		memcpy(more, *items, n * size);
	*items = more;
	return ERR_OK;
}
