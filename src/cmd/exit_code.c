/* SPDX-License-Identifier: MIT */
#include "cmd/exit_code.h"

#include <assert.h>

void
exit_add(struct exit_facts *f, enum fate fate, enum blame blame)
{
	assert(fate < FATE_COUNT && blame < BLAME_COUNT);
	f->total++;
	f->fates[fate]++;
	f->blames[blame]++;
	if (fate == FATE_FAILED)
		f->failed_by[blame]++;
	if (blame == BLAME_INTERRUPT)
		f->interrupted = true;
}

static bool
is_interrupted(const struct exit_facts *f)
{
	return f->interrupted;
}

static bool
cannot_go_on(const struct exit_facts *f)
{
	return f->cannot;
}

static bool
is_wrong_usage(const struct exit_facts *f)
{
	return f->usage;
}

static bool
has_wrong_digest(const struct exit_facts *f)
{
	return f->blames[BLAME_DIGEST] > 0;
}

static bool
has_malformed_answer(const struct exit_facts *f)
{
	return f->blames[BLAME_PROTOCOL] > 0;
}

static bool
has_unknown(const struct exit_facts *f)
{
	return f->fates[FATE_UNKNOWN] > 0;
}

static bool
none_was_done(const struct exit_facts *f)
{
	return f->total && !f->fates[FATE_DONE] && !f->fates[FATE_PARTIAL];
}

/*
 * Whether nothing was done and every failure has this blame.  Items that were
 * left because another failed do not count.
 */
static bool
each_failed_by(const struct exit_facts *f, enum blame why)
{
	return none_was_done(f) && f->failed_by[why] &&
	    f->failed_by[why] == f->fates[FATE_FAILED];
}

static bool
was_refused(const struct exit_facts *f)
{
	return f->refused && !f->fates[FATE_DONE] && !f->fates[FATE_PARTIAL];
}

static bool
each_was_denied(const struct exit_facts *f)
{
	return each_failed_by(f, BLAME_ACCESS);
}

static bool
none_was_reached(const struct exit_facts *f)
{
	return each_failed_by(f, BLAME_UNREACHABLE);
}

static bool
some_was_not_done(const struct exit_facts *f)
{
	return f->fates[FATE_DONE] < f->total;
}

enum exit_code
exit_code_of(const struct exit_facts *f)
{
	static const struct {
		bool (*fits)(const struct exit_facts *f);
		enum exit_code code;
	} rows[] = {
		{ is_interrupted, EXIT_INTERRUPTED },
		{ cannot_go_on, EXIT_CANNOT },
		{ is_wrong_usage, EXIT_USAGE },
		{ has_wrong_digest, EXIT_DIGEST },
		{ has_malformed_answer, EXIT_PROTOCOL },
		{ has_unknown, EXIT_UNKNOWN },
		{ was_refused, EXIT_REFUSED },
		{ each_was_denied, EXIT_ACCESS },
		{ none_was_reached, EXIT_UNREACHABLE },
		{ none_was_done, EXIT_ALL_FAILED },
		{ some_was_not_done, EXIT_SOME_FAILED },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].fits(f))
			return rows[i].code;
	return EXIT_OK;
}
