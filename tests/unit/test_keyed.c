/* SPDX-License-Identifier: MIT */
/* Single requests with an Idempotency-Key. */
#include "lib/test.h"

#include "base/clock.h"
#include "dav/keys.h"
#include "lib/alloc_fail.h"
#include "lib/dav_test.h"
#include "store/stores.h"

#define TREE "/d/ /d/k/ /d/k/y=2 /d/x=1 /e/ /e/z=9 /f=old"
#define KEY "Idempotency-Key: \"k1\"\n"
#define UPDATE                                                  \
	"<D:propertyupdate xmlns:D=\"DAV:\"><D:set><D:prop><p " \
	"xmlns=\"urn:x\">v</p></D:prop></D:set></D:propertyupdate>"

static const struct row {
	const char *method, *target, *headers, *body;
	unsigned status;
	const char *tree; /* when it is done */
} rows[] = {
	{ "PUT", "/n", KEY, "new", 201, TREE " /n=new" },
	{ "PUT", "/n", KEY "If-None-Match: *\n", "new", 201, TREE " /n=new" },
	{ "PUT", "/f", KEY, "new", 204,
	    "/d/ /d/k/ /d/k/y=2 /d/x=1 /e/ /e/z=9 /f=new" },
	{ "MKCOL", "/n", KEY, NULL, 201, TREE " /n/" },
	{ "DELETE", "/f", KEY, NULL, 204,
	    "/d/ /d/k/ /d/k/y=2 /d/x=1 /e/ /e/z=9" },
	{ "DELETE", "/d/", KEY, NULL, 204, "/e/ /e/z=9 /f=old" },
	{ "COPY", "/f", KEY "Destination: /g\nOverwrite: F\n", NULL, 201,
	    TREE " /g=old" },
	{ "COPY", "/d", KEY "Destination: /n\nOverwrite: F\n", NULL, 201,
	    TREE " /n/ /n/k/ /n/k/y=2 /n/x=1" },
	{ "COPY", "/d", KEY "Destination: /e\n", NULL, 204,
	    "/d/ /d/k/ /d/k/y=2 /d/x=1 /e/ /e/k/ /e/k/y=2 /e/x=1 /f=old" },
	{ "MOVE", "/f", KEY "Destination: /g\nOverwrite: F\n", NULL, 201,
	    "/d/ /d/k/ /d/k/y=2 /d/x=1 /e/ /e/z=9 /g=old" },
	{ "MOVE", "/d", KEY "Destination: /n\nOverwrite: F\n", NULL, 201,
	    "/e/ /e/z=9 /f=old /n/ /n/k/ /n/k/y=2 /n/x=1" },
	{ "MOVE", "/d", KEY "Destination: /e\n", NULL, 204,
	    "/e/ /e/k/ /e/k/y=2 /e/x=1 /f=old" },
	{ "PROPPATCH", "/f", KEY, UPDATE, 207, TREE },
};

static bool
was_replayed(const struct dav_test *t)
{
	return str_eq(dav_header(t, "Idempotency-Replayed"), STR("true"));
}

static unsigned
send_row(struct dav_test *t, const struct row *r)
{
	return dav_send(t, r->method, r->target, r->headers, r->body);
}

static void
what_succeeded_is_answered_again_and_not_done_again(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf tag = { 0 }, body = { 0 };
		struct dav_test t;

		dav_test_init(&t, TREE);
		assert_int_equal(keys_new(&t.keys, NULL), ERR_OK);
		assert_int_equal(send_row(&t, &rows[i]), rows[i].status);
		assert_false(was_replayed(&t));
		assert_tree(t.deny.inner, rows[i].tree);
		buf_put(&tag, dav_header(&t, "ETag"));
		buf_put(&body, dav_body(&t));
		/* Were it done again, it would fail or say another status. */
		assert_int_equal(send_row(&t, &rows[i]), rows[i].status);
		assert_true(was_replayed(&t));
		assert_tree(t.deny.inner, rows[i].tree);
		assert_str_equal(dav_header(&t, "ETag"), buf_str(&tag));
		assert_str_equal(dav_body(&t), buf_str(&body));
		buf_done(&tag);
		buf_done(&body);
		keys_free(t.keys);
		dav_test_done(&t);
	}
}

static void
a_key_is_for_one_request(void **state)
{
	static const struct {
		const char *method, *target, *headers, *body;
	} others[] = {
		{ "PUT", "/n", KEY, "other" },
		{ "PUT", "/n", KEY, NULL },
		{ "PUT", "/m", KEY, "new" },
		{ "PUT", "/n", KEY "If-Match: *\n", "new" },
		{ "PUT", "/n", KEY "Content-Type: text/plain\n", "new" },
		{ "DELETE", "/n", KEY, NULL },
		{ "MKCOL", "/n", KEY, NULL },
	};
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(dav_send(&t, "PUT", "/n", KEY, "new"), 201);
	for (i = 0; i < ARRAY_LEN(others); i++) {
		assert_int_equal(
		    dav_send(&t, others[i].method, others[i].target,
			others[i].headers, others[i].body),
		    422);
		assert_true(dav_says(&t, "a new request needs a new key"));
		assert_tree(t.deny.inner, TREE " /n=new");
	}
	/* Accept and its kin say how to answer, not what to do. */
	assert_int_equal(
	    dav_send(&t, "PUT", "/n", KEY "Accept: text/xml\n", "new"), 201);
	t.user = STR("another");
	assert_int_equal(dav_send(&t, "PUT", "/n", KEY, "other"), 204);
	assert_false(was_replayed(&t));
	dav_test_done(&t);
}

static void
what_failed_is_done_again(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(dav_send(&t, "PUT", "/n/f", KEY, "new"), 409);
	assert_int_equal(dav_send(&t, "MKCOL", "/n", "", NULL), 201);
	assert_int_equal(dav_send(&t, "PUT", "/n/f", KEY, "new"), 201);
	assert_false(was_replayed(&t));
	assert_int_equal(dav_send(&t, "PUT", "/n/f", KEY, "new"), 201);
	assert_true(was_replayed(&t));
	dav_test_done(&t);
}

static void
a_207_with_failures_is_no_success(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	deny(&t.deny, "/d/x", DENY_REMOVE | DENY_COPY_FROM, ERR_FORBIDDEN);
	assert_int_equal(dav_send(&t, "DELETE", "/d/", KEY, NULL), 207);
	assert_int_equal(dav_send(&t, "COPY", "/d/",
			     "Idempotency-Key: c\nDestination: /n/\n"
			     "Overwrite: F\n",
			     NULL),
	    207);
	t.deny.off = true;
	/* What it made itself is not in its way, and not new. */
	assert_int_equal(dav_send(&t, "COPY", "/d/",
			     "Idempotency-Key: c\nDestination: /n/\n"
			     "Overwrite: F\n",
			     NULL),
	    201);
	assert_false(was_replayed(&t));
	assert_int_equal(dav_send(&t, "DELETE", "/d/", KEY, NULL), 204);
	assert_false(was_replayed(&t));
	assert_tree(t.deny.inner, "/e/ /e/z=9 /f=old /n/ /n/x=1");
	assert_int_equal(dav_send(&t, "DELETE", "/d/", KEY, NULL), 204);
	assert_true(was_replayed(&t));
	dav_test_done(&t);
}

static void
a_copy_that_was_begun_spares_what_took_its_place(void **state)
{
	static const char copy[] =
	    "Idempotency-Key: c\nDestination: /n\nOverwrite: F\n";
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	deny(&t.deny, "/d/x", DENY_COPY_FROM, ERR_FORBIDDEN);
	assert_int_equal(dav_send(&t, "COPY", "/d/", copy, NULL), 207);
	assert_int_equal(dav_send(&t, "DELETE", "/n/", "", NULL), 204);
	assert_int_equal(dav_send(&t, "PUT", "/n", "", "mine"), 201);
	t.deny.off = true;
	assert_int_equal(dav_send(&t, "COPY", "/d/", copy, NULL), 412);
	assert_tree(t.deny.inner, TREE " /n=mine");
	dav_test_done(&t);
}

static void
a_move_that_goes_on_keeps_what_it_has_moved(void **state)
{
	static const char *const to[] = {
		"Idempotency-Key: m\nDestination: /n\nOverwrite: F\n",
		"Idempotency-Key: m\nDestination: /e\n",
	};
	static const char *const left[] = {
		"/e/ /e/o=9 /n/ /n/k/ /n/k/y=2 /n/k/z=3 /n/x=1",
		"/e/ /e/k/ /e/k/y=2 /e/k/z=3 /e/x=1",
	};
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct dav_test t;

		dav_test_init(
		    &t, "/d/ /d/k/ /d/k/y=2 /d/k/z=3 /d/x=1 /e/ /e/o=9");
		t.deny.no_rename = true;
		deny(&t.deny, "/d/k/z", DENY_COPY_FROM, ERR_FORBIDDEN);
		assert_int_equal(
		    dav_send(&t, "MOVE", "/d", to[i % 2], NULL), 207);
		t.deny.off = true;
		/* What could not be renamed then may be renamed now. */
		t.deny.no_rename = i / 2;
		assert_int_equal(dav_send(&t, "MOVE", "/d", to[i % 2], NULL),
		    i % 2 ? 204 : 201);
		assert_false(was_replayed(&t));
		assert_tree(t.deny.inner, left[i % 2]);
		dav_test_done(&t);
	}
}

static void
a_key_in_use_is_told_to_come_again(void **state)
{
	struct buf key = { 0 };
	struct dav_test t;
	bool nomem;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(keys_new(&t.keys, NULL), ERR_OK);
	key_put(&key, STR(""), STR("k1"));
	assert_true(keys_take(t.keys, buf_str(&key), &nomem));
	assert_int_equal(dav_send(&t, "PUT", "/n", KEY, "new"), 409);
	assert_str_equal(dav_header(&t, "Retry-After"), STR("1"));
	assert_tree(t.deny.inner, TREE);
	keys_give_back(t.keys, buf_str(&key));
	/* It is given back whatever becomes of the request. */
	assert_int_equal(dav_send(&t, "PUT", "/none/n", KEY, "new"), 409);
	assert_int_equal(dav_header(&t, "Retry-After").len, 0);
	assert_int_equal(dav_send(&t, "PUT", "/n", KEY, "new"), 201);
	assert_true(keys_take(t.keys, buf_str(&key), &nomem));
	buf_done(&key);
	keys_free(t.keys);
	dav_test_done(&t);
}

static void
a_malformed_key_is_refused_before_anything_is_done(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(
	    dav_send(&t, "PUT", "/n", "Idempotency-Key: a b\n", "x"), 400);
	assert_int_equal(dav_send(&t, "PUT", "/n",
			     "Idempotency-Key: a\nIdempotency-Key: b\n", "x"),
	    400);
	assert_tree(t.deny.inner, TREE);
	/* Where it means nothing it is not looked at. */
	assert_int_equal(
	    dav_send(&t, "GET", "/f", "Idempotency-Key: a b\n", NULL), 200);
	dav_test_done(&t);
}

static bool
is_success(unsigned status)
{
	return status && status < 400 && status != 207;
}

/*
 * However it went, asking again ends in what was wanted, and once it was said
 * to be done it is not done again.
 */
static void
ask_again(struct dav_test *t, const struct row *r, unsigned status)
{
	bool props = r->status == 207;
	unsigned again;

	if (is_success(status) || (props && status == 207))
		assert_tree(t->deny.inner, r->tree);
	again = send_row(t, r);
	/* What a PROPPATCH answered may be lost, but not that it was done. */
	if (again != r->status && !(props && again == 204))
		fail_msg(
		    "%s %s: %u, then %u", r->method, r->target, status, again);
	if (is_success(status))
		assert_true(was_replayed(t));
	assert_tree(t->deny.inner, r->tree);
	assert_int_equal(send_row(t, r), again);
	assert_true(was_replayed(t));
	assert_tree(t->deny.inner, r->tree);
}

static void
whatever_call_of_the_store_fails_asking_again_ends_well(void **state)
{
	size_t i, apart;
	unsigned n;

	(void)state;
	for (i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i / 2];
		bool failed = true;

		apart = i % 2;
		for (n = 1; failed; n++) {
			struct dav_test t;
			struct store *faulty;
			unsigned status;

			dav_test_init(&t, TREE);
			t.deny.no_rename = apart;
			assert_int_equal(
			    fault_store_new(t.store, &faulty, NULL), ERR_OK);
			t.store = faulty;
			fault_store_fail(faulty, n, ERR_IO, NULL);
			status = send_row(&t, r);
			failed = fault_store_fired(faulty);
			fault_store_fail(faulty, 0, ERR_OK, NULL);
			ask_again(&t, r, status);
			dav_test_done(&t);
		}
		assert_true(n > 2);
	}
}

static void
whatever_allocation_fails_asking_again_ends_well(void **state)
{
	unsigned long n;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		bool failed = true;

		for (n = 1; failed; n++) {
			struct dav_test t;
			unsigned status;

			dav_test_init(&t, TREE);
			assert_int_equal(keys_new(&t.keys, NULL), ERR_OK);
			t.fail_alloc = n;
			status = send_row(&t, &rows[i]);
			failed = t.alloc_failed;
			ask_again(&t, &rows[i], status);
			keys_free(t.keys);
			dav_test_done(&t);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_succeeded_is_answered_again_and_not_done_again),
		cmocka_unit_test(a_key_is_for_one_request),
		cmocka_unit_test(what_failed_is_done_again),
		cmocka_unit_test(a_207_with_failures_is_no_success),
		cmocka_unit_test(
		    a_copy_that_was_begun_spares_what_took_its_place),
		cmocka_unit_test(a_move_that_goes_on_keeps_what_it_has_moved),
		cmocka_unit_test(a_key_in_use_is_told_to_come_again),
		cmocka_unit_test(
		    a_malformed_key_is_refused_before_anything_is_done),
		cmocka_unit_test(
		    whatever_call_of_the_store_fails_asking_again_ends_well),
		cmocka_unit_test(
		    whatever_allocation_fails_asking_again_ends_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
