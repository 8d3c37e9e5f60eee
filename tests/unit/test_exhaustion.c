/* SPDX-License-Identifier: MIT */
/*
 * Everything of http/ that takes an arena, with the arena's memory running out
 * at each place: alloc_fail_at() alone would only ever hit an arena's first
 * block.
 */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "http/condition.h"
#include "http/digest.h"
#include "http/fields.h"
#include "http/if.h"

/* What one block of an arena holds; checked below. */
#define BLOCK ((size_t)4096)

static const struct header fields[] = {
	{ STR_INIT("If"),
	    STR_INIT("</a> (<a:b>) </b%20c> ([\"x\"] Not <a:c>)") },
	{ STR_INIT("If-Match"), STR_INIT("\"a\"") },
	{ STR_INIT("If-Match"), STR_INIT("\"b\"") },
	{ STR_INIT("If-None-Match"), STR_INIT("\"a\", \"b\"") },
	{ STR_INIT("Slug"), STR_INIT("The%20Beach") },
	{ STR_INIT("Destination"), STR_INIT("/dav/a%20b") },
	{ STR_INIT("Forwarded"), STR_INIT("for=a") },
	{ STR_INIT("Forwarded"), STR_INIT("for=b") },
	{ STR_INIT("X-Forwarded-Host"), STR_INIT("h") },
	{ STR_INIT("X-Forwarded-Port"), STR_INIT("81") },
	{ STR_INIT("X-Forwarded-Prefix"), STR_INIT("/dav") },
	{ STR_INIT("Content-Digest"), STR_INIT("a=:AAAA:") },
	{ STR_INIT("Content-Digest"),
	    STR_INIT("sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/"
		     "YfIAFa0=:") },
};
static const struct headers headers = { .v = fields, .n = ARRAY_LEN(fields) };
static const struct origin origin = {
	.scheme = STR_INIT("http"),
	.authority = STR_INIT("h"),
	.prefix = STR_INIT("/dav"),
};

static enum err_code
run_if(struct arena *a, struct err *err)
{
	struct origin root = { .scheme = STR("http") };
	struct if_header out;

	return if_parse(&headers, &root, a, &out, err);
}

static enum err_code
run_conditions(struct arena *a, struct err *err)
{
	struct conditions out;

	return conditions_parse(&headers, true, a, &out, err);
}

static enum err_code
run_destination(struct arena *a, struct err *err)
{
	struct rpath out;

	return destination_parse(&headers, &origin, a, &out, NULL, err);
}

static enum err_code
run_origin(struct arena *a, struct err *err)
{
	struct origin base = { 0 }, out;

	return origin_find(&headers, &base, true, STR("http"), a, &out, err);
}

static enum err_code
run_digest(struct arena *a, struct err *err)
{
	struct buf b = { 0 };
	struct buf_ostream to;
	struct digest_check *out;

	return digest_check_new(
	    &headers, a, buf_ostream_init(&to, &b), &out, err);
}

static enum err_code
run_slug(struct arena *a, struct err *err)
{
	struct str out;

	return slug_parse(&headers, a, &out, err);
}

static enum err_code
run_base_url(struct arena *a, struct err *err)
{
	struct origin out;

	return origin_from_url(a, STR("https://h:8443/my%20dav"), &out, err);
}

static enum err_code
run_join(struct arena *a, struct err *err)
{
	struct rpath out;

	return rpath_join(
	    a, (struct rpath){ STR("/a") }, STR("b/c"), &out, err);
}

typedef enum err_code run_fn(struct arena *a, struct err *err);

/* With all but `left` bytes of its block gone, and so many more allocations. */
static enum err_code
run_with(run_fn *run, size_t left, unsigned long more, struct err *err)
{
	struct arena a = { 0 };
	enum err_code rc;

	assert_non_null(arena_alloc(&a, BLOCK - left));
	alloc_fail_from(more + 1);
	rc = run(&a, err);
	(void)alloc_fail_stop();
	arena_done(&a);
	return rc;
}

/* The smallest rest of a block with which it gets through, or more than all. */
static size_t
least(run_fn *run, unsigned long more)
{
	size_t left, enough = BLOCK + 1;

	for (left = 0; left <= BLOCK; left += 16) {
		struct err err = { 0 };
		enum err_code rc = run_with(run, left, more, &err);

		assert_int_equal(err.code, rc);
		if (rc == ERR_OK && left < enough)
			enough = left;
		/* more memory never makes it fail again */
		assert_int_equal(rc, left < enough ? ERR_NOMEM : ERR_OK);
	}
	return enough;
}

static void
an_arena_may_run_out_anywhere(void **state)
{
	static const struct {
		run_fn *run;
		bool buffer; /* it needs one for a while, next to the arena */
	} cases[] = {
		{ run_if, false },
		{ run_conditions, false },
		{ run_destination, false },
		{ run_origin, true },
		{ run_digest, false },
		{ run_slug, false },
		{ run_base_url, true },
		{ run_join, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		size_t none = least(cases[i].run, 0);

		assert_true(none > 0);
		assert_int_equal(none > BLOCK, cases[i].buffer);
		assert_in_range(least(cases[i].run, 1), 0, BLOCK);
		assert_int_equal(least(cases[i].run, 2), 0);
	}
}

static void
one_block_holds_what_is_said_here(void **state)
{
	struct arena a = { 0 };

	(void)state;
	alloc_fail_at(2);
	assert_non_null(arena_alloc(&a, 16));
	assert_non_null(arena_alloc(&a, BLOCK - 16));
	assert_false(alloc_fail_fired());
	assert_null(arena_alloc(&a, 16));
	assert_true(alloc_fail_stop());
	arena_done(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_block_holds_what_is_said_here),
		cmocka_unit_test(an_arena_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
