/* SPDX-License-Identifier: MIT */
/* The steps in the tree of an apply: what they rename, and where it is kept. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_apply.h"

/* ---- where things are hidden */

static bool
is_on(const struct statx *a, unsigned dev_major, unsigned dev_minor)
{
	return a->stx_dev_major == dev_major && a->stx_dev_minor == dev_minor;
}

static enum err_code
add_hideout(struct moves *m, const struct statx *stx, int *fd,
    struct rpath beside, struct hideout **out, struct err *err)
{
	struct hideout *h = &m->hideouts[m->n_hideouts];

	if (*fd < 0)
		return err_os(err, "open where to hide things");
	if (m->n_hideouts == HIDEOUTS) {
		fd_close(fd);
		return err_set(err, ERR_CROSS_DEVICE,
		    "more than %zu file systems", HIDEOUTS);
	}
	*h = (struct hideout){ stx->stx_dev_major, stx->stx_dev_minor,
		fd_take(fd), beside };
	m->n_hideouts++;
	*out = h;
	return ERR_OK;
}

static enum err_code
staging_hideout(struct moves *m, struct hideout **out, struct err *err)
{
	struct statx stx;
	int staging = staging_now(m->ds);
	int fd;
	enum err_code rc;

	if (staging < 0)
		return err_set(
		    err, ERR_FORBIDDEN, "there is no place to hide things");
	rc = dir_stat_fd(staging, &stx, err);
	if (rc)
		return rc;
	fd = open_beneath(staging, ".", O_RDONLY | O_DIRECTORY, 0);
	return add_hideout(m, &stx, &fd, (struct rpath){ STR("") }, out, err);
}

/*
 * Finds the topmost collection of another file system; that one cannot be
 * renamed.
 */
static enum err_code
find_top(struct moves *m, struct rpath in, const struct statx *stx,
    struct rpath *top, struct err *err)
{
	*top = in;
	while (!rpath_is_root(*top)) {
		struct place above CLEANUP(place_done) = PLACE_NONE;
		enum err_code rc = place_find_now(
		    m->ds, rpath_parent(*top), FOLLOW_NO, &above, err);

		if (rc)
			return rc;
		if (!is_on(&above.stx, stx->stx_dev_major, stx->stx_dev_minor))
			return ERR_OK;
		*top = rpath_parent(*top);
	}
	return ERR_OK;
}

/* The hideout at the path that a step names: `beside` of struct step. */
static enum err_code
moves_hideout_at(
    struct moves *m, struct rpath beside, struct hideout **out, struct err *err)
{
	struct place at CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc;
	size_t i;
	int fd;

	for (i = 0; i < m->n_hideouts; i++) {
		*out = &m->hideouts[i];
		if (str_eq((*out)->beside.s, beside.s))
			return ERR_OK;
	}
	if (!beside.s.len)
		return staging_hideout(m, out, err);
	rc = place_find_now(m->ds, beside, FOLLOW_NO, &at, err);
	if (rc)
		return rc;
	fd = place_open(&at, O_RDONLY | O_DIRECTORY);
	return add_hideout(m, &at.stx, &fd, beside, out, err);
}

enum err_code
moves_hideout(struct moves *m, struct rpath in, int dir, struct arena *a,
    struct hideout **out, struct err *err)
{
	struct rpath top = { STR("") };
	struct statx stx;
	enum err_code rc = dir_stat_fd(dir, &stx, err);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < m->n_hideouts; i++) {
		*out = &m->hideouts[i];
		if (is_on(&stx, (*out)->dev_major, (*out)->dev_minor))
			return ERR_OK;
	}
	if (!dir_is_on_root_device(m->ds, &stx)) {
		rc = find_top(m, in, &stx, &top, err);
		if (!rc && !arena_str(a, top.s, &top.s))
			rc = err_nomem(err);
	}
	return rc ? rc : moves_hideout_at(m, top, out, err);
}

/* ---- what is to be synced */

enum err_code
moves_touch(struct moves *m, int dir, struct err *err)
{
	struct touched *t = &m->touched;
	struct stat st;
	size_t i;

	if (m->ds->relaxed || t->many)
		return ERR_OK;
	if (fstat(dir, &st))
		return err_os(err, "stat collection");
	for (i = 0; i < t->n; i++)
		if (t->v[i].dev == st.st_dev && t->v[i].inode == st.st_ino)
			return ERR_OK;
	t->many = t->n == TOUCHED;
	if (t->many)
		return ERR_OK;
	t->v[t->n].dev = st.st_dev;
	t->v[t->n].inode = st.st_ino;
	t->v[t->n].fd = -1;
	return dir_sync_begin(m->ds, dir, &t->v[t->n++].fd, err);
}

enum err_code
moves_sync(struct moves *m, struct err *err)
{
	struct touched *t = &m->touched;
	enum err_code rc = ERR_OK;
	size_t i;

	if (m->ds->relaxed)
		return ERR_OK;
	for (i = 0; !rc && !t->many && i < t->n; i++)
		rc = dir_sync_end(t->v[i].fd, err);
	for (i = 0; !rc && i < m->n_hideouts; i++) {
		if (!t->many)
			rc = dir_sync_end(m->hideouts[i].fd, err);
		else if (syncfs(m->hideouts[i].fd))
			rc = err_os(err, "sync file system");
	}
	return rc;
}

void
moves_done(struct moves *m)
{
	size_t i;

	for (i = 0; i < m->touched.n; i++)
		fd_close(&m->touched.v[i].fd);
	for (i = 0; i < m->n_hideouts; i++)
		fd_close(&m->hideouts[i].fd);
	m->touched.n = m->n_hideouts = 0;
}

/* ---- the list */

/*
 * A member has a longer path than the collection it is in: so it comes first.
 */
static int
members_first(const void *a, const void *b)
{
	const struct mover *const *x = a;
	const struct mover *const *y = b;
	size_t m = (*x)->path.s.len;
	size_t n = (*y)->path.s.len;

	return (m < n) - (m > n);
}

enum err_code
moves_list(struct moves *m, const struct step *steps, size_t n, struct arena *a,
    struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	m->movers = arena_array(a, n, sizeof(*m->movers));
	m->goes = arena_array(a, n, sizeof(struct mover *));
	if (!m->movers || !m->goes)
		return err_nomem(err);
	for (i = 0; !rc && i < n; i++) {
		struct mover *v = &m->movers[m->n];

		if (!step_moves(&steps[i]))
			continue;
		*v = (struct mover){ .step = &steps[i], .path = steps[i].path };
		rc = moves_hideout_at(m, steps[i].beside, &v->hideout, err);
		m->n++;
		if (steps[i].kind != STEP_MAKE)
			m->goes[m->n_goes++] = v;
	}
	if (m->n_goes)
		qsort(
		    m->goes, m->n_goes, sizeof(struct mover *), members_first);
	return rc;
}

/* ---- one step */

/* The name that it has where it is hidden. */
static const char *
hidden_of(const struct mover *v, char out[TEMP_NAME_SIZE])
{
	(void)snprintf(out, TEMP_NAME_SIZE, "%.*s", STR_ARG(v->step->hidden));
	return out;
}

enum err_code
mover_take(struct moves *m, struct mover *v, int dir, const char *name,
    struct err *err)
{
	char hidden[TEMP_NAME_SIZE];
	enum err_code rc = moves_touch(m, dir, err);

	if (!rc && renameat(dir, name, v->hideout->fd, hidden_of(v, hidden)))
		rc = err_os(err, "take '%.*s' away", STR_ARG(v->path.s));
	v->away = !rc;
	return rc;
}

enum err_code
mover_put(
    struct moves *m, struct mover *v, const struct place *p, struct err *err)
{
	char hidden[TEMP_NAME_SIZE];
	struct trash trash CLEANUP(trash_done) = TRASH_NONE;
	enum err_code rc = moves_touch(m, p->dir, err);

	assert(p->found == FOUND_NOTHING);
	if (!rc)
		rc = dir_move_into(m->ds, v->hideout->fd, hidden_of(v, hidden),
		    true, p, &trash, err);
	v->there = !rc;
	return rc;
}
