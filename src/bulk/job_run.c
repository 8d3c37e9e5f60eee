/* SPDX-License-Identifier: MIT */
/* Carries out a job, on a thread of its own. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "bulk/feed.h"
#include "bulk/jobs_impl.h"

#define PIECE ((size_t)64 * 1024)

/* ---- where its results go */

struct job_out {
	struct ostream base;
	int fd;
};

static enum err_code
out_write(struct ostream *o, struct str bytes)
{
	struct job_out *out = CONTAINER_OF(o, struct job_out, base);

	return fd_write_all(out->fd, bytes, &o->err);
}

static const struct ostream_ops out_ops = {
	.name = "results of a batch",
	.write = out_write,
};

struct carrying {
	struct job *job;
	struct job_out out;
	struct feed feed;
	struct results *results;
	unsigned status;
	atomic_bool stopped; /* asked by many threads */
};

static enum err_code
start(void *arg, unsigned status, struct results **out, struct err *err)
{
	struct carrying *c = arg;
	const struct job *job = c->job;
	const struct results_spec spec = {
		.form = FORM_NDJSON,
		.prefix = job->spec.origin.prefix,
		.batch_id = str_from_c(job->now.id),
		.dry_run = feed_is_dry(&c->feed),
	};
	enum err_code rc = results_new(&spec, &c->out.base, &c->results, err);

	if (rc)
		return rc;
	c->status = status;
	*out = c->results;
	return ERR_OK;
}

static bool
is_cancelled(void *arg)
{
	struct carrying *c = arg;

	if (atomic_load(&c->job->jobs->closing)) {
		atomic_store(&c->stopped, true);
		return true;
	}
	return atomic_load(&c->job->cancelled);
}

/* ---- what it is to be run as */

static struct bulk_spec
run_spec(const struct job *job)
{
	return (struct bulk_spec){
		.batch_id = str_from_c(job->now.id),
		.caller = { .user = job->spec.user },
		.origin = job->spec.origin,
		/* Its own, so that what is done is not done again. */
		.key =
		    job->spec.key.len ? job->spec.key : str_from_c(job->now.id),
		.dry_run = job->spec.dry_run,
		.representation = job->spec.representation,
		.stop_on_error = job->spec.stop_on_error,
		.admitted = true,
		.cancelled = is_cancelled,
		.start = start,
	};
}

/* ---- reading its body */

static void
say_progress(struct carrying *c)
{
	struct jobs *j = c->job->jobs;

	if (!c->results)
		return;
	(void)pthread_mutex_lock(&j->lock);
	c->job->now.sum = *results_sum(c->results);
	(void)pthread_mutex_unlock(&j->lock);
}

static bool
has_stopped(struct carrying *c)
{
	return c && atomic_load(&c->stopped);
}

static enum err_code
pour(struct job *job, struct feed *f, struct carrying *c, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	int fd CLEANUP(fd_close) =
	    openat(job->dir, "body", O_RDONLY | O_CLOEXEC);
	char *room = buf_room(&b, PIECE);
	uint64_t at = 0;
	size_t got = PIECE;
	enum err_code rc = ERR_OK;

	if (!room)
		return err_nomem(err);
	if (fd < 0)
		return err_os(err, "open the body of a batch");
	while (!rc && got == PIECE && !has_stopped(c)) {
		rc = fd_read_at(fd, at, room, PIECE, &got, err);
		if (!rc)
			rc = feed_write(f, str_of(room, got), err);
		at += got;
		if (c)
			say_progress(c);
	}
	if (!rc && !has_stopped(c))
		rc = feed_end(f, err);
	if (c)
		say_progress(c);
	return rc;
}

enum err_code
job_count(struct job *job, struct err *err)
{
	const struct feed_spec spec = {
		.env = job->jobs->env,
		.form = job->spec.form,
		.boundary = job->spec.boundary,
		.run = run_spec(job),
		.count_only = true,
	};
	struct feed f = { 0 };
	enum err_code rc = feed_init(&f, &spec, err);

	if (!rc)
		rc = pour(job, &f, NULL, err);
	job->now.total = f.total;
	feed_done(&f);
	return rc;
}

/* ---- */

static void
say_error(struct job *job, const struct err *why, const char *more)
{
	struct jobs *j = job->jobs;

	(void)pthread_mutex_lock(&j->lock);
	(void)snprintf(job->now.error, sizeof(job->now.error), "%.130s%s",
	    why->tell[0] ? why->tell : err_text(why->code), more);
	(void)pthread_mutex_unlock(&j->lock);
}

static enum err_code
run_it(struct carrying *c, struct err *err)
{
	struct feed_spec spec = {
		.env = c->job->jobs->env,
		.form = c->job->spec.form,
		.boundary = c->job->spec.boundary,
		.run = run_spec(c->job),
	};
	enum err_code rc;

	spec.run.arg = c;
	rc = feed_init(&c->feed, &spec, err);
	if (!rc)
		rc = pour(c->job, &c->feed, c, err);
	if (!rc && c->feed.broke.code)
		say_error(c->job, &c->feed.broke, "");
	feed_done(&c->feed);
	if (!rc && fsync(c->out.fd))
		rc = err_os(err, "sync the results of a batch");
	c->job->refused = c->status >= 400;
	return rc;
}

enum err_code
job_carry_out(struct job *job, bool *stopped, struct err *err)
{
	struct carrying c = { .job = job, .out.fd = -1 };
	enum err_code rc;

	ostream_init(&c.out.base, &out_ops);
	c.out.fd = openat(job->dir, "results",
	    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (c.out.fd < 0)
		return err_os(err, "make the results of a batch");
	rc = run_it(&c, err);
	if (rc)
		say_error(
		    job, err, "; what has no result may have been carried out");
	results_free(c.results);
	fd_close(&c.out.fd);
	*stopped = has_stopped(&c);
	return rc;
}
