/* SPDX-License-Identifier: MIT */
#include "server/conns.h"

#include <assert.h>
#include <netinet/in.h>
/* The kernel's own, for tcpi_bytes_acked, which glibc's does not have. */
#include <linux/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define BUCKETS 256
#define BLOCK 64
#define PHASE_BITS 4
#define LINGER (5 * NSEC_PER_SEC)
/* The kernel's TCP_ESTABLISHED, which only glibc's header has. */
#define ESTABLISHED 1

/*
 * Side by side, since they live longer than what libmicrohttpd has for a
 * connection: between it each would hold a page.
 */
struct block {
	struct block *next;
	struct conn conns[BLOCK];
};

struct conns {
	pthread_mutex_t lock;
	struct block *blocks;
	struct conn *unused;
	struct conn *buckets[BUCKETS];
	uint64_t n;
};

/* A connection on its way from parked.c through libmicrohttpd: its address. */
struct ticket {
	bool has_host, uncounted;
	struct host host;
	uint64_t state, taken;
};

static struct conn **
bucket(struct conns *cs, const struct host *h)
{
	uint32_t hash = 2166136261u;
	size_t i;

	for (i = 0; i < sizeof(h->bytes); i++)
		hash = (hash ^ h->bytes[i]) * 16777619u;
	return &cs->buckets[hash % BUCKETS];
}

enum err_code
conns_new(struct conns **out, struct err *err)
{
	struct conns *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return err_nomem(err);
	(void)pthread_mutex_init(&cs->lock, NULL);
	*out = cs;
	return ERR_OK;
}

void
conns_free(struct conns *cs)
{
	struct block *b;
	size_t i;

	if (!cs)
		return;
	for (i = 0; i < BUCKETS; i++)
		assert(!cs->buckets[i]);
	while ((b = cs->blocks)) {
		cs->blocks = b->next;
		free(b);
	}
	(void)pthread_mutex_destroy(&cs->lock);
	free(cs);
}

bool
conns_full(struct conns *cs, uint64_t max)
{
	bool full;

	(void)pthread_mutex_lock(&cs->lock);
	full = cs->n >= max;
	(void)pthread_mutex_unlock(&cs->lock);
	return full;
}

bool
conns_admit(struct conns *cs, const struct host *h, uint64_t max)
{
	const struct conn *c;
	uint64_t n = 0;

	if (!max)
		return true;
	(void)pthread_mutex_lock(&cs->lock);
	for (c = *bucket(cs, h); c; c = c->next)
		n += c->has_host && !memcmp(&c->host, h, sizeof(*h));
	(void)pthread_mutex_unlock(&cs->lock);
	return n < max;
}

/* ---- the state: milliseconds since some moment, and the phase */

static uint64_t
state_since_when(enum conn_phase phase, int64_t when)
{
	static_assert(CONN_DEAD < 1 << PHASE_BITS, "a phase has its bits");

	return (uint64_t)(when / 1000000) << PHASE_BITS | (uint64_t)phase;
}

static uint64_t
state_of(enum conn_phase phase)
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
	do
		if (state_phase(was) == CONN_DEAD)
			return false;
	while (!atomic_compare_exchange_weak(&c->state, &was, state));
	return true;
}

bool
conn_enter(struct conn *c, enum conn_phase phase)
{
	return enter(c, state_of(phase), 0);
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

/* ---- the table */

void
conn_ticket(const struct conn *c, struct sockaddr_un *out)
{
	struct ticket t = { .has_host = c->has_host,
		.uncounted = c->uncounted,
		.host = c->host,
		.state = atomic_load(&c->state),
		.taken = c->taken };

	static_assert(sizeof(t) <= sizeof(out->sun_path), "it fits");
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(out->sun_path, &t, sizeof(t));
}

/* Nobody else has a local address: we listen on none. */
static void
begin(struct conn *c, const struct sockaddr *sa)
{
	struct ticket t = { 0 };

	if (sa->sa_family != AF_UNIX) {
		c->has_host = host_of(sa, &c->host);
		atomic_init(&c->state, state_of(CONN_NEW));
		return;
	}
	memcpy(&t, ((const struct sockaddr_un *)sa)->sun_path, sizeof(t));
	c->has_host = t.has_host;
	c->uncounted = t.uncounted;
	c->host = t.host;
	c->taken = t.taken;
	atomic_init(&c->state, t.state);
}

/* Under the lock. */
static struct conn *
take_unused(struct conns *cs)
{
	struct block *b;
	struct conn *c;
	size_t i;

	if (!cs->unused) {
		b = calloc(1, sizeof(*b));
		if (!b)
			return NULL;
		b->next = cs->blocks;
		cs->blocks = b;
		for (i = 0; i < BLOCK; i++) {
			b->conns[i].next = cs->unused;
			cs->unused = &b->conns[i];
		}
	}
	c = cs->unused;
	cs->unused = c->next;
	*c = (struct conn){ 0 };
	return c;
}

struct conn *
conns_add(struct conns *cs, int fd, const struct sockaddr *sa)
{
	struct conn *c, **head;

	(void)pthread_mutex_lock(&cs->lock);
	c = take_unused(cs);
	if (!c) {
		(void)pthread_mutex_unlock(&cs->lock);
		return NULL;
	}
	c->fd = fd;
	begin(c, sa);
	head = bucket(cs, &c->host);
	c->next = *head;
	c->link = head;
	if (c->next)
		c->next->link = &c->next;
	*head = c;
	cs->n++;
	(void)pthread_mutex_unlock(&cs->lock);
	return c;
}

/* Under the lock. */
static void
forget(struct conns *cs, struct conn *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->next = cs->unused;
	cs->unused = c;
	cs->n--;
}

void
conns_remove(struct conns *cs, struct conn *c)
{
	(void)pthread_mutex_lock(&cs->lock);
	forget(cs, c);
	(void)pthread_mutex_unlock(&cs->lock);
}

static void
set_fd(struct conns *cs, struct conn *c, int fd, bool parked)
{
	(void)pthread_mutex_lock(&cs->lock);
	c->fd = fd;
	c->parked = parked;
	(void)pthread_mutex_unlock(&cs->lock);
}

void
conns_park(struct conns *cs, struct conn *c, int fd)
{
	set_fd(cs, c, fd, true);
}

void
conns_unpark(struct conns *cs, struct conn *c, int fd)
{
	set_fd(cs, c, fd, false);
}

void
conns_close_parked(struct conns *cs)
{
	struct conn *c, *next;
	size_t i;

	(void)pthread_mutex_lock(&cs->lock);
	for (i = 0; i < BUCKETS; i++)
		for (c = cs->buckets[i]; c; c = next) {
			next = c->next;
			if (!c->parked)
				continue;
			(void)close(c->fd);
			forget(cs, c);
		}
	(void)pthread_mutex_unlock(&cs->lock);
}

/* ---- the watchdog */

static bool
tcp_info(const struct conn *c, struct tcp_info *out)
{
	socklen_t len = sizeof(*out);

	*out = (struct tcp_info){ 0 };
	return !getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, out, &len);
}

bool
conn_only_waits(const struct conn *c, int64_t since)
{
	uint64_t state = atomic_load(&c->state);
	enum conn_phase phase = state_phase(state);
	struct tcp_info info;
	int unread = 0;

	if (phase != CONN_NEW && phase != CONN_IDLE)
		return false;
	if (clock_monotonic() - state_since(state) < since / 2)
		return false;
	return tcp_info(c, &info) && info.tcpi_state == ESTABLISHED &&
	    !ioctl(c->fd, FIONREAD, &unread) &&
	    info.tcpi_bytes_received == c->taken + (uint64_t)unread;
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
 * An answer: what the client has acknowledged since this was first looked at.
 * While nothing is on its way it is we who are slow.
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
		return false;
	return too_slow(
	    info.tcpi_bytes_acked - c->seen_moved, now - c->seen_at, limits);
}

/*
 * A body that comes while its answer leaves: whoever reads need not send, nor
 * the other way round.  libmicrohttpd sees but the one, so its idle time-out
 * is ours as well.
 */
static bool
stands_still(struct conn *c, uint64_t state, const struct config *limits)
{
	uint64_t moved = conn_bytes(c);
	int64_t now = clock_coarse();

	if (c->seen_state != state || c->seen_moved != moved) {
		c->seen_state = state;
		c->seen_moved = moved;
		c->seen_at = now;
	}
	return now - c->seen_at > (int64_t)limits->idle_timeout ||
	    too_slow(moved, now - state_since(state), limits);
}

static bool
overdue(struct conn *c, uint64_t state, const struct config *limits)
{
	int64_t took = clock_coarse() - state_since(state);
	int64_t header = (int64_t)limits->header_timeout;

	switch (state_phase(state)) {
	case CONN_NEW:
	case CONN_HEADER:
		return took > header;
	case CONN_IDLE:
		/* But for a parked one, the next may have begun. */
		return took >
		    (int64_t)limits->idle_timeout + (c->parked ? 0 : header);
	case CONN_BODY:
		return too_slow(conn_bytes(c), took, limits);
	case CONN_BOTH:
		return stands_still(c, state, limits);
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

/*
 * Nothing else writes to the socket in the phases that are owed an answer, and
 * the phase cannot change under our hands, since it is dead by now.
 */
static void
shut(struct conn *c, enum conn_phase phase)
{
	static const struct str timeout =
	    STR_INIT("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
		     "Content-Length: 0\r\n\r\n");

	if (is_owed_an_answer(c, phase))
		(void)!send(c->fd, timeout.ptr, timeout.len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)shutdown(c->fd, SHUT_RDWR);
}

/* Makes it dead, unless it has just gone on. */
static bool
kill_in(struct conn *c, uint64_t state)
{
	return atomic_compare_exchange_strong(
	    &c->state, &state, state_of(CONN_DEAD));
}

void
conns_watch(struct conns *cs, const struct config *limits)
{
	struct conn *c;
	size_t i;

	(void)pthread_mutex_lock(&cs->lock);
	for (i = 0; i < BUCKETS; i++)
		for (c = cs->buckets[i]; c; c = c->next) {
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
	size_t i, left = 0;

	(void)pthread_mutex_lock(&cs->lock);
	for (i = 0; i < BUCKETS; i++)
		for (c = cs->buckets[i]; c; c = c->next) {
			uint64_t state = atomic_load(&c->state);

			if (!all && !at_rest(state_phase(state)))
				left++;
			else if (kill_in(c, state))
				(void)shutdown(c->fd, SHUT_RDWR);
		}
	(void)pthread_mutex_unlock(&cs->lock);
	return left;
}
