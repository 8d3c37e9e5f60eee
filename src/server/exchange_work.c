/* SPDX-License-Identifier: MIT */
/* What workers do: run the method of one exchange, or of a group. */
#include <assert.h>

#include "server/exchange.h"

/* NOLINTBEGIN(misc-redundant-expression): the values may change. */
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

/*
 * One of a group that its run_all() left out, since it has to wait for
 * something the group should not wait for.
 */
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
 * Runs a group.  A group of one is run alone, which is less work but one sync
 * more; so where syncs are long it is run as a group, too.
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

/* ---- a body in pieces */

/*
 * The time in piece() does not count against the client, who could send nothing
 * meanwhile.
 */
static void
run_piece(struct work *w)
{
	struct exchange_state *e = CONTAINER_OF(w, struct exchange_state, work);

	e->err.code = e->ops->piece(&e->x, &e->err);
	if (!e->err.code && e->ready && !e->past && body_left(e))
		answer_early(e);
	(void)conn_reenter(
	    e->conn, e->past ? CONN_BOTH : CONN_BODY, e->spent, e->moved);
	gate_wake(&e->gate);
	exchange_drop(e);
}

enum MHD_Result
start_piece(struct exchange_state *e)
{
	e->spent = conn_spent(e->conn);
	e->moved = conn_bytes(e->conn);
	if (!conn_enter(e->conn, CONN_WORK))
		return MHD_NO;
	e->stage = STAGE_PIECE;
	e->in_piece = e->had_piece = true;
	e->work.run = run_piece;
	(void)atomic_fetch_add(&e->holders, 1);
	gate_suspend(&e->gate);
	if (workers_add_more(e->server->workers, &e->work))
		return MHD_YES;
	(void)err_set(&e->err, ERR_BUSY, "no thread could be started");
	gate_wake(&e->gate);
	exchange_drop(e);
	return MHD_YES;
}

bool
end_piece(struct exchange_state *e)
{
	if (gate_waits(&e->gate))
		return false;
	e->in_piece = false;
	e->stage = STAGE_BODY;
	return true;
}
