/* SPDX-License-Identifier: MIT */
#include "lib/op_test.h"

void
op_test_init(struct op_test *t, const char *text)
{
	*t = (struct op_test){ 0 };
	t->store = deny_store_init(&t->deny);
	t->op = (struct op){
		.store = t->store,
		.caller = &t->caller,
		.set = &t->set,
		.arena = &t->arena,
	};
	tree_make(t->deny.inner, text);
}

void
op_test_done(struct op_test *t)
{
	store_close(t->store);
	arena_done(&t->arena);
	buf_done(&t->text);
}

struct sink *
op_test_sink(struct op_test *t)
{
	return collector_init(&t->out, &t->arena);
}

struct str
op_test_said(struct op_test *t)
{
	size_t i;

	buf_clear(&t->text);
	for (i = 0; i < t->out.n; i++) {
		const struct outcome *o = &t->out.items[i];

		buf_printf(&t->text, "%s%.*s%s %u", i ? " " : "",
		    STR_ARG(o->path.s), o->collection ? "/" : "", o->status);
	}
	return buf_str(&t->text);
}

bool
op_test_named(const struct op_test *t, struct rpath path)
{
	size_t i;

	for (i = 0; i < t->out.n; i++)
		if (rpath_eq(t->out.items[i].path, path))
			return true;
	return false;
}
