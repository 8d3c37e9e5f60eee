/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 256

void
buf_done(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){ .max = b->max };
}

static bool
buf_fail(struct buf *b, enum err_code code)
{
	b->failed = code;
	return false;
}

static bool
buf_grow(struct buf *b, size_t need)
{
	size_t cap = b->cap;
	char *ptr;

	if (need > PTRDIFF_MAX) /* no object is larger */
		return buf_fail(b, ERR_NOMEM);
	if (!cap) /* a first request for much is mostly for all of it */
		cap = need > BUF_FIRST ? need : BUF_FIRST;
	while (cap < need)
		if (__builtin_mul_overflow(cap, 2u, &cap))
			return buf_fail(b, ERR_NOMEM);
	/* Never more than max: then buf_room() need not ask about max. */
	if (b->max && cap > b->max)
		cap = b->max;
	ptr = realloc(b->ptr, cap);
	if (!ptr)
		return buf_fail(b, ERR_NOMEM);
	b->ptr = ptr;
	b->cap = cap;
	return true;
}

char *
buf_more(struct buf *b, size_t n)
{
	size_t need;

	if (b->failed)
		return NULL;
	if (__builtin_add_overflow(b->len, n, &need) ||
	    (b->max && need > b->max)) {
		(void)buf_fail(b, ERR_TOO_LARGE);
		return NULL;
	}
	if (need > b->cap && !buf_grow(b, need))
		return NULL;
	return b->ptr + b->len;
}

void
buf_put(struct buf *b, struct str s)
{
	char *at;

	if (!s.len)
		return;
	at = buf_room(b, s.len);
	if (!at)
		return;
	memcpy(at, s.ptr, s.len);
	b->len += s.len;
}

void
buf_putc(struct buf *b, char c)
{
	buf_put(b, str_of(&c, 1));
}

static size_t
count_digits(uint64_t n)
{
	uint64_t more = 10;
	size_t count = 1;

	while (count < 20 && n >= more) {
		count++;
		more *= 10;
	}
	return count;
}

/* Decimal and hexadecimal apart: to divide by a base in a variable is slow. */
void
buf_put_u64(struct buf *b, uint64_t n)
{
	size_t len = count_digits(n);
	char *at = buf_room(b, len);

	if (!at)
		return;
	b->len += len;
	do
		at[--len] = (char)('0' + n % 10);
	while (n /= 10);
}

void
buf_put_hex(struct buf *b, uint64_t n)
{
	char digits[16];
	size_t at = sizeof(digits);

	do
		digits[--at] = "0123456789abcdef"[n & 15];
	while (n >>= 4);
	buf_put(b, str_of(digits + at, sizeof(digits) - at));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	char *at;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) {
		(void)buf_fail(b, ERR_INTERNAL);
		return;
	}
	at = buf_room(b, (size_t)n + 1); /* and vsnprintf's NUL */
	if (!at)
		return;
	va_start(args, fmt);
	(void)vsnprintf(at, (size_t)n + 1, fmt, args);
	va_end(args);
	b->len += (size_t)n;
}
