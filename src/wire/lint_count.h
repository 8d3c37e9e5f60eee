/* SPDX-License-Identifier: MIT */
/*
 * Judges J204, J205, J207 and J208, which depend on all items together.  For
 * wire/lint*.c alone.
 */
#ifndef SHEAF_WIRE_LINT_COUNT_H
#define SHEAF_WIRE_LINT_COUNT_H

#include "wire/lint_items.h"

/* Counts an item of this status; 0: none could be read. */
void lint_count(struct lint_items *its, unsigned status, bool retryable,
    bool says_retryable, const struct lint_taken *t);

/* Notes an item's id: no other may have it, and it must be an operation's. */
enum err_code lint_count_id(struct lint_items *its, struct str id,
    unsigned status, const struct lint_place *at) MUST_USE;

/* Note a 424 with the id of its cause; and one that names no cause. */
enum err_code lint_count_cause(struct lint_items *its, struct str id,
    const struct lint_place *at, uint64_t index) MUST_USE;
enum err_code
lint_count_orphan(struct lint_items *its, const struct lint_taken *t) MUST_USE;

/* Notes a 429 or 503 that does not say when to try again. */
enum err_code lint_count_hintless(struct lint_items *its, unsigned status,
    const struct lint_taken *t) MUST_USE;

/* lint_summary.c.  Whether successes may have been left out of the items. */
bool lint_items_minimal(const struct lint_items *its);

/* *hint: the summary, or the head, says when to try again. */
void lint_judge_summary(struct lint_items *its, bool *hint);

/* Judges {"errors": false}. */
void lint_judge_flag(struct lint_items *its);

#endif
