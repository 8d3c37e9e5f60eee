/* SPDX-License-Identifier: MIT */
/*
 * What a request begins with, where the processor that serves it finds it
 * without asking the others: the memory of one that is over, with the
 * configuration in force.  Each processor has a shelf.  Made anew, and counted
 * in one place, it would cost more than all else we do for a small GET.
 */
#ifndef SHEAF_SERVER_SHELF_H
#define SHEAF_SERVER_SHELF_H

#include <pthread.h>
#include <stddef.h>

#include "server/live.h"

struct exchange_state;

#define SHELVES 8 /* processors beyond that share them */

struct shelf {
	pthread_mutex_t lock;
	/* Under the lock. */
	struct live *live;
	struct exchange_state *first;
	unsigned n;
	long active; /* taken here, less those put back here */
	char apart[64]; /* of another's cache line */
};

void shelves_init(struct shelf *v);

/* Nothing that was taken may be missing. */
void shelves_done(struct shelf *v);

/* From now on requests begin with this; it is held. */
void shelves_set(struct shelf *v, struct live *live);

/* How many are taken. */
size_t shelves_active(struct shelf *v);

/*
 * All zero, but for what it keeps on a shelf and the room for what a method
 * streams, which is half of it; NULL: no memory.
 */
struct exchange_state *shelf_take(struct shelf *v);

/* It is over, and all it held is released but these. */
void shelf_put(struct shelf *v, struct exchange_state *e);

#endif
