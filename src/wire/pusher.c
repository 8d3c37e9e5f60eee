/* SPDX-License-Identifier: MIT */
#include "wire/pusher.h"

bool
pusher_init(struct pusher *p, struct ostream *to)
{
	*p = (struct pusher){ .to = to };
	return buf_room(&p->out, 2 * PUSHER_PIECE) != NULL;
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
