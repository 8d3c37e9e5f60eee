/* SPDX-License-Identifier: MIT */
/* What somebody else told, written in each of the forms. */
#include "lib/read_run.h"
#include "lib/test.h"
#include "lib/xml_check.h"

#include "lib/alloc_fail.h"
#include "wire/multistatus.h"

#define HEAD                                           \
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" \
	"<D:multistatus xmlns:D=\"DAV:\">\n"
#define TAIL "</D:multistatus>\n"

#define ERROR                        \
	"<e:error xmlns:e=\"DAV:\">" \
	"<e:lock-token-submitted/></e:error>"

static const struct prop read_props[] = {
	{ .name = { STR_INIT("DAV:"), STR_INIT("getcontentlength") },
	    .form = PROP_TEXT,
	    .value = STR_INIT("42") },
	{ .name = { STR_INIT("DAV:"), STR_INIT("getetag") },
	    .form = PROP_TEXT,
	    .value = STR_INIT("\"e\"") },
	{ .name = { STR_INIT("DAV:"), STR_INIT("getetag") },
	    .form = PROP_TEXT,
	    .value = STR_INIT("again") },
};
static const struct prop refused_prop[] = {
	{ .name = { STR_INIT("urn:x"), STR_INIT("acl") } },
};

static const struct told plain = { .href = STR_INIT("http://h/%C3%9F?a&b") };
static const struct told rich = { .href = STR_INIT("/a"),
	.id = STR_INIT("i<1>"),
	.op = STR_INIT("create"),
	.error = STR_INIT(ERROR),
	.problem_type = STR_INIT("urn:p"),
	.location = STR_INIT("/b&c"),
	.retry_after = STR_INIT("3"),
	.caused_by = STR_INIT("h"),
	.partial = true };
static const struct told dated = { .href = STR_INIT("/a"),
	.retry_after = STR_INIT("soon") };
static const struct told nameless = { .id = STR_INIT("7") };

static const struct propstat sets[] = {
	{ .status = 200, .props = read_props, .n_props = 3 },
	{ .status = 403,
	    .props = refused_prop,
	    .n_props = 1,
	    .error = STR_INIT(ERROR),
	    .tell = STR_INIT("no") },
	{ .status = 0, .props = refused_prop, .n_props = 1 },
};

static const struct {
	const char *what;
	struct outcome o;
	const char *xml; /* inside DAV:response */
	const char *json; /* behind "index":0, */
} cases[] = {
	{ "a success", { .status = 201, .told = &plain },
	    "<D:href>http://h/%C3%9F?a&amp;b</D:href>"
	    "<D:status>HTTP/1.1 201 Created</D:status>",
	    "\"status\":201,\"href\":\"http://h/%C3%9F?a&b\","
	    "\"message\":\"Created\"" },
	{ "all there is to tell",
	    { .status = 423, .tell = STR_INIT("\"busy\""), .told = &rich },
	    "<D:href>/a</D:href><D:status>HTTP/1.1 423 Locked</D:status>" ERROR
	    "<D:responsedescription>\"busy\"</D:responsedescription>"
	    "<D:location><D:href>/b&amp;c</D:href></D:location>"
	    "<id xmlns=\"urn:sheaf:\">i&lt;1&gt;</id>"
	    "<op xmlns=\"urn:sheaf:\">create</op>"
	    "<retry-after xmlns=\"urn:sheaf:\">3</retry-after>"
	    "<caused-by xmlns=\"urn:sheaf:\">h</caused-by>"
	    "<problem-type xmlns=\"urn:sheaf:\">urn:p</problem-type>"
	    "<partial xmlns=\"urn:sheaf:\"/>",
	    "\"status\":423,\"id\":\"i<1>\",\"op\":\"create\","
	    "\"href\":\"/a\",\"location\":\"/b&c\","
	    "\"error\":\"Locked: \\\"busy\\\"\",\"retryable\":true,"
	    "\"problem\":{\"type\":\"urn:p\",\"title\":\"Locked\","
	    "\"status\":423,\"davError\":\"<e:error xmlns:e=\\\"DAV:\\\">"
	    "<e:lock-token-submitted/></e:error>\"},"
	    "\"retryAfter\":3,\"causedBy\":\"h\",\"partial\":true" },
	{ "a failure without a word", { .status = 503, .told = &dated },
	    "<D:href>/a</D:href>"
	    "<D:status>HTTP/1.1 503 Service Unavailable</D:status>"
	    "<retry-after xmlns=\"urn:sheaf:\">soon</retry-after>",
	    "\"status\":503,\"href\":\"/a\","
	    "\"error\":\"Service Unavailable\",\"retryable\":true,"
	    "\"problem\":{\"type\":\"about:blank\","
	    "\"title\":\"Service Unavailable\",\"status\":503},"
	    "\"retryAfter\":\"soon\"" },
	{ "a status that was not read, of an item without a name",
	    { .told = &nameless },
	    "<D:href>urn:sheaf:item:0</D:href>"
	    "<D:status>HTTP/1.1 502 Bad Gateway</D:status>"
	    "<id xmlns=\"urn:sheaf:\">7</id><unknown xmlns=\"urn:sheaf:\"/>",
	    "\"status\":502,\"unknown\":true,\"id\":\"7\","
	    "\"error\":\"Bad Gateway: its status could not be read\","
	    "\"retryable\":false,\"problem\":{\"type\":\"about:blank\","
	    "\"title\":\"Bad Gateway\",\"status\":502}" },
	{ "a status nobody knows", { .status = 42, .told = &plain },
	    "<D:href>http://h/%C3%9F?a&amp;b</D:href>"
	    "<D:status>HTTP/1.1 042 Unknown</D:status>",
	    "\"status\":42,\"href\":\"http://h/%C3%9F?a&b\","
	    "\"error\":\"Unknown\",\"retryable\":false,"
	    "\"problem\":{\"type\":\"about:blank\","
	    "\"title\":\"Unknown\",\"status\":42}" },
	{ "properties, some of them refused",
	    { .status = 200,
		.propstats = sets,
		.n_propstats = 3,
		.told = &plain },
	    "<D:href>http://h/%C3%9F?a&amp;b</D:href>"
	    "<D:propstat><D:prop><D:getcontentlength>42</D:getcontentlength>"
	    "<D:getetag>\"e\"</D:getetag><D:getetag>again</D:getetag>"
	    "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
	    "<D:propstat><D:prop><x:acl xmlns:x=\"urn:x\"/></D:prop>"
	    "<D:status>HTTP/1.1 403 Forbidden</D:status>" ERROR
	    "<D:responsedescription>no</D:responsedescription></D:propstat>"
	    "<D:propstat><D:prop><x:acl xmlns:x=\"urn:x\"/></D:prop>"
	    "<D:status>HTTP/1.1 502 Bad Gateway</D:status>"
	    "<unknown xmlns=\"urn:sheaf:\"/></D:propstat>",
	    "\"status\":200,\"href\":\"http://h/%C3%9F?a&b\","
	    "\"message\":\"OK\",\"props\":{\"{DAV:}getcontentlength\":42,"
	    "\"{DAV:}getetag\":\"\\\"e\\\"\"},"
	    "\"propErrors\":{\"{urn:x}acl\":403},\"propstats\":["
	    "{\"status\":403,\"names\":[\"{urn:x}acl\"],"
	    "\"davError\":\"<e:error xmlns:e=\\\"DAV:\\\">"
	    "<e:lock-token-submitted/></e:error>\",\"message\":\"no\"},"
	    "{\"status\":502,\"unknown\":true,\"names\":[\"{urn:x}acl\"]}]" },
	{ "a status that contradicts its propstats stays",
	    { .status = 423,
		.propstats = sets,
		.n_propstats = 1,
		.told = &dated },
	    "<D:href>/a</D:href><D:status>HTTP/1.1 423 Locked</D:status>"
	    "<retry-after xmlns=\"urn:sheaf:\">soon</retry-after>",
	    "\"status\":423,\"href\":\"/a\",\"error\":\"Locked\","
	    "\"retryable\":true,\"problem\":{\"type\":\"about:blank\","
	    "\"title\":\"Locked\",\"status\":423},\"retryAfter\":\"soon\","
	    "\"props\":{\"{DAV:}getcontentlength\":42,"
	    "\"{DAV:}getetag\":\"\\\"e\\\"\"}" },
};

static enum err_code
write_one(struct buf *to, enum form form, const struct outcome *o)
{
	const struct multistatus_spec spec = { form, STR("/p"), false };
	struct buf_ostream stream;
	struct sink *s;
	enum err_code rc =
	    multistatus_new(&spec, buf_ostream_init(&stream, to), &s, NULL);

	if (rc)
		return rc;
	rc = sink_put(s, o);
	if (!rc)
		rc = sink_end(s);
	multistatus_free(s);
	return rc;
}

static void
what_was_told_is_written_as_a_response(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf got = { 0 };
		struct buf want = { 0 };

		assert_int_equal(
		    write_one(&got, FORM_XML, &cases[i].o), ERR_OK);
		buf_printf(&want, HEAD "<D:response>%s</D:response>\n" TAIL,
		    cases[i].xml);
		assert_str_equal(buf_str(&got), buf_str(&want));
		assert_null(xml_problem(buf_str(&got)));
		buf_done(&got);
		buf_done(&want);
	}
}

static void
and_as_a_result(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf got = { 0 };
		struct buf want = { 0 };
		struct str rest, line;

		assert_int_equal(
		    write_one(&got, FORM_NDJSON, &cases[i].o), ERR_OK);
		buf_printf(&want, "{\"type\":\"result\",\"index\":0,%s}",
		    cases[i].json);
		rest = buf_str(&got);
		assert_true(str_cut(&rest, '\n', &line)); /* the start */
		assert_true(str_cut(&rest, '\n', &line));
		assert_str_equal(line, buf_str(&want));
		buf_done(&got);
		buf_done(&want);
	}
}

/* The contradiction alone loses what it said beside its status. */
static void
what_was_written_in_xml_is_read_again(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i + 1 < ARRAY_LEN(cases); i++) {
		struct read_run run = { 0 };
		struct buf text = { 0 };
		struct buf want = { 0 };

		assert_int_equal(
		    write_one(&text, FORM_XML, &cases[i].o), ERR_OK);
		outcome_text_put(&want, &cases[i].o);
		read_207(&run, buf_str(&text), (struct read_how){ .type = "" });
		assert_int_equal(run.reading.end, ERR_OK);
		assert_str_equal(buf_str(&run.said), buf_str(&want));
		read_run_done(&run);
		buf_done(&text);
		buf_done(&want);
	}
}

static void
running_out_of_memory_is_survived(void **state)
{
	const struct outcome *o = &cases[5].o;
	enum form form;

	(void)state;
	for (form = FORM_XML; form < FORM_COUNT; form++) {
		unsigned long n;
		bool fired = true;

		for (n = 1; fired; n++) {
			struct buf to = { 0 };
			enum err_code rc;

			alloc_fail_at(n);
			rc = write_one(&to, form, o);
			fired = alloc_fail_stop();
			assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
			buf_done(&to);
		}
		assert_true(n > 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_told_is_written_as_a_response),
		cmocka_unit_test(and_as_a_result),
		cmocka_unit_test(what_was_written_in_xml_is_read_again),
		cmocka_unit_test(running_out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
