/* SPDX-License-Identifier: MIT */
/*
 * What three files share: conns.c, the table; conns_places.c, who of an address
 * is served; and conns_watch.c, the phases and the watchdog.
 */
#ifndef SHEAF_SERVER_CONNS_IMPL_H
#define SHEAF_SERVER_CONNS_IMPL_H

#include <pthread.h>

#include "server/conns.h"

#define CONN_BUCKETS 256
#define CONN_BLOCK 64

/*
 * Connections are allocated in blocks: they live longer than what libmicrohttpd
 * allocates for a connection, and each on its own, in between, would keep a
 * page of the heap from being given back.
 */
struct conn_block {
	struct conn_block *next;
	struct conn conns[CONN_BLOCK];
};

/* An address, as long as there is a connection from it, or on its way. */
struct peer {
	struct peer *next, **link; /* in its bucket */
	struct host host;
	uint64_t all; /* connections, parked ones included */
	/*
	 * Those that have a place: not parked; called out of the line and not
	 * gone yet; on their way to libmicrohttpd.
	 */
	uint64_t active, called, going;
	uint64_t going_before; /* what `going` was a second ago */
	uint64_t most; /* places there are; 0: one for each */
	struct conn *first, **last; /* the line for its places */
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

/*
 * peer_find(): NULL for an address without connections.  peer_for() adds one
 * then; NULL when memory ran out.
 */
struct peer *peer_find(struct conns *cs, const struct host *h);
struct peer *peer_for(struct conns *cs, const struct host *h);

/* Frees it, if no connection is left. */
void peer_drop(struct peer *p);

/* Frees all: what was on its way will not arrive any more. */
void peers_free(struct conns *cs);

/* True: a parked connection has its place, and goes.  False: it is in line. */
bool place_take(struct conn *c, uint64_t most);

/* Takes it out of the line, or gives its place back. */
void place_leave(struct conn *c);

/* Calls those in line for whom there is a place. */
void places_call(struct conns *cs, struct peer *p);

#endif
