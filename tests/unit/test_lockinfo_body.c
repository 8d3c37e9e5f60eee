/* SPDX-License-Identifier: MIT */
#include "lib/xml_check.h"

#include "body_run.h"

static void
lockinfo_with(struct lockinfo_memo *memo, struct run *r, struct str bytes,
    size_t step, struct lockinfo_body *out)
{
	*r = (struct run){ 0 };
	assert_int_equal(
	    lockinfo_body_new(&body_limits, memo, &r->arena, &r->body, &r->err),
	    ERR_OK);
	feed(r->body, bytes, step);
	r->rc = lockinfo_body_end(r->body, out, &r->err);
}

static void
lockinfo(
    struct run *r, struct str bytes, size_t step, struct lockinfo_body *out)
{
	lockinfo_with(NULL, r, bytes, step, out);
}

#define INFO(inside) "<D:lockinfo xmlns:D=\"DAV:\">" inside "</D:lockinfo>"
#define SCOPE(kind) "<D:lockscope><D:" kind "/></D:lockscope>"
#define TYPE "<D:locktype><D:write/></D:locktype>"
#define OWNED(owner) INFO(SCOPE("exclusive") TYPE owner)

/* As clients send them, and what may not be. */
static const struct {
	const char *what;
	const char *body;
	const char *want; /* NULL: refused with 400 */
} cases[] = {
	{ "nothing: a refresh", "", "empty" },
	{ "exclusive", INFO(SCOPE("exclusive") TYPE), "exclusive " },
	{ "shared", INFO(SCOPE("shared") TYPE), "shared " },
	{ "in any order", INFO(TYPE "<D:owner/>" SCOPE("shared")),
	    "shared <D:owner xmlns:D=\"DAV:\"/>" },
	{ "Finder",
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<D:lockinfo xmlns:D=\"DAV:\">\n"
	    "<D:lockscope><D:exclusive/></D:lockscope>\n"
	    "<D:locktype><D:write/></D:locktype>\n"
	    "<D:owner>\n"
	    "<D:href>http://www.apple.com/webdav_fs/</D:href>\n"
	    "</D:owner>\n</D:lockinfo>\n",
	    "exclusive <D:owner xmlns:D=\"DAV:\">\n"
	    "<D:href>http://www.apple.com/webdav_fs/</D:href>\n</D:owner>" },
	{ "Windows",
	    "<?xml version=\"1.0\" encoding=\"utf-8\" ?>"
	    "<D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:exclusive/>"
	    "</D:lockscope><D:locktype><D:write/></D:locktype><D:owner>"
	    "<D:href>PC\\user</D:href></D:owner></D:lockinfo>",
	    "exclusive <D:owner xmlns:D=\"DAV:\"><D:href>PC\\user</D:href>"
	    "</D:owner>" },
	{ "neon",
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<lockinfo xmlns='DAV:'>\n <lockscope><exclusive/></lockscope>\n"
	    "<locktype><write/></locktype><owner>litmus</owner>\n"
	    "</lockinfo>\n",
	    "exclusive <owner xmlns=\"DAV:\">litmus</owner>" },
	{ "LibreOffice",
	    "<?xml version=\"1.0\" encoding=\"utf-8\" ?>"
	    "<D:lockinfo xmlns:D='DAV:'><D:lockscope><D:exclusive/>"
	    "</D:lockscope><D:locktype><D:write/></D:locktype>"
	    "<D:owner><D:href>http://www.w3.org/~joe</D:href></D:owner>"
	    "</D:lockinfo>",
	    "exclusive <D:owner xmlns:D=\"DAV:\"><D:href>"
	    "http://www.w3.org/~joe</D:href></D:owner>" },
	{ "any content, with a language in scope",
	    "<lockinfo xmlns='DAV:' xmlns:o='urn:o' xml:lang='de'>"
	    "<lockscope><shared/></lockscope><locktype><write/></locktype>"
	    "<owner o:a='1'>a &amp; <o:b><c xmlns=''/></o:b>"
	    "<![CDATA[<]]></owner></lockinfo>",
	    "shared <owner xmlns=\"DAV:\" xmlns:o=\"urn:o\" o:a=\"1\" "
	    "xml:lang=\"de\">a &amp; <o:b><c xmlns=\"\"/></o:b>&lt;"
	    "</owner>" },
	{ "its own language",
	    "<lockinfo xmlns='DAV:' xml:lang='de'>"
	    "<lockscope><shared/></lockscope><locktype><write/></locktype>"
	    "<owner xml:lang='en'>t</owner></lockinfo>",
	    "shared <owner xmlns=\"DAV:\" xml:lang=\"en\">t</owner>" },
	{ "a lock in the owner is not ours",
	    OWNED("<D:owner>" INFO(SCOPE("shared") TYPE) "</D:owner>"),
	    "exclusive <D:owner xmlns:D=\"DAV:\">"
	    "<D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:shared/>"
	    "</D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>"
	    "</D:owner>" },
	/* What is unknown is not there (s17). */
	{ "unknown elements",
	    INFO("<D:new><D:shared/><D:owner>no</D:owner></D:new>"
		 "<lockscope><D:shared/></lockscope><D:lockscope a='1'>t"
		 "<D:odd/><D:exclusive><D:shared/></D:exclusive>"
		 "</D:lockscope>" TYPE "<owner>no</owner>"),
	    "exclusive " },
	/* Refused. */
	{ "another root", "<D:propfind xmlns:D='DAV:'/>", NULL },
	{ "a root of no namespace", "<lockinfo/>", NULL },
	{ "nothing in it", INFO(""), NULL },
	{ "no scope", INFO(TYPE), NULL },
	{ "an empty scope", INFO("<D:lockscope/>" TYPE), NULL },
	{ "both scopes", INFO(SCOPE("shared") SCOPE("exclusive") TYPE), NULL },
	{ "one scope twice", INFO(SCOPE("shared") SCOPE("shared") TYPE), NULL },
	{ "an unknown scope", INFO(SCOPE("local") TYPE), NULL },
	{ "no type", INFO(SCOPE("shared")), NULL },
	{ "an unknown type",
	    INFO(SCOPE("shared") "<D:locktype><D:read/></D:locktype>"), NULL },
	{ "the scope in what follows it",
	    INFO("<D:lockscope/><D:new><D:shared/></D:new>" TYPE), NULL },
	{ "the scope where the type is",
	    INFO("<D:locktype><D:write/><D:shared/></D:locktype>"), NULL },
	{ "two owners", OWNED("<D:owner/><D:owner/>"), NULL },
	{ "cut short", "<D:lockinfo xmlns:D='DAV:'>", NULL },
	{ "an undeclared prefix", OWNED("<D:owner><x:a/></D:owner>"), NULL },
	{ "a document type",
	    "<!DOCTYPE a [<!ENTITY b 'c'>]>" INFO(SCOPE("shared") TYPE), NULL },
	{ "white space alone", " \n", NULL },
};

static void
put_lockinfo(struct buf *b, const struct lockinfo_body *l)
{
	if (l->empty) {
		BUF_LIT(b, "empty");
		return;
	}
	buf_put(b, l->shared ? STR("shared ") : STR("exclusive "));
	buf_put(b, l->owner);
}

static void
a_lockinfo_is_read_as_it_was_meant(void **state)
{
	static const size_t steps[] = { 1, 7, 10000 };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(steps); i++) {
		struct buf got = { 0 };
		struct lockinfo_body l = { 0 };
		struct run r;

		k = i / ARRAY_LEN(steps);
		lockinfo(&r, str_from_c(cases[k].body),
		    steps[i % ARRAY_LEN(steps)], &l);
		if (r.rc != (cases[k].want ? ERR_OK : ERR_BAD_BODY))
			fail_msg("%s: %s", cases[k].what, r.err.why);
		assert_int_equal(r.err.tell[0] != 0, !cases[k].want);
		if (cases[k].want) {
			put_lockinfo(&got, &l);
			assert_str_equal(
			    buf_str(&got), str_from_c(cases[k].want));
			assert_true(!l.owner.len || !xml_problem(l.owner));
		}
		run_done(&r);
		buf_done(&got);
	}
}

static void
read_in_steps(
    struct lockinfo_memo *memo, struct str body, size_t step, struct buf *said)
{
	struct lockinfo_body l = { 0 };
	struct run r;

	lockinfo_with(memo, &r, body, step, &l);
	if (r.rc)
		buf_printf(said, "%u %s", (unsigned)r.rc, r.err.tell);
	else
		put_lockinfo(said, &l);
	run_done(&r);
}

static void
read_with(struct lockinfo_memo *memo, const char *body, struct buf *said)
{
	read_in_steps(memo, str_from_c(body), 9, said);
}

/* After body it says what it says alone. */
static void
assert_reads_after(
    struct lockinfo_memo *memo, const char *body, struct str next)
{
	struct buf first = { 0 }, want = { 0 }, got = { 0 };

	read_in_steps(memo, str_from_c(body), SIZE_MAX, &first);
	read_in_steps(memo, next, SIZE_MAX, &got);
	read_in_steps(NULL, next, SIZE_MAX, &want);
	assert_str_equal(buf_str(&got), buf_str(&want));
	buf_done(&first);
	buf_done(&want);
	buf_done(&got);
}

static void
a_body_with_another_owner_is_not_parsed(void **state)
{
	static const struct {
		const char *what, *first, *next;
		bool parsed;
	} owners[] = {
		{ "text", OWNED("<D:owner>me</D:owner>"),
		    OWNED("<D:owner>\"you\" & I</D:owner>"), true },
		{ "text, plain", OWNED("<D:owner>me</D:owner>"),
		    OWNED("<D:owner>\"you\", 'I'</D:owner>"), false },
		{ "a URL", OWNED("<D:owner><D:href>a:b</D:href></D:owner>"),
		    OWNED("<D:owner><D:href>c:de</D:href></D:owner>"), false },
		{ "an attribute", OWNED("<D:owner a='1>me'>me</D:owner>"),
		    OWNED("<D:owner a='1>me'>you</D:owner>"), false },
		{ "its attribute", OWNED("<D:owner a='me'>me</D:owner>"),
		    OWNED("<D:owner a='you'>me</D:owner>"), true },
		{ "twice", OWNED("<D:owner>me<a/>me</D:owner>"),
		    OWNED("<D:owner>me<a/>you</D:owner>"), true },
		{ "elsewhere", INFO(SCOPE("shared") TYPE "<x>me</x>"),
		    INFO(SCOPE("shared") TYPE "<x>you</x>"), true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(owners); i++) {
		struct lockinfo_memo memo = { 0 };

		assert_reads_after(
		    &memo, owners[i].first, str_from_c(owners[i].next));
		assert_int_equal(owners[i].parsed,
		    !str_eq(buf_str(&memo.base.bytes),
			str_from_c(owners[i].first)));
		body_memo_done(&memo.base);
	}
}

/* A byte at each place more, less, or another. */
static void
whatever_differs_from_the_memo_is_read_as_it_stands(void **state)
{
	static const char bytes[] = "x<> &\n\"'!?/\x01\x80";
	struct lockinfo_memo memo = { 0 };
	size_t i, at;
	unsigned k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const char *body = cases[i].body;
		const size_t len = strlen(body);

		for (at = 0; at <= len && len < 1000; at++)
			for (k = 0; k < 3; k++) {
				struct buf next = with_other_byte(body, at,
				    bytes[(at + i) % (sizeof(bytes) - 1)], k);

				assert_reads_after(&memo, body, buf_str(&next));
				buf_done(&next);
			}
	}
	body_memo_done(&memo.base);
}

/* Every body after every other, and again. */
static void
a_memo_changes_nothing_of_what_is_read(void **state)
{
	struct lockinfo_memo memo = { 0 };
	size_t i, k, again;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(cases); i++)
		for (again = 0; again < 2; again++) {
			struct buf want = { 0 }, got = { 0 };

			k = again ? i % ARRAY_LEN(cases) : i / ARRAY_LEN(cases);
			read_with(&memo, cases[k].body, &got);
			read_with(NULL, cases[k].body, &want);
			assert_str_equal(buf_str(&got), buf_str(&want));
			assert_true(!cases[k].want || memo.base.known ||
			    want.len > 1000 || !cases[k].body[0]);
			buf_done(&want);
			buf_done(&got);
		}
	body_memo_done(&memo.base);
}

static void
an_owner_past_the_limit_is_refused_and_told_the_limit(void **state)
{
	static const size_t around = sizeof("<D:owner xmlns:D=\"DAV:\">"
					    "</D:owner>") -
	    1;
	int more;

	(void)state;
	for (more = 0; more <= 1; more++) {
		struct buf body = { 0 };
		struct lockinfo_body l;
		struct run r;
		size_t i;

		BUF_LIT(&body,
		    "<D:lockinfo xmlns:D=\"DAV:\">" SCOPE("shared") TYPE
		    "<D:owner>");
		for (i = 0; i < LOCKINFO_MAX_OWNER - around + (size_t)more; i++)
			buf_putc(&body, 'o');
		BUF_LIT(&body, "</D:owner></D:lockinfo>");
		lockinfo(&r, buf_str(&body), 1000, &l);
		if (more) {
			assert_int_equal(r.rc, ERR_TOO_LARGE);
			assert_non_null(strstr(r.err.tell, "over 4096 bytes"));
		} else {
			assert_int_equal(r.rc, ERR_OK);
			assert_int_equal(l.owner.len, LOCKINFO_MAX_OWNER);
		}
		run_done(&r);
		buf_done(&body);
	}
}

static enum err_code
read_lockinfo(struct arena *a)
{
	static const char body[] =
	    "<lockinfo xmlns='DAV:' xml:lang='en'>"
	    "<lockscope><exclusive/></lockscope><locktype><write/></locktype>"
	    "<owner>text<o:b xmlns:o='urn:o' c='1'>more</o:b></owner>"
	    "</lockinfo>";
	struct lockinfo_body out;
	struct dav_body *b;
	struct err err = { 0 };
	enum err_code rc = lockinfo_body_new(&body_limits, NULL, a, &b, &err);

	if (!rc) {
		feed(b, str_from_c(body), 10);
		rc = lockinfo_body_end(b, &out, &err);
		dav_body_free(b);
	}
	assert_int_equal(err.code, rc);
	return rc;
}

/* To remember nothing is no failure. */
static enum err_code
read_twice(struct arena *a)
{
	static const struct str body = STR_INIT(OWNED("<D:owner>me</D:owner>"));
	struct lockinfo_memo memo = { 0 };
	struct lockinfo_body out;
	enum err_code rc = ERR_OK;
	int i;

	for (i = 0; i < 2 && !rc; i++) {
		struct dav_body *b;

		rc = lockinfo_body_new(&body_limits, &memo, a, &b, NULL);
		if (rc)
			break;
		feed(b, body, 1000);
		rc = lockinfo_body_end(b, &out, NULL);
		assert_true(rc || out.owner.len > 2);
		dav_body_free(b);
	}
	body_memo_done(&memo.base);
	return rc;
}

static void
a_memo_survives_running_out_of_memory(void **state)
{
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct arena a = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = read_twice(&a);
		fired = alloc_fail_stop();
		if (rc)
			assert_out_of_memory(rc, fired);
		arena_done(&a);
	}
	assert_true(n > 10);
}

static void
running_out_of_memory_is_survived(void **state)
{
	(void)state;
	assert_survives_exhaustion(read_lockinfo);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lockinfo_is_read_as_it_was_meant),
		cmocka_unit_test(a_memo_changes_nothing_of_what_is_read),
		cmocka_unit_test(a_body_with_another_owner_is_not_parsed),
		cmocka_unit_test(
		    whatever_differs_from_the_memo_is_read_as_it_stands),
		cmocka_unit_test(
		    an_owner_past_the_limit_is_refused_and_told_the_limit),
		cmocka_unit_test(a_memo_survives_running_out_of_memory),
		cmocka_unit_test(running_out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
