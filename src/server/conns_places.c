/* SPDX-License-Identifier: MIT */
/*
 * The addresses of clients: who of each is served, and who is in line.
 *
 * A connection has its place from when it is called, or goes without waiting,
 * until libmicrohttpd lets go of it.  So never more than allowed are served,
 * though it takes a moment till libmicrohttpd tells us of one that it was
 * given.
 */
#include <assert.h>
#include <stdlib.h>

#include "server/conns_impl.h"

static struct peer **
bucket(struct conns *cs, const struct host *h)
{
	uint32_t hash = 2166136261u;
	size_t i;

	for (i = 0; i < sizeof(h->bytes); i++)
		hash = (hash ^ h->bytes[i]) * 16777619u;
	return &cs->peers[hash % CONN_BUCKETS];
}

struct peer *
peer_find(struct conns *cs, const struct host *h)
{
	struct peer *p = *bucket(cs, h);

	while (p && memcmp(&p->host, h, sizeof(*h)) != 0)
		p = p->next;
	return p;
}

struct peer *
peer_for(struct conns *cs, const struct host *h)
{
	struct peer **head = bucket(cs, h), *p = peer_find(cs, h);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->host = *h;
	p->last = &p->first;
	p->next = *head;
	p->link = head;
	if (p->next)
		p->next->link = &p->next;
	*head = p;
	return p;
}

void
peer_drop(struct peer *p)
{
	if (p->all || p->going)
		return;
	assert(!p->first && !p->active && !p->called);
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	free(p);
}

void
peers_free(struct conns *cs)
{
	struct peer *p, *next;
	size_t i;

	for (i = 0; i < CONN_BUCKETS; i++)
		for (p = cs->peers[i]; p; p = next) {
			next = p->next;
			free(p);
		}
}

/* ---- the line */

static void
get_in_line(struct conn *c)
{
	struct peer *p = c->peer;

	c->waits = true;
	c->behind = NULL;
	c->before = p->last;
	*p->last = c;
	p->last = &c->behind;
}

static void
get_out_of_line(struct conn *c)
{
	c->waits = false;
	*c->before = c->behind;
	if (c->behind)
		c->behind->before = c->before;
	else
		c->peer->last = c->before;
}

static bool
has_place(const struct peer *p)
{
	return !p->most || p->active + p->called + p->going < p->most;
}

void
places_call(struct conns *cs, struct peer *p)
{
	while (p->first && has_place(p)) {
		struct conn *c = p->first;

		get_out_of_line(c);
		c->called = true;
		p->called++;
		cs->call(cs->call_arg, c);
	}
}

bool
place_take(struct conn *c, uint64_t most)
{
	struct peer *p = c->peer;

	p->most = most;
	if (c->waits)
		return false;
	if (!c->called && (p->first || !has_place(p))) {
		get_in_line(c);
		return false;
	}
	p->called -= c->called;
	c->called = false;
	p->going++;
	return true;
}

void
place_leave(struct conn *c)
{
	struct peer *p = c->peer;

	if (c->waits)
		get_out_of_line(c);
	p->called -= c->called;
	c->called = false;
	p->active -= !c->parked;
}

/* ---- what others call */

void
conns_on_call(
    struct conns *cs, void (*call)(void *arg, struct conn *c), void *arg)
{
	cs->call = call;
	cs->call_arg = arg;
}

bool
conns_has_place(struct conns *cs, const struct conn *c, uint64_t most)
{
	const struct peer *p = c->peer;
	bool has = true;

	(void)pthread_mutex_lock(&cs->lock);
	if (p && most)
		has = !p->first && p->active + p->called + p->going <= most;
	(void)pthread_mutex_unlock(&cs->lock);
	return has;
}

/*
 * Where as many are on their way as a second ago, they are taken for lost:
 * libmicrohttpd does not tell when it has no memory for one.
 */
static void
look_at_peer(struct conns *cs, struct peer *p)
{
	if (p->going && p->going == p->going_before)
		p->going = 0;
	p->going_before = p->going;
	places_call(cs, p);
	peer_drop(p);
}

void
conns_look(struct conns *cs, uint64_t (*most)(void *arg, const struct host *h),
    void *arg)
{
	struct peer *p, *next;
	size_t i;

	(void)pthread_mutex_lock(&cs->lock);
	for (i = 0; i < CONN_BUCKETS; i++)
		for (p = cs->peers[i]; p; p = next) {
			next = p->next;
			p->most = most(arg, &p->host);
			look_at_peer(cs, p);
		}
	(void)pthread_mutex_unlock(&cs->lock);
}
