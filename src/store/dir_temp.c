/* SPDX-License-Identifier: MIT */
/*
 * New files are made without a name in the directory they are for, so that they
 * get its default access list, group and project quota, and nothing is left of
 * them if we die.  Where the system cannot do that, they are made in staging.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_temp.h"

#define PROC_FD "/proc/self/fd/%d"
#define PROC_FD_SIZE 32
#define PROC_NAME_SIZE (PROC_FD_SIZE + TEMP_NAME_SIZE)

#define MAX_TRIES 2 /* to make something whose id nobody had */

#define ACCESS_OWN "system.posix_acl_access"
#define ACCESS_DEFAULT "system.posix_acl_default"
#define ACCESS_LIST_MAX 4096

bool
temp_nameless_works(void)
{
	return !access("/proc/self/fd", X_OK);
}

/*
 * Links by the descriptor itself, where the system lets us (Linux 6.10, or
 * root): the way through /proc costs as much again.
 */
static int
link_nameless(int fd, int dir, const char *name)
{
	char proc[PROC_FD_SIZE];

	if (!linkat(fd, "", dir, name, AT_EMPTY_PATH))
		return 0;
	if (errno == EEXIST)
		return -1;
	(void)snprintf(proc, sizeof(proc), PROC_FD, fd);
	return linkat(AT_FDCWD, proc, dir, name, AT_SYMLINK_FOLLOW);
}

/* What an open() with O_TMPFILE says on a file system that has no such. */
static bool
is_unsupported(int errnum)
{
	return errnum == EOPNOTSUPP || errnum == EISDIR || errnum == EINVAL;
}

/* ENOENT or, from ext4, EPERM when it has. */
static enum err_code
cannot_make(int dir, const char *what, struct err *err)
{
	int errnum = errno;

	if (errnum == ENOENT || dir_has_gone(dir))
		return err_set(err, ERR_NO_PARENT,
		    "make %s: the collection has gone", what);
	return err_errno(err, errnum, "make %s", what);
}

/* What is to be made, and for where. */
struct making {
	int dir;
	mode_t mode; /* of a file */
	bool beside; /* a collection: in dir itself */
};

static enum err_code
make_file(struct dir_store *ds, const struct making *m, struct temp *t,
    struct err *err)
{
	int dir = m->dir;
	mode_t mode = m->mode;

	*t = (struct temp){ .fd = -1, .dir = dir };
	if (ds->nameless) {
		t->fd = open_beneath(dir, ".", O_TMPFILE | O_RDWR, mode);
		if (t->fd >= 0)
			return ERR_OK;
		if (!is_unsupported(errno))
			return cannot_make(dir, "a file", err);
	}
	t->dir = staging_for(ds, dir);
	temp_name_new(ds, t->name);
	t->fd = open_beneath(
	    t->dir, t->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
	if (t->fd >= 0)
		return ERR_OK;
	t->name[0] = '\0';
	return cannot_make(dir, "a file", err);
}

/*
 * ---- ids
 *
 * What is new can get the id of what is gone, and with it the properties that
 * the state still has of that, or is about to drop: its inode, within one tick
 * of the file system's clock, or ever, where there is no birth time.
 */

static enum err_code
temp_id(const struct dir_store *ds, const struct temp *t,
    struct resource_id *out, struct err *err)
{
	bool file = t->fd >= 0;
	struct resource r;
	struct statx stx;

	if (statx(file ? t->fd : t->dir, file ? "" : t->name,
		AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STAT_MASK, &stx))
		return err_os(err, "stat what is new");
	dir_resource(ds, &stx, &r);
	*out = r.id;
	return ERR_OK;
}

typedef enum err_code (*make_fn)(struct dir_store *ds, const struct making *m,
    struct temp *t, struct err *err);

/*
 * Makes something whose id the state does not know.  What got a known id is
 * kept until something did not, so that it is not given again.
 */
static enum err_code
make_new(struct dir_store *ds, make_fn make, const struct making *m,
    struct temp *t, struct err *err)
{
	struct temp used[MAX_TRIES];
	struct resource_id id;
	unsigned n = 0;
	bool taken;
	enum err_code rc;

	for (;;) {
		taken = false;
		rc = make(ds, m, t, err);
		if (!rc)
			rc = temp_id(ds, t, &id, err);
		if (!rc)
			rc = state_has_props(ds->state, &id, &taken, err);
		if (rc || !taken || n == MAX_TRIES)
			break;
		used[n++] = *t;
		*t = TEMP_NONE;
	}
	while (n)
		temp_done(&used[--n]);
	return rc || !taken ? rc : state_drop(ds->state, &id, 1, err);
}

enum err_code
temp_file(
    struct dir_store *ds, int dir, mode_t mode, struct temp *t, struct err *err)
{
	const struct making m = { .dir = dir, .mode = mode };

	return make_new(ds, make_file, &m, t, err);
}

enum err_code
temp_file_unchecked(
    struct dir_store *ds, int dir, mode_t mode, struct temp *t, struct err *err)
{
	const struct making m = { .dir = dir, .mode = mode };

	return make_file(ds, &m, t, err);
}

/* ---- directories */

static void
copy_access_list(const char *from, const char *to)
{
	char list[ACCESS_LIST_MAX];
	ssize_t n = getxattr(from, ACCESS_DEFAULT, list, sizeof(list));

	if (n <= 0)
		return;
	(void)setxattr(to, ACCESS_DEFAULT, list, (size_t)n, 0);
	(void)setxattr(to, ACCESS_OWN, list, (size_t)n, 0);
}

/* False, and errno, when the system does not let us. */
static bool
take_group(const struct temp *t, const struct statx *parent)
{
	struct statx own;

	if (!(parent->stx_mode & S_ISGID))
		return true;
	return !fchownat(t->dir, t->name, (uid_t)-1, parent->stx_gid,
		   AT_SYMLINK_NOFOLLOW) &&
	    !statx(t->dir, t->name, AT_SYMLINK_NOFOLLOW, STATX_MODE, &own) &&
	    !fchmodat(t->dir, t->name, (own.stx_mode & 07777) | S_ISGID, 0);
}

/* What one gets that is made in `parent`; best effort. */
static void
take_after(const struct temp *t, int parent)
{
	char from[PROC_FD_SIZE];
	char to[PROC_NAME_SIZE];
	struct statx stx;

	(void)snprintf(from, sizeof(from), PROC_FD, parent);
	(void)snprintf(to, sizeof(to), PROC_FD "/%s", t->dir, t->name);
	copy_access_list(from, to);
	if (!dir_stat_fd(parent, &stx, NULL))
		(void)take_group(t, &stx);
}

static enum err_code
make_dir(struct dir_store *ds, const struct making *m, struct temp *t,
    struct err *err)
{
	int where = m->beside ? m->dir : staging_for(ds, m->dir);

	*t = (struct temp){ .fd = -1, .dir = where, .collection = true };
	temp_name_new(ds, t->name);
	if (mkdirat(where, t->name, 0777)) {
		t->name[0] = '\0';
		return cannot_make(m->dir, "a collection", err);
	}
	if (where != m->dir)
		take_after(t, m->dir);
	return ERR_OK;
}

enum err_code
temp_dir(
    struct dir_store *ds, int dir, bool beside, struct temp *t, struct err *err)
{
	const struct making m = { .dir = dir, .beside = beside };

	temp_done(t);
	return make_new(ds, make_dir, &m, t, err);
}

/* ---- both */

void
temp_done(struct temp *t)
{
	if (t->name[0])
		(void)unlinkat(
		    t->dir, t->name, t->collection ? AT_REMOVEDIR : 0);
	t->name[0] = '\0';
	fd_close(&t->fd);
}

bool
temp_park(struct dir_store *ds, struct temp *t)
{
	int staging = staging_now(ds);

	if (staging < 0 || (t->name[0] && t->dir != staging))
		return false;
	if (!t->name[0]) {
		temp_name_new(ds, t->name);
		if (link_nameless(t->fd, staging, t->name)) {
			t->name[0] = '\0';
			return false;
		}
		t->dir = staging;
	}
	fd_close(&t->fd);
	return true;
}

int
temp_give_name(struct temp *t, int dir, const char *name)
{
	int failed = t->name[0] ? renameat(t->dir, t->name, dir, name)
				: link_nameless(t->fd, dir, name);

	if (!failed)
		t->name[0] = '\0';
	return failed;
}

/*
 * Gives a nameless file a hidden name: in staging, or beside its place, if that
 * is on another file system.
 */
static enum err_code
link_hidden(struct dir_store *ds, struct temp *t, const struct place *p,
    struct err *err)
{
	temp_name_new(ds, t->name);
	t->dir = ds->staging;
	if (t->dir >= 0 && !link_nameless(t->fd, t->dir, t->name))
		return ERR_OK;
	if (t->dir >= 0 && errno == ENOENT) { /* somebody has removed it */
		t->dir = staging_now(ds);
		if (!link_nameless(t->fd, t->dir, t->name))
			return ERR_OK;
	}
	t->dir = p->dir;
	if (!link_nameless(t->fd, t->dir, t->name))
		return ERR_OK;
	t->name[0] = '\0';
	return err_os(err, "link beside '%.*s'", STR_ARG(p->path.s));
}

enum err_code
temp_install(struct dir_store *ds, struct temp *t, const struct place *p,
    struct trash *trash, struct err *err)
{
	bool nameless = !t->name[0];
	enum err_code rc = ERR_OK;

	if (nameless && p->found == FOUND_NOTHING)
		return link_nameless(t->fd, p->dir, p->name)
		    ? err_os(err, "link '%.*s'", STR_ARG(p->path.s))
		    : ERR_OK;
	if (nameless)
		rc = link_hidden(ds, t, p, err);
	if (rc)
		return rc;
	rc = dir_move_into(ds, t->dir, t->name, t->collection, p, trash, err);
	/* Now, because p's descriptor may be closed before temp_done(). */
	if (rc && nameless)
		(void)unlinkat(t->dir, t->name, 0);
	if (!rc || nameless)
		t->name[0] = '\0';
	return rc;
}
