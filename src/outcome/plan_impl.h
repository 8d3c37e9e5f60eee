/* SPDX-License-Identifier: MIT */
/* What the files of the retry plan have in common. */
#ifndef SHEAF_OUTCOME_PLAN_IMPL_H
#define SHEAF_OUTCOME_PLAN_IMPL_H

#include "base/arena.h"
#include "base/buf.h"
#include "outcome/plan_index.h"
#include "outcome/retry.h"
#include "sheaf/plan.h"

#define PLAN_MOST 1000000

struct plan_op {
	struct sheaf_step step; /* as it is handed out */
	struct str key; /* its href, normalised, to find it by; may be empty */
	const size_t *deps; /* indexes, all below its own */
	size_t n_deps;
	bool keyed; /* it has an Idempotency-Key */
	bool mentioned; /* an outcome came since it was last sent */
	bool partial; /* done in part, as an outcome said */
	size_t caused_by; /* the index that the server names; PLAN_NOWHERE */
	char retry_after[64]; /* as it was sent; a longer one is malformed */
	enum retry_advice advice; /* for sheaf_plan_decide() alone */
	bool visited; /* likewise */
};

struct sheaf_plan {
	uint32_t attempts; /* of one operation, at most */
	bool when_freed; /* send 423 and 507 again, too */
	uint64_t most; /* operations that there may be */
	uint64_t random; /* state of next_random() */
	struct arena arena; /* the strings of operations */
	struct plan_op *ops; /* n of them, with memory for room */
	size_t n, room;
	struct plan_index by_id, by_href;
	struct buf key; /* scratch */
};

/* What to do about an operation that has this status. */
enum retry_advice plan_advise(const struct plan_op *op, unsigned status);

#endif
