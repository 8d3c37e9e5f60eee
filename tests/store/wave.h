/* SPDX-License-Identifier: MIT */
/* A wave of uploads with records, which their batch writes down beforehand. */
#ifndef SHEAF_TESTS_STORE_WAVE_H
#define SHEAF_TESTS_STORE_WAVE_H

#include "store/suite.h"

/* Uploads in a wave: more than are written down by one statement. */
#define WAVE ((size_t)18)

/* The first takes the place of what somebody else has put there. */
extern const char *const wave_paths[WAVE];

struct wave {
	struct store *s;
	struct store_batch *b;
	size_t n; /* the first of the paths */
	struct record r[WAVE];
	char keys[WAVE][32];
	struct upload *u[WAVE];
};

/* Does all that comes before the first of n is committed. */
enum err_code wave_begin(struct wave *w, struct store *s, size_t n) MUST_USE;

enum err_code wave_make(struct wave *w, size_t i) MUST_USE;

/* Commits all of them together; done: those that it took no wave_make() for. */
enum err_code wave_make_together(struct wave *w, bool done[WAVE]) MUST_USE;

enum err_code wave_end(struct wave *w) MUST_USE;

#endif
