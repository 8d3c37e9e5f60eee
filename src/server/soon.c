/* SPDX-License-Identifier: MIT */
#include "server/soon.h"

#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/clock.h"

/* A request that comes within this time of the last answer came soon. */
#define SOON (NSEC_PER_SEC / 10000)
/*
 * So many requests must have come soon, one after the other, before the next is
 * looked for; twice as many after each comes_until in vain.
 */
#define ENOUGH 4u
#define MOST_VAIN 8u

void
soon_came(struct soon *s, int64_t now)
{
	if (now - s->answered < SOON)
		s->in_a_row++;
	else
		s->in_a_row = 0;
}

/* Whether something comes, be it the end of the connection. */
static bool
comes_until(int fd, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	do {
		if (poll(&p, 1, 0))
			return true;
		(void)sched_yield();
	} while (clock_monotonic() < end);
	return false;
}

/*
 * Whether the client runs on another processor.  One on ours runs only while we
 * sleep, and then wakes us without delay.
 */
static bool
is_elsewhere(int fd)
{
	int cpu = -1;
	socklen_t len = sizeof(cpu);

	return !getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &len) &&
	    cpu != sched_getcpu();
}

void
soon_wait(struct soon *s, int fd)
{
	s->answered = clock_monotonic();
	if (s->in_a_row < ENOUGH << s->vain || !is_elsewhere(fd))
		return;
	if (comes_until(fd, s->answered + SOON)) {
		s->vain = 0;
		return;
	}
	s->in_a_row = 0;
	if (s->vain < MOST_VAIN)
		s->vain++;
}

void
soon_pass(struct soon *s)
{
	s->answered = 0;
}
