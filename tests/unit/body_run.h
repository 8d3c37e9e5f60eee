/* SPDX-License-Identifier: MIT */
/* Reads one request body, for the tests of the readers. */
#ifndef SHEAF_TESTS_BODY_RUN_H
#define SHEAF_TESTS_BODY_RUN_H

#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "wire/dav_body.h"

static const struct xml_limits body_limits = { .bytes = 1 << 20, .depth = 64 };

struct run {
	struct arena arena;
	struct dav_body *body;
	struct err err;
	enum err_code rc;
};

static inline void
run_done(struct run *r)
{
	dav_body_free(r->body);
	arena_done(&r->arena);
}

/* Writes in pieces of step bytes, as a network would deliver them. */
static inline void
feed(struct dav_body *b, struct str bytes, size_t step)
{
	while (bytes.len) {
		(void)ostream_write(dav_body_stream(b), str_head(bytes, step));
		bytes = str_skip(bytes, step);
	}
}

static inline void
put_prop_name(struct buf *b, struct prop_name n)
{
	buf_printf(b, "{%.*s}%.*s", STR_ARG(n.ns), STR_ARG(n.local));
}

/* The text with a byte more (0) or another (1) or one less (2) at a place. */
static inline struct buf
with_other_byte(const char *text, size_t at, char byte, unsigned how)
{
	const struct str s = str_from_c(text);
	struct buf other = { 0 };

	buf_put(&other, str_head(s, at));
	if (how < 2)
		buf_putc(&other, byte);
	buf_put(&other, str_skip(s, at + (how > 0)));
	return other;
}

/*
 * What reading must have come to when an allocation failed, or none did.
 * Expat (2.5) takes a namespace declaration for which it found no memory for
 * an attribute, and then misses it: that is a malformed body.
 */
static inline void
assert_out_of_memory(enum err_code rc, bool fired)
{
	if (!fired)
		assert_int_equal(rc, ERR_OK);
	else if (rc != ERR_BAD_BODY)
		assert_int_equal(rc, ERR_NOMEM);
}

/* Reads a body of the test's own, with each of its allocations failing. */
static inline void
    assert_survives_exhaustion(enum err_code (*read)(struct arena *a))
{
	unsigned long n;
	bool fired = true;

	for (n = 1; fired; n++) {
		struct arena a = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = read(&a);
		fired = alloc_fail_stop();
		assert_out_of_memory(rc, fired);
		arena_done(&a);
	}
	assert_true(n > 10);
}

#endif
