/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/work_impl.h"
#include "http/url.h"

/* So many retry files may be made in one second. */
#define MAX_SAME_NAME 100

void
work_file_init(struct work_file *f, const char *asked)
{
	*f = (struct work_file){ .asked = asked, .fd = -1 };
}

static enum err_code
write_header(struct work_file *f, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (f->headed)
		return ERR_OK;
	f->headed = true;
	f->header.time = clock_seconds(clock_now());
	retry_header_put(&b, &f->header);
	if (buf_failed(&b))
		return err_nomem(err);
	return fd_write_all(f->fd, buf_str(&b), err);
}

/* Whether it is a pipe or the like, which is written to in its place. */
static bool
is_special(const char *name)
{
	struct stat st;

	return !stat(name, &st) && !S_ISREG(st.st_mode);
}

static enum err_code
open_asked(struct work_file *f, struct err *err)
{
	int n, flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	n = snprintf(f->name, sizeof(f->name), "%s", f->asked);
	if (n < 0 || (size_t)n >= sizeof(f->name) - 32)
		return err_set(
		    err, ERR_NAME_TOO_LONG, "'%s' is too long", f->asked);
	f->in_place = is_special(f->asked);
	if (f->in_place) {
		(void)snprintf(f->now, sizeof(f->now), "%s", f->name);
		flags = O_WRONLY | O_CLOEXEC;
	} else {
		(void)snprintf(f->now, sizeof(f->now), "%.*s.%ld.part",
		    (int)sizeof(f->name) - 32, f->name, (long)getpid());
	}
	f->fd = open(f->now, flags, 0600);
	if (f->fd < 0)
		return err_os(err, "cannot write '%s'", f->name);
	return ERR_OK;
}

/* "sheaf-retry-20260102T030405Z.ndjson", with "-2" and so on where need be. */
static bool
open_named(struct work_file *f, const char *dir)
{
	struct utc u = utc_from_seconds(clock_seconds(clock_now()));
	unsigned i;

	for (i = 1; i <= MAX_SAME_NAME; i++) {
		char more[8] = "";

		if (i > 1)
			(void)snprintf(more, sizeof(more), "-%u", i);
		(void)snprintf(f->name, sizeof(f->name),
		    "%.2000s%ssheaf-retry-%04d%02d%02dT%02d%02d%02dZ%s.ndjson",
		    dir, *dir ? "/" : "", u.year, u.month, u.day, u.hour,
		    u.minute, u.second, more);
		f->fd = open(f->name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (f->fd >= 0 || errno != EEXIST)
			break;
	}
	f->in_place = true;
	return f->fd >= 0;
}

enum err_code
work_file_open(struct work_file *f, struct err *err)
{
	const char *tmp = getenv("TMPDIR");

	if (f->failed)
		return err_set(err, f->failed, "the retry file failed");
	if (f->fd >= 0)
		return ERR_OK;
	if (f->asked)
		f->failed = open_asked(f, err);
	/* The current directory may not be writable: then a temporary one. */
	else if (!open_named(f, "") &&
	    !open_named(f, tmp && *tmp ? tmp : "/tmp"))
		f->failed = err_os(err, "cannot write a retry file");
	return f->failed;
}

enum err_code
work_file_put(struct work_file *f, const struct retry_line *l, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (work_file_open(f, err))
		return f->failed;
	f->failed = write_header(f, err);
	if (f->failed)
		return f->failed;
	retry_line_put(&b, l);
	/* Unbuffered: the line is there whatever happens next. */
	f->failed = buf_failed(&b) ? err_nomem(err)
				   : fd_write_all(f->fd, buf_str(&b), err);
	f->lines += !f->failed;
	return f->failed;
}

/* Syncs the directory of a file, so that its name is on the disk as well. */
static void
sync_folder(const char *name)
{
	char dir[PATH_MAX];
	size_t len = str_rfind(str_from_c(name), '/');
	int fd;

	if (!name[len])
		(void)snprintf(dir, sizeof(dir), ".");
	else
		(void)snprintf(
		    dir, sizeof(dir), "%.*s", (int)(len ? len : 1), name);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	fd_close(&fd);
}

enum err_code
work_file_close(struct work_file *f, struct err *err)
{
	if (f->fd < 0 || f->failed)
		return f->failed;
	f->failed = write_header(f, err);
	if (f->failed)
		return f->failed;
	/* A pipe cannot be synced. */
	if (fsync(f->fd) && errno != EINVAL && errno != EROFS)
		return f->failed = err_os(err, "cannot write '%s'", f->name);
	if (!f->in_place && rename(f->now, f->name))
		return f->failed = err_os(err, "cannot write '%s'", f->name);
	f->in_place = true;
	fd_close(&f->fd);
	sync_folder(f->name);
	return ERR_OK;
}

void
work_file_done(struct work_file *f)
{
	if (f->fd >= 0 && !f->in_place)
		(void)unlink(f->now);
	fd_close(&f->fd);
}

/* ---- lines */

/* Sets the op in the words of the bulk API, which has none for LOCK, UNLOCK. */
static void
set_op(struct retry_line *l, const struct work_item *i)
{
	if (!strcmp(i->op, "get"))
		l->op = STR("read");
	else if (!strcmp(i->op, "lock"))
		l->method = STR("LOCK");
	else if (!strcmp(i->op, "unlock"))
		l->method = STR("UNLOCK");
	else if (strcmp(i->op, "put") != 0)
		l->op = str_from_c(i->op);
	else if (str_eq(i->if_none_match, STR("*")))
		l->op = STR("create");
	else
		l->op = i->if_match.len ? STR("update") : STR("upsert");
}

/* The URL without user and password, which do not go into a file. */
static enum err_code
clean_url(struct arena *a, struct str url, struct str *out, struct err *err)
{
	enum err_code rc;

	*out = url;
	if (!url.len)
		return ERR_OK;
	rc = url_clean(a, url, out, err);
	if (!rc || rc == ERR_NOMEM)
		return rc;
	*out = str_find(url, '@') == url.len ? url : STR("");
	return ERR_OK;
}

static enum err_code
absolute_file(
    struct arena *a, struct str file, struct str *out, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	char *cwd;

	*out = file;
	if (!file.len || file.ptr[0] == '/' || str_eq(file, STR("-")))
		return ERR_OK;
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return ERR_OK;
	buf_put(&b, str_from_c(cwd));
	free(cwd);
	buf_putc(&b, '/');
	while (str_starts(file, STR("./")))
		file = str_skip(file, 2);
	buf_put(&b, file);
	if (buf_failed(&b) || !arena_str(a, buf_str(&b), out))
		return err_nomem(err);
	return ERR_OK;
}

enum err_code
work_file_line(struct arena *a, const struct work_item *i,
    struct retry_line *out, struct err *err)
{
	enum err_code rc;

	*out = (struct retry_line){ .if_match = i->if_match,
		.if_none_match = i->if_none_match,
		.lock_token = i->lock_token,
		.body = i->body,
		.keep = i->keep,
		.recursive = i->recursive,
		.retry_after = -1 };
	set_op(out, i);
	/* "create" says the same as If-None-Match: *. */
	if (str_eq(out->op, STR("create")))
		out->if_none_match = STR("");
	rc = clean_url(a, i->url, &out->url, err);
	if (!rc)
		rc = clean_url(a, i->destination, &out->destination, err);
	if (!rc)
		rc = absolute_file(a, i->file, &out->file, err);
	return rc;
}

/* ---- members */

/* The part of s below `above`, in the form of url_put_key(); false: none is. */
static bool
rest_below(struct arena *a, struct str above, struct str s, struct str *rest)
{
	struct buf k CLEANUP(buf_done) = { 0 }, below CLEANUP(buf_done) = { 0 };
	struct url ua, us;

	if (url_parse(above, &ua, NULL) || url_parse(s, &us, NULL) ||
	    !url_same_origin(&ua, &us) || !url_covers(&ua, &us))
		return false;
	url_put_key(&k, ua.path);
	url_put_key(&below, us.path);
	if (below.len < k.len)
		return false;
	if (below.len > k.len && str_ends(us.path, STR("/")))
		buf_putc(&below, '/');
	return !buf_failed(&below) && !buf_failed(&k) &&
	    arena_str(a, str_skip(buf_str(&below), k.len), rest);
}

/* Joins base and rest, which is empty or begins with a slash. */
static bool
join(struct arena *a, struct str base, struct str rest, struct str *out)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct url u;
	bool bare = rest.len && !url_parse(base, &u, NULL);

	while (bare && str_ends(base, STR("/")))
		base.len--;
	buf_put(&b, base);
	buf_put(&b, rest);
	return !buf_failed(&b) && arena_str(a, buf_str(&b), out);
}

bool
work_member_urls(struct arena *a, const struct work_item *parent,
    struct str href, struct str *url, struct str *destination)
{
	struct str rest, from = parent->url, to = parent->destination;

	*destination = str_of("", 0);
	if (rest_below(a, from, href, &rest)) {
		*url = href;
		return !to.len || join(a, to, rest, destination);
	}
	if (!to.len || !rest_below(a, to, href, &rest))
		return false;
	*destination = href;
	return join(a, from, rest, url);
}
