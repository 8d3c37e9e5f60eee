/* SPDX-License-Identifier: MIT */
#include "wire/json_claims.h"

void
json_claims_read(struct json_claims *c, const json_t *summary)
{
	uint64_t n[COUNT_NAMES] = { 0 };
	const char *key;
	json_t *v;

	c->some = true;
	json_object_foreach((json_t *)(uintptr_t)summary, key, v)
	{
		enum count_name what = count_name_of(str_from_c(key));

		if (what == COUNT_NONE || c->counts[what] ||
		    !json_is_integer(v) || json_integer_value(v) < 0)
			continue;
		c->counts[what] = true;
		n[what] = (uint64_t)json_integer_value(v);
	}
	c->sum = (struct summary){
		.total = n[COUNT_TOTAL],
		.success = n[COUNT_SUCCESS],
		.failed = n[COUNT_FAILED],
		.retryable = n[COUNT_RETRYABLE],
	};
	if (!c->counts[COUNT_TOTAL])
		c->sum.total = c->sum.success + c->sum.failed;
}

/* Whether the claimed numbers do not add up. */
static bool
is_uneven(const struct json_claims *c)
{
	return c->counts[COUNT_TOTAL] && c->counts[COUNT_SUCCESS] &&
	    c->counts[COUNT_FAILED] &&
	    c->sum.total != c->sum.success + c->sum.failed;
}

static bool
is_minimal(const struct json_claims *c, const struct summary *counted)
{
	return !counted->success && c->counts[COUNT_FAILED] &&
	    c->sum.failed == counted->failed;
}

bool
json_claims_contradict(
    const struct json_claims *c, const struct summary *counted)
{
	if (c->flagged && c->flag != (counted->failed > 0))
		return true;
	if (!c->some || is_minimal(c, counted))
		return is_uneven(c);
	return is_uneven(c) ||
	    (c->counts[COUNT_FAILED] && c->sum.failed != counted->failed) ||
	    (c->counts[COUNT_SUCCESS] && c->sum.success != counted->success) ||
	    (c->counts[COUNT_TOTAL] && c->sum.total != counted->total);
}
