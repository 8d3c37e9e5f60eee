/* SPDX-License-Identifier: MIT */
/*
 * For a mutex that is held for a microsecond or so: a thread that finds it
 * locked tries for a while before it sleeps, since to sleep and be woken takes
 * longer than that.
 */
#ifndef SHEAF_BASE_MUTEX_H
#define SHEAF_BASE_MUTEX_H

#include <pthread.h>

/* pthread_mutex_destroy() destroys it. */
void mutex_init_short(pthread_mutex_t *m);

#endif
