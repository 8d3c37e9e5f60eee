/* SPDX-License-Identifier: MIT */
#include "outcome/outcome.h"

#include "http/status.h"

struct outcome
outcome_failed(struct rpath path, bool collection, enum err_code why,
    const struct err *err)
{
	return (struct outcome){
		.path = path,
		.collection = collection,
		.status = err_status(why),
		.why = why,
		.tell = str_from_c(err ? err->tell : NULL),
		.about = { str_from_c(err ? err->about : NULL) },
	};
}

/* Which of several statuses decides: the highest; 0: it refuses nothing. */
static unsigned
refusal_rank(unsigned status)
{
	if (status / 100 == 2 || status == 404)
		return 0;
	if (!status_failed(status)) /* nothing that can be relied on */
		return 1;
	return status == 424 ? 2 : 3;
}

const struct propstat *
outcome_refused(const struct outcome *o)
{
	const struct propstat *found = NULL;
	unsigned rank = 0;
	size_t i;

	for (i = 0; i < o->n_propstats; i++) {
		unsigned r = refusal_rank(o->propstats[i].status);

		if (r > rank)
			found = &o->propstats[i];
		if (r > rank)
			rank = r;
	}
	return found;
}

unsigned
outcome_propstats_status(const struct outcome *o)
{
	const struct propstat *refused = outcome_refused(o);
	size_t i;

	for (i = 0; i < o->n_propstats; i++)
		if (o->propstats[i].status / 100 == 2)
			return 200;
	return refused ? refused->status : 200;
}

struct str
outcome_text(const struct outcome *o)
{
	if (o->tell.len)
		return o->tell;
	if (o->why)
		return str_from_c(err_text(o->why));
	return status_reason(o->status);
}
