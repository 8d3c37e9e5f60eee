/* SPDX-License-Identifier: MIT */
#include "server/conns_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * What the address of a connection says that parked.c gave to libmicrohttpd:
 * who it is of, and how it was.
 */
struct ticket {
	bool has_host, uncounted;
	struct host host;
	uint64_t state, taken;
};

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
	struct conn_block *b;

	if (!cs)
		return;
	assert(!cs->first);
	peers_free(cs);
	while ((b = cs->blocks)) {
		cs->blocks = b->next;
		free(b);
	}
	(void)pthread_mutex_destroy(&cs->lock);
	free(cs);
}

bool
conns_admit(struct conns *cs, const struct host *h, uint64_t max)
{
	const struct peer *p;
	uint64_t left;

	(void)pthread_mutex_lock(&cs->lock);
	left = cs->n < max ? max - cs->n : 0;
	p = h ? peer_find(cs, h) : NULL;
	if (p && p->all >= 3 * left)
		left = 0;
	(void)pthread_mutex_unlock(&cs->lock);
	return left > 0;
}

/* ---- the table */

static void
put_ticket(const struct conn *c, struct sockaddr_un *out)
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

static struct ticket
ticket_of(const struct sockaddr_un *sa)
{
	struct ticket t;

	memcpy(&t, sa->sun_path, sizeof(t));
	return t;
}

/* A local address is a ticket: we listen on no local socket. */
static void
begin(struct conn *c, const struct sockaddr *sa)
{
	struct ticket t;

	if (sa->sa_family != AF_UNIX) {
		c->has_host = host_of(sa, &c->host);
		atomic_init(&c->state, conn_state_of(CONN_NEW));
		return;
	}
	t = ticket_of((const struct sockaddr_un *)(const void *)sa);
	c->returned = true;
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
	struct conn_block *b;
	struct conn *c;
	size_t i;

	if (!cs->unused) {
		b = calloc(1, sizeof(*b));
		if (!b)
			return NULL;
		b->next = cs->blocks;
		cs->blocks = b;
		for (i = 0; i < CONN_BLOCK; i++) {
			b->conns[i].next = cs->unused;
			cs->unused = &b->conns[i];
		}
	}
	c = cs->unused;
	cs->unused = c->next;
	*c = (struct conn){ 0 };
	return c;
}

static void
put_unused(struct conns *cs, struct conn *c)
{
	c->next = cs->unused;
	cs->unused = c;
}

/* False: no memory. */
static bool
enlist(struct conns *cs, struct conn *c)
{
	if (c->has_host) {
		c->peer = peer_for(cs, &c->host);
		if (!c->peer)
			return false;
		c->peer->all++;
		c->peer->active++;
		if (c->returned && c->peer->going)
			c->peer->going--;
	}
	c->next = cs->first;
	c->link = &cs->first;
	if (c->next)
		c->next->link = &c->next;
	cs->first = c;
	cs->n++;
	return true;
}

struct conn *
conns_add(struct conns *cs, int fd, const struct sockaddr *sa)
{
	struct conn *c;

	(void)pthread_mutex_lock(&cs->lock);
	c = take_unused(cs);
	if (c) {
		c->fd = fd;
		begin(c, sa);
		if (!enlist(cs, c)) {
			put_unused(cs, c);
			c = NULL;
		}
	}
	(void)pthread_mutex_unlock(&cs->lock);
	return c;
}

/* Under the lock. */
static void
forget(struct conns *cs, struct conn *c)
{
	if (c->peer) {
		c->peer->all--;
		place_leave(c);
		places_call(cs, c->peer);
		peer_drop(c->peer);
	}
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	put_unused(cs, c);
	cs->n--;
}

void
conns_remove(struct conns *cs, struct conn *c)
{
	(void)pthread_mutex_lock(&cs->lock);
	forget(cs, c);
	(void)pthread_mutex_unlock(&cs->lock);
}

void
conns_park(struct conns *cs, struct conn *c, int fd)
{
	(void)pthread_mutex_lock(&cs->lock);
	c->fd = fd;
	if (c->peer)
		place_leave(c);
	c->parked = true;
	c->begun = false;
	if (c->peer)
		places_call(cs, c->peer);
	(void)pthread_mutex_unlock(&cs->lock);
}

void
conns_unpark(struct conns *cs, struct conn *c, int fd)
{
	(void)pthread_mutex_lock(&cs->lock);
	c->fd = fd;
	c->parked = false;
	if (c->peer)
		c->peer->active++;
	(void)pthread_mutex_unlock(&cs->lock);
}

bool
conns_go(
    struct conns *cs, struct conn *c, uint64_t most, struct sockaddr_un *ticket)
{
	bool goes;

	(void)pthread_mutex_lock(&cs->lock);
	goes = !c->peer || place_take(c, most);
	if (goes) {
		put_ticket(c, ticket);
		forget(cs, c);
	}
	(void)pthread_mutex_unlock(&cs->lock);
	return goes;
}

void
conns_lost(struct conns *cs, const struct sockaddr_un *ticket)
{
	struct ticket t = ticket_of(ticket);
	struct peer *p;

	(void)pthread_mutex_lock(&cs->lock);
	p = t.has_host ? peer_find(cs, &t.host) : NULL;
	if (p && p->going) {
		p->going--;
		places_call(cs, p);
		peer_drop(p);
	}
	(void)pthread_mutex_unlock(&cs->lock);
}

void
conns_close_parked(struct conns *cs)
{
	struct conn *c, *next;

	(void)pthread_mutex_lock(&cs->lock);
	for (c = cs->first; c; c = next) {
		next = c->next;
		if (!c->parked)
			continue;
		(void)close(c->fd);
		forget(cs, c);
	}
	(void)pthread_mutex_unlock(&cs->lock);
}

size_t
conns_open(struct conns *cs)
{
	return atomic_load_explicit(&cs->n, memory_order_relaxed);
}
