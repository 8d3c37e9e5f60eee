/* SPDX-License-Identifier: MIT */
/* An answer that a program reads: what it keeps of it. */
#ifndef SHEAF_WIRE_PUBLIC_ANSWER_H
#define SHEAF_WIRE_PUBLIC_ANSWER_H

#include "base/arena.h"
#include "outcome/outcome.h"
#include "sheaf/reader.h"
#include "wire/reader.h"

struct sheaf_answer *answer_new(const struct sheaf_reader_options *o);

/*
 * Counts it, and keeps a copy where that is wanted and there is room for it.
 * ERR_NOMEM.
 */
enum err_code
answer_take(struct sheaf_answer *a, const struct outcome *o) MUST_USE;

/*
 * How it ended; rc is what reading returned, and `end` is only good where that
 * is ERR_OK.  What the answer is then: SHEAF_NOMEM where that cannot be said.
 */
enum sheaf_result answer_end(struct sheaf_answer *a, enum err_code rc,
    const struct reading *end) MUST_USE;

#endif
