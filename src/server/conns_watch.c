/* SPDX-License-Identifier: MIT */
/* The phases of connections, and the watchdog over them. */
#include <assert.h>
#include <netinet/in.h>
/* The kernel's own, for tcpi_bytes_acked, which glibc's does not have. */
#include <linux/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "server/conns_impl.h"

#define PHASE_BITS 4
#define LINGER (5 * NSEC_PER_SEC) /* at most, in CONN_LINGER */
#define LEFT (3 * NSEC_PER_SEC) /* of silence before has_left() asks */
#define TRIES 100 /* of tcp_unread(); more bytes come once or twice */
/* The kernel's TCP_ESTABLISHED and so on, which only glibc's header has. */
#define ESTABLISHED 1
#define CLOSE_WAIT 8

/* ---- the state: milliseconds since some moment, and the phase */

static uint64_t
state_since_when(enum conn_phase phase, int64_t when)
{
	static_assert(CONN_DEAD < 1 << PHASE_BITS, "a phase has its bits");

	return (uint64_t)(when / 1000000) << PHASE_BITS | (uint64_t)phase;
}

uint64_t
conn_state_of(enum conn_phase phase)
{
	return state_since_when(phase, clock_coarse());
}

static enum conn_phase
state_phase(uint64_t state)
{
	return (enum conn_phase)(state & ((1 << PHASE_BITS) - 1));
}

static int64_t
state_since(uint64_t state)
{
	return (int64_t)(state >> PHASE_BITS) * 1000000;
}

static bool
enter(struct conn *c, uint64_t state, uint64_t moved)
{
	uint64_t was = atomic_load(&c->state);

	atomic_store_explicit(&c->moved, moved, memory_order_relaxed);
	atomic_store_explicit(&c->file_end, 0, memory_order_relaxed);
	do
		if (state_phase(was) == CONN_DEAD)
			return false;
	while (!atomic_compare_exchange_weak(&c->state, &was, state));
	return true;
}

bool
conn_enter(struct conn *c, enum conn_phase phase)
{
	return enter(c, conn_state_of(phase), 0);
}

bool
conn_reenter(
    struct conn *c, enum conn_phase phase, int64_t spent, uint64_t moved)
{
	return enter(c, state_since_when(phase, clock_coarse() - spent), moved);
}

int64_t
conn_spent(const struct conn *c)
{
	return clock_coarse() - state_since(atomic_load(&c->state));
}

uint64_t
conn_bytes(const struct conn *c)
{
	return atomic_load_explicit(&c->moved, memory_order_relaxed);
}

void
conn_moved(struct conn *c, size_t n)
{
	(void)atomic_fetch_add_explicit(&c->moved, n, memory_order_relaxed);
}

void
conn_sends(struct conn *c, int file, uint64_t end)
{
	atomic_store_explicit(&c->file, file, memory_order_relaxed);
	atomic_store_explicit(&c->file_end, end, memory_order_release);
}

/* ---- the watchdog */

static bool
tcp_info(const struct conn *c, struct tcp_info *out)
{
	socklen_t len = sizeof(*out);

	*out = (struct tcp_info){ 0 };
	return !getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, out, &len);
}

/*
 * The bytes that came and that nobody has read yet; and, in info, all that ever
 * came.  These are two calls, between which more may come: so they are repeated
 * until FIONREAD says the same before and after TCP_INFO.
 */
static bool
tcp_unread(const struct conn *c, struct tcp_info *info, uint64_t *out)
{
	int before = 0, after = 0;
	int tries = 0;

	do
		if (ioctl(c->fd, FIONREAD, &before) || !tcp_info(c, info) ||
		    ioctl(c->fd, FIONREAD, &after))
			return false;
	while (before != after && ++tries < TRIES);
	*out = (uint64_t)after;
	return before == after;
}

bool
conn_only_waits(const struct conn *c, int64_t since)
{
	uint64_t state = atomic_load(&c->state);
	enum conn_phase phase = state_phase(state);
	struct tcp_info info;
	uint64_t unread;

	if (phase != CONN_NEW && phase != CONN_IDLE)
		return false;
	if (clock_monotonic() - state_since(state) < since / 2)
		return false;
	return tcp_unread(c, &info, &unread) &&
	    info.tcpi_state == ESTABLISHED &&
	    info.tcpi_bytes_received == c->taken + unread;
}

/* Whether n bytes in that time are fewer than were asked for. */
static bool
too_slow(uint64_t n, int64_t took, const struct config *limits)
{
	uint64_t seconds = (uint64_t)(took / NSEC_PER_SEC);

	return limits->min_rate && took > (int64_t)limits->rate_grace &&
	    n < limits->min_rate * seconds;
}

/*
 * Whether the file that is being sent has become shorter than was announced.
 * libmicrohttpd does not see that: sendfile() sends nothing, and it waits for
 * the socket to take more.  Where the answer is over by now, the descriptor may
 * be of another file; but then the phase is another, too, and kill_in() fails.
 */
static bool
has_shrunk(const struct conn *c)
{
	uint64_t end = atomic_load_explicit(&c->file_end, memory_order_acquire);
	struct stat st;

	return end &&
	    !fstat(atomic_load_explicit(&c->file, memory_order_relaxed), &st) &&
	    (uint64_t)st.st_size < end;
}

/*
 * Whether the client takes its answer too slowly: by what it has acknowledged
 * since this was first asked.  While nothing is on its way, either we are slow,
 * or the answer can never go on.
 */
static bool
reads_too_slowly(struct conn *c, uint64_t state, const struct config *limits)
{
	int64_t now = clock_coarse();
	struct tcp_info info;

	if (!tcp_info(c, &info))
		return false;
	if (c->seen_state != state) {
		c->seen_state = state;
		c->seen_moved = info.tcpi_bytes_acked;
		c->seen_at = now;
		return false;
	}
	if (!info.tcpi_unacked && !info.tcpi_notsent_bytes)
		return has_shrunk(c);
	return too_slow(
	    info.tcpi_bytes_acked - c->seen_moved, now - c->seen_at, limits);
}

/* For how long it has been seen in this state, and nothing moved. */
static int64_t
still_for(struct conn *c, uint64_t state)
{
	uint64_t moved = conn_bytes(c);
	int64_t now = clock_coarse();

	if (c->seen_state != state || c->seen_moved != moved) {
		c->seen_state = state;
		c->seen_moved = moved;
		c->seen_at = now;
	}
	return now - c->seen_at;
}

/*
 * Whether nothing moves, where a body comes while its answer leaves: a client
 * may do one and then the other, so either counts.  libmicrohttpd sees only
 * what comes, so its idle time-out is checked here.
 */
static bool
stands_still(struct conn *c, uint64_t state, const struct config *limits)
{
	return still_for(c, state) > (int64_t)limits->idle_timeout ||
	    too_slow(
		conn_bytes(c), clock_coarse() - state_since(state), limits);
}

static bool
has_unread(const struct conn *c)
{
	int unread = 0;

	return !ioctl(c->fd, FIONREAD, &unread) && unread > 0;
}

/*
 * Whether the body comes too slowly; while some of it waits to be read it is we
 * who are slow.
 */
static bool
sends_too_slowly(
    const struct conn *c, int64_t took, const struct config *limits)
{
	return too_slow(conn_bytes(c), took, limits) && !has_unread(c);
}

/*
 * Whether the client has ended its side in the middle of a request.
 * libmicrohttpd does not notice that where the end came together with the last
 * bytes: it read fewer than it has room for, and so waits for an epoll event
 * that it has already had.
 */
static bool
has_left(struct conn *c, uint64_t state)
{
	struct tcp_info info;

	return !c->parked && still_for(c, state) > LEFT && tcp_info(c, &info) &&
	    info.tcpi_state == CLOSE_WAIT && !has_unread(c);
}

static bool
overdue(struct conn *c, uint64_t state, const struct config *limits)
{
	int64_t took = clock_coarse() - state_since(state);
	int64_t header = (int64_t)limits->header_timeout;

	switch (state_phase(state)) {
	case CONN_NEW:
	case CONN_HEADER:
		return took > header || has_left(c, state);
	case CONN_IDLE:
		/*
		 * The next request may have begun, unless the connection is
		 * parked.
		 */
		return took >
		    (int64_t)limits->idle_timeout + (c->parked ? 0 : header) ||
		    has_left(c, state);
	case CONN_BODY:
		return sends_too_slowly(c, took, limits) || has_left(c, state);
	case CONN_BOTH:
		return stands_still(c, state, limits) || has_left(c, state);
	case CONN_SEND:
		return reads_too_slowly(c, state, limits);
	case CONN_LINGER:
		return took > LINGER;
	case CONN_WORK:
	case CONN_DEAD:
		break;
	}
	return false;
}

/* Whether the client has begun to say something that it did not end. */
static bool
is_owed_an_answer(const struct conn *c, enum conn_phase phase)
{
	struct tcp_info info;

	if (phase == CONN_HEADER || phase == CONN_BODY)
		return true;
	return phase == CONN_NEW && tcp_info(c, &info) &&
	    info.tcpi_bytes_received;
}

/* The whole answer: nobody else has one for it. */
static struct str
last_words(const struct conn *c)
{
	static const struct str slow =
	    STR_INIT("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
		     "Content-Length: 0\r\n\r\n");
	static const struct str busy =
	    STR_INIT("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
		     "Retry-After: 1\r\nContent-Length: 0\r\n\r\n");

	/* 503: it is we who let it wait, for a place. */
	return c->waits ? busy : slow;
}

/*
 * Nothing else writes to the socket in the phases that are owed an answer, and
 * the phase cannot change under our hands, since it is dead by now.
 */
static void
shut(struct conn *c, enum conn_phase phase)
{
	struct str words = last_words(c);

	if (is_owed_an_answer(c, phase))
		(void)!send(
		    c->fd, words.ptr, words.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)shutdown(c->fd, SHUT_RDWR);
}

/* Makes it dead, unless it has just gone on. */
static bool
kill_in(struct conn *c, uint64_t state)
{
	return atomic_compare_exchange_strong(
	    &c->state, &state, conn_state_of(CONN_DEAD));
}

void
conns_watch(struct conns *cs, const struct config *limits)
{
	struct conn *c;

	(void)pthread_mutex_lock(&cs->lock);
	for (c = cs->first; c; c = c->next) {
		uint64_t state = atomic_load(&c->state);

		if (overdue(c, state, limits) && kill_in(c, state))
			shut(c, state_phase(state));
	}
	(void)pthread_mutex_unlock(&cs->lock);
}

static bool
at_rest(enum conn_phase phase)
{
	return phase == CONN_NEW || phase == CONN_IDLE || phase == CONN_DEAD;
}

size_t
conns_shut(struct conns *cs, bool all)
{
	struct conn *c;
	size_t left = 0;

	(void)pthread_mutex_lock(&cs->lock);
	for (c = cs->first; c; c = c->next) {
		uint64_t state = atomic_load(&c->state);

		if (!all && !at_rest(state_phase(state)))
			left++;
		else if (kill_in(c, state))
			(void)shutdown(c->fd, SHUT_RDWR);
	}
	(void)pthread_mutex_unlock(&cs->lock);
	return left;
}
