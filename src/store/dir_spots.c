/* SPDX-License-Identifier: MIT */
/*
 * What many paths lead to.  Those of a batch are mostly neighbours: while the
 * collection is the one of the path before, only the name is looked at, which
 * takes one system call where it would be six.  Where many are in one, it is
 * read once: most have nothing but files, and then there is nothing to look at.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_level.h"

#define MANY 16 /* names, for which it is read */
#define WORTH 8 /* entries, for each of them */
#define READ_SIZE 4096

static enum err_code
find_alone(struct dir_store *ds, struct store_spot *v, struct place *p,
    struct arena *a, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc;

	place_done(p);
	v->real = v->path;
	v->collection = false;
	rc = place_find(ds, v->path, FOLLOW_YES, p, &why);
	if (!rc && p->real.len && !arena_str(a, p->path.s, &v->real.s))
		rc = ERR_NOMEM;
	if (!rc)
		v->collection = place_is_dir(p);
	if (rc == ERR_NOT_FOUND) {
		rc = dir_resolve(&ds->base, v->path, a, &v->real, &why);
		if (rc)
			v->real = v->path;
	}
	return rc == ERR_NOMEM ? err_nomem(err) : ERR_OK;
}

static bool
is_beside(struct rpath path, const struct place *p)
{
	struct str name = rpath_name(path);

	return p->dir >= 0 && name.len && name.len <= NAME_MAX &&
	    rpath_eq(rpath_parent(path), rpath_parent(p->path));
}

/* How many of the next spots in a row are in the collection of p. */
static size_t
count_beside(const struct store_spot *v, size_t n, const struct place *p)
{
	size_t i;
	size_t found = 0;

	for (i = 0; i < n; i++) {
		if (!v[i].path.s.len)
			continue;
		if (!is_beside(v[i].path, p))
			break;
		found++;
	}
	return found;
}

/* False, too, where the file system does not tell. */
static bool
is_file(const struct entry *e, const struct place *p)
{
	const char *name = e->name;

	return e->type == DT_REG || !strcmp(name, ".") || !strcmp(name, "..") ||
	    (p->dir_is_root && !strcmp(name, STATE_NAME));
}

/*
 * Whether the collection of p has files alone, as far as so many entries tell.
 * Names are not compared: a file system may take two of them for one.
 */
static bool
has_files_alone(const struct place *p, size_t most)
{
	alignas(struct entry) char bytes[READ_SIZE];
	int fd CLEANUP(fd_close) =
	    open_beneath(p->dir, ".", O_RDONLY | O_DIRECTORY, 0);
	long n = fd;
	size_t seen = 0;

	while (n >= 0 && seen <= most) {
		long at = 0;

		n = syscall(SYS_getdents64, fd, bytes, sizeof(bytes));
		if (!n)
			return true;
		while (at < n) {
			const struct entry *e =
			    (const struct entry *)(const void *)(bytes + at);

			if (!is_file(e, p))
				return false;
			at += e->size;
			seen++;
		}
	}
	return false;
}

/*
 * Finds a spot by its name alone, in the collection of p; false: that cannot be
 * done.
 */
static bool
find_beside(struct store_spot *v, const struct place *p)
{
	struct str name = rpath_name(v->path);
	char c_name[NAME_MAX + 1];
	struct statx stx;

	memcpy(c_name, name.ptr, name.len);
	c_name[name.len] = '\0';
	v->real = v->path;
	v->collection = false;
	if (statx(p->dir, c_name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &stx))
		return errno == ENOENT;
	v->collection = S_ISDIR(stx.stx_mode);
	return !S_ISLNK(stx.stx_mode);
}

/* What is known of the collection that the last path was in. */
struct beside {
	struct place p;
	bool asked; /* what it has */
	bool files_alone;
};

static bool
find_near(struct beside *b, struct store_spot *v, size_t n)
{
	size_t many;

	if (!is_beside(v->path, &b->p))
		return false;
	if (!b->asked) {
		many = count_beside(v, n, &b->p);
		b->asked = true;
		b->files_alone =
		    many >= MANY && has_files_alone(&b->p, many * WORTH);
	}
	if (!b->files_alone)
		return find_beside(v, &b->p);
	v->real = v->path;
	v->collection = false;
	return true;
}

enum err_code
dir_find_spots(struct store *s, struct store_spot *v, size_t n, struct arena *a,
    struct err *err)
{
	struct beside b = { .p = PLACE_NONE };
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < n && !rc; i++) {
		if (!v[i].path.s.len || find_near(&b, &v[i], n - i))
			continue;
		rc = find_alone(dir_of(s), &v[i], &b.p, a, err);
		b.asked = false;
	}
	place_done(&b.p);
	return rc;
}
