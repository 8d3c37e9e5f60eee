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

static void
end_of_many(struct exchange_state *e, enum err_code rc)
{
	e->err.code = rc;
	end_run(e);
	end_work(e);
}

/* Whatever it has to wait for, the group does not. */
static void
run_apart(struct exchange_state *e)
{
	e->work.line = WORK_ALONE;
	e->work.patience = 0;
	e->work.run = run_work;
	if (!workers_add_more(e->server->workers, &e->work))
		run_work(&e->work);
}

/*
 * All of a group that somebody was free for.  For one there is less to do
 * alone, but a sync more: where those are long it is done as a group.
 */
static void
run_group(struct work *first)
{
	struct exchange_state *all[RUN_MOST] = { 0 };
	struct exchange *x[RUN_MOST] = { 0 };
	struct err *err[RUN_MOST] = { 0 };
	enum err_code rc[RUN_MOST] = { 0 };
	bool ran[RUN_MOST] = { 0 };
	struct work *w;
	bool alone;
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
	alone = n == 1 && !first->patience;
	if (!alone)
		all[0]->ops->run_all(x, rc, err, ran, n);
	workers_will_answer(all[0]->server->workers, first->line, n);
	for (i = 0; i < n; i++)
		if (alone)
			run_work(&all[i]->work);
		else if (ran[i])
			end_of_many(all[i], rc[i]);
		else
			run_apart(all[i]);
}

void
exchange_work(struct exchange_state *e)
{
	e->work.patience = 0;
	e->work.line =
	    e->ops->group ? e->ops->group(&e->x, &e->work.patience) : RUN_ALONE;
	e->work.run = e->work.line == WORK_ALONE ? run_work : run_group;
}
