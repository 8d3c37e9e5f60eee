/* SPDX-License-Identifier: MIT */
/*
 * A document on its way to an ostream: bytes are appended to a buffer, which
 * is pushed on whenever it holds a piece of some KiB.
 */
#ifndef SHEAF_WIRE_PUSHER_H
#define SHEAF_WIRE_PUSHER_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/ostream.h"

#define PUSHER_PIECE ((size_t)16384)

struct pusher {
	struct buf out; /* append here; its failure sticks */
	struct ostream *to; /* borrowed */
};

/* Makes room for more than a piece, so that small appends find it. */
bool pusher_init(struct pusher *p, struct ostream *to) MUST_USE;
void pusher_done(struct pusher *p);

/* Pushes all that there is. */
enum err_code pusher_flush(struct pusher *p);

/* Pushes when there is a piece.  ERR_NOMEM, or what the stream failed with. */
static inline enum err_code
pusher_flow(struct pusher *p)
{
	if (p->out.len >= PUSHER_PIECE)
		return pusher_flush(p);
	return p->to->err.code ? p->to->err.code : buf_failed(&p->out);
}

#endif
