/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sheaf/reader.h>

#include "api_test.h"

#define XML_HEAD "<D:multistatus xmlns:D=\"DAV:\">"
#define RESPONSE(href, status)                                            \
	"<D:response><D:href>" href "</D:href><D:status>HTTP/1.1 " status \
	"</D:status></D:response>"
#define XML_TAIL "</D:multistatus>"

static const char two_of_three[] = XML_HEAD RESPONSE("/a", "204 No Content")
    RESPONSE("/b", "423 Locked") RESPONSE("/c", "503 Busy") XML_TAIL;

static enum sheaf_result
read_text(const struct sheaf_reader_options *o, const char *text,
    struct sheaf_answer **out)
{
	return sheaf_read(o, text, strlen(text), out);
}

static void
the_items_that_failed_hang_on_the_answer(void **state)
{
	struct sheaf_answer *a;
	const struct sheaf_reading *r;

	(void)state;
	assert_int_equal(read_text(NULL, two_of_three, &a), SHEAF_PARTIAL);
	assert_int_equal(sheaf_answer_count(a), 2);
	assert_string_equal(sheaf_answer_item(a, 0)->href, "/b");
	assert_int_equal(sheaf_answer_item(a, 0)->status, 423);
	assert_string_equal(sheaf_answer_item(a, 1)->href, "/c");
	assert_null(sheaf_answer_item(a, 2));
	r = sheaf_answer_reading(a);
	assert_int_equal(r->result, SHEAF_PARTIAL);
	assert_int_equal(r->form, SHEAF_FORM_XML);
	assert_int_equal(r->summary.total, 3);
	assert_int_equal(r->summary.success, 1);
	assert_int_equal(r->summary.failed, 2);
	assert_int_equal(r->summary.retryable, 2);
	assert_int_equal(r->bytes, strlen(two_of_three));
	assert_false(r->claims);
	assert_string_equal(r->message, "2 of 3 items failed");
	sheaf_answer_free(a);
}

static void
what_an_answer_is(void **state)
{
	static const struct {
		const char *text;
		enum sheaf_result result;
		size_t failed;
	} cases[] = {
		{ XML_HEAD XML_TAIL, SHEAF_OK, 0 },
		{ XML_HEAD RESPONSE("/a", "200 OK") XML_TAIL, SHEAF_OK, 0 },
		{ XML_HEAD RESPONSE("/a", "102 Processing") XML_TAIL,
		    SHEAF_PARTIAL, 1 },
		{ XML_HEAD RESPONSE("/a", "202 Accepted") XML_TAIL,
		    SHEAF_PARTIAL, 1 },
		{ XML_HEAD RESPONSE("/a", "302 Found") XML_TAIL, SHEAF_PARTIAL,
		    1 },
		{ XML_HEAD RESPONSE("/a", "fine") XML_TAIL, SHEAF_PARTIAL, 1 },
		{ XML_HEAD RESPONSE("/a", "423 Locked") "<D:resp",
		    SHEAF_CUT_SHORT, 1 },
		{ "", SHEAF_MALFORMED, 0 },
		{ XML_HEAD RESPONSE("/a", "423 Locked") "</D:other>",
		    SHEAF_MALFORMED, 1 },
		{ "<html/>", SHEAF_MALFORMED, 0 },
		{ "<!DOCTYPE x>" XML_HEAD XML_TAIL, SHEAF_MALFORMED, 0 },
		{ "not even that", SHEAF_MALFORMED, 0 },
		{ "{\"results\":[{\"id\":\"a\",\"status\":200}]}", SHEAF_OK,
		    0 },
		{ "{\"results\":[{\"id\":\"a\",\"status\":409}]}",
		    SHEAF_PARTIAL, 1 },
		{ "{\"results\":[{\"id\":\"a\",\"status\":409},",
		    SHEAF_CUT_SHORT, 1 },
		{ "{\"results\":[{\"id\":\"a\",\"status\":200}],"
		  "\"summary\":{\"total\":2,\"success\":1,\"failed\":1}}",
		    SHEAF_CONTRADICTS, 0 },
		{ "{\"errors\":true,\"items\":[{\"index\":{\"_id\":\"1\","
		  "\"status\":429}}]}",
		    SHEAF_PARTIAL, 1 },
		{ "{\"type\":\"start\"}\n"
		  "{\"type\":\"result\",\"id\":\"a\",\"status\":500}\n",
		    SHEAF_CUT_SHORT, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(cases); i++) {
		struct sheaf_answer *a;
		enum sheaf_result rc;

		rc = read_text(NULL, cases[i].text, &a);
		if (rc != cases[i].result)
			print_error("%s\n", cases[i].text);
		assert_int_equal(rc, cases[i].result);
		assert_non_null(a);
		assert_int_equal(sheaf_answer_count(a), cases[i].failed);
		assert_int_equal(sheaf_answer_reading(a)->result, rc);
		assert_int_equal(
		    !*sheaf_answer_reading(a)->message, rc == SHEAF_OK);
		sheaf_answer_free(a);
		assert_int_equal(read_text(NULL, cases[i].text, NULL), rc);
	}
}

static void
a_listing_entry_that_was_refused_is_not_overlooked(void **state)
{
	static const char text[] = XML_HEAD
	    "<D:response><D:href>/a</D:href><D:propstat><D:prop>"
	    "<D:getetag>\"x\"</D:getetag></D:prop>"
	    "<D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
	    "<D:propstat><D:prop><D:getcontentlength/></D:prop>"
	    "<D:status>HTTP/1.1 423 Locked</D:status></D:propstat>"
	    "</D:response>"
	    "<D:response><D:href>/b</D:href><D:propstat><D:prop>"
	    "<D:resourcetype><D:collection/></D:resourcetype>"
	    "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
	    "<D:propstat><D:prop><x:none xmlns:x=\"urn:x\"/></D:prop>"
	    "<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>"
	    "</D:response>" XML_TAIL;
	struct sheaf_reader_options all = SHEAF_READER_OPTIONS_INIT;
	const struct sheaf_outcome *o;
	struct sheaf_answer *a;

	(void)state;
	assert_int_equal(read_text(NULL, text, &a), SHEAF_PARTIAL);
	assert_int_equal(sheaf_answer_count(a), 1);
	assert_string_equal(sheaf_answer_item(a, 0)->href, "/a");
	sheaf_answer_free(a);

	all.keep = SHEAF_KEEP_ALL;
	assert_int_equal(read_text(&all, text, &a), SHEAF_PARTIAL);
	assert_int_equal(sheaf_answer_count(a), 2);
	o = sheaf_answer_item(a, 0);
	assert_int_equal(o->n_propstats, 2);
	assert_int_equal(o->propstats[0].status, 200);
	assert_string_equal(o->propstats[0].props[0].ns, "DAV:");
	assert_string_equal(o->propstats[0].props[0].name, "getetag");
	assert_string_equal(o->propstats[0].props[0].value, "\"x\"");
	assert_int_equal(o->propstats[0].props[0].kind, SHEAF_PROP_TEXT);
	assert_int_equal(o->propstats[1].status, 423);
	assert_string_equal(o->text, "");
	o = sheaf_answer_item(a, 1);
	assert_int_equal(o->propstats[0].props[0].kind, SHEAF_PROP_XML);
	assert_non_null(strstr(o->propstats[0].props[0].value, "collection"));
	assert_string_equal(o->propstats[1].props[0].ns, "urn:x");
	sheaf_answer_free(a);
}

static int
count_item(void *arg, const struct sheaf_outcome *o)
{
	assert_int_equal(o->size, sizeof(*o));
	assert_true(o->line >= 1);
	++*(unsigned *)arg;
	return 0;
}

static int
stop_at_second(void *arg, const struct sheaf_outcome *o)
{
	(void)o;
	return ++*(unsigned *)arg == 2;
}

static void
bytes_may_come_split_anywhere(void **state)
{
	struct sheaf_reader *r;
	struct sheaf_answer *a;
	unsigned n = 0;
	size_t i;

	(void)state;
	assert_int_equal(sheaf_reader_new(NULL, count_item, &n, &r), SHEAF_OK);
	for (i = 0; i < strlen(two_of_three); i++)
		assert_int_equal(
		    sheaf_reader_feed(r, &two_of_three[i], 1), SHEAF_OK);
	assert_int_equal(sheaf_reader_feed(r, NULL, 0), SHEAF_OK);
	assert_int_equal(n, 3);
	assert_int_equal(sheaf_reader_end(r, false, &a), SHEAF_PARTIAL);
	assert_int_equal(sheaf_reader_end(r, false, NULL), SHEAF_INVALID);
	assert_int_equal(sheaf_reader_feed(r, "x", 1), SHEAF_INVALID);
	sheaf_reader_free(r);
	/* The answer needs it no more. */
	assert_string_equal(sheaf_answer_item(a, 1)->href, "/c");
	sheaf_answer_free(a);
}

static void
what_the_transport_cut_is_cut_short(void **state)
{
	struct sheaf_reader *r;

	(void)state;
	assert_int_equal(sheaf_reader_new(NULL, NULL, NULL, &r), SHEAF_OK);
	assert_int_equal(
	    sheaf_reader_feed(r, two_of_three, strlen(two_of_three)), SHEAF_OK);
	assert_int_equal(sheaf_reader_end(r, true, NULL), SHEAF_CUT_SHORT);
	sheaf_reader_free(r);
	sheaf_reader_free(NULL);
	sheaf_answer_free(NULL);
}

static void
the_program_can_stop_it(void **state)
{
	struct sheaf_reader *r;
	struct sheaf_answer *a;
	unsigned n = 0;

	(void)state;
	assert_int_equal(
	    sheaf_reader_new(NULL, stop_at_second, &n, &r), SHEAF_OK);
	assert_int_equal(
	    sheaf_reader_feed(r, two_of_three, strlen(two_of_three)),
	    SHEAF_STOPPED);
	assert_int_equal(sheaf_reader_feed(r, "x", 1), SHEAF_STOPPED);
	assert_int_equal(n, 2);
	assert_int_equal(sheaf_reader_end(r, false, &a), SHEAF_STOPPED);
	assert_int_equal(sheaf_answer_count(a), 1);
	assert_int_equal(sheaf_answer_reading(a)->result, SHEAF_STOPPED);
	assert_true(*sheaf_answer_reading(a)->message);
	sheaf_answer_free(a);
	sheaf_reader_free(r);
}

static void
what_is_kept_is_bounded_and_the_rest_is_counted(void **state)
{
	struct sheaf_reader_options o = SHEAF_READER_OPTIONS_INIT;
	struct sheaf_answer *a;

	(void)state;
	o.max_kept = 1;
	assert_int_equal(read_text(&o, two_of_three, &a), SHEAF_PARTIAL);
	assert_int_equal(sheaf_answer_count(a), 1);
	assert_int_equal(sheaf_answer_reading(a)->not_kept, 1);
	assert_int_equal(sheaf_answer_reading(a)->summary.failed, 2);
	sheaf_answer_free(a);
	o.max_kept = 0;
	o.max_kept_bytes = 1;
	assert_int_equal(read_text(&o, two_of_three, &a), SHEAF_PARTIAL);
	assert_int_equal(sheaf_answer_count(a), 0);
	assert_int_equal(sheaf_answer_reading(a)->not_kept, 2);
	sheaf_answer_free(a);
	o = (struct sheaf_reader_options)SHEAF_READER_OPTIONS_INIT;
	o.keep = SHEAF_KEEP_NONE;
	assert_int_equal(read_text(&o, two_of_three, &a), SHEAF_PARTIAL);
	assert_int_equal(sheaf_answer_count(a), 0);
	assert_int_equal(sheaf_answer_reading(a)->not_kept, 0);
	sheaf_answer_free(a);
}

static void
limits_are_kept(void **state)
{
	struct sheaf_reader_options o = SHEAF_READER_OPTIONS_INIT;
	struct sheaf_answer *a;

	(void)state;
	o.max_bytes = strlen(two_of_three) - 1;
	assert_int_equal(read_text(&o, two_of_three, &a), SHEAF_TOO_LARGE);
	assert_int_equal(sheaf_answer_count(a), 2);
	sheaf_answer_free(a);
	o.max_bytes++;
	assert_int_equal(read_text(&o, two_of_three, NULL), SHEAF_PARTIAL);
	o.max_item_bytes = 40;
	assert_int_equal(read_text(&o, two_of_three, NULL), SHEAF_TOO_LARGE);
	o.max_item_bytes = 0;
	o.max_depth = 2;
	assert_int_equal(read_text(&o, two_of_three, NULL), SHEAF_TOO_LARGE);
}

static void
options_of_other_versions(void **state)
{
	struct {
		struct sheaf_reader_options o;
		char newer[16];
	} later = { SHEAF_READER_OPTIONS_INIT, { 0 } };
	struct sheaf_reader *r;

	(void)state;
	later.o.size = sizeof(later);
	assert_int_equal(
	    read_text(&later.o, two_of_three, NULL), SHEAF_PARTIAL);
	later.newer[3] = 1;
	assert_int_equal(
	    read_text(&later.o, two_of_three, NULL), SHEAF_INVALID);
	later.o.size = offsetof(struct sheaf_reader_options, max_bytes);
	assert_int_equal(
	    read_text(&later.o, two_of_three, NULL), SHEAF_PARTIAL);
	later.o.size = 0;
	assert_int_equal(
	    sheaf_reader_new(&later.o, NULL, NULL, &r), SHEAF_INVALID);
	assert_null(r);
	later.o = (struct sheaf_reader_options)SHEAF_READER_OPTIONS_INIT;
	later.o.keep = (enum sheaf_keep)77;
	assert_int_equal(
	    sheaf_reader_new(&later.o, NULL, NULL, &r), SHEAF_INVALID);
}

static void
the_content_type_decides_where_it_says(void **state)
{
	struct sheaf_reader_options o = SHEAF_READER_OPTIONS_INIT;
	struct sheaf_answer *a;

	(void)state;
	o.content_type = "application/json";
	assert_int_equal(read_text(&o, two_of_three, &a), SHEAF_MALFORMED);
	assert_int_equal(sheaf_answer_reading(a)->form, SHEAF_FORM_JSON);
	sheaf_answer_free(a);
	o.content_type = "text/plain";
	assert_int_equal(read_text(&o, two_of_three, NULL), SHEAF_PARTIAL);
}

static void
a_pipe_is_read_to_its_end(void **state)
{
	struct sheaf_answer *a;
	unsigned n = 0;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], two_of_three, strlen(two_of_three)),
	    strlen(two_of_three));
	close(ends[1]);
	assert_int_equal(
	    sheaf_read_fd(NULL, ends[0], count_item, &n, &a), SHEAF_PARTIAL);
	assert_int_equal(n, 3);
	assert_int_equal(sheaf_answer_count(a), 2);
	sheaf_answer_free(a);
	close(ends[0]);
	errno = 0;
	assert_int_equal(
	    sheaf_read_fd(NULL, ends[0], NULL, NULL, &a), SHEAF_IO);
	assert_int_equal(errno, EBADF);
	assert_non_null(a);
	sheaf_answer_free(a);
}

static void
a_summary_that_is_claimed_is_handed_on(void **state)
{
	struct sheaf_answer *a;
	const struct sheaf_reading *r;

	(void)state;
	assert_int_equal(
	    read_text(NULL,
		"{\"results\":[{\"id\":\"a\",\"status\":200}],\"summary\":"
		"{\"total\":1,\"success\":1,\"failed\":0}}",
		&a),
	    SHEAF_OK);
	r = sheaf_answer_reading(a);
	assert_true(r->claims);
	assert_int_equal(r->claimed.total, 1);
	assert_int_equal(r->form, SHEAF_FORM_JSON);
	sheaf_answer_free(a);
}

static void
without_memory_it_says_so(void **state)
{
	static const char *const texts[] = { two_of_three,
		"{\"results\":[{\"id\":\"a\",\"status\":409}]}" };
	unsigned long n, fired = 0;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(texts); i++) {
		for (n = 1;; n++) {
			struct sheaf_answer *a;
			enum sheaf_result rc;

			alloc_fail_at(n);
			rc = read_text(NULL, texts[i], &a);
			if (!alloc_fail_stop()) {
				assert_int_equal(rc, SHEAF_PARTIAL);
				sheaf_answer_free(a);
				break;
			}
			fired++;
			assert_int_equal(rc, SHEAF_NOMEM);
			assert_null(a);
		}
	}
#ifdef TEST_STATIC
	assert_true(fired > 5);
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_items_that_failed_hang_on_the_answer),
		cmocka_unit_test(what_an_answer_is),
		cmocka_unit_test(
		    a_listing_entry_that_was_refused_is_not_overlooked),
		cmocka_unit_test(bytes_may_come_split_anywhere),
		cmocka_unit_test(what_the_transport_cut_is_cut_short),
		cmocka_unit_test(the_program_can_stop_it),
		cmocka_unit_test(
		    what_is_kept_is_bounded_and_the_rest_is_counted),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(options_of_other_versions),
		cmocka_unit_test(the_content_type_decides_where_it_says),
		cmocka_unit_test(a_pipe_is_read_to_its_end),
		cmocka_unit_test(a_summary_that_is_claimed_is_handed_on),
		cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
