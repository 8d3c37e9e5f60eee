/* SPDX-License-Identifier: MIT */
/* What became of an operation that was not run to its end, and handing on. */
#include "base/clock.h"
#include "base/plain.h"
#include "bulk/impl.h"
#include "http/href.h"

/* Seconds that a status is likely to last; what is not here may stay. */
static const struct {
	unsigned status;
	int64_t seconds;
} waits[] = {
	{ 408, 1 },
	{ 423, 3 },
	{ 425, 1 },
	{ 429, 3 },
	{ 502, 3 },
	{ 503, 1 },
	{ 504, 3 },
};

static int64_t
retry_after(const struct outcome *o)
{
	size_t i;

	if (o->why == ERR_KEY_IN_USE)
		return 1;
	for (i = 0; i < ARRAY_LEN(waits); i++)
		if (waits[i].status == o->status)
			return waits[i].seconds;
	return -1;
}

void
task_result(struct task *t, const struct outcome *o)
{
	t->result = (struct result){
		.index = t->item->index,
		.id = t->item->id,
		.outcome = *o,
		.url = t->item->url,
		.retry_after = retry_after(o),
		.caused_by = t->caused_by,
	};
	t->state = TASK_DONE;
}

void
task_failed(struct bulk_run *r, struct task *t)
{
	struct outcome o =
	    outcome_failed(t->path, t->slash, t->err->code, t->err);

	(void)r;
	if (o.status < 400) { /* nothing has changed: no failure */
		o.tell = o.about.s = (struct str){ 0 };
		o.why = ERR_OK;
	}
	task_result(t, &o);
}

void
task_waited_for(struct bulk_run *r, struct task *t, struct str id)
{
	t->caused_by = id;
	(void)err_tell(t->err, ERR_DEPENDENCY, "operation '%.*s' failed",
	    STR_ARG(str_head(id, 128)));
	task_failed(r, t);
}

/* The operation was never begun, for a reason that is none of its own. */
static void
task_put_off(
    struct bulk_run *r, struct task *t, enum err_code why, const char *tell)
{
	(void)err_tell(t->err, why, "%s", tell);
	task_failed(r, t);
	t->result.not_attempted = true;
}

void
task_enough(struct bulk_run *r, struct task *t)
{
	task_put_off(r, t, ERR_DEPENDENCY,
	    "not begun: as many have failed as failOnErrors lets");
}

void
task_undo(struct bulk_run *r, struct task *t, const struct err *err)
{
	*t->err = *err;
	task_failed(r, t);
}

bool
task_is_failure(const struct task *t)
{
	return outcome_is_failure(&t->result.outcome);
}

bool
task_names_collection(const struct task *t, struct rpath path)
{
	return rpath_eq(path, t->path) &&
	    (t->slash || str_eq(t->method_name, STR("MKCOL")));
}

/* Whether the budget is used up or somebody has cancelled. */
static bool
is_late(struct bulk_run *r, struct task *t)
{
	const struct bulk_spec *s = &r->spec;

	if (s->cancelled && s->cancelled(s->arg)) {
		task_put_off(r, t, ERR_CANCELLED,
		    "the batch was cancelled before this was begun");
		return true;
	}
	if (!s->budget || clock_monotonic() - r->began < s->budget)
		return false;
	task_put_off(r, t, ERR_BUSY,
	    "the time for the batch is used up (timeBudget): send this again");
	return true;
}

bool
task_may_begin(struct bulk_run *r, struct task *t)
{
	struct str cause = t->blamed;
	size_t i;

	if (t->state == TASK_DONE)
		return false;
	for (i = 0; i < t->n_after && !cause.ptr; i++) {
		const struct task *o = &r->tasks[t->after[i]];

		if (o->state == TASK_DONE && task_is_failure(o))
			cause = o->caused_by.len ? o->caused_by : o->item->id;
	}
	if (!cause.ptr)
		return !is_late(r, t);
	task_waited_for(r, t, cause);
	return false;
}

/* ---- handing on */

enum err_code
run_start(struct bulk_run *r, unsigned status, struct err *err)
{
	enum err_code rc;

	if (r->started)
		return ERR_OK;
	rc = r->spec.start(r->spec.arg, status, &r->out, err);
	r->started = rc == ERR_OK;
	return rc;
}

static void
put_line(struct buf *b, const struct bulk_run *r, const struct task *t)
{
	const struct result *res = &t->result;

	buf_put(b, r->spec.batch_id);
	buf_putc(b, ' ');
	text_put_plain(b, res->id);
	buf_putc(b, ' ');
	text_put_plain(b, t->method_name.len ? t->method_name : STR("-"));
	buf_putc(b, ' ');
	if (res->outcome.path.s.len)
		href_put(
		    b, STR(""), res->outcome.path, res->outcome.collection);
	else
		text_put_plain(b, res->url.len ? res->url : STR("-"));
	BUF_LIT(b, ": ");
	buf_put_u64(b, res->outcome.status);
	buf_putc(b, ' ');
	text_put_plain(b, outcome_text(&res->outcome));
}

static void
log_failure(struct bulk_run *r, const struct task *t)
{
	const struct log_lines *to = &r->env.failures;
	struct buf b CLEANUP(buf_done) = { 0 };

	if (!to->line)
		return;
	put_line(&b, r, t);
	if (!buf_failed(&b))
		to->line(to->arg, buf_str(&b));
}

static void
count(struct bulk_run *r, const struct task *t)
{
	unsigned status = t->result.outcome.status;

	r->total++;
	if (status < BULK_STATUS_MAX)
		r->counts[status]++;
	if (!task_is_failure(t))
		return;
	r->failures++;
	log_failure(r, t);
}

/* A line for each failure has gone before it. */
void
run_log_end(struct bulk_run *r)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	unsigned status;

	if (!r->failures || !r->env.failures.line)
		return;
	buf_put(&b, r->spec.batch_id);
	buf_printf(&b, ": %llu of %llu failed", (unsigned long long)r->failures,
	    (unsigned long long)r->total);
	for (status = 400; status < BULK_STATUS_MAX; status++)
		if (r->counts[status])
			buf_printf(&b, ", %u: %llu", status,
			    (unsigned long long)r->counts[status]);
	if (!buf_failed(&b))
		r->env.failures.line(r->env.failures.arg, buf_str(&b));
}

/*
 * What later windows may ask about.  Without memory for it they hear that it is
 * not known, and nothing is done of what depends on it.
 */
static void
remember_left(struct bulk_run *r, const struct task *t)
{
	struct left l = {
		.failed = task_is_failure(t),
		.caused_by = t->caused_by.len ? t->caused_by : t->item->id,
		.etag = str_of(t->etag, t->etag_len),
		.at = t->at,
	};

	if (!l.at.s.len)
		l.at = t->ways & WAY_TO ? t->to : t->path;
	if (!l.at.s.len)
		l.at = RPATH_ROOT;
	(void)!past_add(&r->past, t->item->id, &l);
	l.is_group = true;
	if (t->group == t)
		(void)!past_add(&r->past, t->item->group, &l);
}

/* Leaves out members that have operations of their own to tell of them. */
static void
leave_out_told(const struct bulk_run *r, struct task *t)
{
	struct result *res = &t->result;
	struct outcome *v;
	size_t i, n = 0;

	if (!r->spec.hrefs_once || !res->n_members)
		return;
	v = arena_array(&t->arena, res->n_members, sizeof(*v));
	if (!v)
		return;
	for (i = 0; i < res->n_members; i++)
		if (!names_find(&r->hrefs, res->members[i].path.s))
			v[n++] = res->members[i];
	res->members = v;
	res->n_members = n;
}

enum err_code
run_put(struct bulk_run *r, struct err *err)
{
	enum err_code rc = run_start(r, 207, err);

	for (; !rc && r->n_put < r->n; r->n_put++) {
		struct task *t = &r->tasks[r->n_put];

		if (t->state != TASK_DONE)
			break;
		count(r, t);
		remember_left(r, t);
		leave_out_told(r, t);
		rc = results_put(r->out, &t->result);
		buf_done(&t->body);
	}
	return rc && err && !err->code ? err_set(err, rc, "results") : rc;
}
