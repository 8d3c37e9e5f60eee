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
 * Takes a struct that a program hands in, which was compiled with this version
 * of it or another: `given` begins with its own size.  What it does not have is
 * zero.  False where it is larger than ours, size bytes, and has something set
 * there, or smaller than a size can be.
 */
bool public_struct(const void *given, void *ours, size_t size) MUST_USE;

/* A failure of ours as the program is told it. */
enum sheaf_result public_result(enum err_code rc);

/* NUL-terminated; U+0000 becomes U+FFFD.  "" without memory; NULL without. */
const char *public_text(struct arena *a, struct str s) MUST_USE;

#endif
