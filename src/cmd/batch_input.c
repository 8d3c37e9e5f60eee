/* SPDX-License-Identifier: MIT */
/* The batch that is to be sent: a file that is read twice. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nettle/sha2.h>

#include "base/file.h"
#include "cmd/batch_impl.h"

#define STEP ((size_t)64 * 1024)

/* ---- opening */

static enum err_code
pour(int from, int to, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	char *bytes = buf_room(&b, STEP);
	ssize_t n;

	if (!bytes)
		return err_nomem(err);
	for (;;) {
		n = read(from, bytes, STEP);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, "cannot read standard input");
		if (!n)
			return ERR_OK;
		if (fd_write_all(to, str_of(bytes, (size_t)n), err))
			return err ? err->code : ERR_IO;
	}
}

static int
open_spool(const char *keep)
{
	const char *dir = getenv("TMPDIR");

	if (keep)
		return open(keep, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return open(
	    dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* Copies what comes through a pipe into a file, which can be read twice. */
static enum err_code
spool(struct batch_input *in, int from, const char *keep, struct err *err)
{
	enum err_code rc;

	in->fd = open_spool(keep);
	if (in->fd < 0)
		return err_os(err, "cannot keep what comes in '%s'",
		    keep ? keep : "a temporary file");
	rc = pour(from, in->fd, err);
	if (!rc && keep && fsync(in->fd))
		rc = err_os(err, "cannot write '%s'", keep);
	return rc;
}

static enum err_code
keep_name(struct batch_input *in, const char *name, struct err *err)
{
	char *absolute = realpath(name, NULL);
	int n = -1;

	if (absolute)
		n = snprintf(in->name, sizeof(in->name), "%s", absolute);
	free(absolute);
	if (n < 0 || (size_t)n >= sizeof(in->name))
		return err_os(err, "cannot find '%s'", name);
	return ERR_OK;
}

enum err_code
batch_input_open(
    struct batch_input *in, const char *name, const char *keep, struct err *err)
{
	int fd CLEANUP(fd_close) = -1;
	struct stat st;
	enum err_code rc;

	in->fd = -1;
	fd = strcmp(name, "-") != 0 ? open(name, O_RDONLY | O_CLOEXEC)
				    : dup(STDIN_FILENO);
	if (fd < 0 || fstat(fd, &st))
		return err_os(err, "cannot read it");
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_OS, "it is a directory");
	if (S_ISREG(st.st_mode) && strcmp(name, "-") != 0) {
		in->fd = fd_take(&fd);
		return keep_name(in, name, err);
	}
	rc = spool(in, fd, keep, err);
	return rc || !keep ? rc : keep_name(in, keep, err);
}

void
batch_input_done(struct batch_input *in)
{
	fd_close(&in->fd);
	arena_done(&in->a);
}

/* ---- the first reading */

struct checking {
	struct batch_input *in;
	struct batch_source *source;
	struct bulk_known *known;
	struct arena item;
	struct buf group; /* of the operation before */
	size_t in_group;
};

/* What an operation waits for must have come before it. */
static enum err_code
check_name(
    const struct checking *c, struct str id, const char *where, struct err *err)
{
	if (bulk_known_find(c->known, id))
		return ERR_OK;
	return err_tell(err, ERR_BAD_BODY,
	    "%s names '%.*s', which is none of the %u operations before it",
	    where, (int)(id.len < 60 ? id.len : 60), id.ptr, BULK_KNOWN);
}

static enum err_code
check_names(
    const struct checking *c, const struct batch_edit *e, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	/* An operation that is not in the retry file has succeeded. */
	if (c->in->head.retry)
		return ERR_OK;
	for (i = 0; !rc && i < e->n_depends_on; i++)
		rc = check_name(c, e->depends_on[i], "dependsOn", err);
	for (i = 0; !rc && i < e->n_refs; i++)
		rc = check_name(c, e->refs[i], "a '$'", err);
	return rc;
}

static enum err_code
count_group(struct checking *c, struct str group, struct err *err)
{
	if (!group.len || !str_eq(group, buf_str(&c->group))) {
		c->in_group = 0;
		c->in->groups += group.len > 0;
	}
	buf_clear(&c->group);
	buf_put(&c->group, group);
	if (buf_failed(&c->group))
		return err_nomem(err);
	if (group.len && ++c->in_group > c->in->largest_group)
		c->in->largest_group = c->in_group;
	return ERR_OK;
}

static enum err_code
check_item(void *arg, const struct batch_source_item *item, struct err *err)
{
	struct checking *c = arg;
	struct batch_operation op;
	struct err why = { 0 };
	const char *tell = why.tell;
	enum err_code rc;

	arena_clear(&c->item);
	c->in->head.shape = batch_source_head(c->source)->shape;
	c->in->head.retry = batch_source_head(c->source)->retry;
	c->in->total++;
	rc = batch_source_item_read(
	    &c->item, &c->in->head, item->bytes, &op, &why);
	if (!rc)
		rc = check_names(c, &op.e, &why);
	/* A _bulk request may have a document, and so its _id, twice. */
	if (!rc && c->in->head.shape != SHAPE_ACTIONS)
		rc = bulk_known_add(c->known, op.e.id, op.e.group, &why);
	if (!rc)
		rc = count_group(c, op.e.group, &why);
	if (!rc)
		return rc;
	if (rc == ERR_NOMEM)
		return err_nomem(err);
	/* "line 1" is counted within the item, whose line is shown instead. */
	if (str_starts(str_from_c(tell), STR("line 1, ")))
		tell += STR("line 1, ").len;
	return err_tell(err, ERR_BAD_BODY, "line %llu: %.150s",
	    (unsigned long long)item->line, *tell ? tell : err_text(rc));
}

static enum err_code
read_all(struct checking *c, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct sha256_ctx hash;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char *bytes = buf_room(&b, STEP);
	enum err_code rc = bytes ? ERR_OK : err_nomem(err);
	size_t got = STEP, i;

	sha256_init(&hash);
	while (!rc && got == STEP) {
		rc = fd_read_at(c->in->fd, c->in->size, bytes, STEP, &got, err);
		if (rc)
			break;
		sha256_update(&hash, got, (const uint8_t *)bytes);
		c->in->size += got;
		rc = batch_source_feed(c->source, str_of(bytes, got), err);
	}
	if (!rc)
		rc = batch_source_end(c->source, err);
	sha256_digest(&hash, sizeof(digest), digest);
	for (i = 0; i < sizeof(digest); i++)
		(void)snprintf(c->in->digest + 2 * i, 3, "%02x", digest[i]);
	return rc;
}

static enum err_code
keep_head(
    struct batch_input *in, const struct batch_source_head *h, struct err *err)
{
	in->head = *h;
	if (!arena_str(&in->a, h->user, &in->head.user) ||
	    !arena_str(&in->a, h->url, &in->head.url) ||
	    !arena_str(&in->a, h->members, &in->head.members) ||
	    !arena_str(&in->a, h->mode, &in->head.mode))
		return err_nomem(err);
	return ERR_OK;
}

enum err_code
batch_input_check(struct batch_input *in, struct err *err)
{
	struct checking c = { .in = in };
	const struct batch_source_events events = { check_item, &c };
	enum err_code rc = bulk_known_new(BULK_KNOWN, &c.known, err);

	if (!rc)
		rc = batch_source_new(&events, &c.source, err);
	if (!rc)
		rc = read_all(&c, err);
	if (!rc)
		rc = keep_head(in, batch_source_head(c.source), err);
	batch_source_free(c.source);
	bulk_known_free(c.known);
	arena_done(&c.item);
	buf_done(&c.group);
	return rc;
}

enum err_code
batch_input_at(const struct batch_input *in, uint64_t offset, uint64_t size,
    struct buf *out, struct err *err)
{
	char *room;
	size_t got = 0;
	enum err_code rc;

	buf_clear(out);
	if (size > 2 * BATCH_SOURCE_ITEM)
		return err_tell(err, ERR_TOO_LARGE, "it is no operation");
	room = buf_room(out, (size_t)size + 1);
	if (!room)
		return err_nomem(err);
	rc = fd_read_at(in->fd, offset, room, (size_t)size, &got, err);
	if (!rc && got < size)
		rc = err_tell(err, ERR_IO, "the batch has become shorter");
	out->len = got;
	return rc;
}
