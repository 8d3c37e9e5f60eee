/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "lib/batch_run.h"
#include "wire/json_patch.h"

struct row {
	const char *doc, *patch;
	const char *want; /* or what is told, where it fails */
	enum err_code rc;
};

static void
check(enum json_patch_form form, const struct row *row)
{
	struct buf doc = { 0 }, patch = { 0 }, want = { 0 }, out = { 0 };
	struct err err = { 0 };
	enum err_code rc =
	    json_patch_apply(form, str_from_c(batch_quoted(&doc, row->doc)),
		str_from_c(batch_quoted(&patch, row->patch)), &out, &err);

	if (rc != row->rc)
		fail_msg("%s with %s: %d %s", row->doc, row->patch, (int)rc,
		    err.tell);
	if (rc)
		assert_string_equal(err.tell, row->want);
	else
		assert_str_equal(
		    buf_str(&out), str_from_c(batch_quoted(&want, row->want)));
	buf_done(&doc);
	buf_done(&patch);
	buf_done(&want);
	buf_done(&out);
}

/* The examples of RFC 7396 appendix A first. */
static void
a_merge_patch_changes_what_it_names(void **state)
{
	static const struct row rows[] = {
		{ "{'a':'b'}", "{'a':'c'}", "{'a':'c'}", 0 },
		{ "{'a':'b'}", "{'b':'c'}", "{'a':'b','b':'c'}", 0 },
		{ "{'a':'b'}", "{'a':null}", "{}", 0 },
		{ "{'a':'b','b':'c'}", "{'a':null}", "{'b':'c'}", 0 },
		{ "{'a':['b']}", "{'a':'c'}", "{'a':'c'}", 0 },
		{ "{'a':'c'}", "{'a':['b']}", "{'a':['b']}", 0 },
		{ "{'a':{'b':'c'}}", "{'a':{'b':'d','c':null}}",
		    "{'a':{'b':'d'}}", 0 },
		{ "{'a':[{'b':'c'}]}", "{'a':[1]}", "{'a':[1]}", 0 },
		{ "['a','b']", "['c','d']", "['c','d']", 0 },
		{ "{'a':'b'}", "['c']", "['c']", 0 },
		{ "{'a':'foo'}", "null", "null", 0 },
		{ "{'a':'foo'}", "'bar'", "'bar'", 0 },
		{ "{'e':null}", "{'a':1}", "{'e':null,'a':1}", 0 },
		{ "[1,2]", "{'a':'b','c':null}", "{'a':'b'}", 0 },
		{ "{}", "{'a':{'bb':{'ccc':null}}}", "{'a':{'bb':{}}}", 0 },
		{ "{'z':1,'a':2,'m':3}", "{'a':4}", "{'z':1,'a':4,'m':3}", 0 },
		{ "{", "{}",
		    "the document that it is for: line 1, column 2: it ends "
		    "inside the JSON text",
		    ERR_CONTENT },
		{ "{}", "{'a':1,'a':2}",
		    "the patch: a name stands twice in an object",
		    ERR_BAD_BODY },
		{ "", "{}",
		    "the document that it is for: line 1, column 1: there is "
		    "no JSON text",
		    ERR_CONTENT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(JSON_PATCH_MERGE, &rows[i]);
}

/* The examples of RFC 6902 appendix A first. */
static void
steps_are_applied_one_after_the_other(void **state)
{
	static const struct row rows[] = {
		{ "{'foo':'bar'}", "[{'op':'add','path':'/baz','value':'qux'}]",
		    "{'foo':'bar','baz':'qux'}", 0 },
		{ "{'foo':['bar','baz']}",
		    "[{'op':'add','path':'/foo/1','value':'qux'}]",
		    "{'foo':['bar','qux','baz']}", 0 },
		{ "{'baz':'qux','foo':'bar'}",
		    "[{'op':'remove','path':'/baz'}]", "{'foo':'bar'}", 0 },
		{ "{'foo':['bar','qux','baz']}",
		    "[{'op':'remove','path':'/foo/1'}]",
		    "{'foo':['bar','baz']}", 0 },
		{ "{'baz':'qux','foo':'bar'}",
		    "[{'op':'replace','path':'/baz','value':'boo'}]",
		    "{'baz':'boo','foo':'bar'}", 0 },
		{ "{'foo':{'bar':'baz','waldo':'fred'},"
		  "'qux':{'corge':'grault'}}",
		    "[{'op':'move','from':'/foo/waldo','path':'/qux/thud'}]",
		    "{'foo':{'bar':'baz'},"
		    "'qux':{'corge':'grault','thud':'fred'}}",
		    0 },
		{ "{'foo':['all','grass','cows','eat']}",
		    "[{'op':'move','from':'/foo/1','path':'/foo/3'}]",
		    "{'foo':['all','cows','eat','grass']}", 0 },
		{ "{'baz':'qux','foo':['a',2,'c']}",
		    "[{'op':'test','path':'/baz','value':'qux'},"
		    "{'op':'test','path':'/foo/1','value':2.0}]",
		    "{'baz':'qux','foo':['a',2,'c']}", 0 },
		{ "{'baz':'qux'}",
		    "[{'op':'test','path':'/baz','value':'bar'}]",
		    "operation 0 (test /baz): the value there is another",
		    ERR_CONTENT },
		{ "{'foo':'bar'}",
		    "[{'op':'add','path':'/child','value':{'grandchild':{}}}]",
		    "{'foo':'bar','child':{'grandchild':{}}}", 0 },
		{ "{'foo':'bar'}",
		    "[{'op':'add','path':'/baz','value':'qux','xyz':123}]",
		    "{'foo':'bar','baz':'qux'}", 0 },
		{ "{'foo':'bar'}",
		    "[{'op':'add','path':'/baz/bat','value':'qux'}]",
		    "operation 0 (add /baz/bat): what should be above it is "
		    "not there",
		    ERR_CONTENT },
		{ "{'/':9,'~1':10}", "[{'op':'test','path':'/~01','value':10}]",
		    "{'/':9,'~1':10}", 0 },
		{ "{'/':9,'~1':10}",
		    "[{'op':'test','path':'/~01','value':'10'}]",
		    "operation 0 (test /~01): the value there is another",
		    ERR_CONTENT },
		{ "{'foo':['bar']}",
		    "[{'op':'add','path':'/foo/-','value':['abc','def']}]",
		    "{'foo':['bar',['abc','def']]}", 0 },
		/* and what they leave out */
		{ "{'a':1}", "[]", "{'a':1}", 0 },
		{ "1", "[{'op':'add','path':'','value':[2]}]", "[2]", 0 },
		{ "1", "[{'op':'replace','path':'','value':null}]", "null", 0 },
		{ "{'a':[1]}",
		    "[{'op':'copy','from':'/a','path':'/b'},"
		    "{'op':'add','path':'/b/0','value':2}]",
		    "{'a':[1],'b':[2,1]}", 0 },
		{ "{'a':[1]}", "[{'op':'copy','from':'','path':'/a/-'}]",
		    "{'a':[1,{'a':[1]}]}", 0 },
		{ "{'a':1}", "[{'op':'move','from':'/a','path':'/a'}]",
		    "{'a':1}", 0 },
		{ "{'a':1}", "[{'op':'move','from':'/a','path':''}]", "1", 0 },
		{ "{'a':1,'ab':{}}",
		    "[{'op':'move','from':'/a','path':'/ab/c'}]",
		    "{'ab':{'c':1}}", 0 },
		{ "{'':{'':1}}", "[{'op':'remove','path':'//'}]", "{'':{}}",
		    0 },
		{ "[0]", "[{'op':'replace','path':'/0','value':null}]",
		    "[null]", 0 },
		{ "[{'a':1,'b':[2]}]",
		    "[{'op':'test','path':'/0','value':{'b':[2],'a':1}}]",
		    "[{'a':1,'b':[2]}]", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(JSON_PATCH_STEPS, &rows[i]);
}

static void
a_step_that_fails_is_named(void **state)
{
	static const struct row rows[] = {
		{ "{}", "{}", "the patch is no array of operations",
		    ERR_BAD_BODY },
		{ "{}", "[7]", "operation 0: no object", ERR_BAD_BODY },
		{ "{}", "[{'op':'set','path':''}]",
		    "operation 0: \"op\" is none of add, remove, replace, "
		    "move, copy, test",
		    ERR_BAD_BODY },
		{ "{}", "[{'op':'add','value':1}]",
		    "operation 0 (add ): no \"path\"", ERR_BAD_BODY },
		{ "{}", "[{'op':'add','path':'/a'}]",
		    "operation 0 (add /a): no \"value\"", ERR_BAD_BODY },
		{ "{}", "[{'op':'copy','path':'/a'}]",
		    "operation 0 (copy /a): no \"from\"", ERR_BAD_BODY },
		{ "{}", "[{'op':'remove','path':'a'}]",
		    "operation 0 (remove a): a pointer that does not begin "
		    "with /",
		    ERR_BAD_BODY },
		{ "{}", "[{'op':'remove','path':'/a~2'}]",
		    "operation 0 (remove /a~2): a \"~\" in the pointer is "
		    "followed by neither 0 nor 1",
		    ERR_BAD_BODY },
		{ "{}", "[{'op':'remove','path':'/a~'}]",
		    "operation 0 (remove /a~): a \"~\" in the pointer is "
		    "followed by neither 0 nor 1",
		    ERR_BAD_BODY },
		{ "{'a':1}",
		    "[{'op':'test','path':'/a','value':1},"
		    "{'op':'remove','path':'/b'}]",
		    "operation 1 (remove /b): there is no such value",
		    ERR_CONTENT },
		{ "{'a':1}", "[{'op':'replace','path':'/b','value':1}]",
		    "operation 0 (replace /b): there is no such value",
		    ERR_CONTENT },
		{ "[1]", "[{'op':'add','path':'/2','value':1}]",
		    "operation 0 (add /2): the array is not that long",
		    ERR_CONTENT },
		{ "[1]", "[{'op':'add','path':'/01','value':1}]",
		    "operation 0 (add /01): no index of an array",
		    ERR_CONTENT },
		{ "[1]", "[{'op':'remove','path':'/-'}]",
		    "operation 0 (remove /-): there is no such value",
		    ERR_CONTENT },
		{ "[1]", "[{'op':'add','path':'/0/x','value':1}]",
		    "operation 0 (add /0/x): what is above it is neither an "
		    "object nor an array",
		    ERR_CONTENT },
		{ "[1]", "[{'op':'remove','path':''}]",
		    "operation 0 (remove ): the whole document; DELETE removes "
		    "that",
		    ERR_CONTENT },
		{ "{'a':{}}", "[{'op':'move','from':'/a','path':'/a/b'}]",
		    "operation 0 (move /a/b): it would be moved into itself",
		    ERR_CONTENT },
		{ "{'a':{}}", "[{'op':'move','from':'','path':'/a/b'}]",
		    "operation 0 (move /a/b): it would be moved into itself",
		    ERR_CONTENT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(JSON_PATCH_STEPS, &rows[i]);
}

static void
what_is_not_touched_keeps_its_value(void **state)
{
	static const struct row rows[] = {
		{ "[0.1,1.5e300,-2.50,1E2,0.0,1e-7,123456.789,1.0]", "[]",
		    "[0.1,1.5e+300,-2.5,100.0,0.0,1e-07,123456.789,1.0]", 0 },
		{ "[9223372036854775807,-9223372036854775808]", "[]",
		    "[9223372036854775807,-9223372036854775808]", 0 },
		{ "['\\u0001\\u001f\\u007f\\uffff\\ud83d\\ude00\\/\\\\']", "[]",
		    "['\\u0001\\u001f\x7f\xef\xbf\xbf\xf0\x9f\x98\x80/\\\\']",
		    0 },
		{ "{\n  'b': [\n    1,\n    {}\n  ],\n  'a': []\n}\n", "[]",
		    "{\n  'b': [\n    1,\n    {}\n  ],\n  'a': []\n}\n", 0 },
		{ "9223372036854775808", "[]",
		    "the document that it is for: a number that is too large",
		    ERR_CONTENT },
		{ "[3.14159265358979323846]", "[]",
		    "the document that it is for: the number "
		    "3.14159265358979323846 cannot be held without changing "
		    "it",
		    ERR_CONTENT },
		{ "[12345678901234567.5]", "[]",
		    "the document that it is for: the number "
		    "12345678901234567.5 cannot be held without changing it",
		    ERR_CONTENT },
		{ "1e400", "[]",
		    "the document that it is for: the number 1e400 cannot be "
		    "held without changing it",
		    ERR_CONTENT },
		{ "1e-400", "[]",
		    "the document that it is for: the number 1e-400 cannot be "
		    "held without changing it",
		    ERR_CONTENT },
		{ "1e99999999999999999999999", "[]",
		    "the document that it is for: the number "
		    "1e99999999999999999999999 cannot be held without changing "
		    "it",
		    ERR_CONTENT },
		{ "['1e400 3.14159265358979323846']", "[]",
		    "['1e400 3.14159265358979323846']", 0 },
		{ "[]", "[{'op':'add','path':'/-','value':1e999}]",
		    "the patch: the number 1e999 cannot be held without "
		    "changing it",
		    ERR_BAD_BODY },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(JSON_PATCH_STEPS, &rows[i]);
}

static enum err_code
apply(const char *doc, const char *patch, size_t max, struct err *err)
{
	struct buf d = { 0 }, p = { 0 }, out = { .max = max };
	enum err_code rc = json_patch_apply(JSON_PATCH_STEPS,
	    str_from_c(batch_quoted(&d, doc)),
	    str_from_c(batch_quoted(&p, patch)), &out, err);

	buf_done(&d);
	buf_done(&p);
	buf_done(&out);
	return rc;
}

static void
copies_of_copies_have_an_end(void **state)
{
	struct buf patch = { 0 };
	struct err err = { 0 };
	size_t i;

	(void)state;
	BUF_LIT(&patch, "[");
	for (i = 0; i < 60; i++)
		buf_printf(&patch, "%s{'op':'copy','from':'','path':'/%zu'}",
		    i ? "," : "", i);
	BUF_LIT(&patch, "]");
	buf_putc(&patch, '\0');
	assert_int_equal(
	    apply("{'a':1}", patch.ptr, 1 << 20, &err), ERR_TOO_LARGE);
	assert_non_null(strstr(err.tell,
	    "its copies are over the limit of "
	    "1048576 bytes"));
	assert_int_equal(apply("{'a':1}", patch.ptr, 0, &err), ERR_TOO_LARGE);
	assert_non_null(strstr(err.tell, "too much work"));
	buf_done(&patch);
}

static void
nesting_and_size_have_an_end(void **state)
{
	struct buf deep = { 0 }, path = { 0 };
	struct err err = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < JSON_PATCH_DEPTH; i++)
		buf_putc(&deep, '[');
	for (i = 0; i < JSON_PATCH_DEPTH; i++)
		buf_putc(&deep, ']');
	buf_putc(&deep, '\0');
	assert_int_equal(apply(deep.ptr, "[]", 0, &err), ERR_OK);
	BUF_LIT(&path, "[{'op':'add','value':[],'path':'");
	for (i = 0; i < JSON_PATCH_DEPTH - 1; i++)
		BUF_LIT(&path, "/0");
	BUF_LIT(&path, "/-'}]");
	buf_putc(&path, '\0');
	assert_int_equal(apply(deep.ptr, path.ptr, 0, &err), ERR_TOO_LARGE);
	assert_non_null(strstr(err.tell, "it would nest over 128 deep"));
	assert_int_equal(apply("['0123456789']", "[]", 8, &err), ERR_TOO_LARGE);
	assert_string_equal(
	    err.tell, "the document would be over the limit of 8 bytes");
	buf_done(&deep);
	buf_done(&path);
}

static void
the_form_is_known_by_its_content_type(void **state)
{
	enum json_patch_form form;

	(void)state;
	assert_true(
	    json_patch_form_of(STR("application/merge-patch+json"), &form));
	assert_int_equal(form, JSON_PATCH_MERGE);
	assert_true(json_patch_form_of(
	    STR("Application/JSON-patch+json ; charset=utf-8"), &form));
	assert_int_equal(form, JSON_PATCH_STEPS);
	assert_false(json_patch_form_of(STR("application/json"), &form));
	assert_false(json_patch_form_of(STR(""), &form));
}

static void
no_allocation_may_fail_unseen(void **state)
{
	static const char doc[] = "{\"a\":[1,{\"b\":\"c\"}]}";
	static const char steps[] =
	    "[{\"op\":\"add\",\"path\":\"/x\",\"value\":[\"\\n\"]},"
	    "{\"op\":\"move\",\"from\":\"/a/1\",\"path\":\"/y\"},"
	    "{\"op\":\"copy\",\"from\":\"/y\",\"path\":\"/a/-\"}]";
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct buf out = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = json_patch_apply(JSON_PATCH_STEPS, str_from_c(doc),
		    str_from_c(steps), &out, NULL);
		fired = alloc_fail_stop();
		assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
		buf_done(&out);
	}
	assert_true(n > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_merge_patch_changes_what_it_names),
		cmocka_unit_test(steps_are_applied_one_after_the_other),
		cmocka_unit_test(a_step_that_fails_is_named),
		cmocka_unit_test(what_is_not_touched_keeps_its_value),
		cmocka_unit_test(copies_of_copies_have_an_end),
		cmocka_unit_test(nesting_and_size_have_an_end),
		cmocka_unit_test(the_form_is_known_by_its_content_type),
		cmocka_unit_test(no_allocation_may_fail_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
