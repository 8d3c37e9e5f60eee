/* SPDX-License-Identifier: MIT */
/*
 * The retry plan (include/sheaf/plan.h): what is known of each operation.  What
 * follows from it is decided in plan_decide.c.
 */
#include <stdlib.h>
#include <sys/random.h>

#include "http/url.h"
#include "outcome/plan_impl.h"
#include "outcome/public.h"

enum sheaf_result
sheaf_plan_new(
    const struct sheaf_plan_options *options, struct sheaf_plan **out)
{
	struct sheaf_plan_options o = SHEAF_PLAN_OPTIONS_INIT;
	struct sheaf_plan *p;

	*out = NULL;
	if (options && !public_struct(options, &o, sizeof(o)))
		return SHEAF_INVALID;
	p = calloc(1, sizeof(*p));
	if (!p)
		return SHEAF_NOMEM;
	p->attempts = o.attempts ? o.attempts : RETRY_ATTEMPTS;
	p->when_freed = o.when_freed;
	p->most = o.max_operations ? o.max_operations : PLAN_MOST;
	p->random = o.seed;
	/* A failure leaves it 0, which serves: it is no secret. */
	if (!p->random)
		(void)!getrandom(&p->random, sizeof(p->random), GRND_NONBLOCK);
	*out = p;
	return SHEAF_OK;
}

void
sheaf_plan_free(struct sheaf_plan *plan)
{
	if (!plan)
		return;
	arena_done(&plan->arena);
	buf_done(&plan->key);
	plan_index_done(&plan->by_id);
	plan_index_done(&plan->by_href);
	free(plan->ops);
	free(plan);
}

/*
 * Makes b the one form that all ways of writing the href share.  An absolute
 * one keeps its origin: that it is the same server is not ours to guess.
 */
static bool
make_key(struct buf *b, const char *href)
{
	struct str s = str_from_c(href);
	size_t at = str_find(s, '?');
	struct url u;

	buf_clear(b);
	if (!url_parse(s, &u, NULL)) {
		const struct url origin = {
			.scheme = u.scheme, .host = u.host, .port = u.port
		};

		url_put(b, &origin);
		url_put_key(b, u.path);
		buf_put(b, u.query);
	} else {
		url_put_key(b, str_head(s, at));
		buf_put(b, str_skip(s, at));
	}
	buf_putc(b, '\0');
	if (buf_failed(b))
		return false;
	b->len--;
	return true;
}

static bool
plan_grow(struct sheaf_plan *p)
{
	size_t room = p->room ? p->room * 2 : 16;
	struct plan_op *ops;

	if (p->n < p->room)
		return true;
	ops = reallocarray(p->ops, room, sizeof(*ops));
	if (!ops)
		return false;
	p->ops = ops;
	p->room = room;
	return true;
}

static enum sheaf_result
copy_deps(
    struct sheaf_plan *p, const struct sheaf_operation *o, struct plan_op *op)
{
	size_t *deps = arena_array(&p->arena, o->n_depends_on, sizeof(*deps));
	size_t i;

	if (!deps)
		return SHEAF_NOMEM;
	for (i = 0; i < o->n_depends_on; i++) {
		deps[i] =
		    plan_index_find(&p->by_id, str_from_c(o->depends_on[i]));
		if (deps[i] == PLAN_NOWHERE)
			return SHEAF_INVALID;
	}
	op->deps = deps;
	op->n_deps = o->n_depends_on;
	return SHEAF_OK;
}

static bool
copy_strings(
    struct sheaf_plan *p, const struct sheaf_operation *o, struct plan_op *op)
{
	struct sheaf_step *s = &op->step;

	s->id = public_text(&p->arena, str_from_c(o->id));
	s->href = public_text(&p->arena, str_from_c(o->href));
	s->method = public_text(&p->arena, str_from_c(o->method));
	return s->id && s->href && s->method &&
	    arena_str(&p->arena, buf_str(&p->key), &op->key);
}

/* Whether it has an id or href that no other operation has. */
static bool
is_new(const struct sheaf_plan *p, const struct sheaf_operation *o)
{
	struct str id = str_from_c(o->id);

	if (id.len)
		return plan_index_find(&p->by_id, id) == PLAN_NOWHERE;
	return p->key.len &&
	    plan_index_find(&p->by_href, buf_str(&p->key)) == PLAN_NOWHERE;
}

/*
 * Adds an operation to the plan.  Operations with ids may share an href, by
 * which the first of them is found.
 */
static void
enter(struct sheaf_plan *p, const struct plan_op *op)
{
	struct str id = str_from_c(op->step.id);

	if (id.len)
		plan_index_put(&p->by_id, id, p->n);
	if (op->key.len &&
	    plan_index_find(&p->by_href, op->key) == PLAN_NOWHERE)
		plan_index_put(&p->by_href, op->key, p->n);
	p->ops[p->n++] = *op;
}

enum sheaf_result
sheaf_plan_add(struct sheaf_plan *plan, const struct sheaf_operation *operation)
{
	struct sheaf_operation o = SHEAF_OPERATION_INIT;
	struct plan_op op = { .step = { .kind = SHEAF_STEP_LOOK,
				  .attempts = 1,
				  .cause = SHEAF_NO_CAUSE,
				  .why = sheaf_advice_text(
				      SHEAF_ADVICE_LOOK_FIRST) } };
	enum sheaf_result rc;

	if (!public_struct(operation, &o, sizeof(o)))
		return SHEAF_INVALID;
	if (plan->n >= plan->most)
		return SHEAF_TOO_LARGE;
	if (!make_key(&plan->key, o.href) || !plan_grow(plan) ||
	    !plan_index_grow(&plan->by_id) || !plan_index_grow(&plan->by_href))
		return SHEAF_NOMEM;
	if (!is_new(plan, &o))
		return SHEAF_INVALID;
	rc = copy_deps(plan, &o, &op);
	if (rc)
		return rc;
	if (!copy_strings(plan, &o, &op))
		return SHEAF_NOMEM;
	op.step.data = o.data;
	op.keyed = o.keyed;
	op.caused_by = PLAN_NOWHERE;
	enter(plan, &op);
	return SHEAF_OK;
}

/*
 * *at: the operation that the outcome belongs to, or PLAN_NOWHERE; *member: the
 * outcome is that of something below it.
 */
static enum sheaf_result
find_op(struct sheaf_plan *p, const struct sheaf_outcome *o, size_t *at,
    bool *member)
{
	struct str id = str_from_c(o->id);
	struct str key;
	size_t slash;

	*member = false;
	*at = id.len ? plan_index_find(&p->by_id, id) : PLAN_NOWHERE;
	if (*at != PLAN_NOWHERE || id.len)
		return SHEAF_OK;
	if (!make_key(&p->key, o->href))
		return SHEAF_NOMEM;
	key = buf_str(&p->key);
	while (key.len) {
		*at = plan_index_find(&p->by_href, key);
		slash = str_rfind(key, '/');
		if (*at != PLAN_NOWHERE || slash == key.len)
			return SHEAF_OK;
		key = str_head(key, slash);
		*member = true;
	}
	return SHEAF_OK;
}

/* Of several outcomes of one operation the most severe counts. */
static int
severity(const struct plan_op *op, unsigned status)
{
	static const int rank[RETRY_ADVICE_COUNT] = {
		[RETRY_NONE] = 0,
		[RETRY_LATER] = 1,
		[RETRY_WITH_CAUSE] = 2,
		[RETRY_WHEN_FREED] = 3,
		[RETRY_AFTER_CHANGE] = 4,
		[RETRY_NEVER] = 5,
		[RETRY_LOOK_FIRST] = 6,
	};

	return rank[plan_advise(op, status)];
}

static void
keep_outcome(
    struct sheaf_plan *p, struct plan_op *op, const struct sheaf_outcome *o)
{
	struct str retry_after = str_trim(str_from_c(o->retry_after));

	op->partial |= o->partial;
	if (op->mentioned &&
	    severity(op, o->status) < severity(op, op->step.status))
		return;
	op->mentioned = true;
	op->step.status = o->status;
	op->caused_by = plan_index_find(&p->by_id, str_from_c(o->caused_by));
	if (op->caused_by == (size_t)(op - p->ops))
		op->caused_by = PLAN_NOWHERE;
	op->retry_after[0] = '\0';
	if (retry_after.len && retry_after.len < sizeof(op->retry_after)) {
		memcpy(op->retry_after, retry_after.ptr, retry_after.len);
		op->retry_after[retry_after.len] = '\0';
	}
}

enum sheaf_result
sheaf_plan_take(struct sheaf_plan *plan, const struct sheaf_outcome *outcome)
{
	struct sheaf_outcome o = SHEAF_OUTCOME_INIT;
	enum sheaf_result rc;
	struct plan_op *op;
	bool member;
	size_t at;

	if (!public_struct(outcome, &o, sizeof(o)))
		return SHEAF_INVALID;
	rc = find_op(plan, &o, &at, &member);
	if (rc)
		return rc;
	if (at == PLAN_NOWHERE)
		return SHEAF_INVALID;
	op = &plan->ops[at];
	/* A member that was done says nothing about the others. */
	if (member && !sheaf_outcome_is_failure(&o))
		return SHEAF_OK;
	op->partial |= member;
	keep_outcome(plan, op, &o);
	return SHEAF_OK;
}

int
sheaf_plan_item(void *plan, const struct sheaf_outcome *outcome)
{
	enum sheaf_result rc = sheaf_plan_take(plan, outcome);

	return rc == SHEAF_INVALID ? 0 : (int)rc;
}
