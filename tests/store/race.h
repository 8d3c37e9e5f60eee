/* SPDX-License-Identifier: MIT */
/*
 * Many threads on one store.  They count, and the test asserts when they have
 * ended: cmocka is for one thread.
 */
#ifndef SHEAF_TESTS_STORE_RACE_H
#define SHEAF_TESTS_STORE_RACE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/suite.h"

#define THREADS 6
#define ROUNDS 40

struct race {
	struct store *store;
	pthread_barrier_t start;
	atomic_uint won;
	atomic_uint wrong; /* how many answers were wrong */
	atomic_uint number; /* of the threads */
};

typedef void *(*runner)(void *race);

/*
 * Runs THREADS threads, as many of each kind.  Each begins with a wait at
 * r->start.  Fails the test when something was wrong.
 */
void run_race(struct race *r, const runner *runners, size_t kinds);

/* Counts it as wrong when rc is none of these n; says so with err. */
void expect(struct race *r, enum err_code rc, const struct err *err,
    const enum err_code *fine, size_t n);

/* In the call, err is where its details go. */
#define EXPECT(race, call, ...)                                      \
	do {                                                         \
		static const enum err_code fine[] = { __VA_ARGS__ }; \
		struct err details = { 0 };                          \
		struct err *err = &details;                          \
		enum err_code rc_ = (call);                          \
		expect((race), rc_, err, fine, ARRAY_LEN(fine));     \
	} while (0)

#endif
