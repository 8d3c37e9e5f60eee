/* SPDX-License-Identifier: MIT */
#include "client/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define NOTE_MAGIC "sheaf-part 1"

/* Bytes of the name in those of the hidden files: at most 255 go in all. */
#define NAME_KEPT 200

/* Puts s, and behind it a NUL that is not counted. */
static void
put_c(struct buf *b, struct str s)
{
	buf_put(b, s);
	buf_putc(b, '\0');
	if (b->len)
		b->len--;
}

/* FNV-1a, so that the parts of two URLs for one name are two files. */
static uint32_t
hash(struct str s)
{
	uint32_t h = 2166136261U;
	size_t i;

	for (i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * 16777619U;
	return h;
}

static enum err_code
make_names(struct part *p, struct str name, struct str url, struct err *err)
{
	struct buf stem CLEANUP(buf_done) = { 0 };

	buf_printf(&stem, ".%.*s.%08x",
	    (int)(name.len < NAME_KEPT ? name.len : NAME_KEPT), name.ptr,
	    (unsigned)hash(url));
	put_c(&p->name, name);
	buf_put(&p->part, buf_str(&stem));
	put_c(&p->part, STR(".part"));
	buf_put(&p->note, buf_str(&stem));
	put_c(&p->note, STR(".part.etag"));
	buf_put(&p->url, url);
	return buf_failed(&stem) || buf_failed(&p->name) ||
		buf_failed(&p->part) || buf_failed(&p->note) ||
		buf_failed(&p->url)
	    ? err_nomem(err)
	    : ERR_OK;
}

static enum err_code
open_dir(struct part *p, struct str above, struct err *err)
{
	struct buf name CLEANUP(buf_done) = { 0 };

	put_c(&name, above.len ? above : STR("."));
	if (buf_failed(&name))
		return err_nomem(err);
	p->dir = open(name.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir < 0)
		return err_os(err, "open the directory '%s'", name.ptr);
	return ERR_OK;
}

static enum err_code
check_place(const struct part *p, struct err *err)
{
	struct stat st, to;

	if (fstatat(p->dir, p->name.ptr, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT)
			return ERR_OK;
		return err_os(err, "look at '%s'", p->name.ptr);
	}
	if (S_ISLNK(st.st_mode) && !fstatat(p->dir, p->name.ptr, &to, 0))
		st = to;
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_IS_COLLECTION,
		    "'%s' is a directory here", p->name.ptr);
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return err_set(err, ERR_EXISTS,
		    "'%s' is not a plain file, and is never replaced; to write "
		    "into it, send the output of sheaf cat there",
		    p->name.ptr);
	if (!p->force)
		return err_set(err, ERR_EXISTS,
		    "'%s' is there already; --force overwrites it",
		    p->name.ptr);
	return ERR_OK;
}

/*
 * Whether what was opened still goes by that name: another process may have
 * made it the finished file before it let go of the lock.
 */
static bool
is_still_part(const struct part *p, const struct stat *st)
{
	struct stat now;

	return !fstatat(p->dir, p->part.ptr, &now, AT_SYMLINK_NOFOLLOW) &&
	    now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

static enum err_code
open_part(struct part *p, struct err *err)
{
	struct stat st;

	p->fd = openat(p->dir, p->part.ptr,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
	if (p->fd < 0)
		return err_os(err, "make '%s'", p->part.ptr);
	if (fstat(p->fd, &st))
		return err_os(err, "look at '%s'", p->part.ptr);
	if (!S_ISREG(st.st_mode))
		return err_set(
		    err, ERR_OS, "'%s' is not a plain file", p->part.ptr);
	if (flock(p->fd, LOCK_EX | LOCK_NB)) {
		fd_close(&p->fd); /* so that part_done() does not remove it */
		return err_set(err, ERR_BUSY,
		    "'%s' is being fetched by another process", p->name.ptr);
	}
	/* Its size may have changed until the lock was ours. */
	if (fstat(p->fd, &st) || !is_still_part(p, &st)) {
		fd_close(&p->fd);
		return err_set(err, ERR_BUSY,
		    "'%s' was being fetched by another process", p->name.ptr);
	}
	p->size = (uint64_t)st.st_size;
	return ERR_OK;
}

/*
 * The boot, so that no part is resumed after a power cut: a file may then have
 * its length and not its bytes.
 */
static void
put_boot(struct buf *b)
{
	struct buf id CLEANUP(buf_done) = { .max = 256 };

	if (!file_read("/proc/sys/kernel/random/boot_id", &id, NULL))
		buf_put(
		    b, str_head(buf_str(&id), str_find(buf_str(&id), '\n')));
}

/* The lines of a note that have to be the same for a part to be resumed. */
static void
put_note(struct buf *b, const struct part *p)
{
	BUF_LIT(b, NOTE_MAGIC "\n");
	put_boot(b);
	buf_putc(b, '\n');
	buf_put(b, buf_str(&p->url));
	buf_putc(b, '\n');
}

/* Reads what an earlier run has left; etag stays empty if it is of no use. */
static void
read_note(struct part *p)
{
	struct buf ours CLEANUP(buf_done) = { 0 };
	int fd CLEANUP(fd_close) =
	    openat(p->dir, p->note.ptr, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct str rest, etag, total;
	char bytes[4096];
	size_t n;

	if (fd < 0 || fd_read_at(fd, 0, bytes, sizeof(bytes), &n, NULL))
		return;
	put_note(&ours, p);
	rest = str_of(bytes, n);
	if (buf_failed(&ours) || !str_starts(rest, buf_str(&ours)))
		return;
	rest = str_skip(rest, ours.len);
	if (!str_cut(&rest, '\n', &etag) || !str_cut(&rest, '\n', &total))
		return;
	p->has_total = str_to_u64(total, &p->total);
	if (!p->has_total || p->size <= p->total)
		buf_put(&p->etag, etag);
}

enum err_code
part_open(struct part *p, const char *file, struct str url, bool force,
    struct err *err)
{
	struct str path = str_from_c(file);
	size_t slash = str_rfind(path, '/');
	struct str name = slash == path.len ? path : str_skip(path, slash + 1);
	struct str above =
	    slash == path.len ? ((struct str){ 0 }) : str_head(path, slash + 1);
	enum err_code rc;

	*p = PART_NONE;
	p->force = force;
	if (!name.len)
		return err_set(
		    err, ERR_IS_COLLECTION, "'%s' is a directory here", file);
	rc = make_names(p, name, url, err);
	if (!rc)
		rc = open_dir(p, above, err);
	if (!rc)
		rc = check_place(p, err);
	if (!rc)
		rc = open_part(p, err);
	if (!rc && p->size)
		read_note(p);
	return rc;
}

static enum err_code
write_note(const struct part *p, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	int fd CLEANUP(fd_close) = openat(p->dir, p->note.ptr,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);

	if (fd < 0)
		return err_os(err, "make '%s'", p->note.ptr);
	put_note(&b, p);
	buf_put(&b, buf_str(&p->etag));
	buf_putc(&b, '\n');
	if (p->has_total)
		buf_put_u64(&b, p->total);
	buf_putc(&b, '\n');
	return buf_failed(&b) ? err_nomem(err)
			      : fd_write_all(fd, buf_str(&b), err);
}

enum err_code
part_restart(struct part *p, struct str etag, bool has_total, uint64_t total,
    struct err *err)
{
	if (unlinkat(p->dir, p->note.ptr, 0) && errno != ENOENT)
		return err_os(err, "remove '%s'", p->note.ptr);
	if (ftruncate(p->fd, 0))
		return err_os(err, "empty '%s'", p->part.ptr);
	p->size = 0;
	buf_clear(&p->etag);
	buf_put(&p->etag, etag);
	p->has_total = has_total;
	p->total = total;
	if (buf_failed(&p->etag))
		return err_nomem(err);
	return etag.len ? write_note(p, err) : ERR_OK;
}

enum err_code
part_write(struct part *p, struct str bytes, struct err *err)
{
	while (bytes.len) {
		ssize_t n = pwrite(p->fd, bytes.ptr, bytes.len, (off_t)p->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, "write '%s'", p->part.ptr);
		p->size += (uint64_t)n;
		bytes = str_skip(bytes, (size_t)n);
	}
	return ERR_OK;
}

static enum err_code
rename_part(const struct part *p, struct err *err)
{
	unsigned flags = p->force ? 0 : RENAME_NOREPLACE;

	if (!renameat2(p->dir, p->part.ptr, p->dir, p->name.ptr, flags))
		return ERR_OK;
	if (errno == EINVAL && flags) { /* a file system without NOREPLACE */
		if (!linkat(p->dir, p->part.ptr, p->dir, p->name.ptr, 0)) {
			(void)unlinkat(p->dir, p->part.ptr, 0);
			return ERR_OK;
		}
	}
	if (errno == EEXIST)
		return err_set(err, ERR_EXISTS,
		    "'%s' came to be there meanwhile; --force overwrites it",
		    p->name.ptr);
	return err_os(err, "name it '%s'", p->name.ptr);
}

enum err_code
part_place(struct part *p, int64_t mtime, struct err *err)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)clock_seconds(mtime) } };
	enum err_code rc;

	if (ftruncate(p->fd, (off_t)p->size))
		return err_os(err, "cut '%s'", p->part.ptr);
	if (mtime >= 0)
		(void)futimens(p->fd, times);
	if (fsync(p->fd))
		return err_os(err, "sync '%s'", p->part.ptr);
	rc = rename_part(p, err);
	if (rc)
		return rc;
	fd_close(&p->fd);
	(void)unlinkat(p->dir, p->note.ptr, 0);
	if (fsync(p->dir))
		return err_os(err, "sync the directory of '%s'", p->name.ptr);
	return ERR_OK;
}

void
part_spoil(struct part *p)
{
	if (p->note.ptr)
		(void)unlinkat(p->dir, p->note.ptr, 0);
	buf_clear(&p->etag);
}

void
part_done(struct part *p)
{
	if (p->fd >= 0 && !p->size) {
		(void)unlinkat(p->dir, p->part.ptr, 0);
		(void)unlinkat(p->dir, p->note.ptr, 0);
	}
	fd_close(&p->fd);
	fd_close(&p->dir);
	buf_done(&p->name);
	buf_done(&p->part);
	buf_done(&p->note);
	buf_done(&p->url);
	buf_done(&p->etag);
}
