/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include <sheaf/lint.h>

#include "api_test.h"

static const char good[] =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
    "<D:multistatus xmlns:D=\"DAV:\"><D:response><D:href>/d/a</D:href>"
    "<D:status>HTTP/1.1 423 Locked</D:status></D:response></D:multistatus>";
static const char no_href[] =
    "<D:multistatus xmlns:D=\"DAV:\">\n<D:response>"
    "<D:status>HTTP/1.1 423 Locked</D:status></D:response></D:multistatus>";
static const char bad_json[] =
    "{\"results\":[{\"id\":\"a\",\"status\":\"409\",\"error\":\"no\"}]}";

struct found {
	char rules[512];
	bool pointers;
	unsigned errors, warnings;
};

static void
on_found(void *arg, const struct sheaf_finding *f)
{
	struct found *found = arg;

	assert_ptr_equal(f->rule, sheaf_rule_find(f->rule->id));
	assert_true(*f->found && *f->todo);
	assert_non_null(f->source);
	found->pointers |= f->pointer != NULL;
	append(found->rules, sizeof(found->rules), f->rule->id);
	append(found->rules, sizeof(found->rules), " ");
	if (f->severity == SHEAF_ERROR)
		found->errors++;
	else
		found->warnings++;
}

static enum sheaf_result
lint_text(const struct sheaf_lint_options *o, const char *text,
    struct found *found, struct sheaf_lint_report *report)
{
	const struct sheaf_lint_report *r = NULL;
	struct sheaf_lint *l;
	enum sheaf_result rc;

	*found = (struct found){ .errors = 0 };
	rc = sheaf_lint_new(o, on_found, found, &l);
	if (rc)
		return rc;
	rc = sheaf_lint_feed(l, text, strlen(text));
	if (!rc)
		rc = sheaf_lint_end(l, false, &r);
	if (r)
		*report = *r;
	sheaf_lint_free(l);
	return rc;
}

static void
findings_name_their_rule(void **state)
{
	struct sheaf_lint_report r;
	struct found f;

	(void)state;
	assert_int_equal(lint_text(NULL, good, &f, &r), SHEAF_OK);
	assert_string_equal(f.rules, "");
	assert_int_equal(r.items, 1);
	assert_int_equal(r.form, SHEAF_FORM_XML);
	assert_int_equal(lint_text(NULL, no_href, &f, &r), SHEAF_MALFORMED);
	assert_non_null(strstr(f.rules, "X104 "));
	assert_int_equal(r.errors, f.errors);
	assert_int_equal(r.warnings, f.warnings);
	assert_false(f.pointers);
	assert_int_equal(lint_text(NULL, bad_json, &f, &r), SHEAF_MALFORMED);
	assert_non_null(strstr(f.rules, "J203 "));
	assert_int_equal(r.form, SHEAF_FORM_JSON);
	assert_true(f.pointers);
}

static void
what_is_known_of_the_request_is_judged_too(void **state)
{
	static const struct sheaf_field fields[] = {
		{ "Content-Type", "application/xml; charset=utf-8" },
		{ "Location", "/d/" },
	};
	struct sheaf_lint_options o = SHEAF_LINT_OPTIONS_INIT;
	struct sheaf_lint_report r;
	struct found f;

	(void)state;
	o.method = "DELETE";
	o.url = "https://h.example/other/";
	o.status = 207;
	o.has_header = true;
	o.fields = fields;
	o.n_fields = LEN(fields);
	assert_int_equal(lint_text(&o, good, &f, &r), SHEAF_MALFORMED);
	assert_non_null(strstr(f.rules, "H004 "));
	assert_non_null(strstr(f.rules, "X109 "));
	o.url = "https://h.example/d/";
	o.n_fields = 1;
	assert_int_equal(lint_text(&o, good, &f, &r), SHEAF_OK);
	assert_string_equal(f.rules, "");
}

static void
a_limit_is_no_finding(void **state)
{
	struct sheaf_lint_options o = SHEAF_LINT_OPTIONS_INIT;
	struct sheaf_lint_report r;
	struct found f;

	(void)state;
	o.max_bytes = 100;
	assert_int_equal(lint_text(&o, good, &f, &r), SHEAF_TOO_LARGE);
	assert_true(r.stopped);
	o.size = 1;
	assert_int_equal(lint_text(&o, good, &f, &r), SHEAF_INVALID);
}

static void
the_rules_are_listed(void **state)
{
	const struct sheaf_rule *r;
	size_t i;

	(void)state;
	for (i = 0; (r = sheaf_rule_at(i)); i++) {
		assert_int_equal(strlen(r->id), 4);
		assert_true(*r->title && *r->why && *r->help);
		assert_true(
		    r->severity == SHEAF_ERROR || r->severity == SHEAF_WARNING);
		assert_ptr_equal(sheaf_rule_find(r->id), r);
	}
	assert_int_equal(i, 34);
	assert_null(sheaf_rule_find("X999"));
	assert_null(sheaf_rule_find(NULL));
}

static void
called_out_of_turn_it_says_so(void **state)
{
	struct sheaf_lint *l;

	(void)state;
	assert_int_equal(sheaf_lint_new(NULL, NULL, NULL, &l), SHEAF_OK);
	assert_int_equal(
	    sheaf_lint_feed(l, no_href, strlen(no_href)), SHEAF_OK);
	assert_int_equal(sheaf_lint_end(l, false, NULL), SHEAF_MALFORMED);
	assert_int_equal(sheaf_lint_end(l, false, NULL), SHEAF_INVALID);
	assert_int_equal(sheaf_lint_feed(l, "x", 1), SHEAF_INVALID);
	sheaf_lint_free(l);
	sheaf_lint_free(NULL);
}

static void
without_memory_it_says_so(void **state)
{
	static const char *const texts[] = { no_href, bad_json };
	struct sheaf_lint_options o = SHEAF_LINT_OPTIONS_INIT;
	struct sheaf_lint_report r;
	struct found f;
	unsigned long n;
	size_t i;

	(void)state;
	o.method = "PROPFIND";
	o.url = "https://h.example/";
	for (i = 0; i < LEN(texts); i++)
		for (n = 1;; n++) {
			enum sheaf_result rc;

			alloc_fail_at(n);
			rc = lint_text(&o, texts[i], &f, &r);
			if (!alloc_fail_stop()) {
				assert_int_equal(rc, SHEAF_MALFORMED);
				break;
			}
			assert_int_equal(rc, SHEAF_NOMEM);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_name_their_rule),
		cmocka_unit_test(what_is_known_of_the_request_is_judged_too),
		cmocka_unit_test(a_limit_is_no_finding),
		cmocka_unit_test(the_rules_are_listed),
		cmocka_unit_test(called_out_of_turn_it_says_so),
		cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
