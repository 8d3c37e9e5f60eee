/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"

#include "multistatus_run.h"

static const struct prop_name types[] = {
	PROP("collection"),
	{ STR_INIT("urn:c"), STR_INIT("calendar") },
};

static const struct prop readable[] = {
	{ .name = PROP("getetag"),
	    .form = PROP_TEXT,
	    .value = STR_INIT("\"a&b\"") },
	{ .name = PROP("getcontentlength"), .form = PROP_NUMBER, .number = 42 },
	{ .name = PROP("resourcetype"),
	    .form = PROP_NAMES,
	    .names = types,
	    .n_names = 2 },
	{ .name = PROP("current-user-principal"),
	    .form = PROP_HREF,
	    .value = STR_INIT("/me?a&b") },
	{ .name = PROP("displayname"), .form = PROP_TEXT },
	{ .name = { STR_INIT("urn:\"<x"), STR_INIT("y") },
	    .form = PROP_TEXT,
	    .value = STR_INIT("v") },
	{ .name = { STR_INIT(""), STR_INIT("plain") }, .form = PROP_EMPTY },
	{ .name = { STR_INIT("urn:m"), STR_INIT("mixed") },
	    .form = PROP_XML,
	    .value = STR_INIT("<m:mixed xmlns:m=\"urn:m\" xml:lang=\"en\">a"
			      "<b/></m:mixed>") },
	{ .name = { STR_INIT("http://www.w3.org/XML/1998/namespace"),
	      STR_INIT("odd") },
	    .form = PROP_TEXT,
	    .value = STR_INIT("x") },
};
static const struct prop unknown[] = { { .name = PROP("nope") } };
static const struct prop refused[] = { { .name = PROP("getetag") } };
static const struct prop undone[] = {
	{ .name = { STR_INIT("urn:d"), STR_INIT("d") } }
};

static const struct propstat found[] = {
	{ .status = 200,
	    .why = ERR_OK,
	    .props = readable,
	    .n_props = ARRAY_LEN(readable) },
	{ .status = 404, .why = ERR_NOT_FOUND, .props = unknown, .n_props = 1 },
};
static const struct propstat only_unknown[] = {
	{ .status = 404, .why = ERR_NOT_FOUND, .props = unknown, .n_props = 1 },
};
static const struct propstat patched[] = {
	{ .status = 403, .why = ERR_PROTECTED, .props = refused, .n_props = 1 },
	{ .status = 424, .why = ERR_DEPENDENCY, .props = undone, .n_props = 1 },
};

static const struct outcome listed = {
	.path = { STR_INIT("/a b") },
	.collection = true,
	.status = 200,
	.propstats = found,
	.n_propstats = 2,
};
static const struct outcome bare = {
	.path = { STR_INIT("/x") },
	.status = 200,
	.propstats = only_unknown,
	.n_propstats = 1,
};
static const struct outcome not_patched = {
	.path = { STR_INIT("/p") },
	.status = 403,
	.why = ERR_PROTECTED,
	.propstats = patched,
	.n_propstats = 2,
};
static const struct outcome full = {
	.path = { STR_INIT("/f\n&") },
	.status = 507,
	.why = ERR_NO_SPACE,
};
static const struct outcome locked = {
	.path = { STR_INIT("/l") },
	.status = 423,
	.tell = STR_INIT("by <you>\x01"),
};
static const struct outcome made = { .path = { STR_INIT("/m") },
	.status = 201 };

static const struct {
	const char *what;
	const struct outcome *o;
	bool minimal;
	const char *want;
} responses[] = {
	{ "every form of value", &listed, false,
	    "<D:response><D:href>/p&amp;r/a%20b/</D:href>"
	    "<D:propstat><D:prop>"
	    "<D:getetag>\"a&amp;b\"</D:getetag>"
	    "<D:getcontentlength>42</D:getcontentlength>"
	    "<D:resourcetype><D:collection/>"
	    "<x:calendar xmlns:x=\"urn:c\"/></D:resourcetype>"
	    "<D:current-user-principal><D:href>/me?a&amp;b</D:href>"
	    "</D:current-user-principal>"
	    "<D:displayname/>"
	    "<x:y xmlns:x=\"urn:&quot;&lt;x\">v</x:y>"
	    "<plain/>"
	    "<m:mixed xmlns:m=\"urn:m\" xml:lang=\"en\">a<b/></m:mixed>"
	    "<xml:odd>x</xml:odd>"
	    "</D:prop><D:status>HTTP/1.1 200 OK</D:status>"
	    "</D:propstat>"
	    "<D:propstat><D:prop><D:nope/></D:prop>"
	    "<D:status>HTTP/1.1 404 Not Found</D:status>"
	    "</D:propstat></D:response>\n" },
	{ "unknown properties", &bare, false,
	    "<D:response><D:href>/p&amp;r/x</D:href>"
	    "<D:propstat><D:prop><D:nope/></D:prop>"
	    "<D:status>HTTP/1.1 404 Not Found</D:status>"
	    "</D:propstat></D:response>\n" },
	{ "are left out, but not the response (RFC 8144 s2.1)", &bare, true,
	    "<D:response><D:href>/p&amp;r/x</D:href>"
	    "<D:propstat><D:prop></D:prop>"
	    "<D:status>HTTP/1.1 200 OK</D:status>"
	    "</D:propstat></D:response>\n" },
	{ "refused properties", &not_patched, true,
	    "<D:response><D:href>/p&amp;r/p</D:href>"
	    "<D:propstat><D:prop><D:getetag/></D:prop>"
	    "<D:status>HTTP/1.1 403 Forbidden</D:status>"
	    "<D:error><D:cannot-modify-protected-property/></D:error>"
	    "<D:responsedescription>the property is protected"
	    "</D:responsedescription></D:propstat>"
	    "<D:propstat><D:prop><x:d xmlns:x=\"urn:d\"/></D:prop>"
	    "<D:status>HTTP/1.1 424 Failed Dependency</D:status>"
	    "<D:responsedescription>another part of the request failed"
	    "</D:responsedescription></D:propstat></D:response>\n" },
	{ "a failure with a condition", &full, false,
	    "<D:response><D:href>/p&amp;r/f%0A%26</D:href>"
	    "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>"
	    "<D:error><D:sufficient-disk-space/></D:error>"
	    "<D:responsedescription>no space left"
	    "</D:responsedescription></D:response>\n" },
	{ "a failure with its own sentence", &locked, true,
	    "<D:response><D:href>/p&amp;r/l</D:href>"
	    "<D:status>HTTP/1.1 423 Locked</D:status>"
	    "<D:responsedescription>by &lt;you&gt;\xef\xbf\xbd"
	    "</D:responsedescription></D:response>\n" },
	{ "a success", &made, true,
	    "<D:response><D:href>/p&amp;r/m</D:href>"
	    "<D:status>HTTP/1.1 201 Created</D:status>"
	    "</D:response>\n" },
};

static void
each_outcome_is_a_response(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(responses); i++) {
		struct buf got = { 0 };
		struct buf want = { 0 };

		write_all(
		    &got, FORM_XML, responses[i].minimal, &responses[i].o, 1);
		buf_printf(&want, HEAD "%s" TAIL, responses[i].want);
		assert_str_equal(buf_str(&got), buf_str(&want));
		assert_null(xml_problem(buf_str(&got)));
		buf_done(&got);
		buf_done(&want);
	}
}

static const struct outcome *const several[] = { &listed, &bare, &not_patched,
	&full, &locked, &made };

#define LISTED_FACTS                                                         \
	"{\"index\":0,\"status\":200,\"href\":\"/p&r/a%20b/\","              \
	"\"message\":\"OK\",\"props\":{\"{DAV:}getetag\":\"\\\"a&b\\\"\","   \
	"\"{DAV:}getcontentlength\":42,"                                     \
	"\"{DAV:}resourcetype\":[\"{DAV:}collection\",\"{urn:c}calendar\"]," \
	"\"{DAV:}current-user-principal\":\"/me?a&b\","                      \
	"\"{DAV:}displayname\":\"\",\"{urn:\\\"<x}y\":\"v\","                \
	"\"{}plain\":null,\"{urn:m}mixed\":"                                 \
	"\"<m:mixed xmlns:m=\\\"urn:m\\\" "                                  \
	"xml:lang=\\\"en\\\">a<b/></m:mixed>\","                             \
	"\"{http://www.w3.org/XML/1998/namespace}odd\":\"x\"}"
#define LISTED LISTED_FACTS ",\"propErrors\":{\"{DAV:}nope\":404}}"
#define LISTED_MINIMAL LISTED_FACTS "}"
#define BARE_FACTS                                         \
	"{\"index\":1,\"status\":200,\"href\":\"/p&r/x\"," \
	"\"message\":\"OK\",\"props\":{}"
#define BARE BARE_FACTS ",\"propErrors\":{\"{DAV:}nope\":404}}"
#define BARE_MINIMAL BARE_FACTS "}"
#define NOT_PATCHED                                                \
	"{\"index\":2,\"status\":403,\"href\":\"/p&r/p\","         \
	"\"error\":\"Forbidden: the property is protected\","      \
	"\"retryable\":false,\"problem\":"                         \
	"{\"type\":\"urn:sheaf:problem:protected\","               \
	"\"title\":\"The property is protected\",\"status\":403}," \
	"\"props\":{},\"propErrors\":{\"{DAV:}getetag\":403,"      \
	"\"{urn:d}d\":424}}"
#define FULL                                                     \
	"{\"index\":3,\"status\":507,\"href\":\"/p&r/f%0A%26\"," \
	"\"error\":\"Insufficient Storage: no space left\","     \
	"\"retryable\":false,\"problem\":"                       \
	"{\"type\":\"urn:sheaf:problem:no-space\","              \
	"\"title\":\"No space left\",\"status\":507}}"
#define LOCKED                                                        \
	"{\"index\":4,\"status\":423,\"href\":\"/p&r/l\","            \
	"\"error\":\"Locked: by <you>\\u0001\",\"retryable\":true,"   \
	"\"problem\":{\"type\":\"about:blank\",\"title\":\"Locked\"," \
	"\"status\":423}}"
#define MADE                                               \
	"{\"index\":5,\"status\":201,\"href\":\"/p&r/m\"," \
	"\"message\":\"Created\"}"
#define SUMMARY                                                   \
	"\"total\":6,\"success\":3,\"failed\":3,\"retryable\":1," \
	"\"replayed\":0,\"notAttempted\":0,\"dryRun\":false"

static void
json_has_the_same_facts(void **state)
{
	struct buf got = { 0 };
	json_t *j;

	(void)state;
	write_all(&got, FORM_JSON, false, several, ARRAY_LEN(several));
	j = load(buf_str(&got));
	assert_json_equal(j,
	    "{\"results\":[" LISTED "," BARE "," NOT_PATCHED "," FULL "," LOCKED
	    "," MADE "],\"summary\":{" SUMMARY "}}");
	json_decref(j);
	buf_clear(&got);
	write_all(&got, FORM_JSON, true, several, ARRAY_LEN(several));
	j = load(buf_str(&got));
	assert_json_equal(j,
	    "{\"results\":[" LISTED_MINIMAL "," BARE_MINIMAL "," NOT_PATCHED
	    "," FULL "," LOCKED "],\"summary\":{" SUMMARY "}}");
	json_decref(j);
	buf_done(&got);
}

static void
ndjson_is_one_object_a_line(void **state)
{
	static const char *const want[] = {
		"{\"type\":\"start\"}",
		"{\"type\":\"result\",\"index\":0,\"status\":201,"
		"\"href\":\"/p&r/m\",\"message\":\"Created\"}",
		"{\"type\":\"result\",\"index\":1,\"status\":201,"
		"\"href\":\"/p&r/m\",\"message\":\"Created\"}",
		"{\"type\":\"summary\",\"total\":2,\"success\":2,\"failed\":0,"
		"\"retryable\":0,\"replayed\":0,\"notAttempted\":0,"
		"\"dryRun\":false}",
	};
	static const struct outcome *const two[] = { &made, &made };
	struct buf got = { 0 };
	struct str rest, line;
	size_t n = 0;

	(void)state;
	write_all(&got, FORM_NDJSON, false, two, 2);
	rest = buf_str(&got);
	while (str_cut(&rest, '\n', &line) && line.len) {
		json_t *j = load(line);

		assert_true(n < ARRAY_LEN(want));
		assert_json_equal(j, want[n++]);
		json_decref(j);
	}
	assert_int_equal(n, ARRAY_LEN(want));
	buf_done(&got);
}

static void
a_document_of_nothing_is_whole(void **state)
{
	struct buf got = { 0 };
	json_t *j;

	(void)state;
	write_all(&got, FORM_XML, false, NULL, 0);
	assert_str_equal(buf_str(&got), STR(HEAD TAIL));
	assert_null(xml_problem(buf_str(&got)));
	buf_clear(&got);
	write_all(&got, FORM_JSON, false, NULL, 0);
	j = load(buf_str(&got));
	assert_int_equal(json_array_size(json_object_get(j, "results")), 0);
	assert_true(json_is_object(json_object_get(j, "summary")));
	json_decref(j);
	buf_done(&got);
}

/* A result for each pair of bytes in a path, a value and a sentence. */
static void
put_odd_bytes(struct sink *s)
{
	unsigned a, b;

	for (a = 1; a < 256; a++) {
		for (b = 1; b < 256; b += 7) {
			char bytes[] = { '/', (char)a, (char)b, (char)a };
			struct str odd = str_of(bytes + 1, 3);
			struct prop p[] = {
				{ .name = PROP("displayname"),
				    .form = PROP_TEXT,
				    .value = odd },
				{ .name = { odd, STR("n") },
				    .form = PROP_HREF,
				    .value = odd },
			};
			struct propstat ps = { .status = 200,
				.why = ERR_OK,
				.props = p,
				.n_props = 2 };
			struct outcome with_props = { { { bytes, 4 } }, false,
				200, ERR_OK, { 0 }, &ps, 1, { { 0 } }, NULL };
			struct outcome failed = { { { bytes, 4 } }, true, 500,
				ERR_IO, odd, NULL, 0, { { 0 } }, NULL };

			assert_int_equal(sink_put(s, &with_props), ERR_OK);
			assert_int_equal(sink_put(s, &failed), ERR_OK);
		}
	}
}

static void
odd_bytes_never_break_the_document(void **state)
{
	enum form form;

	(void)state;
	for (form = FORM_XML; form < FORM_COUNT; form++) {
		const struct multistatus_spec spec = { form, STR(""), false };
		struct buf got = { 0 };
		struct buf_ostream o;
		struct sink *s;

		assert_int_equal(multistatus_new(&spec,
				     buf_ostream_init(&o, &got), &s, NULL),
		    ERR_OK);
		put_odd_bytes(s);
		assert_int_equal(sink_end(s), ERR_OK);
		if (form == FORM_XML)
			assert_null(xml_problem(buf_str(&got)));
		if (form == FORM_JSON)
			json_decref(load(buf_str(&got)));
		multistatus_free(s);
		buf_done(&got);
	}
}

/* Notes how the bytes came; fails at the nth write. */
struct picky {
	struct ostream base;
	size_t largest;
	unsigned writes;
	unsigned fail_at;
};

static enum err_code
picky_write(struct ostream *o, struct str bytes)
{
	struct picky *p = CONTAINER_OF(o, struct picky, base);

	if (bytes.len > p->largest)
		p->largest = bytes.len;
	return ++p->writes == p->fail_at ? ERR_CLIENT_GONE : ERR_OK;
}

static const struct ostream_ops picky_ops = { .name = "picky",
	.write = picky_write };

static void
bytes_are_pushed_on_as_they_come(void **state)
{
	static char large[40000];
	struct prop props[20];
	struct propstat ps = {
		.status = 200, .why = ERR_OK, .props = props, .n_props = 20
	};
	struct outcome big = { RPATH_ROOT, true, 200, ERR_OK, { 0 }, &ps, 1,
		{ { 0 } }, NULL };
	const struct multistatus_spec spec = { FORM_XML, STR(""), false };
	struct picky p = { 0 };
	struct sink *s;
	size_t i;

	(void)state;
	memset(large, 'x', sizeof(large));
	for (i = 0; i < 20; i++)
		props[i] = (struct prop){ .name = { DAV_NS, STR("a") },
			.form = PROP_TEXT,
			.value = { large, sizeof(large) } };
	ostream_init(&p.base, &picky_ops);
	assert_int_equal(multistatus_new(&spec, &p.base, &s, NULL), ERR_OK);
	for (i = 0; i < 10000; i++)
		assert_int_equal(sink_put(s, &made), ERR_OK);
	assert_in_range(p.largest, 16384, 32768);
	assert_int_equal(sink_put(s, &big), ERR_OK);
	assert_int_equal(sink_end(s), ERR_OK);
	assert_in_range(p.largest, 40000, 65536);
	multistatus_free(s);
}

static void
a_client_that_went_away_is_noticed(void **state)
{
	const struct multistatus_spec spec = { FORM_JSON, STR(""), false };
	struct picky p = { 0 };
	struct sink *s;
	unsigned n = 0;

	(void)state;
	ostream_init(&p.base, &picky_ops);
	p.fail_at = 2;
	assert_int_equal(multistatus_new(&spec, &p.base, &s, NULL), ERR_OK);
	while (!sink_put(s, &full) && n < 100000)
		n++;
	assert_in_range(n, 100, 1000);
	assert_int_equal(sink_end(s), ERR_CLIENT_GONE);
	assert_int_equal(p.writes, 2);
	multistatus_free(s);
}

static enum err_code
write_listed(enum form form)
{
	const struct multistatus_spec spec = { form, STR("/prefix"), false };
	struct picky p = { 0 };
	struct sink *s;
	enum err_code rc;

	ostream_init(&p.base, &picky_ops);
	rc = multistatus_new(&spec, &p.base, &s, NULL);
	if (rc)
		return rc;
	rc = sink_put(s, &listed);
	if (!rc)
		rc = sink_end(s);
	multistatus_free(s);
	return rc;
}

static void
running_out_of_memory_is_survived(void **state)
{
	enum form form;

	(void)state;
	for (form = FORM_XML; form < FORM_COUNT; form++) {
		unsigned long n;
		bool fired = true;

		for (n = 1; fired; n++) {
			enum err_code rc;

			alloc_fail_at(n);
			rc = write_listed(form);
			fired = alloc_fail_stop();
			assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
		}
		assert_true(n > 3);
	}
}

/* Once it runs, an outcome costs no allocation. */
static void
a_million_outcomes_need_no_memory(void **state)
{
	const struct multistatus_spec spec = { FORM_XML, STR(""), false };
	struct picky p = { 0 };
	struct sink *s;
	unsigned n;

	(void)state;
	ostream_init(&p.base, &picky_ops);
	assert_int_equal(multistatus_new(&spec, &p.base, &s, NULL), ERR_OK);
	alloc_fail_from(1);
	for (n = 0; n < 20000; n++)
		if (sink_put(s, &listed))
			break;
	assert_false(alloc_fail_stop());
	assert_int_equal(n, 20000);
	multistatus_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_outcome_is_a_response),
		cmocka_unit_test(json_has_the_same_facts),
		cmocka_unit_test(ndjson_is_one_object_a_line),
		cmocka_unit_test(a_document_of_nothing_is_whole),
		cmocka_unit_test(odd_bytes_never_break_the_document),
		cmocka_unit_test(bytes_are_pushed_on_as_they_come),
		cmocka_unit_test(a_client_that_went_away_is_noticed),
		cmocka_unit_test(running_out_of_memory_is_survived),
		cmocka_unit_test(a_million_outcomes_need_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
