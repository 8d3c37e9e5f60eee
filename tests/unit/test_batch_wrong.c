/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "lib/batch_run.h"

static const size_t step_sizes[] = { 0, 1, 7 };

#define UP "{'op':'upsert','url':'/a',"

static void
what_is_wrong_with_an_operation_is_told_with_its_pointer(void **state)
{
	static const struct {
		const char *operations, *tell;
	} cases[] = {
		{ "7", "/operations/0: no object" },
		{ "{'url':'/a'}",
		    "/operations/0: neither \"op\" nor \"method\"" },
		{ "{'op':'read','method':'GET','url':'/a'}",
		    "/operations/0: both \"op\" and \"method\"; leave one "
		    "out" },
		{ "{'op':'read','url':'/a'},{'op':'read'}",
		    "/operations/1: no \"url\"" },
		{ "{'op':'read','url':7}", "/operations/0/url: no string" },
		{ "{'op':'read','url':''}",
		    "/operations/0/url: an empty string" },
		{ "{'op':'fetch','url':'/a'}",
		    "/operations/0/op: there is no operation \"fetch\"; "
		    "\"method\" takes methods" },
		{ "{'method':'GE T','url':'/a'}",
		    "/operations/0/method: no name of a method" },
		{ "{'op':'read','url':'/a','ifmatch':'*'}",
		    "/operations/0/ifmatch: there is no such member" },
		{ "{'op':'read','url':'/a','a/b~':1}",
		    "/operations/0/a~1b~0: there is no such member" },
		{ "{'op':'read','url':'/a','url':'/b'}",
		    "/operations/0/url: stands twice" },
		{ "{'op':'read','url':'/a','id':''}",
		    "/operations/0/id: an empty string" },
		{ "{'op':'read','url':'/a','id':1}",
		    "/operations/0/id: no string" },
		{ "{'op':'read','url':'/a','id':'a\\nb'}",
		    "/operations/0/id: a control character in it" },
		{ "{'op':'read','url':'/a','id':'a\\u0000b'}",
		    "/operations/0/id: a NUL in a string" },
		{ "{'op':'read','url':'/a','id':'123456789'}",
		    "/operations/0/id: 9 bytes, over the limit idBytes of 8" },
		{ "{'op':'read','url':'/a','idempotencyKey':'12345678901'}",
		    "/operations/0/idempotencyKey: 11 bytes, over the limit "
		    "keyBytes of 10" },
		{ "{'op':'read','url':'/a','dependsOn':'x'}",
		    "/operations/0/dependsOn: no array" },
		{ "{'op':'read','url':'/a','dependsOn':['x',2]}",
		    "/operations/0/dependsOn/1: no string" },
		{ "{'op':'read','url':'/a','dependsOn':['x','y','z']}",
		    "/operations/0/dependsOn: 3 ids, over the limit dependsOn "
		    "of 2" },
		{ "{'op':'read','url':'/a','body':1}",
		    "/operations/0/body: means nothing to read" },
		{ "{'op':'delete','url':'/a','destination':'/b'}",
		    "/operations/0/destination: means nothing to delete" },
		{ "{'method':'GET','url':'/a','props':'allprop'}",
		    "/operations/0/props: means nothing to GET" },
		{ "{'op':'create','url':'/a','ifMatch':'*'}",
		    "/operations/0/ifMatch: means nothing to create" },
		{ "{'op':'propfind','url':'/a','remove':['{}a']}",
		    "/operations/0/remove: means nothing to propfind" },
		{ "{'op':'move','url':'/a'}",
		    "/operations/0: move without a destination" },
		{ "{'op':'patch','url':'/a'}",
		    "/operations/0: patch without a body" },
		{ "{'op':'proppatch','url':'/a'}",
		    "/operations/0: proppatch without \"props\", \"remove\" or "
		    "a body" },
		{ "{'op':'copy','url':'/a','destination':'/b','overwrite':'T'}",
		    "/operations/0/overwrite: neither true nor false" },
		{ "{'op':'delete','url':'/a','depth':2}",
		    "/operations/0/depth: none of \"0\", \"1\", \"infinity\"" },
		{ "{'op':'read','url':'/a','headers':[]}",
		    "/operations/0/headers: no object" },
		{ "{'op':'read','url':'/a','headers':{'a':1}}",
		    "/operations/0/headers/a: no string" },
		{ "{'op':'read','url':'/a','headers':{'a b':'1'}}",
		    "/operations/0/headers/a b: no name of a header field" },
		{ "{'op':'read','url':'/a','headers':{'a':'1\\r\\nb: 2'}}",
		    "/operations/0/headers/a: a control character in a header "
		    "field" },
		{ "{'op':'read','url':'/a','headers':{'a':'1','A':'2'}}",
		    "/operations/0/headers/A: the header stands twice" },
		{ "{'op':'read','url':'/a','ifMatch':'*',"
		  "'headers':{'If-Match':'*'}}",
		    "/operations/0/headers/if-match: stands beside "
		    "\"ifMatch\", which is short for it; leave one out" },
		{ "{'op':'read','url':'/a','lockToken':'u:',"
		  "'headers':{'if':'(<u:>)'}}",
		    "/operations/0/headers/if: stands beside \"lockToken\", "
		    "which is short for it; leave one out" },
		{ UP "'body':'x','encoding':'gzip'}",
		    "/operations/0/encoding: none of \"base64\", \"text\", "
		    "\"json\"" },
		{ "{'op':'create','url':'/a'}",
		    "/operations/0: create without a body" },
		{ "{'method':'PUT','url':'/a','encoding':'text'}",
		    "/operations/0/encoding: there is no body" },
		{ UP "'body':{},'encoding':'base64'}",
		    "/operations/0/body: no string, as its \"encoding\" wants "
		    "it to be" },
		{ UP "'body':'YWI','encoding':'base64'}",
		    "/operations/0/body: not base64 (RFC 4648 s4, with padding "
		    "and nothing else)" },
		{ UP "'body':'x','headers':{'content-type':'image/png'}}",
		    "/operations/0/body: a string of type image/png: say "
		    "\"encoding\": \"base64\", or \"text\" if it is that" },
		{ "{'op':'proppatch','url':'/a','body':{}}",
		    "/operations/0/body: no string of XML; \"props\" and "
		    "\"remove\" take JSON" },
		{ "{'op':'proppatch','url':'/a','body':'x','remove':['{}a']}",
		    "/operations/0/body: stands beside \"props\" or "
		    "\"remove\"; leave one out" },
		{ "{'op':'proppatch','url':'/a','props':{'a':'x'}}",
		    "/operations/0/props/a: no name like "
		    "\"{DAV:}displayname\"" },
		{ "{'op':'proppatch','url':'/a','props':{'{u:}a>':'x'}}",
		    "/operations/0/props/{u:}a>: no name like "
		    "\"{DAV:}displayname\"" },
		{ "{'op':'proppatch','url':'/a','props':{'{u:}a':null}}",
		    "/operations/0/props/{u:}a: null: to remove it name it in "
		    "\"remove\", to empty it send \"\"" },
		{ "{'op':'proppatch','url':'/a','props':{'{u:}a':1.5}}",
		    "/operations/0/props/{u:}a: neither a string nor a whole "
		    "number" },
		{ "{'op':'proppatch','url':'/a','props':{'{u:}a':'1'},"
		  "'remove':['{u:}a']}",
		    "/operations/0/props/{u:}a: is set and removed" },
		{ "{'op':'propfind','url':'/a','props':{}}",
		    "/operations/0/props: neither names, nor \"allprop\", nor "
		    "\"propname\"" },
		{ "{'op':'propfind','url':'/a','props':['{u:}a','b']}",
		    "/operations/0/props/1: no name like "
		    "\"{DAV:}displayname\"" },
	};
	struct batch_limits limits = batch_limits_default;
	struct batch_run r = { .form = BATCH_JSON, .limits = &limits };
	size_t i, k;

	(void)state;
	limits.id_bytes = 8;
	limits.key_bytes = 10;
	limits.depends_on = 2;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (k = 0; k < ARRAY_LEN(step_sizes); k++) {
			assert_int_equal(
			    batch_run_operations(
				&r, cases[i].operations, step_sizes[k]),
			    ERR_BAD_BODY);
			assert_string_equal(r.err.tell, cases[i].tell);
			assert_int_equal(r.err.code, ERR_BAD_BODY);
		}
	batch_run_done(&r);
}

static void
what_belongs_to_the_connection_is_no_operations_header(void **state)
{
	static const char *const names[] = { "Authorization", "cookie", "Host",
		"connection", "Transfer-Encoding", "content-length", "expect",
		"TE", "trailer", "upgrade", "Proxy-Authorization", "proxy-x",
		"keep-alive" };
	struct batch_run r = { .form = BATCH_JSON };
	struct buf text = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(names); i++) {
		buf_clear(&text);
		buf_printf(&text,
		    "{\"operations\":[{\"op\":\"read\",\"url\":\"/a\","
		    "\"headers\":{\"%s\":\"x\"}}]}",
		    names[i]);
		assert_int_equal(
		    batch_run(&r, buf_str(&text), 0), ERR_BAD_BODY);
		assert_non_null(strstr(r.err.tell, "/operations/0/headers/"));
		buf_clear(&text);
		buf_printf(&text,
		    "{\"operations\":[{\"op\":\"read\",\"url\":\"/a\"}],"
		    "\"defaults\":{\"headers\":{\"%s\":\"x\"}}}",
		    names[i]);
		assert_int_equal(
		    batch_run(&r, buf_str(&text), 0), ERR_BAD_BODY);
		assert_non_null(strstr(r.err.tell, "/defaults/headers/"));
	}
	buf_done(&text);
	batch_run_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_wrong_with_an_operation_is_told_with_its_pointer),
		cmocka_unit_test(
		    what_belongs_to_the_connection_is_no_operations_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
