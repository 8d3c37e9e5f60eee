/* SPDX-License-Identifier: MIT */
/*
 * New files are made in the directory they are for, so that they get its
 * default access list, group and project quota; without a name where the
 * system can do that, so that nothing is left of them if we die.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/dir_impl.h"

#define PROC_FD_SIZE 32

void
temp_name_new(char out[TEMP_NAME_SIZE])
{
	uint64_t n;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = (uint64_t)clock_monotonic() ^ (uint64_t)getpid() << 40;
	(void)snprintf(
	    out, TEMP_NAME_SIZE, TEMP_PREFIX "%016llx", (unsigned long long)n);
}

bool
temp_nameless_works(void)
{
	return !access("/proc/self/fd", X_OK);
}

static int
link_nameless(int fd, int dir, const char *name)
{
	char proc[PROC_FD_SIZE];

	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, proc, dir, name, AT_SYMLINK_FOLLOW);
}

/* What an open() with O_TMPFILE says on a file system that has no such. */
static bool
is_unsupported(int errnum)
{
	return errnum == EOPNOTSUPP || errnum == EISDIR || errnum == EINVAL;
}

/* The collection may have gone since its descriptor was opened. */
static bool
has_gone(int dir)
{
	struct statx stx;

	return !statx(dir, "", AT_EMPTY_PATH, STATX_NLINK, &stx) &&
	    stx.stx_nlink == 0;
}

/* ENOENT or, from ext4, EPERM when it has. */
static enum err_code
cannot_make(int dir, const char *what, struct err *err)
{
	int errnum = errno;

	if (has_gone(dir))
		return err_set(err, ERR_NO_PARENT,
		    "make %s: the collection has gone", what);
	return err_errno(err, errnum, "make %s", what);
}

enum err_code
temp_file(const struct dir_store *ds, int dir, mode_t mode, struct temp *t,
    struct err *err)
{
	*t = (struct temp){ .fd = -1, .dir = dir };
	if (ds->nameless) {
		t->fd = open_beneath(dir, ".", O_TMPFILE | O_RDWR, mode);
		if (t->fd >= 0)
			return ERR_OK;
		if (!is_unsupported(errno))
			return cannot_make(dir, "a file", err);
	}
	temp_name_new(t->name);
	t->fd = open_beneath(
	    dir, t->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
	if (t->fd >= 0)
		return ERR_OK;
	t->name[0] = '\0';
	return cannot_make(dir, "a file", err);
}

enum err_code
temp_dir(int dir, struct temp *t, struct err *err)
{
	*t = (struct temp){ .fd = -1, .dir = dir, .collection = true };
	temp_name_new(t->name);
	if (!mkdirat(dir, t->name, 0777))
		return ERR_OK;
	t->name[0] = '\0';
	return cannot_make(dir, "a collection", err);
}

void
temp_done(struct temp *t)
{
	if (t->name[0])
		(void)unlinkat(
		    t->dir, t->name, t->collection ? AT_REMOVEDIR : 0);
	t->name[0] = '\0';
	fd_close(&t->fd);
}

/* Gives a nameless file a hidden name beside its place. */
static enum err_code
link_beside(struct temp *t, const struct place *p, struct err *err)
{
	temp_name_new(t->name);
	t->dir = p->dir;
	if (!link_nameless(t->fd, p->dir, t->name))
		return ERR_OK;
	t->name[0] = '\0';
	return err_os(err, "link beside '%.*s'", STR_ARG(p->path.s));
}

enum err_code
temp_install(struct dir_store *ds, struct temp *t, const struct place *p,
    struct err *err)
{
	bool nameless = !t->name[0];
	enum err_code rc = ERR_OK;

	if (nameless && p->found == FOUND_NOTHING)
		return link_nameless(t->fd, p->dir, p->name)
		    ? err_os(err, "link '%.*s'", STR_ARG(p->path.s))
		    : ERR_OK;
	if (nameless)
		rc = link_beside(t, p, err);
	if (rc)
		return rc;
	rc = dir_move_into(ds, t->dir, t->name, t->collection, p, err);
	/* Now, because p's descriptor may be closed before temp_done(). */
	if (rc && nameless)
		(void)unlinkat(t->dir, t->name, 0);
	if (!rc || nameless)
		t->name[0] = '\0';
	return rc;
}
