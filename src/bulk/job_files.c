/* SPDX-License-Identifier: MIT */
/* The directory of a job. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "bulk/jobs_impl.h"
#include "http/href.h"

#define SMALL_FILE ((size_t)64 * 1024)

/* ---- names */

#define NAME_SIZE (BULK_ID_SIZE + 8)

static void
new_name(char out[NAME_SIZE], const char *id)
{
	(void)snprintf(out, NAME_SIZE, "%s.new", id);
}

enum err_code
job_make_dir(struct jobs *j, const char *id, int *dir, struct err *err)
{
	char name[NAME_SIZE];

	new_name(name, id);
	if (mkdirat(j->dir, name, 0700))
		return err_os(err, "make the directory of a batch");
	*dir = openat(j->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0) {
		(void)unlinkat(j->dir, name, AT_REMOVEDIR);
		return err_os(err, "open the directory of a batch");
	}
	return ERR_OK;
}

void
job_remove_dir(struct jobs *j, const char *id, bool whole)
{
	static const char *const files[] = { "spec", "spec.new", "body",
		"results", "cancel", "end", "end.new" };
	char name[NAME_SIZE];
	int dir CLEANUP(fd_close) = -1;
	size_t i;

	new_name(name, id);
	/* In one step: half a job would be taken for a whole one. */
	if (whole && renameat(j->dir, id, j->dir, name))
		return;
	dir = openat(j->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	for (i = 0; i < ARRAY_LEN(files); i++)
		(void)unlinkat(dir, files[i], 0);
	(void)unlinkat(j->dir, name, AT_REMOVEDIR);
}

/* ---- small files */

static enum err_code
sync_fd(int fd, struct err *err)
{
	return fsync(fd) ? err_os(err, "sync a file of a batch") : ERR_OK;
}

/* Whole or not at all, and on the disk. */
static enum err_code
write_file(int dir, const char *tmp, const char *name, struct str bytes,
    struct err *err)
{
	int fd CLEANUP(fd_close) =
	    openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	enum err_code rc;

	if (fd < 0)
		return err_os(err, "make '%s' of a batch", name);
	rc = fd_write_all(fd, bytes, err);
	if (!rc)
		rc = sync_fd(fd, err);
	if (!rc && renameat(dir, tmp, dir, name))
		rc = err_os(err, "rename '%s' of a batch", tmp);
	return rc ? rc : sync_fd(dir, err);
}

/* *out: empty and *found false where there is none. */
static enum err_code
read_file(
    int dir, const char *name, struct buf *out, bool *found, struct err *err)
{
	int fd CLEANUP(fd_close) = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char *room = buf_room(out, SMALL_FILE);
	size_t got;
	enum err_code rc;

	*found = fd >= 0;
	if (fd < 0 && errno == ENOENT)
		return ERR_OK;
	if (fd < 0)
		return err_os(err, "open '%s' of a batch", name);
	if (!room)
		return err_nomem(err);
	rc = fd_read_at(fd, 0, room, SMALL_FILE, &got, err);
	if (!rc)
		out->len += got;
	return rc;
}

/* ---- the spec: lines of "name value", of which no value has a line's end */

static void
put_text(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "%s %.*s\n", name, STR_ARG(value));
}

static void
put_number(struct buf *b, const char *name, int64_t value)
{
	buf_printf(b, "%s %lld\n", name, (long long)value);
}

/* What the value of a name is; empty where there is none. */
static struct str
get_text(struct str text, struct str name)
{
	struct str line;

	while (text.len && str_cut(&text, '\n', &line))
		if (str_starts(line, name) && line.len > name.len &&
		    line.ptr[name.len] == ' ')
			return str_skip(line, name.len + 1);
	return (struct str){ 0 };
}

static int64_t
get_number(struct str text, struct str name)
{
	uint64_t n;

	return str_to_u64(get_text(text, name), &n) ? (int64_t)n : -1;
}

static bool
has_line_end(struct str s)
{
	return str_find(s, '\n') < s.len;
}

static enum err_code
job_write_spec(const struct job *job, struct err *err)
{
	const struct job_spec *s = &job->spec;
	struct buf b CLEANUP(buf_done) = { 0 };

	if (has_line_end(s->user) || has_line_end(s->key) ||
	    has_line_end(s->boundary) || has_line_end(s->origin.authority))
		return err_tell(
		    err, ERR_BAD_REQUEST, "a line's end in a header");
	put_text(&b, "user", s->user);
	put_text(&b, "scheme", s->origin.scheme);
	put_text(&b, "authority", s->origin.authority);
	put_text(&b, "prefix", s->origin.prefix);
	put_text(&b, "boundary", s->boundary);
	put_text(&b, "key", s->key);
	put_number(&b, "form", s->form);
	put_number(&b, "dry", s->dry_run);
	put_number(&b, "representation", s->representation);
	put_number(&b, "stop", s->stop_on_error);
	put_number(&b, "total", (int64_t)job->now.total);
	put_number(&b, "created", job->now.created);
	if (buf_failed(&b))
		return err_nomem(err);
	return write_file(job->dir, "spec.new", "spec", buf_str(&b), err);
}

static enum err_code
load_spec(struct job *job, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct job_spec *s = &job->spec;
	struct str text;
	bool found;
	enum err_code rc = read_file(job->dir, "spec", &b, &found, err);

	if (rc)
		return rc;
	if (!found || !arena_str(&job->arena, buf_str(&b), &text))
		return found ? err_nomem(err)
			     : err_set(err, ERR_IO, "a batch has no spec");
	s->user = get_text(text, STR("user"));
	s->origin.scheme = get_text(text, STR("scheme"));
	s->origin.authority = get_text(text, STR("authority"));
	s->origin.prefix = get_text(text, STR("prefix"));
	s->boundary = get_text(text, STR("boundary"));
	s->key = get_text(text, STR("key"));
	s->form = (enum batch_form)get_number(text, STR("form"));
	s->dry_run = get_number(text, STR("dry")) == 1;
	s->representation = get_number(text, STR("representation")) == 1;
	s->stop_on_error = get_number(text, STR("stop")) == 1;
	job->now.total = (uint64_t)get_number(text, STR("total"));
	job->now.created = get_number(text, STR("created"));
	if (s->form > BATCH_MULTIPART || job->now.created < 0)
		return err_set(err, ERR_IO, "the spec of a batch is spoiled");
	return ERR_OK;
}

/* ---- its end */

enum err_code
job_write_end(const struct job *job, struct err *err)
{
	const struct job_status *n = &job->now;
	const struct results_summary *s = &n->sum;
	struct buf b CLEANUP(buf_done) = { 0 };

	put_text(&b, "state", job_state_name(n->state));
	put_text(&b, "error", str_from_c(n->error));
	put_number(&b, "ended", n->ended);
	put_number(&b, "total", (int64_t)s->sum.total);
	put_number(&b, "success", (int64_t)s->sum.success);
	put_number(&b, "failed", (int64_t)s->sum.failed);
	put_number(&b, "retryable", (int64_t)s->sum.retryable);
	put_number(&b, "replayed", (int64_t)s->replayed);
	put_number(&b, "skipped", (int64_t)s->not_attempted);
	put_number(&b, "after", s->retry_after);
	put_number(&b, "dry", s->dry_run);
	if (buf_failed(&b))
		return err_nomem(err);
	return write_file(job->dir, "end.new", "end", buf_str(&b), err);
}

static enum err_code
take_end(struct job *job, struct str text, struct err *err)
{
	struct job_status *n = &job->now;
	struct results_summary *s = &n->sum;
	struct str name = get_text(text, STR("state"));
	struct str error = get_text(text, STR("error"));
	enum job_state state = JOB_SUCCEEDED;

	while (state < JOB_CANCELLED && !str_eq(job_state_name(state), name))
		state++;
	n->state = state;
	(void)snprintf(n->error, sizeof(n->error), "%.*s", STR_ARG(error));
	n->ended = get_number(text, STR("ended"));
	s->sum.total = (uint64_t)get_number(text, STR("total"));
	s->sum.success = (uint64_t)get_number(text, STR("success"));
	s->sum.failed = (uint64_t)get_number(text, STR("failed"));
	s->sum.retryable = (uint64_t)get_number(text, STR("retryable"));
	s->replayed = (uint64_t)get_number(text, STR("replayed"));
	s->not_attempted = (uint64_t)get_number(text, STR("skipped"));
	s->retry_after = get_number(text, STR("after"));
	s->dry_run = get_number(text, STR("dry")) == 1;
	if (n->ended < 0 || !str_eq(job_state_name(state), name))
		return err_set(err, ERR_IO, "the end of a batch is spoiled");
	return ERR_OK;
}

enum err_code
job_write_cancel(const struct job *job, struct err *err)
{
	return write_file(job->dir, "end.new", "cancel", STR("\n"), err);
}

enum err_code
job_load(struct job *job, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	bool found = false;
	enum err_code rc;

	job->published = true;
	job->dir = openat(job->jobs->dir, job->now.id,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (job->dir < 0)
		return err_os(err, "open the directory of a batch");
	rc = load_spec(job, err);
	if (!rc)
		rc = read_file(job->dir, "end", &b, &found, err);
	if (rc || found)
		return rc ? rc : take_end(job, buf_str(&b), err);
	atomic_store(
	    &job->cancelled, faccessat(job->dir, "cancel", F_OK, 0) == 0);
	return ERR_OK;
}

/* ---- */

enum err_code
job_publish(struct job *job, struct err *err)
{
	struct jobs *j = job->jobs;
	char name[NAME_SIZE];
	enum err_code rc;

	new_name(name, job->now.id);
	rc = sync_fd(job->body, err);
	if (!rc)
		rc = job_write_spec(job, err); /* syncs the directory, too */
	if (!rc && renameat(j->dir, name, j->dir, job->now.id))
		rc = err_os(err, "rename the directory of a batch");
	if (rc)
		return rc;
	job->published = true;
	return sync_fd(j->dir, err);
}

void
job_drop_body(const struct job *job)
{
	(void)unlinkat(job->dir, "body", 0);
}

enum err_code
job_open_results(const struct job *job, int *fd, struct err *err)
{
	int dir CLEANUP(fd_close) = openat(
	    job->jobs->dir, job->now.id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_os(err, "open the directory of a batch");
	*fd = openat(dir, "results", O_RDONLY | O_CLOEXEC);
	if (*fd < 0 && errno != ENOENT)
		return err_os(err, "open the results of a batch");
	return ERR_OK;
}

enum err_code
job_mend_results(struct job *job, struct err *err)
{
	int fd CLEANUP(fd_close) =
	    openat(job->dir, "results", O_RDWR | O_CLOEXEC);
	struct stat st;
	char c;

	if (fd < 0)
		return errno == ENOENT ? ERR_OK
				       : err_os(err, "open the results");
	if (fstat(fd, &st))
		return err_os(err, "look at the results");
	while (st.st_size > 0) {
		if (pread(fd, &c, 1, st.st_size - 1) != 1)
			return err_os(err, "read the results");
		if (c == '\n')
			break;
		st.st_size--;
	}
	if (ftruncate(fd, st.st_size))
		return err_os(err, "cut the results");
	return sync_fd(fd, err);
}
