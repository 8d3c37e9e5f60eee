/* SPDX-License-Identifier: MIT */
#include "wire/pusher.h"

/*
 * What a short listing takes in all is to stay below what the allocator gives
 * back to the system at its end, to ask for it again at the next: so there is
 * room for a piece and one member more, not for two pieces.
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
