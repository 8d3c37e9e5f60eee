/* SPDX-License-Identifier: MIT */
/*
 * Decides what to do with each operation of a retry plan.  First by its own
 * outcome alone; then, for those that may have to wait, by what they depend on.
 */
#include "base/clock.h"
#include "http/status.h"
#include "outcome/plan_impl.h"

#define NS_PER_MS INT64_C(1000000)

enum retry_advice
plan_advise(const struct plan_op *op, unsigned status)
{
	return retry_advise(status, str_from_c(op->step.method), op->keyed);
}

enum sheaf_advice
sheaf_advise(uint32_t status, const char *method, bool keyed)
{
	static const enum sheaf_advice same[RETRY_ADVICE_COUNT] = {
		[RETRY_NONE] = SHEAF_ADVICE_NONE,
		[RETRY_LATER] = SHEAF_ADVICE_LATER,
		[RETRY_WHEN_FREED] = SHEAF_ADVICE_WHEN_FREED,
		[RETRY_WITH_CAUSE] = SHEAF_ADVICE_WITH_CAUSE,
		[RETRY_AFTER_CHANGE] = SHEAF_ADVICE_AFTER_CHANGE,
		[RETRY_NEVER] = SHEAF_ADVICE_NEVER,
		[RETRY_LOOK_FIRST] = SHEAF_ADVICE_LOOK_FIRST,
	};

	return same[retry_advise(status, str_from_c(method), keyed)];
}

const char *
sheaf_advice_text(enum sheaf_advice advice)
{
	static const enum retry_advice same[] = {
		[SHEAF_ADVICE_NONE] = RETRY_NONE,
		[SHEAF_ADVICE_LATER] = RETRY_LATER,
		[SHEAF_ADVICE_WHEN_FREED] = RETRY_WHEN_FREED,
		[SHEAF_ADVICE_WITH_CAUSE] = RETRY_WITH_CAUSE,
		[SHEAF_ADVICE_AFTER_CHANGE] = RETRY_AFTER_CHANGE,
		[SHEAF_ADVICE_NEVER] = RETRY_NEVER,
		[SHEAF_ADVICE_LOOK_FIRST] = RETRY_LOOK_FIRST,
	};

	if ((size_t)advice >= ARRAY_LEN(same))
		advice = SHEAF_ADVICE_LOOK_FIRST;
	return retry_advice_text(same[advice]);
}

static int64_t
to_ms(int64_t ns)
{
	return ns / NS_PER_MS + (ns % NS_PER_MS > 0);
}

static int64_t
to_ns(int64_t ms)
{
	int64_t ns;

	if (!__builtin_mul_overflow(ms, NS_PER_MS, &ns))
		return ns;
	return ms < 0 ? INT64_MIN : INT64_MAX;
}

int64_t
sheaf_retry_after(const char *value, int64_t now)
{
	int64_t ns;

	if (!retry_after_parse(str_from_c(value), to_ns(now), &ns))
		return -1;
	return to_ms(ns);
}

int64_t
sheaf_retry_delay(uint32_t attempt, int64_t retry_after, uint64_t random)
{
	int64_t said = retry_after < 0 ? -1 : to_ns(retry_after);

	return to_ms(retry_delay(attempt, said, random));
}

/*
 * SplitMix64 (Steele, Lea, Flood 2014), for waits of random length, so that not
 * all clients come back at once.
 */
static uint64_t
next_random(struct sheaf_plan *p)
{
	uint64_t z = p->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void
decide_send(struct sheaf_plan *p, struct plan_op *op, int64_t now)
{
	struct sheaf_step *s = &op->step;
	uint64_t random = next_random(p);

	if (s->attempts >= p->attempts) {
		s->kind = SHEAF_STEP_GIVEN_UP;
		s->why = "it was sent as often as it may be";
		return;
	}
	s->kind = SHEAF_STEP_SEND;
	s->wait = sheaf_retry_delay(
	    s->attempts + 1, sheaf_retry_after(op->retry_after, now), random);
}

/*
 * An operation done in part whose status says that all is well: nobody knows
 * what became of the rest.
 */
static enum retry_advice
advice_of(const struct plan_op *op)
{
	enum retry_advice a;

	if (!op->mentioned)
		return RETRY_LOOK_FIRST;
	a = plan_advise(op, op->step.status);
	return a == RETRY_NONE && op->partial ? RETRY_LOOK_FIRST : a;
}

static void
decide_alone(struct sheaf_plan *p, struct plan_op *op, int64_t now)
{
	static const enum sheaf_step_kind kinds[RETRY_ADVICE_COUNT] = {
		[RETRY_NONE] = SHEAF_STEP_DONE,
		[RETRY_LATER] = SHEAF_STEP_SEND,
		[RETRY_WHEN_FREED] = SHEAF_STEP_HOLD,
		[RETRY_WITH_CAUSE] = SHEAF_STEP_WAIT,
		[RETRY_AFTER_CHANGE] = SHEAF_STEP_CHANGE,
		[RETRY_NEVER] = SHEAF_STEP_NEVER,
		[RETRY_LOOK_FIRST] = SHEAF_STEP_LOOK,
	};
	struct sheaf_step *s = &op->step;

	op->advice = advice_of(op);
	op->visited = false;
	s->kind = kinds[op->advice];
	s->why = op->mentioned ? retry_advice_text(op->advice)
			       : "the answer does not mention it: look at what "
				 "is there first";
	s->wait = 0;
	s->cause = SHEAF_NO_CAUSE;
	if (op->advice == RETRY_LATER ||
	    (op->advice == RETRY_WHEN_FREED && p->when_freed))
		decide_send(p, op, now);
}

/* The operation that has to be done before op, or PLAN_NOWHERE. */
static size_t
cause_of(const struct sheaf_plan *p, const struct plan_op *op)
{
	size_t i;

	for (i = 0; i < op->n_deps; i++)
		if (p->ops[op->deps[i]].step.kind != SHEAF_STEP_DONE)
			return op->deps[i];
	return op->advice == RETRY_WITH_CAUSE ? op->caused_by : PLAN_NOWHERE;
}

/* Whether its step depends on others'. */
static bool
may_wait(const struct plan_op *op)
{
	return op->step.kind == SHEAF_STEP_SEND ||
	    op->step.kind == SHEAF_STEP_WAIT;
}

static void
decide_behind(
    struct sheaf_plan *p, struct plan_op *op, size_t cause, int64_t now)
{
	struct sheaf_step *s = &op->step;

	s->cause = cause;
	if (p->ops[cause].step.kind == SHEAF_STEP_DONE) {
		s->cause = SHEAF_NO_CAUSE;
		s->why = "what it waited for is done";
		decide_send(p, op, now);
	} else if (p->ops[cause].step.kind == SHEAF_STEP_NEVER) {
		s->kind = SHEAF_STEP_NEVER;
		s->why = "what it waits for must not be sent again";
	} else {
		s->kind = SHEAF_STEP_WAIT;
		s->wait = 0;
		s->why = "it waits for another operation";
	}
}

/*
 * Follows the causes, from operation to operation, to one that waits for none
 * or has been decided; then decides those that were passed, on the way back.  A
 * ring of causes, which only a server can claim, is cut where it closes.
 */
static void
decide_chain(struct sheaf_plan *p, size_t first, int64_t now)
{
	size_t at = first, before = PLAN_NOWHERE, next;

	for (;;) { /* for the way back .cause holds the one passed before */
		struct plan_op *op = &p->ops[at];

		next = cause_of(p, op);
		op->visited = true;
		op->step.cause = before;
		if (!may_wait(op) || next == PLAN_NOWHERE ||
		    p->ops[next].visited)
			break;
		before = at;
		at = next;
	}
	while (at != PLAN_NOWHERE) {
		struct plan_op *op = &p->ops[at];

		before = op->step.cause;
		op->step.cause = SHEAF_NO_CAUSE;
		next = cause_of(p, op);
		if (may_wait(op) && next != PLAN_NOWHERE)
			decide_behind(p, op, next, now);
		at = before;
	}
}

/* Decides a 424 whose cause is not among the operations, or is done. */
static void
decide_orphan(struct sheaf_plan *p, struct plan_op *op, int64_t now)
{
	if (op->step.kind != SHEAF_STEP_WAIT ||
	    op->step.cause != SHEAF_NO_CAUSE)
		return;
	if (op->n_deps) { /* all of them are done: it would have a cause */
		op->step.why = "what it waited for is done";
		decide_send(p, op, now);
	} else {
		op->step.kind = SHEAF_STEP_CHANGE;
		op->step.why = "something failed that it needs, and the answer "
			       "does not say what";
	}
}

enum sheaf_result
sheaf_plan_decide(struct sheaf_plan *plan, int64_t now)
{
	enum sheaf_result rc = SHEAF_OK;
	size_t i;

	for (i = 0; i < plan->n; i++)
		decide_alone(plan, &plan->ops[i], now);
	for (i = 0; i < plan->n; i++)
		if (!plan->ops[i].visited)
			decide_chain(plan, i, now);
	for (i = 0; i < plan->n; i++) {
		decide_orphan(plan, &plan->ops[i], now);
		if (plan->ops[i].step.kind != SHEAF_STEP_DONE)
			rc = SHEAF_PARTIAL;
	}
	return rc;
}

const struct sheaf_step *
sheaf_plan_step(const struct sheaf_plan *plan, size_t i)
{
	return i < plan->n ? &plan->ops[i].step : NULL;
}

size_t
sheaf_plan_to_send(const struct sheaf_plan *plan, int64_t *wait)
{
	int64_t longest = 0;
	size_t n = 0, i;

	for (i = 0; i < plan->n; i++) {
		const struct sheaf_step *s = &plan->ops[i].step;

		if (s->kind != SHEAF_STEP_SEND)
			continue;
		n++;
		if (s->wait > longest)
			longest = s->wait;
	}
	if (wait)
		*wait = longest;
	return n;
}

static void
send(struct plan_op *op)
{
	op->mentioned = false;
	op->partial = false;
	op->caused_by = PLAN_NOWHERE;
	op->retry_after[0] = '\0';
	op->step.status = 0;
	op->step.kind = SHEAF_STEP_LOOK;
	op->step.why = sheaf_advice_text(SHEAF_ADVICE_LOOK_FIRST);
	op->step.wait = 0;
	op->step.cause = SHEAF_NO_CAUSE;
	op->step.attempts++;
}

size_t
sheaf_plan_sent(struct sheaf_plan *plan)
{
	size_t n = 0, i;

	for (i = 0; i < plan->n; i++) {
		if (plan->ops[i].step.kind != SHEAF_STEP_SEND)
			continue;
		send(&plan->ops[i]);
		n++;
	}
	return n;
}

enum sheaf_result
sheaf_plan_sent_one(struct sheaf_plan *plan, size_t i)
{
	if (i >= plan->n || plan->ops[i].step.kind == SHEAF_STEP_DONE)
		return SHEAF_INVALID;
	send(&plan->ops[i]);
	return SHEAF_OK;
}
