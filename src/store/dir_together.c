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
	bool in; /* it is not left to be done alone, and has not failed */
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

/* While it may still be left to be done alone. */
static bool
prepare(struct joint *j)
{
	struct dir_upload *u = j->u;

	if (u->stream.err.code || !(u->holds || u->early) ||
	    !hold_try(u->ds, u->path, &j->hold))
		return false;
	if (place_for_new(u->ds, u->path, FOLLOW_YES, &j->p, NULL) ||
	    !rpath_eq(j->p.path, u->path) || place_is_dir(&j->p) ||
	    place_allows(&j->p, TOUCH_CONTENT, NULL, NULL, NULL) ||
	    dir_upload_make(u, &j->p, NULL) ||
	    dir_sync_begin(u->ds, j->p.dir, &j->act.sync[0], NULL))
		return false;
	if (j->act.sync[0] >= 0 && dir_stat_fd(j->act.sync[0], &j->dir, NULL))
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

/* Gives what is to be waited for. */
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

/* The bytes of all of them, and their lines, if nobody else syncs those. */
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

	if (rc == ERR_EXISTS)
		j->in = false;
	else if (rc)
		fail(j, rc, &why);
}

static bool
same_collection(const struct joint *a, const struct joint *b)
{
	return a->act.sync[0] >= 0 && b->act.sync[0] >= 0 &&
	    a->dir.stx_ino == b->dir.stx_ino &&
	    a->dir.stx_dev_major == b->dir.stx_dev_major &&
	    a->dir.stx_dev_minor == b->dir.stx_dev_minor;
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
	j->c->rc = ERR_OK;
	j->c->done = true;
	j->in = false;
}

#define NO_SYNC SYNCS_MAX

/* Which of the n it is among those before it; n: it is another. */
static size_t
collection_of(const struct joint *v, size_t i, const size_t *first, size_t n)
{
	size_t k = 0;

	while (k < n && !same_collection(&v[first[k]], &v[i]))
		k++;
	return k;
}

static void
end_collections(struct joint *v, size_t n)
{
	struct syncs s = { 0 };
	int fds[SYNCS_MAX] = { 0 };
	size_t first[SYNCS_MAX] = { 0 };
	size_t of[SYNCS_MAX] = { 0 };
	size_t i;
	size_t k = 0;

	for (i = 0; i < n; i++) {
		of[i] = NO_SYNC;
		if (!v[i].in || v[i].act.sync[0] < 0)
			continue;
		of[i] = collection_of(v, i, first, k);
		if (of[i] < k)
			continue;
		first[k] = i;
		fds[k++] = v[i].act.sync[0];
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
	place_done(&j->p);
	hold_done(&j->hold);
	trash_done(&j->trash);
}

static void
commit_some(struct joint *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		v[i].in = prepare(&v[i]);
	sync_bytes(v, n, write_lines(v, n));
	for (i = 0; i < n; i++)
		if (v[i].in)
			install(&v[i]);
	end_collections(v, n);
	for (i = 0; i < n; i++)
		joint_done(&v[i]);
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
