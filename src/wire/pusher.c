/* SPDX-License-Identifier: MIT */
#include "wire/pusher.h"

#define PIECE ((size_t)16384)

bool
pusher_init(struct pusher *p, struct ostream *to)
{
	*p = (struct pusher){ .to = to };
	return buf_room(&p->out, 2 * PIECE) != NULL;
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

enum err_code
pusher_flow(struct pusher *p)
{
	if (p->out.len >= PIECE)
		return pusher_flush(p);
	return p->to->err.code ? p->to->err.code : buf_failed(&p->out);
}
