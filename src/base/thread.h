/* SPDX-License-Identifier: MIT */
/* Threads, and the processors that they may run on. */
#ifndef SHEAF_BASE_THREAD_H
#define SHEAF_BASE_THREAD_H

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Starts a thread that runs fn(arg) with a stack of so many bytes (0: the
 * usual).  It may run on any processor that the program may use, also where its
 * maker is bound by thread_stay().  It takes no signals: they are for the
 * threads that await them.  Returns 0 or an errno.
 */
int thread_start(pthread_t *t, size_t stack, void *(*fn)(void *arg), void *arg);

/*
 * The same for a thread that works beside its maker: it never runs on the
 * processor that the maker is on now, if there is another.  Left to itself the
 * system often wakes it there, where the two take turns.
 */
int thread_start_beside(pthread_t *t, void *(*fn)(void *arg), void *arg);

/*
 * Names the calling thread, as `top -H` shows it; 15 bytes at most.  A thread
 * begins with the name of its maker.
 */
void thread_name(const char *name);

/*
 * Binds the thread (0: the caller) to those processors whose number modulo n is
 * i.  Does nothing where the program may use none of them; a failure is
 * ignored.
 */
void thread_stay(pid_t t, unsigned i, unsigned n);

/* Lets the caller run on all processors again. */
void thread_roam(void);

/*
 * Whether the program may use other processors than *known, which it brings up
 * to date.  After a change all threads may run on all of them, and none is
 * bound any more.  An all-zero *known is filled in, and that is no change.
 */
bool thread_processors_changed(cpu_set_t *known);

/*
 * How many processors the program may use, of which a container or taskset may
 * have left it few; at least 1.
 */
unsigned thread_processors(void);

#endif
