/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "base/attr.h"
#include "cmd/exit_code.h"

/* One row of docs/design/exit-codes.md: what makes it fit, and its code. */
struct item {
	enum fate fate;
	enum blame blame;
};

static const struct row {
	const char *what;
	bool interrupted, cannot, usage, refused;
	size_t n;
	struct item items[3];
	enum exit_code code;
} rows[] = {
	{ "it was interrupted", .interrupted = true, .code = EXIT_INTERRUPTED },
	{ "an item was interrupted", .n = 1,
	    .items = { { FATE_LEFT, BLAME_INTERRUPT } },
	    .code = EXIT_INTERRUPTED },
	{ "it could not go on", .cannot = true, .code = EXIT_CANNOT },
	{ "the arguments are wrong", .usage = true, .code = EXIT_USAGE },
	{ "a digest did not match", .n = 1,
	    .items = { { FATE_FAILED, BLAME_DIGEST } }, .code = EXIT_DIGEST },
	{ "a malformed answer", .n = 1,
	    .items = { { FATE_UNKNOWN, BLAME_PROTOCOL } },
	    .code = EXIT_PROTOCOL },
	{ "an unknown outcome", .n = 1,
	    .items = { { FATE_UNKNOWN, BLAME_CUT } }, .code = EXIT_UNKNOWN },
	{ "refused as a whole", .refused = true, .n = 2,
	    .items = { { FATE_FAILED, BLAME_STATUS },
		{ FATE_FAILED, BLAME_STATUS } },
	    .code = EXIT_REFUSED },
	{ "refused as a whole, before anything was asked", .refused = true,
	    .code = EXIT_REFUSED },
	{ "refused, it says, and yet something was done", .refused = true,
	    .n = 2,
	    .items = { { FATE_DONE, BLAME_NONE },
		{ FATE_FAILED, BLAME_STATUS } },
	    .code = EXIT_SOME_FAILED },
	{ "each was denied", .n = 2,
	    .items = { { FATE_FAILED, BLAME_ACCESS },
		{ FATE_FAILED, BLAME_ACCESS } },
	    .code = EXIT_ACCESS },
	{ "denied, and the rest left for it", .n = 2,
	    .items = { { FATE_FAILED, BLAME_ACCESS },
		{ FATE_LEFT, BLAME_STATUS } },
	    .code = EXIT_ACCESS },
	{ "none was reached", .n = 2,
	    .items = { { FATE_FAILED, BLAME_UNREACHABLE },
		{ FATE_FAILED, BLAME_UNREACHABLE } },
	    .code = EXIT_UNREACHABLE },
	{ "all failed", .n = 2,
	    .items = { { FATE_FAILED, BLAME_STATUS },
		{ FATE_FAILED, BLAME_LOCAL } },
	    .code = EXIT_ALL_FAILED },
	{ "all failed, for different reasons", .n = 2,
	    .items = { { FATE_FAILED, BLAME_ACCESS },
		{ FATE_FAILED, BLAME_UNREACHABLE } },
	    .code = EXIT_ALL_FAILED },
	{ "nothing was begun", .n = 1, .items = { { FATE_LEFT, BLAME_STATUS } },
	    .code = EXIT_ALL_FAILED },
	{ "some failed", .n = 2,
	    .items = { { FATE_DONE, BLAME_NONE },
		{ FATE_FAILED, BLAME_STATUS } },
	    .code = EXIT_SOME_FAILED },
	{ "some were denied", .n = 2,
	    .items = { { FATE_DONE, BLAME_NONE },
		{ FATE_FAILED, BLAME_ACCESS } },
	    .code = EXIT_SOME_FAILED },
	{ "some were not reached", .n = 2,
	    .items = { { FATE_FAILED, BLAME_UNREACHABLE },
		{ FATE_DONE, BLAME_NONE } },
	    .code = EXIT_SOME_FAILED },
	{ "done in part", .n = 1, .items = { { FATE_PARTIAL, BLAME_STATUS } },
	    .code = EXIT_SOME_FAILED },
	{ "done in part, and denied", .n = 2,
	    .items = { { FATE_PARTIAL, BLAME_STATUS },
		{ FATE_FAILED, BLAME_ACCESS } },
	    .code = EXIT_SOME_FAILED },
	{ "all is done", .n = 1, .items = { { FATE_DONE, BLAME_NONE } },
	    .code = EXIT_OK },
	{ "nothing was asked", .code = EXIT_OK },
};

static void
add(struct exit_facts *f, const struct row *r)
{
	size_t i;

	f->interrupted |= r->interrupted;
	f->cannot |= r->cannot;
	f->usage |= r->usage;
	f->refused |= r->refused;
	for (i = 0; i < r->n; i++)
		exit_add(f, r->items[i].fate, r->items[i].blame);
}

static void
each_row_has_its_code(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct exit_facts f = { 0 };

		add(&f, &rows[i]);
		if (exit_code_of(&f) != rows[i].code)
			fail_msg("%s: %d", rows[i].what, exit_code_of(&f));
	}
}

/* The order of the table, the strongest first. */
static size_t
rank(enum exit_code code)
{
	static const enum exit_code order[] = { EXIT_INTERRUPTED, EXIT_CANNOT,
		EXIT_USAGE, EXIT_DIGEST, EXIT_PROTOCOL, EXIT_UNKNOWN,
		EXIT_REFUSED, EXIT_ACCESS, EXIT_UNREACHABLE, EXIT_ALL_FAILED,
		EXIT_SOME_FAILED, EXIT_OK };
	size_t i = 0;

	while (order[i] != code)
		i++;
	return i;
}

/*
 * The higher line decides, but for those that speak of all items: what one
 * of the two did makes it untrue of the other.
 */
static enum exit_code
expected(const struct row *a, const struct row *b)
{
	struct exit_facts f = { 0 };
	bool some_done, all_done;
	enum exit_code high = rank(a->code) < rank(b->code) ? a->code : b->code;

	if (high <= EXIT_USAGE && high != EXIT_OK)
		return high;
	if (rank(high) <= rank(EXIT_UNKNOWN))
		return high;
	add(&f, a);
	add(&f, b);
	some_done = f.fates[FATE_DONE] || f.fates[FATE_PARTIAL];
	if (f.refused && !some_done)
		return EXIT_REFUSED;
	all_done = f.fates[FATE_DONE] == f.total;
	if (some_done || !f.total)
		return all_done ? EXIT_OK : EXIT_SOME_FAILED;
	if (f.failed_by[BLAME_ACCESS] &&
	    f.failed_by[BLAME_ACCESS] == f.fates[FATE_FAILED])
		return EXIT_ACCESS;
	if (f.failed_by[BLAME_UNREACHABLE] &&
	    f.failed_by[BLAME_UNREACHABLE] == f.fates[FATE_FAILED])
		return EXIT_UNREACHABLE;
	return EXIT_ALL_FAILED;
}

static void
of_two_rows_the_first_that_fits_decides(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		for (j = 0; j < ARRAY_LEN(rows); j++) {
			struct exit_facts f = { 0 };

			add(&f, &rows[i]);
			add(&f, &rows[j]);
			if (exit_code_of(&f) != expected(&rows[i], &rows[j]))
				fail_msg("%s + %s: %d", rows[i].what,
				    rows[j].what, exit_code_of(&f));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_has_its_code),
		cmocka_unit_test(of_two_rows_the_first_that_fits_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
