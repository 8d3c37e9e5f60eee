/* SPDX-License-Identifier: MIT */
/*
 * Every rule, by samples that break it and samples that do not: test_lint
 * DIRECTORY, where samples.txt says what is found in which.
 */
#include "lib/alloc_fail.h"
#include "lib/test.h"
#include "samples.h"

static const char *dir;

static int
read_samples(void **state)
{
	static struct samples s;

	samples_read(&s, dir);
	*state = &s;
	return 0;
}

static int
drop_samples(void **state)
{
	samples_done(*state);
	return 0;
}

/* The wanted findings, one a line as they are said. */
static void
put_wanted(struct str want, struct buf *out)
{
	struct str one;

	while (want.len && str_cut(&want, ';', &one)) {
		buf_put(out, str_trim(one));
		buf_putc(out, '\n');
	}
}

/* Whether each line of a stands in b. */
static bool
lines_are_in(struct str a, struct str b)
{
	struct str line, rest, other;

	while (str_cut(&a, '\n', &line)) {
		bool found = !line.len;

		rest = b;
		while (!found && str_cut(&rest, '\n', &other))
			found = str_eq(line, other);
		if (!found)
			return false;
	}
	return true;
}

static bool
says(const struct sample *s, size_t step)
{
	struct lint_run r = { .step = step };
	struct buf want = { 0 };
	bool same;

	assert_int_equal(sample_run(s, &r), ERR_OK);
	put_wanted(s->want, &want);
	same = r.said.len == want.len &&
	    lines_are_in(buf_str(&r.said), buf_str(&want)) &&
	    lines_are_in(buf_str(&want), buf_str(&r.said));
	if (!same)
		print_error("%.*s (%zu bytes at a time)\nsaid:\n%.*s"
			    "not:\n%.*s%.*s\n",
		    STR_ARG(s->name), step, STR_ARG(buf_str(&r.said)),
		    STR_ARG(buf_str(&want)), STR_ARG(buf_str(&r.sentences)));
	buf_done(&want);
	lint_run_done(&r);
	return same;
}

static void
each_sample_has_the_findings_of_its_row_and_no_other(void **state)
{
	const struct samples *s = *state;
	unsigned wrong = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		wrong += !says(&s->v[i], 0);
	assert_int_equal(wrong, 0);
}

static void
however_the_bytes_come_the_findings_are_the_same(void **state)
{
	const struct samples *s = *state;
	unsigned wrong = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		wrong += !says(&s->v[i], 1) || !says(&s->v[i], 7);
	assert_int_equal(wrong, 0);
}

/* Whether there is a sample "X105-fail..." that has the finding. */
static bool
has_sample(const struct samples *s, const char *id, bool fails)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct sample *row = &s->v[i];

		if (str_starts(row->name, str_from_c(id)) &&
		    str_starts(str_skip(row->name, strlen(id)),
			fails ? STR("-fail") : STR("-pass")) &&
		    str_starts(row->want, str_from_c(id)) == fails &&
		    (fails || !row->want.len))
			return true;
	}
	return false;
}

static void
each_rule_has_a_sample_that_passes_and_one_that_fails(void **state)
{
	size_t i;

	for (i = 0; i < LINT_COUNT; i++) {
		assert_true(has_sample(*state, lint_rules[i].id, true));
		assert_true(has_sample(*state, lint_rules[i].id, false));
	}
}

static void
each_severity_of_a_rule_has_a_sample(void **state)
{
	const struct samples *s = *state;
	size_t i, k;

	for (k = 0; k < LINT_COUNT; k++) {
		bool error = false, warning = false;

		for (i = 0; i < s->n; i++) {
			struct lint_run r = { 0 };
			struct str rest, line;

			assert_int_equal(sample_run(&s->v[i], &r), ERR_OK);
			rest = buf_str(&r.said);
			while (str_cut(&rest, '\n', &line)) {
				if (!str_starts(
					line, str_from_c(lint_rules[k].id)))
					continue;
				error = error || line.ptr[5] == 'E';
				warning = warning || line.ptr[5] == 'W';
			}
			lint_run_done(&r);
		}
		assert_int_equal(error, lint_rules[k].severity == LINT_ERROR);
		assert_int_equal(warning,
		    lint_rules[k].severity == LINT_WARNING ||
			lint_rules[k].also_warns);
	}
}

/* Bytes that only white space follows. */
static size_t
needed(struct str s)
{
	while (s.len && strchr(" \n", s.ptr[s.len - 1]))
		s.len--;
	return s.len;
}

static void
an_answer_that_is_cut_anywhere_is_never_clean(void **state)
{
	const struct samples *s = *state;
	size_t i, n;

	for (i = 0; i < s->n; i++) {
		struct sample cut = s->v[i];

		/* The end of a head is no end of a body; and what is whole. */
		if (str_starts(cut.bytes, STR("HTTP/")) ||
		    str_starts(cut.name, STR("S301-fail-after")))
			continue;
		for (n = 0; n < needed(s->v[i].bytes); n++) {
			struct lint_run r = { 0 };

			cut.bytes = str_head(s->v[i].bytes, n);
			assert_int_equal(sample_run(&cut, &r), ERR_OK);
			if (!r.report.errors)
				print_error("%.*s cut to %zu bytes\n",
				    STR_ARG(cut.name), n);
			assert_true(r.report.errors > 0);
			lint_run_done(&r);
		}
	}
}

static void
memory_that_runs_out_is_told_and_nothing_else(void **state)
{
	const struct samples *s = *state;
	size_t i;

	for (i = 0; i < s->n; i++) {
		unsigned long n;

		for (n = 1;; n++) {
			struct lint_run r = { .step = 100 };
			enum err_code rc;

			/* What the test itself needs. */
			assert_non_null(buf_room(&r.said, 65536));
			assert_non_null(buf_room(&r.sentences, 65536));
			alloc_fail_at(n);
			rc = sample_run(&s->v[i], &r);
			lint_run_done(&r);
			if (!alloc_fail_stop()) {
				assert_int_equal(rc, ERR_OK);
				break;
			}
			assert_int_equal(rc, ERR_NOMEM);
		}
	}
}

static void
put_response(struct buf *b, unsigned i)
{
	buf_printf(b,
	    "<D:response><D:href>/d/%u</D:href><D:status>423</D:status>"
	    "</D:response>\n",
	    i);
}

static void
findings_beyond_the_limit_of_a_rule_are_counted(void **state)
{
	struct lint_run r = { .per_rule = 3 };
	struct buf b = { 0 };
	unsigned i;

	(void)state;
	BUF_LIT(&b, "<D:multistatus xmlns:D=\"DAV:\">\n");
	for (i = 0; i < 1000; i++)
		put_response(&b, i);
	put_response(&b, 500);
	BUF_LIT(&b, "</D:multistatus>");
	assert_int_equal(lint_run_body(&r, NULL, buf_str(&b)), ERR_OK);
	assert_str_equal(buf_str(&r.said),
	    STR("X106 E 2:34\nX106 E 3:34\nX106 E 4:34\nX108 E 1002:13\n"));
	assert_int_equal(r.report.of_rule[LINT_X106], 1001);
	assert_int_equal(r.report.errors, 1002);
	assert_int_equal(r.report.items, 1001);
	buf_done(&b);
	lint_run_done(&r);
}

static void
depth_and_size_have_limits(void **state)
{
	struct lint_run r = { 0 };
	struct buf b = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++)
		BUF_LIT(&b, "<a>");
	assert_int_equal(lint_run_body(&r, NULL, buf_str(&b)), ERR_OK);
	assert_true(r.report.stopped);
	assert_int_equal(r.report.err.code, ERR_TOO_LARGE);
	buf_clear(&b);
	for (i = 0; i < 100; i++)
		BUF_LIT(&b, "[");
	assert_int_equal(lint_run_body(&r, NULL, buf_str(&b)), ERR_OK);
	assert_true(r.report.stopped);
	buf_done(&b);
	lint_run_done(&r);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_sample_has_the_findings_of_its_row_and_no_other),
		cmocka_unit_test(
		    however_the_bytes_come_the_findings_are_the_same),
		cmocka_unit_test(
		    each_rule_has_a_sample_that_passes_and_one_that_fails),
		cmocka_unit_test(each_severity_of_a_rule_has_a_sample),
		cmocka_unit_test(an_answer_that_is_cut_anywhere_is_never_clean),
		cmocka_unit_test(memory_that_runs_out_is_told_and_nothing_else),
		cmocka_unit_test(
		    findings_beyond_the_limit_of_a_rule_are_counted),
		cmocka_unit_test(depth_and_size_have_limits),
	};

	if (argc != 2)
		return 2;
	dir = argv[1];
	return cmocka_run_group_tests(tests, read_samples, drop_samples);
}
