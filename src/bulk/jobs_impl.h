/* SPDX-License-Identifier: MIT */
/* What the parts of jobs share: jobs.c, job_files.c, job_run.c. */
#ifndef SHEAF_BULK_JOBS_IMPL_H
#define SHEAF_BULK_JOBS_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "bulk/jobs.h"

/* Jobs that run at the same time; each runs its operations side by side. */
#define JOB_THREADS 2

/*
 * Its directory holds
 *   spec     what it is to do (job_files.c)
 *   body     as it came
 *   results  lines of NDJSON; of one that runs again, made anew
 *   cancel   if it is there, the job is not to go on
 *   end      what came of it; if it is there, the job is over
 * The directory is NAME.new until it is whole, and again when it goes.
 */
struct job {
	struct job *next;
	struct jobs *jobs;
	struct arena arena; /* of the spec */
	struct job_spec spec;
	int dir; /* -1: it is over */
	bool published; /* its directory is, too */
	int body; /* being taken in; else -1 */
	struct ostream to_body;
	uint64_t length; /* of the body */
	bool refused; /* as a whole: nothing was done */

	/* Under the lock of jobs. */
	struct job_status now;
	bool waits; /* for a thread */
	atomic_bool cancelled;
};

struct jobs {
	const struct bulk_env *env;
	int dir;
	pthread_mutex_t lock;
	pthread_cond_t come; /* a job, or the end */
	atomic_bool closing;

	/* Under the lock. */
	struct job *first, *last; /* in the order they came */
	size_t idle; /* threads that wait */
	size_t n_threads;
	pthread_t threads[JOB_THREADS];
};

/* ---- jobs.c */

/* Under the lock.  NULL: there is none, or it is somebody else's. */
struct job *job_find(struct jobs *j, struct str user, struct str id);
enum err_code job_is_missing(struct err *err);

/* ---- job_files.c */

enum err_code job_make_dir(
    struct jobs *j, const char *id, int *dir, struct err *err) MUST_USE;
/* Brings all of it to the disk; from now on a restart finds the job. */
enum err_code job_publish(struct job *job, struct err *err) MUST_USE;
/* Writes down that it is over; now.state is its last. */
enum err_code job_write_end(const struct job *job, struct err *err) MUST_USE;
/* Writes down that it was cancelled, so that a restart knows. */
enum err_code job_write_cancel(const struct job *job, struct err *err) MUST_USE;
/* Reads what an earlier process left in job->dir; job->now.id is set. */
enum err_code job_load(struct job *job, struct err *err) MUST_USE;
/* Cuts off a line of results that a crash left unfinished. */
enum err_code job_mend_results(struct job *job, struct err *err) MUST_USE;
/* Removes the body of a job that is over. */
void job_drop_body(const struct job *job);
/* Opens the results; *fd stays -1 where there are none yet. */
enum err_code
job_open_results(const struct job *job, int *fd, struct err *err) MUST_USE;
/*
 * Removes the job's directory and all that is in it.  whole: it was published.
 */
void job_remove_dir(struct jobs *j, const char *id, bool whole);

/* ---- job_run.c */

/* Reads the body, and counts its operations in now.total. */
enum err_code job_count(struct job *job, struct err *err) MUST_USE;

/*
 * Carries it out, and sets all of `now` but its state.  *stopped: the server is
 * closing, and the job is to go on at the next start.
 */
enum err_code
job_carry_out(struct job *job, bool *stopped, struct err *err) MUST_USE;

#endif
