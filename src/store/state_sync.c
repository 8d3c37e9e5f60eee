/* SPDX-License-Identifier: MIT */
/*
 * A transaction commits into SQLite's log without a sync (synchronous =
 * NORMAL), while it has the one writer.  A thread that wants it on the disk
 * then waits for a sync of the log that began after the commit.  The first to
 * come leads: it syncs for all who have committed by then.  Those who come
 * meanwhile wait for its end, and one of them leads the next sync.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/state_impl.h"

#define LOG_RESERVE ((off_t)1 << 20)
/*
 * A sync up to this is short.  Where other programs have the processors, a sync
 * of 0.08 ms takes several times that, but so does waking another thread.
 */
#define SHORT (NSEC_PER_SEC / 2000)

/* ---- the shared sync */

/*
 * Reserves room for the log: to remove files from a full disk takes lines in
 * the journal.  Best effort: some file systems cannot do it.
 */
static void
reserve_room(const struct state *s)
{
	(void)fallocate(s->sync.fd, FALLOC_FL_KEEP_SIZE, 0, LOG_RESERVE);
}

/*
 * After a failed sync nobody knows which pages of the log the disk has: the
 * system calls them clean, and the next sync would succeed for nothing.  So
 * the log is read back, and what is in it brought into the database, which
 * ends the log.  Where it does not read back, only a new start helps, which
 * takes what is whole.
 *
 * SQLite has a descriptor of its own, which tells of the same failure once
 * more: hence two tries.
 */
static enum err_code
sync_repair(struct state *s, uint64_t *upto, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = writer_lock(s);
	uint64_t target = atomic_load(&s->committed);
	int result = SQLITE_IOERR;
	int tries;

	if (!wal_intact(s->sync.fd, atomic_load(&s->tidy.pages)))
		return err_set(err, ERR_IO,
		    "%s-wal was damaged by a failed write; restart", DB_NAME);
	for (tries = 0; tries < 2 && result; tries++)
		result = sqlite3_wal_checkpoint_v2(
		    c->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (result) /* SQLite does not tell a full disk from a broken one */
		return err_set(err, s->sync.failed, "repair %s-wal: %s",
		    DB_NAME, sqlite3_errmsg(c->db));
	atomic_store(&s->tidy.pages, 0);
	reserve_room(s); /* it was truncated */
	*upto = target;
	return ERR_OK;
}

static enum err_code
sync_now(struct state *s, uint64_t *upto, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (atomic_load(&s->broken)) {
		rc = sync_repair(s, upto, err);
	} else {
		*upto = atomic_load(&s->committed);
		if (fdatasync(s->sync.fd))
			rc = err_os(err, "sync %s-wal", DB_NAME);
	}
	atomic_store(&s->broken, rc != ERR_OK);
	return rc;
}

/* With the lock: notes what a sync took, in a mean of about the last eight. */
static void
note_time(struct shared_sync *y, int64_t took)
{
	int64_t usual = atomic_load(&y->usual);

	atomic_store(&y->usual, usual ? usual + (took - usual) / 8 : took);
}

/* With the lock: ends a sync that the caller led. */
static void
sync_led(struct shared_sync *y, int64_t began, enum err_code rc, uint64_t upto)
{
	y->busy = false;
	note_time(y, clock_monotonic() - began);
	if (rc) {
		y->failures++;
		y->failed = rc;
	} else if (upto > y->synced) {
		y->synced = upto;
	}
	(void)pthread_cond_broadcast(&y->done);
}

/* Leads a sync.  With the lock, which is let go of meanwhile. */
static enum err_code
sync_lead(struct state *s, struct shared_sync *y, struct err *err)
{
	int64_t began = clock_monotonic();
	uint64_t upto = 0;
	enum err_code rc;

	y->busy = true;
	(void)pthread_mutex_unlock(&y->lock);
	rc = y->now(s, &upto, err);
	(void)pthread_mutex_lock(&y->lock);
	sync_led(y, began, rc, upto);
	return rc;
}

bool
sync_take(struct shared_sync *y, uint64_t n)
{
	bool take;

	(void)pthread_mutex_lock(&y->lock);
	take = !y->busy && y->synced < n;
	y->busy |= take;
	(void)pthread_mutex_unlock(&y->lock);
	return take;
}

void
sync_give(struct shared_sync *y, int64_t began, enum err_code rc, uint64_t upto)
{
	(void)pthread_mutex_lock(&y->lock);
	sync_led(y, began, rc, upto);
	(void)pthread_mutex_unlock(&y->lock);
}

enum err_code
sync_wait(struct state *s, struct shared_sync *y, uint64_t n, struct err *err)
{
	enum err_code rc = ERR_OK;
	uint64_t failures;

	(void)pthread_mutex_lock(&y->lock);
	failures = y->failures;
	while (!rc && y->synced < n) {
		if (y->failures != failures)
			rc = err_set(
			    err, y->failed, "the journal could not be synced");
		else if (y->busy)
			(void)pthread_cond_wait(&y->done, &y->lock);
		else
			rc = sync_lead(s, y, err);
	}
	(void)pthread_mutex_unlock(&y->lock);
	return rc;
}

bool
sync_is_short(struct shared_sync *y)
{
	int64_t usual = atomic_load(&y->usual);

	return usual && usual < SHORT;
}

bool
sync_has(struct shared_sync *y, uint64_t n)
{
	bool has;

	(void)pthread_mutex_lock(&y->lock);
	has = y->synced >= n;
	(void)pthread_mutex_unlock(&y->lock);
	return has;
}

enum err_code
state_sync(struct state *s, struct err *err)
{
	if (s->relaxed)
		return ERR_OK;
	if (late_any(s) && tx_flush(s))
		return err_set(err, ERR_IO, "the journal could not be written");
	return sync_wait(s, &s->sync, atomic_load(&s->committed), err);
}

void
shared_sync_init(struct shared_sync *y,
    enum err_code (*now)(struct state *s, uint64_t *upto, struct err *err))
{
	y->fd = -1;
	y->now = now;
	(void)pthread_mutex_init(&y->lock, NULL);
	(void)pthread_cond_init(&y->done, NULL);
}

void
shared_sync_done(struct shared_sync *y)
{
	fd_close(&y->fd);
	(void)pthread_cond_destroy(&y->done);
	(void)pthread_mutex_destroy(&y->lock);
}

void
sync_init(struct state *s)
{
	shared_sync_init(&s->sync, sync_now);
}

/*
 * The log keeps its inode as long as a connection is open.  Its name, that of
 * the database, and the tables are made durable here, once.
 */
enum err_code
sync_open(struct state *s, const struct state_spec *spec, struct err *err)
{
	int fd CLEANUP(fd_close) = -1;
	int above CLEANUP(fd_close) = -1;
	enum err_code rc;

	s->sync.fd =
	    openat(spec->dir, DB_NAME "-wal", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (s->sync.fd < 0)
		return err_os(err, "open '%s-wal'", DB_NAME);
	reserve_room(s);
	rc = late_make(s, spec, err);
	if (rc || s->relaxed)
		return rc;
	fd = openat(spec->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fdatasync(s->sync.fd) || fsync(fd))
		return err_os(err, "sync '%s'", spec->path);
	/*
	 * The directory itself may be new.  Not everybody may open the one it
	 * is in.
	 */
	above = openat(spec->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (above >= 0 && fsync(above) && errno != EINVAL && errno != EROFS)
		return err_os(err, "sync above '%s'", spec->path);
	return ERR_OK;
}

void
sync_done(struct state *s)
{
	shared_sync_done(&s->sync);
}

/* ---- transactions */

/*
 * Removes the first n, which were carried out: only the writer takes any out.
 */
static void
ended_remove(struct ended_list *l, size_t n)
{
	if (!n)
		return;
	(void)pthread_mutex_lock(&l->lock);
	l->n -= n;
	memmove(l->v, l->v + n, l->n * sizeof(*l->v));
	(void)pthread_mutex_unlock(&l->lock);
}

static enum err_code
carry_out(struct tx *t, struct err *err)
{
	struct ended_list *l = &t->s->ended;
	enum err_code rc = ERR_OK;
	size_t i;

	(void)pthread_mutex_lock(&l->lock);
	t->n_ended = l->n;
	(void)pthread_mutex_unlock(&l->lock);
	t->ends = t->n_ended > 0;
	for (i = 0; i < t->n_ended && !rc; i++) {
		struct ended e;

		(void)pthread_mutex_lock(&l->lock);
		e = l->v[i];
		(void)pthread_mutex_unlock(&l->lock);
		rc = intent_finish(t->c, &e, err);
	}
	return rc;
}

enum err_code
tx_begin(struct state *s, struct tx *t, struct err *err)
{
	tidy_make_room(s);
	return tx_begin_now(s, t, err);
}

enum err_code
tx_begin_now(struct state *s, struct tx *t, struct err *err)
{
	enum err_code rc;

	*t = (struct tx){ .s = s, .c = writer_lock(s) };
	t->c->locks = 0;
	rc = db_run(t->c, Q_BEGIN, NULL, 0, err);
	if (rc) {
		(void)pthread_mutex_unlock(&t->c->lock);
		return rc;
	}
	rc = late_move(t, err);
	if (!rc)
		rc = state_locks_renew(s, t->c, err);
	if (!rc)
		rc = carry_out(t, err);
	return rc ? tx_end(t, rc, false, err) : ERR_OK;
}

/*
 * Commits.  The count of locks may be too high for a moment, and never too low:
 * a thread that reads 0 does not look for any.
 */
static enum err_code
commit(struct tx *t, enum err_code rc, struct err *err)
{
	int64_t locks = t->c->locks;

	if (!rc && locks > 0)
		(void)atomic_fetch_add(&t->s->n_locks, locks);
	t->committed = !rc;
	rc = db_finish(t->c, rc, err);
	if (rc && t->committed && locks > 0)
		(void)atomic_fetch_sub(&t->s->n_locks, locks);
	t->committed = !rc;
	if (rc) {
		held_forget(&t->s->held);
		return late_why(t->s, rc, err);
	}
	/* Before anybody can see what it is that has to get to the disk. */
	t->number = atomic_fetch_add(&t->s->committed, 1) + 1;
	if (t->ends)
		atomic_store(&t->s->ended_in, t->number);
	held_commit(&t->s->held);
	if (locks < 0)
		(void)atomic_fetch_add(&t->s->n_locks, locks);
	ended_remove(&t->s->ended, t->n_ended);
	return ERR_OK;
}

enum err_code
tx_end(struct tx *t, enum err_code rc, bool wait, struct err *err)
{
	struct state *s = t->s;

	rc = commit(t, rc, err);
	if (!rc)
		late_moved(t);
	(void)pthread_mutex_unlock(&t->c->lock);
	return !rc && (wait || s->relaxed) ? state_wait(s, t->number, err) : rc;
}

enum err_code
state_wait(struct state *s, uint64_t number, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (number & LATE_NUMBER)
		return late_sync(s, number & ~LATE_NUMBER, err);
	if (!s->relaxed)
		rc = sync_wait(s, &s->sync, number, err);
	if (!rc)
		late_settle(s);
	return rc;
}

enum err_code
tx_flush(struct state *s)
{
	struct tx t;
	enum err_code rc = ERR_OK;
	bool any = atomic_load(&s->ended.n) || late_any(s);

	if (any)
		rc = tx_begin(s, &t, NULL);
	return any && !rc ? tx_end(&t, ERR_OK, false, NULL) : rc;
}
