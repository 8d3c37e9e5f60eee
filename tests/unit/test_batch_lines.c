/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "lib/batch_run.h"

static const size_t step_sizes[] = { 0, 1, 7 };

struct row {
	const char *text;
	const char *said; /* and, where it fails, what is told */
	enum err_code rc;
	const char *tell;
};

#define READ(url) "{'op':'read','url':'" url "'}\n"
#define ALL "independent 0\n"

static void
check(const struct row *row, const struct batch_limits *limits)
{
	struct batch_run r = { .form = BATCH_LINES, .limits = limits };
	struct buf text = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(step_sizes); i++) {
		enum err_code rc = batch_run(&r,
		    str_from_c(batch_quoted(&text, row->text)), step_sizes[i]);

		if (rc != row->rc)
			fail_msg("%s: %d %s", row->text, (int)rc, r.err.tell);
		assert_str_equal(buf_str(&r.said), str_from_c(row->said));
		if (rc)
			assert_string_equal(r.err.tell, row->tell);
	}
	buf_done(&text);
	batch_run_done(&r);
}

static void
each_line_is_an_operation(void **state)
{
	static const struct row rows[] = {
		{ READ("/a") READ("/b"),
		    "0 0 read url=/a\n1 1 read url=/b\n" ALL, 0, NULL },
		{ "\n \r\n" READ("/a") "\n\n{'op':'read','url':'/b'}",
		    "0 0 read url=/a\n1 1 read url=/b\n" ALL, 0, NULL },
		{ "{'batch':{'mode':'atomic','dryRun':true,'failOnErrors':2,"
		  "'defaults':{'headers':{'a':'b'}}}}\n" READ("/a"),
		    "0 0 read url=/a\natomic dry 2 a:b\n", 0, NULL },
		{ "{'batch':{}}\r\n" READ("/a"), "0 0 read url=/a\n" ALL, 0,
		    NULL },
		{ "{'batch':{'defaults':{'headers':{'content-type':"
		  "'application/json'}}}}\n"
		  "{'op':'upsert','url':'/a','body':'x'}",
		    "0 0 upsert url=/a body(text/plain; charset=utf-8)=\"x\"\n"
		    "independent 0 content-type:application/json\n",
		    0, NULL },
		{ "\x1e{'op':'read',\n'url':'/a'}\n\x1e\x1e" READ("/b"),
		    "0 0 read url=/a\n1 1 read url=/b\n" ALL, 0, NULL },
		{ "\x1e{'batch':{'mode':'atomic'}}\n\x1e" READ("/b"),
		    "0 0 read url=/b\natomic 0\n", 0, NULL },
		{ "", "", ERR_BAD_BODY, "there are no operations in it" },
		{ "{'batch':{}}\n", "", ERR_BAD_BODY,
		    "there are no operations in it" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i], NULL);
}

static void
a_malformed_line_is_an_item_that_failed(void **state)
{
	static const struct row rows[] = {
		{ READ("/a") "{'op':'read'\n" READ("/b"),
		    "0 0 read url=/a\n"
		    "1 1 bad line 2, column 13: it ends inside the JSON text\n"
		    "2 2 read url=/b\n" ALL,
		    0, NULL },
		{ READ("/a") "{'id':'x','op':'fly','url':'/'}\n" READ("/b"),
		    "0 0 read url=/a\n"
		    "1 x bad line 2: /op: there is no operation \"fly\"; "
		    "\"method\" takes methods\n"
		    "2 2 read url=/b\n" ALL,
		    0, NULL },
		{ READ("/a") "{'op':'read','url':'/b'} x\n" READ("/c"),
		    "0 0 read url=/a\n"
		    "1 1 bad line 2, column 26: something follows the end of "
		    "the JSON text\n"
		    "2 2 read url=/c\n" ALL,
		    0, NULL },
		{ "[]\n7\n{}\n",
		    "0 0 bad line 1: no object\n1 1 bad line 2: no object\n"
		    "2 2 bad line 3: neither \"op\" nor \"method\"\n" ALL,
		    0, NULL },
		{ READ("/a") "{'batch':{'mode':'atomic'}}\n",
		    "0 0 read url=/a\n"
		    "1 1 bad line 2: /batch: only the first line can be this, "
		    "and nothing else\n" ALL,
		    0, NULL },
		{ "{'op':'read','url':'/a','batch':{}}\n" READ("/b"),
		    "0 0 bad line 1: /batch: only the first line can be this, "
		    "and nothing else\n"
		    "1 1 read url=/b\n" ALL,
		    0, NULL },
		{ "{'op':'read','urk':'/a'}\n{'op':'read','op':'x'}\n",
		    "0 0 bad line 1: /urk: there is no such member\n"
		    "1 1 bad line 2: /op: stands twice\n" ALL,
		    0, NULL },
		{ "\x1e{'op':'read','url':\n\x1e" READ("/b"),
		    "0 0 bad line 2, column 1: it ends inside the JSON text\n"
		    "1 1 read url=/b\n" ALL,
		    0, NULL },
		{ READ("/a") "{'op':'upsert','url':'/"
			     "b','body':[[[[[1]]]]]}\n" READ("/c"),
		    "0 0 read url=/a\n"
		    "1 1 bad line 2, column 38: arrays and objects nested over "
		    "5 deep, the limit jsonDepth\n"
		    "2 2 read url=/c\n" ALL,
		    0, NULL },
		{ "{'op':'upsert','url':'/a','body':'01234567890123456789',"
		  "'id':'abc'}\n" READ("/b"),
		    "0 0 bad line 1: over the limit operationBytes of 60\n"
		    "1 1 read url=/b\n" ALL,
		    0, NULL },
	};
	struct batch_limits limits = batch_limits_default;
	size_t i;

	(void)state;
	limits.depth = 5;
	limits.operation_bytes = 60;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i], &limits);
}

static void
what_may_have_been_the_head_fails_the_whole(void **state)
{
	static const struct row rows[] = {
		{ "{'batch':{'mode':'atomic',}}\n" READ("/a"), "", ERR_BAD_BODY,
		    "line 1, column 27: '}' where a name in quotes should be" },
		{ "{'batch':{'mode':'most'}}\n" READ("/a"), "", ERR_BAD_BODY,
		    "line 1: /batch/mode: none of \"independent\", "
		    "\"validate-first\", \"atomic\"" },
		{ "{'batch':{'x':1}}\n" READ("/a"), "", ERR_BAD_BODY,
		    "line 1: /batch/x: there is no such member" },
		{ "{'batch':{'defaults':{'headers':{'host':'x'}}}}\n" READ(
		      "/a"),
		    "", ERR_BAD_BODY,
		    "line 1: /batch/defaults/headers/host: belongs to the "
		    "request that carries the batch; leave it out" },
		{ "{'batch':[]}\n" READ("/a"), "", ERR_BAD_BODY,
		    "line 1: /batch: no object" },
		{ "{'batch':{},'op':'read'}\n" READ("/a"), "", ERR_BAD_BODY,
		    "line 1: /op: an operation has a line of its own" },
		{ "{'batch':{}} {'op':'read'}\n", "", ERR_BAD_BODY,
		    "line 1, column 14: something follows the end of the JSON "
		    "text" },
		{ "hello\n" READ("/a"), "", ERR_BAD_BODY,
		    "line 1, column 1: 'h' where a value should be" },
		{ "{'bat\n" READ("/a"), "", ERR_BAD_BODY,
		    "line 1, column 6: it ends inside the JSON text" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i], NULL);
}

static void
a_stream_that_is_cut_says_so_and_keeps_what_came(void **state)
{
	static const struct row rows[] = {
		{ READ("/a") "{'op':'read','url':'/b'", "0 0 read url=/a\n",
		    ERR_BAD_BODY,
		    "line 2, column 24: it ends inside the JSON text" },
		{ READ("/a") "{", "0 0 read url=/a\n", ERR_BAD_BODY,
		    "line 2, column 2: it ends inside the JSON text" },
		{ READ("/a") READ("/b") READ("/c") READ("/d"),
		    "0 0 read url=/a\n1 1 read url=/b\n2 2 read url=/c\n",
		    ERR_TOO_LARGE,
		    "over the limit streamOperations of 3: send it in "
		    "several" },
		{ "{'batch':{'mode':'atomic'}}\n" READ("/a") READ("/b")
			READ("/c"),
		    "0 0 read url=/a\n1 1 read url=/b\n", ERR_TOO_LARGE,
		    "over the limit operations of 2: send it in several" },
	};
	struct batch_limits limits = batch_limits_default;
	size_t i;

	(void)state;
	limits.stream_operations = 3;
	limits.operations = 2;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i], &limits);
}

static const char *
windows_of(struct batch_run *r, const char *text)
{
	struct buf quoted = { 0 };

	r->form = BATCH_LINES;
	r->windows = true;
	assert_int_equal(
	    batch_run(r, str_from_c(batch_quoted(&quoted, text)), 1), ERR_OK);
	buf_putc(&r->said, '\0');
	buf_done(&quoted);
	return r->said.ptr;
}

#define GROUPED(url) "{'op':'read','url':'" url "','atomicityGroup':'g'}\n"

static void
a_window_never_cuts_a_group_nor_an_atomic_batch(void **state)
{
	struct batch_limits limits = batch_limits_default;
	struct batch_run r = { .limits = &limits };

	(void)state;
	limits.window = 2;
	limits.group_operations = 3;
	assert_string_equal(windows_of(&r, READ("/a") READ("/b") READ("/c")),
	    "0 0 read url=/a\n1 1 read url=/b\n--\n2 2 read url=/c\n--\n" ALL);
	assert_string_equal(
	    windows_of(&r, READ("/a") GROUPED("/b") GROUPED("/c") READ("/d")),
	    "0 0 read url=/a\n1 1 read url=/b group=g\n"
	    "2 2 read url=/c group=g\n3 3 read url=/d\n--\n--\n" ALL);
	assert_string_equal(windows_of(&r,
				"{'batch':{'mode':'atomic'}}\n" READ("/a")
				    READ("/b") READ("/c")),
	    "0 0 read url=/a\n1 1 read url=/b\n2 2 read url=/c\n--\n"
	    "atomic 0\n");
	limits.window = 100;
	limits.window_bytes = 20;
	assert_string_equal(windows_of(&r, READ("/a") READ("/b") READ("/c")),
	    "0 0 read url=/a\n1 1 read url=/b\n--\n2 2 read url=/c\n--\n" ALL);
	batch_run_done(&r);
}

/* While the next line is half read. */
static void
a_window_may_be_cleared_at_any_byte(void **state)
{
	struct batch_limits limits = batch_limits_default;
	struct batch_run r = { .form = BATCH_LINES, .limits = &limits };
	struct batch_run cleared = r;
	struct buf text = { 0 };
	size_t i, step;

	(void)state;
	for (i = 0; i < 50; i++)
		buf_printf(&text,
		    "{\"id\":\"number %zu\",\"url\":\"/a/%zu\","
		    "\"dependsOn\":[\"%zu\"],\"headers\":{\"a\":\"%zu\"},"
		    "\"body\":\"body %zu\",\"op\":\"upsert\"}\n",
		    i, i, i, i, i);
	limits.window = 2;
	assert_int_equal(batch_run(&r, buf_str(&text), 0), ERR_OK);
	cleared.quiet = cleared.windows = true;
	for (step = 1; step < 400; step += 3) {
		assert_int_equal(
		    batch_run(&cleared, buf_str(&text), step), ERR_OK);
		assert_str_equal(buf_str(&cleared.said), buf_str(&r.said));
	}
	buf_done(&text);
	batch_run_done(&r);
	batch_run_done(&cleared);
}

static void
a_long_stream_takes_the_memory_of_a_window(void **state)
{
	struct batch_parser *p;
	size_t i, most = 0;
	uint64_t n = 0;

	(void)state;
	assert_int_equal(batch_parser_new(BATCH_LINES, STR(""),
			     &batch_limits_default, NULL, &p, NULL),
	    ERR_OK);
	for (i = 0; i < 50000; i++) {
		struct batch_window *w = batch_parser_window(p);

		assert_int_equal(
		    batch_parser_feed(
			p, STR("{\"op\":\"read\",\"url\":\"/a/b/c\"}\n"), NULL),
		    ERR_OK);
		if (!batch_parser_is_full(p))
			continue;
		n += w->n;
		most = w->cap > most ? w->cap : most;
		batch_window_clear(w);
	}
	assert_int_equal(n, 50000);
	assert_true(most <= 1024);
	batch_parser_free(p);
}

static void
no_allocation_may_fail_unseen(void **state)
{
	static const char text[] =
	    "{'batch':{'defaults':{'headers':{'a':'b'}}}}\n"
	    "{'op':'upsert','url':'/a','body':{'x':[1]}}\nbad\n" READ("/b");
	struct buf quoted = { 0 };
	unsigned long n;
	bool fired = true;

	(void)state;
	batch_quoted(&quoted, text);
	for (n = 1; fired; n++) {
		struct batch_run r = { .form = BATCH_LINES };
		enum err_code rc;

		assert_non_null(buf_room(&r.said, 4096));
		assert_non_null(buf_room(&r.print, 100));
		alloc_fail_at(n);
		rc = batch_run(&r, str_from_c(quoted.ptr), 0);
		fired = alloc_fail_stop();
		assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
		batch_run_done(&r);
	}
	assert_true(n > 8);
	buf_done(&quoted);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_an_operation),
		cmocka_unit_test(a_malformed_line_is_an_item_that_failed),
		cmocka_unit_test(what_may_have_been_the_head_fails_the_whole),
		cmocka_unit_test(
		    a_stream_that_is_cut_says_so_and_keeps_what_came),
		cmocka_unit_test(
		    a_window_never_cuts_a_group_nor_an_atomic_batch),
		cmocka_unit_test(a_window_may_be_cleared_at_any_byte),
		cmocka_unit_test(a_long_stream_takes_the_memory_of_a_window),
		cmocka_unit_test(no_allocation_may_fail_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
