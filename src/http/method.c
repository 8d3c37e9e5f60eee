/* SPDX-License-Identifier: MIT */
#include "http/method.h"

#include <assert.h>

static const struct row {
	struct str name;
	unsigned flags;
	enum depth depth;
} rows[METHOD_COUNT] = {
#define METHOD(id, name, flags, depth) \
	[METHOD_##id] = { STR_INIT(name), (flags), (depth) },
#include "http/method.def"
#undef METHOD
};

enum method
method_from(struct str name)
{
	unsigned m;

	for (m = METHOD_NONE + 1; m < METHOD_COUNT; m++)
		if (str_eq(rows[m].name, name))
			return (enum method)m;
	return METHOD_NONE;
}

static const struct row *
row(enum method m)
{
	assert(m < METHOD_COUNT);
	return &rows[m];
}

struct str
method_name(enum method m)
{
	return row(m)->name;
}

unsigned
method_flags(enum method m)
{
	return row(m)->flags;
}

enum depth
method_default_depth(enum method m)
{
	return row(m)->depth;
}
