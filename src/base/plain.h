/* SPDX-License-Identifier: MIT */
/* Text that others wrote, and numbers, for lines that people read. */
#ifndef SHEAF_BASE_PLAIN_H
#define SHEAF_BASE_PLAIN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Appends any bytes so that they can do nothing to a terminal or to its reader:
 * a control character, and one that turns the direction of writing, is shown as
 * "\x1b" or "\u202e", a byte that is not UTF-8 as "\xff".  A backslash stays.
 */
void text_put_plain(struct buf *b, struct str s);

/* Appends n as "1,234,567". */
void text_put_count(struct buf *b, uint64_t n);

#endif
