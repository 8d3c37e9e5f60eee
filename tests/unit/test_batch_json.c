/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "http/fingerprint.h"
#include "lib/alloc_fail.h"
#include "lib/batch_run.h"

static const size_t step_sizes[] = { 0, 1, 7 };

static void
check_said(const char *operations, const char *said)
{
	struct batch_run r = { .form = BATCH_JSON };
	struct buf want = { 0 };
	size_t i;

	buf_put(&want, str_from_c(said));
	BUF_LIT(&want, "\nindependent 0\n");
	for (i = 0; i < ARRAY_LEN(step_sizes); i++) {
		if (batch_run_operations(&r, operations, step_sizes[i]))
			fail_msg("%s: %s", operations, r.err.tell);
		assert_str_equal(buf_str(&r.said), buf_str(&want));
	}
	buf_done(&want);
	batch_run_done(&r);
}

static void
each_operation_comes_with_its_members(void **state)
{
	static const struct {
		const char *operations, *said;
	} cases[] = {
		{ "{'op':'mkcol','url':'/a/','id':'dir'}",
		    "0 dir mkcol url=/a/" },
		{ "{'op':'read','url':'/a'},{'url':'/b','op':'delete'}",
		    "0 0 read url=/a\n1 1 delete url=/b" },
		{ "{'op':'read','url':'/a','dependsOn':['x','y'],"
		  "'atomicityGroup':'g','idempotencyKey':'k/1'}",
		    "0 0 read url=/a key=k/1 group=g after=x after=y" },
		{ "{'op':'copy','url':'/a','destination':'/b',"
		  "'overwrite':false,'depth':0}",
		    "0 0 copy url=/a to=/b depth=0 overwrite=0" },
		{ "{'op':'copy','url':'/a','headers':{'Destination':'/b'}}",
		    "0 0 copy url=/a Destination:/b" },
		{ "{'op':'delete','url':'/a/','depth':'Infinity'}",
		    "0 0 delete url=/a/ depth=infinity" },
		{ "{'op':'read','url':'/a','ifMatch':'$b','ifNoneMatch':'*',"
		  "'lockToken':'urn:x'}",
		    "0 0 read url=/a match=$b none=* token=urn:x" },
		{ "{'method':'REPORT','url':'/a','depth':1,'body':'x'}",
		    "0 0 method=REPORT url=/a depth=1 "
		    "body(text/plain; charset=utf-8)=x" },
		{ "{'method':'PUT','url':'/a','headers':{'X-A':' b ',"
		  "'Idempotency-Key':'q'}}",
		    "0 0 method=PUT url=/a key=q X-A:b Idempotency-Key:q" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		check_said(cases[i].operations, cases[i].said);
}

#define UP "{'op':'upsert','url':'/a',"
#define IS "0 0 upsert url=/a"

static void
a_body_is_json_text_or_base64(void **state)
{
	static const struct {
		const char *operations, *said;
	} cases[] = {
		{ UP "'body':{'b':1 ,'a':[1.0,12345678901234567890]}}",
		    IS " body(application/json)={\"b\":1 "
		       ",\"a\":[1.0,12345678901234567890]}" },
		{ UP "'body':null}", IS " body(application/json)=null" },
		{ UP "'body':''}", IS " body(text/plain; charset=utf-8)=" },
		{ UP "'body':'a\\n\\u20ac'}",
		    IS " body(text/plain; charset=utf-8)=a\n\xe2\x82\xac" },
		{ UP "'body':'YWI=','encoding':'base64'}",
		    IS " body(application/octet-stream)=ab" },
		{ UP "'encoding':'base64','body':''}",
		    IS " body(application/octet-stream)=" },
		{ UP "'body':'x','headers':{'content-type':'text/css'}}",
		    IS " content-type:text/css "
		       "body(text/plain; charset=utf-8)=x" },
		{ UP "'body':'x','headers':{'content-type':'image/svg+xml'}}",
		    IS " content-type:image/svg+xml "
		       "body(text/plain; charset=utf-8)=x" },
		/* JSON is JSON, whatever value it is */
		{ UP
		    "'body':'x','headers':{'content-type':'application/json'}}",
		    IS " content-type:application/json "
		       "body(text/plain; charset=utf-8)=\"x\"" },
		{ UP "'body':'{}','encoding':'text',"
		     "'headers':{'content-type':'application/json'}}",
		    IS " content-type:application/json "
		       "body(text/plain; charset=utf-8)={}" },
		{ UP "'body':'x','encoding':'json'}",
		    IS " body(application/json)=\"x\"" },
		{ UP "'body':'x','encoding':'text',"
		     "'headers':{'content-type':'image/png'}}",
		    IS " content-type:image/png "
		       "body(text/plain; charset=utf-8)=x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		check_said(cases[i].operations, cases[i].said);
}

#define XML " body(application/xml; charset=utf-8)="

static void
properties_become_the_xml_of_a_single_request(void **state)
{
	static const struct {
		const char *operations, *said;
	} cases[] = {
		{ "{'op':'proppatch','url':'/a','props':{'{DAV:}a':'1<2',"
		  "'{urn:x&y}b':7,'{}c':true}}",
		    "0 0 proppatch url=/a" XML
		    "<D:propertyupdate xmlns:D=\"DAV:\"><D:set><D:prop>"
		    "<x:a xmlns:x=\"DAV:\">1&lt;2</x:a>"
		    "<x:b xmlns:x=\"urn:x&amp;y\">7</x:b><c>true</c>"
		    "</D:prop></D:set></D:propertyupdate>" },
		{ "{'method':'PROPPATCH','url':'/a','remove':['{u:}b'],"
		  "'props':{'{u:}a':'<a xmlns=\\'u:\\'><i/></a>'}}",
		    "0 0 method=PROPPATCH url=/a" XML
		    "<D:propertyupdate xmlns:D=\"DAV:\"><D:set><D:prop>"
		    "<a xmlns=\"u:\"><i/></a></D:prop></D:set>"
		    "<D:remove><D:prop><x:b xmlns:x=\"u:\"/></D:prop>"
		    "</D:remove></D:propertyupdate>" },
		{ "{'op':'propfind','url':'/a','props':['{DAV:}getetag']}",
		    "0 0 propfind url=/a" XML
		    "<D:propfind xmlns:D=\"DAV:\"><D:prop>"
		    "<x:getetag xmlns:x=\"DAV:\"/></D:prop></D:propfind>" },
		{ "{'op':'propfind','url':'/a','props':'allprop','depth':1}",
		    "0 0 propfind url=/a depth=1" XML
		    "<D:propfind xmlns:D=\"DAV:\"><D:allprop/></D:propfind>" },
		{ "{'op':'propfind','url':'/a','props':'propname'}",
		    "0 0 propfind url=/a" XML
		    "<D:propfind xmlns:D=\"DAV:\"><D:propname/></D:propfind>" },
		{ "{'op':'propfind','url':'/a','body':'<x/>'}",
		    "0 0 propfind url=/a" XML "<x/>" },
		{ "{'op':'propfind','url':'/a'}", "0 0 propfind url=/a" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		check_said(cases[i].operations, cases[i].said);
}

#define ONE "'operations':[{'op':'read','url':'/a'}]"

static void
what_is_said_of_all_may_stand_before_or_behind(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{ "{" ONE "}", "independent 0\n" },
		{ "{'mode':'atomic'," ONE "}", "atomic 0\n" },
		{ "{" ONE ",'mode':'validate-first','dryRun':true}",
		    "validate-first dry 0\n" },
		{ "{'failOnErrors':3," ONE ",'mode':'independent'}",
		    "independent 3\n" },
		{ "{" ONE ",'defaults':{'headers':{'a':'b'}}}",
		    "independent 0 a:b\n" },
		{ "{'defaults':{}," ONE "}", "independent 0\n" },
	};
	struct batch_run r = { .form = BATCH_JSON };
	struct buf text = { 0 }, want = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&want);
		BUF_LIT(&want, "0 0 read url=/a\n");
		buf_put(&want, str_from_c(cases[i].said));
		assert_int_equal(
		    batch_run(
			&r, str_from_c(batch_quoted(&text, cases[i].text)), 3),
		    ERR_OK);
		assert_str_equal(buf_str(&r.said), buf_str(&want));
	}
	buf_done(&text);
	buf_done(&want);
	batch_run_done(&r);
}

static void
what_is_wrong_with_the_whole_is_told(void **state)
{
	static const struct {
		const char *text;
		enum err_code code;
		const char *tell;
	} cases[] = {
		{ "", ERR_BAD_BODY, "line 1, column 1: there is no JSON text" },
		{ "[]", ERR_BAD_BODY, "no object with \"operations\" in it" },
		{ "{}", ERR_BAD_BODY, "no \"operations\" in it" },
		{ "{'operations':[]}", ERR_BAD_BODY,
		    "there are no operations in it" },
		{ "{'operations':{}}", ERR_BAD_BODY, "/operations: no array" },
		{ "{'Operations':[]}", ERR_BAD_BODY,
		    "/Operations: there is no such member" },
		{ "{" ONE "," ONE "}", ERR_BAD_BODY,
		    "/operations: stands twice" },
		{ "{" ONE, ERR_BAD_BODY,
		    "line 1, column 41: it ends inside the JSON text" },
		{ "{" ONE "} x", ERR_BAD_BODY,
		    "line 1, column 43: something follows the end of the JSON "
		    "text" },
		{ "{'operations':[{'op':}]}", ERR_BAD_BODY,
		    "/operations/0: line 1, column 22: '}' where a value "
		    "should be" },
		{ "{'mode':'best'," ONE "}", ERR_BAD_BODY,
		    "/mode: none of \"independent\", \"validate-first\", "
		    "\"atomic\"" },
		{ "{'dryRun':'yes'," ONE "}", ERR_BAD_BODY,
		    "/dryRun: neither true nor false" },
		{ "{'failOnErrors':-1," ONE "}", ERR_BAD_BODY,
		    "/failOnErrors: no whole number from 0 on" },
		{ "{'defaults':{'header':{}}," ONE "}", ERR_BAD_BODY,
		    "/defaults: only \"headers\" can stand in it" },
		{ "{'defaults':{'headers':{'Idempotency-Key':'a'}}," ONE "}",
		    ERR_BAD_BODY,
		    "/defaults/headers: idempotency-key cannot be the same for "
		    "all" },
		{ "{'operations':[{'op':'upsert','url':'/a','body':'x'}],"
		  "'defaults':{'headers':{'content-type':'image/png'}}}",
		    ERR_BAD_BODY,
		    "/operations/0/body: a string of type image/png: say "
		    "\"encoding\": \"base64\", or \"text\" if it is that" },
		{ "{'operations':[{'op':'read','url':'/a'},{'op':'read','url':"
		  "'/b'},{'op':'read','url':'/c'}]}",
		    ERR_TOO_LARGE,
		    "over the limit operations of 2: send it in several" },
		{ "{'operations':[{'op':'upsert','url':'/a','body':"
		  "[[[[[]]]]]}]}",
		    ERR_TOO_LARGE,
		    "/operations/0/body: line 1, column 52: arrays and objects "
		    "nested over 6 deep, the limit jsonDepth" },
		{ "{'operations':[{'op':'upsert','url':'/a','body':"
		  "'0123456789','id':'abcdefghijklmnopqrstuvwxyz01234'}]}",
		    ERR_TOO_LARGE,
		    "/operations/0: over the limit operationBytes of 80" },
	};
	struct batch_limits limits = batch_limits_default;
	struct batch_run r = { .form = BATCH_JSON, .limits = &limits };
	struct buf text = { 0 };
	size_t i, k;

	(void)state;
	limits.operations = 2;
	limits.depth = 6;
	limits.operation_bytes = 80;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (k = 0; k < ARRAY_LEN(step_sizes); k++) {
			struct str t =
			    str_from_c(batch_quoted(&text, cases[i].text));

			assert_int_equal(
			    batch_run(&r, t, step_sizes[k]), cases[i].code);
			assert_string_equal(r.err.tell, cases[i].tell);
		}
	buf_done(&text);
	batch_run_done(&r);
}

static void
a_body_over_the_limit_is_refused_as_it_comes(void **state)
{
	struct batch_limits limits = batch_limits_default;
	struct batch_run r = { .form = BATCH_JSON, .limits = &limits };
	struct buf text = { 0 };
	size_t i;

	(void)state;
	limits.json_bytes = 100;
	for (i = 0; i < 200; i++)
		buf_putc(&text, ' ');
	assert_int_equal(batch_run(&r, buf_str(&text), 1), ERR_TOO_LARGE);
	assert_string_equal(
	    r.err.tell, "over the limit jsonBytes of 100: send it in several");
	buf_done(&text);
	batch_run_done(&r);
}

static void
the_print_is_of_what_is_meant_and_not_of_how_it_is_written(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "{'mode':'atomic'," ONE "}", "{" ONE ",\n'mode':'atomic' }",
		    true },
		{ "{'operations':[{'op':'upsert','url':'/a',"
		  "'body':{'x':1,'y':[2]}}]}",
		    "{'operations':[{'body':{ 'y':[2],'x':1},'url':'\\/a',"
		    "'op':'upsert'}]}",
		    true },
		{ "{'defaults':{'headers':{'depth':'0','accept':'a/b'}}," ONE
		  "}",
		    "{'defaults':{'headers':{'accept':'a/b','depth':'0'}}," ONE
		    "}",
		    true },
		{ "{'defaults':{'headers':{'depth':'0'}}," ONE "}",
		    "{'defaults':{'headers':{'depth':'1'}}," ONE "}", false },
		{ "{" ONE "}", "{" ONE ",'dryRun':true}", false },
		{ "{" ONE "}", "{'operations':[{'op':'read','url':'/b'}]}",
		    false },
		{ "{" ONE "}",
		    "{'operations':[{'op':'read','url':'/a','id':'x'}]}",
		    false },
		{ "{'operations':[{'op':'upsert','url':'/a','body':1}]}",
		    "{'operations':[{'op':'upsert','url':'/a','body':2}]}",
		    false },
		{ "{'operations':[{'op':'upsert','url':'/a','body':'1'}]}",
		    "{'operations':[{'op':'upsert','url':'/a','body':1}]}",
		    false },
		{ "{'operations':[{'op':'upsert','url':'/a',"
		  "'body':123456789012345678901}]}",
		    "{'operations':[{'op':'upsert','url':'/a',"
		    "'body':123456789012345678902}]}",
		    false },
	};
	struct batch_run a = { .form = BATCH_JSON }, b = { .form = BATCH_JSON };
	struct buf text = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    batch_run(
			&a, str_from_c(batch_quoted(&text, cases[i].a)), 0),
		    ERR_OK);
		assert_int_equal(
		    batch_run(
			&b, str_from_c(batch_quoted(&text, cases[i].b)), 1),
		    ERR_OK);
		assert_int_equal(a.print.len, 64);
		if (str_eq(buf_str(&a.print), buf_str(&b.print)) !=
		    cases[i].same)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	}
	buf_done(&text);
	batch_run_done(&a);
	batch_run_done(&b);
}

static void
the_form_is_known_by_its_content_type(void **state)
{
	static const struct {
		const char *type;
		bool is;
		enum batch_form form;
		const char *boundary;
	} cases[] = {
		{ "application/json", true, BATCH_JSON, "" },
		{ "Application/JSON; charset=utf-8", true, BATCH_JSON, "" },
		{ "application/x-ndjson", true, BATCH_LINES, "" },
		{ "application/jsonl", true, BATCH_LINES, "" },
		{ "application/json-seq", true, BATCH_LINES, "" },
		{ "multipart/mixed; boundary=abc", true, BATCH_MULTIPART,
		    "abc" },
		{ "multipart/mixed;x=\"a;b\" ;Boundary=\"a b;c\"", true,
		    BATCH_MULTIPART, "a b;c" },
		{ "multipart/mixed", true, BATCH_MULTIPART, "" },
		{ "multipart/form-data; boundary=abc", false, 0, "" },
		{ "text/plain", false, 0, "" },
		{ "", false, 0, "" },
		{ NULL, false, 0, "" },
	};
	enum batch_form form;
	struct str boundary;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    batch_form_of(str_from_c(cases[i].type), &form, &boundary),
		    cases[i].is);
		if (cases[i].is)
			assert_int_equal(form, cases[i].form);
		assert_str_equal(boundary, str_from_c(cases[i].boundary));
	}
}

static void
no_allocation_may_fail_unseen(void **state)
{
	static const char text[] =
	    "{'mode':'atomic','defaults':{'headers':{'a':'b'}},'operations':["
	    "{'op':'upsert','url':'/a','body':{'x':[1]},'dependsOn':['q'],"
	    "'headers':{'c':'d'}},"
	    "{'op':'upsert','url':'/a','body':'text'},"
	    "{'op':'upsert','url':'/a','body':'AAAA','encoding':'base64'},"
	    "{'op':'proppatch','url':'/a','props':{'{a:}b':'<b/>'},"
	    "'remove':['{c:}d']}]}";
	struct buf quoted = { 0 };
	unsigned long n;
	bool fired = true;

	(void)state;
	batch_quoted(&quoted, text);
	for (n = 1; fired; n++) {
		struct batch_run r = { .form = BATCH_JSON };
		enum err_code rc;

		assert_non_null(buf_room(&r.said, 4096));
		assert_non_null(buf_room(&r.print, 100));
		alloc_fail_at(n);
		rc = batch_run(&r, str_from_c(quoted.ptr), 0);
		fired = alloc_fail_stop();
		assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
		batch_run_done(&r);
	}
	assert_true(n > 10);
	buf_done(&quoted);
}

static void
a_print_is_made_where_a_key_is_held_against_it(void **state)
{
	static const struct str text = STR_INIT(
	    "{\"operations\":[{\"op\":\"create\",\"url\":\"/a\",\"body\":[1, "
	    "2],"
	    "\"idempotencyKey\":\"k\"},{\"op\":\"create\",\"url\":\"/b\","
	    "\"body\":[1, 2]},{\"op\":\"proppatch\",\"url\":\"/c\",\"props\":"
	    "{\"{u:}a\":\"b\"}},{\"op\":\"create\",\"url\":\"/d\",\"body\":"
	    "\"text\"}]}");
	static const size_t lengths[][4] = {
		[BATCH_PRINTS_NONE] = { 64, 0, 0, 0 },
		[BATCH_PRINTS_ITEMS] = { 64, 64, 13, 0 },
		[BATCH_PRINTS_ALL] = { 64, 64, 13, 0 },
	};
	size_t which, i;

	(void)state;
	for (which = 0; which < ARRAY_LEN(lengths); which++) {
		struct batch_parser *p;
		const struct batch_window *w;

		assert_int_equal(batch_parser_new(BATCH_JSON, STR(""),
				     &batch_limits_default, NULL, &p, NULL),
		    ERR_OK);
		batch_parser_keep_prints(p, (enum batch_prints)which);
		assert_int_equal(batch_parser_feed(p, text, NULL), ERR_OK);
		assert_int_equal(batch_parser_end(p, NULL), ERR_OK);
		w = batch_parser_window(p);
		for (i = 0; i < ARRAY_LEN(lengths[which]); i++) {
			assert_int_equal(
			    w->v[i].body_print.len, lengths[which][i]);
			assert_int_equal(w->v[i].body_sum.len > 0,
			    which && !lengths[which][i]);
		}
		batch_parser_free(p);
	}
}

/* Whose type is said last of all, and makes JSON of it. */
static void
the_sum_of_a_body_is_that_of_the_bytes_it_comes_to(void **state)
{
	static const struct str text = STR_INIT(
	    "{\"operations\":[{\"op\":\"create\",\"url\":\"/a\",\"body\":"
	    "\"a\\u0062\"},{\"op\":\"create\",\"url\":\"/b\",\"body\":"
	    "\"YQ==\",\"encoding\":\"base64\"}],\"defaults\":{\"headers\":"
	    "{\"content-type\":\"application/json\"}}}");
	static const struct str bodies[] = { STR_INIT("\"a\\u0062\""),
		STR_INIT("a") };
	struct batch_parser *p;
	const struct batch_window *w;
	size_t i;

	(void)state;
	assert_int_equal(batch_parser_new(BATCH_JSON, STR(""),
			     &batch_limits_default, NULL, &p, NULL),
	    ERR_OK);
	batch_parser_keep_prints(p, BATCH_PRINTS_ALL);
	assert_int_equal(batch_parser_feed(p, text, NULL), ERR_OK);
	assert_int_equal(batch_parser_end(p, NULL), ERR_OK);
	w = batch_parser_window(p);
	assert_int_equal(w->n, ARRAY_LEN(bodies));
	for (i = 0; i < w->n; i++) {
		char sum[FINGERPRINT_SIZE];

		assert_true(str_eq(w->v[i].body, bodies[i]));
		assert_true(str_eq(
		    w->v[i].body_sum, fingerprint_sum(w->v[i].body, sum)));
	}
	batch_parser_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation_comes_with_its_members),
		cmocka_unit_test(a_body_is_json_text_or_base64),
		cmocka_unit_test(properties_become_the_xml_of_a_single_request),
		cmocka_unit_test(
		    what_is_said_of_all_may_stand_before_or_behind),
		cmocka_unit_test(what_is_wrong_with_the_whole_is_told),
		cmocka_unit_test(a_body_over_the_limit_is_refused_as_it_comes),
		cmocka_unit_test(
		    the_print_is_of_what_is_meant_and_not_of_how_it_is_written),
		cmocka_unit_test(the_form_is_known_by_its_content_type),
		cmocka_unit_test(no_allocation_may_fail_unseen),
		cmocka_unit_test(
		    a_print_is_made_where_a_key_is_held_against_it),
		cmocka_unit_test(
		    the_sum_of_a_body_is_that_of_the_bytes_it_comes_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
