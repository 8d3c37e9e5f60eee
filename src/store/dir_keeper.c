/* SPDX-License-Identifier: MIT */
/*
 * The thread that learns what is in a collection.
 *
 * A member is known by four steps in this order: it is opened, which would be
 * an event later; it is watched; a lease shows that nobody has it open for
 * writing, so that nobody can store into it through a mapping, of which no
 * event would tell; it is asked about.  From the watch on, whatever may lead to
 * a change is an event.  The lease is given back at once: we only want the
 * answer.
 */
#include "store/dir_listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

#define MAX_BYTES ((size_t)32 << 20)
#define MAX_WATCHES 65536ul
#define SHARE 4 /* of the user's watches, one in so many */
#define MAX_LISTINGS 256
#define READ_SIZE ((size_t)65536)
#define TRIES 16
#define AT_A_TIME 64 /* watches removed without letting go of the lock */
#define PATIENCE 4
#define MOST_PATIENCE 4096

#define DIR_EVENTS                                             \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
	    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define MEMBER_DIR_EVENTS                                                  \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | \
	    IN_MODIFY | IN_ONLYDIR)
#define FILE_EVENTS (IN_OPEN | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE)

/* ---- one member */

struct asked {
	struct statx stx;
	bool is_dir;
};

/* Asks about an open member; false: it is of a kind that is never known. */
static bool
ask(const struct listing *l, int fd, struct asked *a)
{
	const struct statx *stx = &a->stx;

	if (statx(fd, "", AT_EMPTY_PATH, STAT_MASK | STATX_MNT_ID, &a->stx))
		return false;
	a->is_dir = S_ISDIR(stx->stx_mode);
	if (stx->stx_mnt_id != l->id.mount ||
	    stx->stx_dev_major != l->id.dev_major ||
	    stx->stx_dev_minor != l->id.dev_minor)
		return false; /* what is mounted there */
	return a->is_dir || (S_ISREG(stx->stx_mode) && stx->stx_nlink == 1);
}

static int
watch_member(struct listings *ls, struct listing *l, size_t i, int fd,
    const struct asked *a)
{
	uint32_t events = a->is_dir ? MEMBER_DIR_EVENTS : FILE_EVENTS;
	int wd = -1;

	(void)pthread_mutex_lock(&ls->lock);
	if (!l->forgotten && ls->members.n + ls->dirs.n < ls->max_watches)
		wd = watch_add(&ls->members, fd, events, l, (uint32_t)i);
	if (wd > 0)
		l->members[i].wd = wd;
	(void)pthread_mutex_unlock(&ls->lock);
	return wd;
}

static bool
learn_member(struct listings *ls, struct listing *l, size_t i, int fd)
{
	struct kept *m = &l->members[i];
	struct asked a;
	bool sure;
	int wd = ask(l, fd, &a) ? watch_member(ls, l, i, fd, &a) : -1;

	if (wd < 0)
		return false;
	sure = (a.is_dir || watch_nobody_writes(fd)) && ask(l, fd, &a);
	(void)pthread_mutex_lock(&ls->lock);
	if (m->wd != wd) { /* an event came already */
		sure = false;
	} else if (sure) {
		fact_set(&m->fact, &a.stx);
		m->known = true;
		l->in_doubt--;
	} else {
		watch_remove(&ls->members, wd);
		m->wd = 0;
	}
	(void)pthread_mutex_unlock(&ls->lock);
	return sure;
}

/* ---- a collection */

static const struct entry *
entry_at(const struct listing *l, size_t at)
{
	return (const struct entry *)(const void *)(l->entries + at);
}

/* Links are not: what they lead to is elsewhere. */
static bool
can_be_known(const struct entry *e)
{
	return (e->type == DT_REG || e->type == DT_DIR) &&
	    strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0 &&
	    strcmp(e->name, STATE_NAME) != 0 && !temp_name_is(e->name);
}

enum wanted { WANTED_YES, WANTED_NO, WANTED_STOP };

static enum wanted
is_wanted(struct listings *ls, const struct listing *l, size_t i)
{
	enum wanted w;

	(void)pthread_mutex_lock(&ls->lock);
	w = l->forgotten || ls->closing ? WANTED_STOP
	    : l->members[i].known       ? WANTED_NO
					: WANTED_YES;
	(void)pthread_mutex_unlock(&ls->lock);
	return w;
}

/*
 * Learns what is not known.  Where the first few cannot be (they are not our
 * own user's), the others cannot either.
 */
static void
learn_members(struct listings *ls, struct listing *l, int dir)
{
	size_t at = 0, i, tried = 0, learnt = 0;
	enum wanted w = WANTED_YES;

	for (i = 0; at < l->len && w != WANTED_STOP; i++) {
		const struct entry *e = entry_at(l, at);
		int fd CLEANUP(fd_close) = -1;

		at += e->size;
		if (!can_be_known(e) || (w = is_wanted(ls, l, i)))
			continue;
		fd = open_beneath(dir, e->name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
		learnt += fd >= 0 && learn_member(ls, l, i, fd);
		if (++tried == TRIES && !learnt)
			return;
	}
}

static bool
read_entries(int dir, struct buf *out)
{
	long n = 1;

	out->max = MAX_BYTES / 4;
	while (n > 0) {
		char *room = buf_room(out, READ_SIZE);

		if (!room)
			return false;
		n = syscall(SYS_getdents64, dir, room, READ_SIZE);
		out->len += n > 0 ? (size_t)n : 0;
	}
	return n == 0;
}

/* Takes the entries over. */
static bool
take_entries(struct listing *l, struct buf *b)
{
	char *shrunk = b->len ? realloc(b->ptr, b->len) : NULL;
	size_t at;

	if (!b->len)
		return false;
	l->entries = shrunk ? shrunk : b->ptr;
	l->len = b->len;
	*b = (struct buf){ 0 };
	for (at = 0; at < l->len; at += entry_at(l, at)->size) {
		const struct entry *e = entry_at(l, at);

		l->n++;
		l->n_links += e->type == DT_LNK || e->type == DT_UNKNOWN;
		l->in_doubt += can_be_known(e);
	}
	l->members = calloc(l->n, sizeof(*l->members));
	l->bytes = sizeof(*l) + l->len + l->n * sizeof(*l->members);
	return l->members != NULL;
}

/* Begins to watch it, before it is read; with the lock, as long as it lives. */
static bool
watch_listing(struct listings *ls, struct listing *l, int dir)
{
	bool done = false;

	(void)pthread_mutex_lock(&ls->lock);
	listings_update(ls);
	l->wd = watch_add(&ls->dirs, dir, DIR_EVENTS, l, 0);
	done = l->wd > 0;
	if (done) {
		l->next = ls->first;
		ls->first = l;
	}
	(void)pthread_mutex_unlock(&ls->lock);
	return done;
}

static void
listing_free(struct listing *l)
{
	if (!l)
		return;
	free(l->entries);
	free(l->members);
	free(l);
}

/* ---- room */

static struct listing *
least_used(const struct listings *ls)
{
	struct listing *found = NULL;
	struct listing *l;

	for (l = ls->first; l; l = l->next)
		if (l->public && (!found || l->used < found->used))
			found = l;
	return found;
}

/* What is not used goes for l.  With the lock. */
static bool
make_room(struct listings *ls, const struct listing *l)
{
	size_t bytes = l->bytes, watches = l->in_doubt + 1, n = 1;
	const struct listing *other;
	struct listing *last;

	if (l->in_doubt >= ls->max_watches / 2)
		return false;
	for (other = ls->first; other; other = other->next)
		if (other->public) {
			bytes += other->bytes;
			watches += other->n + 1;
			n++;
		}
	while (bytes > MAX_BYTES || watches > ls->max_watches ||
	    n > MAX_LISTINGS) {
		last = least_used(ls);
		if (!last)
			return false;
		bytes -= last->bytes;
		watches -= last->n + 1;
		n--;
		listing_forget(ls, last);
	}
	return true;
}

/* Removes some of its watches; false: there are more.  With the lock. */
static bool
unwatch(struct listings *ls, struct listing *l)
{
	unsigned removed = 0;

	watch_remove(&ls->dirs, l->wd);
	l->wd = 0;
	for (; l->unwatched < l->n && removed < AT_A_TIME; l->unwatched++)
		if (l->members && l->members[l->unwatched].wd) {
			watch_remove(&ls->members, l->members[l->unwatched].wd);
			l->members[l->unwatched].wd = 0;
			removed++;
		}
	return l->unwatched == l->n;
}

/* With the lock, which it lets go of now and then: frees what is forgotten. */
static void
clear_out(struct listings *ls)
{
	struct listing **at = &ls->first;

	while (*at) {
		struct listing *l = *at;

		if (!l->forgotten || l->holds) {
			at = &l->next;
		} else if (unwatch(ls, l)) {
			*at = l->next;
			listing_free(l);
		} else {
			(void)pthread_mutex_unlock(&ls->lock);
			(void)pthread_mutex_lock(&ls->lock);
		}
	}
}

/* ---- orders */

/* With the lock: what has come of it.  It has changed if it is not as at now.
 */
static void
publish(struct listings *ls, struct listing *l, const struct listed_at *now)
{
	l->patience = PATIENCE;
	l->used = ls->clock;
	l->public = !l->forgotten && l->in_doubt <= l->n / 2 &&
	    !memcmp(now, &l->at, sizeof(*now));
	if (!l->public)
		listing_forget(ls, l);
}

static void
learn_all(struct listings *ls, struct listing *l, int dir)
{
	struct buf entries = { 0 };
	struct listed_at now = { 0 };
	struct listed_id id;
	bool good = read_entries(dir, &entries) && take_entries(l, &entries);

	buf_done(&entries);
	(void)pthread_mutex_lock(&ls->lock);
	good = good && make_room(ls, l);
	clear_out(ls);
	(void)pthread_mutex_unlock(&ls->lock);
	if (good)
		learn_members(ls, l, dir);
	good = good && listed_id_of(dir, &id, &now);
	(void)pthread_mutex_lock(&ls->lock);
	l->forgotten = l->forgotten || !good;
	publish(ls, l, &now);
	l->holds--;
	(void)pthread_mutex_unlock(&ls->lock);
}

static void
learn(struct listings *ls, int dir)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (l)
		l->holds = 1; /* ours: an event may have it forgotten at once */
	if (l && watch_is_local(dir) && listed_id_of(dir, &l->id, &l->at) &&
	    watch_listing(ls, l, dir))
		learn_all(ls, l, dir);
	else
		free(l);
}

static void
learn_again(struct listings *ls, struct listing *l, int dir)
{
	unsigned before;

	(void)pthread_mutex_lock(&ls->lock);
	before = l->in_doubt;
	(void)pthread_mutex_unlock(&ls->lock);
	learn_members(ls, l, dir);
	(void)pthread_mutex_lock(&ls->lock);
	if (l->in_doubt < before)
		l->patience = PATIENCE;
	else if (l->patience < MOST_PATIENCE)
		l->patience *= 2;
	l->ordered = false;
	l->holds--;
	(void)pthread_mutex_unlock(&ls->lock);
}

/* With the lock, which it lets go of. */
static void
serve(struct listings *ls)
{
	struct order o = ls->orders[0];

	ls->n_orders--;
	memmove(&ls->orders[0], &ls->orders[1],
	    ls->n_orders * sizeof(ls->orders[0]));
	(void)pthread_mutex_unlock(&ls->lock);
	if (o.again)
		learn_again(ls, o.again, o.dir);
	else
		learn(ls, o.dir);
	fd_close(&o.dir);
	(void)pthread_mutex_lock(&ls->lock);
}

static void *
run(void *arg)
{
	struct listings *ls = arg;

	(void)pthread_mutex_lock(&ls->lock);
	while (!ls->closing) {
		ls->busy = true;
		clear_out(ls);
		if (ls->n_orders) {
			serve(ls);
			continue;
		}
		ls->busy = false;
		(void)pthread_cond_broadcast(&ls->idle);
		(void)pthread_cond_wait(&ls->work, &ls->lock);
	}
	(void)pthread_mutex_unlock(&ls->lock);
	return NULL;
}

bool
listings_listen(struct listings *ls)
{
	if (ls->mounts >= 0)
		return true;
	ls->mounts = mounts_open();
	if (ls->mounts >= 0 && watch_set_open(&ls->dirs) &&
	    watch_set_open(&ls->members))
		return true;
	fd_close(&ls->mounts);
	watch_set_done(&ls->dirs);
	watch_set_done(&ls->members);
	return false;
}

/* What it needs may be there the next time. */
static bool
start(struct listings *ls)
{
	unsigned long limit;

	if (ls->started)
		return true;
	if (!listings_listen(ls))
		return false;
	limit = watch_limit() / SHARE;
	ls->max_watches = limit < MAX_WATCHES ? limit : MAX_WATCHES;
	ls->started = !pthread_create(&ls->keeper, NULL, run, ls);
	return ls->started;
}

void
keeper_order(struct listings *ls, int dir, struct listing *again)
{
	struct order o = { .dir = -1, .again = again };

	if (ls->n_orders == MAX_ORDERS || !start(ls))
		return;
	/* One of its own, which reads from the beginning. */
	o.dir = open_beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	if (o.dir < 0)
		return;
	if (again) {
		again->ordered = true;
		again->holds++;
	}
	ls->orders[ls->n_orders++] = o;
	(void)pthread_cond_signal(&ls->work);
}

void
listings_settle(struct listings *ls)
{
	(void)pthread_mutex_lock(&ls->lock);
	while (ls->started && (ls->n_orders || ls->busy))
		(void)pthread_cond_wait(&ls->idle, &ls->lock);
	(void)pthread_mutex_unlock(&ls->lock);
}

void
listings_free(struct listings *ls)
{
	struct listing *l;

	if (!ls)
		return;
	(void)pthread_mutex_lock(&ls->lock);
	ls->closing = true;
	(void)pthread_cond_signal(&ls->work);
	(void)pthread_mutex_unlock(&ls->lock);
	if (ls->started)
		(void)pthread_join(ls->keeper, NULL);
	while (ls->n_orders)
		fd_close(&ls->orders[--ls->n_orders].dir);
	while ((l = ls->first)) {
		ls->first = l->next;
		listing_free(l);
	}
	watch_set_done(&ls->dirs);
	watch_set_done(&ls->members);
	fd_close(&ls->mounts);
	(void)pthread_cond_destroy(&ls->idle);
	(void)pthread_cond_destroy(&ls->work);
	(void)pthread_mutex_destroy(&ls->lock);
	free(ls);
}
