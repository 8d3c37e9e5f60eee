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
 * A thread with a stack of so many bytes (0: the usual), on any processor that
 * the program may use, wherever its maker stays.  It takes no signals: they are
 * for the threads that await them.  0, or an errno.
 */
int thread_start(pthread_t *t, size_t stack, void *(*fn)(void *arg), void *arg);

/*
 * One that works beside its maker: never on the processor that the maker is on
 * now, if there is another.  Left to itself the system often wakes it there,
 * where the two take turns.
 */
int thread_start_beside(pthread_t *t, void *(*fn)(void *arg), void *arg);

/*
 * What the caller is called in `top -H`, by 15 bytes at most.  One that has not
 * said it bears the name of its maker.
 */
void thread_name(const char *name);

/*
 * The thread (0: the caller) stays on the processors whose numbers leave i when
 * divided by n, if the program may use one.  Best effort, as is where others
 * run.
 */
void thread_stay(pid_t t, unsigned i, unsigned n);

/* The caller stays nowhere any more. */
void thread_roam(void);

/*
 * Whether the program may use others than known, which is brought up to date;
 * all zero it is known for the first time, which is no change.  After a change
 * all threads may run on all of them, and none stays.
 */
bool thread_processors_changed(cpu_set_t *known);

/* The processors that the program may use: a container or taskset may have
 * limited them.  1 at least. */
unsigned thread_processors(void);

#endif
