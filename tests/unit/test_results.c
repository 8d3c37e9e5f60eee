/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "lib/batch_run.h"
#include "lib/lint_run.h"
#include "lib/read_run.h"
#include "unit/multistatus_run.h"
#include "wire/results.h"

#define PATH(p)             \
	{                   \
		STR_INIT(p) \
	}

static enum err_code
write_results(struct buf *out, const struct results_spec *spec,
    const struct result *const *rs, size_t n, const struct err *failed)
{
	struct buf_ostream o;
	struct results *r;
	enum err_code rc =
	    results_new(spec, buf_ostream_init(&o, out), &r, NULL);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < n; i++)
		(void)results_put(r, rs[i]);
	(void)results_progress(r, n, 0);
	rc = results_end(r, failed);
	results_free(r);
	return rc;
}

static const struct header etag[] = { { STR_INIT("ETag"),
    STR_INIT("\"v9\"") } };

static const struct result created = {
	.id = STR_INIT("dir"),
	.outcome = { .path = PATH("/projects/x"),
	    .collection = true,
	    .status = 201 },
	.retry_after = -1,
};

static const struct result exists = {
	.index = 1,
	.id = STR_INIT("item_002"),
	.outcome = { .path = PATH("/users/alice.json"),
	    .status = 409,
	    .why = ERR_ALREADY_EXISTS },
	.retry_after = -1,
};

static const struct result got = {
	.index = 2,
	.id = STR_INIT("get7"),
	.outcome = { .path = PATH("/users/7.json"), .status = 200 },
	.retry_after = -1,
	.replayed = true,
	.headers = { .v = etag, .n = 1 },
	.has_body = true,
	.body = STR_INIT("{\"name\":\n\"Rob\"}"),
	.body_type = STR_INIT("application/json"),
};

static const struct outcome busy[] = {
	{ .path = PATH("/scratch/old/busy.txt"),
	    .status = 423,
	    .why = ERR_LOCKED },
};

static const struct result locked = {
	.index = 3,
	.id = STR_INIT("rm"),
	.outcome = { .path = PATH("/scratch/old"),
	    .collection = true,
	    .status = 423,
	    .why = ERR_MEMBER_LOCKED,
	    .tell = STR_INIT("1 of 40 members could not be deleted") },
	.partial = true,
	.retry_after = 3,
	.members = busy,
	.n_members = 1,
	.members_omitted = 2,
};

static const struct result waits = {
	.index = 4,
	.id = STR_INIT("after"),
	.outcome = { .path = PATH("/b"), .status = 424, .why = ERR_DEPENDENCY },
	.caused_by = STR_INIT("rm"),
	.retry_after = -1,
};

static const struct result put_off = {
	.index = 5,
	.id = STR_INIT("late"),
	.outcome = { .path = PATH("/c"), .status = 503, .why = ERR_BUSY },
	.not_attempted = true,
	.retry_after = -1,
};

static const struct result bad_url = {
	.index = 6,
	.id = STR_INIT("6"),
	.outcome = { .status = 400,
	    .why = ERR_BAD_PATH,
	    .tell = STR_INIT("a \"..\" segment") },
	.url = STR_INIT("/a/../b"),
	.retry_after = -1,
};

static const struct result *const all[] = { &created, &exists, &got, &locked,
	&waits, &put_off, &bad_url };

static void
an_item_says_what_became_of_its_operation(void **state)
{
	static const char want[] =
	    "{\"batchId\":\"b_1\",\"results\":["
	    "{\"id\":\"dir\",\"index\":0,\"status\":201,"
	    "\"href\":\"/dav/projects/x/\",\"message\":\"Created\"},"
	    "{\"id\":\"item_002\",\"index\":1,\"status\":409,"
	    "\"href\":\"/dav/users/alice.json\",\"error\":"
	    "\"Conflict: a resource with this name already exists\","
	    "\"retryable\":false,\"problem\":{"
	    "\"type\":\"urn:sheaf:problem:already-exists\",\"title\":"
	    "\"A resource with this name already exists\",\"status\":409}},"
	    "{\"id\":\"get7\",\"index\":2,\"status\":200,"
	    "\"href\":\"/dav/users/7.json\",\"replayed\":true,"
	    "\"message\":\"OK\",\"headers\":{\"etag\":\"\\\"v9\\\"\"},"
	    "\"body\":{\"name\":\"Rob\"}},"
	    "{\"id\":\"rm\",\"index\":3,\"status\":423,"
	    "\"href\":\"/dav/scratch/old/\",\"partial\":true,\"error\":"
	    "\"Locked: 1 of 40 members could not be deleted\","
	    "\"retryable\":true,\"retryAfter\":3,\"problem\":{"
	    "\"type\":\"urn:sheaf:problem:member-locked\",\"title\":"
	    "\"A member is locked, and the token was not submitted\","
	    "\"status\":423,\"resource\":\"/dav/scratch/old/\"},"
	    "\"members\":[{\"href\":\"/dav/scratch/old/busy.txt\","
	    "\"status\":423,\"error\":"
	    "\"Locked: locked, and the token was not submitted\","
	    "\"problem\":{\"type\":\"urn:sheaf:problem:locked\",\"title\":"
	    "\"Locked, and the token was not submitted\",\"status\":423,"
	    "\"resource\":\"/dav/scratch/old/busy.txt\"}}],"
	    "\"membersOmitted\":2},"
	    "{\"id\":\"after\",\"index\":4,\"status\":424,\"href\":\"/dav/b\","
	    "\"error\":\"Failed Dependency: another part of the request "
	    "failed\",\"retryable\":false,\"causedBy\":\"rm\",\"problem\":{"
	    "\"type\":\"urn:sheaf:problem:dependency\",\"title\":"
	    "\"Another part of the request failed\",\"status\":424}},"
	    "{\"id\":\"late\",\"index\":5,\"status\":503,\"href\":\"/dav/c\","
	    "\"notAttempted\":true,\"error\":"
	    "\"Service Unavailable: too busy, try again later\","
	    "\"retryable\":true,\"retryAfter\":1,\"problem\":{"
	    "\"type\":\"urn:sheaf:problem:busy\",\"title\":"
	    "\"Too busy, try again later\",\"status\":503}},"
	    "{\"id\":\"6\",\"index\":6,\"status\":400,\"href\":\"/a/../b\","
	    "\"error\":\"Bad Request: a \\\"..\\\" segment\","
	    "\"retryable\":false,\"problem\":{"
	    "\"type\":\"urn:sheaf:problem:bad-path\",\"title\":"
	    "\"Malformed path\",\"status\":400}}],"
	    "\"summary\":{\"total\":7,\"success\":2,\"failed\":5,"
	    "\"retryable\":2,\"replayed\":1,\"notAttempted\":1,"
	    "\"retryAfter\":3,\"dryRun\":true}}";
	const struct results_spec spec = { FORM_JSON, STR("/dav"), STR("b_1"),
		false, true };
	struct buf out = { 0 };
	json_t *j;

	(void)state;
	assert_int_equal(
	    write_results(&out, &spec, all, ARRAY_LEN(all), NULL), ERR_OK);
	j = load(buf_str(&out));
	assert_json_equal(j, want);
	json_decref(j);
	buf_done(&out);
}

static void
minimal_leaves_out_what_succeeded_but_counts_it(void **state)
{
	const struct results_spec spec = { FORM_JSON, STR(""), STR("b_1"), true,
		false };
	struct buf out = { 0 };
	json_t *j;

	(void)state;
	assert_int_equal(write_results(&out, &spec, all, 3, NULL), ERR_OK);
	j = load(buf_str(&out));
	assert_int_equal(json_array_size(json_object_get(j, "results")), 1);
	assert_int_equal(json_integer_value(json_object_get(
			     json_object_get(j, "summary"), "total")),
	    3);
	json_decref(j);
	buf_done(&out);
}

static void
a_stream_is_lines_from_start_to_summary(void **state)
{
	static const char want[] =
	    "{\"type\":\"start\",\"batchId\":\"b_1\"}\n"
	    "{\"type\":\"result\",\"id\":\"get7\",\"index\":2,\"status\":200,"
	    "\"href\":\"/users/7.json\",\"replayed\":true,"
	    "\"message\":\"OK\",\"headers\":{\"etag\":\"\\\"v9\\\"\"},"
	    "\"body\":{\"name\": \"Rob\"}}\n"
	    "{\"type\":\"progress\",\"done\":1}\n"
	    "{\"type\":\"summary\",\"total\":1,\"success\":1,\"failed\":0,"
	    "\"retryable\":0,\"replayed\":1,\"notAttempted\":0,"
	    "\"dryRun\":false,\"error\":\"Bad Request: line 7: cut\","
	    "\"problem\":{\"type\":\"urn:sheaf:problem:bad-body\","
	    "\"title\":\"Malformed body\",\"status\":400}}\n";
	const struct results_spec spec = { FORM_NDJSON, STR(""), STR("b_1"),
		false, false };
	static const struct err cut = { .code = ERR_BAD_BODY,
		.tell = "line 7: cut" };
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(write_results(&out, &spec, &all[2], 1, &cut), ERR_OK);
	assert_str_equal(buf_str(&out), str_from_c(want));
	buf_done(&out);
}

static void
a_body_goes_in_as_what_it_is(void **state)
{
	static const struct {
		const char *type;
		struct str body;
		const char *want;
	} cases[] = {
		{ "application/json", STR_INIT("[1.0, 2]"),
		    "\"body\":[1.0, 2]}" },
		{ "application/json", STR_INIT("\"x\""), "\"body\":\"x\"}" },
		{ "application/vnd.x+json; v=1", STR_INIT("1"), "\"body\":1}" },
		/* which a reader of the answer might not survive */
		{ "application/json", STR_INIT("{\"a\":1,\"a\":2}"),
		    "\"body\":\"{\\\"a\\\":1,\\\"a\\\":2}\","
		    "\"encoding\":\"text\"}" },
		{ "application/json", STR_INIT("{"),
		    "\"body\":\"{\",\"encoding\":\"text\"}" },
		{ "application/json", STR_INIT("12345678901234567890"),
		    "\"body\":\"12345678901234567890\",\"encoding\":"
		    "\"text\"}" },
		{ "application/json", STR_INIT(""),
		    "\"body\":\"\",\"encoding\":\"text\"}" },
		{ "application/json", STR_INIT("\xff"),
		    "\"body\":\"/w==\",\"encoding\":\"base64\"}" },
		{ "text/plain", STR_INIT("a\n\xe2\x82\xac"),
		    "\"body\":\"a\\n\xe2\x82\xac\"}" },
		{ "text/plain", STR_INIT("\xef\xbf\xbd"),
		    "\"body\":\"\xef\xbf\xbd\"}" },
		{ "text/plain", STR_INIT("\xef\xbf\xbd\xff"),
		    "\"body\":\"77+9/w==\",\"encoding\":\"base64\"}" },
		{ "text/plain", STR_INIT("a\0b"),
		    "\"body\":\"YQBi\",\"encoding\":\"base64\"}" },
		{ "application/octet-stream", STR_INIT("a"),
		    "\"body\":\"YQ==\",\"encoding\":\"base64\"}" },
		{ "", STR_INIT("a"),
		    "\"body\":\"YQ==\",\"encoding\":\"base64\"}" },
	};
	const struct results_spec spec = { FORM_NDJSON, STR(""), STR("b_1"),
		false, false };
	struct result r = created;
	const struct result *one = &r;
	size_t i;

	(void)state;
	r.has_body = true;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = { 0 };

		r.body = cases[i].body;
		r.body_type = str_from_c(cases[i].type);
		assert_int_equal(
		    write_results(&out, &spec, &one, 1, NULL), ERR_OK);
		buf_putc(&out, '\0');
		if (!strstr(out.ptr, cases[i].want))
			fail_msg("%s not in %s", cases[i].want, out.ptr);
		buf_done(&out);
	}
}

static const char *const types[FORM_COUNT] = {
	[FORM_XML] = "application/xml; charset=utf-8",
	[FORM_JSON] = "application/json",
	[FORM_NDJSON] = "application/x-ndjson",
};

static void
our_own_linter_and_reader_accept_it(void **state)
{
	static const char by[] =
	    "/dav/b 424 tell=another part of the request failed id=after "
	    "type=urn:sheaf:problem:dependency by=rm\n"
	    "/dav/c 503 tell=too busy, try again later id=late "
	    "type=urn:sheaf:problem:busy retry=1\n";
	unsigned form;

	(void)state;
	for (form = 0; form < FORM_COUNT; form++) {
		const struct results_spec spec = { (enum form)form, STR("/dav"),
			STR("b_1"), false, false };
		const struct answer_head head = { .status = 207,
			.content_type = str_from_c(types[form]) };
		struct lint_run l = { .url = STR("/.sheaf/bulk"),
			.method = STR("POST") };
		struct read_run r = { 0 };
		struct buf out = { 0 };

		assert_int_equal(
		    write_results(&out, &spec, all, ARRAY_LEN(all) - 1, NULL),
		    ERR_OK);
		assert_int_equal(
		    lint_run_body(&l, &head, buf_str(&out)), ERR_OK);
		if (l.said.len)
			fail_msg("%.*s\n%.*s\n%.*s", STR_ARG(buf_str(&l.said)),
			    STR_ARG(buf_str(&l.sentences)),
			    STR_ARG(buf_str(&out)));
		read_207(&r, buf_str(&out),
		    (struct read_how){ .type = types[form] });
		if (r.rc)
			fail_msg("%s", r.err.tell);
		assert_int_equal(r.reading.read.total, 7); /* a member too */
		assert_non_null(memmem(r.said.ptr, r.said.len, by, strlen(by)));
		read_run_done(&r);
		buf_done(&out);
		buf_done(&l.said);
		buf_done(&l.sentences);
	}
}

static void
no_allocation_may_fail_unseen(void **state)
{
	unsigned form;

	(void)state;
	for (form = 0; form < FORM_COUNT; form++) {
		const struct results_spec spec = { (enum form)form, STR("/dav"),
			STR("b_1"), false, false };
		unsigned long n;
		bool fired = true;

		for (n = 1; fired; n++) {
			struct buf out = { 0 };
			enum err_code rc;

			assert_non_null(buf_room(&out, 1 << 15));
			alloc_fail_at(n);
			rc = write_results(
			    &out, &spec, all, ARRAY_LEN(all), NULL);
			fired = alloc_fail_stop();
			assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
			buf_done(&out);
		}
		assert_true(n > 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_item_says_what_became_of_its_operation),
		cmocka_unit_test(
		    minimal_leaves_out_what_succeeded_but_counts_it),
		cmocka_unit_test(a_stream_is_lines_from_start_to_summary),
		cmocka_unit_test(a_body_goes_in_as_what_it_is),
		cmocka_unit_test(our_own_linter_and_reader_accept_it),
		cmocka_unit_test(no_allocation_may_fail_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
