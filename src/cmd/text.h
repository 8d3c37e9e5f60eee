/* SPDX-License-Identifier: MIT */
/* Words and numbers for people, and for terminals. */
#ifndef SHEAF_CMD_TEXT_H
#define SHEAF_CMD_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/plain.h"
#include "base/str.h"

/*
 * Puts s as a word of a shell: in quotes where it needs them, and as $'...',
 * which bash and zsh know, where a control character is in it.
 */
void text_put_word(struct buf *b, struct str s);

/* "999 B", "1.2 kB", "34 MB": powers of 1000, two digits or more. */
void text_put_size(struct buf *b, uint64_t bytes);

/* "0:07", "12:34", "1:02:03" */
void text_put_clock(struct buf *b, uint64_t seconds);

/* "20 s", "3 min", "2 h", "5 days": rounded up. */
void text_put_wait(struct buf *b, int64_t ns);

/* As a sentence: with a capital, and a full stop where it has none. */
void text_put_sentence(struct buf *b, struct str s);

/*
 * Whether fd is a terminal that shows colours: NO_COLOR is not set (or empty)
 * and TERM is not "dumb".
 */
bool text_colours(int fd);

/* The columns of the terminal fd is, or 0 where it is none or does not say. */
unsigned text_width(int fd);

#endif
