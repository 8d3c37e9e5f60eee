/* SPDX-License-Identifier: MIT */
#include "wire/pusher.h"

/*
 * Room for a piece and one more member, not for two pieces: so the memory of a
 * short listing stays below the amount that the allocator gives back to the
 * system when it is freed, and asks for again with the next.
 */
bool
pusher_init(struct pusher *p, struct ostream *to)
{
	*p = (struct pusher){ .to = to };
	return buf_room(&p->out, PUSHER_PIECE + 1024) != NULL;
}

void
pusher_done(struct pusher *p)
{
	buf_done(&p->out);
}

enum err_code
pusher_flush(struct pusher *p)
{
	enum err_code rc = buf_failed(&p->out);

	if (!rc)
		rc = ostream_write(p->to, buf_str(&p->out));
	if (!rc)
		buf_clear(&p->out);
	return rc;
}
