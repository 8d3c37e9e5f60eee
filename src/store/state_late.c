/* SPDX-License-Identifier: MIT */
/*
 * Lines of the journal, and changes of locks and properties, without a
 * transaction.
 *
 * Most changes leave the state nothing to do but to write their line, and a
 * transaction would be most of what they cost.  So their lines are written into
 * a file beside the database, each into a slot of its own, by one write.  The
 * next transaction, whoever makes it, moves them into the journal before it
 * does anything else, so the order of all lines is that of the changes.  If the
 * process dies the next start finds them.  A lock that is made, refreshed or
 * removed is such a line, too, which is moved into the table of locks
 * (state_lock_change.c); so is a small PROPPATCH, with what it sets
 * (state_props.c).
 *
 * Lines are numbered, and line n is in slot n modulo SLOTS.  The database says
 * up to which number they were moved: a slot with a higher number and a good
 * checksum is still to be moved.  A slot is used again when its line is on the
 * disk in the database.
 *
 * Lines get their numbers under the lock, but are written without it, side by
 * side: a thread that returns from a system call may find that the kernel gives
 * its processor to another first, and nobody is to wait for that.  So whoever
 * needs all lines up to a number waits for those of them that are being
 * written.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mutex.h"
#include "store/state_impl.h"

#define SLOTS LATE_SLOTS
#define MANY (SLOTS / 2) /* they are moved before there is no room */
#define AT_ONCE JOURNAL_SOME /* slots that are read in one call */

#define PATIENCE 16 /* state_patience() is this part of a sync's time */
/*
 * state_patience() at least: in this time many a client has come again.  Where
 * a sync is shorter than that nobody is waited for.
 */
#define LEAST_PATIENCE (NSEC_PER_SEC / 20000)
#define LONG (NSEC_PER_SEC / 1000)

/* ---- slots */

static off_t
slot_at(uint64_t number)
{
	return (off_t)(number % SLOTS * SLOT_SIZE);
}

/* ---- writing */

/* How many lines fit behind the last one, up to where slots begin anew. */
static size_t
room(const struct late *l)
{
	uint64_t at = (l->last + 1) % SLOTS;
	uint64_t n = SLOTS - (l->last - l->free);

	if (l->sync.fd < 0 || l->broken)
		return 0;
	return (size_t)(n < SLOTS - at ? n : SLOTS - at);
}

/* Bytes of n lines. */
static ssize_t
length(const struct slot *lines, size_t n)
{
	return (ssize_t)((n - 1) * SLOT_SIZE + slot_used(&lines[n - 1]));
}

/* Writes them into their slots; how many could be. */
static size_t
put_lines(const struct late *l, struct slot *lines, size_t n, uint64_t first)
{
	ssize_t put;
	size_t i;

	for (i = 0; i < n; i++)
		slot_seal(&lines[i], first + i);
	put =
	    pwrite(l->sync.fd, lines, (size_t)length(lines, n), slot_at(first));
	while (n && length(lines, n) > put)
		n--;
	return n;
}

/*
 * Gives out numbers for up to n lines; how many.  of: what holds the last
 * number of their kind, or NULL.  If there are any, late_end() is to be called,
 * whether they get written or not: a number without a line is passed over.
 */
static size_t
begin(struct late *l, struct late_lines *w, size_t n, uint64_t *of)
{
	uint64_t before;

	(void)pthread_mutex_lock(&l->lock);
	before = l->last - l->free;
	if (n > room(l))
		n = room(l);
	if (n) {
		*w = (struct late_lines){
			.first = l->last + 1,
			.prev = l->newest,
			.many = before < MANY && before + n >= MANY,
		};
		*(w->prev ? &w->prev->next : &l->oldest) = w;
		l->newest = w;
		l->last += n;
		if (of)
			*of = l->last;
	}
	(void)pthread_mutex_unlock(&l->lock);
	return n;
}

void
late_end(struct state *s, struct late_lines *w)
{
	struct late *l = &s->late;

	(void)pthread_mutex_lock(&l->lock);
	*(w->prev ? &w->prev->next : &l->oldest) = w->next;
	*(w->next ? &w->next->prev : &l->newest) = w->prev;
	if (!w->prev && l->waits)
		(void)pthread_cond_broadcast(&l->written);
	(void)pthread_mutex_unlock(&l->lock);
	if (w->many)
		tidy_wake(s);
}

/* With the lock: waits until all lines are written; the number of the last. */
static uint64_t
last_written(struct late *l)
{
	uint64_t last = l->last;

	l->waits++;
	while (l->oldest && l->oldest->first <= last)
		(void)pthread_cond_wait(&l->written, &l->lock);
	l->waits--;
	return last;
}

/* Writes lines that are filled in; how many, and the number of the last. */
static size_t
add(struct state *s, struct slot *lines, size_t n, uint64_t *of, uint64_t *last)
{
	struct late_lines w;

	n = begin(&s->late, &w, n, of);
	if (!n)
		return 0;
	n = put_lines(&s->late, lines, n, w.first);
	late_end(s, &w);
	*last = w.first + n - 1;
	return n;
}

/*
 * An intent that is over must be removed before anything later is written here,
 * or a start after a crash would take it for one that was under way.  And
 * whoever waits for his own line must have waited for all that others did
 * before.
 */
bool
late_is_safe(struct state *s, bool wait)
{
	/* A log that is broken is repaired by the next who needs it. */
	return !atomic_load(&s->broken) && !atomic_load(&s->ended.n) &&
	    (s->relaxed ||
		sync_has(&s->sync,
		    atomic_load(wait ? &s->committed : &s->ended_in)));
}

bool
late_is_quick(struct state *s, bool alone)
{
	return s->relaxed || (alone && sync_is_short(&s->late.sync));
}

static size_t
add_some(struct state *s, const struct change *const *changes, size_t n,
    uint64_t *last)
{
	struct slot lines[AT_ONCE];
	size_t filled = 0;

	while (filled < n && filled < AT_ONCE &&
	    slot_fill_change(&lines[filled], changes[filled]))
		filled++;
	return add(s, lines, filled, NULL, last);
}

size_t
late_add(struct state *s, const struct change *const *changes, size_t n,
    uint64_t *last)
{
	struct slot line;

	if (n > 1)
		return add_some(s, changes, n, last);
	return slot_fill_change(&line, changes[0])
	    ? add(s, &line, 1, NULL, last)
	    : 0;
}

bool
late_begin_lock(struct state *s, struct late_lines *w)
{
	return begin(&s->late, w, 1, &s->late.last_lock);
}

bool
late_put_lock(struct state *s, const struct late_lines *w, struct slot *line)
{
	return put_lines(&s->late, line, 1, w->first);
}

uint64_t
late_add_props(struct state *s, struct rpath path, struct str packed)
{
	struct slot line;
	uint64_t number;

	return slot_fill_props(&line, path, packed) &&
		add(s, &line, 1, &s->late.last_props, &number)
	    ? number
	    : 0;
}

/* After a failure nobody knows what the disk has. */
static bool
may_sync(struct late *l, uint64_t *upto)
{
	bool may;

	(void)pthread_mutex_lock(&l->lock);
	*upto = last_written(l);
	may = !l->broken;
	(void)pthread_mutex_unlock(&l->lock);
	return may;
}

static enum err_code
sync_failed(struct late *l, struct err *err)
{
	enum err_code rc = err_os(err, "sync '%s'", LATE_NAME);

	(void)pthread_mutex_lock(&l->lock);
	l->broken = true;
	(void)pthread_mutex_unlock(&l->lock);
	return rc;
}

static enum err_code
sync_now(struct state *s, uint64_t *upto, struct err *err)
{
	struct late *l = &s->late;

	if (!may_sync(l, upto))
		return err_set(
		    err, l->sync.failed, "%s could not be synced", LATE_NAME);
	return fdatasync(l->sync.fd) ? sync_failed(l, err) : ERR_OK;
}

int
state_sync_begin(struct state *s, uint64_t number, struct state_sync *y)
{
	struct late *l = &s->late;

	if (s->relaxed || !(number & LATE_NUMBER) ||
	    !sync_take(&l->sync, number & ~LATE_NUMBER))
		return -1;
	y->began = clock_monotonic();
	if (may_sync(l, &y->upto))
		return l->sync.fd;
	sync_give(&l->sync, y->began, l->sync.failed, 0);
	return -1;
}

void
state_sync_end(struct state *s, const struct state_sync *y, int failed)
{
	enum err_code rc = ERR_OK;

	errno = failed;
	if (failed)
		rc = sync_failed(&s->late, NULL);
	sync_give(&s->late.sync, y->began, rc, y->upto);
}

int64_t
state_patience(const struct state *s)
{
	int64_t usual = atomic_load(&s->late.sync.usual);
	int64_t patience = usual / PATIENCE;

	if (s->relaxed || usual < LEAST_PATIENCE)
		return 0;
	return patience < LEAST_PATIENCE ? LEAST_PATIENCE : patience;
}

bool
state_sync_is_long(const struct state *s)
{
	return !s->relaxed && atomic_load(&s->late.sync.usual) >= LONG;
}

enum err_code
late_sync(struct state *s, uint64_t number, struct err *err)
{
	return s->relaxed ? ERR_OK : sync_wait(s, &s->late.sync, number, err);
}

static bool
is_unmoved(struct late *l, const uint64_t *number)
{
	bool is;

	(void)pthread_mutex_lock(&l->lock);
	is = *number > l->moved;
	(void)pthread_mutex_unlock(&l->lock);
	return is;
}

bool
late_any(struct state *s)
{
	return is_unmoved(&s->late, &s->late.last);
}

bool
late_has_locks(struct state *s)
{
	return is_unmoved(&s->late, &s->late.last_lock);
}

bool
late_has_props(struct state *s)
{
	return is_unmoved(&s->late, &s->late.last_props);
}

/* ---- moving */

/* Lines of the journal are added to those to be written. */
static enum err_code
move_line(struct tx *t, const struct slot *l, struct change_line *lines,
    size_t *n, struct err *err)
{
	const struct str path = str_of(l->text, l->path);
	const struct str other = str_of(l->text + l->path, l->other);
	struct lock k;

	if (slot_is_lock(l))
		return slot_lock(l, &k) ? state_lock_move(t->s, t->c,
					      (enum lock_step)l->kind, &k, err)
					: ERR_OK;
	if (l->kind == SLOT_PROPS) {
		lines[(*n)++] =
		    (struct change_line){ CHANGE_PROPS, path, { 0 } };
		return props_move(t->s, t->c, other, err);
	}
	lines[(*n)++] = (struct change_line){ (int)l->kind, path, other };
	return ERR_OK;
}

/* What a power cut has left out is passed over. */
static enum err_code
move_some(struct tx *t, uint64_t number, size_t n, struct err *err)
{
	struct slot some[AT_ONCE];
	struct change_line lines[AT_ONCE];
	size_t got, i;
	size_t n_lines = 0;
	enum err_code rc = fd_read_at(t->s->late.sync.fd,
	    (uint64_t)slot_at(number), (char *)some, n * SLOT_SIZE, &got, err);

	for (i = 0; i < n && !rc; i++)
		if ((i + 1) * SLOT_SIZE <= got &&
		    some[i].number == number + i && slot_is_good(&some[i]))
			rc = move_line(t, &some[i], lines, &n_lines, err);
	return rc ? rc : journal_lines(t->c, lines, n_lines, err);
}

/* Who looks into the state beside us has moved what there was. */
enum err_code
late_move(struct tx *t, struct err *err)
{
	struct late *l = &t->s->late;
	enum err_code rc = ERR_OK;
	uint64_t moved = 0;
	uint64_t number, last;

	if (!held_is_fresh(&t->s->held))
		rc = journal_moved(t->c, &moved, err);
	if (rc)
		return rc;
	(void)pthread_mutex_lock(&l->lock);
	last = last_written(l);
	if (moved > l->moved) { /* whatever comes of this transaction */
		l->moved = moved;
		l->moved_in = atomic_load(&t->s->committed) + 1;
	}
	number = l->moved + 1;
	if (last < number)
		last = number - 1;
	(void)pthread_mutex_unlock(&l->lock);
	t->moved = last;
	if (number > last)
		return ERR_OK;
	while (number <= last && !rc) {
		size_t n = (size_t)(SLOTS - number % SLOTS);

		if (n > last - number + 1)
			n = (size_t)(last - number + 1);
		if (n > AT_ONCE)
			n = AT_ONCE;
		rc = move_some(t, number, n, err);
		number += n;
	}
	return rc ? rc : journal_set_moved(t->c, last, err);
}

void
late_moved(struct tx *t)
{
	struct late *l = &t->s->late;

	(void)pthread_mutex_lock(&l->lock);
	if (l->moved < t->moved)
		l->moved_in = t->number;
	l->moved = t->moved;
	(void)pthread_mutex_unlock(&l->lock);
}

void
late_settle(struct state *s)
{
	struct late *l = &s->late;

	(void)pthread_mutex_lock(&l->lock);
	if (s->relaxed || sync_has(&s->sync, l->moved_in))
		l->free = l->moved;
	if (l->free == l->last)
		l->broken = false;
	(void)pthread_mutex_unlock(&l->lock);
}

enum err_code
late_why(struct state *s, enum err_code rc, struct err *err)
{
	struct late *l = &s->late;
	enum err_code why = ERR_OK;
	bool broken;

	(void)pthread_mutex_lock(&l->lock);
	broken = l->broken;
	(void)pthread_mutex_unlock(&l->lock);
	if ((rc != ERR_IO && rc != ERR_NO_SPACE) || !broken)
		return rc;
	(void)pthread_mutex_lock(&l->sync.lock);
	why = l->sync.failed;
	(void)pthread_mutex_unlock(&l->sync.lock);
	return why ? err_set(err, why, "sync the journal") : rc;
}

/* ---- life */

void
late_init(struct state *s)
{
	mutex_init_short(&s->late.lock);
	(void)pthread_cond_init(&s->late.written, NULL);
	shared_sync_init(&s->late.sync, sync_now);
}

void
late_done(struct state *s)
{
	shared_sync_done(&s->late.sync);
	(void)pthread_cond_destroy(&s->late.written);
	(void)pthread_mutex_destroy(&s->late.lock);
}
