/* SPDX-License-Identifier: MIT */
/*
 * J204, J205, J207, J208: what follows from all items together.  For
 * wire/lint*.c alone.
 */
#ifndef SHEAF_WIRE_LINT_COUNT_H
#define SHEAF_WIRE_LINT_COUNT_H

#include "wire/lint_items.h"

/* An item more, of this status; 0: none could be read. */
void lint_count(struct lint_items *its, unsigned status, bool retryable,
    bool says_retryable, const struct lint_taken *t);

/* Its id, which no other may have, and which must have been asked for. */
enum err_code lint_count_id(struct lint_items *its, struct str id,
    unsigned status, const struct lint_place *at) MUST_USE;

/* A 424 for the failure of an item with that id, or for it knows not what. */
enum err_code lint_count_cause(struct lint_items *its, struct str id,
    const struct lint_place *at, uint64_t index) MUST_USE;
enum err_code
lint_count_orphan(struct lint_items *its, const struct lint_taken *t) MUST_USE;

/* A 429 or 503 that does not say when to try again. */
enum err_code lint_count_hintless(struct lint_items *its, unsigned status,
    const struct lint_taken *t) MUST_USE;

/* lint_summary.c.  Whether successes may have been left out of the items. */
bool lint_items_minimal(const struct lint_items *its);

/* *hint: the summary, or the head, says when to try again. */
void lint_judge_summary(struct lint_items *its, bool *hint);

/* {"errors": false} */
void lint_judge_flag(struct lint_items *its);

#endif
