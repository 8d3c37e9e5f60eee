/* SPDX-License-Identifier: MIT */
#include "outcome/sink.h"

void
sink_init(struct sink *s, const struct sink_ops *ops)
{
	assert(ops->name);
	assert(ops->put);
	*s = (struct sink){ .ops = ops };
}

enum err_code
sink_end(struct sink *s)
{
	if (!s->failed && s->ops->end)
		s->failed = s->ops->end(s);
	return s->failed;
}
