/* SPDX-License-Identifier: MIT */
/*
 * What the files that implement include/sheaf/ have in common.
 */
#ifndef SHEAF_OUTCOME_PUBLIC_H
#define SHEAF_OUTCOME_PUBLIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "sheaf/result.h"

/*
 * Copies a struct that a program hands in to `ours`, which is size bytes.  The
 * program may be compiled with another version of the struct: `given` begins
 * with its own size.  What it lacks becomes zero.  False where it is larger and
 * has something set that we do not know, or too small to hold a size.
 */
bool public_struct(const void *given, void *ours, size_t size) MUST_USE;

/* The result that stands for one of our failures. */
enum sheaf_result public_result(enum err_code rc);

/*
 * A copy in the arena that ends in NUL, with U+FFFD for each U+0000.  Of the
 * empty string "", which needs no memory; NULL when memory ran out.
 */
const char *public_text(struct arena *a, struct str s) MUST_USE;

#endif
