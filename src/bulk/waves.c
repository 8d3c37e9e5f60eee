/* SPDX-License-Identifier: MIT */
/*
 * An independent batch.  It is run in waves: the operations that need not wait
 * for each other, then those that waited for them.  In a wave the bodies are
 * written first, then brought to the disk in one go, then each takes its place.
 * A round of waves ends when all is done, or when results hold much memory:
 * then what was done is made durable, and the results go out.
 */
#include <stdlib.h>

#include "bulk/impl.h"
#include "store/members.h"

#define WAVE_MAX ((size_t)256)

/* Uploads that are run together, where that leaves work for all threads. */
#define RUN ((size_t)16)
#define WORTH (2 * RUN)

#define FEW 4 /* operations whose changes are synced one by one */

/* Bytes of results that wait for others before them. */
#define HELD_MAX ((size_t)16 << 20)

struct waves {
	struct bulk_run *r;
	struct plan *plan;
	struct plan_unit units[WAVE_MAX];
	size_t n;
	size_t runs[WAVE_MAX + 1]; /* where each begins; and n */
	size_t n_runs;
	size_t held;
};

static void
waves_done(struct waves *w)
{
	plan_free(w->plan);
}

static enum err_code
make_plan(struct waves *w, struct err *err)
{
	const struct bulk_run *r = w->r;
	/* check-banned: it is freed before the first is run */
	struct plan_item *items = calloc(r->n + 1, sizeof(*items));
	enum err_code rc;
	size_t i;

	if (!items)
		return err_nomem(err);
	for (i = 0; i < r->n; i++) {
		const struct task *t = &r->tasks[i];

		items[i] = (struct plan_item){
			.touches = t->touches,
			.n_touches = t->n_touches,
			.after = t->after,
			.n_after = t->n_after,
			.joined = t->group && t->group != t,
		};
	}
	rc = plan_new(items, r->n, &w->plan, err);
	free(items);
	return rc;
}

/* ---- whom to begin with */

enum leave { LEAVE_TO_BEGIN, LEAVE_TO_WAIT, LEAVE_OUT };

/*
 * Whether a unit may be begun.  After failOnErrors failures nothing more is;
 * but what would be begun if all ran one after the other is begun, whatever
 * becomes of those before it that still run.
 */
static enum leave
may_start(struct bulk_run *r, const struct plan_unit *u)
{
	uint64_t most = most_failures(r), failed = r->failed;
	size_t i, open = 0;

	if (!most)
		return LEAVE_TO_BEGIN;
	for (i = 0; i < u->first; i++) {
		const struct task *t = &r->tasks[i];

		if (t->state != TASK_DONE)
			open++;
		else if (task_is_failure(t) && !t->result.not_attempted)
			failed++;
	}
	if (failed >= most)
		return LEAVE_OUT;
	return failed + open < most ? LEAVE_TO_BEGIN : LEAVE_TO_WAIT;
}

static void
leave_out(struct bulk_run *r, const struct plan_unit *u)
{
	size_t i;

	for (i = u->first; i < u->first + u->n; i++)
		if (r->tasks[i].state != TASK_DONE)
			task_enough(r, &r->tasks[i]);
}

static void
next_wave(struct waves *w)
{
	size_t most = w->r->dry ? 1 : WAVE_MAX;
	struct plan_unit u;

	w->n = 0;
	while (w->n < most && plan_peek(w->plan, &u)) {
		enum leave leave = may_start(w->r, &u);

		if (leave == LEAVE_TO_WAIT)
			return;
		plan_take(w->plan);
		if (leave == LEAVE_TO_BEGIN) {
			w->units[w->n++] = u;
		} else {
			leave_out(w->r, &u);
			plan_done(w->plan, &u);
		}
	}
}

/* ---- running them */

static struct task *
task_of(const struct waves *w, size_t i)
{
	return &w->r->tasks[w->units[i].first];
}

static bool
is_upload(const struct waves *w, size_t i)
{
	const struct task *t = task_of(w, i);

	return !t->group && str_eq(t->method_name, STR("PUT"));
}

/*
 * Divides a wave into runs: neighbours that are uploads are one run, anything
 * else is a run by itself.
 */
static void
find_runs(struct waves *w)
{
	size_t first = 0, i;

	w->n_runs = 0;
	for (i = 0; i < w->n; i++) {
		if (i && w->n >= WORTH && i - first < RUN &&
		    is_upload(w, i - 1) && is_upload(w, i))
			continue;
		first = i;
		w->runs[w->n_runs++] = i;
	}
	w->runs[w->n_runs] = w->n;
}

static void
begin_units(void *arg, size_t run)
{
	struct waves *w = arg;
	struct bulk_run *r = w->r;
	size_t i;

	for (i = w->runs[run]; i < w->runs[run + 1]; i++) {
		struct task *t = task_of(w, i);

		if (!t->group && task_may_begin(r, t))
			item_begin(r, t, r->store, r->batch);
	}
}

static void
run_units(void *arg, size_t run)
{
	struct waves *w = arg;
	struct bulk_run *r = w->r;
	size_t first = w->runs[run], n = w->runs[run + 1] - first, i;
	struct task *v[RUN] = { task_of(w, first) };

	for (i = 1; i < n; i++)
		v[i] = task_of(w, first + i);
	if (v[0]->group)
		group_run(r, v[0], r->store);
	else
		items_run(r, v, n);
}

static void
do_units(void *arg, size_t run)
{
	begin_units(arg, run);
	run_units(arg, run);
}

/*
 * Whether each run may be done to its end before the next: nothing is brought
 * to a disk, and no record is made, so no run gains by the bytes of others
 * being written first.  Each is then done in the memory of the one before it.
 */
static bool
is_run_by_run(const struct waves *w)
{
	const struct bulk_run *r = w->r;
	size_t i;

	if (r->batch && !store_changers(r->store))
		return false;
	for (i = 0; i < w->n; i++)
		if (r->tasks[w->units[i].first].store_key.len)
			return false;
	return true;
}

static void
end_units(struct waves *w)
{
	size_t i, k;

	for (i = 0; i < w->n; i++) {
		const struct plan_unit *u = &w->units[i];

		for (k = 0; k < u->n; k++)
			w->held += w->r->tasks[u->first + k].body.len;
		plan_done(w->plan, u);
	}
}

/* How many threads to use: many only where some operations just read. */
static size_t
threads_for(const struct waves *w)
{
	const struct bulk_run *r = w->r;
	size_t most = (size_t)r->env.limits->concurrency;
	size_t changers = store_changers(r->store);
	size_t i;

	for (i = 0; i < w->n; i++)
		if (!(r->tasks[w->units[i].first].ways & WAY_WRITES))
			return most;
	return changers && changers < most ? changers : most;
}

static void
run_wave(struct waves *w)
{
	struct bulk_run *r = w->r;
	size_t most = threads_for(w);

	find_runs(w);
	if (is_run_by_run(w)) {
		crew_run(&r->env, r->user, most, w->n_runs, do_units, w);
	} else {
		crew_run(&r->env, r->user, most, w->n_runs, begin_units, w);
		/* What this flush did not do is done for each by itself. */
		if (w->n > 1 && r->batch)
			(void)!store_batch_flush(r->store, r->batch, NULL);
		crew_run(&r->env, r->user, most, w->n_runs, run_units, w);
	}
	end_units(w);
}

/* ---- rounds */

static void
begin_round(struct bulk_run *r)
{
	struct rpath root;
	bool any;

	r->batch = NULL;
	root = tasks_root(r->tasks, r->n, &any);
	/* Without a batch each is durable when it is done. */
	if (any && !r->dry)
		(void)!store_batch_begin(r->store, root, &r->batch, NULL);
	if (r->n - r->n_put > FEW)
		store_batch_many(r->batch);
}

/* Makes failures of the successes of a round whose batch may be lost. */
static void
undo_round(struct bulk_run *r, const struct err *err)
{
	size_t i;

	for (i = r->n_put; i < r->n; i++) {
		struct task *t = &r->tasks[i];

		if (t->state == TASK_DONE && !task_is_failure(t) &&
		    !t->durable && (t->ways & (WAY_WRITES | WAY_TO)))
			task_undo(r, t, err);
	}
}

static enum err_code
end_round(struct waves *w, struct err *err)
{
	struct bulk_run *r = w->r;
	struct err why = { 0 };
	enum err_code rc = store_batch_end(r->store, r->batch, &why);
	size_t i;

	r->batch = NULL;
	w->held = 0;
	if (rc) {
		why.code = rc;
		undo_round(r, &why);
	}
	for (i = r->n_put; i < r->n; i++) {
		struct task *t = &r->tasks[i];

		if (t->state == TASK_DONE) {
			t->durable = true;
			again_give_back(r, t);
		}
	}
	return run_put(r, err);
}

enum err_code
run_independent(struct bulk_run *r, struct err *err)
{
	struct waves w CLEANUP(waves_done) = { .r = r };
	enum err_code rc = make_plan(&w, err);

	/* Nothing is begun that could not be answered. */
	if (!rc)
		rc = run_start(r, 207, err);
	while (!rc && !plan_is_empty(w.plan)) {
		begin_round(r);
		while (!plan_is_empty(w.plan) && w.held < HELD_MAX) {
			next_wave(&w);
			run_wave(&w);
		}
		rc = end_round(&w, err);
	}
	return rc ? rc : run_put(r, err);
}
