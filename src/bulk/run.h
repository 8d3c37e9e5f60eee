/* SPDX-License-Identifier: MIT */
/*
 * Carries out a batch, a window of operations at a time.  Each operation is a
 * request, and the method that serves it does the rest (dav/exchange.h): so
 * locks, conditions, quotas, authorisation and the journal hold alike.
 *
 *   check.c   what the items mean: paths, ids, dependencies; what is wrong
 *   plan.c    who waits for whom (pure)
 *   item.c    an item as a request, its reply as a result
 *   run.c     modes, groups, the budget; windows and their durability
 */
#ifndef SHEAF_BULK_RUN_H
#define SHEAF_BULK_RUN_H

#include "bulk/users.h"
#include "dav/exchange.h"
#include "dav/keys.h"
#include "wire/batch.h"
#include "wire/results.h"

/* What does not change from batch to batch.  Borrowed. */
struct bulk_env {
	struct store *store;
	const struct dav_settings *set;
	const struct batch_limits *limits;
	struct keys *keys;
	struct users *users; /* how many run side by side; NULL: not counted */
	/*
	 * Has fn(arg) run on another thread; false: nobody is free for it, and
	 * whoever asked goes on alone.  NULL: there are no other threads.
	 */
	bool (*spawn)(void *ctx, void (*fn)(void *arg), void *arg);
	void *spawn_ctx;
	/* One line for each failed operation, with the batch's id. */
	struct log_lines failures;
};

struct bulk_spec {
	struct str batch_id; /* "b_" and so on: bulk_id_make() */
	struct caller caller;
	struct origin origin;
	struct str key; /* Idempotency-Key of the batch; empty: none */
	/* batch_parser_print() of a JSON batch; empty: a stream's is not known
	 */
	struct str print;
	/* What is wrong with one operation is its own result, from the first on
	 */
	bool stream;
	/* No two operations may have one href (XML): ERR_NOT_ACCEPTABLE */
	bool hrefs_once;
	bool dry_run; /* ?dryRun=true, whatever the batch says */
	bool representation; /* Prefer: return=representation */
	/* Prefer: continue-on-error=false: as failOnErrors 1, whatever it says
	 */
	bool stop_on_error;
	/*
	 * It was let in before (a job): however many operations of its user run
	 * side by side, it is not refused for that.
	 */
	bool admitted;
	int64_t budget; /* ns from bulk_run_new() on; 0: none (a job) */
	/* Asked between operations; true: the rest is not begun.  May be NULL.
	 */
	bool (*cancelled)(void *arg);
	/*
	 * Called once, when the status of the whole is known: 207, 200 or 422.
	 * Gives where the results go; the run puts and ends, the caller frees.
	 */
	enum err_code (*start)(
	    void *arg, unsigned status, struct results **out, struct err *err);
	void *arg;
};

struct bulk_run;

/*
 * What keeps a JSON batch from being begun at all: what bulk_run_window() would
 * fail with.
 */
enum err_code bulk_check(const struct bulk_env *env,
    const struct bulk_spec *spec, const struct batch_head *head,
    const struct batch_window *w, struct err *err) MUST_USE;

/* env is borrowed; spec is copied, with what it points to. */
enum err_code
bulk_run_new(const struct bulk_env *env, const struct bulk_spec *spec,
    struct bulk_run **out, struct err *err) MUST_USE;

/*
 * Runs the items of a window; last: no more will come.  What the whole answer
 * hinges on (a duplicate id, a cycle, a key in flight) is an error before any
 * of the window has run: it is the answer if nothing was started, and else, in
 * a stream, each such item's own result.  An item's failure never is an error.
 * When it returns, what was put is durable.
 */
enum err_code bulk_run_window(struct bulk_run *r, const struct batch_head *head,
    const struct batch_window *w, bool last, struct err *err) MUST_USE;

/*
 * An item whose body comes in pieces: everything before it has been run.  The
 * stream takes the body; then bulk_run_big_end(), with what is wrong with the
 * body, or NULL.  A failure is the item's result.
 */
enum err_code bulk_run_big_begin(struct bulk_run *r,
    const struct batch_head *head, const struct batch_item *item,
    struct ostream **to, struct err *err) MUST_USE;
enum err_code bulk_run_big_end(
    struct bulk_run *r, const struct err *bad, struct err *err) MUST_USE;

/*
 * Ends the answer; failed as in results_end().  After it, or after any error
 * above, only bulk_run_free().
 */
enum err_code bulk_run_end(
    struct bulk_run *r, const struct err *failed, struct err *err) MUST_USE;

bool bulk_run_started(const struct bulk_run *r); /* start() was called */

void bulk_run_free(struct bulk_run *r); /* NULL is fine */

/* "b_" and 26 characters that no other batch has, in order of time. */
#define BULK_ID_SIZE 29
enum err_code bulk_id_make(char out[BULK_ID_SIZE], struct err *err) MUST_USE;

#endif
