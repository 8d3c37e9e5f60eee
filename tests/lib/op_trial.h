/* SPDX-License-Identifier: MIT */
/*
 * An operation on random trees at /s and /d, with random refusals and random
 * locks: how they were made, what was said, and what is there afterwards.
 */
#ifndef SHEAF_TESTS_OP_TRIAL_H
#define SHEAF_TESTS_OP_TRIAL_H

#include "lib/locks.h"
#include "lib/op_test.h"

#define ITEMS_MAX 128
#define LOCKS_MAX 8

struct item {
	char path[48];
	bool dir;
	char bytes[16];
};

struct snap {
	struct item v[ITEMS_MAX];
	size_t n;
};

struct lock_row {
	char root[48];
	enum depth depth;
	bool held; /* its token is submitted, by its creator */
	struct token token;
};

struct trial {
	struct op_test t;
	uint64_t seed;
	struct lock_row locks[LOCKS_MAX];
	size_t n_locks;
	struct str held[LOCKS_MAX];
	struct lock_tokens tokens;
	struct snap before, after;
	struct buf was, is; /* the same as text */
	enum err_code rc;
	bool created;
};

/* The same trial for the same seed.  It is large: not for the stack. */
void trial_init(struct trial *r, uint64_t seed);
void trial_done(struct trial *r);

/* To be called after the operation: fills in `after` and `is`. */
void trial_look(struct trial *r);

unsigned random_below(struct trial *r, unsigned n);

/* ---- what was there, and what is */

void set_text(char *out, size_t size, struct str s);

const struct item *snap_find(const struct snap *s, const char *path);

/* Whether it is there as `like` is. */
bool is_there(const struct snap *s, const char *path, const struct item *like);

/* "/s/..." as "/d/..." and back. */
struct other {
	char path[48];
};

struct other other(const char *path);

/* ---- what was said */

bool is_named(const struct trial *r, const char *path);

/* Whether the path, or something above it, is named. */
bool is_covered(const struct trial *r, const char *path);

bool is_above_named(const struct trial *r, const char *path);

/* ---- what was refused, or locked, by the words of RFC 4918 s7 */

bool is_denied(const struct trial *r, const char *path, unsigned what);

/* Whether it is locked, directly or not, and no token of that was submitted. */
bool is_locked(const struct trial *r, struct rpath path);

/*
 * Whether it may neither come nor go: a collection's lock is one on its
 * members.
 */
bool is_fixed(const struct trial *r, struct rpath path);

/* Whether it, or something below it that was there, is fixed. */
bool holds_fixed(const struct trial *r, struct rpath path);

/* ---- checks */

/* Fails the test, with all there is to know, unless it holds. */
void check(const struct trial *r, bool holds, uint64_t round, const char *path,
    const char *rule);

/* An href stands once in an answer, and an error came before any change. */
void check_answer(const struct trial *r, uint64_t round);

#endif
