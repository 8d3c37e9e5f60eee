/* SPDX-License-Identifier: MIT */
/* A batch that is to be sent: its forms, and one operation of it. */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "wire/batch_journal.h"
#include "wire/batch_source.h"
#include "wire/bulk_offer.h"

struct seen {
	struct batch_source *source;
	struct buf log;
};

static enum err_code
see(void *arg, const struct batch_source_item *item, struct err *err)
{
	struct seen *s = arg;
	struct arena a CLEANUP(arena_done) = { 0 };
	struct batch_operation op;
	enum err_code rc = batch_source_item_read(
	    &a, batch_source_head(s->source), item->bytes, &op, err);

	if (rc)
		return rc;
	buf_printf(&s->log, "%llu:%.*s:%.*s%s%.*s ",
	    (unsigned long long)item->line,
	    STR_ARG(op.e.op.len ? op.e.op : op.e.method), STR_ARG(op.e.id),
	    op.source.len ? "+" : "", STR_ARG(op.source));
	return buf_failed(&s->log) ? err_nomem(err) : ERR_OK;
}

static enum err_code
read_all(const char *text, size_t step, struct buf *log, struct err *err)
{
	struct seen seen = { 0 };
	const struct batch_source_events events = { see, &seen };
	const struct batch_source_head *h;
	struct str rest = str_from_c(text);
	enum err_code rc = batch_source_new(&events, &seen.source, err);

	while (!rc && rest.len) {
		rc = batch_source_feed(seen.source, str_head(rest, step), err);
		rest = str_skip(rest, step);
	}
	if (!rc)
		rc = batch_source_end(seen.source, err);
	if (!rc) {
		h = batch_source_head(seen.source);
		buf_put(log, buf_str(&seen.log));
		buf_printf(log, "| %s%s{%.*s}%s%llu",
		    batch_shape_name(h->shape), h->retry ? " retry" : "",
		    STR_ARG(h->members), h->dry_run ? "dry " : "",
		    (unsigned long long)h->fail_on_errors);
	}
	batch_source_free(seen.source);
	buf_done(&seen.log);
	return rc;
}

static void
done(struct buf *b)
{
	buf_done(b);
}

static const struct row {
	const char *text, *log;
} rows[] = {
	{ "{\"operations\":[{\"op\":\"read\",\"url\":\"/\"}]}",
	    "1:read: | operations{}0" },
	{ "\n{ \"mode\": \"atomic\",\n\"operations\":\n[{\"method\":\"GET\","
	  "\"url\":\"/\",\n\"id\":7}],\"dryRun\":true,\"failOnErrors\":3,"
	  "\"defaults\":\n{ }}",
	    "4:GET:7 | operations{\"mode\":\"atomic\",\"defaults\":{ }}dry 3" },
	{ "[{\"op\":\"read\",\"url\":\"/\"}]", "1:read: | operations{}0" },
	{ "{\"op\":\"read\",\"url\":\"/\"}", "1:read: | operations{}0" },
	{ "{\"batch\":{\"mode\":\"atomic\"}}\r\n\n"
	  "{\"op\":\"a\",\"url\":\"/\",\"id\":\"x\"}\n",
	    "3:a:x | operations{\"mode\":\"atomic\"}0" },
	{ "\xef\xbb\xbf{\"op\":\"a\",\"url\":\"/\"}\n"
	  "{\"op\":\"b\",\"url\":\"/\"}",
	    "1:a: 2:b: | operations{}0" },
	{ "\x1e{\"op\":\"a\",\"url\":\"/\"}\n\x1e{\"op\":\"b\",\"url\":\"/"
	  "\"}\n",
	    "1:a: 2:b: | operations{}0" },
	{ "{\"requests\":[{\"method\":\"GET\",\"url\":\"/\",\"id\":\"1\"}]}",
	    "1:GET:1 | requests{}0" },
	{ "{\"index\":{\"_id\":\"1\"}}\n{\"a\":1}\n{\"delete\":{\"_id\":\"2\"}}"
	  "\n{\"create\":{}}\n{}",
	    "1:index:1+{\"a\":1} 3:delete:2 4:create:+{} | actions{}0" },
	{ "{\"type\":\"sheaf-retry\",\"version\":1,\"command\":\"batch\","
	  "\"shape\":\"operations\",\"batch\":{\"defaults\":{}}}\n"
	  "{\"operation\":{\"op\":\"a\",\"url\":\"/\",\"id\":\"x\"}}\n",
	    "2:a:x | operations retry{\"defaults\":{}}0" },
};

static void
every_form_of_a_batch_is_read_in_any_pieces(void **state)
{
	static const size_t steps[] = { 1, 3, 7, 4096 };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		for (k = 0; k < ARRAY_LEN(steps); k++) {
			struct buf log CLEANUP(done) = { 0 };
			struct err err = { 0 };

			if (read_all(rows[i].text, steps[k], &log, &err))
				fail_msg("%s: %s", rows[i].text, err.tell);
			assert_str_equal(
			    buf_str(&log), str_from_c(rows[i].log));
		}
}

static void
what_is_no_batch_is_refused_with_its_line(void **state)
{
	static const struct row bad[] = {
		{ "", "no operations" },
		{ "[]", "no operations" },
		{ "7", "an object, a list, or lines" },
		{ "{\n\"mode\":\"atomic\"}", "neither \"operations\"" },
		{ "{\"operations\":{}}", "no list" },
		{ "{\"operations\":[{\"op\":\"a\",\"url\":\"/\"}",
		    "ends inside" },
		{ "{\"op\":\"a\",\"url\":\"/\"}\n{\"op\":\n", "line 2" },
		{ "{\"op\":\"a\",\"url\":\"/\"}\n[]\n", "no JSON object" },
		{ "{\"op\":\"a\"}", "no member \"url\"" },
		{ "{\"op\":\"a\",\"method\":\"B\",\"url\":\"/\"}", "one of" },
		{ "{\"op\":7,\"url\":\"/\"}", "\"op\" is no text" },
		{ "{\"op\":\"a\",\"op\":\"a\",\"url\":\"/\"}", "stands twice" },
		{ "{\"op\":\"a\",\"url\":\"/\",\"dependsOn\":\"x\"}",
		    "list of ids" },
		{ "{\"index\":{}}\n", "source of the last" },
		{ "{\"index\":{}}\n7\n", "no JSON object" },
		{ "{\"odd\":{}}\n{}\n", "one of index" },
		{ "{\"batch\":{\"failOnErrors\":\"x\"}}\n", "no whole number" },
		{ "{\"batch\":{\"mode\":7}}\n", "no text" },
		{ "{\"batch\":{\"dryRun\":\"true\"}}\n", "true nor false" },
		{ "{\"dryRun\":0,\"operations\":[]}", "true nor false" },
		{ "{\"type\":\"sheaf-retry\",\"version\":2}\n", "version" },
		{ "{\"type\":\"sheaf-retry\",\"version\":1,\"command\":\"rm\"}"
		  "\n",
		    "of sheaf rm" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		struct buf log CLEANUP(done) = { 0 };
		struct err err = { 0 };

		assert_int_equal(
		    read_all(bad[i].text, 5, &log, &err), ERR_BAD_BODY);
		if (!strstr(err.tell, bad[i].log) ||
		    strncmp(err.tell, "line ", 5) != 0)
			fail_msg("%s: %s", bad[i].text, err.tell);
	}
}

/* "a" is done and left "v1" at /u/; "b" is not; "c" told nothing. */
static bool
known(void *arg, struct str id, struct edit_known *out)
{
	(void)arg;
	*out = (struct edit_known){ 0 };
	if (str_eq(id, STR("a")))
		*out = (struct edit_known){ true, STR("\"v1\""), STR("/u/") };
	if (str_eq(id, STR("c")))
		out->done = true;
	return out->done;
}

static void
an_operation_is_written_with_what_has_to_be_different(void **state)
{
	static const struct {
		const char *in, *id, *key, *out;
	} cases[] = {
		{ "{\"op\":\"x\",\"url\":\"/\"}", "", "",
		    "{\"op\":\"x\",\"url\":\"/\"}" },
		{ "{ \"op\" : \"x\" , \"url\":\"\\u002f\",\"body\":[ 1.10 "
		  ",1e9] }",
		    "i", "k/i",
		    "{\"id\":\"i\",\"idempotencyKey\":\"k/i\",\"op\":\"x\","
		    "\"url\":\"\\u002f\",\"body\":[ 1.10 ,1e9]}" },
		{ "{\"id\":7,\"op\":\"x\",\"url\":\"/"
		  "\",\"idempotencyKey\":\"m\"}",
		    "7", "m",
		    "{\"id\":\"7\",\"idempotencyKey\":\"m\",\"op\":\"x\","
		    "\"url\":\"/\"}" },
		{ "{\"op\":\"x\",\"url\":\"/"
		  "\",\"dependsOn\":[\"a\",\"b\",\"c\"]}",
		    "", "",
		    "{\"op\":\"x\",\"url\":\"/\",\"dependsOn\":[\"b\"]}" },
		{ "{\"op\":\"x\",\"url\":\"/\",\"dependsOn\":[\"a\"]}", "", "",
		    "{\"op\":\"x\",\"url\":\"/\"}" },
		{ "{\"op\":\"x\",\"url\":\"$a/y\",\"ifMatch\":\"$a\"}", "", "",
		    "{\"op\":\"x\",\"url\":\"/u/"
		    "y\",\"ifMatch\":\"\\\"v1\\\"\"}" },
		{ "{\"op\":\"x\",\"url\":\"$a\",\"destination\":\"$b/y\"}", "",
		    "",
		    "{\"op\":\"x\",\"url\":\"/u/\",\"destination\":\"$b/y\"}" },
		{ "{\"op\":\"x\",\"url\":\"$c/y\"}", "", "",
		    "\"url\" refers to 'c', whose answer did not tell its "
		    "location" },
		{ "{\"op\":\"x\",\"url\":\"/\",\"ifMatch\":\"$c\"}", "", "",
		    "\"ifMatch\" refers to 'c', whose answer did not tell its "
		    "entity tag" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const struct edit_changes changes = {
			.id = str_from_c(cases[i].id),
			.key = str_from_c(cases[i].key),
			.known = known,
		};
		struct buf out CLEANUP(done) = { 0 };
		struct arena a CLEANUP(arena_done) = { 0 };
		struct batch_edit e;
		struct err err = { 0 };
		enum err_code rc;

		assert_int_equal(
		    batch_edit_read(&a, str_from_c(cases[i].in), &e, &err),
		    ERR_OK);
		rc = batch_edit_put(&out, &e, &changes, &err);
		assert_str_equal(rc ? str_from_c(err.tell) : buf_str(&out),
		    str_from_c(cases[i].out));
	}
}

static void
a_line_of_the_journal_comes_back_as_it_was(void **state)
{
	static const struct journal_line lines[] = {
		{ .kind = JOURNAL_HEAD,
		    .url = STR_INIT("http://h/"),
		    .input = STR_INIT("/tmp/\n"),
		    .key = STR_INIT("b-1"),
		    .ours = true,
		    .size = 7,
		    .retry_after = -1 },
		{ .kind = JOURNAL_SENT,
		    .first = 3,
		    .last = 9,
		    .retry_after = -1 },
		{ .kind = JOURNAL_ITEM,
		    .index = 12,
		    .offset = 99,
		    .status = 423,
		    .id = STR_INIT("a\"b"),
		    .fate = STR_INIT("failed"),
		    .text = STR_INIT("\xc3\xa9\n"),
		    .retry_after = 0 },
		{ .kind = JOURNAL_SYNCED, .retry_after = -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(lines); i++) {
		struct buf b CLEANUP(done) = { 0 }, again CLEANUP(done) = { 0 };
		struct arena a CLEANUP(arena_done) = { 0 };
		struct journal_line got;

		journal_put(&b, &lines[i]);
		assert_int_equal(str_find(buf_str(&b), '\n'), b.len - 1);
		assert_int_equal(
		    journal_parse(&a, buf_str(&b), &got, NULL), ERR_OK);
		journal_put(&again, &got);
		assert_str_equal(buf_str(&again), buf_str(&b));
		assert_int_equal(got.kind, lines[i].kind);
		assert_int_equal(got.retry_after, lines[i].retry_after);
	}
}

static void
a_server_says_what_it_takes(void **state)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct bulk_offer o;

	(void)state;
	assert_int_equal(
	    bulk_offer_read(&a,
		STR("{\"endpoints\":{\"bulk\":\"/p/.sheaf/bulk\"},"
		    "\"limits\":{\"operations\":9,\"jsonBytes\":70,"
		    "\"groups\":3,\"groupOperations\":4,"
		    "\"streamOperations\":5}}"),
		&o, NULL),
	    ERR_OK);
	assert_int_equal(o.operations, 9);
	assert_int_equal(o.json_bytes, 70);
	assert_int_equal(o.groups, 3);
	assert_int_equal(o.group_operations, 4);
	assert_int_equal(o.stream_operations, 5);
	assert_str_equal(o.endpoint, STR("/p/.sheaf/bulk"));
	assert_int_equal(bulk_offer_read(&a, STR("{\"limits\":{}}"), &o, NULL),
	    ERR_BAD_BODY);
	assert_int_equal(
	    bulk_offer_read(&a, STR("<p>"), &o, NULL), ERR_BAD_BODY);
}

static void
each_allocation_may_fail(void **state)
{
	enum err_code rc;
	unsigned long n;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		for (n = 1;; n++) {
			struct buf log CLEANUP(done) = { 0 };

			alloc_fail_at(n);
			rc = read_all(rows[i].text, 9, &log, NULL);
			if (!rc && buf_failed(&log))
				rc = ERR_NOMEM;
			if (!alloc_fail_stop()) {
				assert_int_equal(rc, ERR_OK);
				break;
			}
			assert_int_equal(rc, ERR_NOMEM);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_a_batch_is_read_in_any_pieces),
		cmocka_unit_test(what_is_no_batch_is_refused_with_its_line),
		cmocka_unit_test(
		    an_operation_is_written_with_what_has_to_be_different),
		cmocka_unit_test(a_line_of_the_journal_comes_back_as_it_was),
		cmocka_unit_test(a_server_says_what_it_takes),
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
