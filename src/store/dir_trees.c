/* SPDX-License-Identifier: MIT */
/* Removing whole trees that nobody sees any more, with their properties. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_impl.h"

/* Resources whose properties are dropped in one transaction. */
#define DROP_BATCH ((size_t)64)

/* Others who came in before it was hidden may still put things into a tree. */
#define REMOVE_TRIES 4

struct removal {
	struct dir_store *ds;
	int top;
	bool moved_up; /* something was, so the top is to be read again */
	size_t n_ids;
	struct resource_id ids[DROP_BATCH];
};

/* Whether the store closes: the next start goes on with it. */
static bool
is_over(const struct removal *r)
{
	return atomic_load_explicit(&r->ds->closing, memory_order_relaxed);
}

/*
 * Drops the properties of those gathered.  Best effort: what stays belongs to
 * an id that nobody will ever ask for.
 */
static void
drop_now(struct removal *r)
{
	if (r->n_ids)
		(void)state_drop(r->ds->state, r->ids, r->n_ids, NULL);
	r->n_ids = 0;
}

static void
drop_later(struct removal *r, const struct statx *stx)
{
	struct resource res;

	if (!S_ISDIR(stx->stx_mode) && stx->stx_nlink > 1)
		return;
	dir_resource(r->ds, stx, &res);
	if (!res.has_props)
		return;
	r->ids[r->n_ids++] = res.id;
	if (r->n_ids == DROP_BATCH)
		drop_now(r);
}

static bool
is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* NULL and errno, or a stream of the entries of `name` in dir. */
static DIR *
read_dir(int dir, const char *name)
{
	int fd CLEANUP(fd_close) =
	    open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		fd = -1;
	return d;
}

/* False: it is still there, as a collection with members is. */
static bool
remove_entry(struct removal *r, int dir, const char *name)
{
	struct statx stx;

	if (statx(dir, name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &stx))
		return errno == ENOENT;
	if (unlinkat(dir, name, S_ISDIR(stx.stx_mode) ? AT_REMOVEDIR : 0))
		return errno == ENOENT;
	drop_later(r, &stx);
	return true;
}

/* Removes the files in a collection, and moves collections to the top. */
static void
empty_out(struct removal *r, const char *name)
{
	DIR *d = read_dir(r->top, name);
	const struct dirent *e;

	if (!d)
		return;
	while (!is_over(r) && (e = readdir(d))) {
		char up[TEMP_NAME_SIZE];

		if (is_dot(e->d_name) || remove_entry(r, dirfd(d), e->d_name))
			continue;
		temp_name_new(r->ds, up);
		r->moved_up |= !renameat(dirfd(d), e->d_name, r->top, up);
	}
	(void)closedir(d);
}

static void
empty_top(struct removal *r, DIR *top)
{
	const struct dirent *e;

	rewinddir(top);
	while (!is_over(r) && (e = readdir(top))) {
		if (is_dot(e->d_name) || remove_entry(r, r->top, e->d_name))
			continue;
		empty_out(r, e->d_name);
		(void)remove_entry(r, r->top, e->d_name);
	}
}

/*
 * However deep it is, no more than two collections are open: those found in a
 * member of the top are moved up beside it.  That happens to each once, so
 * there is an end to it.
 */
static void
empty_tree(struct removal *r, int dir, const char *name)
{
	DIR *top = read_dir(dir, name);

	if (!top)
		return;
	r->top = dirfd(top);
	do {
		r->moved_up = false;
		empty_top(r, top);
	} while (r->moved_up);
	(void)closedir(top);
}

void
dir_remove_tree(struct dir_store *ds, int dir, const char *name)
{
	struct removal r = { .ds = ds };
	int tries;

	for (tries = 0; tries < REMOVE_TRIES && !is_over(&r); tries++) {
		if (remove_entry(&r, dir, name))
			break;
		empty_tree(&r, dir, name);
	}
	drop_now(&r);
}

bool
dir_sweep(struct dir_store *ds, int dir)
{
	DIR *d = read_dir(dir, ".");
	const struct dirent *e;
	bool only_ours = true;

	if (!d)
		return false;
	while ((e = readdir(d)))
		only_ours &= is_dot(e->d_name) || temp_name_is(e->d_name);
	if (only_ours) {
		rewinddir(d);
		/* Others may have come, or the first reading broke off. */
		while ((e = readdir(d)))
			if (temp_name_is(e->d_name))
				dir_remove_tree(ds, dir, e->d_name);
	}
	(void)closedir(d);
	return only_ours;
}
