/* SPDX-License-Identifier: MIT */
/* What an answer to many operations says of each, and what is known of them. */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include <stdio.h>

#include "client/bulk.h"
#include "client/bulk_known.h"

#define N 3

/* How it was sent: three operations. */
enum {
	NAMED = 1 << 0, /* with the ids a, b, c */
	KEYED = 1 << 1,
	BEFORE = 1 << 2, /* an earlier request got no answer */
	DELETES = 1 << 3,
	INDEXES = 1 << 4, /* actions of _bulk */
};

static struct str
letter(size_t i)
{
	static const struct str letters[N] = { STR_INIT("a"), STR_INIT("b"),
		STR_INIT("c") };

	return letters[i];
}

static void
make_items(struct bulk_item *items, unsigned how)
{
	size_t i;

	for (i = 0; i < N; i++)
		items[i] = (struct bulk_item){
			.id = how & NAMED ? letter(i) : str_of("", 0),
			.op = how & INDEXES ? STR("index") : str_of("", 0),
			.keyed = how & KEYED,
			.repeatable = how & KEYED,
			.before = how & BEFORE,
			.deletes = how & DELETES,
		};
}

static enum err_code
read_body(struct bulk_match *m, const char *body, struct reading *out)
{
	const struct reader_spec spec = { STR("application/json"), NULL };
	struct reader *r = NULL;
	enum err_code rc = reader_new(&spec, &m->base, &r, NULL);

	if (!rc) {
		(void)ostream_write(reader_stream(r), str_from_c(body));
		rc = reader_end(r, false, out, NULL);
	}
	reader_free(r);
	return rc;
}

static void
put_items(struct buf *b, const struct bulk_item *items)
{
	static const char fates[FATE_COUNT] = { 'D', 'F', 'P', '?', 'L' };
	static const char blames[BLAME_COUNT] = { '-', 's', 'a', 'p', 'c', 'u',
		'd', 'l', 'i' };
	size_t i;

	for (i = 0; i < N; i++)
		buf_printf(b, " %c%c%u%s", fates[items[i].v.fate],
		    blames[items[i].v.blame], items[i].v.status,
		    items[i].again ? "+" : "");
}

/* The finding, then of each item fate, blame and status; + goes again. */
static enum err_code
judge_it(unsigned how, unsigned status, enum err_code rc, const char *body,
    struct buf *out)
{
	struct bulk_item items[N];
	struct arena kept CLEANUP(arena_done) = { 0 };
	struct bulk_match m = {
		.items = items, .n = N, .kept = &kept, .by_id = how & NAMED
	};
	struct bulk_reply r = {
		.rc = rc, .status = status, .wait = -1, .sent = true
	};
	const char *odd;
	enum err_code failed;

	make_items(items, how);
	failed = bulk_match_init(&m, NULL);
	if (!failed && body) {
		failed = read_body(&m, body, &r.reading);
		r.was_read = true;
	}
	if (!failed) {
		buf_printf(out, "%d", (int)bulk_judge(&r, &m, &odd));
		put_items(out, items);
		if (odd)
			BUF_LIT(out, " !");
	}
	bulk_match_done(&m);
	return failed;
}

#define IT(id, status) "{\"id\":\"" id "\",\"status\":" status "}"
#define LIST(items) "{\"results\":[" items "]}"
#define ACT(op, status) "{\"" op "\":{\"_id\":\"x\",\"status\":" status "}}"

static const struct row {
	const char *what;
	unsigned how, status;
	enum err_code rc;
	const char *body, *out;
} rows[] = {
	{ "all is well, in any order", NAMED, 207, ERR_OK,
	    LIST(IT("c", "200") "," IT("a", "201") "," IT("b", "304")),
	    "0 D-201 D-304 D-200" },
	{ "some failed", NAMED, 207, ERR_OK,
	    LIST(IT("a", "409") "," IT("b", "500") "," IT("c", "204")),
	    "0 Fs409 Fs500 D-204" },
	{ "what may pass goes again, if it may be repeated", NAMED | KEYED, 207,
	    ERR_OK, LIST(IT("a", "503") "," IT("b", "429") "," IT("c", "423")),
	    "0 Fs503+ Fs429+ Fs423" },
	{ "and not if it may not", NAMED, 207, ERR_OK,
	    LIST(IT("a", "503") "," IT("b", "200") "," IT("c", "200")),
	    "0 Fs503 D-200 D-200" },
	{ "what waited goes with its cause", NAMED | KEYED, 207, ERR_OK,
	    LIST(IT(
		"a", "503") ",{\"id\":\"b\",\"status\":424,\"causedBy\":\"a\"},"
			    "{\"id\":\"c\",\"status\":424,\"causedBy\":\"b\"}"),
	    "0 Fs503+ Fs424+ Fs424+" },
	{ "a key that is in use is waited for", NAMED | KEYED, 207, ERR_OK,
	    LIST("{\"id\":\"a\",\"status\":409,\"retryAfter\":1}," IT(
		"b", "409") "," IT("c", "200")),
	    "0 Fs409+ Fs409 D-200" },
	{ "what is not mentioned is unknown", NAMED, 207, ERR_OK,
	    LIST(IT("a", "200") "," IT("c", "200")), "0 D-200 ?c0 D-200" },
	{ "and goes again if it may be repeated", NAMED | KEYED, 207, ERR_OK,
	    LIST(IT("a", "200") "," IT("c", "200")), "0 D-200 ?c0+ D-200" },
	{ "a status that says nothing", NAMED, 207, ERR_OK,
	    LIST(IT("a", "202") "," IT("b", "\"ok\"") "," IT("c", "207")),
	    "0 ?c202 ?c0 ?c207" },
	{ "twice", NAMED, 207, ERR_OK,
	    LIST(IT("a", "200") "," IT("a", "200") "," IT("b", "200") "," IT(
		"c", "200")),
	    "0 ?p0 D-200 D-200 !" },
	{ "a name that was not sent", NAMED, 207, ERR_OK,
	    LIST(IT("a", "200") "," IT("x", "200") "," IT("c", "200")),
	    "0 D-200 ?p0 D-200 !" },
	{ "malformed in the middle", NAMED, 207, ERR_OK,
	    "{\"results\":[" IT("a", "200") ",!", "0 D-200 ?p0 ?p0 !" },
	{ "cut short", NAMED | KEYED, 207, ERR_CUT_SHORT,
	    "{\"results\":[" IT("a", "200") ",", "0 D-200 ?c0+ ?c0+" },
	{ "a summary that says otherwise", NAMED, 207, ERR_OK,
	    "{\"summary\":{\"total\":3,\"success\":2,\"failed\":1},\"results\":"
	    "[" IT("a", "200") "," IT("b", "200") "," IT("c", "200") "]}",
	    "0 ?p0 ?p0 ?p0 !" },
	{ "by index", 0, 207, ERR_OK,
	    LIST("{\"index\":2,\"status\":403},{\"index\":0,\"status\":200},"
		 "{\"index\":1,\"status\":200}"),
	    "0 D-200 D-200 Fs403" },
	{ "by place, whatever they are called", 0, 200, ERR_OK,
	    LIST(IT("x", "200") "," IT("y", "404") "," IT("z", "200")),
	    "0 D-200 Fs404 D-200" },
	{ "by place, and one is missing at the end", 0, 200, ERR_OK,
	    LIST(IT("x", "200") "," IT("y", "200")), "0 D-200 D-200 ?c0" },
	{ "by place, and one too many", 0, 200, ERR_OK,
	    LIST(IT("x", "200") "," IT("y", "200") "," IT("z", "200") "," IT(
		"w", "200")),
	    "0 ?p0 ?p0 ?p0 !" },
	{ "actions", INDEXES, 200, ERR_OK,
	    "{\"errors\":true,\"items\":[" ACT("index", "201") "," ACT(
		"index", "409") "," ACT("index", "200") "]}",
	    "0 D-201 Fs409 D-200" },
	{ "actions that are others", INDEXES, 200, ERR_OK,
	    "{\"errors\":false,\"items\":[" ACT("index", "201") "," ACT(
		"delete", "200") "," ACT("index", "200") "]}",
	    "0 ?p0 ?p0 ?p0 !" },
	{ "a DELETE that is gone after an earlier one was lost",
	    NAMED | BEFORE | DELETES, 207, ERR_OK,
	    LIST(IT("a", "404") "," IT("b", "204") "," IT("c", "403")),
	    "0 D-404 D-204 Fs403" },
	{ "a conflict that may be with oneself", NAMED | BEFORE, 207, ERR_OK,
	    LIST(IT("a", "409") "," IT("b", "412") "," IT("c", "403")),
	    "0 ?c409 ?c412 Fs403" },
	{ "and not where there are keys", NAMED | BEFORE | KEYED, 207, ERR_OK,
	    LIST(IT("a", "409") "," IT("b", "412") "," IT("c", "403")),
	    "0 Fs409 Fs412 Fs403" },
	{ "a refusal with items", NAMED, 422, ERR_OK,
	    LIST(IT("a", "424") "," IT("b", "409") "," IT("c", "424")),
	    "0 Fs424 Fs409 Fs424" },
	{ "a refusal without", NAMED, 422, ERR_OK, NULL,
	    "5 Fs422 Fs422 Fs422" },
	{ "a refusal whose body is something else", NAMED, 400, ERR_OK,
	    "{\"error\":\"no\"}", "5 Fs400 Fs400 Fs400" },
	{ "too large", NAMED, 413, ERR_OK, NULL, "1 Fs413+ Fs413+ Fs413+" },
	{ "busy", NAMED, 429, ERR_OK, NULL, "2 Fs429+ Fs429+ Fs429+" },
	{ "busy, in other words", NAMED, 503, ERR_OK, NULL,
	    "2 Fs503 Fs503 Fs503" },
	{ "and it may be repeated", NAMED | KEYED, 503, ERR_OK, NULL,
	    "2 Fs503+ Fs503+ Fs503+" },
	{ "broken down", NAMED, 500, ERR_OK, NULL, "3 ?c500 ?c500 ?c500" },
	{ "a gateway that waited no longer", NAMED, 504, ERR_OK, NULL,
	    "3 ?c504 ?c504 ?c504" },
	{ "and it may be repeated", NAMED | KEYED, 502, ERR_OK, NULL,
	    "3 ?c502+ ?c502+ ?c502+" },
	{ "not implemented", NAMED, 501, ERR_OK, NULL, "6 Fs501 Fs501 Fs501" },
	{ "not allowed", NAMED, 403, ERR_OK, NULL, "6 Fa403 Fa403 Fa403" },
	{ "not there", NAMED, 404, ERR_OK, NULL, "6 Fs404 Fs404 Fs404" },
	{ "another status", NAMED, 599, ERR_OK, NULL, "3 ?c599 ?c599 ?c599" },
	{ "no answer", NAMED, 0, ERR_CUT_SHORT, NULL, "3 ?c0 ?c0 ?c0" },
	{ "no answer, and keys", NAMED | KEYED, 0, ERR_CUT_SHORT, NULL,
	    "3 ?c0+ ?c0+ ?c0+" },
	{ "later", NAMED | KEYED, 202, ERR_OK, "{}", "3 ?c0+ ?c0+ ?c0+" },
	{ "a page for people", NAMED | KEYED, 200, ERR_OK, "<html/>",
	    "3 ?p0 ?p0 ?p0" },
	{ "not reached", NAMED, 0, ERR_UNREACHABLE, NULL, "4 Fu0+ Fu0+ Fu0+" },
	{ "no HTTP", NAMED, 0, ERR_BAD_ANSWER, NULL, "3 ?p0 ?p0 ?p0" },
	{ "broken off", NAMED | KEYED, 0, ERR_CANCELLED, NULL,
	    "3 ?i0 ?i0 ?i0" },
};

static void
an_answer_says_what_became_of_each(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct buf out CLEANUP(buf_done) = { 0 };

		assert_int_equal(
		    judge_it(r->how, r->status, r->rc, r->body, &out), ERR_OK);
		if (!str_eq(buf_str(&out), str_from_c(r->out)))
			fail_msg("%s: %.*s", r->what, STR_ARG(buf_str(&out)));
	}
}

static void
each_allocation_of_it_may_fail(void **state)
{
	enum err_code rc;
	unsigned long n;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		for (n = 1;; n++) {
			const struct row *r = &rows[i];
			struct buf out CLEANUP(buf_done) = { 0 };

			alloc_fail_at(n);
			rc = judge_it(r->how, r->status, r->rc, r->body, &out);
			if (!rc)
				rc = buf_failed(&out);
			if (!alloc_fail_stop())
				break;
			assert_int_equal(rc, ERR_NOMEM);
		}
}

/* ---- what is known */

static enum known_state
state_of(const struct bulk_known *k, const char *id)
{
	const struct known *one = bulk_known_find(k, str_from_c(id));

	assert_non_null(one);
	return one->state;
}

static void
a_group_is_done_when_all_of_it_is(void **state)
{
	struct bulk_known *k;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(bulk_known_new(8, &k, NULL), ERR_OK);
	assert_int_equal(bulk_known_add(k, STR("a"), STR("g"), NULL), ERR_OK);
	assert_int_equal(bulk_known_add(k, STR("b"), STR("g"), NULL), ERR_OK);
	assert_int_equal(bulk_known_add(k, STR("c"), STR(""), NULL), ERR_OK);
	assert_int_equal(
	    bulk_known_add(k, STR("d"), STR("g"), &err), ERR_EXISTS);
	assert_non_null(strstr(err.tell, "no neighbours"));
	assert_int_equal(
	    bulk_known_add(k, STR("a"), STR(""), &err), ERR_EXISTS);
	assert_non_null(strstr(err.tell, "'a' stands twice"));
	assert_int_equal(bulk_known_settle(k, STR("a"), STR("g"), true,
			     STR("\"1\""), STR("/a"), NULL),
	    ERR_OK);
	assert_int_equal(state_of(k, "a"), KNOWN_DONE);
	assert_str_equal(bulk_known_find(k, STR("a"))->etag, STR("\"1\""));
	assert_str_equal(bulk_known_find(k, STR("a"))->href, STR("/a"));
	assert_int_equal(state_of(k, "g"), KNOWN_PENDING);
	assert_int_equal(bulk_known_settle(k, STR("b"), STR("g"), true, STR(""),
			     STR(""), NULL),
	    ERR_OK);
	assert_int_equal(state_of(k, "g"), KNOWN_DONE);
	assert_int_equal(bulk_known_settle(k, STR("c"), STR(""), false, STR(""),
			     STR(""), NULL),
	    ERR_OK);
	assert_int_equal(state_of(k, "c"), KNOWN_FAILED);
	bulk_known_free(k);
}

static void
only_the_last_are_known(void **state)
{
	struct bulk_known *k;
	char id[16];
	int i;

	(void)state;
	assert_int_equal(bulk_known_new(100, &k, NULL), ERR_OK);
	for (i = 0; i < 1000; i++) {
		(void)snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(
		    bulk_known_add(k, str_from_c(id), STR(""), NULL), ERR_OK);
	}
	for (i = 0; i < 1000; i++) {
		(void)snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(
		    bulk_known_find(k, str_from_c(id)) != NULL, i >= 900);
	}
	bulk_known_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_says_what_became_of_each),
		cmocka_unit_test(each_allocation_of_it_may_fail),
		cmocka_unit_test(a_group_is_done_when_all_of_it_is),
		cmocka_unit_test(only_the_last_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
