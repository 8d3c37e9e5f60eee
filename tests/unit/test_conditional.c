/* SPDX-License-Identifier: MIT */
/*
 * Conditions and locks on every method: what the status is, and that nothing
 * has changed where it is a failure (RFC 9110 s13, RFC 4918 s7, s10.4).
 */
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "dav/precondition.h"
#include "lib/dav_test.h"
#include "lib/locks.h"

#define TREE "/d/ /d/m=1 /f=2"
#define PAST "Sat, 01 Jan 2000 00:00:00 GMT"
#define FUTURE "Fri, 01 Jan 2100 00:00:00 GMT"

enum target { FILE_, COLLECTION, MISSING, TARGETS };

static const char *const targets[TARGETS] = { "/f", "/d/", "/n" };

static const char patch[] =
    "<propertyupdate xmlns='DAV:'><set><prop><p xmlns='urn:x'>v</p></prop>"
    "</set></propertyupdate>";

static const char lockinfo[] =
    "<lockinfo xmlns='DAV:'><lockscope><exclusive/></lockscope>"
    "<locktype><write/></locktype></lockinfo>";

/* What each method says to each target without a condition. */
static const struct how {
	const char *name, *headers, *body;
	bool read; /* it may answer 304 */
	bool ignores; /* all conditions */
	unsigned status[TARGETS];
} methods[] = {
	{ "OPTIONS", "", NULL, false, true, { 200, 200, 200 } },
	{ "GET", "", NULL, true, false, { 200, 200, 404 } },
	{ "HEAD", "", NULL, true, false, { 200, 200, 404 } },
	{ "PUT", "", "new", false, false, { 204, 405, 201 } },
	{ "DELETE", "", NULL, false, false, { 204, 204, 404 } },
	{ "MKCOL", "", NULL, false, false, { 405, 405, 201 } },
	{ "COPY", "Destination: /to\n", NULL, false, false, { 201, 201, 404 } },
	{ "MOVE", "Destination: /to\n", NULL, false, false, { 201, 201, 404 } },
	{ "PROPFIND", "Depth: 1\n", NULL, false, false, { 207, 207, 404 } },
	{ "PROPPATCH", "", patch, false, false, { 207, 207, 404 } },
	{ "LOCK", "", lockinfo, false, false, { 200, 200, 201 } },
	{ "UNLOCK", "", NULL, false, false, { 204, 204, 404 } },
};

enum outcome_of {
	HOLDS,
	FAILS, /* 412 */
	SAME, /* 304 to those who read, 412 to others */
	UNREAD, /* 304 to those who read, no matter to others */
};

/* {} stands for the entity tag of /f. */
static const struct condition {
	const char *headers;
	enum outcome_of is[TARGETS];
} conditions[] = {
	{ "", { HOLDS, HOLDS, HOLDS } },

	{ "If-Match: *\n", { HOLDS, HOLDS, FAILS } },
	{ "If-Match: {}\n", { HOLDS, FAILS, FAILS } },
	{ "If-Match: \"x\", {}\n", { HOLDS, FAILS, FAILS } },
	{ "If-Match: \"x\"\n", { FAILS, FAILS, FAILS } },
	{ "If-Match: W/{}\n", { FAILS, FAILS, FAILS } },

	{ "If-None-Match: *\n", { SAME, SAME, HOLDS } },
	{ "If-None-Match: {}\n", { SAME, HOLDS, HOLDS } },
	{ "If-None-Match: W/{}\n", { SAME, HOLDS, HOLDS } },
	{ "If-None-Match: \"x\", {}\n", { SAME, HOLDS, HOLDS } },
	{ "If-None-Match: \"x\"\n", { HOLDS, HOLDS, HOLDS } },

	/* A collection's page changes without its date. */
	{ "If-Modified-Since: " FUTURE "\n", { UNREAD, HOLDS, HOLDS } },
	{ "If-Modified-Since: " PAST "\n", { HOLDS, HOLDS, HOLDS } },
	{ "If-Modified-Since: now\n", { HOLDS, HOLDS, HOLDS } },

	{ "If-Unmodified-Since: " FUTURE "\n", { HOLDS, HOLDS, HOLDS } },
	{ "If-Unmodified-Since: " PAST "\n", { FAILS, FAILS, HOLDS } },
	{ "If-Unmodified-Since: now\n", { HOLDS, HOLDS, HOLDS } },

	/* without a Range it means nothing (RFC 9110 s13.1.5) */
	{ "If-Range: \"x\"\n", { HOLDS, HOLDS, HOLDS } },
	{ "If-Range: {}\n", { HOLDS, HOLDS, HOLDS } },

	{ "If: ([{}])\n", { HOLDS, FAILS, FAILS } },
	{ "If: ([\"x\"])\n", { FAILS, FAILS, FAILS } },
	{ "If: (Not [\"x\"])\n", { HOLDS, HOLDS, HOLDS } },
	{ "If: (<DAV:no-lock>)\n", { FAILS, FAILS, FAILS } },
	{ "If: (Not <DAV:no-lock>)\n", { HOLDS, HOLDS, HOLDS } },
	{ "If: </f> ([{}])\n", { HOLDS, HOLDS, HOLDS } },
	{ "If: </to> (Not [\"x\"])\n", { HOLDS, HOLDS, HOLDS } },
	{ "If: </to> ([\"x\"])\n", { FAILS, FAILS, FAILS } },

	/* the order of RFC 9110 s13.2.2, step by step */
	{ "If-Match: {}\nIf-Unmodified-Since: " PAST "\n",
	    { HOLDS, FAILS, FAILS } },
	{ "If-Match: *\nIf-Unmodified-Since: " PAST "\n",
	    { HOLDS, HOLDS, FAILS } },
	{ "If-Match: \"x\"\nIf-Unmodified-Since: " FUTURE "\n",
	    { FAILS, FAILS, FAILS } },
	{ "If-Match: \"x\"\nIf-None-Match: {}\n", { FAILS, FAILS, FAILS } },
	{ "If-Match: *\nIf-None-Match: *\n", { SAME, SAME, FAILS } },
	{ "If-Unmodified-Since: " PAST "\nIf-None-Match: {}\n",
	    { FAILS, FAILS, HOLDS } },
	{ "If-Unmodified-Since: " PAST "\nIf-Modified-Since: " FUTURE "\n",
	    { FAILS, FAILS, HOLDS } },
	{ "If-None-Match: \"x\"\nIf-Modified-Since: " FUTURE "\n",
	    { HOLDS, HOLDS, HOLDS } },
	{ "If-None-Match: {}\nIf-Modified-Since: " PAST "\n",
	    { SAME, HOLDS, HOLDS } },
	{ "If-None-Match: {}\nIf: (<DAV:no-lock>)\n", { SAME, FAILS, FAILS } },
	{ "If-Match: *\nIf: (<DAV:no-lock>)\n", { FAILS, FAILS, FAILS } },
};

/* text with {} as the entity tag of /f, and {A} as a lock's token. */
static void
fill_in(struct store *s, const char *text, const struct token *tokens,
    struct buf *out)
{
	struct resource res;

	assert_int_equal(store_stat(s, at("/f"), &res, NULL), ERR_OK);
	for (; *text; text++) {
		if (*text != '{') {
			buf_putc(out, *text);
			continue;
		}
		if (text[1] == '}')
			buf_put(out, resource_etag(&res));
		else
			buf_put(out, str_from_c(tokens[*++text - 'A'].text));
		text++;
	}
	buf_putc(out, '\0');
	assert_int_equal(buf_failed(out), ERR_OK);
}

static unsigned
expected(const struct how *m, const struct condition *c, enum target target)
{
	unsigned status = m->status[target];

	/* s13.2.1: they count only where there would be success */
	if (m->ignores || status >= 400)
		return status;
	switch (c->is[target]) {
	case HOLDS:
		break;
	case FAILS:
		return 412;
	case SAME:
		return m->read ? 304 : 412;
	case UNREAD:
		return m->read ? 304 : status;
	}
	return status;
}

/* An UNLOCK needs a lock: its header. */
static void
lock_target(struct store *s, enum target target, struct buf *headers)
{
	static const char *const paths[TARGETS] = { "/f", "/d", "/d/m" };
	struct token token = lock_at(s, paths[target], DEPTH_0, false, "");

	buf_printf(headers, "Lock-Token: <%s>\n", token.text);
}

static void
check_condition(
    const struct how *m, const struct condition *c, enum target target)
{
	unsigned want = expected(m, c, target);
	struct buf headers = { 0 };
	struct dav_test t;
	unsigned got;

	dav_test_init(&t, TREE);
	buf_put(&headers, str_from_c(m->headers));
	if (!strcmp(m->name, "UNLOCK"))
		lock_target(t.deny.inner, target, &headers);
	fill_in(t.deny.inner, c->headers, NULL, &headers);
	got = dav_send(&t, m->name, targets[target], headers.ptr, m->body);
	if (got != want)
		fail_msg("%s %s\n%sis %u, not %u", m->name, targets[target],
		    headers.ptr, got, want);
	if (want >= 300)
		assert_tree(t.deny.inner, TREE);
	/* Before the body is asked for. */
	if (want == 412 && !strcmp(m->name, "PUT"))
		assert_false(t.has_body_stream);
	buf_done(&headers);
	dav_test_done(&t);
}

static void
conditions_are_asked_in_order_on_every_method(void **state)
{
	size_t m, c;
	int target;

	(void)state;
	for (m = 0; m < ARRAY_LEN(methods); m++)
		for (c = 0; c < ARRAY_LEN(conditions); c++)
			for (target = 0; target < TARGETS; target++)
				check_condition(&methods[m], &conditions[c],
				    (enum target)target);
}

static void
what_is_malformed_is_400_before_all_else_but_on_options(void **state)
{
	static const char *const headers[] = {
		"If-Match: x\n",
		"If-None-Match: x\n",
		"If: x\n",
	};
	size_t m, i;
	int target;

	(void)state;
	for (m = 0; m < ARRAY_LEN(methods) * ARRAY_LEN(headers); m++) {
		const struct how *how = &methods[m / ARRAY_LEN(headers)];

		i = m % ARRAY_LEN(headers);
		for (target = 0; target < TARGETS; target++) {
			struct buf b = { 0 };
			struct dav_test t;

			dav_test_init(&t, TREE);
			buf_printf(&b, "%s%s", how->headers, headers[i]);
			if (!strcmp(how->name, "UNLOCK"))
				BUF_LIT(&b, "Lock-Token: <x:y>\n");
			buf_putc(&b, '\0');
			assert_int_equal(dav_send(&t, how->name,
					     targets[target], b.ptr, how->body),
			    how->ignores ? 200 : 400);
			buf_done(&b);
			dav_test_done(&t);
		}
	}
}

static void
if_range_comes_last(void **state)
{
	static const struct {
		const char *headers;
		unsigned status;
	} cases[] = {
		{ "Range: bytes=0-0\n", 206 },
		{ "Range: bytes=0-0\nIf-Range: {}\n", 206 },
		{ "Range: bytes=0-0\nIf-Range: \"x\"\n", 200 },
		{ "Range: bytes=0-0\nIf-Range: W/{}\n", 200 },
		{ "Range: bytes=0-0\nIf-Range: " PAST "\n", 200 },
		{ "Range: bytes=9-9\nIf-Range: {}\n", 416 },
		{ "Range: bytes=9-9\nIf-Range: \"x\"\n", 200 },
		{ "Range: bytes=0-0\nIf-Range: \"x\"\nIf-Match: {}\n", 200 },
		{ "Range: bytes=0-0\nIf-Range: {}\nIf-Match: \"x\"\n", 412 },
		{ "Range: bytes=0-0\nIf-Range: {}\nIf-None-Match: {}\n", 304 },
		{ "Range: bytes=9-9\nIf-Range: {}\nIf-None-Match: {}\n", 304 },
	};
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf headers = { 0 };

		fill_in(t.deny.inner, cases[i].headers, NULL, &headers);
		assert_int_equal(dav_send(&t, "GET", "/f", headers.ptr, NULL),
		    cases[i].status);
		buf_done(&headers);
	}
	dav_test_done(&t);
}

/* ---- locks */

struct locked {
	const char *method, *target, *headers, *body;
	struct {
		const char *path;
		enum depth depth;
	} locks[2]; /* {A} and {B} in the headers */
	unsigned status;
	const char *says; /* in the body */
};

static void
check_locked(const struct locked *r)
{
	struct token tokens[2] = { 0 };
	struct buf headers = { 0 };
	struct dav_test t;
	unsigned got;
	size_t i;

	dav_test_init(&t, TREE " /k/ /k/m=3 /u=4");
	for (i = 0; i < ARRAY_LEN(tokens) && r->locks[i].path; i++)
		tokens[i] = lock_at(t.deny.inner, r->locks[i].path,
		    r->locks[i].depth, false, "");
	fill_in(t.deny.inner, r->headers, tokens, &headers);
	got = dav_send(&t, r->method, r->target, headers.ptr, r->body);
	if (got != r->status || (r->says && !dav_says(&t, r->says)))
		fail_msg("%s %s\n%swith %s locked is %u, not %u: %.*s",
		    r->method, r->target, headers.ptr, r->locks[0].path, got,
		    r->status, STR_ARG(dav_body(&t)));
	if (got == 423 || got == 412)
		assert_tree(t.deny.inner, TREE " /k/ /k/m=3 /u=4");
	if (got == 423)
		assert_true(dav_says(&t, "lock-token-submitted"));
	buf_done(&headers);
	dav_test_done(&t);
}

#define DEEP DEPTH_INFINITY
#define ON(path, depth)             \
	{                           \
		{                   \
			path, depth \
		}                   \
	}

/* That of a COPY or MOVE may have changed since the first look. */
static void
a_source_is_asked_at_the_last_moment(void **state)
{
	static const struct {
		const char *name, *value;
		enum err_code then, later;
	} cases[] = {
		{ "If-Match", "\"then\"", ERR_OK, ERR_PRECONDITION },
		{ "If-None-Match", "\"later\"", ERR_OK, ERR_PRECONDITION },
		{ "If", "([\"then\"])", ERR_OK, ERR_PRECONDITION },
		{ "If", "</f> ([\"then\"])", ERR_OK, ERR_PRECONDITION },
		{ "If", "</to> (Not [\"then\"])", ERR_OK, ERR_OK },
	};
	const struct resource then = { .etag = "\"then\"", .etag_len = 6 };
	const struct resource later = { .etag = "\"later\"", .etag_len = 7 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct header field = { str_from_c(cases[i].name),
			str_from_c(cases[i].value) };
		struct request req = {
			.method = METHOD_MOVE,
			.path = at("/f"),
			.origin = { STR("http"), STR("example.org"), STR("") },
			.headers = { .v = &field, .n = 1 },
		};
		struct dav_test t;
		struct exchange x = { .req = &req };
		struct precondition p;
		const struct guard *g;

		dav_test_init(&t, TREE);
		x.store = t.store;
		x.arena = &t.arena;
		assert_int_equal(precondition_parse(&p, &x, NULL), ERR_OK);
		assert_int_equal(precondition_look(&p, NULL), ERR_OK);
		g = precondition_guard(&p, at("/to"));
		assert_non_null(g);
		assert_int_equal(
		    guard_ask(g, &(struct guarded){ .from = &then }, NULL),
		    cases[i].then);
		assert_int_equal(
		    guard_ask(g, &(struct guarded){ .from = &later }, NULL),
		    cases[i].later);
		dav_test_done(&t);
	}
}

static void
a_lock_asks_every_method_that_changes_for_its_token(void **state)
{
	static const struct locked rows[] = {
		/* reading takes no token */
		{ "GET", "/f", "", NULL, ON("/f", 0), 200, NULL },
		{ "PROPFIND", "/d/", "", NULL, ON("/d", DEEP), 207, NULL },
		{ "OPTIONS", "/f", "", NULL, ON("/f", 0), 200, NULL },
		{ "COPY", "/f", "Destination: /to\n", NULL, ON("/f", 0), 201,
		    NULL },

		/* without */
		{ "PUT", "/f", "", "x", ON("/f", 0), 423, "<D:href>/f<" },
		{ "PUT", "/d/n", "", "x", ON("/d", 0), 423, "<D:href>/d/<" },
		{ "PUT", "/d/m", "", "x", ON("/d", 0), 204, NULL },
		{ "PUT", "/d/m", "", "x", ON("/d", DEEP), 423, "<D:href>/d/<" },
		{ "PUT", "/u", "", "x", ON("/f", 0), 204, NULL },
		{ "PROPPATCH", "/f", "", patch, ON("/f", 0), 423, NULL },
		{ "PROPPATCH", "/d/", "", patch, ON("/d", 0), 423, NULL },
		{ "PROPPATCH", "/d/m", "", patch, ON("/d", 0), 207, NULL },
		{ "MKCOL", "/d/n", "", NULL, ON("/d", 0), 423, NULL },
		{ "MKCOL", "/d/n", "", NULL, ON("/d", DEEP), 423, NULL },
		{ "DELETE", "/f", "", NULL, ON("/f", 0), 423, NULL },
		{ "DELETE", "/d/m", "", NULL, ON("/d", 0), 423, NULL },
		{ "DELETE", "/d/", "", NULL, ON("/", 0), 423, NULL },
		{ "DELETE", "/d/", "", NULL, ON("/d/m", 0), 207,
		    "<D:href>/d/m<" },
		{ "COPY", "/u", "Destination: /f\n", NULL, ON("/f", 0), 423,
		    NULL },
		{ "COPY", "/u", "Destination: /d/n\n", NULL, ON("/d", 0), 423,
		    NULL },
		{ "COPY", "/k/", "Destination: /d/\n", NULL, ON("/d/m", 0), 207,
		    "<D:href>/d/m<" },
		{ "MOVE", "/f", "Destination: /to\n", NULL, ON("/f", 0), 423,
		    NULL },
		{ "MOVE", "/u", "Destination: /f\n", NULL, ON("/f", 0), 423,
		    NULL },
		{ "MOVE", "/d/m", "Destination: /to\n", NULL, ON("/d", 0), 423,
		    NULL },
		{ "MOVE", "/u", "Destination: /to\n", NULL, ON("/", 0), 423,
		    NULL },
		{ "MOVE", "/d/", "Destination: /to\n", NULL, ON("/d/m", 0), 207,
		    "<D:href>/d/m<" },

		/* with */
		{ "PUT", "/f", "If: (<{A}>)\n", "x", ON("/f", 0), 204, NULL },
		{ "PUT", "/d/n", "If: </d/> (<{A}>)\n", "x", ON("/d", 0), 201,
		    NULL },
		{ "PUT", "/d/n", "If: (<{A}>)\n", "x", ON("/d", DEEP), 201,
		    NULL },
		{ "MKCOL", "/d/n", "If: </d/> (<{A}>)\n", NULL, ON("/d", 0),
		    201, NULL },
		{ "MKCOL", "/d/n", "If: <http://example.org/d/n> (<{A}>)\n",
		    NULL, ON("/d", DEEP), 201, NULL },
		{ "PROPPATCH", "/f", "If: (<{A}>)\n", patch, ON("/f", 0), 207,
		    "200 OK" },
		{ "DELETE", "/d/", "If: </d/m> (<{A}>)\n", NULL, ON("/d/m", 0),
		    204, NULL },
		{ "COPY", "/u", "Destination: /f\nIf: </f> (<{A}>)\n", NULL,
		    ON("/f", 0), 204, NULL },
		{ "MOVE", "/d/", "Destination: /to\nIf: (<{A}>)\n", NULL,
		    ON("/d", DEEP), 201, NULL },
		{ "MOVE", "/d/", "Destination: /to\nIf: </d/m> (<{A}>)\n", NULL,
		    ON("/d/m", 0), 201, NULL },
		{ "MOVE", "/d/m",
		    "Destination: /k/n\n"
		    "If: </d/> (<{A}>) </k/> (<{B}>)\n",
		    NULL, { { "/d", 0 }, { "/k", 0 } }, 201, NULL },
		{ "MOVE", "/d/m", "Destination: /k/n\nIf: </d/> (<{A}>)\n",
		    NULL, { { "/d", 0 }, { "/k", 0 } }, 423, "<D:href>/k/<" },

		/* a token is submitted wherever the header names it */
		{ "PUT", "/f", "If: (Not <DAV:no-lock>) (<{A}>)\n", "x",
		    ON("/f", 0), 204, NULL },
		{ "PUT", "/f", "If: (Not <DAV:no-lock>) (Not <{A}>)\n", "x",
		    ON("/f", 0), 204, NULL },
		{ "PUT", "/f", "If: </u> (Not <{A}>) <http://other/> (<{A}>)\n",
		    "x", ON("/f", 0), 204, NULL },

		/* conditions come first, and what is wrong anyway before them
		 */
		{ "PUT", "/f", "If-Match: \"x\"\n", "x", ON("/f", 0), 412,
		    NULL },
		{ "PUT", "/f", "If: (<{A}>)\nIf-None-Match: *\n", "x",
		    ON("/f", 0), 412, NULL },
		{ "PUT", "/f", "If: (<{A}> [\"x\"])\n", "x", ON("/f", 0), 412,
		    NULL },
		{ "PUT", "/u", "If: (<{A}>)\n", "x", ON("/f", 0), 412, NULL },
		{ "PUT", "/f", "If-Match: {}\n", "x", ON("/f", 0), 423, NULL },
		{ "DELETE", "/f", "If-Match: \"x\"\n", NULL, ON("/f", 0), 412,
		    NULL },
		{ "MOVE", "/f", "Destination: /to\nIf-Match: \"x\"\n", NULL,
		    ON("/f", 0), 412, NULL },
		{ "COPY", "/u", "Destination: /f\nOverwrite: F\n", NULL,
		    ON("/f", 0), 412, NULL },
		{ "MOVE", "/u", "Destination: /f\nOverwrite: F\n", NULL,
		    ON("/f", 0), 412, NULL },
		{ "PUT", "/d/", "", "x", ON("/d", 0), 405, NULL },
		{ "PUT", "/d/no/n", "If-Match: *\n", "x", ON("/d", DEEP), 409,
		    NULL },
		{ "MKCOL", "/f", "", NULL, ON("/f", 0), 405, NULL },
		{ "MKCOL", "/d/no/n", "", NULL, ON("/d", DEEP), 409, NULL },
		{ "DELETE", "/d/n", "", NULL, ON("/d", DEEP), 404, NULL },
		{ "PROPPATCH", "/d/n", "", patch, ON("/d", DEEP), 404, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check_locked(&rows[i]);
}

static void
a_locked_put_is_refused_before_its_body_is_asked_for(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	(void)lock_at(t.deny.inner, "/f", DEPTH_0, false, "");
	assert_int_equal(dav_send(&t, "PUT", "/f", "", "x"), 423);
	assert_false(t.has_body_stream);
	dav_test_done(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_are_asked_in_order_on_every_method),
		cmocka_unit_test(
		    what_is_malformed_is_400_before_all_else_but_on_options),
		cmocka_unit_test(if_range_comes_last),
		cmocka_unit_test(a_source_is_asked_at_the_last_moment),
		cmocka_unit_test(
		    a_lock_asks_every_method_that_changes_for_its_token),
		cmocka_unit_test(
		    a_locked_put_is_refused_before_its_body_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
