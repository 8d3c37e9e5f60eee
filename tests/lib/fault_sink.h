/* SPDX-License-Identifier: MIT */
/* A sink that fails on demand, and remembers how often it was called. */
#ifndef SHEAF_TESTS_FAULT_SINK_H
#define SHEAF_TESTS_FAULT_SINK_H

#include "outcome/sink.h"

struct fault_sink {
	struct sink base;
	unsigned fail_put; /* the nth put fails; 0: none */
	bool fail_end;
	enum err_code with;
	unsigned puts;
	unsigned ends;
};

static enum err_code
fault_sink_put(struct sink *s, const struct outcome *o)
{
	struct fault_sink *f = CONTAINER_OF(s, struct fault_sink, base);

	(void)o;
	return ++f->puts == f->fail_put ? f->with : ERR_OK;
}

static enum err_code
fault_sink_end(struct sink *s)
{
	struct fault_sink *f = CONTAINER_OF(s, struct fault_sink, base);

	f->ends++;
	return f->fail_end ? f->with : ERR_OK;
}

/* Fails with `with`: at the nth put (0: none), or at the end. */
static inline struct sink *
fault_sink_init(
    struct fault_sink *f, unsigned fail_put, bool fail_end, enum err_code with)
{
	static const struct sink_ops ops = {
		.name = "fault",
		.put = fault_sink_put,
		.end = fault_sink_end,
	};

	*f = (struct fault_sink){
		.fail_put = fail_put,
		.fail_end = fail_end,
		.with = with,
	};
	sink_init(&f->base, &ops);
	return &f->base;
}

#endif
