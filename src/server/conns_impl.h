/* SPDX-License-Identifier: MIT */
/* What conns.c, the table, conns_places.c, who of an address is served, and
 * conns_watch.c, the phases, share. */
#ifndef SHEAF_SERVER_CONNS_IMPL_H
#define SHEAF_SERVER_CONNS_IMPL_H

#include <pthread.h>

#include "server/conns.h"

#define CONN_BUCKETS 256
#define CONN_BLOCK 64

/*
 * Side by side, since they live longer than what libmicrohttpd has for a
 * connection: between it each would hold a page.
 */
struct conn_block {
	struct conn_block *next;
	struct conn conns[CONN_BLOCK];
};

/* An address, as long as there is a connection from it, or on its way. */
struct peer {
	struct peer *next, **link; /* in its bucket */
	struct host host;
	uint64_t all; /* connections */
	/* Who has a place: those that are not parked, those that were called
	 * out of the line, those on their way to libmicrohttpd. */
	uint64_t active, called, going;
	uint64_t going_before; /* a tick ago */
	uint64_t most; /* places there are; 0: one for each */
	struct conn *first, **last; /* the line */
};

struct conns {
	pthread_mutex_t lock;
	struct conn_block *blocks;
	struct conn *unused, *first;
	struct peer *peers[CONN_BUCKETS];
	_Atomic uint64_t n; /* changed under the lock */
	void (*call)(void *arg, struct conn *c); /* NULL: nobody is parked */
	void *call_arg;
};

/* What conn.state is when the phase begins now. */
uint64_t conn_state_of(enum conn_phase phase);

/* ---- conns_places.c, under the lock */

/* NULL: it is not known; no memory. */
struct peer *peer_find(struct conns *cs, const struct host *h);
struct peer *peer_for(struct conns *cs, const struct host *h);

/* Forgets it, if nothing is left of it. */
void peer_drop(struct peer *p);

/* Forgets all: what was on its way will not arrive. */
void peers_free(struct conns *cs);

/* A parked one that is to go, if there is a place; else it gets in line. */
bool place_take(struct conn *c, uint64_t most);

/* It is parked no longer, nor in line. */
void place_leave(struct conn *c);

/* Calls those in line for whom there is a place. */
void places_call(struct conns *cs, struct peer *p);

#endif
