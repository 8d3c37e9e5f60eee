/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "client/members.h"

#define TARGET "http://h/a/"
#define ELSEWHERE "http://h/b/"

enum { MEMBERS = 4 };

/* What stands in a 207: "/a/x 423", "/a/x 200 propstat 403". */
struct row {
	const char *what;
	const char *method;
	unsigned status;
	const char *members[MEMBERS];
	enum fate fate;
	enum blame blame;
	unsigned decided;
	const char *text; /* stands in it */
	enum err_code rc; /* of the call */
	enum err_code end; /* of the reading */
	bool lost_before;
	bool lock;
	bool contradicts;
	unsigned attempts;
};

struct parsed {
	struct told told;
	struct propstat ps;
	struct prop prop;
	struct outcome o;
};

/* href status[p]: p makes it the status of a property. */
static void
parse_member(const char *s, struct parsed *p)
{
	struct str rest = str_from_c(s);
	struct str href = { 0 }, status = { 0 };
	uint64_t n = 0;
	bool prop;

	(void)str_cut(&rest, ' ', &href);
	(void)str_cut(&rest, ' ', &status);
	prop = str_ends(status, STR("p"));
	assert_true(
	    str_to_u64(str_head(status, status.len - (prop ? 1 : 0)), &n));
	*p = (struct parsed){ 0 };
	if (str_starts(href, STR("id:")))
		p->told.id = str_skip(href, 3);
	else
		p->told.href = href;
	p->told.error = rest;
	p->prop.name = (struct prop_name){ STR("urn:x"), STR("p") };
	p->o = (struct outcome){ .status = (unsigned)n, .told = &p->told };
	if (!prop)
		return;
	p->ps = (struct propstat){
		.status = (unsigned)n, .props = &p->prop, .n_props = 1
	};
	p->o.status = 200;
	p->o.propstats = &p->ps;
	p->o.n_propstats = 1;
}

static enum err_code
run(const struct row *row, struct arena *a, struct buf *text, struct verdict *v)
{
	struct err err = { 0 };
	struct evidence e = {
		.method = str_from_c(row->method),
		.rc = row->rc,
		.err = &err,
		.attempts = row->attempts,
		.uncertain_before = row->lost_before,
		.status = row->status,
		.was_read = row->status == 207,
		.has_lock = row->lock,
		.wait = -1,
	};
	struct members m = { .kept = a };
	enum err_code rc;
	size_t i;

	if (row->rc)
		(void)err_set(&err, row->rc, "the wire was cut");
	m.rules = method_rules(e.method);
	assert_int_equal(url_parse(STR(TARGET), &m.target, NULL), ERR_OK);
	if (str_eq(e.method, STR("COPY")) || str_eq(e.method, STR("MOVE")))
		assert_int_equal(
		    url_parse(STR(ELSEWHERE), &m.destination, NULL), ERR_OK);
	rc = members_init(&m, NULL);
	for (i = 0; !rc && i < MEMBERS && row->members[i]; i++) {
		struct parsed p;

		parse_member(row->members[i], &p);
		rc = sink_put(&m.base, &p.o);
	}
	if (!rc)
		rc = members_finish(&m, NULL);
	e.m = m.m;
	e.reading.end = row->end;
	e.reading.contradicts = row->contradicts;
	if (row->end)
		(void)err_tell(&e.reading.err, row->end, "line 3, column 14");
	judge(&e, text, v);
	members_done(&m);
	return rc ? rc : buf_failed(text);
}

static void
check(const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct arena a CLEANUP(arena_done) = { 0 };
		struct buf text CLEANUP(buf_done) = { 0 };
		struct verdict v;
		const struct row *r = &rows[i];

		assert_int_equal(run(r, &a, &text, &v), ERR_OK);
		buf_putc(&text, '\0');
		if (v.fate != r->fate || v.blame != r->blame ||
		    v.status != r->decided ||
		    (r->text && !strstr(text.ptr, r->text)))
			fail_msg("%s %s: fate %d, blame %d, %u, \"%s\"",
			    r->method, r->what, v.fate, v.blame, v.status,
			    text.ptr);
		if (v.fate != FATE_DONE && v.fate != FATE_FAILED && !v.text.len)
			fail_msg("%s %s: no text", r->method, r->what);
	}
}

#define DONE FATE_DONE, BLAME_NONE
#define FAILED FATE_FAILED, BLAME_STATUS
#define PARTIAL FATE_PARTIAL, BLAME_STATUS
#define UNSAID FATE_UNKNOWN, BLAME_CUT
#define UNSEEN FATE_UNKNOWN, BLAME_STATUS
#define BROKEN FATE_UNKNOWN, BLAME_PROTOCOL

static void
a_status_alone_is_judged_by_its_class(void **state)
{
	static const struct row rows[] = {
		{ "200", "DELETE", 200, { NULL }, DONE, 200, .text = NULL },
		{ "204", "DELETE", 204, { NULL }, DONE, 204, .text = NULL },
		{ "299, which is not known", "DELETE", 299, { NULL }, DONE, 299,
		    .text = NULL },
		{ "201", "MKCOL", 201, { NULL }, DONE, 201, .text = NULL },
		{ "201", "COPY", 201, { NULL }, DONE, 201, .text = NULL },
		{ "204", "UNLOCK", 204, { NULL }, DONE, 204, .text = NULL },
		{ "201", "PUT", 201, { NULL }, DONE, 201, .text = NULL },
		{ "200", "POST", 200, { NULL }, DONE, 200, .text = NULL },
		{ "accepted", "DELETE", 202, { NULL }, UNSAID, 202,
		    .text = "later" },
		{ "accepted", "POST", 202, { NULL }, UNSAID, 202,
		    .text = "later" },
		{ "moved", "DELETE", 301, { NULL }, FAILED, 301,
		    .text = "elsewhere" },
		{ "unknown 3xx", "MOVE", 399, { NULL }, FAILED, 399,
		    .text = NULL },
		{ "not modified", "PUT", 304, { NULL }, FAILED, 304,
		    .text = NULL },
		{ "nothing there", "DELETE", 404, { NULL }, FAILED, 404,
		    .text = NULL },
		{ "locked", "DELETE", 423, { NULL }, FAILED, 423,
		    .text = NULL },
		{ "no parent", "MKCOL", 409, { NULL }, FAILED, 409,
		    .text = NULL },
		{ "is there", "MKCOL", 405, { NULL }, FAILED, 405,
		    .text = NULL },
		{ "unknown 4xx", "DELETE", 499, { NULL }, FAILED, 499,
		    .text = NULL },
		{ "500", "DELETE", 500, { NULL }, FAILED, 500, .text = NULL },
		{ "503", "DELETE", 503, { NULL }, FAILED, 503, .text = NULL },
		{ "507", "COPY", 507, { NULL }, FAILED, 507, .text = NULL },
		{ "unknown 5xx", "DELETE", 599, { NULL }, FAILED, 599,
		    .text = NULL },
		{ "not logged in", "DELETE", 401, { NULL }, FATE_FAILED,
		    BLAME_ACCESS, 401, .text = NULL },
		{ "forbidden", "PROPFIND", 403, { NULL }, FATE_FAILED,
		    BLAME_ACCESS, 403, .text = NULL },
		{ "proxy", "GET", 407, { NULL }, FATE_FAILED, BLAME_ACCESS, 407,
		    .text = NULL },
		{ "1xx as the last word", "DELETE", 102, { NULL }, BROKEN, 102,
		    .text = "does not say whether" },
		{ "a status of 600", "DELETE", 600, { NULL }, BROKEN, 600,
		    .text = "does not say whether" },
		{ "200 and no 207", "PROPFIND", 200, { NULL }, BROKEN, 200,
		    .text = "not be a WebDAV server" },
		{ "200 and no 207", "PROPPATCH", 200, { NULL }, UNSAID, 200,
		    .text = "each property" },
		{ "no lock in it", "LOCK", 200, { NULL }, BROKEN, 200,
		    .text = "no lock" },
		{ "a lock", "LOCK", 200, { NULL }, DONE, 200, .text = NULL,
		    .lock = true },
		{ "a new file, locked", "LOCK", 201, { NULL }, DONE, 201,
		    .text = NULL, .lock = true },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static void
a_207_is_never_believed_before_its_members_are(void **state)
{
	static const struct row rows[] = {
		{ "nothing in it", "DELETE", 207, { NULL }, UNSAID, 207,
		    .text = "does not mention" },
		{ "nothing in it", "COPY", 207, { NULL }, UNSAID, 207,
		    .text = NULL },
		{ "nothing in it", "MOVE", 207, { NULL }, UNSAID, 207,
		    .text = NULL },
		{ "nothing in it", "MKCOL", 207, { NULL }, UNSAID, 207,
		    .text = NULL },
		{ "nothing in it", "PROPPATCH", 207, { NULL }, UNSAID, 207,
		    .text = NULL },
		{ "nothing in it", "PROPFIND", 207, { NULL }, UNSAID, 207,
		    .text = NULL },
		{ "nothing in it", "LOCK", 207, { NULL }, UNSAID, 207,
		    .text = NULL },
		{ "nothing in it", "POST", 207, { NULL }, UNSAID, 207,
		    .text = NULL },
		{ "nothing changed", "REPORT", 207, { NULL }, DONE, 207,
		    .text = NULL },
		{ "one member stayed", "DELETE", 207, { "/a/x 423" }, PARTIAL,
		    423, .text = "1 member failed, http://h/a/x" },
		{ "one could not be copied", "COPY", 207, { "/b/x 507" },
		    PARTIAL, 507, .text = "http://h/b/x" },
		{ "an absolute href", "DELETE", 207,
		    { "HTTP://H:80/%61/x 403" }, PARTIAL, 403, .text = NULL },
		{ "a relative one", "DELETE", 207, { "x 500" }, PARTIAL, 500,
		    .text = "http://h/a/x" },
		{ "the cause of a 424 is named", "DELETE", 207,
		    { "/a/ 424", "/a/x/ 424", "/a/x/y 503" }, PARTIAL, 503,
		    .text = "3 members failed, such as http://h/a/x/y" },
		{ "an error with its name", "DELETE", 207,
		    { "/a/x 423 <D:error xmlns:D=\"DAV:\"><D:lock-token-"
		      "submitted><D:href>/a/</D:href></D:lock-token-"
		      "submitted></D:error>" },
		    PARTIAL, 423, .text = "http://h/a/x" },
		{ "a redirect inside", "DELETE", 207, { "/a/x 302" }, PARTIAL,
		    302, .text = "http://h/a/x" },
		{ "the root itself", "DELETE", 207, { "/a/ 423" }, FAILED, 423,
		    .text = NULL },
		{ "the root, without its slash", "DELETE", 207, { "/a 423" },
		    FAILED, 423, .text = NULL },
		{ "the root, for want of access", "DELETE", 207, { "/a/ 403" },
		    FATE_FAILED, BLAME_ACCESS, 403, .text = NULL },
		{ "the destination's root", "MOVE", 207, { "/b 507" }, FAILED,
		    507, .text = NULL },
		{ "the root twice", "DELETE", 207, { "/a/ 200", "/a/ 423" },
		    PARTIAL, 423, .text = NULL },
		{ "the root and a member", "DELETE", 207,
		    { "/a/ 500", "/a/x 423" }, PARTIAL, 500, .text = NULL },
		{ "all is well, it says", "DELETE", 207, { "/a/ 204" }, DONE,
		    207, .text = NULL },
		{ "only a member is well", "DELETE", 207, { "/a/x 204" },
		    UNSAID, 207, .text = "does not mention" },
		{ "all of it", "MOVE", 207, { "/a/x 204", "/b/ 201" }, DONE,
		    207, .text = NULL },
		{ "no status", "DELETE", 207, { "/a/x 0" }, UNSAID, 207,
		    .text = "http://h/a/x" },
		{ "1xx", "DELETE", 207, { "/a/x 102" }, UNSAID, 207,
		    .text = NULL },
		{ "202 inside", "DELETE", 207, { "/a/ 202" }, UNSAID, 207,
		    .text = NULL },
		{ "207 inside", "DELETE", 207, { "/a/ 207" }, UNSAID, 207,
		    .text = NULL },
		{ "999", "DELETE", 207, { "/a/ 999" }, UNSAID, 207,
		    .text = NULL },
		{ "unknown 2xx", "DELETE", 207, { "/a/ 299" }, DONE, 207,
		    .text = NULL },
		{ "unknown 4xx", "DELETE", 207, { "/a/x 499" }, PARTIAL, 499,
		    .text = NULL },
		{ "another host", "DELETE", 207, { "http://o/a/x 423" }, UNSAID,
		    207, .text = "not asked for: http://o/a/x" },
		{ "another scheme", "DELETE", 207, { "https://h/a/x 423" },
		    UNSAID, 207, .text = "https://h/a/x" },
		{ "outside the target", "DELETE", 207, { "/b/x 423" }, UNSAID,
		    207, .text = "http://h/b/x" },
		{ "up and out of it", "PROPFIND", 207,
		    { "/a/ 200", "/a/%2e%2e/b 200" }, UNSAID, 207,
		    .text = "http://h/b" },
		{ "no href", "DELETE", 207, { " 423" }, UNSAID, 207,
		    .text = "the item at line" },
		{ "undue", "PUT", 207, { "/a/ 200" }, BROKEN, 207,
		    .text = "never has" },
		{ "undue", "UNLOCK", 207, { "/a/ 200" }, BROKEN, 207,
		    .text = NULL },
		{ "undue", "GET", 207, { NULL }, BROKEN, 207, .text = NULL },
		{ "cut short", "DELETE", 207, { "/a/x 423" }, UNSAID, 207,
		    .text = "cut short: line 3", .end = ERR_CUT_SHORT },
		{ "cut by the wire", "DELETE", 207, { "/a/ 204" }, UNSAID, 207,
		    .text = "line 3", .rc = ERR_CUT_SHORT,
		    .end = ERR_CUT_SHORT },
		{ "malformed", "DELETE", 207, { "/a/ 204" }, BROKEN, 207,
		    .text = "malformed", .end = ERR_BAD_ANSWER },
		{ "too large", "DELETE", 207, { "/a/ 204" }, BROKEN, 207,
		    .text = "malformed", .end = ERR_TOO_LARGE },
		{ "its summary is another", "POST", 207, { "/x 200" }, BROKEN,
		    207, .text = "contradicts", .contradicts = true },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static void
a_method_has_its_own_idea_of_a_failure(void **state)
{
	static const struct row rows[] = {
		{ "properties", "PROPFIND", 207, { "/a/ 200p", "/a/x 404p" },
		    DONE, 207, .text = NULL },
		{ "a member may not be seen", "PROPFIND", 207,
		    { "/a/ 200p", "/a/x 403" }, UNSEEN, 403,
		    .text = "http://h/a/x" },
		{ "no property of its own may be seen", "PROPFIND", 207,
		    { "/a/ 403p" }, FATE_FAILED, BLAME_ACCESS, 403,
		    .text = "{urn:x}p" },
		{ "a member went meanwhile", "PROPFIND", 207,
		    { "/a/ 200p", "/a/x 404" }, UNSEEN, 404, .text = NULL },
		{ "a property may not be seen", "PROPFIND", 207,
		    { "/a/ 200p", "/a/x 403p" }, UNSEEN, 403, .text = NULL },
		{ "not the target", "PROPFIND", 207, { "/a/x 200p" }, UNSAID,
		    207, .text = "does not mention" },
		{ "the target failed", "PROPFIND", 207,
		    { "/a/ 500", "/a/x 200p" }, FAILED, 500, .text = NULL },
		{ "what was removed", "REPORT", 207, { "/a/x 404" }, DONE, 207,
		    .text = NULL },
		{ "a property is protected", "PROPPATCH", 207, { "/a/ 403p" },
		    FATE_FAILED, BLAME_ACCESS, 403, .text = NULL },
		{ "one for another", "PROPPATCH", 207,
		    { "/a/ 424p", "/a/ 409p" }, FAILED, 409, .text = NULL },
		{ "a property is not there", "PROPPATCH", 207, { "/a/ 404p" },
		    FAILED, 404, .text = NULL },
		{ "all was set", "PROPPATCH", 207, { "/a/ 200p" }, DONE, 207,
		    .text = NULL },
		{ "set elsewhere", "PROPPATCH", 207, { "/a/x 200p" }, UNSAID,
		    207, .text = NULL },
		{ "a member is locked", "LOCK", 207, { "/a/ 424", "/a/x 423" },
		    FAILED, 423, .text = "because of http://h/a/x" },
		{ "nothing failed and no lock", "LOCK", 207, { "/a/ 200" },
		    BROKEN, 207, .text = "no lock" },
		{ "a part failed", "MKCOL", 207, { "/a/ 424", "/a/ 403p" },
		    FAILED, 403, .text = NULL },
		{ "ids in place of hrefs", "POST", 207,
		    { "id:1 201", "/x 200" }, DONE, 207, .text = NULL },
		{ "an id in place of an href", "DELETE", 207, { "id:1 201" },
		    UNSAID, 207, .text = NULL },
		{ "some", "POST", 207, { "id:1 201", "id:2 409" }, PARTIAL, 409,
		    .text = "1 member failed, 2" },
		{ "all", "POST", 207, { "id:1 424", "id:2 409" }, FAILED, 409,
		    .text = NULL },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static void
an_answer_that_did_not_come_is_no_success(void **state)
{
	static const struct row rows[] = {
		{ "nobody there", "DELETE", 0, { NULL }, FATE_FAILED,
		    BLAME_UNREACHABLE, 0, .text = "the wire was cut",
		    .rc = ERR_UNREACHABLE },
		{ "nobody there any more", "DELETE", 0, { NULL }, FATE_UNKNOWN,
		    BLAME_UNREACHABLE, 0, .text = "earlier attempt",
		    .rc = ERR_UNREACHABLE, .lost_before = true },
		{ "a reader may try again", "PROPFIND", 0, { NULL },
		    FATE_FAILED, BLAME_UNREACHABLE, 0, .text = NULL,
		    .rc = ERR_UNREACHABLE, .lost_before = true },
		{ "no answer", "DELETE", 0, { NULL }, UNSAID, 0,
		    .text = "no answer", .rc = ERR_CUT_SHORT },
		{ "a body that ends early", "DELETE", 200, { NULL }, UNSAID,
		    200, .text = "cut short", .rc = ERR_CUT_SHORT },
		{ "a failure whose body ends early", "DELETE", 423, { NULL },
		    FAILED, 423, .text = NULL, .rc = ERR_CUT_SHORT },
		{ "no HTTP", "DELETE", 0, { NULL }, BROKEN, 0, .text = NULL,
		    .rc = ERR_BAD_ANSWER },
		{ "not begun", "DELETE", 0, { NULL }, FATE_LEFT,
		    BLAME_INTERRUPT, 0, .text = NULL, .rc = ERR_CANCELLED },
		{ "broken off", "DELETE", 0, { NULL }, FATE_UNKNOWN,
		    BLAME_INTERRUPT, 0, .text = "interrupted",
		    .rc = ERR_CANCELLED, .attempts = 1 },
		{ "a question broken off", "PROPFIND", 0, { NULL }, FATE_LEFT,
		    BLAME_INTERRUPT, 0, .text = NULL, .rc = ERR_CANCELLED,
		    .attempts = 1 },
		{ "no memory", "DELETE", 207, { NULL }, FATE_UNKNOWN,
		    BLAME_LOCAL, 207, .text = NULL, .rc = ERR_NOMEM,
		    .attempts = 1 },
		{ "gone by now", "DELETE", 404, { NULL }, DONE, 404,
		    .text = "gone", .lost_before = true },
		{ "made by now", "MKCOL", 405, { NULL }, FATE_UNKNOWN,
		    BLAME_STATUS, 405, .text = "earlier", .lost_before = true },
		{ "moved by now", "MOVE", 404, { NULL }, FATE_UNKNOWN,
		    BLAME_STATUS, 404, .text = "earlier", .lost_before = true },
		{ "copied by now", "COPY", 412, { NULL }, FATE_UNKNOWN,
		    BLAME_STATUS, 412, .text = "earlier", .lost_before = true },
		{ "locked by now", "LOCK", 423, { NULL }, FATE_UNKNOWN,
		    BLAME_STATUS, 423, .text = "earlier", .lost_before = true },
		{ "something else", "DELETE", 403, { NULL }, FATE_FAILED,
		    BLAME_ACCESS, 403, .text = NULL, .lost_before = true },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static void
what_may_succeed_later_is_said_to_be(void **state)
{
	static const struct {
		struct row row;
		bool retryable;
	} rows[] = {
		{ { "", "DELETE", 503, { NULL }, FAILED, 503, .text = NULL },
		    true },
		{ { "", "DELETE", 423, { NULL }, FAILED, 423, .text = NULL },
		    true },
		{ { "", "DELETE", 404, { NULL }, FAILED, 404, .text = NULL },
		    false },
		{ { "", "COPY", 412, { NULL }, FAILED, 412, .text = NULL },
		    false },
		{ { "", "DELETE", 207, { "/a/x 403", "/a/y 423" }, PARTIAL, 403,
		      .text = NULL },
		    true },
		{ { "", "DELETE", 207, { "/a/x 403" }, PARTIAL, 403,
		      .text = NULL },
		    false },
		{ { "", "DELETE", 204, { NULL }, DONE, 204, .text = NULL },
		    false },
		{ { "", "DELETE", 207, { NULL }, UNSAID, 207, .text = NULL },
		    false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a CLEANUP(arena_done) = { 0 };
		struct buf text CLEANUP(buf_done) = { 0 };
		struct verdict v;

		assert_int_equal(run(&rows[i].row, &a, &text, &v), ERR_OK);
		assert_int_equal(v.retryable, rows[i].retryable);
	}
}

static void
a_property_that_is_not_mentioned_is_not_set(void **state)
{
	const struct prop_name asked[] = { { STR("urn:x"), STR("p") },
		{ STR("urn:x"), STR("q") } };
	struct arena a CLEANUP(arena_done) = { 0 };
	struct buf text CLEANUP(buf_done) = { 0 };
	struct members m = { .rules = method_rules(STR("PROPPATCH")),
		.asked = asked,
		.n_asked = 2,
		.kept = &a };
	struct evidence e = {
		.method = STR("PROPPATCH"), .status = 207, .was_read = true
	};
	struct parsed p;
	struct verdict v;

	(void)state;
	assert_int_equal(url_parse(STR(TARGET), &m.target, NULL), ERR_OK);
	assert_int_equal(members_init(&m, NULL), ERR_OK);
	parse_member("/a/ 200p", &p);
	assert_int_equal(sink_put(&m.base, &p.o), ERR_OK);
	assert_int_equal(members_finish(&m, NULL), ERR_OK);
	e.m = m.m;
	judge(&e, &text, &v);
	assert_int_equal(v.fate, FATE_UNKNOWN);
	buf_putc(&text, '\0');
	assert_non_null(strstr(text.ptr, "{urn:x}q"));
	members_done(&m);
}

static void
want_of_memory_is_no_verdict(void **state)
{
	static const struct row row = { "", "DELETE", 207,
		{ "/a/x 424", "/a/y 423 <D:error xmlns:D=\"DAV:\"/>" }, PARTIAL,
		423, .text = NULL };
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		struct arena a CLEANUP(arena_done) = { 0 };
		struct buf text CLEANUP(buf_done) = { 0 };
		struct verdict v;
		enum err_code rc;

		alloc_fail_at(n);
		rc = run(&row, &a, &text, &v);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			break;
		}
		/* The sentence may lack what memory was wanted for. */
		assert_true(rc == ERR_NOMEM || v.fate == FATE_PARTIAL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_alone_is_judged_by_its_class),
		cmocka_unit_test(
		    a_207_is_never_believed_before_its_members_are),
		cmocka_unit_test(a_method_has_its_own_idea_of_a_failure),
		cmocka_unit_test(an_answer_that_did_not_come_is_no_success),
		cmocka_unit_test(what_may_succeed_later_is_said_to_be),
		cmocka_unit_test(a_property_that_is_not_mentioned_is_not_set),
		cmocka_unit_test(want_of_memory_is_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
