/* SPDX-License-Identifier: MIT */
/*
 * remote_start() from the request it makes to the verdict it gives, with the
 * transport played by hand: what comes in which pieces, and where it ends.
 */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include <stdio.h>

#include "client/remote.h"

/* ---- the transport: stands in for client/call.c */

static struct sent {
	bool started;
	struct buf fields; /* "Name: value\n" */
	struct call_events events;
	void *arg;
} sent;

enum err_code
client_call(struct client *c, const struct call_spec *spec, struct err *err)
{
	size_t i;

	(void)c;
	(void)err;
	buf_clear(&sent.fields);
	for (i = 0; i < spec->n_fields; i++) {
		buf_put(&sent.fields, spec->fields[i].name);
		BUF_LIT(&sent.fields, ": ");
		buf_put(&sent.fields, spec->fields[i].value);
		buf_putc(&sent.fields, '\n');
	}
	sent.events = *spec->events;
	sent.arg = spec->arg;
	sent.started = true;
	return ERR_OK;
}

struct answer {
	unsigned status;
	const char *type;
	const char *fields[4][2];
	const char *body;
	enum err_code rc;
	const char *url;
};

static void
play(const struct answer *a)
{
	struct header fields[4];
	struct answer_head h = { .status = a->status,
		.fields = { .v = fields, .n = 0 },
		.content_type = str_from_c(a->type),
		.url = str_from_c(a->url) };
	struct call_end end = {
		.rc = a->rc, .status = a->status, .attempts = 1
	};
	struct str body = str_from_c(a->body);
	size_t i;

	for (i = 0; i < 4 && a->fields[i][0]; i++)
		fields[h.fields.n++] =
		    (struct header){ str_from_c(a->fields[i][0]),
			    str_from_c(a->fields[i][1]) };
	if (a->status)
		end.rc = sent.events.head(sent.arg, &h, &end.err);
	for (i = 0; !end.rc && i < body.len; i += 7)
		end.rc = sent.events.body(
		    sent.arg, str_head(str_skip(body, i), 7), &end.err);
	if (!end.rc)
		end.rc = a->rc;
	sent.events.done(sent.arg, &end);
}

/* ---- what comes of it */

struct heard {
	struct sink members;
	struct buf said; /* members: "href status;" */
	struct buf text;
	struct verdict v;
	char token[64];
	char note[128];
	unsigned done;
};

static enum err_code
hear_member(struct sink *s, const struct outcome *o)
{
	struct heard *h = CONTAINER_OF(s, struct heard, members);

	buf_put(&h->said, o->told->href);
	buf_printf(&h->said, " %u;", o->status);
	return ERR_OK;
}

static void
hear_lock(void *arg, const struct told_lock *l)
{
	struct heard *h = arg;

	(void)snprintf(h->token, sizeof(h->token), "%.*s", STR_ARG(l->token));
}

static void
hear_note(void *arg, struct str line)
{
	struct heard *h = arg;

	(void)snprintf(h->note, sizeof(h->note), "%.*s", STR_ARG(line));
}

static void
hear(void *arg, const struct verdict *v)
{
	struct heard *h = arg;

	h->v = *v;
	buf_put(&h->text, v->text);
	h->done++;
}

static void
heard_done(struct heard *h)
{
	buf_done(&h->said);
	buf_done(&h->text);
}

static enum err_code
ask(struct heard *h, struct remote_spec spec, const struct answer *a)
{
	static const struct sink_ops ops = { .name = "heard",
		.put = hear_member };
	enum err_code rc;

	sink_init(&h->members, &ops);
	if (!spec.url.len)
		spec.url = STR("http://h/a/");
	spec.members = &h->members;
	spec.lock = hear_lock;
	spec.note = hear_note;
	spec.done = hear;
	spec.arg = h;
	sent.started = false;
	rc = remote_start(NULL, &spec, NULL);
	if (!rc && a)
		play(a);
	return rc;
}

#define MULTI(inside) "<D:multistatus xmlns:D='DAV:'>" inside "</D:multistatus>"
#define MEMBER(href, status)                                              \
	"<D:response><D:href>" href "</D:href><D:status>HTTP/1.1 " status \
	" x</D:status></D:response>"

static void
a_request_says_what_its_spec_says(void **state)
{
	static const struct header more = { STR_INIT("X-A"), STR_INIT("b") };
	static const struct answer gone = { .status = 204 };
	struct heard h = { 0 };

	(void)state;
	assert_int_equal(ask(&h,
			     (struct remote_spec){ .method = "MOVE",
				 .destination = STR("http://h/b/c"),
				 .has_depth = true,
				 .depth = DEPTH_INFINITY,
				 .keep = true,
				 .if_match = STR("\"e\""),
				 .lock_token = STR("urn:t"),
				 .fields = &more,
				 .n_fields = 1 },
			     &gone),
	    ERR_OK);
	assert_str_equal(buf_str(&sent.fields),
	    STR("Depth: infinity\nDestination: http://h/b/c\nOverwrite: F\n"
		"If-Match: \"e\"\n"
		"If: <http://h/a/> (<urn:t>) <http://h/> (<urn:t>) "
		"<http://h/b/c> (<urn:t>) <http://h/b/> (<urn:t>)\n"
		"X-A: b\n"));
	assert_int_equal(h.v.fate, FATE_DONE);
	assert_int_equal(ask(&h,
			     (struct remote_spec){ .method = "UNLOCK",
				 .lock_token = STR("urn:t") },
			     &gone),
	    ERR_OK);
	assert_str_equal(buf_str(&sent.fields), STR("Lock-Token: <urn:t>\n"));
	assert_int_equal(ask(&h,
			     (struct remote_spec){
				 .method = "LOCK", .lock_token = STR("urn:t") },
			     &gone),
	    ERR_OK);
	assert_str_equal(buf_str(&sent.fields), STR("If: (<urn:t>)\n"));
	assert_int_equal(ask(&h,
			     (struct remote_spec){
				 .method = "DELETE", .url = STR("ftp://h/") },
			     NULL),
	    ERR_BAD_REQUEST);
	assert_false(sent.started);
	heard_done(&h);
}

static void
an_answer_is_read_to_its_end(void **state)
{
	static const struct {
		const char *method;
		struct answer a;
		enum fate fate;
		enum blame blame;
		const char *said, *text;
	} rows[] = {
		{ "DELETE",
		    { .status = 207,
			.type = "application/xml",
			.body = MULTI(MEMBER("/a/x", "423")) },
		    FATE_PARTIAL, BLAME_STATUS, "http://h/a/x 423;",
		    "http://h/a/x" },
		{ "DELETE",
		    { .status = 207, .body = MULTI(MEMBER("x%20y", "500")) },
		    FATE_PARTIAL, BLAME_STATUS, "http://h/a/x%20y 500;", "" },
		{ "DELETE",
		    { .status = 207,
			.type = "text/html",
			.body = "<html><p>x</p></html>" },
		    FATE_UNKNOWN, BLAME_PROTOCOL, "", "" },
		{ "DELETE", { .status = 207, .body = "" }, FATE_UNKNOWN,
		    BLAME_PROTOCOL, "", "" },
		{ "DELETE",
		    { .status = 207,
			.body = "<D:multistatus xmlns:D='DAV:'>" MEMBER(
			    "/a/x", "423") },
		    FATE_UNKNOWN, BLAME_CUT, "http://h/a/x 423;", "line" },
		{ "DELETE",
		    { .status = 207,
			.body = MULTI(MEMBER("/a/x", "423")),
			.rc = ERR_CUT_SHORT },
		    FATE_UNKNOWN, BLAME_CUT, "http://h/a/x 423;", "" },
		{ "DELETE", { .status = 207, .body = MULTI("<x></y>") },
		    FATE_UNKNOWN, BLAME_PROTOCOL, "", "line" },
		{ "DELETE",
		    { .status = 207,
			.body = MULTI(MEMBER("http://evil/a", "423")) },
		    FATE_UNKNOWN, BLAME_CUT, "http://evil/a 0;",
		    "http://evil/a" },
		{ "DELETE",
		    { .status = 207,
			.url = "http://h/b/",
			.body = MULTI(MEMBER("x", "423")) },
		    FATE_PARTIAL, BLAME_STATUS, "http://h/b/x 423;", "" },
		{ "DELETE",
		    { .status = 423,
			.type = "application/xml",
			.body = "<error xmlns='DAV:'><x/></error>" },
		    FATE_FAILED, BLAME_STATUS, "", "" },
		{ "PUT",
		    { .status = 507,
			.type = "application/problem+json",
			.body = "{\"detail\":\"the disk is full\"}" },
		    FATE_FAILED, BLAME_STATUS, "", "the disk is full" },
		{ "DELETE",
		    { .status = 301, .fields = { { "Location", "/b" } } },
		    FATE_FAILED, BLAME_STATUS, "", "http://h/b" },
		{ "LOCK", { .status = 200, .body = "" }, FATE_UNKNOWN,
		    BLAME_PROTOCOL, "", "" },
		{ "LOCK", { .status = 200, .body = "<x/>" }, FATE_UNKNOWN,
		    BLAME_PROTOCOL, "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct heard h = { 0 };

		assert_int_equal(
		    ask(&h, (struct remote_spec){ .method = rows[i].method },
			&rows[i].a),
		    ERR_OK);
		buf_putc(&h.text, '\0');
		if (h.done != 1 || h.v.fate != rows[i].fate ||
		    h.v.blame != rows[i].blame ||
		    !strstr(h.text.ptr, rows[i].text))
			fail_msg("%zu: %d %d %s", i, h.v.fate, h.v.blame,
			    h.text.ptr);
		assert_str_equal(buf_str(&h.said), str_from_c(rows[i].said));
		heard_done(&h);
	}
}

static void
a_lock_is_what_has_a_token(void **state)
{
	static const char body[] =
	    "<prop xmlns='DAV:'><lockdiscovery><activelock><locktoken><href>"
	    "urn:1</href></locktoken></activelock></lockdiscovery></prop>";
	static const struct {
		struct answer a;
		const char *refresh, *token;
	} rows[] = {
		{ { .status = 200, .body = body }, "", "urn:1" },
		{ { .status = 201,
		      .fields = { { "Lock-Token", "<urn:2>" } },
		      .body = "" },
		    "", "urn:2" },
		{ { .status = 200,
		      .fields = { { "Lock-Token", "<urn:1>" } },
		      .body = body },
		    "", "urn:1" },
		{ { .status = 200, .body = body }, "urn:1", "urn:1" },
		{ { .status = 200, .body = body }, "urn:3", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct heard h = { 0 };

		assert_int_equal(
		    ask(&h,
			(struct remote_spec){ .method = "LOCK",
			    .lock_token = str_from_c(rows[i].refresh) },
			&rows[i].a),
		    ERR_OK);
		assert_string_equal(h.token, rows[i].token);
		assert_int_equal(
		    h.v.fate, *rows[i].token ? FATE_DONE : FATE_UNKNOWN);
		heard_done(&h);
	}
}

static void
a_wait_is_what_the_server_says_if_it_can_be_read(void **state)
{
	static const struct {
		const char *value;
		int64_t seconds;
		const char *note;
	} rows[] = {
		{ "20", 20, "" },
		{ "0", 0, "" },
		{ "1.5", -1, "Retry-After" },
		{ "soon", -1, "Retry-After" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct answer a = { .status = 503,
			.fields = { { "Retry-After", rows[i].value } } };
		struct heard h = { 0 };

		assert_int_equal(
		    ask(&h, (struct remote_spec){ .method = "DELETE" }, &a),
		    ERR_OK);
		assert_int_equal(h.v.wait,
		    rows[i].seconds < 0 ? -1 : rows[i].seconds * 1000000000);
		assert_true(h.v.retryable);
		assert_non_null(strstr(h.note, rows[i].note));
		heard_done(&h);
	}
}

static void
want_of_memory_is_never_success(void **state)
{
	static const struct answer answers[] = {
		{ .status = 207, .body = MULTI(MEMBER("/a/x", "423")) },
		{ .status = 423,
		    .type = "text/xml",
		    .body = "<error xmlns='DAV:'><x>y</x></error>" },
		{ .status = 207, .body = MULTI(MEMBER("http://o/", "200")) },
	};
	unsigned long n;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(answers); i++) {
		for (n = 1;; n++) {
			struct heard h = { 0 };
			enum err_code rc;

			alloc_fail_at(n);
			rc = ask(&h,
			    (struct remote_spec){ .method = "DELETE",
				.lock_token = STR("urn:t") },
			    &answers[i]);
			if (!alloc_fail_stop()) {
				assert_int_equal(rc, ERR_OK);
				heard_done(&h);
				break;
			}
			assert_int_equal(h.done, rc ? 0 : 1);
			assert_true(rc || h.v.fate != FATE_DONE);
			heard_done(&h);
		}
	}
	buf_done(&sent.fields);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_says_what_its_spec_says),
		cmocka_unit_test(an_answer_is_read_to_its_end),
		cmocka_unit_test(a_lock_is_what_has_a_token),
		cmocka_unit_test(
		    a_wait_is_what_the_server_says_if_it_can_be_read),
		cmocka_unit_test(want_of_memory_is_never_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
