/* SPDX-License-Identifier: MIT */
/* PATCH (RFC 5789) of JSON documents. */
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "dav/keys.h"
#include "lib/alloc_fail.h"
#include "lib/dav_test.h"
#include "lib/locks.h"
#include "store/stores.h"

#define TREE "/d/ /j={\"a\":1} /t=text"
#define MERGE "Content-Type: application/merge-patch+json\n"
#define STEPS "Content-Type: application/json-patch+json\n"
#define KEY "Idempotency-Key: k\n"

static void
a_patch_is_applied_or_refused_as_a_whole(void **state)
{
	static const struct {
		const char *target, *headers, *body;
		unsigned status;
		const char *left; /* of /j; NULL: as it was */
	} cases[] = {
		{ "/j", MERGE, "{\"b\":2}", 204, "{\"a\":1,\"b\":2}" },
		{ "/j", MERGE, "{\"a\":null}", 204, "{}" },
		{ "/j",
		    "Content-Type: application/merge-patch+json; "
		    "charset=utf-8\n",
		    "{\"a\":2}", 204, "{\"a\":2}" },
		{ "/j", STEPS,
		    "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":3}]", 204,
		    "{\"a\":3}" },
		{ "/j", STEPS,
		    "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":3},"
		    "{\"op\":\"test\",\"path\":\"/a\",\"value\":4}]",
		    422, NULL },
		{ "/j", STEPS, "[{\"op\":\"remove\",\"path\":\"/x\"}]", 422,
		    NULL },
		{ "/j", STEPS, "[{\"op\":\"jump\"}]", 400, NULL },
		{ "/j", MERGE, "{\"b\":", 400, NULL },
		{ "/j", MERGE, "", 400, NULL },
		{ "/t", MERGE, "{}", 422, NULL },
		{ "/none", MERGE, "{}", 404, NULL },
		{ "/d", MERGE, "{}", 405, NULL },
		{ "/j/", MERGE, "{}", 400, NULL },
		{ "/j", "Content-Type: application/json\n", "{}", 415, NULL },
		{ "/j", "", "{}", 415, NULL },
		{ "/j", MERGE "Content-Encoding: gzip\n", "{}", 415, NULL },
		{ "/j", MERGE "Content-Range: bytes 0-1/2\n", "{}", 400, NULL },
		{ "/j", MERGE "If-Match: \"no\"\n", "{}", 412, NULL },
		{ "/j", MERGE "If-None-Match: *\n", "{}", 412, NULL },
		{ "/j", MERGE "If: (<opaquelocktoken:a>)\n", "{}", 412, NULL },
		{ "/j", MERGE "If-Match: *\n", "{\"a\":2}", 204, "{\"a\":2}" },
		{ "/j",
		    MERGE "Content-Digest: sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAA"
			  "AAAAAAAAAAAAAAAAAA=:\n",
		    "{}", 400, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct dav_test t;
		unsigned status;

		dav_test_init(&t, TREE);
		status = dav_send(&t, "PATCH", cases[i].target,
		    cases[i].headers, cases[i].body);
		if (status != cases[i].status)
			fail_msg("%zu: %u, not %u", i, status, cases[i].status);
		assert_int_equal(
		    dav_header(&t, "ETag").len != 0, status == 204);
		assert_int_equal(dav_header(&t, "Accept-Patch").len != 0,
		    status == 415 && dav_says(&t, "a patch is"));
		assert_int_equal(dav_send(&t, "GET", "/j", "", NULL), 200);
		assert_str_equal(dav_body(&t),
		    str_from_c(cases[i].left ? cases[i].left : "{\"a\":1}"));
		dav_test_done(&t);
	}
}

static void
it_says_the_tag_and_if_asked_to_the_document(void **state)
{
	struct dav_test t;
	struct resource res;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(dav_send(&t, "PATCH", "/j", MERGE, "{\"b\":2}"), 204);
	assert_int_equal(
	    store_stat(t.deny.inner, at("/j"), &res, NULL), ERR_OK);
	assert_str_equal(dav_header(&t, "ETag"), resource_etag(&res));
	assert_true(t.slow);
	assert_int_equal(
	    dav_send(&t, "PATCH", "/j", MERGE "Prefer: return=representation\n",
		"{\"b\":3}"),
	    200);
	assert_str_equal(dav_body(&t), STR("{\"a\":1,\"b\":3}"));
	assert_str_equal(
	    dav_header(&t, "Preference-Applied"), STR("return=representation"));
	dav_test_done(&t);
}

static void
a_lock_is_in_its_way_as_in_that_of_a_put(void **state)
{
	struct dav_test t;
	struct token token;
	char headers[256];

	(void)state;
	dav_test_init(&t, TREE);
	token = lock_at(t.store, "/j", DEPTH_0, false, "");
	assert_int_equal(dav_send(&t, "PATCH", "/j", MERGE, "{}"), 423);
	(void)snprintf(
	    headers, sizeof(headers), MERGE "If: (<%s>)\n", token.text);
	assert_int_equal(
	    dav_send(&t, "PATCH", "/j", headers, "{\"a\":2}"), 204);
	dav_test_done(&t);
}

static void
what_is_too_large_is_said_to_be(void **state)
{
	size_t n = ((size_t)4 << 20) + 1;
	char *big = malloc(n + 1);
	struct dav_test t;

	(void)state;
	assert_non_null(big);
	memset(big, ' ', n);
	big[n] = 0;
	dav_test_init(&t, TREE);
	assert_int_equal(dav_send(&t, "PATCH", "/j", MERGE, big), 413);
	assert_true(dav_says(&t, "4194304"));
	assert_int_equal(dav_send(&t, "PATCH", "/j",
			     MERGE "Transfer-Encoding: chunked\n", big),
	    413);
	free(big);
	dav_test_done(&t);
}

/* A store in which somebody else writes to /j whenever it has been read. */
struct meddled {
	struct dav_test t;
	struct store_ops ops;
	const struct store_ops *real;
	unsigned left; /* times */
};

static enum err_code
open_and_meddle(
    struct store *s, struct rpath path, struct content **out, struct err *err)
{
	struct deny_store *d = CONTAINER_OF(s, struct deny_store, base);
	struct dav_test *t = CONTAINER_OF(d, struct dav_test, deny);
	struct meddled *m = CONTAINER_OF(t, struct meddled, t);
	enum err_code rc = m->real->open(s, path, out, err);
	char text[32];

	if (!rc && m->left) {
		(void)snprintf(text, sizeof(text), "/j={\"n\":%u}", m->left--);
		tree_make(d->inner, text);
	}
	return rc;
}

static void
meddled_init(struct meddled *m, unsigned times)
{
	dav_test_init(&m->t, TREE);
	m->real = m->t.deny.base.ops;
	m->ops = *m->real;
	m->ops.open = open_and_meddle;
	m->t.deny.base.ops = &m->ops;
	m->left = times;
}

static void
what_others_write_meanwhile_is_patched_and_never_lost(void **state)
{
	static const struct {
		unsigned times;
		const char *headers;
		unsigned status;
		const char *left;
	} cases[] = {
		{ 1, MERGE, 204, "/d/ /j={\"n\":1,\"b\":2} /t=text" },
		{ 3, MERGE, 204, "/d/ /j={\"n\":1,\"b\":2} /t=text" },
		{ 9, MERGE, 503, "/d/ /j={\"n\":5} /t=text" },
	};
	struct meddled m;
	struct resource res;
	char headers[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		meddled_init(&m, cases[i].times);
		assert_int_equal(dav_send(&m.t, "PATCH", "/j", cases[i].headers,
				     "{\"b\":2}"),
		    cases[i].status);
		assert_tree(m.t.deny.inner, cases[i].left);
		dav_test_done(&m.t);
	}
	/* Who names a tag means that and nothing newer. */
	meddled_init(&m, 1);
	assert_int_equal(
	    store_stat(m.t.deny.inner, at("/j"), &res, NULL), ERR_OK);
	(void)snprintf(headers, sizeof(headers), MERGE "If-Match: %.*s\n",
	    STR_ARG(resource_etag(&res)));
	assert_int_equal(
	    dav_send(&m.t, "PATCH", "/j", headers, "{\"b\":2}"), 412);
	assert_tree(m.t.deny.inner, "/d/ /j={\"n\":1} /t=text");
	dav_test_done(&m.t);
}

static void
with_a_key_it_is_applied_once(void **state)
{
	static const char add[] =
	    "[{\"op\":\"add\",\"path\":\"/v/-\",\"value\":1}]";
	struct dav_test t;
	unsigned i;

	(void)state;
	dav_test_init(&t, "/j={\"v\":[]}");
	for (i = 0; i < 3; i++)
		assert_int_equal(
		    dav_send(&t, "PATCH", "/j", KEY STEPS, add), 204);
	assert_str_equal(dav_header(&t, "Idempotency-Replayed"), STR("true"));
	assert_true(dav_header(&t, "ETag").len);
	assert_tree(t.deny.inner, "/j={\"v\":[1]}");
	assert_int_equal(dav_send(&t, "PATCH", "/j", STEPS, add), 204);
	assert_tree(t.deny.inner, "/j={\"v\":[1,1]}");
	dav_test_done(&t);
}

/* As a PUT: an honest status, and once what is said to be done. */
static void
try_failing(unsigned long n, bool in_store, bool *failed)
{
	static const char add[] =
	    "[{\"op\":\"add\",\"path\":\"/v/-\",\"value\":1}]";
	struct store *faulty;
	struct dav_test t;
	unsigned status;

	dav_test_init(&t, "/j={\"v\":[]}");
	assert_int_equal(keys_new(&t.keys, NULL), ERR_OK);
	assert_int_equal(fault_store_new(t.store, &faulty, NULL), ERR_OK);
	t.store = faulty;
	if (in_store)
		fault_store_fail(faulty, (unsigned)n, ERR_IO, NULL);
	else
		t.fail_alloc = n;
	status = dav_send(&t, "PATCH", "/j", KEY STEPS, add);
	*failed = in_store ? fault_store_fired(faulty) : t.alloc_failed;
	fault_store_fail(faulty, 0, ERR_OK, NULL);
	assert_true(status == 204 || status >= 500 || !status);
	assert_int_equal(dav_send(&t, "PATCH", "/j", KEY STEPS, add), 204);
	assert_tree(t.deny.inner, "/j={\"v\":[1]}");
	keys_free(t.keys);
	dav_test_done(&t);
}

static void
whatever_fails_asking_again_applies_it_once(void **state)
{
	unsigned long n;
	bool failed;
	int in_store;

	(void)state;
	for (in_store = 0; in_store < 2; in_store++) {
		failed = true;
		for (n = 1; failed; n++)
			try_failing(n, in_store, &failed);
		assert_true(n > 5);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_patch_is_applied_or_refused_as_a_whole),
		cmocka_unit_test(it_says_the_tag_and_if_asked_to_the_document),
		cmocka_unit_test(a_lock_is_in_its_way_as_in_that_of_a_put),
		cmocka_unit_test(what_is_too_large_is_said_to_be),
		cmocka_unit_test(
		    what_others_write_meanwhile_is_patched_and_never_lost),
		cmocka_unit_test(with_a_key_it_is_applied_once),
		cmocka_unit_test(whatever_fails_asking_again_applies_it_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
