/* SPDX-License-Identifier: MIT */
/* Batches, from their JSON to the tree and the answer. */
#include "lib/test.h"

#include "lib/bulk_try.h"

#define TREE "/d/ /d/x=1 /f=old"

static void
each_operation_does_what_its_request_would(void **state)
{
	static const struct {
		const char *ops, *brief, *left;
	} cases[] = {
		{ "{'op':'upsert','url':'/n','body':'new'}", "0 201",
		    TREE " /n=new" },
		{ "{'op':'upsert','url':'/f','body':'new'}", "0 204",
		    "/d/ /d/x=1 /f=new" },
		{ "{'op':'create','url':'/n','body':'new'}", "0 201",
		    TREE " /n=new" },
		{ "{'op':'create','url':'/f','body':'new'}", "0 409", TREE },
		{ "{'op':'create','url':'/d','body':'new'}", "0 409", TREE },
		{ "{'op':'create','url':'/no/n','body':'new'}", "0 409", TREE },
		{ "{'op':'update','url':'/f','body':'new'}", "0 204",
		    "/d/ /d/x=1 /f=new" },
		{ "{'op':'update','url':'/n','body':'new'}", "0 412", TREE },
		{ "{'op':'update','url':'/f','ifMatch':'\\'no\\'',"
		  "'body':'new'}",
		    "0 412", TREE },
		{ "{'op':'mkcol','url':'/n/'}", "0 201", TREE " /n/" },
		{ "{'op':'mkcol','url':'/d/'}", "0 405", TREE },
		{ "{'op':'delete','url':'/d/'}", "0 204", "/f=old" },
		{ "{'op':'delete','url':'/no'}", "0 404", TREE },
		{ "{'op':'copy','url':'/f','destination':'/n'}", "0 201",
		    TREE " /n=old" },
		{ "{'op':'copy','url':'/f','destination':'/d/x',"
		  "'overwrite':false}",
		    "0 412", TREE },
		{ "{'op':'move','url':'/f','destination':'/d/x'}", "0 204",
		    "/d/ /d/x=old" },
		{ "{'op':'read','url':'/f'}", "0 200", TREE },
		{ "{'op':'read','url':'/no'}", "0 404", TREE },
		{ "{'op':'propfind','url':'/d/','depth':'1'}", "0 200", TREE },
		{ "{'method':'PUT','url':'/f','body':'new',"
		  "'headers':{'if-none-match':'*'}}",
		    "0 412", TREE },
		{ "{'method':'BREW','url':'/f'}", "0 501", TREE },
		{ "{'op':'upsert','url':'/f','body':{'a':[1,2]}}", "0 204",
		    "/d/ /d/x=1 /f={\"a\":[1,2]}" },
		{ "{'op':'upsert','url':'/f','body':'aGk=',"
		  "'encoding':'base64'}",
		    "0 204", "/d/ /d/x=1 /f=hi" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct bulk_try t;

		bulk_try_init(&t, TREE);
		(void)!bulk_try_ops(&t, cases[i].ops);
		assert_brief(&t, cases[i].brief);
		assert_int_equal(t.status, 207);
		assert_tree(t.deny.inner, cases[i].left);
		bulk_try_done(&t);
	}
}

/* A batch on TREE, its brief, and the tree it leaves; on one window or more. */
static void
check_ops(const char *ops, const char *brief, const char *left)
{
	size_t window;

	for (window = 0; window < 4; window++) {
		struct bulk_try t;

		bulk_try_init(&t, TREE);
		t.window = window;
		t.threads = window;
		(void)!bulk_try_ops(&t, ops);
		assert_brief(&t, brief);
		if (left)
			assert_tree(t.deny.inner, left);
		bulk_try_done(&t);
	}
}

static void
who_depends_on_a_failure_fails_with_its_cause(void **state)
{
	(void)state;
	check_ops("{'id':'a','op':'read','url':'/no'},"
		  "{'id':'b','op':'delete','url':'/f','dependsOn':['a']},"
		  "{'id':'c','op':'delete','url':'/d/x','dependsOn':['b']},"
		  "{'id':'d','op':'mkcol','url':'/n/'},"
		  "{'id':'e','op':'upsert','url':'/n/x','body':'1',"
		  "'dependsOn':['d']}",
	    "a 404 b 424<a c 424<a d 201 e 201", TREE " /n/ /n/x=1");
}

static void
an_operation_may_name_what_another_left(void **state)
{
	(void)state;
	check_ops("{'id':'g','op':'read','url':'/f'},"
		  "{'id':'u','op':'update','url':'/f','ifMatch':'$g',"
		  "'body':'new'},"
		  "{'id':'v','op':'update','url':'/f','ifMatch':'$g',"
		  "'body':'newer'},"
		  "{'id':'w','op':'update','url':'/f','ifMatch':'$u',"
		  "'body':'last'}",
	    "g 200 u 204 v 412 w 204", "/d/ /d/x=1 /f=last");
	check_ops("{'id':'m','op':'mkcol','url':'/n/'},"
		  "{'id':'x','op':'create','url':'$m/a','body':'1'},"
		  "{'id':'c','op':'copy','url':'$m','destination':'/k/'},"
		  "{'id':'y','op':'create','url':'$c/b','body':'2'},"
		  "{'id':'z','op':'delete','url':'/no'},"
		  "{'id':'q','op':'read','url':'$z'}",
	    "m 201 x 201 c 201 y 201 z 404 q 424<z",
	    TREE " /k/ /k/a=1 /k/b=2 /n/ /n/a=1");
	check_ops("{'id':'m','op':'mkcol','url':'/n/'},"
		  "{'op':'update','url':'/f','ifMatch':'$m','body':'2'}",
	    "m 201 1 412", TREE " /n/");
}

static void
what_the_server_named_can_be_referred_to(void **state)
{
	struct bulk_try t;

	(void)state;
	bulk_try_init(&t, TREE);
	(void)!bulk_try_ops(&t,
	    "{'id':'p','op':'create','url':'/d/','body':'1',"
	    "'headers':{'Slug':'made'}},"
	    "{'id':'u','op':'update','url':'$p','ifMatch':'$p','body':'22'},"
	    "{'id':'r','op':'read','url':'$p'}");
	assert_brief(&t, "p 201 u 204 r 200");
	assert_true(bulk_try_says(&t, "'body':'MjI='"));
	assert_false(bulk_try_says(&t, "'href':'/d/'"));
	bulk_try_done(&t);
}

static void
after_so_many_failures_nothing_more_is_begun(void **state)
{
	static const char ops[] =
	    "'operations':[{'op':'read','url':'/no'},"
	    "{'op':'upsert','url':'/a','body':'1'},{'op':'read','url':'/no'},"
	    "{'op':'upsert','url':'/b','body':'1'},{'op':'read','url':'/no'},"
	    "{'op':'upsert','url':'/c','body':'1'}]}";
	static const struct {
		int most;
		const char *brief, *left;
	} cases[] = {
		{ 0, "0 404 1 201 2 404 3 201 4 404 5 201",
		    "/a=1 /b=1 /c=1 /d/ /d/x=1 /f=old" },
		{ 1, "0 404 1 424? 2 424? 3 424? 4 424? 5 424?", TREE },
		{ 2, "0 404 1 201 2 404 3 424? 4 424? 5 424?",
		    "/a=1 /d/ /d/x=1 /f=old" },
		{ 3, "0 404 1 201 2 404 3 201 4 404 5 424?",
		    "/a=1 /b=1 /d/ /d/x=1 /f=old" },
		{ 4, "0 404 1 201 2 404 3 201 4 404 5 201",
		    "/a=1 /b=1 /c=1 /d/ /d/x=1 /f=old" },
	};
	size_t i, window;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (window = 0; window < 4; window++) {
			struct bulk_try t;
			struct buf b = { 0 };

			bulk_try_init(&t, TREE);
			t.window = window;
			t.threads = window;
			buf_printf(&b, "{'failOnErrors':%d,%s%c", cases[i].most,
			    ops, 0);
			(void)!bulk_try_send(&t, b.ptr);
			assert_brief(&t, cases[i].brief);
			assert_tree(t.deny.inner, cases[i].left);
			buf_done(&b);
			bulk_try_done(&t);
		}
}

static void
what_is_read_comes_with_its_bytes(void **state)
{
	struct bulk_try t;

	(void)state;
	bulk_try_init(&t, TREE);
	(void)!bulk_try_ops(&t,
	    "{'op':'upsert','url':'/o.json','body':{'a':[1]},"
	    "'headers':{'content-type':'application/json'}},"
	    "{'op':'read','url':'/f'},{'op':'read','url':'/o.json'},"
	    "{'method':'HEAD','url':'/f'}");
	assert_brief(&t, "0 201 1 200 2 200 3 200");
	assert_true(bulk_try_says(&t, "'etag':'"));
	t.limits.answer_body = 2;
	(void)!bulk_try_ops(&t, "{'op':'read','url':'/f'}");
	assert_true(bulk_try_says(&t, "'bodyOmitted':true"));
	assert_false(bulk_try_says(&t, "'body':"));
	t.limits.answer_body = 3;
	t.spec.representation = true;
	(void)!bulk_try_ops(&t, "{'op':'upsert','url':'/f','body':'123'}");
	assert_true(bulk_try_says(&t, "'body':"));
	(void)!bulk_try_ops(&t,
	    "{'op':'propfind','url':'/d/','depth':'1'},"
	    "{'op':'propfind','url':'/d/','depth':'0'}");
	assert_brief(&t, "0 200 1 200");
	assert_true(bulk_try_says(&t, "'href':'/d/x'"));
	assert_true(bulk_try_says(&t, "{DAV:}getlastmodified"));
	bulk_try_done(&t);
}

static void
what_was_done_in_part_names_its_members(void **state)
{
	struct bulk_try t;

	(void)state;
	bulk_try_init(&t, "/d/ /d/k/ /d/k/y=2 /d/x=1 /f=old");
	deny(&t.deny, "/d/k/y", DENY_REMOVE, ERR_FORBIDDEN);
	(void)!bulk_try_ops(&t,
	    "{'id':'rm','op':'delete','url':'/d/'},"
	    "{'op':'read','url':'/f','dependsOn':['rm']}");
	assert_brief(&t, "rm 403~ 1 424<rm");
	assert_true(bulk_try_says(&t, "'members':["));
	assert_true(bulk_try_says(&t, "'href':'/d/k/y'"));
	assert_true(str_starts(buf_str(&t.log), STR("b_1 rm DELETE /d/k/y:")));
	assert_tree(t.deny.inner, "/d/ /d/k/ /d/k/y=2 /f=old");
	bulk_try_done(&t);
}

static void
each_failure_is_a_line_with_the_batch_and_the_item(void **state)
{
	struct bulk_try t;

	(void)state;
	bulk_try_init(&t, TREE);
	(void)!bulk_try_ops(&t,
	    "{'id':'a b','op':'read','url':'/no'},{'op':'read','url':'/f'},"
	    "{'op':'mkcol','url':'/d/'}");
	assert_str_equal(buf_str(&t.log),
	    STR("b_1 a b GET /no: 404 no such resource\n"
		"b_1 2 MKCOL /d/: 405 the resource already exists\n"
		"b_1: 2 of 3 failed, 404: 1, 405: 1\n"));
	bulk_try_done(&t);
}

/* ---- keys */

#define KEYED                                            \
	"{'id':'a','op':'create','url':'/n','body':'1'," \
	"'idempotencyKey':'k1'},"                        \
	"{'id':'b','op':'delete','url':'/f',"            \
	"'idempotencyKey':'k2'},"                        \
	"{'id':'c','op':'mkcol','url':'/no/c/','idempotencyKey':'k3'}"

static void
what_was_done_under_a_key_is_not_done_again(void **state)
{
	struct bulk_try t;

	(void)state;
	bulk_try_init(&t, TREE);
	(void)!bulk_try_ops(&t, KEYED);
	assert_brief(&t, "a 201 b 204 c 409");
	assert_tree(t.deny.inner, "/d/ /d/x=1 /n=1");
	tree_make(t.deny.inner, "/f=again /no/");
	(void)!bulk_try_ops(&t, KEYED);
	assert_brief(&t, "a 201! b 204! c 201");
	assert_true(bulk_try_says(&t, "'replayed':2"));
	assert_true(bulk_try_says(&t, "'etag':'"));
	/* What stands there now has nothing to do with it. */
	assert_tree(t.deny.inner, "/d/ /d/x=1 /f=again /n=1 /no/ /no/c/");
	(void)!bulk_try_ops(&t, KEYED);
	assert_brief(&t, "a 201! b 204! c 201!");
	(void)!bulk_try_ops(&t,
	    "{'id':'a','op':'create','url':'/n','body':'2',"
	    "'idempotencyKey':'k1'}");
	assert_brief(&t, "a 422");
	t.spec.caller.user = STR("other");
	(void)!bulk_try_ops(&t, KEYED);
	assert_brief(&t, "a 409 b 204 c 405");
	bulk_try_done(&t);
}

static void
a_key_that_is_in_use_is_told_to_wait(void **state)
{
	struct bulk_try t;
	struct buf key = { 0 };
	bool nomem;

	(void)state;
	bulk_try_init(&t, TREE);
	key_put(&key, STR(""), STR("k2"));
	assert_true(keys_take(t.keys, buf_str(&key), &nomem));
	(void)!bulk_try_ops(&t, KEYED);
	assert_brief(&t, "a 201 b 409 c 409");
	assert_true(bulk_try_says(&t, "'retryAfter':1"));
	keys_give_back(t.keys, buf_str(&key));
	(void)!bulk_try_ops(&t, KEYED);
	assert_brief(&t, "a 201! b 204 c 409");
	buf_done(&key);
	bulk_try_done(&t);
}

static void
a_batchs_key_is_that_of_its_operations(void **state)
{
	static const char ops[] =
	    "{'id':'a','op':'create','url':'/n','body':'1'},"
	    "{'id':'b','op':'read','url':'/n'}";
	struct bulk_try t;
	struct buf key = { 0 };
	bool nomem;

	(void)state;
	bulk_try_init(&t, TREE);
	t.spec.key = STR("batch");
	(void)!bulk_try_ops(&t, ops);
	assert_brief(&t, "a 201 b 200");
	(void)!bulk_try_ops(&t, ops);
	assert_brief(&t, "a 201! b 200");
	(void)!bulk_try_ops(&t, "{'op':'delete','url':'/n'}");
	assert_int_equal(t.rc, ERR_KEY_REUSED);
	assert_int_equal(t.status, 0);
	key_put_item(&key, STR(""), STR("batch"), STR(""));
	assert_true(keys_take(t.keys, buf_str(&key), &nomem));
	(void)!bulk_try_ops(&t, ops);
	assert_int_equal(t.rc, ERR_KEY_IN_USE);
	keys_give_back(t.keys, buf_str(&key));
	(void)!bulk_try_ops(&t, ops);
	assert_brief(&t, "a 201! b 200");
	buf_done(&key);
	bulk_try_done(&t);
}

/* All are taken before the first is begun; whose is not free waits alone. */
static void
a_key_below_a_batchs_may_have_been_used(void **state)
{
	static const char ops[] =
	    "{'id':'a','op':'create','url':'/n','body':'1'},"
	    "{'id':'b','op':'create','url':'/m','body':'2'}";
	struct bulk_try t;
	struct buf key = { 0 };
	bool nomem;

	(void)state;
	bulk_try_init(&t, TREE);
	key_put_item(&key, STR(""), STR("one"), STR("b"));
	assert_true(keys_take(t.keys, buf_str(&key), &nomem));
	t.spec.key = STR("one");
	(void)!bulk_try_ops(&t, ops);
	assert_brief(&t, "a 201 b 409");
	keys_give_back(t.keys, buf_str(&key));
	(void)!bulk_try_ops(&t, ops);
	assert_brief(&t, "a 201! b 201");
	t.spec.key = STR("");
	(void)!bulk_try_ops(&t,
	    "{'op':'create','url':'/o','body':'3',"
	    "'idempotencyKey':'two/x'}");
	assert_brief(&t, "0 201");
	t.spec.key = STR("two");
	(void)!bulk_try_ops(&t,
	    "{'id':'x','op':'create','url':'/o','body':'3'},"
	    "{'id':'y','op':'create','url':'/p','body':'4'}");
	assert_brief(&t, "x 201! y 201");
	buf_done(&key);
	bulk_try_done(&t);
}

/* ---- time */

static bool
after_two(void *arg)
{
	const struct bulk_try *t = arg;
	struct resource res;

	return store_stat(t->deny.inner, at("/b"), &res, NULL) == ERR_OK;
}

static void
what_there_is_no_time_for_is_put_off_and_said(void **state)
{
	static const char ops[] = "{'op':'upsert','url':'/a','body':'1'},"
				  "{'op':'upsert','url':'/b','body':'1'},"
				  "{'op':'upsert','url':'/c','body':'1'}";
	struct bulk_try t;

	(void)state;
	bulk_try_init(&t, TREE);
	t.spec.budget = 1;
	(void)!bulk_try_ops(&t, ops);
	assert_brief(&t, "0 503? 1 503? 2 503?");
	assert_true(bulk_try_says(&t, "'retryable':true"));
	assert_tree(t.deny.inner, TREE);
	t.spec.budget = 0;
	t.spec.cancelled = after_two;
	t.window = 1;
	(void)!bulk_try_ops(&t, ops);
	assert_brief(&t, "0 201 1 201 2 503?");
	assert_tree(t.deny.inner, "/a=1 /b=1 /d/ /d/x=1 /f=old");
	bulk_try_done(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation_does_what_its_request_would),
		cmocka_unit_test(who_depends_on_a_failure_fails_with_its_cause),
		cmocka_unit_test(an_operation_may_name_what_another_left),
		cmocka_unit_test(what_the_server_named_can_be_referred_to),
		cmocka_unit_test(after_so_many_failures_nothing_more_is_begun),
		cmocka_unit_test(what_is_read_comes_with_its_bytes),
		cmocka_unit_test(what_was_done_in_part_names_its_members),
		cmocka_unit_test(
		    each_failure_is_a_line_with_the_batch_and_the_item),
		cmocka_unit_test(what_was_done_under_a_key_is_not_done_again),
		cmocka_unit_test(a_key_that_is_in_use_is_told_to_wait),
		cmocka_unit_test(a_batchs_key_is_that_of_its_operations),
		cmocka_unit_test(a_key_below_a_batchs_may_have_been_used),
		cmocka_unit_test(what_there_is_no_time_for_is_put_off_and_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
