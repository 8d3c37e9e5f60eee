/* SPDX-License-Identifier: MIT */
/*
 * From a path to a descriptor.
 *
 * The fast way is one openat2() that refuses every link.  Only when that meets
 * one is the path resolved segment by segment, into a path that has none; then
 * the fast way is taken with that.  So whatever is decided by path (what is
 * hidden, which lock) is decided by the one path all others lead to.
 */
#include "store/dir_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

#define MAX_LINKS 40 /* as Linux */
#define MAX_TRIES 16 /* while somebody keeps changing links */
#define MAX_RETRIES 1000 /* of an openat2() that a rename disturbed */

int
open_beneath(int dir, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
		    RESOLVE_NO_SYMLINKS,
	};
	int tries = 0;
	long fd;

	do
		fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
	while (fd < 0 &&
	    (errno == EINTR || (errno == EAGAIN && ++tries < MAX_RETRIES)));
	return (int)fd;
}

/* A longer path than the kernel takes goes in steps. */
static int
open_long_path(const struct dir_store *ds, struct str rel, int flags)
{
	int step CLEANUP(fd_close) = -1;
	char piece[PATH_MAX];

	while (rel.len >= sizeof(piece)) {
		size_t cut = str_rfind(str_head(rel, sizeof(piece) - 1), '/');
		int next;

		if (cut >= sizeof(piece) - 1) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(piece, rel.ptr, cut);
		piece[cut] = '\0';
		next = open_beneath(
		    step < 0 ? ds->root : step, piece, O_PATH | O_DIRECTORY, 0);
		if (next < 0)
			return -1;
		fd_close(&step);
		step = next;
		rel = str_skip(rel, cut + 1);
	}
	memcpy(piece, rel.ptr, rel.len);
	piece[rel.len] = '\0';
	return open_beneath(step < 0 ? ds->root : step, piece, flags, 0);
}

/* Nearly all are short, and need no room that is cleared first. */
static int
open_path(const struct dir_store *ds, struct str rel, int flags)
{
	char name[PLAIN_MAX];

	if (rel.len >= sizeof(name))
		return open_long_path(ds, rel, flags);
	memcpy(name, rel.len ? rel.ptr : ".", rel.len ? rel.len : 1);
	name[rel.len ? rel.len : 1] = '\0';
	return open_beneath(ds->root, name, flags, 0);
}

static struct str
relative(struct rpath path)
{
	return str_skip(path.s, 1);
}

bool
temp_name_is(const char *name)
{
	return !strncmp(name, TEMP_PREFIX, sizeof(TEMP_PREFIX) - 1);
}

/* By a path without links. */
static bool
is_hidden(const struct dir_store *ds, struct rpath path)
{
	struct str rest = relative(path);
	bool first = true;
	struct str name;

	if (ds->hidden.len && rpath_covers(rpath_of_buf(&ds->hidden), path))
		return true;
	while (rest.len && str_cut(&rest, '/', &name)) {
		if (str_starts(name, STR(TEMP_PREFIX)) ||
		    (first && str_eq(name, STR(STATE_NAME))))
			return true;
		first = false;
	}
	return false;
}

bool
path_is_plain(
    const struct dir_store *ds, struct rpath path, char name[PLAIN_MAX])
{
	struct str rel = relative(path);

	if (!rel.len || rel.len >= PLAIN_MAX || is_hidden(ds, path))
		return false;
	memcpy(name, rel.ptr, rel.len);
	name[rel.len] = '\0';
	return true;
}

/* ---- links */

struct resolver {
	const struct dir_store *ds;
	int dir; /* what real leads to */
	struct buf real; /* without links; empty: the root */
	struct buf todo; /* what remains, from at on */
	size_t at;
	unsigned links;
};

static void
resolver_done(struct resolver *r)
{
	fd_close(&r->dir);
	buf_done(&r->real);
	buf_done(&r->todo);
}

static enum err_code
leads_nowhere(struct err *err, struct rpath path)
{
	return err_set(err, ERR_NOT_FOUND, "'%.*s' leads out of the tree",
	    STR_ARG(path.s));
}

/* To what stands in a link, with what was still to do behind it. */
static enum err_code
resolve_link(struct resolver *r, int link, struct rpath path, struct err *err)
{
	struct str rest = str_skip(buf_str(&r->todo), r->at);
	struct buf todo = { 0 };
	char target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target));

	if (n < 0)
		return err_os(err, "read link '%.*s'", STR_ARG(path.s));
	if (n == 0 || n == sizeof(target) || target[0] == '/' ||
	    ++r->links > MAX_LINKS)
		return leads_nowhere(err, path);
	buf_put(&todo, str_of(target, (size_t)n));
	buf_putc(&todo, '/');
	buf_put(&todo, rest);
	buf_done(&r->todo);
	r->todo = todo;
	r->at = 0;
	return buf_failed(&todo) ? err_nomem(err) : ERR_OK;
}

static enum err_code
resolve_up(struct resolver *r, struct rpath path, struct err *err)
{
	int dir;

	if (!r->real.len)
		return leads_nowhere(err, path);
	rpath_pop(&r->real, str_rfind(buf_str(&r->real), '/'));
	dir = open_path(r->ds, relative(rpath_of_buf(&r->real)), O_PATH);
	if (dir < 0)
		return err_os(err, "resolve '%.*s'", STR_ARG(path.s));
	fd_close(&r->dir);
	r->dir = dir;
	return ERR_OK;
}

static enum err_code
resolve_name(
    struct resolver *r, struct str name, struct rpath path, struct err *err)
{
	char c_name[NAME_MAX + 1];
	struct statx stx;
	int fd CLEANUP(fd_close) = -1;
	enum err_code rc;

	if (name.len > NAME_MAX)
		return err_set(err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(path.s));
	memcpy(c_name, name.ptr, name.len);
	c_name[name.len] = '\0';
	fd = open_beneath(
	    r->dir < 0 ? r->ds->root : r->dir, c_name, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return err_os(err, "resolve '%.*s'", STR_ARG(path.s));
	rc = dir_stat_fd(fd, &stx, err);
	if (rc)
		return rc;
	if (S_ISLNK(stx.stx_mode))
		return resolve_link(r, fd, path, err);
	(void)rpath_push(&r->real, name);
	fd_close(&r->dir);
	r->dir = fd_take(&fd);
	return buf_failed(&r->real) ? err_nomem(err) : ERR_OK;
}

/* Replaces p's path by one without links; all of it has to be there. */
static enum err_code
resolve(struct place *p, struct rpath path, struct err *err)
{
	struct resolver r CLEANUP(resolver_done) = { .ds = p->ds, .dir = -1 };
	enum err_code rc = ERR_OK;

	buf_put(&r.todo, relative(path));
	if (buf_failed(&r.todo))
		return err_nomem(err);
	while (!rc && r.at < r.todo.len) {
		struct str rest = str_skip(buf_str(&r.todo), r.at);
		struct str name = str_head(rest, str_find(rest, '/'));

		r.at += name.len + (name.len < rest.len);
		if (str_eq(name, STR("..")))
			rc = resolve_up(&r, path, err);
		else if (rpath_segment_ok(name))
			rc = resolve_name(&r, name, path, err);
	}
	if (rc)
		return rc;
	buf_done(&p->real);
	p->real = r.real;
	r.real = (struct buf){ 0 };
	return ERR_OK;
}

/* ---- places */

void
place_done(struct place *p)
{
	if (!p->dir_is_root)
		fd_close(&p->dir);
	p->dir = -1;
	p->dir_is_root = false;
	buf_done(&p->real);
}

static void
set_found(struct place *p)
{
	mode_t mode = p->stx.stx_mode;

	if (S_ISLNK(mode))
		p->found = FOUND_LINK;
	else if (S_ISREG(mode) || S_ISDIR(mode))
		p->found = FOUND_SERVED;
	else
		p->found = FOUND_OTHER;
}

static enum err_code
look_at_name(struct place *p, bool blind, struct err *err)
{
	struct str name = rpath_name(p->path);

	p->found = FOUND_NOTHING;
	p->name_too_long = name.len > NAME_MAX;
	if (p->name_too_long)
		return ERR_OK;
	memcpy(p->name, name.len ? name.ptr : ".", name.len ? name.len : 1);
	p->name[name.len ? name.len : 1] = '\0';
	if (blind)
		return ERR_OK;
	if (!statx(p->dir, p->name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &p->stx)) {
		set_found(p);
		return ERR_OK;
	}
	/* ENAMETOOLONG: this file system takes less than 255 bytes. */
	p->name_too_long = errno == ENAMETOOLONG;
	if (errno == ENOENT || errno == ENAMETOOLONG)
		return ERR_OK;
	return err_os(err, "stat '%.*s'", STR_ARG(p->path.s));
}

enum err_code
place_look(struct place *p, struct err *err)
{
	return look_at_name(p, false, err);
}

/* Takes p->path as it is; ERR_LOOP when a link is in the way. */
static enum err_code
look(struct place *p, bool blind, struct err *err)
{
	struct rpath parent = rpath_parent(p->path);

	if (!p->dir_is_root)
		fd_close(&p->dir);
	p->dir_is_root = rpath_is_root(parent);
	p->dir = p->dir_is_root
	    ? p->ds->root
	    : open_path(p->ds, relative(parent), O_PATH | O_DIRECTORY);
	if (p->dir < 0 && errno == ELOOP)
		return ERR_LOOP;
	if (p->dir < 0 && errno == ENAMETOOLONG)
		return err_set(
		    err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(p->path.s));
	if (p->dir < 0)
		return err_os(err, "open '%.*s'", STR_ARG(parent.s));
	if (!is_hidden(p->ds, p->path))
		return look_at_name(p, blind, err);
	p->found = FOUND_OTHER;
	return is_hidden(p->ds, parent)
	    ? err_set(err, ERR_NOT_FOUND, "'%.*s' is hidden", STR_ARG(parent.s))
	    : ERR_OK;
}

/* Frees the way of links; the name itself is left as it is. */
static enum err_code
resolve_parent(struct place *p, struct err *err)
{
	struct buf name = { 0 };
	enum err_code rc;

	buf_put(&name, rpath_name(p->path));
	if (buf_failed(&name))
		return err_nomem(err);
	rc = resolve(p, rpath_parent(p->path), err);
	if (!rc) {
		(void)rpath_push(&p->real, buf_str(&name));
		rc = buf_failed(&p->real) ? err_nomem(err) : ERR_OK;
	}
	buf_done(&name);
	return rc;
}

/* A link that leads nowhere is something that does not exist for clients. */
static enum err_code
resolve_last(struct place *p, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc = resolve(p, p->path, &why);

	if (rc == ERR_NOT_FOUND) {
		p->found = FOUND_OTHER;
		return ERR_OK;
	}
	if (rc && err)
		*err = why;
	return rc;
}

enum err_code
place_find_now(const struct dir_store *ds, struct rpath path,
    enum follow follow, struct place *p, struct err *err)
{
	int tries;

	*p = (struct place){ .ds = ds, .dir = -1, .path = path, .asked = path };
	for (tries = 0; tries < MAX_TRIES; tries++) {
		enum err_code rc = look(p, follow == FOLLOW_BLIND, err);

		if (rc == ERR_LOOP)
			rc = resolve_parent(p, err);
		else if (!rc && p->found == FOUND_LINK && follow == FOLLOW_YES)
			rc = resolve_last(p, err);
		else
			return rc;
		if (rc || p->found == FOUND_OTHER)
			return rc;
		p->path = rpath_of_buf(&p->real);
	}
	return err_set(
	    err, ERR_NOT_FOUND, "'%.*s' keeps changing", STR_ARG(path.s));
}

enum err_code
place_find(const struct dir_store *ds, struct rpath path, enum follow follow,
    struct place *p, struct err *err)
{
	struct look l = LOOK_NONE;
	struct err why = { 0 };
	enum err_code rc = ERR_OK;

	*p = PLACE_NONE;
	while (look_on(ds, &l)) {
		place_done(p);
		err_clear(&why);
		rc = place_find_now(ds, path, follow, p, &why);
	}
	if (rc && err)
		*err = why;
	return rc;
}

enum err_code
place_must_exist(const struct place *p, struct err *err)
{
	if (p->found == FOUND_SERVED || p->found == FOUND_LINK)
		return ERR_OK;
	return err_set(err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(p->path.s));
}

static enum err_code
must_be_nameable(const struct place *p, struct err *err)
{
	if (p->name_too_long)
		return err_tell(err, ERR_NAME_TOO_LONG,
		    "a name may have %d bytes here", NAME_MAX);
	if (p->found == FOUND_OTHER)
		return err_set(err, ERR_BAD_NAME, "'%.*s' is not for clients",
		    STR_ARG(p->path.s));
	return ERR_OK;
}

enum err_code
place_for_new(const struct dir_store *ds, struct rpath path, enum follow follow,
    struct place *p, struct err *err)
{
	enum err_code rc = place_find(ds, path, follow, p, err);

	if (rc == ERR_NOT_FOUND)
		return err_set(err, ERR_NO_PARENT, "no collection for '%.*s'",
		    STR_ARG(path.s));
	return rc ? rc : must_be_nameable(p, err);
}

bool
place_beside(const struct place *of, struct rpath path, struct place *p)
{
	struct str name = rpath_name(path);

	if (of->real.len || !name.len || name.len > NAME_MAX ||
	    !rpath_eq(rpath_parent(path), rpath_parent(of->path)) ||
	    is_hidden(of->ds, path))
		return false;
	*p = (struct place){
		.ds = of->ds,
		.dir = of->dir,
		.dir_is_root = of->dir_is_root,
		.path = path,
		.asked = path,
	};
	memcpy(p->name, name.ptr, name.len);
	return true;
}

struct resource
place_resource(const struct place *p)
{
	struct resource r;

	dir_resource(p->ds, &p->stx, &r);
	return r;
}

enum err_code
place_seen(
    const struct place *p, struct resource *out, bool *mapped, struct err *err)
{
	struct place end CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc = ERR_OK;

	if (p->found == FOUND_LINK)
		rc = place_find(p->ds, p->path, FOLLOW_YES, &end, err);
	if (rc)
		return rc;
	if (p->found == FOUND_LINK)
		p = &end;
	*mapped = p->found == FOUND_SERVED;
	if (*mapped && out)
		*out = place_resource(p);
	return ERR_OK;
}

int
place_open(const struct place *p, int flags)
{
	return open_beneath(p->dir, p->name, flags, 0);
}
