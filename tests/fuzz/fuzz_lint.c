/* SPDX-License-Identifier: MIT */
/*
 * An answer, and what is known of its request in a line in front: "METHOD URL"
 * or "METHOD URL bulk".  However it is cut into pieces the findings are the
 * same, each has a sentence, and counting them gives what is reported.
 */
#include "fuzz.h"

#include "lib/lint_run.h"

static const struct str group_a[] = { STR_INIT("a"), STR_INIT("g") };
static const struct lint_operation operations[] = {
	{ .id = STR_INIT("a"), .group = STR_INIT("g") },
	{ .id = STR_INIT("b"), .depends_on = group_a, .n_depends_on = 2 },
	{ .id = STR_INIT("c") },
};

static void
run(struct str first, struct str file, size_t step, struct lint_run *r)
{
	struct str method = { 0 }, url = { 0 };

	*r = (struct lint_run){ .step = step };
	(void)str_cut(&first, ' ', &method);
	(void)str_cut(&first, ' ', &url);
	r->method = method;
	r->url = url;
	if (str_eq(first, STR("bulk"))) {
		r->operations = operations;
		r->n_operations = ARRAY_LEN(operations);
	}
	MUST(!lint_run_file(r, file));
}

static uint64_t
count_lines(const struct buf *b)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < b->len; i++)
		n += b->ptr[i] == '\n';
	return n;
}

static void
check(const struct lint_run *r)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < LINT_COUNT; i++)
		sum += r->report.of_rule[i];
	MUST(sum == r->report.errors + r->report.warnings);
	MUST(count_lines(&r->said) >= sum);
	MUST(count_lines(&r->sentences) >= sum);
	/* A body that could not be read is never clean. */
	MUST(!r->report.stopped || sum || r->report.err.code);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str file = fuzz_str(data, size);
	struct str first = fuzz_line(&file);
	struct lint_run whole, cut;

	run(first, file, size + 1, &whole);
	run(first, file, 3, &cut);
	check(&whole);
	MUST(str_eq(buf_str(&whole.said), buf_str(&cut.said)));
	MUST(str_eq(buf_str(&whole.sentences), buf_str(&cut.sentences)));
	lint_run_done(&whole);
	lint_run_done(&cut);
	return 0;
}
