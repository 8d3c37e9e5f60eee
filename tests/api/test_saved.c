/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sheaf/saved.h>

#include "api_test.h"

#define BODY                                               \
	"<D:multistatus xmlns:D=\"DAV:\"><D:response>"     \
	"<D:href>/a</D:href><D:status>HTTP/1.1 423 Locked" \
	"</D:status></D:response></D:multistatus>"
#define RAW                                                \
	"HTTP/1.1 207 Multi-Status\r\n"                    \
	"Content-Type: application/xml; charset=utf-8\r\n" \
	"Retry-After: 7\r\n\r\n" BODY
#define ENTRY(method, url, status, type, text)                       \
	"{\"request\":{\"method\":\"" method "\",\"url\":\"" url     \
	"\",\"headers\":[]},\"response\":{\"status\":" status        \
	",\"headers\":[{\"name\":\"Content-Type\",\"value\":\"" type \
	"\"}],\"content\":{\"mimeType\":\"" type "\",\"text\":\"" text "\"}}}"
#define HAR                                                                                      \
	"{\"log\":{\"version\":\"1.2\",\"entries\":[" ENTRY("GET",                               \
	    "https://h.example/", "200", "text/html",                                            \
	    "hello") "," ENTRY("POST", "https://h.example/bulk", "207",                          \
	    "application/json",                                                                  \
	    "{\\\"results\\\":[{\\\"id\\\":\\\"x\\\",\\\"status\\\":200}]}") "," ENTRY("DELETE", \
	    "https://h.example/d/", "207", "application/xml",                                    \
	    "<multistatus xmlns='DAV:'") "]}}"

struct seen {
	char text[1024];
	int stop_at; /* the event that says stop, from 1; 0: none */
	int events;
};

static int
note(struct seen *s, const char *text)
{
	append(s->text, sizeof(s->text), text);
	return ++s->events == s->stop_at;
}

static int
on_begin(void *arg, const struct sheaf_head *h)
{
	char line[256];

	(void)snprintf(line, sizeof(line), "[%u %s %s %s %s]",
	    (unsigned)h->status, h->method, h->url, h->content_type,
	    h->retry_after);
	return note(arg, line);
}

static int
on_item(void *arg, const struct sheaf_outcome *o)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "%s%s=%u ", o->href, o->id,
	    (unsigned)o->status);
	return note(arg, line);
}

static int
on_end(void *arg, const struct sheaf_answer *a)
{
	return note(
	    arg, sheaf_result_name(sheaf_answer_reading(a)->result) + 6);
}

static const struct sheaf_saved_events events = { sizeof(events), on_begin,
	on_item, on_end };

static enum sheaf_result
read_saved(const char *text, size_t piece, struct seen *seen)
{
	struct sheaf_saved *s;
	enum sheaf_result rc = sheaf_saved_new(NULL, &events, seen, &s);
	size_t i, n = strlen(text);

	if (rc)
		return rc;
	for (i = 0; !rc && i < n; i += piece)
		rc = sheaf_saved_feed(
		    s, text + i, n - i < piece ? n - i : piece);
	if (!rc)
		rc = sheaf_saved_end(s);
	sheaf_saved_free(s);
	return rc;
}

static void
each_way_of_saving_is_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum sheaf_result result;
		const char *seen;
	} cases[] = {
		{ BODY, SHEAF_PARTIAL, "[0    ]/a=423 PARTIAL" },
		{ RAW, SHEAF_PARTIAL,
		    "[207   application/xml; charset=utf-8 7]"
		    "/a=423 PARTIAL" },
		{ HAR, SHEAF_CUT_SHORT,
		    "[207 POST https://h.example/bulk application/json ]"
		    "x=200 OK"
		    "[207 DELETE https://h.example/d/ application/xml ]"
		    "CUT_SHORT" },
	};
	size_t i, piece;

	(void)state;
	for (i = 0; i < LEN(cases); i++)
		for (piece = 1; piece < 2000; piece = piece * 3 + 1) {
			struct seen seen = { .events = 0 };

			assert_int_equal(
			    read_saved(cases[i].text, piece, &seen),
			    cases[i].result);
			assert_string_equal(seen.text, cases[i].seen);
		}
}

static void
what_holds_no_answer_says_so(void **state)
{
	static const char *const texts[] = { "", "HTTP/1.1 207 Multi",
		"{\"log\":{\"version\":\"1.2\",\"entries\":[]}}" };
	struct seen seen = { .events = 0 };
	struct sheaf_saved *s;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(texts); i++)
		assert_true(
		    read_saved(texts[i], 1000, &seen) > SHEAF_CONTRADICTS);
	assert_int_equal(sheaf_saved_new(NULL, NULL, NULL, &s), SHEAF_OK);
	assert_string_equal(sheaf_saved_message(s), "");
	assert_int_equal(
	    sheaf_saved_feed(s, texts[2], strlen(texts[2])), SHEAF_OK);
	assert_int_equal(sheaf_saved_end(s), SHEAF_MALFORMED);
	assert_true(*sheaf_saved_message(s));
	assert_int_equal(sheaf_saved_end(s), SHEAF_INVALID);
	assert_int_equal(sheaf_saved_feed(s, "x", 1), SHEAF_INVALID);
	sheaf_saved_free(s);
	sheaf_saved_free(NULL);
}

static void
each_event_can_stop_it(void **state)
{
	int at;

	(void)state;
	for (at = 1; at <= 3; at++) {
		struct seen seen = { .stop_at = at };

		assert_int_equal(read_saved(RAW, 1000, &seen), SHEAF_STOPPED);
		assert_true(seen.events >= at);
	}
}

static void
options_that_are_not_known_are_refused(void **state)
{
	struct sheaf_reader_options o = SHEAF_READER_OPTIONS_INIT;
	struct sheaf_saved *s;

	(void)state;
	o.keep = (enum sheaf_keep)9;
	assert_int_equal(sheaf_saved_new(&o, NULL, NULL, &s), SHEAF_INVALID);
	assert_null(s);
}

static void
without_memory_it_says_so(void **state)
{
	static const char *const texts[] = { RAW, HAR };
	unsigned long n;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(texts); i++)
		for (n = 1;; n++) {
			struct seen seen = { .events = 0 };
			enum sheaf_result rc;

			alloc_fail_at(n);
			rc = read_saved(texts[i], 100, &seen);
			if (!alloc_fail_stop())
				break;
			assert_int_equal(rc, SHEAF_NOMEM);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_of_saving_is_told_apart),
		cmocka_unit_test(what_holds_no_answer_says_so),
		cmocka_unit_test(each_event_can_stop_it),
		cmocka_unit_test(options_that_are_not_known_are_refused),
		cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
