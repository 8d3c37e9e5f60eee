/* SPDX-License-Identifier: MIT */
#include "outcome/tee.h"

#include <assert.h>

/* What the tee returns for what a branch returned. */
static enum err_code
tee_weigh(const struct tee_branch *b, enum err_code rc)
{
	return b->rule == TEE_MUST ? rc : ERR_OK;
}

/*
 * Every branch is given the outcome, also those behind one that just failed:
 * what is counted and logged must not depend on their order.
 */
static enum err_code
tee_put(struct sink *s, const struct outcome *o)
{
	struct tee *t = CONTAINER_OF(s, struct tee, base);
	bool failed = outcome_is_failure(o);
	enum err_code first = ERR_OK;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct tee_branch *b = &t->branches[i];
		enum err_code rc;

		if (b->rule == TEE_FAILURES && !failed)
			continue;
		rc = sink_put(b->sink, o);
		if (!first)
			first = tee_weigh(b, rc);
	}
	return first;
}

static enum err_code
tee_end(struct sink *s)
{
	struct tee *t = CONTAINER_OF(s, struct tee, base);
	enum err_code first = ERR_OK;
	size_t i;

	for (i = 0; i < t->n; i++) {
		enum err_code rc = sink_end(t->branches[i].sink);

		if (!first)
			first = tee_weigh(&t->branches[i], rc);
	}
	return first;
}

static const struct sink_ops tee_ops = {
	.name = "tee",
	.put = tee_put,
	.end = tee_end,
};

struct sink *
tee_init(struct tee *t)
{
	*t = (struct tee){ 0 };
	sink_init(&t->base, &tee_ops);
	return &t->base;
}

void
tee_add(struct tee *t, struct sink *s, enum tee_rule rule)
{
	assert(t->n < TEE_MAX);
	t->branches[t->n++] = (struct tee_branch){ s, rule };
}
