/* SPDX-License-Identifier: MIT */
/* What a worker does of an exchange: runs the method, of one or of many. */
#include <assert.h>

#include "server/exchange.h"

/* NOLINTBEGIN(misc-redundant-expression): that they fit is what is asked. */
static_assert(RUN_ALONE == WORK_ALONE && N_RUN_GROUPS <= WORK_LINES &&
	WORK_MOST <= RUN_MOST,
    "each group has a line");
/* NOLINTEND(misc-redundant-expression) */

static void
end_work(struct exchange_state *e)
{
	if (e->past)
		answer_rest(e);
	else
		gate_wake(&e->gate);
	exchange_drop(e);
}

static void
run_work(struct work *w)
{
	struct exchange_state *e = CONTAINER_OF(w, struct exchange_state, work);

	run_method(e);
	end_work(e);
}

/* All of a group that somebody was free for. */
static void
run_group(struct work *first)
{
	struct exchange_state *all[RUN_MOST] = { 0 };
	struct exchange *x[RUN_MOST] = { 0 };
	struct err *err[RUN_MOST] = { 0 };
	struct work *w;
	size_t n = 0;
	size_t i;

	assert(first);
	for (w = first; w; w = w->next) {
		assert(n < RUN_MOST);
		all[n] = CONTAINER_OF(w, struct exchange_state, work);
		x[n] = &all[n]->x;
		err[n] = &all[n]->err;
		n++;
	}
	all[0]->ops->run_all(x, err, n);
	for (i = 0; i < n; i++) {
		end_run(all[i]);
		end_work(all[i]);
	}
}

void
exchange_work(struct exchange_state *e)
{
	e->work.line = e->ops->group ? e->ops->group(&e->x) : RUN_ALONE;
	e->work.run = e->work.line == WORK_ALONE ? run_work : run_group;
}
