/* SPDX-License-Identifier: MIT */
/*
 * A byte buffer that grows, for its owner to fill and then read.  All zero is
 * an empty buffer.  The first failure (memory, or max) sticks: a producer may
 * go on and ask buf_failed() once at the end; what came after was dropped.
 */
#ifndef SHEAF_BASE_BUF_H
#define SHEAF_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct buf {
	char *ptr;
	size_t len;
	size_t cap;
	size_t max; /* most bytes it may hold; 0: no limit of its own */
	enum err_code failed;
};

/* Releases the memory and leaves an empty buffer that can be used again. */
void buf_done(struct buf *b);

/* Forgets the contents and the failure; keeps the memory. */
static inline void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = ERR_OK;
}

/* ERR_OK, ERR_NOMEM or ERR_TOO_LARGE. */
static inline enum err_code
buf_failed(const struct buf *b)
{
	return b->failed;
}

/* What it holds; until the next call that adds to it. */
static inline struct str
buf_str(const struct buf *b)
{
	return str_of(b->ptr, b->len);
}

/* buf_room() where the memory has to grow, or a failure has stuck. */
char *buf_more(struct buf *b, size_t n) MUST_USE;

/*
 * Room for n more bytes at the end, to be filled by the caller, who then adds
 * to b->len what it used.  NULL when it failed.  Here, since it is called some
 * dozen times for each member of a listing, and mostly there is room.
 */
static inline char *
buf_room(struct buf *b, size_t n)
{
	if (b->failed || n > b->cap - b->len)
		return buf_more(b, n);
	return b->ptr + b->len;
}

void buf_put(struct buf *b, struct str s);
void buf_putc(struct buf *b, char c);
void buf_put_u64(struct buf *b, uint64_t n); /* decimal */
void buf_put_hex(struct buf *b, uint64_t n); /* no leading zeros */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A literal, at the cost of a memcpy of known length. */
#define BUF_LIT(b, literal) buf_put((b), STR(literal))

#endif
