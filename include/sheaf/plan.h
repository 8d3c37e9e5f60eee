/* SPDX-License-Identifier: MIT */
/*
 * What to send again.  A plan is told the operations that were sent, then the
 * outcomes that came back, and says of each operation: it is done; send it
 * again, and when; it waits for another; it must not be sent again; nobody
 * knows what became of it.  An operation that the answer did not mention is
 * never taken for done.
 *
 *	sheaf_plan_add() for each operation, and send them all
 *	do {
 *		sheaf_plan_take() for each item of the answer
 *		result = sheaf_plan_decide(plan, now)
 *		wait, send those whose step is SHEAF_STEP_SEND,
 *		and call sheaf_plan_sent()
 *	} while (it says that some were sent)
 *
 * Only 408, 425, 429, 502, 503 and 504 are sent again, and only where the
 * method is idempotent or the operation has a key; 423 and 507 where the
 * options say so (when_freed); never 409 or 412.  The wait
 * is the larger of Retry-After and a random part of base * 2^n (full jitter),
 * up to a cap.
 *
 * Memory: a plan copies what it is told.  What it hands out lives until the
 * next call that changes the plan, and at most as long as the plan.  Times are
 * milliseconds.
 *
 * Threads: one plan at a time in one thread, any number of plans side by side.
 */
#ifndef SHEAF_PLAN_H
#define SHEAF_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sheaf/api.h>
#include <sheaf/outcome.h>
#include <sheaf/result.h>

SHEAF_BEGIN

/* What to do about a status.  There may be more in a later version. */
enum sheaf_advice {
	SHEAF_ADVICE_NONE = 0, /* it succeeded */
	SHEAF_ADVICE_LATER = 1, /* send it again, later */
	SHEAF_ADVICE_WHEN_FREED = 2, /* 423, 507: unlock, make room first */
	SHEAF_ADVICE_WITH_CAUSE = 3, /* 424: with what it waited for */
	SHEAF_ADVICE_AFTER_CHANGE = 4, /* as it is it fails again: 400, 403 */
	SHEAF_ADVICE_NEVER = 5, /* 409, 412: others' work is in the way */
	SHEAF_ADVICE_LOOK_FIRST = 6 /* unknown: look at what is there first */
};

/*
 * What to do about a status, by one table.
 *
 * status: any number; 0: none could be read.
 * method: as for sheaf_status_is_retryable_for().
 * keyed: likewise.
 * Returns: the advice.
 * RFC: RFC 9110 s9.2.2 and s15; RFC 4918 s11.
 */
SHEAF_API enum sheaf_advice
sheaf_advise(uint32_t status, const char *method, bool keyed);

/*
 * An advice as a sentence for people: "try again later".
 *
 * advice: any number.
 * Returns: the sentence, in English, without a full stop; never NULL.
 * Memory: constant.
 * RFC: none.
 */
SHEAF_API const char *sheaf_advice_text(enum sheaf_advice advice);

/*
 * Reads a Retry-After: seconds or a date.
 *
 * value: as it was sent; NULL is none.
 * now: milliseconds since 1970-01-01T00:00:00Z.
 * Returns: how long to wait, in milliseconds, 0 for a moment in the past; -1
 * for what is neither: "1.5", "soon".
 * RFC: RFC 9110 s10.2.3.
 */
SHEAF_API int64_t sheaf_retry_after(const char *value, int64_t now);

/*
 * How long to wait before sending something again.
 *
 * attempt: which one this will be: 2 for the first repetition.
 * retry_after: what the server said, in milliseconds; -1: nothing.
 * random: any 64 bits, new each time.
 * Returns: milliseconds: the larger of retry_after and a random part of 500
 * times 2^(attempt - 2), the latter at most 60,000.
 * RFC: RFC 9110 s10.2.3.
 */
SHEAF_API int64_t sheaf_retry_delay(
    uint32_t attempt, int64_t retry_after, uint64_t random);

/* How to plan.  Begin with SHEAF_PLAN_OPTIONS_INIT. */
struct sheaf_plan_options {
	size_t size; /* sizeof(struct sheaf_plan_options) */
	uint32_t attempts; /* of one operation, the first included; 0: 5 */
	/*
	 * Also send again, by themselves, those that wait for a lock or for
	 * room (423, 507).
	 */
	bool when_freed;
	uint64_t seed; /* of the jitter; 0: taken from the system */
	uint64_t max_operations; /* 0: 1,000,000 */
};

#define SHEAF_PLAN_OPTIONS_INIT                                   \
	{                                                         \
		sizeof(struct sheaf_plan_options), 0, false, 0, 0 \
	}

/*
 * An operation that was sent.  It is known by its id, or without one by its
 * href; no two have the same.  Begin with SHEAF_OPERATION_INIT.
 */
struct sheaf_operation {
	size_t size; /* sizeof(struct sheaf_operation) */
	const char *id; /* or NULL */
	const char *href; /* percent-encoded, as it was sent; or NULL */
	const char *method; /* "PUT"; NULL: not known, taken for idempotent */
	bool keyed; /* it carries an Idempotency-Key */
	const char *const *depends_on; /* ids; of operations added before */
	size_t n_depends_on;
	void *data; /* the caller's; handed back */
};

#define SHEAF_OPERATION_INIT                                                   \
	{                                                                      \
		sizeof(struct sheaf_operation), NULL, NULL, NULL, false, NULL, \
		    0, NULL                                                    \
	}

/* What to do with an operation. */
enum sheaf_step_kind {
	SHEAF_STEP_DONE = 0, /* nothing: it is proven done */
	SHEAF_STEP_SEND = 1, /* send it again, after wait */
	/*
	 * Send it when `cause` is done; in one batch with it, behind it, where
	 * the server knows dependencies.
	 */
	SHEAF_STEP_WAIT = 2,
	SHEAF_STEP_HOLD = 3, /* 423, 507: when it is unlocked, room was made */
	SHEAF_STEP_CHANGE = 4, /* as it is it fails again */
	SHEAF_STEP_NEVER = 5, /* 409, 412, or its cause is never done */
	SHEAF_STEP_LOOK = 6, /* unknown: look at what is there first */
	SHEAF_STEP_GIVEN_UP = 7 /* sent as often as the options allow */
};

#define SHEAF_NO_CAUSE SIZE_MAX

/* The decision on one operation.  Members may be added at the end. */
struct sheaf_step {
	enum sheaf_step_kind kind;
	int64_t wait; /* ms; of SHEAF_STEP_SEND: before it is sent again */
	uint32_t attempts; /* how often it was sent */
	uint32_t status; /* that decided; 0: not mentioned, or not readable */
	size_t cause; /* what it waits for: an index, or SHEAF_NO_CAUSE */
	const char *why; /* a sentence for people */
	/* As they were added. */
	const char *id, *href, *method;
	void *data;
};

struct sheaf_plan;

/*
 * Makes a plan without operations.
 *
 * options: NULL for the defaults; read during the call.
 * out: where the plan goes; NULL is put there on failure.
 * Returns: SHEAF_OK, SHEAF_NOMEM or SHEAF_INVALID.
 * Memory: sheaf_plan_free() frees it.
 * RFC: none.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result sheaf_plan_new(
    const struct sheaf_plan_options *options, struct sheaf_plan **out);

/*
 * Adds an operation, which was sent or is about to be; its index is how many
 * were added before it.
 *
 * plan: not NULL.
 * operation: copied; its data is kept as it is.
 * Returns: SHEAF_OK, SHEAF_NOMEM; SHEAF_INVALID where it has neither id nor
 * href, where another has the same, or where it depends on an id that was not
 * added; SHEAF_TOO_LARGE for one too many.  The plan is as before then.
 * RFC: none.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result sheaf_plan_add(
    struct sheaf_plan *plan, const struct sheaf_operation *operation);

/*
 * Takes an outcome of what was sent.  It belongs to the operation with its id;
 * where it has no id to the one with its href, else to the one with the longest
 * href that it is below: a member that failed makes its operation one done in
 * part.  Of several outcomes of one operation the worst counts.
 *
 * plan: not NULL.
 * outcome: not NULL; copied as far as it is needed.
 * Returns: SHEAF_OK; SHEAF_NOMEM; SHEAF_INVALID where it belongs to no
 * operation, which changes nothing: somebody else's item proves nothing.
 * RFC: RFC 4918 s13.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_plan_take(struct sheaf_plan *plan, const struct sheaf_outcome *outcome);

/*
 * sheaf_plan_take() as a sheaf_item_fn, so that a reader can be put in front.
 * An outcome that belongs to no operation is passed over.
 *
 * plan: the struct sheaf_plan.
 * outcome: as for sheaf_plan_take().
 * Returns: 0, or SHEAF_NOMEM.
 * RFC: RFC 4918 s13.
 */
SHEAF_API int sheaf_plan_item(void *plan, const struct sheaf_outcome *outcome);

/*
 * Decides on each operation, from the outcomes taken so far.  One that was sent
 * and not mentioned is unknown (SHEAF_STEP_LOOK); after a broken connection
 * that is all of them.
 *
 * plan: not NULL.
 * now: milliseconds since 1970-01-01T00:00:00Z, for a Retry-After with a date.
 * Returns: SHEAF_OK if every operation is done, else SHEAF_PARTIAL.
 * RFC: RFC 9110 s9.2.2 and s10.2.3; RFC 4918 s11.4.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_plan_decide(struct sheaf_plan *plan, int64_t now);

/*
 * The decision on one operation.
 *
 * plan: not NULL.
 * i: its index, from 0.
 * Returns: the step, or NULL when there are no more operations.  Before the
 * first sheaf_plan_decide() all are unknown.
 * Memory: the struct lives until the next call with this plan.
 * RFC: none.
 */
SHEAF_API const struct sheaf_step *
sheaf_plan_step(const struct sheaf_plan *plan, size_t i);

/*
 * How many operations are to be sent again now, and when.
 *
 * plan: not NULL.
 * wait: where the longest wait among them goes, in milliseconds: after it all
 * can be sent at once; 0 where there are none; may be NULL.
 * Returns: the number of steps SHEAF_STEP_SEND.
 * RFC: none.
 */
SHEAF_API size_t sheaf_plan_to_send(
    const struct sheaf_plan *plan, int64_t *wait);

/*
 * Says that all operations whose step is SHEAF_STEP_SEND are sent again: their
 * outcomes are forgotten, and new ones awaited.  Of those that wait for one of
 * them nothing changes; when it is done they are to be sent.
 *
 * plan: not NULL.
 * Returns: how many that are.
 * RFC: none.
 */
SHEAF_API size_t sheaf_plan_sent(struct sheaf_plan *plan);

/*
 * Says that one operation is sent again, whatever its step: one that waits, in
 * the same batch as its cause, or one whose request was mended.
 *
 * plan: not NULL.
 * i: its index.
 * Returns: SHEAF_OK; SHEAF_INVALID where there is no such operation, or where
 * it is done.
 * RFC: none.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_plan_sent_one(struct sheaf_plan *plan, size_t i);

/*
 * Frees a plan.
 *
 * plan: NULL is fine.
 * RFC: none.
 */
SHEAF_API void sheaf_plan_free(struct sheaf_plan *plan);

SHEAF_END

#endif
