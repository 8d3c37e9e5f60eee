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
	struct str key; /* its href, to find it by; may be empty */
	const size_t *deps; /* all below its own index */
	size_t n_deps;
	bool keyed;
	bool mentioned; /* since it was last sent */
	bool partial;
	size_t caused_by; /* as the server says; or PLAN_NOWHERE */
	char retry_after[64]; /* as it was sent; no longer one is well-formed */
	enum retry_advice advice; /* in sheaf_plan_decide() */
	bool visited; /* likewise */
};

struct sheaf_plan {
	uint32_t attempts;
	bool when_freed;
	uint64_t most;
	uint64_t random;
	struct arena arena; /* the strings of operations */
	struct plan_op *ops;
	size_t n, room;
	struct plan_index by_id, by_href;
	struct buf key; /* scratch */
};

/* What to do about an operation that has this status. */
enum retry_advice plan_advise(const struct plan_op *op, unsigned status);

#endif
