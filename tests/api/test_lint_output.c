/* SPDX-License-Identifier: MIT */
/* What the linter found as text, JSON and SARIF; and the request it is told. */
#include <jansson.h>
#include <stdlib.h>

#include <sheaf/lint.h>

#include "api_test.h"

static const char bad_xml[] =
    "<D:multistatus xmlns:D=\"DAV:\">\n<D:response>"
    "<D:status>HTTP/1.1 423 Locked</D:status></D:response></D:multistatus>";
static const char bad_json[] =
    "{\"results\":[\n{\"id\":\"a\",\"status\":\"409\",\"error\":\"no\"},"
    "{\"id\":\"b\",\"status\":\"x\"}]}";
static const char answered[] =
    "{\"results\":[\n{\"id\":\"a\",\"status\":409,\"error\":\"no\"},\n"
    "{\"id\":\"b\",\"status\":200},\n{\"id\":\"z\",\"status\":200}],"
    "\"summary\":{\"total\":3,\"succeeded\":2,\"failed\":1}}";
static const char request[] =
    "{\"operations\":[{\"id\":\"a\"},{\"id\":\"b\",\"dependsOn\":[\"a\"]},"
    "{\"id\":\"c\"}]}";

struct text {
	char all[65536];
	int answer; /* of the function */
};

static int
write_text(void *arg, const char *bytes, size_t n)
{
	struct text *t = arg;
	size_t at = strlen(t->all);

	assert_true(at + n < sizeof(t->all));
	memcpy(t->all + at, bytes, n);
	t->all[at + n] = '\0';
	return t->answer;
}

/* One body, its findings written to output. */
static enum sheaf_result
lint_to(struct sheaf_lint_output *output, const struct sheaf_lint_options *o,
    const char *file, const char *body)
{
	struct sheaf_lint_source source = SHEAF_LINT_SOURCE_INIT;
	const struct sheaf_lint_report *report = NULL;
	struct sheaf_lint *lint = NULL;
	enum sheaf_result rc, told = SHEAF_OK;

	source.file = file;
	rc = sheaf_lint_output_source(output, &source);
	if (!rc)
		rc =
		    sheaf_lint_new(o, sheaf_lint_output_finding, output, &lint);
	if (!rc)
		rc = sheaf_lint_feed(lint, body, strlen(body));
	if (!rc)
		rc = sheaf_lint_end(lint, false, &report);
	if (report)
		told = sheaf_lint_output_report(output, report);
	sheaf_lint_free(lint);
	return told ? told : rc;
}

/* Two bodies; what was written in t. */
static enum sheaf_result
lint_both(enum sheaf_lint_form form, const struct sheaf_lint_options *o,
    struct text *t)
{
	struct sheaf_lint_output *output;
	enum sheaf_result rc, ended;

	t->all[0] = '\0';
	rc = sheaf_lint_output_new(form, write_text, t, &output);
	if (rc)
		return rc;
	rc = lint_to(output, o, "a b/x.xml", bad_xml);
	if (rc == SHEAF_OK || rc == SHEAF_MALFORMED)
		rc = lint_to(output, o, NULL, bad_json);
	ended = sheaf_lint_output_end(output, true);
	sheaf_lint_output_free(output);
	return ended ? ended : rc;
}

static void
text_is_a_line_for_each_finding(void **state)
{
	struct sheaf_lint_options o = SHEAF_LINT_OPTIONS_INIT;
	static struct text t;

	(void)state;
	o.per_rule = 1;
	assert_int_equal(lint_both(SHEAF_LINT_TEXT, &o, &t), SHEAF_MALFORMED);
	assert_ptr_equal(strstr(t.all, "a b/x.xml:2:"), t.all);
	assert_non_null(strstr(t.all, ": error X104: "));
	assert_non_null(strstr(t.all, "\n-:2:"));
	assert_non_null(strstr(t.all, ": error J203: "));
	assert_non_null(strstr(t.all, " at /results/0/status ("));
	assert_non_null(strstr(t.all, "\n-: and 1 more of J203\n"));
}

static void
json_is_a_line_for_each_finding_and_one_that_counts(void **state)
{
	static struct text t;
	json_t *line = NULL;
	size_t n = 0, found = 0;
	char *at, *rest;

	(void)state;
	assert_int_equal(lint_both(SHEAF_LINT_JSON, NULL, &t), SHEAF_MALFORMED);
	for (at = strtok_r(t.all, "\n", &rest); at;
	     at = strtok_r(NULL, "\n", &rest)) {
		json_decref(line);
		line = json_loads(at, 0, NULL);
		assert_non_null(line);
		n++;
		found += json_object_get(line, "rule") != NULL;
	}
	assert_int_equal(n, found + 1);
	assert_string_equal(
	    json_string_value(json_object_get(line, "type")), "summary");
	assert_int_equal(
	    json_integer_value(json_object_get(line, "answers")), 2);
	assert_int_equal(json_integer_value(json_object_get(line, "items")), 3);
	assert_int_equal(json_integer_value(json_object_get(line, "errors")) +
		json_integer_value(json_object_get(line, "warnings")),
	    found);
	json_decref(line);
}

static const char *
text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(
	    json_object_get(json_object_get(o, name), "text"));

	assert_non_null(s);
	return s;
}

static void
check_result(const json_t *result, const json_t *rules)
{
	const json_t *place, *index = json_object_get(result, "ruleIndex");
	const json_t *rule =
	    json_array_get(rules, (size_t)json_integer_value(index));
	const char *level, *uri;

	assert_true(json_is_integer(index));
	assert_true(json_equal((json_t *)json_object_get(rule, "id"),
	    (json_t *)json_object_get(result, "ruleId")));
	assert_true(*text_of(result, "message"));
	level = json_string_value(json_object_get(result, "level"));
	assert_true(!strcmp(level, "error") || !strcmp(level, "warning"));
	place = json_array_get(json_object_get(result, "locations"), 0);
	place = json_object_get(place, "physicalLocation");
	uri = json_string_value(
	    json_object_get(json_object_get(place, "artifactLocation"), "uri"));
	assert_true(!strcmp(uri, "a%20b/x.xml") || !strcmp(uri, "stdin"));
	place = json_object_get(place, "region");
	assert_true(
	    json_integer_value(json_object_get(place, "startLine")) > 0);
	assert_true(
	    json_integer_value(json_object_get(place, "startColumn")) > 0);
}

static void
sarif_has_the_members_that_it_requires(void **state)
{
	const json_t *run, *driver, *rules, *results;
	static struct text t;
	json_t *log;
	size_t i;

	(void)state;
	assert_int_equal(
	    lint_both(SHEAF_LINT_SARIF, NULL, &t), SHEAF_MALFORMED);
	log = json_loads(t.all, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(log);
	assert_string_equal(
	    json_string_value(json_object_get(log, "version")), "2.1.0");
	run = json_array_get(json_object_get(log, "runs"), 0);
	driver = json_object_get(json_object_get(run, "tool"), "driver");
	assert_string_equal(
	    json_string_value(json_object_get(driver, "name")), "sheaf");
	rules = json_object_get(driver, "rules");
	for (i = 0; sheaf_rule_at(i); i++) {
		const json_t *rule = json_array_get(rules, i);

		assert_string_equal(
		    json_string_value(json_object_get(rule, "id")),
		    sheaf_rule_at(i)->id);
		assert_true(*text_of(rule, "shortDescription"));
	}
	assert_int_equal(json_array_size(rules), i);
	results = json_object_get(run, "results");
	assert_true(json_array_size(results) >= 3);
	for (i = 0; i < json_array_size(results); i++)
		check_result(json_array_get(results, i), rules);
	run = json_array_get(json_object_get(run, "invocations"), 0);
	assert_true(json_is_true(json_object_get(run, "executionSuccessful")));
	json_decref(log);
}

static void
the_answer_is_held_against_the_request(void **state)
{
	struct sheaf_lint_options o = SHEAF_LINT_OPTIONS_INIT;
	struct sheaf_lint_output *output;
	static struct text t;
	struct sheaf_lint *lint;

	(void)state;
	o.request = request;
	o.n_request = strlen(request);
	t.all[0] = '\0';
	assert_int_equal(
	    sheaf_lint_output_new(SHEAF_LINT_TEXT, write_text, &t, &output),
	    SHEAF_OK);
	assert_int_equal(lint_to(output, &o, "a", answered), SHEAF_MALFORMED);
	assert_int_equal(sheaf_lint_output_end(output, true), SHEAF_OK);
	sheaf_lint_output_free(output);
	assert_non_null(strstr(t.all, "J205: the id 'z' was not asked for"));
	assert_non_null(
	    strstr(t.all, "J205: the operation 'c' is not answered"));
	assert_non_null(strstr(t.all, "J208: 'b' is 200 although 'a'"));

	o.n_request = 5;
	assert_int_equal(
	    sheaf_lint_new(&o, NULL, NULL, &lint), SHEAF_MALFORMED);
	assert_null(lint);
}

static void
what_stops_it_sticks(void **state)
{
	static struct text t;
	struct sheaf_lint_output *output;

	(void)state;
	t.answer = 1;
	assert_int_equal(lint_both(SHEAF_LINT_TEXT, NULL, &t), SHEAF_STOPPED);
	assert_null(strstr(t.all, "J203"));
	assert_int_equal(
	    sheaf_lint_output_new(SHEAF_LINT_TEXT, NULL, NULL, &output),
	    SHEAF_INVALID);
	assert_int_equal(sheaf_lint_output_new(
			     (enum sheaf_lint_form)4, write_text, &t, &output),
	    SHEAF_INVALID);
	assert_null(output);
}

static void
called_out_of_turn_it_says_so(void **state)
{
	struct sheaf_lint_source source = SHEAF_LINT_SOURCE_INIT;
	const struct sheaf_lint_report report = { .items = 1 };
	const struct sheaf_finding of_no_rule = { .found = "a", .todo = "b" };
	struct sheaf_lint_output *output;
	static struct text t;

	(void)state;
	assert_int_equal(
	    sheaf_lint_output_new(SHEAF_LINT_JSON, write_text, &t, &output),
	    SHEAF_OK);
	sheaf_lint_output_finding(output, &of_no_rule);
	assert_int_equal(sheaf_lint_output_end(output, true), SHEAF_INVALID);
	assert_int_equal(sheaf_lint_output_end(output, true), SHEAF_INVALID);
	assert_int_equal(
	    sheaf_lint_output_source(output, &source), SHEAF_INVALID);
	assert_int_equal(
	    sheaf_lint_output_report(output, &report), SHEAF_INVALID);
	sheaf_lint_output_free(output);
	sheaf_lint_output_free(NULL);
}

static void
without_memory_it_says_so(void **state)
{
	struct sheaf_lint_options o = SHEAF_LINT_OPTIONS_INIT;
	static struct text t;
	enum sheaf_lint_form form;
	unsigned long n;

	(void)state;
	o.request = request;
	o.n_request = strlen(request);
	for (form = SHEAF_LINT_TEXT; form <= SHEAF_LINT_SARIF; form++)
		for (n = 1;; n++) {
			enum sheaf_result rc;

			alloc_fail_at(n);
			rc = lint_both(form, &o, &t);
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
		cmocka_unit_test(text_is_a_line_for_each_finding),
		cmocka_unit_test(
		    json_is_a_line_for_each_finding_and_one_that_counts),
		cmocka_unit_test(sarif_has_the_members_that_it_requires),
		cmocka_unit_test(the_answer_is_held_against_the_request),
		cmocka_unit_test(what_stops_it_sticks),
		cmocka_unit_test(called_out_of_turn_it_says_so),
		cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
