/* SPDX-License-Identifier: MIT */
/*
 * The commits of several small uploads of a batch, step by step for all of
 * them.  A batch waits for the disk at its end, so nothing is waited for here;
 * but neighbours need their collection opened once, and their lines are written
 * together:
 *
 *   all are claimed, found and let through, and all files made
 *   all lines
 *   all names
 *
 * Whatever is not as simple is left to be done alone, before anything is
 * written down about it.  What was foretold has its file and its line already,
 * and gets its name beside its neighbours.
 */
#include <assert.h>
#include <stdlib.h>

#include "store/dir_upload.h"

struct runner {
	struct commit *c;
	struct dir_upload *u;
	struct hold hold;
	struct trash trash;
	struct place p;
	bool lent; /* p's descriptor is another's */
	struct act act;
	bool in; /* done here; false: it failed, or is left to be done alone */
};

/* Finds its place: in the collection of the one found last, or by itself. */
static bool
find(struct runner *r, const struct runner *beside)
{
	struct dir_upload *u = r->u;
	bool blind = dir_is_likely_new(u->ds);

	r->lent = blind && beside && place_beside(&beside->p, u->path, &r->p);
	if (r->lent)
		return true;
	return place_for_new(u->ds, u->path, blind ? FOLLOW_BLIND : FOLLOW_YES,
		   &r->p, NULL) == ERR_OK &&
	    rpath_eq(r->p.path, u->path);
}

/*
 * Whether it can be done here: a record must be on the disk before its change,
 * so one with a record must have been foretold.
 */
static bool
may_join(const struct runner *r)
{
	const struct guard *g = r->c->guard;
	bool noted = g && g->record;

	return !r->u->stream.err.code &&
	    (noted ? r->u->foretold.ds && r->u->straight : r->u->holds);
}

/* Takes over what was foretold of it, if anything was. */
static bool
take_foretold(struct runner *r)
{
	struct dir_upload *u = r->u;
	uint64_t intent;

	if (dir_upload_must_sync(u, false, r->c->guard, r->c->batch) ||
	    !foretold_take(&u->foretold, &r->act.change, &intent))
		return false;
	r->act.ds = u->ds;
	r->act.batch = r->c->batch;
	r->act.intent = intent;
	return true;
}

/* Does what can be done while it may still be left to be done alone. */
static bool
prepare(struct runner *r, const struct runner *beside)
{
	struct dir_upload *u = r->u;
	const struct guard *g = r->c->guard;

	if (!may_join(r) || !hold_try(u->ds, u->path, &r->hold) ||
	    !find(r, beside))
		return false;
	/* The bytes of others are on the disk before theirs are replaced. */
	if (r->p.found != FOUND_NOTHING &&
	    (!place_is_file(&r->p) || !u->ds->relaxed))
		return false;
	if (place_allows(&r->p, TOUCH_CONTENT, NULL, g, NULL) ||
	    (!r->lent && !batch_waits(r->c->batch, r->p.dir)) ||
	    dir_upload_make(u, &r->p, NULL))
		return false;
	dir_upload_describe(u, &r->p, g, &r->act);
	return r->act.change.note ? take_foretold(r) : true;
}

static void
fail(struct runner *r, enum err_code rc, const struct err *why)
{
	if (r->c->err)
		*r->c->err = *why;
	r->c->done = true;
	r->c->rc = rc;
	r->in = false;
}

static void
write_lines(struct runner *v, size_t n)
{
	struct act *acts[ACTS_MAX];
	struct err why = { 0 };
	enum err_code rc = ERR_OK;
	size_t i;
	size_t k = 0;

	for (i = 0; i < n; i++)
		if (v[i].in && !v[i].act.intent)
			acts[k++] = &v[i].act;
	if (k)
		rc = acts_begin(acts, k, v[0].u->ds, v[0].c->batch, NULL, &why);
	for (i = 0; i < n && rc; i++)
		if (v[i].in && !v[i].act.intent)
			fail(&v[i], rc, &why);
}

static void
install(struct runner *r)
{
	struct dir_upload *u = r->u;
	struct err why = { 0 };
	enum err_code rc = dir_upload_install(u, &r->p, &r->trash, &why);

	if (rc == ERR_EXISTS) { /* it was not new */
		r->in = false;
		return;
	}
	if (!rc)
		rc = act_synced(&r->act, ERR_OK, &why);
	if (rc) {
		fail(r, rc, &why);
		return;
	}
	r->c->created = r->p.found == FOUND_NOTHING;
	dir_was_new(u->ds, r->c->created);
	r->c->res = dir_upload_now(u);
	r->c->rc = ERR_OK;
	r->c->done = true;
}

static void
runner_done(struct runner *r)
{
	act_done(&r->act);
	if (r->lent)
		r->p.dir = -1;
	place_done(&r->p);
	hold_done(&r->hold);
	trash_done(&r->trash);
}

static void
run(struct runner *v, size_t n)
{
	const struct runner *beside = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		v[i].in = prepare(&v[i], beside);
		if (v[i].in)
			beside = &v[i];
	}
	write_lines(v, n);
	for (i = 0; i < n; i++)
		if (v[i].in)
			install(&v[i]);
	/* The last first: they use the descriptors of those before them. */
	while (n)
		runner_done(&v[--n]);
}

void
dir_upload_commit_run(struct commit *c, size_t n)
{
	struct runner *v = calloc(n, sizeof(*v));
	size_t i;

	assert(n <= ACTS_MAX);
	if (!v)
		return; /* alone each may still do */
	for (i = 0; i < n; i++) {
		v[i].c = &c[i];
		v[i].u = CONTAINER_OF(c[i].upload, struct dir_upload, base);
		v[i].hold.mine = &v[i].u->foretold;
		v[i].trash = TRASH_NONE;
		v[i].p = PLACE_NONE;
		v[i].act = ACT(.kind = CHANGE_WRITE);
	}
	run(v, n);
	free(v);
}
