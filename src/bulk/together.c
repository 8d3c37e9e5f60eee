/* SPDX-License-Identifier: MIT */
/* What is done at once or not at all, and what is only tried: on drafts. */
#include "bulk/impl.h"
#include "store/draft.h"

/* Bytes of bodies in the results of what is held until all of it is done. */
#define KEPT_MAX ((size_t)64 << 20)

/* A draft that is to be applied, and what keeps others away meanwhile. */
struct attempt {
	struct store *draft;
	struct store_claim *claim;
};

static void
attempt_done(struct attempt *a)
{
	store_close(a->draft);
	store_claim_end(a->claim);
	*a = (struct attempt){ 0 };
}

static enum err_code
attempt_begin(const struct bulk_run *r, struct store *base, struct rpath root,
    struct attempt *a, struct err *err)
{
	const struct draft_spec spec = {
		.max_changed = (size_t)r->env.limits->changed,
	};
	enum err_code rc = store_claim(base, root, &a->claim, err);

	return rc ? rc : draft_new(base, &spec, &a->draft, err);
}

/* ---- one after the other */

static void
keep_body(struct task *t, size_t *kept)
{
	*kept += t->body.len;
	if (*kept <= KEPT_MAX)
		return;
	*kept -= t->body.len;
	buf_done(&t->body);
	t->result.body_omitted = t->result.has_body;
	t->result.has_body = false;
	t->result.body = (struct str){ 0 };
}

/*
 * The first one that failed, or NULL.  Unless it is to go on, the rest is not
 * begun.
 */
static struct task *
run_in_order(struct bulk_run *r, struct task *v, size_t n, struct store *store,
    bool go_on)
{
	struct task *failed = NULL;
	size_t i, kept = 0;

	for (i = 0; i < n && (go_on || !failed); i++) {
		struct task *t = &v[i];

		if (t->state != TASK_DONE && task_may_begin(r, t)) {
			item_begin(r, t, store, NULL);
			item_run(r, t);
		}
		keep_body(t, &kept);
		if (!failed && task_is_failure(t))
			failed = t;
	}
	return failed;
}

/* Says of all but those that failed themselves that they were not done. */
static void
undo_all(struct bulk_run *r, struct task *v, size_t n, struct task *failed)
{
	struct str cause =
	    failed->caused_by.len ? failed->caused_by : failed->item->id;
	size_t i;

	for (i = 0; i < n; i++) {
		struct task *t = &v[i];

		if (t == failed ||
		    (t->state == TASK_DONE &&
			(task_is_failure(t) || t->result.replayed)))
			continue;
		buf_done(&t->body);
		t->etag_len = 0;
		task_waited_for(r, t, cause);
	}
}

static void
all_failed(struct bulk_run *r, struct task *v, size_t n, const struct err *why)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v[i].state != TASK_DONE ||
		    (!task_is_failure(&v[i]) && !v[i].result.replayed))
			task_undo(r, &v[i], why);
}

/*
 * The status of the whole: 400 where something was malformed, in its form or
 * for its method.
 */
static unsigned
refusal(const struct bulk_run *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->tasks[i].result.outcome.status == 400)
			return 400;
	return 422;
}

/* The first that has a result already: it is malformed, so nothing is tried. */
static struct task *
first_done(struct task *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v[i].state == TASK_DONE)
			return &v[i];
	return NULL;
}

/* ---- at once */

/* Whether all of it was done. */
static bool
do_at_once(struct bulk_run *r, struct task *v, size_t n, struct store *base)
{
	struct attempt a CLEANUP(attempt_done) = { 0 };
	struct task *failed = first_done(v, n);
	struct err why = { 0 };
	enum err_code rc = ERR_OK;
	struct rpath root;
	bool any;

	root = tasks_root(v, n, &any);
	if (!failed && any)
		rc = attempt_begin(r, base, root, &a, &why);
	if (!rc && !failed)
		failed = run_in_order(r, v, n, a.draft ? a.draft : base, false);
	if (!rc && !failed && a.draft)
		rc = draft_apply(a.draft, a.claim, &why);
	why.code = rc;
	if (failed)
		undo_all(r, v, n, failed);
	else if (rc)
		all_failed(r, v, n, &why);
	return !failed && !rc;
}

void
group_run(struct bulk_run *r, struct task *first, struct store *base)
{
	size_t i;

	if (!do_at_once(r, first, first->n_group, base))
		return;
	for (i = 0; i < first->n_group; i++)
		first[i].durable = true;
}

/* ---- modes */

enum err_code
run_atomic(struct bulk_run *r, struct err *err)
{
	bool done = do_at_once(r, r->tasks, r->n, r->store);
	enum err_code rc;
	size_t i;

	for (i = 0; i < r->n; i++)
		again_give_back(r, &r->tasks[i]);
	rc = run_start(r, done ? 200 : refusal(r), err);
	return rc ? rc : run_put(r, err);
}

/* Makes it as if it had never been tried. */
static void
forget(struct task *t)
{
	t->state = TASK_WAITS;
	t->result = (struct result){ 0 };
	*t->err = (struct err){ 0 };
	t->caused_by = (struct str){ 0 };
	t->etag_len = 0;
	t->at = (struct rpath){ 0 };
	t->recorded = false;
	buf_done(&t->body);
}

enum err_code
run_validated(struct bulk_run *r, bool *go_on, struct err *err)
{
	const struct draft_spec spec = {
		.dry = true,
		.max_changed = (size_t)r->env.limits->changed,
	};
	struct attempt a CLEANUP(attempt_done) = { 0 };
	struct task *failed;
	enum err_code rc = draft_new(r->store, &spec, &a.draft, err);
	size_t i;

	if (rc)
		return rc;
	r->trying = true;
	failed = run_in_order(r, r->tasks, r->n, a.draft, true);
	r->trying = false;
	*go_on = !failed;
	if (failed) {
		undo_all(r, r->tasks, r->n, failed);
		rc = run_start(r, refusal(r), err);
		return rc ? rc : run_put(r, err);
	}
	for (i = 0; i < r->n; i++)
		forget(&r->tasks[i]);
	return ERR_OK;
}
