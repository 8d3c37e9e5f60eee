/* SPDX-License-Identifier: MIT */
/*
 * For a mutex that is held for a microsecond or so: who comes meanwhile tries
 * for a while before it sleeps, which with the waking would take longer than
 * the wait.
 */
#ifndef SHEAF_BASE_MUTEX_H
#define SHEAF_BASE_MUTEX_H

#include <pthread.h>

/* To be destroyed as any other. */
void mutex_init_short(pthread_mutex_t *m);

#endif
