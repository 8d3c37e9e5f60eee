/* SPDX-License-Identifier: MIT */
/* Locks in a 207: as properties, and as what was in the way. */
#include "multistatus_run.h"

static const struct prop_lock locks[] = {
	{ .owner = STR_INIT("<D:owner xmlns:D=\"DAV:\">\"me\"</D:owner>"),
	    .seconds = 3600,
	    .deep = true,
	    .token = STR_INIT("urn:uuid:1"),
	    .root = { STR_INIT("/a&b") },
	    .collection = true },
	{ .shared = true,
	    .seconds = 1,
	    .token = STR_INIT("urn:uuid:<2>"),
	    .root = { STR_INIT("/a&b/f") } },
};
static const struct prop lock_props[] = {
	{ .name = PROP("lockdiscovery"),
	    .form = PROP_LOCKS,
	    .locks = locks,
	    .n_locks = 2 },
	{ .name = PROP("none"), .form = PROP_LOCKS },
	{ .name = PROP("supportedlock"), .form = PROP_LOCK_KINDS },
};
static const struct propstat lock_stats[] = {
	{ .status = 200,
	    .why = ERR_OK,
	    .props = lock_props,
	    .n_props = ARRAY_LEN(lock_props) },
};
static const struct outcome shown = {
	.path = { STR_INIT("/a&b/f") },
	.status = 200,
	.propstats = lock_stats,
	.n_propstats = 1,
};
static const struct outcome in_the_way[] = {
	{ .path = { STR_INIT("/d/f") }, .status = 423, .why = ERR_LOCKED },
	{ .path = { STR_INIT("/d") },
	    .collection = true,
	    .status = 423,
	    .why = ERR_LOCKED,
	    .about = { STR_INIT("/d") } },
	{ .path = { STR_INIT("/d/f") },
	    .status = 423,
	    .why = ERR_LOCKED,
	    .about = { STR_INIT("/d") } },
	{ .path = { STR_INIT("/d") },
	    .collection = true,
	    .status = 423,
	    .why = ERR_MEMBER_LOCKED,
	    .about = { STR_INIT("/d/\"&'") } },
	{ .path = { STR_INIT("/d") },
	    .collection = true,
	    .status = 403,
	    .why = ERR_FORBIDDEN,
	    .about = { STR_INIT("/d/f") } },
};

static void
locks_are_shown_in_full_in_xml(void **state)
{
	static const struct outcome *const one[] = { &shown };
	struct buf got = { 0 };

	(void)state;
	write_all(&got, FORM_XML, false, one, 1);
	assert_null(xml_problem(buf_str(&got)));
	assert_str_equal(buf_str(&got),
	    STR(HEAD
		"<D:response><D:href>/p&amp;r/a%26b/f</D:href>"
		"<D:propstat><D:prop><D:lockdiscovery>"
		"<D:activelock>"
		"<D:lockscope><D:exclusive/></D:lockscope>"
		"<D:locktype><D:write/></D:locktype>"
		"<D:depth>infinity</D:depth>"
		"<D:owner xmlns:D=\"DAV:\">\"me\"</D:owner>"
		"<D:timeout>Second-3600</D:timeout>"
		"<D:locktoken><D:href>urn:uuid:1</D:href></D:locktoken>"
		"<D:lockroot><D:href>/p&amp;r/a%26b/</D:href></D:lockroot>"
		"</D:activelock><D:activelock>"
		"<D:lockscope><D:shared/></D:lockscope>"
		"<D:locktype><D:write/></D:locktype>"
		"<D:depth>0</D:depth>"
		"<D:timeout>Second-1</D:timeout>"
		"<D:locktoken><D:href>urn:uuid:&lt;2&gt;</D:href>"
		"</D:locktoken>"
		"<D:lockroot><D:href>/p&amp;r/a%26b/f</D:href></D:lockroot>"
		"</D:activelock></D:lockdiscovery>"
		"<D:none/>"
		"<D:supportedlock>"
		"<D:lockentry><D:lockscope><D:exclusive/></D:lockscope>"
		"<D:locktype><D:write/></D:locktype></D:lockentry>"
		"<D:lockentry><D:lockscope><D:shared/></D:lockscope>"
		"<D:locktype><D:write/></D:locktype></D:lockentry>"
		"</D:supportedlock></D:prop>"
		"<D:status>HTTP/1.1 200 OK</D:status>"
		"</D:propstat></D:response>\n" TAIL));
	buf_done(&got);
}

static void
locks_are_shown_in_full_in_json(void **state)
{
	static const struct outcome *const one[] = { &shown };
	struct buf got = { 0 };
	json_t *j;

	(void)state;
	write_all(&got, FORM_JSON, false, one, 1);
	j = load(buf_str(&got));
	assert_json_equal(
	    json_object_get(
		json_array_get(json_object_get(j, "results"), 0), "props"),
	    "{\"{DAV:}lockdiscovery\":["
	    "{\"scope\":\"exclusive\",\"type\":\"write\","
	    "\"depth\":\"infinity\","
	    "\"owner\":\"<D:owner xmlns:D=\\\"DAV:\\\">\\\"me\\\"</D:owner>\","
	    "\"timeout\":3600,\"token\":\"urn:uuid:1\","
	    "\"root\":\"/p&r/a%26b/\"},"
	    "{\"scope\":\"shared\",\"type\":\"write\",\"depth\":\"0\","
	    "\"timeout\":1,\"token\":\"urn:uuid:<2>\","
	    "\"root\":\"/p&r/a%26b/f\"}],"
	    "\"{DAV:}none\":[],"
	    "\"{DAV:}supportedlock\":["
	    "{\"scope\":\"exclusive\",\"type\":\"write\"},"
	    "{\"scope\":\"shared\",\"type\":\"write\"}]}");
	json_decref(j);
	buf_done(&got);
}

static void
what_was_in_the_way_is_told_where_the_condition_tells_it(void **state)
{
	static const struct {
		const char *error; /* what XML has; NULL: no DAV:error */
		const char *resource; /* what JSON has */
	} want[] = {
		{ "lock-token-submitted><D:href>/p&amp;r/d/f</D:href>",
		    "/p&r/d/f" },
		{ "lock-token-submitted><D:href>/p&amp;r/d/</D:href>",
		    "/p&r/d/" },
		{ "lock-token-submitted><D:href>/p&amp;r/d/</D:href>",
		    "/p&r/d/" },
		{ "lock-token-submitted><D:href>/p&amp;r/d/%22%26%27</D:href>",
		    "/p&r/d/%22%26%27" },
		{ NULL, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(want); i++) {
		const struct outcome *o = &in_the_way[i];
		struct buf got = { 0 }, error = { 0 };
		json_t *j, *problem;

		write_all(&got, FORM_XML, false, &o, 1);
		assert_null(xml_problem(buf_str(&got)));
		buf_printf(&error,
		    "<D:error><D:%s</D:lock-token-submitted></D:error>",
		    want[i].error ? want[i].error : "");
		assert_int_equal(
		    memmem(got.ptr, got.len, error.ptr, error.len) != NULL,
		    want[i].error != NULL);
		buf_clear(&got);
		write_all(&got, FORM_JSON, false, &o, 1);
		j = load(buf_str(&got));
		problem = json_object_get(
		    json_array_get(json_object_get(j, "results"), 0),
		    "problem");
		assert_str_equal(str_from_c(json_string_value(
				     json_object_get(problem, "resource"))),
		    str_from_c(want[i].resource));
		json_decref(j);
		buf_done(&got);
		buf_done(&error);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locks_are_shown_in_full_in_xml),
		cmocka_unit_test(locks_are_shown_in_full_in_json),
		cmocka_unit_test(
		    what_was_in_the_way_is_told_where_the_condition_tells_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
