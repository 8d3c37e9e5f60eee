/* SPDX-License-Identifier: MIT */
/* PROPPATCH (RFC 4918 s9.2, RFC 8144 s2.2). */
#include "dav/answer.h"
#include "dav/methods.h"
#include "outcome/collector.h"
#include "store/commits.h"

struct patching {
	struct precondition pre;
	struct dav_body *body;
	struct proppatch_body what;
	bool read; /* what */
};

static enum err_code
proppatch_begin(struct exchange *x, struct err *err)
{
	const struct xml_limits limits = { x->set->max_xml, x->set->max_depth };
	struct patching *p = ARENA_NEW(x->arena, struct patching);
	enum err_code rc;

	if (!p)
		return err_nomem(err);
	x->state = p;
	x->slow = true;
	rc = precondition_parse(&p->pre, x, err);
	if (!rc)
		rc = proppatch_body_new(&limits,
		    x->memos ? &x->memos->proppatch : NULL, x->arena, &p->body,
		    err);
	if (!rc)
		x->body = dav_body_stream(p->body);
	return rc;
}

/* Whether it is a success of which the client wants to hear little. */
static bool
is_minimal(const struct answer *a, const struct collector *c)
{
	return a->prefer.minimal && c->n == 1 &&
	    !outcome_is_failure(&c->items[0]);
}

/* Sends the one outcome, which was held back: it decides the status. */
static enum err_code
proppatch_answer(
    struct exchange *x, const struct collector *outcomes, struct err *err)
{
	struct answer answer CLEANUP(answer_done) = { 0 };
	enum err_code rc;
	size_t i;

	rc = answer_init(&answer, x, ANSWER_ALL, err);
	if (rc)
		return rc;
	answer.prefer.depth_noroot = false;
	if (is_minimal(&answer, outcomes)) {
		(void)reply_header(
		    x->reply, STR("Preference-Applied"), STR("return=minimal"));
		return reply_done(x, 204);
	}
	answer.says_path = true;
	answer.collection = outcomes->n && outcomes->items[0].collection;
	for (i = 0; i < outcomes->n; i++)
		(void)sink_put(&answer.base, &outcomes->items[i]);
	return sink_end(&answer.base);
}

static enum err_code
read_body(struct patching *p, struct err *err)
{
	enum err_code rc =
	    p->read ? ERR_OK : proppatch_body_end(p->body, &p->what, err);

	p->read = !rc;
	return rc;
}

static enum err_code
proppatch_run(struct exchange *x, struct err *err)
{
	struct patching *p = x->state;
	const struct op op = precondition_op(&p->pre);
	struct collector outcomes;
	struct resource res;
	enum err_code rc = read_body(p, err);

	if (!rc)
		rc = store_stat(x->store, x->req->path, &res, err);
	if (!rc)
		rc = precondition_check(&p->pre, &res, err);
	if (rc)
		return rc;
	rc = op_proppatch(&op, x->req->path, &p->what,
	    precondition_guard(&p->pre, x->req->path),
	    collector_init(&outcomes, x->arena), err);
	if (rc)
		return rc;
	return proppatch_answer(x, &outcomes, err);
}

static bool
is_quick(struct exchange *x, const struct proppatch_body *what)
{
	struct rpath path = x->req->path;

	return store_patch_is_quick(
		   x->store, path, what->changes, what->n_changes, false) ||
	    (x->alone && x->alone(x) &&
		store_patch_is_quick(
		    x->store, path, what->changes, what->n_changes, true));
}

static bool
proppatch_at_once(struct exchange *x, enum err_code *rc, struct err *err)
{
	struct patching *p = x->state;

	*rc = read_body(p, err);
	if (!*rc && !is_quick(x, &p->what))
		return false;
	if (!*rc)
		*rc = proppatch_run(x, err);
	return true;
}

static void
proppatch_end(struct exchange *x)
{
	struct patching *p = x->state;

	if (p)
		dav_body_free(p->body);
}

const struct method_ops method_proppatch = {
	.begin = proppatch_begin,
	.at_once = proppatch_at_once,
	.run = proppatch_run,
	.end = proppatch_end,
};
