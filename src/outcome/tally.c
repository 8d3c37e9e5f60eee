/* SPDX-License-Identifier: MIT */
#include "outcome/tally.h"

void
summary_add(struct summary *sum, const struct outcome *o)
{
	sum->total++;
	if (!outcome_is_failure(o)) {
		sum->success++;
		return;
	}
	sum->failed++;
	if (status_is_retryable(o->status))
		sum->retryable++;
}

static enum err_code
tally_put(struct sink *s, const struct outcome *o)
{
	struct tally *t = CONTAINER_OF(s, struct tally, base);

	summary_add(&t->sum, o);
	return ERR_OK;
}

static const struct sink_ops tally_ops = {
	.name = "tally",
	.put = tally_put,
};

struct sink *
tally_init(struct tally *t)
{
	*t = (struct tally){ 0 };
	sink_init(&t->base, &tally_ops);
	return &t->base;
}
