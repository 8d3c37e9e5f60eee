/* SPDX-License-Identifier: MIT */
/*
 * A client that comes again at once.
 *
 * A processor that has nothing to do is stopped, and to wake it for the next
 * request takes longer, in a virtual machine above all, than a client needs
 * that asks for one thing after the other.  So the I/O thread of a client that
 * does so, and is the only one, looks for the next request for a moment before
 * it sleeps, unless the client is on its own processor.  It gives way to
 * whoever wants the processor, and looks the less often the more often it did
 * so in vain.
 */
#ifndef SHEAF_SERVER_SOON_H
#define SHEAF_SERVER_SOON_H

#include <stdint.h>

/* What is known of a connection; its I/O thread's. */
struct soon {
	int64_t answered; /* the last request; 0: never, or beside others */
	unsigned in_a_row; /* requests that came soon */
	unsigned vain; /* looks since the last that was not */
};

/* A request has begun to come, at a moment of clock_monotonic(). */
void soon_came(struct soon *s, int64_t now);

/* It is answered: returns when the next has come, or did not come soon. */
void soon_wait(struct soon *s, int fd);

/* The same, of one that is not to be waited for. */
void soon_pass(struct soon *s);

#endif
