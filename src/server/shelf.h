/* SPDX-License-Identifier: MIT */
/*
 * Exchanges that are over, kept to be used again, with their memory and the
 * configuration in force.  Each processor has a shelf of them, so that a
 * request finds one without memory that other processors write to.  To allocate
 * one anew, and to count them in one place, would cost more than all else we do
 * for a small GET.
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
	long active; /* taken here, less those put back here: may be < 0 */
	char apart[64]; /* keeps two shelves out of one cache line */
};

void shelves_init(struct shelf *v);

/* All that was taken must have been put back. */
void shelves_done(struct shelf *v);

/* From now on requests begin with this configuration, which is held. */
void shelves_set(struct shelf *v, struct live *live);

/* How many exchanges are taken and not put back, on all shelves. */
size_t shelves_active(struct shelf *v);

/*
 * NULL when memory ran out.  All zero, but for what stays on a shelf (see
 * struct exchange_state) and for the room that a method streams into, which is
 * half of the struct and not worth clearing.
 */
struct exchange_state *shelf_take(struct shelf *v);

/* Takes back an exchange that has released all it held but what stays. */
void shelf_put(struct shelf *v, struct exchange_state *e);

#endif
