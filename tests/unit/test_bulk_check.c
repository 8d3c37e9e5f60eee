/* SPDX-License-Identifier: MIT */
/* What keeps a batch from being begun, and what it is told. */
#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "lib/bulk_try.h"

#define TREE "/d/ /d/x=1 /f=old"

/* One that would leave something behind, in front of what is wrong. */
#define FIRST "{'id':'a','op':'upsert','url':'/made','body':'x'},"

static const struct {
	const char *ops, *told;
} wrongs[] = {
	{ "{'id':'a','op':'read','url':'/f'}",
	    "/operations/1/id: is that of operation 0, too (a)" },
	{ "{'op':'read','url':'http://example.org/f'}",
	    "/operations/1/url: is to be a path of this server" },
	{ "{'op':'read','url':'//example.org/f'}",
	    "/operations/1/url: is to be a path of this server" },
	{ "{'op':'read','url':'/../f'}",
	    "/operations/1/url: a path has a '.' or '..' segment" },
	{ "{'op':'read','url':'/d/%2e%2e/f'}",
	    "/operations/1/url: a path has a '.' or '..' segment" },
	{ "{'op':'read','url':'f'}",
	    "/operations/1/url: a path must begin with a slash" },
	{ "{'op':'read','url':'/a b'}",
	    "/operations/1/url: a path has a byte that must be encoded" },
	{ "{'id':'n','op':'read','url':'/%'}",
	    "/operations/1/url: a path has a bad percent escape (n)" },
	{ "{'method':'POST','url':'/.sheaf/bulk','body':{}}",
	    "/operations/1/url: is no resource: a batch cannot be inside of a "
	    "batch" },
	{ "{'method':'POST','url':'/$batch','body':{}}",
	    "/operations/1/url: is no resource: a batch cannot be inside of a "
	    "batch" },
	{ "{'op':'copy','url':'/f','destination':'/.sheaf/x'}",
	    "/operations/1/destination: is no resource: a batch cannot be "
	    "inside of a batch" },
	{ "{'op':'copy','url':'/f','destination':'http://h/x'}",
	    "/operations/1/destination: is to be a path of this server" },
	{ "{'op':'read','url':'/f','dependsOn':['b']}",
	    "/operations/1/dependsOn: 'b' is none of the operations before "
	    "it" },
	{ "{'op':'read','url':'/f','dependsOn':['z']},"
	  "{'id':'z','op':'read','url':'/f'}",
	    "/operations/1/dependsOn: 'z' comes later, and is not run before "
	    "it" },
	{ "{'id':'z','op':'read','url':'/f','dependsOn':['z']}",
	    "/operations/1/dependsOn: 'z' is the operation itself (z)" },
	{ "{'op':'read','url':'/f','atomicityGroup':'g'},"
	  "{'op':'read','url':'/f'},"
	  "{'op':'read','url':'/f','atomicityGroup':'g'}",
	    "/operations/3/atomicityGroup: operations of a group are "
	    "neighbours, and in one window" },
	{ "{'op':'read','url':'/f','atomicityGroup':'a'}",
	    "/operations/1/atomicityGroup: is the id of an operation as "
	    "well" },
	{ "{'op':'read','url':'/f','atomicityGroup':'g','dependsOn':['g']}",
	    "/operations/1/dependsOn: 'g' is the operation's own group" },
	{ "{'op':'read','url':'/f','dependsOn':['g']},"
	  "{'op':'read','url':'/f','atomicityGroup':'g'}",
	    "/operations/1/dependsOn: 'g' comes later, and is not run before "
	    "it" },
	{ "{'op':'read','url':'$z/f'}",
	    "/operations/1/url: '$z' is none of the operations before it" },
	{ "{'op':'read','url':'$z/f'},{'id':'z','op':'read','url':'/d/'}",
	    "/operations/1/url: '$z' is a later operation" },
	{ "{'op':'read','url':'$a/../../f'}",
	    "/operations/1/url: a path has a '.' or '..' segment" },
	{ "{'op':'read','url':'/f','ifMatch':'$z'}",
	    "/operations/1/ifMatch: '$z' is none of the operations before "
	    "it" },
	{ "{'op':'read','url':'/f','ifNoneMatch':'$a/b'}",
	    "/operations/1/ifNoneMatch: '$id' has nothing behind it" },
	{ "{'op':'read','url':'/f','headers':{'Cookie':'x'}}", "Cookie" },
	{ "{'op':'read','url':'/f','headers':{'proxy-x':'x'}}", "proxy-x" },
	{ "{'op':'read','url':'/f','headers':{'HOST':'x'}}", "HOST" },
	{ "{'op':'read','url':'/f','headers':{'te':'x'}}", "te" },
	{ "{'op':'update','url':'/f','body':'x','ifMatch':'*',"
	  "'headers':{'if-match':'*'}}",
	    "f-" },
	{ "{'op':'upsert','url':'/n','body':'x','idempotencyKey':'k'},"
	  "{'op':'upsert','url':'/m','body':'x','idempotencyKey':'k'}",
	    "/operations/2/idempotencyKey: is that of operation '1', too" },
};

static void
what_is_wrong_with_one_is_told_before_any_is_begun(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(wrongs); i++) {
		struct bulk_try t;
		struct buf ops = { 0 };

		bulk_try_init(&t, TREE);
		buf_printf(&ops, FIRST "%s%c", wrongs[i].ops, 0);
		(void)!bulk_try_ops(&t, ops.ptr);
		assert_int_equal(err_status(t.rc), 400);
		assert_int_equal(t.status, 0);
		if (!strstr(t.err.tell, wrongs[i].told) ||
		    !strstr(t.err.tell, "/operations/"))
			fail_msg("%s\nis told: %s", wrongs[i].ops, t.err.tell);
		assert_tree(t.deny.inner, TREE);
		buf_done(&ops);
		bulk_try_done(&t);
	}
}

static void
assert_made(const struct bulk_try *t, const char *path)
{
	struct resource res;

	assert_int_equal(
	    store_stat(t->deny.inner, at(path), &res, NULL), ERR_OK);
}

static void
in_a_stream_it_is_that_ones_own_result(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(wrongs); i++) {
		struct bulk_try t;
		struct buf ops = { 0 };

		bulk_try_init(&t, TREE);
		buf_printf(&ops,
		    FIRST "%s,{'id':'last','op':'upsert','url':'/end',"
			  "'body':'y'}%c",
		    wrongs[i].ops, 0);
		t.window = 100;
		/* Of its form the parser of JSON speaks for the whole. */
		if (bulk_try_ops(&t, ops.ptr)) {
			assert_int_equal(t.rc, ERR_BAD_BODY);
		} else {
			assert_int_equal(t.status, 207);
			assert_true(bulk_try_says(&t, "'status':400"));
			assert_true(bulk_try_says(
			    &t, "'id':'last','index':")); /* and went well */
			assert_made(&t, "/made");
			assert_made(&t, "/end");
		}
		buf_done(&ops);
		bulk_try_done(&t);
	}
}

static void
limits_are_named_where_they_are_passed(void **state)
{
	struct bulk_try t;

	(void)state;
	bulk_try_init(&t, TREE);
	t.limits.groups = 1;
	(void)!bulk_try_ops(&t,
	    FIRST "{'op':'read','url':'/f','atomicityGroup':'g'},"
		  "{'op':'read','url':'/f','atomicityGroup':'h'}");
	assert_int_equal(err_status(t.rc), 400);
	assert_non_null(strstr(t.err.tell, "more than 1 groups (groups)"));
	t.limits.group_operations = 1;
	(void)!bulk_try_ops(&t,
	    FIRST "{'op':'read','url':'/f','atomicityGroup':'g'},"
		  "{'op':'read','url':'/f','atomicityGroup':'g'}");
	assert_int_equal(err_status(t.rc), 400);
	assert_non_null(strstr(t.err.tell, "(groupOperations)"));
	(void)!bulk_try_send(&t,
	    "{'defaults':{'headers':{'Host':'x'}},"
	    "'operations':[{'op':'read','url':'/f'}]}");
	assert_int_equal(err_status(t.rc), 400);
	assert_non_null(strstr(t.err.tell, "Host"));
	assert_tree(t.deny.inner, TREE);
	bulk_try_done(&t);
}

static void
urls_are_request_targets_with_the_prefix(void **state)
{
	struct bulk_try t;

	(void)state;
	bulk_try_init(&t, TREE);
	t.spec.origin.prefix = STR("/dav");
	(void)!bulk_try_ops(&t,
	    "{'op':'copy','url':'/dav/f','destination':'/dav/n%20m'},"
	    "{'op':'read','url':'/dav/n%20m'}");
	assert_brief(&t, "0 201 1 200");
	assert_true(bulk_try_says(&t, "'href':'/dav/n%20m'"));
	(void)!bulk_try_ops(&t, "{'op':'read','url':'/f'}");
	assert_int_equal(err_status(t.rc), 400);
	assert_non_null(strstr(t.err.tell, "is not below '/dav'"));
	bulk_try_done(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_wrong_with_one_is_told_before_any_is_begun),
		cmocka_unit_test(in_a_stream_it_is_that_ones_own_result),
		cmocka_unit_test(limits_are_named_where_they_are_passed),
		cmocka_unit_test(urls_are_request_targets_with_the_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
