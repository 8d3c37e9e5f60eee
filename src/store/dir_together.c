/* SPDX-License-Identifier: MIT */
/*
 * The commits of several small uploads, step by step for all of them: so many
 * wait for the disk once, where each by itself would wait as often, on a thread
 * of its own.  Each step is on the disk before the next begins, as for one:
 *
 *   all files are made, and all lines written
 *   the bytes of all of them and the lines, side by side
 *   all names
 *   all collections, each once
 *
 * What somebody else has claimed, or one of these, is left to be done alone;
 * so is all that speaks against an upload before anything was written down.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "store/dir_upload.h"

static_assert(
    SYNCS_MAX > ACTS_MAX, "all bytes are synced together, and a line");

struct joint {
	struct commit *c;
	struct dir_upload *u;
	struct hold hold;
	struct trash trash;
	struct place p;
	struct act act;
	struct statx dir; /* the collection */
	/*
	 * The one whose descriptors of the collection p and act use; NULL:
	 * their own.
	 */
	const struct joint *lender;
	bool in; /* done here; false: it failed, or is left to be done alone */
};

static void
fail(struct joint *j, enum err_code rc, const struct err *why)
{
	if (j->c->err && why)
		*j->c->err = *why;
	j->c->done = true;
	j->c->rc = rc;
	j->in = false;
}

/*
 * Finds its place: in the collection of one of those before it, which is open,
 * without a look at the name, since the link will say if something is there; or
 * by itself.
 */
static bool
find(struct joint *j, const struct joint *first)
{
	struct dir_upload *u = j->u;
	bool blind = dir_is_likely_new(u->ds);
	const struct joint *of;

	for (of = first; of < j && blind && !j->lender; of++)
		if (of->in && !of->lender &&
		    place_beside(&of->p, u->path, &j->p))
			j->lender = of;
	return j->lender ||
	    (place_for_new(u->ds, u->path, blind ? FOLLOW_BLIND : FOLLOW_YES,
		 &j->p, NULL) == ERR_OK &&
		rpath_eq(j->p.path, u->path));
}

/* Opens its collection, to be synced when the names are there. */
static bool
open_collection(struct joint *j)
{
	int *fd = &j->act.sync[0];

	return j->lender ||
	    (dir_sync_begin(j->u->ds, j->p.dir, fd, NULL) == ERR_OK &&
		(*fd < 0 || dir_stat_fd(*fd, &j->dir, NULL) == ERR_OK));
}

/* Does what can be done while it may still be left to be done alone. */
static bool
prepare(struct joint *j, const struct joint *first)
{
	struct dir_upload *u = j->u;

	if (u->stream.err.code || !(u->holds || u->early) ||
	    !hold_try(u->ds, u->path, &j->hold))
		return false;
	if (!find(j, first) || place_is_dir(&j->p) ||
	    place_allows(&j->p, TOUCH_CONTENT, NULL, NULL, NULL) ||
	    dir_upload_make(u, &j->p, NULL) || !open_collection(j))
		return false;
	dir_upload_describe(u, &j->p, NULL, &j->act);
	if (!u->early)
		dir_upload_start(u);
	return true;
}

static void
fail_all(struct joint *v, size_t n, enum err_code rc, const struct err *why)
{
	size_t i;

	for (i = 0; i < n && rc; i++)
		if (v[i].in)
			fail(&v[i], rc, why);
}

/* Writes the lines; the number to wait for. */
static uint64_t
write_lines(struct joint *v, size_t n)
{
	struct act *acts[ACTS_MAX];
	struct err why = { 0 };
	uint64_t number = 0;
	size_t i;
	size_t k = 0;

	for (i = 0; i < n; i++)
		if (v[i].in)
			acts[k++] = &v[i].act;
	if (k)
		fail_all(v, n,
		    acts_begin(acts, k, v[0].u->ds, NULL, &number, &why), &why);
	return number;
}

/* Syncs the bytes of all of them, and the lines if nobody else does. */
static void
sync_bytes(struct joint *v, size_t n, uint64_t number)
{
	struct dir_store *ds = v[0].u->ds;
	struct state_sync lines;
	struct syncs s = { 0 };
	struct err why = { 0 };
	int fds[SYNCS_MAX] = { 0 };
	size_t i;
	size_t k = 0;

	for (i = 0; i < n; i++)
		if (v[i].in)
			fds[k++] = v[i].u->temp.fd;
	fds[k] = state_sync_begin(ds->state, number, &lines);
	syncs_begin(&s, &ds->lanes, fds, fds[k] < 0 ? k : k + 1);
	if (fds[k] < 0)
		fail_all(v, n, state_wait(ds->state, number, &why), &why);
	syncs_end(&s);
	if (fds[k] >= 0) {
		state_sync_end(ds->state, &lines, s.failed[k]);
		fail_all(v, n, state_wait(ds->state, number, &why), &why);
	}
	for (i = k = 0; i < n; i++) {
		if (!v[i].in)
			continue;
		errno = s.failed[k++];
		v[i].u->durable = !errno;
		if (errno)
			fail(&v[i], err_os(&why, "sync"), &why);
	}
}

static void
install(struct joint *j)
{
	struct err why = { 0 };
	enum err_code rc = dir_upload_install(j->u, &j->p, &j->trash, &why);

	if (rc == ERR_EXISTS && j->p.found == FOUND_NOTHING)
		rc = dir_upload_over(
		    j->u, &j->p, NULL, NULL, &j->act, &j->trash, &why);
	if (rc == ERR_EXISTS)
		j->in = false;
	else if (rc)
		fail(j, rc, &why);
}

/* The one that opened its collection. */
static const struct joint *
opener(const struct joint *j)
{
	return j->lender ? j->lender : j;
}

static bool
same_collection(const struct joint *a, const struct joint *b)
{
	return a == b ||
	    (a->dir.stx_ino == b->dir.stx_ino &&
		a->dir.stx_dev_major == b->dir.stx_dev_major &&
		a->dir.stx_dev_minor == b->dir.stx_dev_minor);
}

static void
end(struct joint *j, enum err_code rc, const struct err *why)
{
	rc = act_synced(&j->act, rc, NULL);
	if (rc) {
		fail(j, rc, why);
		return;
	}
	j->c->res = dir_upload_now(j->u);
	j->c->created = j->p.found == FOUND_NOTHING;
	dir_was_new(j->u->ds, j->c->created);
	j->c->rc = ERR_OK;
	j->c->done = true;
	j->in = false;
}

#define NO_SYNC SYNCS_MAX

/* Which of the n it is; n: none of them. */
static size_t
collection_of(
    const struct joint *j, const struct joint *const *openers, size_t n)
{
	size_t k = 0;

	while (k < n && !same_collection(openers[k], j))
		k++;
	return k;
}

static void
end_collections(struct joint *v, size_t n)
{
	struct syncs s = { 0 };
	int fds[SYNCS_MAX] = { 0 };
	const struct joint *openers[SYNCS_MAX] = { 0 };
	size_t of[SYNCS_MAX] = { 0 };
	size_t i;
	size_t k = 0;

	for (i = 0; i < n; i++) {
		const struct joint *by = opener(&v[i]);

		of[i] = NO_SYNC;
		if (!v[i].in || by->act.sync[0] < 0)
			continue;
		of[i] = collection_of(by, openers, k);
		if (of[i] < k)
			continue;
		openers[k] = by;
		fds[k++] = by->act.sync[0];
	}
	syncs_make(&s, &v[0].u->ds->lanes, fds, k);
	for (i = 0; i < n; i++) {
		struct err why = { 0 };
		int failed = of[i] == NO_SYNC ? 0 : s.failed[of[i]];

		if (v[i].in)
			end(&v[i], dir_synced(failed, &why), &why);
	}
}

static void
joint_done(struct joint *j)
{
	act_done(&j->act);
	if (j->lender)
		j->p.dir = -1;
	place_done(&j->p);
	hold_done(&j->hold);
	trash_done(&j->trash);
}

static void
commit_some(struct joint *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		v[i].in = prepare(&v[i], v);
	sync_bytes(v, n, write_lines(v, n));
	for (i = 0; i < n; i++)
		if (v[i].in)
			install(&v[i]);
	end_collections(v, n);
	/* The last first: they use the descriptors of those before them. */
	while (n)
		joint_done(&v[--n]);
}

void
dir_upload_commit_all(struct commit *c, size_t n)
{
	struct joint *v = calloc(n, sizeof(*v));
	size_t i;

	assert(n <= ACTS_MAX);
	if (!v)
		return; /* alone each may still do */
	for (i = 0; i < n; i++) {
		v[i].c = &c[i];
		v[i].u = CONTAINER_OF(c[i].upload, struct dir_upload, base);
		v[i].trash = TRASH_NONE;
		v[i].p = PLACE_NONE;
		v[i].act = ACT(.kind = CHANGE_WRITE);
	}
	commit_some(v, n);
	free(v);
}
