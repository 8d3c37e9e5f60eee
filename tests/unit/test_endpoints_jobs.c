/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous batches, from the request to the results, with each allocation,
 * each call of the store and each sync failing: what is told is so, and who
 * sends the batch again has each operation done once.
 */
#include "lib/test.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "bulk/jobs_impl.h"
#include "lib/alloc_fail.h"
#include "lib/bulk_served.h"
#include "store/stores.h"

/* ---- syncs, which cost nothing here, and fail when told to */

static atomic_uint fail_sync, syncs;

int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	unsigned at = atomic_load(&fail_sync);

	(void)fd;
	if (!at || atomic_fetch_add(&syncs, 1) + 1 != at)
		return 0;
	errno = ENOSPC;
	return -1;
}

/* What fails in a round: the nth of this. */
enum fault { FAULT_ALLOC, FAULT_STORE, FAULT_SYNC };

static void
arm(struct bulk_served *w, enum fault f, unsigned n)
{
	w->t.fails_on = true;
	w->t.fail_alloc = f == FAULT_ALLOC ? n : 0;
	if (f == FAULT_STORE)
		fault_store_fail(w->faulty, n, ERR_IO, NULL);
	atomic_store(&syncs, 0);
	atomic_store(&fail_sync, f == FAULT_SYNC ? n : 0);
}

/* Whether it came to that. */
static bool
disarm(struct bulk_served *w, enum fault f)
{
	bool fired = (f == FAULT_ALLOC && alloc_fail_stop()) ||
	    (f == FAULT_STORE && fault_store_fired(w->faulty)) ||
	    (f == FAULT_SYNC && atomic_load(&syncs) >= atomic_load(&fail_sync));

	w->t.fails_on = false;
	fault_store_fail(w->faulty, 0, ERR_OK, NULL);
	atomic_store(&fail_sync, 0);
	return fired;
}

/* ---- jobs */

static struct job_status
look(struct bulk_served *w)
{
	struct jobs *j = w->service.jobs;
	struct job_status now = { .state = JOB_QUEUED };

	(void)pthread_mutex_lock(&j->lock);
	if (j->first)
		now = j->first->now;
	(void)pthread_mutex_unlock(&j->lock);
	return now;
}

/* Until the one that there is, if any, is over. */
static struct job_status
wait_for_end(struct bulk_served *w)
{
	const struct timespec moment = { .tv_nsec = 200000 };
	struct job_status now = look(w);

	while (now.id[0] && !job_state_is_last(now.state)) {
		(void)nanosleep(&moment, NULL);
		now = look(w);
	}
	return now;
}

static size_t
count_dirs(const struct bulk_served *w)
{
	DIR *d = opendir(w->dir.path);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

/* What was told of one that is over. */
static void
check_job(struct bulk_served *w, const struct job_status *now)
{
	char target[80];
	json_t *doc;

	(void)snprintf(
	    target, sizeof(target), "/.sheaf/batches/%s/results", now->id);
	assert_int_equal(dav_send(&w->t, "GET", target, "", NULL), 207);
	doc = served_json(w);
	/* Where it was cut off, it says so, and what that means. */
	served_check(w, json_object_get(doc, "results"), !now->error[0]);
	assert_true(!now->error[0] ||
	    strstr(now->error, "may have been carried out") ||
	    strstr(now->error, "runs it again"));
	json_decref(doc);
	if (now->state == JOB_SUCCEEDED)
		fail_msg("one of them cannot succeed");
	if (now->state == JOB_PARTIALLY_SUCCEEDED && !now->error[0])
		assert_true(now->sum.sum.success > 0);
}

#define ASYNC SERVED_KEY "Prefer: respond-async\n"

static bool
submit_with(enum fault f, unsigned n, const struct served_form *form)
{
	struct buf body = served_body(form, 0);
	struct bulk_served w;
	struct job_status now;
	char headers[128];
	unsigned status;
	bool fired;

	(void)snprintf(
	    headers, sizeof(headers), ASYNC "Content-Type: %s\n", form->type);
	served_make(&w);
	served_open_jobs(&w);
	arm(&w, f, n);
	status = dav_send(&w.t, "POST", "/.sheaf/bulk", headers, body.ptr);
	now = wait_for_end(&w);
	fired = disarm(&w, f);
	/* An answer that was cut short (0) began as 202. */
	if (status && status != 202 && !dav_says(&w.t, "was taken in as")) {
		assert_true(status >= 400);
		assert_int_equal(count_dirs(&w), 0);
		assert_tree(w.t.deny.inner, SERVED_BEFORE);
	} else {
		check_job(&w, &now);
	}
	served_check_again(&w, form);
	served_done(&w);
	buf_done(&body);
	return fired;
}

static const struct {
	enum fault fault;
	unsigned least; /* so many of them there are */
	size_t forms; /* that it is tried with */
} faults[] = {
	{ FAULT_ALLOC, 50, SERVED_FORMS },
	{ FAULT_STORE, 20, 1 },
	{ FAULT_SYNC, 6, 1 },
};

static void
a_job_is_told_of_or_there_is_none(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(faults); i++)
		for (k = 0; k < faults[i].forms; k++) {
			unsigned n = 1;

			while (
			    submit_with(faults[i].fault, n, &served_forms[k]))
				n++;
			assert_true(n > faults[i].least);
		}
}

/* One that is taken in, and not begun. */
static void
submit_one(struct bulk_served *w, struct job_status *now)
{
	served_make(w);
	served_open_jobs(w);
	atomic_store(&w->service.jobs->closing, true);
	assert_int_equal(served_post(w, &served_forms[0], ASYNC, 0), 202);
	*now = look(w);
	assert_int_equal(now->state, JOB_QUEUED);
}

static bool
start_with(enum fault f, unsigned n)
{
	struct bulk_served w;
	struct job_status before, now;
	enum err_code rc;
	bool fired;

	submit_one(&w, &before);
	jobs_close(w.service.jobs);
	w.service.jobs = NULL;
	arm(&w, f, n);
	if (f == FAULT_ALLOC)
		alloc_fail_at(n);
	rc = jobs_open(w.dir.path, &w.env, &w.service.jobs, NULL);
	if (!rc)
		now = wait_for_end(&w);
	fired = disarm(&w, f);
	w.t.fail_alloc = 0;
	if (rc) {
		assert_tree(w.t.deny.inner, SERVED_BEFORE);
		served_open_jobs(&w);
		now = wait_for_end(&w);
		assert_string_equal(now.error, "");
	}
	assert_string_equal(now.id, before.id);
	check_job(&w, &now);
	served_check_again(&w, &served_forms[0]);
	served_done(&w);
	return fired;
}

static void
a_start_takes_up_what_was_left_or_fails(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(faults); i++) {
		unsigned n = 1;

		while (start_with(faults[i].fault, n))
			n++;
	}
}

/* What is asked of a job while something fails. */
static bool
ask_with(const char *method, const char *more, enum fault f, unsigned n)
{
	bool cancels = strcmp(method, "DELETE") == 0;
	struct job_status now;
	struct bulk_served w;
	unsigned status, want = *more ? 207 : 200;
	char target[80];
	bool fired;

	submit_one(&w, &now);
	(void)snprintf(
	    target, sizeof(target), "/.sheaf/batches/%s%s", now.id, more);
	arm(&w, f, n);
	status = dav_send(&w.t, method, target, "", NULL);
	fired = disarm(&w, f);
	assert_true(!status || status == want || status >= 500);
	assert_true(fired || status == want);
	/* It can be asked again. */
	assert_int_equal(dav_send(&w.t, method, target, "", NULL), want);
	now = look(&w);
	assert_int_equal(now.state, cancels ? JOB_CANCELLED : JOB_QUEUED);
	assert_tree(w.t.deny.inner, SERVED_BEFORE);
	served_done(&w);
	return fired;
}

static void
a_question_is_answered_or_fails(void **state)
{
	static const struct {
		const char *method, *more;
	} cases[] = {
		{ "GET", "" },
		{ "GET", "/results" },
		{ "GET", "/results?status=failed" },
		{ "DELETE", "" },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(faults); i++)
		for (k = 0; k < ARRAY_LEN(cases); k++) {
			unsigned n = 1;

			while (ask_with(
			    cases[k].method, cases[k].more, faults[i].fault, n))
				n++;
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_is_told_of_or_there_is_none),
		cmocka_unit_test(a_start_takes_up_what_was_left_or_fails),
		cmocka_unit_test(a_question_is_answered_or_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
