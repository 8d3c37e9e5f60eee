/* SPDX-License-Identifier: MIT */
#include "outcome/sink.h"

#include <assert.h>

void
sink_init(struct sink *s, const struct sink_ops *ops)
{
	assert(ops->name);
	assert(ops->put);
	*s = (struct sink){ .ops = ops };
}

enum err_code
sink_put(struct sink *s, const struct outcome *o)
{
	assert(o->told ||
	    (o->status >= 200 && o->status <= 599 && o->status != 207));
	assert(o->told || (o->path.s.len && o->path.s.ptr[0] == '/'));
	if (!s->failed)
		s->failed = s->ops->put(s, o);
	return s->failed;
}

enum err_code
sink_end(struct sink *s)
{
	if (!s->failed && s->ops->end)
		s->failed = s->ops->end(s);
	return s->failed;
}
