/* SPDX-License-Identifier: MIT */
/* LOCK (RFC 4918 s9.10): a new lock, or the refresh of one. */
#include "base/clock.h"
#include "dav/answer.h"
#include "dav/methods.h"
#include "dav/props.h"
#include "http/fields.h"
#include "wire/active_lock.h"

struct locking {
	struct precondition pre;
	struct dav_body *body;
	struct lockinfo_body info;
	int64_t timeout; /* ns, what is granted */
	bool collection; /* is at the path */
};

static enum err_code
lock_begin(struct exchange *x, struct err *err)
{
	const struct xml_limits limits = { x->set->max_xml, x->set->max_depth };
	struct locking *l = ARENA_NEW(x->arena, struct locking);
	enum err_code rc;

	if (!l)
		return err_nomem(err);
	x->state = l;
	x->slow = true;
	rc = precondition_parse(&l->pre, x, err);
	if (!rc)
		rc = lockinfo_body_new(&limits,
		    x->memos ? &x->memos->lockinfo : NULL, x->arena, &l->body,
		    err);
	if (!rc)
		x->body = dav_body_stream(l->body);
	return rc;
}

/* The timeout that was asked for, within what the configuration allows. */
static enum err_code
find_timeout(struct exchange *x, int64_t *out, struct err *err)
{
	uint32_t seconds;
	enum err_code rc =
	    timeout_parse(&x->req->headers, x->arena, &seconds, err);

	if (rc)
		return rc;
	*out = (int64_t)seconds * NSEC_PER_SEC;
	if (*out > x->set->lock_timeout)
		*out = x->set->lock_timeout;
	return ERR_OK;
}

/*
 * A lock that cannot be described in the answer is of no use to the client: it
 * is taken back.
 */
struct taken {
	struct exchange *x;
	const struct lock *lock; /* NULL: nothing to take back */
};

static void
taken_done(struct taken *t)
{
	struct lock_tokens tokens;
	const struct guard g = { .tokens = &tokens };

	if (!t->lock)
		return;
	tokens = (struct lock_tokens){ t->lock->user, &t->lock->token, 1 };
	/* If that fails as well, the lock will time out. */
	(void)!store_unlock(t->x->store, t->lock->root, &tokens, &g, NULL);
}

/* The other locks, which a shared one has beside it. */
static enum err_code
find_others(struct exchange *x, const struct lock *mine,
    const struct lock **out, size_t *n, struct err *err)
{
	*out = NULL;
	*n = 0;
	return mine->shared
	    ? store_locks(x->store, x->req->path, x->arena, out, n, err)
	    : ERR_OK;
}

/*
 * DAV:lockdiscovery: the lock first, for clients that look at one only, then
 * the other locks that are shared with it.
 */
static enum err_code
put_discovery(struct exchange *x, const struct lock *mine, bool collection,
    struct buf *body, struct err *err)
{
	struct rpath path = x->req->path;
	const struct lock *locks;
	struct prop_lock *shown;
	size_t n, i, n_shown = 0;
	enum err_code rc;

	rc = find_others(x, mine, &locks, &n, err);
	if (rc)
		return rc;
	shown = arena_array(x->arena, n + 1, sizeof(*shown));
	if (!shown)
		return err_nomem(err);
	shown[n_shown++] = lock_shown(x->store, mine, path, collection);
	for (i = 0; i < n; i++)
		if (!str_eq(locks[i].token, mine->token))
			shown[n_shown++] =
			    lock_shown(x->store, &locks[i], path, collection);
	lock_body_put(body, x->req->origin.prefix, shown, n_shown);
	return buf_failed(body) ? err_nomem(err) : ERR_OK;
}

static enum err_code
reply_lock(struct exchange *x, const struct lock *lock, bool collection,
    unsigned status, struct err *err)
{
	struct buf body CLEANUP(buf_done) = { 0 };
	struct ostream *to;
	enum err_code rc = put_discovery(x, lock, collection, &body, err);

	if (rc)
		return rc;
	(void)reply_header(
	    x->reply, STR("Content-Type"), lock_body_media_type());
	(void)reply_header(x->reply, STR("Cache-Control"), STR("no-store"));
	canonical_header(x, collection);
	rc = reply_stream(x->reply, status, &to);
	if (rc)
		return rc;
	(void)ostream_write(to, buf_str(&body));
	return ostream_end(to);
}

static void
token_header(struct exchange *x, const struct lock *lock)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	buf_putc(&b, '<');
	buf_put(&b, lock->token);
	buf_putc(&b, '>');
	(void)buf_header(x->reply, STR("Lock-Token"), &b);
}

/*
 * A member is in the way of a deep lock: the 207 that RFC 4918 s9.10.3 demands,
 * which names it, and says of the collection that it is not locked either.
 */
static enum err_code
reply_member(struct exchange *x, const struct err *why, struct err *err)
{
	struct answer answer CLEANUP(answer_done) = { 0 };
	struct rpath member = { str_from_c(why->about) };
	struct resource res = { 0 };
	struct outcome o;
	enum err_code rc;

	rc = answer_init(&answer, x, ANSWER_FAILURES, err);
	if (rc)
		return rc;
	(void)!store_stat(x->store, member, &res, NULL);
	o = outcome_failed(member, res.collection, why->code, why);
	(void)sink_put(&answer.base, &o);
	o = outcome_failed(x->req->path, true, ERR_DEPENDENCY, NULL);
	(void)sink_put(&answer.base, &o);
	return sink_end(&answer.base);
}

static bool
is_below(struct rpath path, const struct err *err)
{
	struct rpath about = { str_from_c(err->about) };

	return about.s.len && rpath_is_ancestor(path, about);
}

static enum err_code
must_be_there(struct exchange *x, struct err *err)
{
	struct resource res;
	const struct resource *now;
	enum err_code rc = stat_or_null(x, &res, &now, err);

	return rc || now ? rc
			 : err_tell(err, ERR_BAD_PATH,
			       "a URL that ends in a slash is a collection's: "
			       "MKCOL");
}

static enum err_code
read_depth(const struct exchange *x, enum depth *out, struct err *err)
{
	enum err_code rc = depth_parse(&x->req->headers, METHOD_LOCK, out, err);

	if (!rc && *out == DEPTH_1)
		return err_tell(err, ERR_BAD_HEADER,
		    "Depth of a LOCK is neither 0 nor infinity");
	return rc;
}

/* A guard that notes what the lock is made on. */
struct look {
	struct locking *l;
	const struct guard *g; /* of the request; may be NULL */
};

static enum err_code
look_check(void *arg, const struct guarded *at, struct err *err)
{
	const struct look *look = arg;

	look->l->collection = at->now && at->now->collection;
	return guard_ask(look->g, at, err);
}

static enum err_code
take_lock(struct exchange *x, const struct lock_spec *spec, struct lock *out,
    bool *created, struct err *err)
{
	struct locking *l = x->state;
	struct rpath path = x->req->path;
	struct look look = { l, precondition_guard(&l->pre, path) };
	struct guard g = look.g ? *look.g : (struct guard){ 0 };

	g.check = look_check;
	g.arg = &look;
	return store_lock(
	    x->store, path, spec, &g, x->arena, out, created, err);
}

static enum err_code
lock_new(struct exchange *x, struct err *err)
{
	struct locking *l = x->state;
	struct lock_spec spec = {
		.shared = l->info.shared,
		.owner = l->info.owner,
		.user = x->req->caller.user,
		.timeout = l->timeout,
	};
	struct taken taken CLEANUP(taken_done) = { x, NULL };
	struct lock lock;
	enum err_code rc = read_depth(x, &spec.depth, err);
	bool created;

	if (!rc && x->req->slash)
		rc = must_be_there(x, err);
	if (!rc)
		rc = take_lock(x, &spec, &lock, &created, err);
	if (rc == ERR_LOCK_CONFLICT && is_below(x->req->path, err)) {
		const struct err why = *err;

		return reply_member(x, &why, err);
	}
	if (rc)
		return rc;
	taken.lock = &lock;
	token_header(x, &lock);
	rc = reply_lock(x, &lock, l->collection, created ? 201 : 200, err);
	if (!rc)
		taken.lock = NULL;
	return rc;
}

/* The one token that the request names (s9.10.2), not counting "Not <...>". */
static enum err_code
find_token(const struct if_header *ifs, struct str *token, struct err *err)
{
	size_t l, i;

	for (l = 0; l < ifs->n; l++) {
		for (i = 0; i < ifs->v[l].n; i++) {
			const struct if_condition *c = &ifs->v[l].v[i];

			if (c->is_etag || c->negated ||
			    str_eq(c->token, *token))
				continue;
			if (token->len)
				return err_tell(err, ERR_BAD_HEADER,
				    "If: one lock is refreshed at a time");
			*token = c->token;
		}
	}
	if (!token->len)
		return err_tell(err, ERR_BAD_REQUEST,
		    "a new lock needs a body, DAV:lockinfo; to refresh one, "
		    "send its token in If");
	return ERR_OK;
}

/*
 * A token of no lock here fails with its own condition, before the If header,
 * which does not hold then either, is asked.
 */
static enum err_code
check_covered(struct exchange *x, struct str token, struct err *err)
{
	const struct lock *locks;
	size_t n, i;
	enum err_code rc =
	    store_locks(x->store, x->req->path, x->arena, &locks, &n, err);

	for (i = 0; !rc && i < n; i++)
		if (str_eq(locks[i].token, token))
			return ERR_OK;
	return rc ? rc : err_set(err, ERR_REFRESH, "no lock of this token");
}

static enum err_code
lock_refresh(struct exchange *x, struct err *err)
{
	struct locking *l = x->state;
	struct rpath path = x->req->path;
	struct lock_tokens tokens = { .user = x->req->caller.user, .n = 1 };
	struct resource res;
	const struct resource *now;
	struct str token = { 0 };
	struct lock lock;
	enum err_code rc = stat_or_null(x, &res, &now, err);

	if (!rc)
		rc = find_token(&l->pre.ifs, &token, err);
	if (!rc)
		rc = check_covered(x, token, err);
	if (rc)
		return rc;
	tokens.v = &token;
	rc = store_lock_refresh(x->store, path, &tokens, l->timeout,
	    precondition_guard(&l->pre, path), x->arena, &lock, err);
	if (rc == ERR_LOCK_TOKEN) /* it went, or is another user's */
		return err_set(err, ERR_REFRESH, "no such lock of this user");
	if (rc)
		return rc;
	return reply_lock(x, &lock, now && now->collection, 200, err);
}

static enum err_code
lock_run(struct exchange *x, struct err *err)
{
	struct locking *l = x->state;
	const struct op op = precondition_op(&l->pre);
	enum err_code rc = lockinfo_body_end(l->body, &l->info, err);

	if (!rc)
		rc = op_may(&op, ACCESS_WRITE, x->req->path, err);
	if (!rc)
		rc = find_timeout(x, &l->timeout, err);
	if (!rc)
		rc = precondition_look(&l->pre, err);
	if (rc)
		return rc;
	return l->info.empty ? lock_refresh(x, err) : lock_new(x, err);
}

/* A refresh has no body, but names its lock. */
static bool
lock_at_once(struct exchange *x, enum err_code *rc, struct err *err)
{
	const struct locking *l = x->state;

	if (!lock_is_quick(x, l->pre.ifs.n > 0))
		return false;
	*rc = lock_run(x, err);
	return true;
}

static void
lock_end(struct exchange *x)
{
	struct locking *l = x->state;

	if (l)
		dav_body_free(l->body);
}

const struct method_ops method_lock = {
	.begin = lock_begin,
	.at_once = lock_at_once,
	.run = lock_run,
	.end = lock_end,
};
