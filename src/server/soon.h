/* SPDX-License-Identifier: MIT */
/*
 * Awaiting the next request of a client that asks again at once.
 *
 * A processor that has nothing to do is stopped.  To wake it for the next
 * request takes longer, above all in a virtual machine, than it takes a client
 * to send that request.  So an I/O thread whose only client asks for one thing
 * right after the other looks for the next request for a moment before it
 * sleeps, unless the client is on the thread's own processor.  It yields to
 * whoever else wants the processor, and looks less often the more often it
 * looked in vain.
 */
#ifndef SHEAF_SERVER_SOON_H
#define SHEAF_SERVER_SOON_H

#include <stdint.h>

/* Of one connection; only its I/O thread uses it. */
struct soon {
	int64_t answered; /* when soon_wait() was called; 0: soon_pass() was */
	unsigned in_a_row; /* requests that came soon */
	unsigned vain; /* looks since the last that was not */
};

/* A request has begun to come, at clock_monotonic() now. */
void soon_came(struct soon *s, int64_t now);

/*
 * A request is answered: returns when the next has begun to come, or did not
 * come soon.
 */
void soon_wait(struct soon *s, int fd);

/* A request is answered, after which there is nothing to wait for. */
void soon_pass(struct soon *s);

#endif
