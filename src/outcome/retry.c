/* SPDX-License-Identifier: MIT */
#include "outcome/retry.h"

#include <assert.h>

#include "base/clock.h"
#include "http/date.h"
#include "outcome/tally.h"

static const struct row {
	unsigned status;
	enum retry_advice advice;
	bool again;
} rows[] = {
#define ADVICE(status, advice, again) { status, RETRY_##advice, again },
#include "outcome/retry.def"
#undef ADVICE
};

static const struct row *
find(unsigned status)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return &rows[i];
	return NULL;
}

/* An unknown status is its class's x00 (RFC 9110 s15). */
static const struct row *
row_of(unsigned status)
{
	const struct row *r = find(status);

	if (!r)
		r = find(status / 100 * 100);
	return r ? r : &rows[0];
}

bool
method_is_idempotent(struct str method)
{
	static const struct str names[] = {
#define IDEMPOTENT(name) STR_INIT(name),
#include "outcome/idempotent.def"
#undef IDEMPOTENT
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(names[i], method))
			return true;
	return false;
}

enum retry_advice
retry_advise(unsigned status, struct str method, bool keyed)
{
	enum retry_advice a = row_of(status)->advice;

	/* If the first was carried out after all, it would be done twice. */
	if (a == RETRY_LATER && !keyed && method.len &&
	    !method_is_idempotent(method))
		return RETRY_LOOK_FIRST;
	return a;
}

bool
status_is_retryable(unsigned status)
{
	return row_of(status)->again;
}

const char *
retry_advice_text(enum retry_advice a)
{
	static const char *const texts[RETRY_ADVICE_COUNT] = {
		[RETRY_NONE] = "nothing to do",
		[RETRY_LATER] = "try again later",
		[RETRY_WHEN_FREED] =
		    "try again when it is unlocked, or room was made",
		[RETRY_WITH_CAUSE] = "try again together with what it "
				     "waited for",
		[RETRY_AFTER_CHANGE] = "it fails again unless the request "
				       "or the server is changed",
		[RETRY_NEVER] = "do not send it again as it is: look at what "
				"is there now",
		[RETRY_LOOK_FIRST] = "it may or may not have been done: look "
				     "at what is there first",
	};

	assert(a < RETRY_ADVICE_COUNT);
	return texts[a];
}

/* Seconds as ns; INT64_MAX where they are too many for that. */
static int64_t
to_ns(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	if (seconds > INT64_MAX / NSEC_PER_SEC)
		return INT64_MAX;
	return seconds * NSEC_PER_SEC;
}

static bool
is_digits(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!ascii_is_digit(s.ptr[i]))
			return false;
	return s.len > 0;
}

bool
retry_after_parse(struct str value, int64_t now, int64_t *ns)
{
	struct str s = str_trim(value);
	uint64_t seconds;
	int64_t date, left;

	if (is_digits(s)) {
		if (!str_to_u64(s, &seconds) || seconds > INT64_MAX)
			seconds = INT64_MAX;
		*ns = to_ns((int64_t)seconds);
		return true;
	}
	if (!date_parse_http(s, &date))
		return false;
	left = to_ns(date);
	*ns = left > now ? left - now : 0;
	return true;
}

int64_t
retry_delay(unsigned attempt, int64_t retry_after, uint64_t random)
{
	int64_t most = RETRY_BASE;
	int64_t jitter;

	for (; attempt > 2 && most < RETRY_CAP; attempt--)
		most *= 2;
	if (most > RETRY_CAP)
		most = RETRY_CAP;
	jitter = (int64_t)(random % ((uint64_t)most + 1));
	return retry_after > jitter ? retry_after : jitter;
}
