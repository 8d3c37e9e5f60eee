/* SPDX-License-Identifier: MIT */
/*
 * An answer, and what is known of its request in a line in front: "METHOD URL"
 * or "METHOD URL bulk".  However it is cut into pieces the findings are the
 * same, each has a sentence, and counting them gives what is reported.  Only
 * where XML is not well-formed expat may name another place for it: of several
 * faults it finds the one that the piece in hand shows.
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

/* The findings, X101 without its place. */
static void
put_said(struct buf *to, const struct lint_run *r)
{
	struct str rest = buf_str(&r->said), line;

	while (str_cut(&rest, '\n', &line)) {
		buf_put(to,
		    str_starts(line, STR("X101")) ? str_head(line, 6) : line);
		buf_putc(to, '\n');
	}
}

static void
compare(const struct lint_run *a, const struct lint_run *b)
{
	struct buf said[2] = { 0 };

	put_said(&said[0], a);
	put_said(&said[1], b);
	MUST(str_eq(buf_str(&said[0]), buf_str(&said[1])));
	MUST(a->report.shape == b->report.shape);
	MUST(a->report.items == b->report.items);
	buf_done(&said[0]);
	buf_done(&said[1]);
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
	compare(&whole, &cut);
	lint_run_done(&whole);
	lint_run_done(&cut);
	return 0;
}
