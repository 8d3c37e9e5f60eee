/* SPDX-License-Identifier: MIT */
/*
 * The endpoints, with each allocation and each call of the store failing, and
 * with the client gone: an answer tells what was done, an error means that
 * nothing was, and who asks again has each operation done once.
 */
#include "lib/test.h"

#include <stdio.h>

#include "dav/keys.h"
#include "lib/bulk_served.h"
#include "store/stores.h"

/* More than is kept before it is read: the first windows run early. */
#define PAD ((size_t)66000)

static void
nothing_fails_where_nothing_is_made_to(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SERVED_FORMS; i++) {
		struct bulk_served w;

		served_make(&w);
		assert_int_equal(
		    served_post(&w, &served_forms[i], SERVED_KEY, PAD), 207);
		served_check_answer(&w, 207);
		assert_tree(w.t.deny.inner, SERVED_AFTER);
		served_check_again(&w, &served_forms[i]);
		served_done(&w);
	}
}

static void
without_memory_an_answer_is_true_or_there_is_none(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SERVED_FORMS; i++) {
		bool failed = true;
		unsigned long n;

		for (n = 1; failed; n++) {
			struct bulk_served w;

			served_make(&w);
			w.t.fail_alloc = n;
			served_check_answer(&w,
			    served_post(&w, &served_forms[i], SERVED_KEY, PAD));
			failed = w.t.alloc_failed;
			served_check_again(&w, &served_forms[i]);
			served_done(&w);
		}
		assert_true(n > 50);
	}
}

static void
where_the_store_fails_an_answer_is_true(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SERVED_FORMS; i++) {
		bool failed = true;
		unsigned n;

		for (n = 1; failed; n++) {
			struct bulk_served w;

			served_make(&w);
			fault_store_fail(w.faulty, n, ERR_IO, NULL);
			served_check_answer(&w,
			    served_post(&w, &served_forms[i], SERVED_KEY, PAD));
			failed = fault_store_fired(w.faulty);
			served_check_again(&w, &served_forms[i]);
			served_done(&w);
		}
		assert_true(n > 20);
	}
}

static void
a_client_that_goes_finds_each_done_once(void **state)
{
	size_t i, n;

	(void)state;
	for (i = 0; i < SERVED_FORMS; i++) {
		struct buf body = served_body(&served_forms[i], 0);

		for (n = 1; n < body.len; n += 7) {
			struct bulk_served w;

			served_make(&w);
			w.t.slice = 64;
			w.t.gone_after = n;
			assert_int_equal(
			    served_post(&w, &served_forms[i], SERVED_KEY, 0),
			    0);
			w.t.gone_after = 0;
			served_check_again(&w, &served_forms[i]);
			served_done(&w);
		}
		buf_done(&body);
	}
}

/* ---- answers of other forms, and what is only read */

static const struct {
	const char *method, *target, *headers;
	bool posts; /* the batch, as JSON */
	unsigned status;
} others[] = {
	{ "POST", "/.sheaf/bulk", "Accept: application/xml\n", true, 207 },
	{ "POST", "/.sheaf/bulk", "Accept: application/x-ndjson\n", true, 207 },
	{ "POST", "/.sheaf/bulk", "Prefer: return=minimal, wait=5\n", true,
	    207 },
	{ "POST", "/.sheaf/bulk?dryRun=true", "", true, 207 },
	{ "GET", "/.sheaf/capabilities", "", false, 200 },
	{ "GET", "/.sheaf/openapi.json", "", false, 200 },
	{ "GET", "/.sheaf/schema/request.schema.json", "", false, 200 },
	{ "GET", "/.sheaf/schema/answer.schema.json", "", false, 200 },
	{ "OPTIONS", "/.sheaf/bulk", "", false, 200 },
	{ "GET", "/.sheaf/bulk", "", false, 405 },
	{ "GET", "/.sheaf/batches/b_none", "", false, 404 },
};

static void
every_other_answer_is_whole_or_none_without_memory(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(others); i++) {
		bool failed = true;
		unsigned long n;

		for (n = 1; failed; n++) {
			struct buf body = served_body(&served_forms[0], 0);
			struct bulk_served w;
			char headers[128];
			unsigned status;

			served_make(&w);
			(void)snprintf(headers, sizeof(headers), "%s%s",
			    others[i].headers,
			    others[i].posts ? "Content-Type: application/json\n"
					    : "");
			w.t.fail_alloc = n;
			status =
			    dav_send(&w.t, others[i].method, others[i].target,
				headers, others[i].posts ? body.ptr : NULL);
			failed = w.t.alloc_failed;
			assert_true(!status || status >= 500 ||
			    status == others[i].status);
			assert_true(failed || status == others[i].status);
			if (status >= 400 || !others[i].posts ||
			    strchr(others[i].target, '?'))
				assert_tree(w.t.deny.inner, SERVED_BEFORE);
			served_done(&w);
			buf_done(&body);
		}
		assert_true(n > 2);
	}
}

/* ---- refused before anything was done */

static void
a_batch_whose_key_is_taken_is_refused_whatever_it_begins_with(void **state)
{
	static const struct {
		const char *type, *body;
	} cases[] = {
		{ "application/json",
		    "{\"operations\":[{\"op\":\"delete\",\"url\":\"/g\"}]}" },
		{ "application/x-ndjson",
		    "{\"op\":\"delete\",\"url\":\"/g\"}" },
		{ "multipart/mixed;boundary=b",
		    "--b\r\nContent-Type: application/http\r\n\r\n"
		    "DELETE /g HTTP/1.1\r\n\r\n\r\n--b--" },
		/* A body that is not kept in memory */
		{ "multipart/mixed;boundary=b",
		    "--b\r\nContent-Type: application/http\r\n\r\n"
		    "PUT /n HTTP/1.1\r\n\r\nlonger than it\r\n--b--" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf key = { 0 };
		struct bulk_served w;
		char headers[128];
		bool nomem;

		served_make(&w);
		key_put_item(&key, STR(""), STR("k"), STR(""));
		assert_true(keys_take(w.t.keys, buf_str(&key), &nomem));
		(void)snprintf(headers, sizeof(headers),
		    SERVED_KEY "Content-Type: %s\n", cases[i].type);
		assert_int_equal(dav_send(&w.t, "POST", "/.sheaf/bulk", headers,
				     cases[i].body),
		    409);
		assert_tree(w.t.deny.inner, SERVED_BEFORE);
		keys_give_back(w.t.keys, buf_str(&key));
		buf_done(&key);
		served_done(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_fails_where_nothing_is_made_to),
		cmocka_unit_test(
		    without_memory_an_answer_is_true_or_there_is_none),
		cmocka_unit_test(where_the_store_fails_an_answer_is_true),
		cmocka_unit_test(a_client_that_goes_finds_each_done_once),
		cmocka_unit_test(
		    every_other_answer_is_whole_or_none_without_memory),
		cmocka_unit_test(
		    a_batch_whose_key_is_taken_is_refused_whatever_it_begins_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
