/* SPDX-License-Identifier: MIT */
#include "store/drafted.h"

#include "store/draft.h"
#include "store/impl.h"
#include "store/suite.h"

/* Of the running test: the draft has the changed table. */
static struct {
	enum drafted how;
	struct store *draft, *middle, *base;
	const struct store_ops *ops;
	unsigned n_walks; /* that are open */
} now;

static void
apply_to(struct store *draft, struct store *base)
{
	struct store_claim *c;

	assert_ok(store_claim(base, at("/"), &c, err));
	assert_ok(draft_apply(draft, c, err));
	store_claim_end(c);
}

static void
apply_all(void)
{
	if (now.middle)
		apply_to(now.draft, now.middle);
	apply_to(now.middle ? now.middle : now.draft, now.base);
}

/* Before something is read; a walk goes on in what it began in. */
static void
apply_before(void)
{
	if (now.how == DRAFTED_APPLIED && !now.n_walks)
		apply_all();
	if (now.how == DRAFTED_TWICE && !now.n_walks)
		apply_to(now.draft, now.middle);
}

static enum err_code
do_stat(
    struct store *s, struct rpath path, struct resource *out, struct err *err)
{
	apply_before();
	return now.ops->stat(s, path, out, err);
}

static enum err_code
do_walk(
    struct store *s, struct rpath root, const struct walk *w, struct err *err)
{
	enum err_code rc;

	apply_before();
	now.n_walks++;
	rc = now.ops->walk(s, root, w, err);
	now.n_walks--;
	return rc;
}

static enum err_code
do_open(
    struct store *s, struct rpath path, struct content **out, struct err *err)
{
	apply_before();
	return now.ops->open(s, path, out, err);
}

static enum err_code
do_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	apply_before();
	return now.ops->locks(s, path, a, out, n, err);
}

static enum err_code
do_lock(struct store *s, struct rpath path, const struct lock_spec *spec,
    const struct guard *g, struct arena *a, struct lock *out, bool *created,
    struct err *err)
{
	assert_int_equal(now.ops->lock(s, path, spec, g, a, out, created, NULL),
	    ERR_NOT_IMPLEMENTED);
	apply_all();
	return store_lock(now.base, path, spec, g, a, out, created, err);
}

static enum err_code
do_lock_refresh(struct store *s, struct rpath path, const struct lock_tokens *t,
    int64_t timeout, const struct guard *g, struct arena *a, struct lock *out,
    struct err *err)
{
	assert_int_equal(
	    now.ops->lock_refresh(s, path, t, timeout, g, a, out, NULL),
	    ERR_NOT_IMPLEMENTED);
	apply_all();
	return store_lock_refresh(now.base, path, t, timeout, g, a, out, err);
}

static enum err_code
do_unlock(struct store *s, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct err *err)
{
	assert_int_equal(
	    now.ops->unlock(s, path, t, g, NULL), ERR_NOT_IMPLEMENTED);
	apply_all();
	return store_unlock(now.base, path, t, g, err);
}

static void
do_close(struct store *s)
{
	now.ops->close(s);
	store_close(now.middle);
	store_close(now.base);
}

struct store *
drafted_new(struct store *base, enum drafted how)
{
	static const struct draft_spec spec = { .max_changed = 100000 };
	static struct store_ops ops;

	now.how = how;
	now.base = base;
	now.middle = NULL;
	if (how == DRAFTED_TWICE)
		assert_ok(draft_new(base, &spec, &now.middle, err));
	assert_ok(
	    draft_new(now.middle ? now.middle : base, &spec, &now.draft, err));
	now.ops = now.draft->ops;
	ops = *now.ops;
	ops.stat = do_stat;
	ops.walk = do_walk;
	ops.open = do_open;
	ops.locks = do_locks;
	ops.lock = do_lock;
	ops.lock_refresh = do_lock_refresh;
	ops.unlock = do_unlock;
	ops.close = do_close;
	now.draft->ops = &ops;
	return now.draft;
}
