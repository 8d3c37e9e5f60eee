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

bool
outcome_is_failure(const struct outcome *o)
{
	return status_failed(o->status);
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
