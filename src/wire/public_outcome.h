/* SPDX-License-Identifier: MIT */
/* Outcomes as programs see them (include/sheaf/outcome.h), to and from ours. */
#ifndef SHEAF_WIRE_PUBLIC_OUTCOME_H
#define SHEAF_WIRE_PUBLIC_OUTCOME_H

#include "base/arena.h"
#include "outcome/outcome.h"
#include "sheaf/outcome.h"
#include "sheaf/reader.h"
#include "wire/multistatus.h"
#include "wire/reader.h"

/* Copies an outcome with a `told` to the arena.  False without memory. */
bool public_outcome(struct arena *a, const struct outcome *o,
    struct sheaf_outcome *out) MUST_USE;

/* As sheaf_outcome_is_failure(). */
bool public_is_failure(const struct outcome *o);

/* How many bytes its strings have, to limit how many are kept. */
size_t public_weight(const struct outcome *o);

/*
 * The other way round, checked: XML that is not well-formed becomes text, a
 * name that cannot be one is left out.  Borrows what o points to; the rest is
 * in the arena.  False without memory.
 */
bool private_outcome(struct arena *a, const struct sheaf_outcome *o,
    struct told *told, struct outcome *out) MUST_USE;

enum sheaf_form public_form(enum shape shape);

/* FORM_COUNT for one that is not written. */
enum form private_form(enum sheaf_form form);

/* False where an option is not known.  content_type is borrowed. */
bool reader_options(const struct sheaf_reader_options *given,
    struct sheaf_reader_options *o, struct reader_limits *limits) MUST_USE;

#endif
