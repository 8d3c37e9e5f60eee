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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation_does_what_its_request_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
