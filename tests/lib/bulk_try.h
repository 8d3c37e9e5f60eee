/* SPDX-License-Identifier: MIT */
/* Batches of JSON, run on a store in memory, and what was answered. */
#ifndef SHEAF_TESTS_BULK_TRY_H
#define SHEAF_TESTS_BULK_TRY_H

#include <pthread.h>

#include "bulk/run.h"
#include "lib/deny_store.h"
#include "lib/tree.h"

struct bulk_try {
	struct deny_store deny;
	struct store *store; /* what the batch sees */
	struct dav_settings set;
	struct batch_limits limits;
	struct keys *keys;
	struct bulk_spec spec; /* of the next */
	size_t threads; /* that there are beside the caller's */
	size_t window; /* operations at a time; 0: all */
	unsigned long fail_alloc; /* of the run, this allocation fails */
	bool alloc_failed; /* it came to that */

	/* ---- of the last batch */
	unsigned status; /* of the whole; 0: nothing was started */
	enum err_code rc;
	struct err err;
	struct buf out; /* the answer, as JSON */
	bool ended;
	struct buf log;

	/* ---- its own */
	struct buf_ostream to;
	struct results *results;
	pthread_mutex_t mutex;
	pthread_cond_t idle;
	size_t busy;
};

/* With the tree that `text` says. */
void bulk_try_init(struct bulk_try *t, const char *text);
/* The same on another store, which it owns, with nothing between. */
void
bulk_try_init_on(struct bulk_try *t, struct store *store, const char *text);
void bulk_try_done(struct bulk_try *t);

/* The whole request, with ' for ". */
enum err_code bulk_try_send(struct bulk_try *t, const char *json);

/* "op", "op": operations alone, inside of {"operations":[...]}. */
enum err_code bulk_try_ops(struct bulk_try *t, const char *operations);

/*
 * Appends of each result "id status", then what is there of: "<cause" for
 * causedBy, "!" replayed, "?" notAttempted, "~" partial; a space between two.
 */
void bulk_try_brief(const struct bulk_try *t, struct buf *out);

/* Fails the test unless the brief is this. */
#define assert_brief(t, want) bulk_try_check((t), (want), __FILE__, __LINE__)
void bulk_try_check(
    const struct bulk_try *t, const char *want, const char *file, int line);

/* Whether the answer holds this, with ' for ". */
bool bulk_try_says(const struct bulk_try *t, const char *text);

#endif
