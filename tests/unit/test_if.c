/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "http/if.h"

/*
 * The world that the headers below are asked of.  /r is the resource of the
 * request, /null is locked but nothing is mapped there, /none is neither.
 */
static const struct world {
	struct str path;
	struct str etag;
	struct str token;
} world[] = {
	{ STR_INIT("/r"), STR_INIT("\"r\""), STR_INIT("urn:uuid:r") },
	{ STR_INIT("/o o"), STR_INIT("\"o\""), STR_INIT("opaquelocktoken:o") },
	{ STR_INIT("/null"), { 0 }, STR_INIT("urn:uuid:n") },
	{ STR_INIT("/"), { 0 }, STR_INIT("urn:uuid:root") },
};

static const struct origin origin = {
	.scheme = STR_INIT("http"),
	.authority = STR_INIT("h"),
};

static const struct world *
find(struct rpath path)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(world); i++)
		if (str_eq(world[i].path, path.s))
			return &world[i];
	return NULL;
}

static bool
has_token(const void *arg, struct rpath path, struct str token)
{
	const struct world *w = find(path);

	assert_ptr_equal(arg, &world);
	return w && str_eq(w->token, token);
}

static enum err_code
state_of(void *arg, struct rpath path, struct if_state *out, struct err *err)
{
	const struct world *w = find(path);
	unsigned *asked = arg;

	(void)err;
	(*asked)++;
	out->etag = w ? w->etag : STR("");
	out->has_token = has_token;
	out->arg = &world;
	return ERR_OK;
}

static enum err_code
parse(
    const char *value, struct arena *a, struct if_header *out, struct err *err)
{
	struct header field = { STR("If"), str_from_c(value) };
	struct headers h = { .v = &field, .n = 1 };

	return if_parse(&h, &origin, a, out, err);
}

enum verdict { BAD, HOLDS, FAILS };

static enum verdict
judge(const char *value)
{
	struct arena a = { 0 };
	struct if_header i;
	struct err err = { 0 };
	enum err_code rc = parse(value, &a, &i, &err);
	unsigned asked = 0;
	bool holds = false;

	assert_int_equal(err.code, rc);
	if (rc) {
		assert_int_equal(rc, ERR_BAD_HEADER);
		assert_int_not_equal(err.tell[0], 0);
	} else {
		assert_int_equal(if_check(&i, (struct rpath){ STR("/r") },
				     state_of, &asked, &holds, &err),
		    ERR_OK);
	}
	arena_done(&a);
	if (rc)
		return BAD;
	return holds ? HOLDS : FAILS;
}

struct row {
	const char *value;
	enum verdict want;
};

static void
check_rows(const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		enum verdict got = judge(rows[i].value);

		if (got != rows[i].want)
			fail_msg("%s: %d", rows[i].value, got);
	}
}

static void
untagged_lists_are_about_the_request(void **state)
{
	static const struct row rows[] = {
		{ "(<urn:uuid:r>)", HOLDS },
		{ "(<urn:uuid:x>)", FAILS },
		{ "(<urn:uuid:n>)", FAILS },
		{ "([\"r\"])", HOLDS },
		{ "([\"x\"])", FAILS },
		{ "([\"\"])", FAILS },
		/* strong comparison: a weak tag never holds */
		{ "([W/\"r\"])", FAILS },
		{ "(Not [W/\"r\"])", HOLDS },
		{ "(Not <urn:uuid:r>)", FAILS },
		{ "(Not <urn:uuid:x>)", HOLDS },
		{ "(Not [\"r\"])", FAILS },
		{ "(Not [\"x\"])", HOLDS },

		/* all of a list */
		{ "(<urn:uuid:r> [\"r\"])", HOLDS },
		{ "([\"r\"] <urn:uuid:r>)", HOLDS },
		{ "(<urn:uuid:r> [\"x\"])", FAILS },
		{ "(<urn:uuid:x> [\"r\"])", FAILS },
		{ "(<urn:uuid:r> Not <urn:uuid:x>)", HOLDS },
		{ "(<urn:uuid:r> Not <urn:uuid:r>)", FAILS },
		{ "(Not <urn:uuid:x> Not [\"x\"])", HOLDS },
		{ "(Not <urn:uuid:x> Not [\"r\"])", FAILS },

		/* one of several */
		{ "(<urn:uuid:x>) (<urn:uuid:r>)", HOLDS },
		{ "(<urn:uuid:r>) (<urn:uuid:x>)", HOLDS },
		{ "(<urn:uuid:x>) ([\"x\"])", FAILS },
		{ "(<urn:uuid:x>) ([\"x\"]) ([\"r\"])", HOLDS },
		{ "(<urn:uuid:x> [\"r\"]) (<urn:uuid:r> [\"x\"])", FAILS },

		/* RFC 4918 s10.4.8: a condition that is always false */
		{ "(<DAV:no-lock>)", FAILS },
		{ "(Not <DAV:no-lock>)", HOLDS },
		{ "(<urn:uuid:x>) (Not <DAV:no-lock>)", HOLDS },
		{ "(<urn:uuid:r> [\"x\"]) (Not <DAV:no-lock> [\"r\"])", HOLDS },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
tagged_lists_are_about_their_tag(void **state)
{
	static const struct row rows[] = {
		{ "</r> (<urn:uuid:r>)", HOLDS },
		{ "<http://h/r> (<urn:uuid:r>)", HOLDS },
		{ "<http://H:80/r> ([\"r\"])", HOLDS },
		{ "<HTTP://h/%72> ([\"r\"])", HOLDS },
		{ "<http://h/r/> ([\"r\"])", HOLDS },
		{ "</o%20o> (<opaquelocktoken:o>)", HOLDS },
		{ "</o%20o> ([\"o\"])", HOLDS },
		{ "</o%20o> (<urn:uuid:r>)", FAILS },
		{ "</o%20o> ([\"r\"])", FAILS },
		{ "</> (<urn:uuid:root>)", HOLDS },
		{ "<http://h> (<urn:uuid:root>)", HOLDS },

		/* a tag is of all lists up to the next one */
		{ "</o%20o> (<urn:uuid:r>) (<opaquelocktoken:o>)", HOLDS },
		{ "</o%20o> (<urn:uuid:r>) </r> (<opaquelocktoken:o>)", FAILS },
		{ "</o%20o> (<urn:uuid:r>) </r> (<urn:uuid:r>)", HOLDS },
		{ "</o%20o> ([\"o\"]) </r> ([\"x\"])", HOLDS },
		{ "</r> ([\"x\"]) </o%20o> ([\"x\"]) ([\"y\"])", FAILS },

		/* nothing is mapped, but a lock may be there */
		{ "</null> (<urn:uuid:n>)", HOLDS },
		{ "</null> ([\"\"])", FAILS },
		{ "</null> (Not [\"a\"])", HOLDS },
		{ "</none> (<urn:uuid:r>)", FAILS },
		{ "</none> ([\"r\"])", FAILS },
		{ "</none> (Not <urn:uuid:r>)", HOLDS },
		{ "</none> (Not [\"r\"])", HOLDS },

		/* another server's can never hold here, even negated */
		{ "<http://other/r> (<urn:uuid:r>)", FAILS },
		{ "<https://h/r> ([\"r\"])", HOLDS },
		{ "<http://h:81/r> ([\"r\"])", FAILS },
		{ "<http://other/r> (Not <urn:uuid:x>)", FAILS },
		{ "<ftp://h/r> (Not [\"x\"])", FAILS },
		{ "<http://other/r> (<urn:uuid:r>) </r> (<urn:uuid:r>)",
		    HOLDS },
		{ "</r> (<urn:uuid:r>) <http://other/r> (<urn:uuid:r>)",
		    HOLDS },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
what_clients_send_is_read(void **state)
{
	static const struct row rows[] = {
		/* Finder, cadaver, Office, davfs2 */
		{ "(<opaquelocktoken:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>)",
		    FAILS },
		{ "<http://h/r> "
		  "(<opaquelocktoken:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>)",
		    FAILS },
		{ "(<urn:uuid:r>)(<urn:uuid:x>)", HOLDS },
		{ "</r>(<urn:uuid:r>)", HOLDS },
		{ "</r>(<urn:uuid:x>)</r>(<urn:uuid:r>)", HOLDS },
		{ "( <urn:uuid:r> )", HOLDS },
		{ "(\t<urn:uuid:r>\t[\"r\"]\t)", HOLDS },
		{ "(<urn:uuid:r>[\"r\"])", HOLDS },
		{ "([ \"r\" ])", HOLDS },
		{ "(Not<urn:uuid:x>)", HOLDS },
		{ "(Not[\"x\"])", HOLDS },
		/* literals of the grammar have no case (RFC 2616 s2.1) */
		{ "(NOT <urn:uuid:x>)", HOLDS },
		{ "(not <urn:uuid:x>)", HOLDS },
		{ "<http://user@h/r> ([\"r\"])", HOLDS },
		{ "([\"a]b)c>d\"]) ([\"r\"])", HOLDS },
		{ "(<http://example.org/a(b)c>) ([\"r\"])", HOLDS },
		{ "(<x:>y>)", BAD },
		/* examples of RFC 4918 s10.4 */
		{ "(<urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2> "
		  "[\"I am an ETag\"]) ([\"I am another ETag\"])",
		    FAILS },
		{ "([\"a\tb\"])", BAD },
		{ "(Not <urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2> "
		  "<urn:uuid:58f202ac-22cf-11d1-b12d-002035b29092>)",
		    FAILS },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
what_is_not_of_the_grammar_is_refused(void **state)
{
	static const struct row rows[] = {
		{ "", BAD },
		{ "()", BAD },
		{ "( )", BAD },
		{ "(", BAD },
		{ ")", BAD },
		{ "(<urn:uuid:r>", BAD },
		{ "<urn:uuid:r>", BAD },
		{ "<urn:uuid:r>)", BAD },
		{ "[\"r\"]", BAD },
		{ "(urn:uuid:r)", BAD },
		{ "(\"r\")", BAD },
		{ "(<>)", BAD },
		{ "(<urn:uuid:r)", BAD },
		{ "(<urn>)", BAD },
		{ "(<urn:>)", BAD },
		{ "(<:r>)", BAD },
		{ "(<1rn:r>)", BAD },
		{ "(<u_n:r>)", BAD },
		{ "(</r>)", BAD },
		{ "(<urn:uuid: r>)", BAD },
		{ "(< urn:uuid:r>)", BAD },
		{ "(<urn:uuid:r >)", BAD },
		{ "(<urn:uu<id:r>)", BAD },
		{ "(<urn:uu\"id:r>)", BAD },
		{ "(<urn:uu\x01id:r>)", BAD },
		{ "([])", BAD },
		{ "([r])", BAD },
		{ "([*])", BAD },
		{ "([\"r\")", BAD },
		{ "([\"r])", BAD },
		{ "([w/\"r\"])", BAD },
		{ "([\"r\" \"x\"])", BAD },
		{ "([\"r\", \"x\"])", BAD },
		{ "(Not)", BAD },
		{ "(Not )", BAD },
		{ "(Not Not <urn:uuid:r>)", BAD },
		{ "(No <urn:uuid:r>)", BAD },
		{ "(Notx<urn:uuid:r>)", BAD },
		{ "Not (<urn:uuid:r>)", BAD },
		{ "(<urn:uuid:r>), (<urn:uuid:x>)", BAD },
		{ "(<urn:uuid:r>, [\"r\"])", BAD },
		{ "(<urn:uuid:r> and [\"r\"])", BAD },
		{ "((<urn:uuid:r>))", BAD },
		{ "(<urn:uuid:r>) x", BAD },
		{ "(<urn:uuid:r>) (", BAD },
		{ "(<urn:uuid:r>) ()", BAD },
		{ "x (<urn:uuid:r>)", BAD },
		/* all have a tag, or none has */
		{ "(<urn:uuid:r>) </r> (<urn:uuid:r>)", BAD },
		/* tags */
		{ "</r>", BAD },
		{ "</r> </r> (<urn:uuid:r>)", BAD },
		{ "</r> (<urn:uuid:r>) </r>", BAD },
		{ "<r> (<urn:uuid:r>)", BAD },
		{ "<> (<urn:uuid:r>)", BAD },
		{ "</r (<urn:uuid:r>)", BAD },
		{ "</a b> (<urn:uuid:r>)", BAD },
		{ "</../r> (<urn:uuid:r>)", BAD },
		{ "</%2e%2e/r> (<urn:uuid:r>)", BAD },
		{ "</a%2fr> (<urn:uuid:r>)", BAD },
		{ "</r?x> (<urn:uuid:r>)", BAD },
		{ "</%> (<urn:uuid:r>)", BAD },
		{ "<//h/r> (<urn:uuid:r>)", BAD },
		{ "<urn:uuid:r> (<urn:uuid:r>)", BAD },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
an_absent_header_holds_and_asks_nothing(void **state)
{
	struct headers none = { 0 };
	struct arena a = { 0 };
	struct if_header i = { .n = 42 };
	unsigned asked = 0;
	bool holds = false;

	(void)state;
	assert_int_equal(if_parse(&none, &origin, &a, &i, NULL), ERR_OK);
	assert_int_equal(i.n, 0);
	assert_int_equal(
	    if_check(&i, RPATH_ROOT, state_of, &asked, &holds, NULL), ERR_OK);
	assert_true(holds);
	assert_int_equal(asked, 0);
	arena_done(&a);
}

static void
two_headers_that_differ_are_refused(void **state)
{
	static const struct header fields[] = {
		{ STR_INIT("If"), STR_INIT("(<urn:uuid:r>)") },
		{ STR_INIT("If"), STR_INIT("(<urn:uuid:x>)") },
	};
	struct headers h = { .v = fields, .n = ARRAY_LEN(fields) };
	struct arena a = { 0 };
	struct if_header i;

	(void)state;
	assert_int_equal(if_parse(&h, &origin, &a, &i, NULL), ERR_BAD_HEADER);
	arena_done(&a);
}

static void
a_resource_is_asked_once_and_only_as_far_as_needed(void **state)
{
	static const struct {
		const char *value;
		unsigned asked;
	} cases[] = {
		{ "([\"x\"]) ([\"y\"]) (<urn:uuid:x>)", 1 },
		{ "</r> ([\"r\"]) </o%20o> ([\"o\"])", 1 },
		{ "</r> ([\"x\"]) </o%20o> ([\"o\"])", 2 },
		{ "<http://other/> (<urn:uuid:r>)", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = { 0 };
		struct if_header h;
		unsigned asked = 0;
		bool holds;

		assert_int_equal(parse(cases[i].value, &a, &h, NULL), ERR_OK);
		assert_int_equal(if_check(&h, (struct rpath){ STR("/r") },
				     state_of, &asked, &holds, NULL),
		    ERR_OK);
		assert_int_equal(asked, cases[i].asked);
		arena_done(&a);
	}
}

static enum err_code
cannot_tell(void *arg, struct rpath path, struct if_state *out, struct err *err)
{
	(void)arg;
	(void)path;
	(void)out;
	return err_set(err, ERR_IO, "disk");
}

static void
a_state_that_cannot_be_had_is_a_failure_not_a_verdict(void **state)
{
	struct arena a = { 0 };
	struct if_header h;
	struct err err = { 0 };
	bool holds = true;

	(void)state;
	assert_int_equal(parse("(<urn:uuid:r>)", &a, &h, NULL), ERR_OK);
	assert_int_equal(if_check(&h, (struct rpath){ STR("/r") }, cannot_tell,
			     NULL, &holds, &err),
	    ERR_IO);
	assert_int_equal(err.code, ERR_IO);
	assert_true(holds);
	arena_done(&a);
}

static void
it_survives_each_failed_allocation(void **state)
{
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		struct arena a = { 0 };
		struct if_header h = { .n = 42 };
		struct err err = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = parse("</r> (<urn:uuid:r>) </o%20o> ([\"o\"])"
			   "<http://other/> ([\"o\"])",
		    &a, &h, &err);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			assert_int_equal(h.n, 3);
			arena_done(&a);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
		assert_int_equal(err.code, ERR_NOMEM);
		assert_int_equal(h.n, 42);
		arena_done(&a);
	}
	assert_true(n > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(untagged_lists_are_about_the_request),
		cmocka_unit_test(tagged_lists_are_about_their_tag),
		cmocka_unit_test(what_clients_send_is_read),
		cmocka_unit_test(what_is_not_of_the_grammar_is_refused),
		cmocka_unit_test(an_absent_header_holds_and_asks_nothing),
		cmocka_unit_test(two_headers_that_differ_are_refused),
		cmocka_unit_test(
		    a_resource_is_asked_once_and_only_as_far_as_needed),
		cmocka_unit_test(
		    a_state_that_cannot_be_had_is_a_failure_not_a_verdict),
		cmocka_unit_test(it_survives_each_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
