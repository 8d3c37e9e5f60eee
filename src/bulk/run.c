/* SPDX-License-Identifier: MIT */
/* A batch from its first window to the end of its answer. */
#include "bulk/run.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "bulk/impl.h"
#include "store/draft.h"

static bool
copy_spec(struct bulk_run *r, const struct bulk_spec *spec)
{
	struct bulk_spec *s = &r->spec;
	struct arena *a = &r->arena;

	*s = *spec;
	return arena_str(a, spec->batch_id, &s->batch_id) &&
	    arena_str(a, spec->caller.user, &s->caller.user) &&
	    arena_str(a, spec->origin.scheme, &s->origin.scheme) &&
	    arena_str(a, spec->origin.authority, &s->origin.authority) &&
	    arena_str(a, spec->origin.prefix, &s->origin.prefix) &&
	    arena_str(a, spec->key, &s->key) &&
	    arena_str(a, spec->print, &s->print);
}

enum err_code
bulk_run_new(const struct bulk_env *env, const struct bulk_spec *spec,
    struct bulk_run **out, struct err *err)
{
	struct bulk_run *r = calloc(1, sizeof(*r));

	assert(spec->start);
	if (!r)
		return err_nomem(err);
	(void)pthread_mutex_init(&r->spare_lock, NULL);
	if (!copy_spec(r, spec)) {
		bulk_run_free(r);
		return err_nomem(err);
	}
	r->env = *env;
	r->began = clock_monotonic();
	r->past.keep = spec->stream ? (size_t)env->limits->references : 0;
	*out = r;
	return ERR_OK;
}

void
bulk_run_free(struct bulk_run *r)
{
	if (!r)
		return;
	if (r->taking_big) {
		const struct err gone = { .code = ERR_CLIENT_GONE };

		item_fail(r, &r->tasks[0], &gone);
	}
	again_end(r);
	tasks_free(r);
	items_free_spare(r);
	(void)pthread_mutex_destroy(&r->spare_lock);
	store_close(r->dry);
	past_done(&r->past);
	arena_done(&r->arena);
	free(r);
}

bool
bulk_run_started(const struct bulk_run *r)
{
	return r->started;
}

/* ---- windows */

static enum err_code
check_mode(const struct bulk_run *r, const struct batch_head *head, bool last,
    struct err *err)
{
	const struct batch_limits *lim = r->env.limits;

	if (head->mode == BATCH_INDEPENDENT || (last && !r->started))
		return ERR_OK;
	return err_tell(err, ERR_TOO_LARGE,
	    "a batch of this mode may have %llu operations (operations), and "
	    "%llu bytes in each part (inlinePart)",
	    (unsigned long long)lim->operations,
	    (unsigned long long)lim->inline_part);
}

/* What a dry run does is done to a draft, which is forgotten. */
static enum err_code
choose_store(struct bulk_run *r, const struct batch_head *head, struct err *err)
{
	const struct draft_spec spec = {
		.dry = true,
		.max_changed = (size_t)r->env.limits->changed,
	};
	enum err_code rc = ERR_OK;

	if (!r->dry && (r->spec.dry_run || head->dry_run))
		rc = draft_new(r->env.store, &spec, &r->dry, err);
	r->store = r->dry ? r->dry : r->env.store;
	return rc;
}

static enum err_code
run_window(struct bulk_run *r, const struct batch_head *head, struct err *err)
{
	bool go_on = true;
	enum err_code rc;

	if (head->mode == BATCH_ATOMIC)
		return run_atomic(r, err);
	if (head->mode == BATCH_VALIDATE_FIRST && !r->dry) {
		rc = run_validated(r, &go_on, err);
		if (rc || !go_on)
			return rc;
	}
	return run_independent(r, err);
}

/*
 * Runs a window, counted for its user.  A batch that has begun goes on: only a
 * first window is refused for too many.
 */
static enum err_code
run_counted(struct bulk_run *r, const struct batch_head *head, struct err *err)
{
	enum err_code rc = user_enter(r->env.users, r->spec.caller.user,
	    r->env.limits->concurrency_user, r->started || r->spec.admitted,
	    &r->user, err);

	if (!rc)
		rc = run_window(r, head, err);
	user_leave(r->user);
	r->user = NULL;
	return rc;
}

/* What later windows are to know. */
static enum err_code
end_window(struct bulk_run *r, enum err_code rc)
{
	size_t i;

	assert(rc || r->n_put == r->n);
	r->over = rc != ERR_OK;
	for (i = 0; i < r->n; i++) {
		struct task *t = &r->tasks[i];

		again_give_back(r, t);
		r->failed += t->state == TASK_DONE && task_is_failure(t) &&
		    !t->result.not_attempted;
	}
	tasks_free(r);
	return rc;
}

/*
 * Who reads a stream along sees what is durable, and how far it is; how far it
 * has to go only its end can tell.
 */
static enum err_code
say_progress(struct bulk_run *r, struct err *err)
{
	enum err_code rc =
	    results_progress(r->out, results_sum(r->out)->sum.total, 0);

	return rc ? err_set(err, rc, "results") : ERR_OK;
}

enum err_code
bulk_run_window(struct bulk_run *r, const struct batch_head *head,
    const struct batch_window *w, bool last, struct err *err)
{
	enum err_code rc;

	assert(!r->over && !r->taking_big);
	rc = check_mode(r, head, last, err);
	if (!rc)
		rc = choose_store(r, head, err);
	if (!rc)
		rc = check_window(r, head, w, err);
	if (!rc)
		rc = again_start(r, err);
	if (!rc)
		rc = again_window(r, err);
	if (!rc)
		rc = run_counted(r, head, err);
	if (!rc && r->spec.stream && !last)
		rc = say_progress(r, err);
	return end_window(r, rc);
}

enum err_code
bulk_check(const struct bulk_env *env, const struct bulk_spec *spec,
    const struct batch_head *head, const struct batch_window *w,
    struct err *err)
{
	struct bulk_run r = { .env = *env, .spec = *spec };
	enum err_code rc;

	r.spec.stream = false;
	rc = check_mode(&r, head, true, err);
	if (!rc)
		rc = check_window(&r, head, w, err);
	if (!rc && !spec->dry_run && !head->dry_run)
		rc = again_check(&r, err);
	tasks_free(&r);
	return rc;
}

/* ---- a body that comes in pieces */

static enum err_code
may_be_big(const struct batch_item *item, const struct batch_limits *lim,
    struct err *err)
{
	if (!item->group.len)
		return ERR_OK;
	return err_tell(err, ERR_TOO_LARGE,
	    "a part of a group may have %llu bytes (inlinePart)",
	    (unsigned long long)lim->inline_part);
}

static enum err_code
write_nowhere(struct ostream *o, struct str bytes)
{
	(void)o;
	(void)bytes;
	return ERR_OK;
}

static const struct ostream_ops nowhere_ops = {
	.name = "nowhere",
	.write = write_nowhere,
};

/* Whether as many have failed as may. */
static bool
is_enough(struct bulk_run *r, struct task *t)
{
	uint64_t most = most_failures(r);

	if (!most || r->failed < most || t->state == TASK_DONE)
		return false;
	task_enough(r, t);
	return true;
}

enum err_code
bulk_run_big_begin(struct bulk_run *r, const struct batch_head *head,
    const struct batch_item *item, struct ostream **to, struct err *err)
{
	struct batch_window w = { .v = &r->big, .n = 1 };
	struct task *t;
	enum err_code rc;

	assert(!r->over && !r->taking_big);
	r->big = *item;
	if (!r->big.bad && may_be_big(item, r->env.limits, &r->big_bad))
		r->big.bad = &r->big_bad;
	r->taking_big = true;
	rc = check_mode(r, head, false, err);
	if (!rc)
		rc = choose_store(r, head, err);
	if (!rc)
		rc = check_window(r, head, &w, err);
	if (!rc)
		rc = again_start(r, err);
	if (!rc)
		rc = run_start(r, 207, err);
	if (rc) {
		r->taking_big = false;
		return end_window(r, rc);
	}
	t = &r->tasks[0];
	r->big_to = NULL;
	if (!is_enough(r, t) && task_may_begin(r, t))
		item_open(r, t, r->store, NULL, &r->big_to);
	if (!r->big_to) { /* it has its result, and what comes goes nowhere */
		ostream_init(&r->nowhere, &nowhere_ops);
		r->big_to = &r->nowhere;
	}
	*to = r->big_to;
	return ERR_OK;
}

enum err_code
bulk_run_big_end(struct bulk_run *r, const struct err *bad, struct err *err)
{
	struct task *t = &r->tasks[0];
	struct err cut = r->big_to->err;
	enum err_code rc;

	assert(r->taking_big);
	r->taking_big = false;
	if (bad && !cut.code)
		cut = *bad;
	if (cut.code)
		item_fail(r, t, &cut);
	else if (t->state != TASK_DONE && again_body(r, t))
		item_run(r, t);
	rc = run_put(r, err);
	return end_window(r, rc ? rc : say_progress(r, err));
}

enum err_code
bulk_run_end(struct bulk_run *r, const struct err *failed, struct err *err)
{
	enum err_code rc;

	assert(!r->over);
	r->over = true;
	rc = run_start(r, 207, err);
	if (rc)
		return rc;
	run_log_end(r);
	rc = results_end(r->out, failed);
	return rc ? err_set(err, rc, "results") : ERR_OK;
}

/* ---- ids */

/* Crockford's base 32: no letters that look like digits. */
static void
put_base32(char *to, size_t n, uint64_t value)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

	while (n--) {
		to[n] = digits[value & 31];
		value >>= 5;
	}
}

enum err_code
bulk_id_make(char out[BULK_ID_SIZE], struct err *err)
{
	uint64_t ms = (uint64_t)clock_now() / 1000000, random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_os(err, "getrandom");
	memcpy(out, "b_", 2);
	put_base32(out + 2, 10, ms);
	put_base32(out + 12, 8, random[0]);
	put_base32(out + 20, 8, random[1]);
	out[28] = '\0';
	return ERR_OK;
}
