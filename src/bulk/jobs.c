/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "bulk/jobs_impl.h"

/* A walk recurses once for each level of a tree. */
#define JOB_STACK ((size_t)1 << 20)

struct str
job_state_name(enum job_state s)
{
	static const struct str names[] = {
		[JOB_QUEUED] = STR_INIT("queued"),
		[JOB_RUNNING] = STR_INIT("running"),
		[JOB_SUCCEEDED] = STR_INIT("succeeded"),
		[JOB_PARTIALLY_SUCCEEDED] = STR_INIT("partially_succeeded"),
		[JOB_FAILED] = STR_INIT("failed"),
		[JOB_CANCELLED] = STR_INIT("cancelled"),
	};

	assert(s < ARRAY_LEN(names));
	return names[s];
}

bool
job_state_is_last(enum job_state s)
{
	return s != JOB_QUEUED && s != JOB_RUNNING;
}

static void
lock(struct jobs *j)
{
	(void)pthread_mutex_lock(&j->lock);
}

static void
unlock(struct jobs *j)
{
	(void)pthread_mutex_unlock(&j->lock);
}

/* ---- one job */

static enum err_code
job_make(struct jobs *j, struct job **out, struct err *err)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return err_nomem(err);
	job->jobs = j;
	job->dir = job->body = -1;
	job->now.sum.retry_after = -1;
	atomic_init(&job->cancelled, false);
	*out = job;
	return ERR_OK;
}

static void
job_drop(struct job *job)
{
	fd_close(&job->body);
	fd_close(&job->dir);
	arena_done(&job->arena);
	free(job);
}

static void
append(struct jobs *j, struct job *job)
{
	if (j->last)
		j->last->next = job;
	else
		j->first = job;
	j->last = job;
}

enum err_code
job_is_missing(struct err *err)
{
	return err_tell(err, ERR_NOT_FOUND,
	    "no such batch; asynchronous ones are kept for a while");
}

struct job *
job_find(struct jobs *j, struct str user, struct str id)
{
	struct job *job;

	for (job = j->first; job; job = job->next)
		if (str_eq(str_from_c(job->now.id), id) &&
		    str_eq(job->spec.user, user))
			return job;
	return NULL;
}

/* Locked. */
static uint64_t
count_open(struct jobs *j, struct str user)
{
	const struct job *job;
	uint64_t n = 0;

	for (job = j->first; job; job = job->next)
		n += !job_state_is_last(job->now.state) &&
		    str_eq(job->spec.user, user);
	return n;
}

/* ---- threads */

/* What became of it, by what was counted. */
static enum job_state
last_state(const struct job *job, enum err_code rc)
{
	const struct summary *s = &job->now.sum.sum;

	if (atomic_load(&job->cancelled) &&
	    (job->now.sum.not_attempted || !s->total))
		return JOB_CANCELLED;
	if (rc || job->refused || job->now.error[0])
		return s->success && !job->refused ? JOB_PARTIALLY_SUCCEEDED
						   : JOB_FAILED;
	if (!s->failed)
		return JOB_SUCCEEDED;
	return s->success ? JOB_PARTIALLY_SUCCEEDED : JOB_FAILED;
}

/* Locked. */
static void
finish(struct job *job, enum err_code rc)
{
	struct err err = { 0 };

	job->now.state = last_state(job, rc);
	job->now.ended = clock_now();
	/* If this fails it is run again after a restart, which does no harm. */
	if (!job_write_end(job, &err))
		job_drop_body(job);
	else if (!job->now.error[0])
		(void)snprintf(job->now.error, sizeof(job->now.error),
		    "%s: its end could not be written down, so the next start "
		    "runs it again",
		    err_text(err.code));
	fd_close(&job->dir);
}

/* Locked. */
static struct job *
next_job(struct jobs *j)
{
	struct job *job;

	for (job = j->first; job; job = job->next)
		if (job->waits)
			return job;
	return NULL;
}

/* Locked. */
static void
run_job(struct jobs *j, struct job *job)
{
	bool stopped = false;
	struct err err = { 0 };
	enum err_code rc;

	job->waits = false;
	job->now.state = JOB_RUNNING;
	unlock(j);
	rc = job_carry_out(job, &stopped, &err);
	lock(j);
	if (stopped)
		job->now.state = JOB_QUEUED; /* until the next start */
	else
		finish(job, rc);
}

static void *
job_thread(void *arg)
{
	struct jobs *j = arg;
	struct job *job;

	thread_name("job");
	lock(j);
	while (!atomic_load(&j->closing)) {
		job = next_job(j);
		if (job) {
			run_job(j, job);
			continue;
		}
		j->idle++;
		(void)pthread_cond_wait(&j->come, &j->lock);
		j->idle--;
	}
	unlock(j);
	return NULL;
}

/*
 * Locked.  Has a thread take a job.  If none can be started now, one is with
 * the next job.
 */
static void
wake(struct jobs *j)
{
	if (j->idle) {
		(void)pthread_cond_signal(&j->come);
		return;
	}
	if (j->n_threads < JOB_THREADS &&
	    !thread_start(&j->threads[j->n_threads], JOB_STACK, job_thread, j))
		j->n_threads++;
}

/* ---- starting */

/*
 * Ends a job that was cut off while it was being cancelled: it does not go on.
 */
static void
end_cancelled(struct job *job)
{
	struct err err = { 0 };

	if (job_mend_results(job, &err))
		return;
	(void)snprintf(job->now.error, sizeof(job->now.error),
	    "the server was restarted while it was being cancelled; what has "
	    "no result may have been carried out");
	job->now.state = JOB_CANCELLED;
	job->now.ended = clock_now();
	(void)!job_write_end(job, &err);
}

static enum err_code
take_up(struct jobs *j, struct str id, struct err *err)
{
	struct job *job;
	enum err_code rc = job_make(j, &job, err);

	if (rc)
		return rc;
	assert(id.len < sizeof(job->now.id));
	memcpy(job->now.id, id.ptr, id.len);
	rc = job_load(job, err);
	if (rc) {
		job_drop(job);
		/* One that is spoiled keeps no other from being served. */
		return rc == ERR_NOMEM ? rc : ERR_OK;
	}
	append(j, job);
	if (!job_state_is_last(job->now.state) && atomic_load(&job->cancelled))
		end_cancelled(job);
	if (job_state_is_last(job->now.state))
		fd_close(&job->dir);
	else
		job->waits = true;
	return ERR_OK;
}

/* Their names say when they came. */
static int
only_jobs(const struct dirent *d)
{
	return d->d_name[0] == 'b' && d->d_name[1] == '_';
}

static enum err_code
take_up_all(struct jobs *j, struct err *err)
{
	struct dirent **names = NULL;
	enum err_code rc = ERR_OK;
	int i, n = scandirat(j->dir, ".", &names, only_jobs, alphasort);

	if (n < 0)
		return err_os(err, "read the directory of batches");
	for (i = 0; i < n; i++) {
		struct str name = str_from_c(names[i]->d_name);

		if (str_ends(name, STR(".new"))) {
			names[i]->d_name[name.len - strlen(".new")] = '\0';
			job_remove_dir(j, names[i]->d_name, false);
		} else if (!rc && name.len < BULK_ID_SIZE) {
			rc = take_up(j, name, err);
		}
		free(names[i]);
	}
	free(names);
	return rc;
}

enum err_code
jobs_open(const char *dir, const struct bulk_env *env, struct jobs **out,
    struct err *err)
{
	struct jobs *j = calloc(1, sizeof(*j));
	enum err_code rc = ERR_OK;
	int i;

	if (!j)
		return err_nomem(err);
	j->env = env;
	atomic_init(&j->closing, false);
	(void)pthread_mutex_init(&j->lock, NULL);
	(void)pthread_cond_init(&j->come, NULL);
	j->dir = -1;
	if (mkdir(dir, 0700) && errno != EEXIST)
		rc = err_os(err, "make '%s'", dir);
	if (!rc)
		j->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc && j->dir < 0)
		rc = err_os(err, "open '%s'", dir);
	if (!rc)
		rc = take_up_all(j, err);
	if (rc) {
		jobs_close(j);
		return rc;
	}
	lock(j);
	for (i = 0; i < JOB_THREADS && next_job(j); i++)
		wake(j);
	unlock(j);
	*out = j;
	return ERR_OK;
}

void
jobs_close(struct jobs *j)
{
	struct job *job, *next;
	size_t i;

	if (!j)
		return;
	atomic_store(&j->closing, true);
	lock(j);
	(void)pthread_cond_broadcast(&j->come);
	unlock(j);
	for (i = 0; i < j->n_threads; i++)
		(void)pthread_join(j->threads[i], NULL);
	for (job = j->first; job; job = next) {
		next = job->next;
		job_drop(job);
	}
	fd_close(&j->dir);
	(void)pthread_cond_destroy(&j->come);
	(void)pthread_mutex_destroy(&j->lock);
	free(j);
}

void
jobs_tick(struct jobs *j)
{
	int64_t kept, now = clock_now();
	struct job **at, *job, *gone = NULL;

	lock(j);
	kept = (int64_t)j->env->limits->job_kept * NSEC_PER_SEC;
	j->last = NULL;
	for (at = &j->first; (job = *at);) {
		if (!job_state_is_last(job->now.state) ||
		    now - job->now.ended < kept) {
			j->last = job;
			at = &job->next;
			continue;
		}
		*at = job->next;
		job->next = gone;
		gone = job;
	}
	unlock(j);
	for (job = gone; job; job = gone) {
		gone = job->next;
		job_remove_dir(j, job->now.id, true);
		job_drop(job);
	}
}

/* ---- taking one in */

static enum err_code
body_write(struct ostream *o, struct str bytes)
{
	struct job *job = CONTAINER_OF(o, struct job, to_body);
	const struct batch_limits *l = job->jobs->env->limits;

	job->length += bytes.len;
	if (job->spec.form == BATCH_JSON && job->length > l->json_bytes)
		return err_tell(&o->err, ERR_TOO_LARGE,
		    "the batch is over jsonBytes, which is %llu here",
		    (unsigned long long)l->json_bytes);
	return fd_write_all(job->body, bytes, &o->err);
}

static bool
copy_spec(struct job *job, const struct job_spec *s)
{
	struct job_spec *d = &job->spec;
	struct arena *a = &job->arena;

	*d = *s;
	return arena_str(a, s->user, &d->user) &&
	    arena_str(a, s->origin.scheme, &d->origin.scheme) &&
	    arena_str(a, s->origin.authority, &d->origin.authority) &&
	    arena_str(a, s->origin.prefix, &d->origin.prefix) &&
	    arena_str(a, s->boundary, &d->boundary) &&
	    arena_str(a, s->key, &d->key);
}

static enum err_code
job_start(struct job *job, const struct job_spec *spec, struct err *err)
{
	static const struct ostream_ops body_ops = { .name = "body of a batch",
		.write = body_write };
	enum err_code rc;

	ostream_init(&job->to_body, &body_ops);
	job->now.created = clock_now();
	if (!copy_spec(job, spec))
		return err_nomem(err);
	rc = bulk_id_make(job->now.id, err);
	if (!rc)
		rc = job_make_dir(job->jobs, job->now.id, &job->dir, err);
	if (rc)
		return rc;
	job->body = openat(
	    job->dir, "body", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return job->body < 0 ? err_os(err, "make the body of a batch") : ERR_OK;
}

static enum err_code
too_many(const struct jobs *j, struct err *err)
{
	return err_tell(err, ERR_TOO_MANY,
	    "asyncBatches is %llu here, and as many of yours are not over",
	    (unsigned long long)j->env->limits->jobs);
}

enum err_code
job_new(struct jobs *j, const struct job_spec *spec, struct job **out,
    struct err *err)
{
	struct job *job;
	bool full;
	enum err_code rc;

	lock(j);
	full = count_open(j, spec->user) >= j->env->limits->jobs;
	unlock(j);
	if (full)
		return too_many(j, err);
	rc = job_make(j, &job, err);
	if (rc)
		return rc;
	rc = job_start(job, spec, err);
	if (rc) {
		job_free(job);
		return rc;
	}
	*out = job;
	return ERR_OK;
}

struct ostream *
job_body(struct job *job)
{
	return &job->to_body;
}

enum err_code
job_submit(struct job *job, char id[BULK_ID_SIZE], struct err *err)
{
	struct jobs *j = job->jobs;
	bool full;
	enum err_code rc = job_count(job, err);

	if (!rc)
		rc = job_publish(job, err);
	if (rc)
		return rc;
	lock(j);
	full = count_open(j, job->spec.user) >= j->env->limits->jobs;
	if (!full) {
		memcpy(id, job->now.id, BULK_ID_SIZE);
		fd_close(&job->body);
		append(j, job);
		job->waits = true;
		wake(j);
	}
	unlock(j);
	return full ? too_many(j, err) : ERR_OK;
}

void
job_free(struct job *job)
{
	if (!job)
		return;
	if (job->dir >= 0)
		job_remove_dir(job->jobs, job->now.id, job->published);
	job_drop(job);
}

/* ---- asking */

enum err_code
jobs_look(struct jobs *j, struct str user, struct str id,
    struct job_status *out, struct err *err)
{
	const struct job *job;

	lock(j);
	job = job_find(j, user, id);
	if (job)
		*out = job->now;
	unlock(j);
	return job ? ERR_OK : job_is_missing(err);
}

enum err_code
jobs_cancel(struct jobs *j, struct str user, struct str id, struct err *err)
{
	struct job *job;
	enum err_code rc = ERR_OK;

	lock(j);
	job = job_find(j, user, id);
	if (!job)
		rc = job_is_missing(err);
	else if (!job_state_is_last(job->now.state))
		rc = job_write_cancel(job, err);
	if (!rc && !job_state_is_last(job->now.state)) {
		atomic_store(&job->cancelled, true);
		if (job->waits) { /* it has not begun */
			job->waits = false;
			finish(job, ERR_OK);
		}
	}
	unlock(j);
	return rc;
}
