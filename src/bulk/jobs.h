/* SPDX-License-Identifier: MIT */
/*
 * Batches that are carried out after their request has been answered (Prefer:
 * respond-async, RFC 7240 s4.1).  A job is a directory in the state directory,
 * with the body it came with, what it is to do, and the results so far; so it
 * survives a restart.  One that was cut off runs again, with keys of its own,
 * so that nothing is done twice (dav/keys.h).
 */
#ifndef SHEAF_BULK_JOBS_H
#define SHEAF_BULK_JOBS_H

#include "bulk/run.h"
#include "wire/bulk_docs.h"

struct jobs;

enum job_state {
	JOB_QUEUED,
	JOB_RUNNING,
	JOB_SUCCEEDED,
	JOB_PARTIALLY_SUCCEEDED,
	JOB_FAILED,
	JOB_CANCELLED,
};

struct job_status {
	char id[BULK_ID_SIZE];
	enum job_state state;
	struct results_summary sum; /* so far */
	uint64_t total; /* operations */
	int64_t created, ended; /* ns since 1970; 0: not yet */
	char error[192]; /* why it ended before its end; or empty */
};

struct str job_state_name(enum job_state s);
bool job_state_is_last(enum job_state s);

/*
 * dir: a directory of its own, made where it is missing.  Takes up what an
 * earlier process left: jobs that were queued or running are queued again.
 */
enum err_code jobs_open(const char *dir, const struct bulk_env *env,
    struct jobs **out, struct err *err) MUST_USE;

/* Waits for operations under way; the rest goes on at the next start. */
void jobs_close(struct jobs *j); /* NULL is fine */

/* To be called now and then: removes what was kept for long enough. */
void jobs_tick(struct jobs *j);

/* A new one, whose body is to be written to *body. */
struct job_spec {
	struct str user;
	struct origin origin;
	enum batch_form form;
	struct str boundary, key;
	bool dry_run, representation, stop_on_error;
};

struct job; /* one that is being taken in */

/* ERR_TOO_MANY: the user has limits.jobs already. */
enum err_code job_new(struct jobs *j, const struct job_spec *spec,
    struct job **out, struct err *err) MUST_USE;
struct ostream *job_body(struct job *j);
/*
 * Durable, and queued; id is the caller's from then on.  What is malformed as a
 * whole fails here, as batch_parser_feed() does.
 */
enum err_code
job_submit(struct job *j, char id[BULK_ID_SIZE], struct err *err) MUST_USE;
void job_free(struct job *j); /* not submitted: it leaves no trace */

/* ERR_NOT_FOUND also where it is another user's. */
enum err_code jobs_look(struct jobs *j, struct str user, struct str id,
    struct job_status *out, struct err *err) MUST_USE;
enum err_code jobs_cancel(
    struct jobs *j, struct str user, struct str id, struct err *err) MUST_USE;

/* A result, as a line of NDJSON; borrowed for the call. */
struct job_reader {
	enum err_code (*put)(
	    void *arg, const struct result_line *r, struct str line);
	void *arg;
};

/*
 * The results so far, from the first one whose index is over `after` (-1:
 * all); failed: only those.  What put returns but ERR_OK ends it.
 */
enum err_code
jobs_results(struct jobs *j, struct str user, struct str id, int64_t after,
    bool failed, const struct job_reader *to, struct err *err) MUST_USE;

#endif
