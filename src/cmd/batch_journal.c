/* SPDX-License-Identifier: MIT */
/* The journal's file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/batch_impl.h"

#define STEP ((size_t)64 * 1024)
#define BIT_FINAL 1u
#define BIT_SENT 2u

/* ---- bits */

static unsigned
bits_of(const struct batch_journal *j, uint64_t index)
{
	if (index >= j->n_bits)
		return 0;
	return (unsigned)j->bits[index / 4] >> (index % 4 * 2) & 3u;
}

static void
set_bits(struct batch_journal *j, uint64_t index, unsigned bits)
{
	unsigned shift = (unsigned)(index % 4 * 2);

	if (index < j->n_bits)
		j->bits[index / 4] =
		    (unsigned char)((j->bits[index / 4] & ~(3u << shift)) |
			bits << shift);
}

bool
batch_journal_is_final(const struct batch_journal *j, uint64_t index)
{
	return bits_of(j, index) & BIT_FINAL;
}

bool
batch_journal_was_sent(const struct batch_journal *j, uint64_t index)
{
	return bits_of(j, index) == BIT_SENT;
}

/* ---- writing */

static enum err_code
lock(const struct batch_journal *j, struct err *err)
{
	if (!flock(j->fd, LOCK_EX | LOCK_NB))
		return ERR_OK;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_BUSY, "another sheaf is at it");
	return err_os(err, "cannot lock it");
}

/* Syncs the directory of a file, so that its name is on the disk as well. */
static enum err_code
sync_folder(const char *name, struct err *err)
{
	int fd CLEANUP(fd_close) = -1;
	char *path = realpath(name, NULL), *slash;

	slash = path ? strrchr(path, '/') : NULL;
	if (slash) {
		slash[slash == path] = '\0';
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	free(path);
	if (fd < 0 || fsync(fd))
		return err_os(err, "cannot put its name on the disk");
	return ERR_OK;
}

enum err_code
batch_journal_new(struct batch *b, struct err *err)
{
	struct batch_journal *j = &b->journal;
	const struct journal_line head = { .kind = JOURNAL_HEAD,
		.url = b->asked,
		.endpoint = b->endpoint,
		.input = str_from_c(b->in.name),
		.digest = str_from_c(b->in.digest),
		.key = b->key,
		.user = buf_str(&b->f.s.user),
		.ours = b->ours,
		.size = b->in.size,
		.retry_after = -1 };
	enum err_code rc;

	if (!j->name)
		return ERR_OK;
	j->fd = open(
	    j->name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (j->fd < 0 && errno == EEXIST)
		return err_set(err, ERR_EXISTS,
		    "it is there already; --resume goes on with it");
	if (j->fd < 0)
		return err_os(err, "cannot make it");
	rc = lock(j, err);
	batch_journal_put(j, &head);
	if (!rc)
		rc = batch_journal_sync(j, err);
	return rc ? rc : sync_folder(j->name, err);
}

void
batch_journal_put(struct batch_journal *j, const struct journal_line *l)
{
	if (j->name && !j->failed)
		journal_put(&j->lines, l);
}

enum err_code
batch_journal_sync(struct batch_journal *j, struct err *err)
{
	static const struct journal_line end = { .kind = JOURNAL_SYNCED };

	if (!j->name || !j->lines.len)
		return ERR_OK;
	if (j->failed)
		return err_set(err, j->failed, "it could not be written");
	journal_put(&j->lines, &end);
	j->failed = buf_failed(&j->lines)
	    ? err_nomem(err)
	    : fd_write_all(j->fd, buf_str(&j->lines), err);
	if (!j->failed && fdatasync(j->fd))
		j->failed = err_os(err, "cannot put it on the disk");
	buf_clear(&j->lines);
	return j->failed;
}

void
batch_journal_done(struct batch_journal *j)
{
	if (j->name)
		fd_close(&j->fd);
	buf_done(&j->lines);
	free(j->bits);
}

/* ---- reading */

/* Lines of the journal up to `end`, each in one piece. */
struct lines {
	int fd;
	uint64_t at, end; /* offsets in the file */
	uint64_t synced; /* the offset behind the last JOURNAL_SYNCED */
	struct arena line;
	enum err_code (*take)(
	    void *arg, const struct journal_line *l, struct err *err);
	void *arg;
	uint64_t n;
};

static enum err_code
take_one(struct lines *r, struct str text, struct err *err)
{
	struct journal_line l;
	enum err_code rc;

	arena_clear(&r->line);
	r->n++;
	rc = journal_parse(&r->line, text, &l, err);
	if (!rc && l.kind == JOURNAL_SYNCED)
		r->synced = r->at;
	if (!rc && r->take)
		rc = r->take(r->arg, &l, err);
	return rc;
}

static enum err_code
take_lines(struct lines *r, struct buf *b, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t from = 0;

	while (!rc && r->at < r->end) {
		struct str rest = str_skip(buf_str(b), from);
		size_t n = str_find(rest, '\n');

		if (n == rest.len)
			break;
		r->at += n + 1;
		rc = take_one(r, str_head(rest, n), err);
		from += n + 1;
	}
	if (from)
		memmove(b->ptr, b->ptr + from, b->len - from);
	b->len -= from;
	return rc;
}

/* Reads whole lines: one that is cut off at the end of the file is ignored. */
static enum err_code
read_lines(struct lines *r, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	uint64_t from = 0;
	size_t got = STEP;
	enum err_code rc = ERR_OK;

	while (!rc && got == STEP && r->at < r->end) {
		char *room = buf_room(&b, STEP);

		if (!room)
			return err_nomem(err);
		rc = fd_read_at(r->fd, from, room, STEP, &got, err);
		if (rc)
			break;
		from += got;
		b.len += got;
		rc = take_lines(r, &b, err);
		if (!rc && b.len > JOURNAL_LINE_MAX)
			rc = err_tell(err, ERR_BAD_BODY, "a line is too long");
	}
	arena_done(&r->line);
	return rc;
}

static enum err_code
first_line(void *arg, const struct journal_line *l, struct err *err)
{
	struct journal_line *head = arg;

	if (head->kind != JOURNAL_OTHER)
		return ERR_OK;
	if (l->kind != JOURNAL_HEAD)
		return err_tell(
		    err, ERR_BAD_BODY, "this is no journal of sheaf batch");
	*head = *l;
	return ERR_OK;
}

static enum err_code
keep_head(struct arena *a, struct journal_line *h, struct err *err)
{
	if (!arena_str(a, h->url, &h->url) ||
	    !arena_str(a, h->endpoint, &h->endpoint) ||
	    !arena_str(a, h->input, &h->input) ||
	    !arena_str(a, h->digest, &h->digest) ||
	    !arena_str(a, h->key, &h->key) || !arena_str(a, h->user, &h->user))
		return err_nomem(err);
	return ERR_OK;
}

/* The head alone is read first: the rest can be long. */
static enum err_code
read_head(struct batch_journal *j, struct arena *a, struct journal_line *head,
    struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	char *room = buf_room(&b, STEP);
	struct arena line = { 0 };
	struct journal_line l = { 0 };
	enum err_code rc;
	size_t n = 0;

	if (!room)
		return err_nomem(err);
	*head = (struct journal_line){ .kind = JOURNAL_OTHER };
	rc = fd_read_at(j->fd, 0, room, STEP, &b.len, err);
	if (!rc)
		n = str_find(buf_str(&b), '\n');
	if (!rc && n == b.len)
		rc = err_tell(
		    err, ERR_BAD_BODY, "this is no journal of sheaf batch");
	if (!rc)
		rc = journal_parse(&line, str_head(buf_str(&b), n), &l, err);
	if (!rc)
		rc = first_line(head, &l, err);
	if (!rc)
		rc = keep_head(a, head, err);
	arena_done(&line);
	return rc;
}

enum err_code
batch_journal_open(struct batch_journal *j, const char *name, struct arena *a,
    struct journal_line *head, struct err *err)
{
	enum err_code rc;

	j->fd = open(name, O_RDWR | O_APPEND | O_CLOEXEC);
	if (j->fd < 0)
		return err_os(err, "cannot open it");
	j->name = name;
	rc = lock(j, err);
	return rc ? rc : read_head(j, a, head, err);
}

static enum err_code
mark(struct batch_journal *j, const struct journal_line *l, struct err *err)
{
	uint64_t i;

	if (l->last < l->first || l->last >= j->n_bits)
		return err_tell(err, ERR_BAD_BODY,
		    "it names operations that the batch does not have");
	for (i = l->first; i <= l->last; i++)
		if (!batch_journal_is_final(j, i))
			set_bits(j, i, l->kind == JOURNAL_SENT ? BIT_SENT : 0);
	return ERR_OK;
}

static enum err_code
take_again(void *arg, const struct journal_line *l, struct err *err)
{
	struct batch *b = arg;
	struct batch_journal *j = &b->journal;

	if (l->kind == JOURNAL_SENT || l->kind == JOURNAL_BACK)
		return mark(j, l, err);
	if (l->kind != JOURNAL_ITEM)
		return ERR_OK;
	if (l->index >= j->n_bits || batch_journal_is_final(j, l->index))
		return err_tell(err, ERR_BAD_BODY,
		    "it has the last word on an operation twice, or on one "
		    "that the batch does not have");
	set_bits(j, l->index, BIT_FINAL);
	batch_settle_again(b, l);
	return ERR_OK;
}

enum err_code
batch_journal_read(struct batch *b, struct err *err)
{
	struct batch_journal *j = &b->journal;
	struct lines look = { .fd = j->fd, .end = UINT64_MAX };
	struct lines r = { .fd = j->fd, .take = take_again, .arg = b };
	struct err why = { 0 };
	enum err_code rc;

	j->n_bits = b->in.total;
	j->bits = calloc(1, (size_t)(j->n_bits / 4 + 1));
	if (!j->bits)
		return err_nomem(err);
	rc = read_lines(&look, &why);
	r.end = look.synced;
	if (!rc && !r.end)
		return err_tell(
		    err, ERR_BAD_BODY, "this is no journal of sheaf batch");
	if (!rc && ftruncate(j->fd, (off_t)r.end))
		return err_os(err, "cannot cut off its end");
	if (!rc)
		rc = read_lines(&r, &why);
	if (rc && err) {
		(void)err_tell(err, rc, "line %llu: %.150s",
		    (unsigned long long)(r.n ? r.n : look.n),
		    *why.tell ? why.tell : err_text(rc));
		(void)snprintf(err->why, sizeof(err->why), "%s", err->tell);
	}
	return rc;
}
