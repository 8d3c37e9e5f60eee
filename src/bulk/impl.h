/* SPDX-License-Identifier: MIT */
/* What the parts of a run share: see run.h for which is which. */
#ifndef SHEAF_BULK_IMPL_H
#define SHEAF_BULK_IMPL_H

#include <pthread.h>

#include "bulk/names.h"
#include "bulk/plan.h"
#include "bulk/run.h"
#include "http/fingerprint.h"

#define BULK_STATUS_MAX 600

/* What a method touches, and what may come with it. */
enum way {
	WAY_WRITES = 1 << 0, /* its target */
	WAY_TO = 1 << 1, /* it has a destination, which it writes */
	WAY_KEYED = 1 << 2, /* an idempotency key means something */
	WAY_NAMES = 1 << 3, /* the server chooses what it makes */
	WAY_FOUND = 1 << 4, /* its outcomes are what was asked for */
	WAY_BELOW = 1 << 5, /* it looks below its target, through links */
};

/* "$id/rest": what an earlier operation left. */
struct ref {
	struct task *task; /* of this window */
	const struct left *left; /* of an earlier one; NULL: neither */
	struct str rest; /* from its slash on, encoded */
};

/* Where in an operation a reference may stand. */
enum ref_at { REF_URL, REF_TO, REF_MATCH, REF_NONE_MATCH, N_REFS };

enum task_state {
	TASK_WAITS,
	TASK_BEGUN, /* item_begin() went well */
	TASK_DONE, /* it has a result */
};

struct item_exchange;

/*
 * An operation of the window that is being run.  All are in memory at once, so
 * what few need is in the arena, behind a pointer.
 */
struct task {
	const struct batch_item *item;
	struct arena arena; /* of what it means, and of its result */

	/* ---- what it means: check.c */
	struct str method_name;
	unsigned ways;
	bool creates; /* op create: what exists is 409 */
	struct rpath path, to;
	bool slash, to_slash;
	struct ref *refs; /* N_REFS, see task_ref(); NULL: it has none */
	size_t *after; /* in this window */
	size_t n_after;
	struct task *failed_one; /* NULL, or why it is not to run */
	struct str blamed; /* the same of an earlier window: its cause */
	struct task *group; /* the first of its group; NULL: it has none */
	size_t n_group; /* of that one: how many */
	struct str store_key; /* of idempotency: its own, or KEY/id; or empty */
	struct plan_touch *touches;
	size_t n_touches;
	bool etag_wanted; /* by a later one */

	/* ---- what becomes of it: item.c, run.c */
	enum task_state state;
	struct item_exchange *ix; /* while it runs */
	void *made; /* its memory */
	struct err *err; /* why it failed; bulk_run.errs */
	struct result result; /* of one that is done */
	bool durable; /* whatever becomes of the batch of changes */
	struct str caused_by; /* of a failure: the id that is to blame */
	struct buf body; /* of the result */
	unsigned etag_len;
	char etag[ETAG_MAX]; /* that it left */
	struct rpath at; /* what it made, or where it is */

	/* ---- idempotency: again.c */
	unsigned char print[32];
	struct record record;
	bool has_key; /* taken */
	bool unused; /* its key: nobody has to look */
	bool recorded; /* the record goes with its change */
	struct fingerprint *body_print; /* of a body that comes in pieces */
	struct recalled *was; /* done before, if that is the same body */
	struct recalled *begun; /* an earlier try was cut off in the middle */
};

struct bulk_run {
	struct bulk_env env;
	struct bulk_spec spec;
	struct arena arena; /* of the spec */
	int64_t began; /* clock_monotonic() */
	struct past past;
	struct results *out;
	bool started; /* out may be asked for; start() was called */
	bool over; /* after an error */
	const struct batch_head *head; /* of the window */

	struct task *tasks; /* of the window */
	struct err *errs; /* of them; most are never touched */
	size_t n;
	size_t n_put; /* results that were handed on */
	struct names hrefs; /* paths of the tasks, where each is told once */
	struct store_batch *batch;
	struct store *store; /* that the window runs on */
	struct store *dry; /* the draft of a dry run */
	struct user *user; /* while a window is run */
	pthread_mutex_t spare_lock;
	struct item_exchange *spare; /* memory of items that are done */
	size_t n_spare;
	bool trying; /* on a draft that is forgotten, to see what fails */
	uint64_t failed; /* of earlier windows */

	bool taking_big; /* a body that comes in pieces */
	struct batch_item big;
	struct err big_bad; /* of it */
	struct ostream *big_to, nowhere;

	bool key_known; /* the batch's key has been looked at */
	struct buf batch_key; /* taken; empty: none */
	uint64_t counts[BULK_STATUS_MAX]; /* of results, by status */
	uint64_t total, failures;
};

/* After so many nothing more is begun; 0: however many there are. */
static inline uint64_t
most_failures(const struct bulk_run *r)
{
	return r->spec.stop_on_error ? 1 : r->head->fail_on_errors;
}

/* ---- check.c */

/*
 * Makes tasks of a window's items.  What is wrong with an item is an error
 * (ERR_BAD_REQUEST and such; err names it), or in a stream its result.
 */
enum err_code check_window(struct bulk_run *r, const struct batch_head *head,
    const struct batch_window *w, struct err *err) MUST_USE;

void tasks_free(struct bulk_run *r);

/* Never NULL: where it refers to none, neither task nor left is set. */
const struct ref *task_ref(const struct task *t, enum ref_at at);

/* The nearest collection above all that the tasks change. */
struct rpath tasks_root(const struct task *v, size_t n, bool *any);

/* ---- item.c */

/* Begins an item, and gives it its body: it is ready for item_run(). */
void item_begin(struct bulk_run *r, struct task *t, struct store *store,
    struct store_batch *b);
/*
 * Begins an item whose body comes in pieces, to be written to *to; NULL: it has
 * its result already.
 */
void item_open(struct bulk_run *r, struct task *t, struct store *store,
    struct store_batch *b, struct ostream **to);
/* Runs an item that was begun, and leaves any other alone. */
void item_run(struct bulk_run *r, struct task *t);
/* The same for up to RUN_MOST items, of which some may cost less together. */
void items_run(struct bulk_run *r, struct task *const *v, size_t n);
/* Ends an item that was begun, or that item_open() made, without running it. */
void item_fail(struct bulk_run *r, struct task *t, const struct err *err);
/* Frees the memory of an item that is not under way. */
void item_free(struct bulk_run *r, struct task *t);
void items_free_spare(struct bulk_run *r);

/* ---- result.c: results without a run */

/* Gives it a result: this outcome, whose pointers must live as long. */
void task_result(struct task *t, const struct outcome *o);
/* Gives it t->err, which has a code, as its result. */
void task_failed(struct bulk_run *r, struct task *t);
/* Gives it a 424: the one with that id failed. */
void task_waited_for(struct bulk_run *r, struct task *t, struct str id);
/* Gives it the result that it was not begun, since failOnErrors was reached. */
void task_enough(struct bulk_run *r, struct task *t);
/* Turns a success into this failure: what it did was taken back. */
void task_undo(struct bulk_run *r, struct task *t, const struct err *err);
bool task_is_failure(const struct task *t);
/* Whether the href of what is at path ends in a slash. */
bool task_names_collection(const struct task *t, struct rpath path);
/* Whether it is to be begun; else it has a result. */
bool task_may_begin(struct bulk_run *r, struct task *t);
/* Calls start() where that has not been done. */
enum err_code
run_start(struct bulk_run *r, unsigned status, struct err *err) MUST_USE;
/* Hands on the results that are done, up to the first that is not. */
enum err_code run_put(struct bulk_run *r, struct err *err) MUST_USE;

/* The last line of the failure log. */
void run_log_end(struct bulk_run *r);

/* ---- again.c */

/*
 * Whether the operation is to be done; else it has a result: it was done
 * before, or its key is not free.  req: as it was sent, with "$id" for a tag.
 */
bool again_begin(struct bulk_run *r, struct task *t, struct store *store,
    const struct request *req);
/*
 * To be called when all of a body in pieces has come: whether the operation is
 * still to be done.
 */
bool again_body(struct bulk_run *r, struct task *t);
/* Remembers the result of an item that was done. */
void again_done(struct bulk_run *r, struct task *t, struct store *store,
    struct store_batch *b);
void again_give_back(struct bulk_run *r, struct task *t);
/*
 * For a window: takes the keys that its items have by the batch's, as far as
 * they are free, and finds out whether any of them was ever used.
 */
enum err_code again_window(struct bulk_run *r, struct err *err) MUST_USE;
/* The batch's own key: takes it, and sees that it is used for one payload. */
enum err_code again_start(struct bulk_run *r, struct err *err) MUST_USE;
void again_end(struct bulk_run *r);
/* What again_start() would fail with; nothing is taken, nothing remembered. */
enum err_code again_check(struct bulk_run *r, struct err *err) MUST_USE;

/* ---- together.c: what is done at once, or tried */

/* A group of an otherwise independent batch. */
void group_run(struct bulk_run *r, struct task *first, struct store *base);
enum err_code run_atomic(struct bulk_run *r, struct err *err) MUST_USE;
enum err_code
run_validated(struct bulk_run *r, bool *go_on, struct err *err) MUST_USE;

/* ---- waves.c */

enum err_code run_independent(struct bulk_run *r, struct err *err) MUST_USE;

/* ---- crew.c */

/*
 * Calls fn(arg, i) for each i below n, on this thread and on as many others as
 * are free and user may have beside it, most of them with it, and returns when
 * all are done.
 */
void crew_run(const struct bulk_env *env, struct user *user, size_t most,
    size_t n, void (*fn)(void *arg, size_t i), void *arg);

#endif
