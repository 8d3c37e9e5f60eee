/* SPDX-License-Identifier: MIT */
/*
 * A thread that brings SQLite's log back into the database, and removes old
 * lines of the journal and old records.  All of that takes a while, for which
 * no request should wait.
 */
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"
#include "store/state_impl.h"

/* Pages that make a checkpoint worth while: 4 MiB of log. */
#define LOG_LONG 1000
/*
 * While others write, a checkpoint does not see the end of the log, so that it
 * would never begin anew.  At this length they are held up.
 */
#define LOG_TOO_LONG 8000

/*
 * On a slow disk others write much while a checkpoint is on its way.  At this
 * length each of them waits for its end first.
 */
#define LOG_FULL 10000

#define LOG_BUSY_MS 100 /* to wait for a slow reader then */

#define FILL_AFTER (NSEC_PER_SEC / 10) /* of the start */

#define JOURNAL_MAX 1000000
#define PRUNE_STEP 500 /* lines, or records, in one transaction */

void
tidy_wake(struct state *s)
{
	struct tidy *t = &s->tidy;

	(void)pthread_mutex_lock(&t->lock);
	t->wanted = true;
	(void)pthread_cond_signal(&t->wake);
	(void)pthread_mutex_unlock(&t->lock);
}

/* Called by SQLite after each commit, with the writer's lock held. */
static int
committed(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct state *s = arg;
	struct tidy *t = &s->tidy;

	(void)db;
	(void)name;
	s->held.logged = true;
	atomic_store(&t->pages, pages);
	if (pages >= atomic_load(&t->due))
		tidy_wake(s);
	return SQLITE_OK;
}

/* Whether the whole log is in the database now. */
static bool
checkpoint(struct tidy *t, int mode)
{
	int pages = 0;
	int done = -1;

	return !sqlite3_wal_checkpoint_v2(
		   t->conn.db, NULL, mode, &pages, &done) &&
	    pages == done;
}

/*
 * Shortens the log.  If that fails, or falls short, the next try is a while
 * from here.
 */
static void
shorten_log(struct state *s)
{
	struct tidy *t = &s->tidy;
	bool whole = checkpoint(t, SQLITE_CHECKPOINT_PASSIVE);

	if (!whole && atomic_load(&t->pages) >= LOG_TOO_LONG) {
		struct db *c CLEANUP(conn_unlock) = writer_lock(s);

		whole = checkpoint(t, SQLITE_CHECKPOINT_RESTART);
	}
	atomic_store(
	    &t->due, whole ? LOG_LONG : atomic_load(&t->pages) + LOG_LONG);
}

void
tidy_make_room(struct state *s)
{
	struct tidy *t = &s->tidy;
	uint64_t seen;

	if (atomic_load(&t->pages) < LOG_FULL)
		return;
	(void)pthread_mutex_lock(&t->lock);
	seen = t->tries;
	t->wanted = true;
	(void)pthread_cond_signal(&t->wake);
	while (t->runs && !atomic_load(&t->stop) && t->tries == seen)
		(void)pthread_cond_wait(&t->tried, &t->lock);
	(void)pthread_mutex_unlock(&t->lock);
}

typedef enum err_code (*prune_fn)(struct db *c, bool *more, struct err *err);

static enum err_code
prune_journal(struct db *c, bool *more, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_JOURNAL_PRUNE, &stmt, err);
	int result;

	*more = false;
	if (rc)
		return rc;
	result = sqlite3_bind_int(stmt, 1, JOURNAL_MAX);
	if (!result)
		result = sqlite3_bind_int(stmt, 2, PRUNE_STEP);
	if (!result)
		result = sqlite3_step(stmt);
	if (result != SQLITE_DONE)
		return db_failed(c, result, err);
	*more = sqlite3_changes(c->db) == PRUNE_STEP;
	return ERR_OK;
}

static enum err_code
prune_records(struct db *c, bool *more, struct err *err)
{
	return records_drop_over(c, PRUNE_STEP, more, err);
}

/*
 * Removes some of what is old; what is left after a failure goes the next time.
 */
static void
prune(struct state *s, prune_fn step)
{
	bool more = true;

	while (more && !atomic_load(&s->tidy.stop)) {
		struct tx t;
		enum err_code rc = tx_begin_now(s, &t, NULL);

		if (rc)
			return;
		rc = step(t.c, &more, NULL);
		if (tx_end(&t, rc, false, NULL))
			return;
	}
}

/*
 * Removes the rows of locks that are over: as long as there are rows, each
 * question about locks takes a look at them.
 */
static void
prune_locks(struct state *s)
{
	struct tx t;

	if (state_may_have_locks(s) && !tx_begin_now(s, &t, NULL))
		(void)!tx_end(
		    &t, state_locks_drop_old(s, t.c, NULL), false, NULL);
}

static bool
is_long(const struct tidy *t)
{
	int pages = atomic_load(&t->pages);

	return pages >= atomic_load(&t->due) || pages >= LOG_FULL;
}

/*
 * Moves late lines before there are no slots left, without waiting for the
 * disk.
 */
static void
move_late(struct state *s)
{
	struct tx t;

	if (late_any(s) && !tx_begin_now(s, &t, NULL))
		(void)!tx_end(&t, ERR_OK, true, NULL);
}

/*
 * Fills the filter.  Not at once: a start, and the first requests, have more
 * urgent things to do.
 */
static void
fill_filter(struct state *s)
{
	struct tidy *t = &s->tidy;
	struct timespec when;
	int over = 0;

	if (atomic_load(&s->filter_whole))
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_nsec += FILL_AFTER;
	when.tv_sec += when.tv_nsec / NSEC_PER_SEC;
	when.tv_nsec %= NSEC_PER_SEC;
	(void)pthread_mutex_lock(&t->lock);
	while (!over && !t->wanted && !atomic_load(&t->stop))
		over = pthread_cond_timedwait(&t->wake, &t->lock, &when);
	(void)pthread_mutex_unlock(&t->lock);
	state_filter_fill(s);
}

static void *
run(void *arg)
{
	struct state *s = arg;
	struct tidy *t = &s->tidy;

	thread_name("state");
	fill_filter(s);
	for (;;) {
		(void)pthread_mutex_lock(&t->lock);
		while (!t->wanted && !atomic_load(&t->stop))
			(void)pthread_cond_wait(&t->wake, &t->lock);
		t->wanted = false;
		(void)pthread_mutex_unlock(&t->lock);
		if (atomic_load(&t->stop))
			return NULL;
		move_late(s);
		if (!atomic_load(&s->broken) && /* sync_repair() */
		    is_long(t))
			shorten_log(s);
		(void)pthread_mutex_lock(&t->lock);
		t->tries++;
		(void)pthread_cond_broadcast(&t->tried);
		(void)pthread_mutex_unlock(&t->lock);
		prune(s, prune_journal);
		prune(s, prune_records);
		prune_locks(s);
	}
}

void
tidy_init(struct state *s)
{
	pthread_condattr_t a;

	(void)pthread_mutex_init(&s->tidy.lock, NULL);
	(void)pthread_condattr_init(&a);
	(void)pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->tidy.wake, &a);
	(void)pthread_condattr_destroy(&a);
	(void)pthread_cond_init(&s->tidy.tried, NULL);
	atomic_store(&s->tidy.due, LOG_LONG);
}

enum err_code
tidy_start(struct state *s, struct err *err)
{
	struct tidy *t = &s->tidy;
	int failed;

	(void)sqlite3_busy_timeout(t->conn.db, LOG_BUSY_MS);
	/* In the place of SQLite's own, which would checkpoint right there. */
	(void)sqlite3_wal_hook(s->writer.db, committed, s);
	failed = thread_start(&t->thread, 0, run, s);
	if (failed)
		return err_errno(err, failed, "start a thread");
	t->runs = true;
	return ERR_OK;
}

void
tidy_stop(struct state *s)
{
	struct tidy *t = &s->tidy;

	(void)pthread_mutex_lock(&t->lock);
	atomic_store(&t->stop, true);
	(void)pthread_cond_signal(&t->wake);
	(void)pthread_cond_broadcast(&t->tried);
	(void)pthread_mutex_unlock(&t->lock);
	if (t->runs)
		(void)pthread_join(t->thread, NULL);
	t->runs = false;
}

void
tidy_done(struct state *s)
{
	db_close(&s->tidy.conn);
	(void)pthread_cond_destroy(&s->tidy.wake);
	(void)pthread_cond_destroy(&s->tidy.tried);
	(void)pthread_mutex_destroy(&s->tidy.lock);
}
