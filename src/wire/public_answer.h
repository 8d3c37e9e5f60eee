/* SPDX-License-Identifier: MIT */
/* An answer that a program reads: what it keeps of it. */
#ifndef SHEAF_WIRE_PUBLIC_ANSWER_H
#define SHEAF_WIRE_PUBLIC_ANSWER_H

#include "base/arena.h"
#include "outcome/outcome.h"
#include "sheaf/reader.h"
#include "wire/reader.h"

struct sheaf_answer *answer_new(const struct sheaf_reader_options *o);

/* Counts an outcome; keeps a copy if the options say so.  ERR_NOMEM. */
enum err_code
answer_take(struct sheaf_answer *a, const struct outcome *o) MUST_USE;

/*
 * Notes how reading ended, and returns what that makes of the answer.  rc: what
 * reader_end() returned, which has filled `end` only if that is ERR_OK.
 * SHEAF_NOMEM where there is no memory to say it.
 */
enum sheaf_result answer_end(struct sheaf_answer *a, enum err_code rc,
    const struct reading *end) MUST_USE;

#endif
