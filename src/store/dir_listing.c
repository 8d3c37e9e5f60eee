/* SPDX-License-Identifier: MIT */
#include "store/dir_listing.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"

#define WORTH_IT 2 /* listings before it is learnt, by the last of them */
#define MOST_NEED 4096
#define PAID_OFF 8 /* uses after which learning has saved what it cost */
#define QUICK 128 /* members that are told in a tenth of a millisecond */
#define QUICK_BYTES ((size_t)32 << 10) /* of their paths */

bool
listed_id_of(int fd, struct listed_id *id, struct listed_at *at)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STAT_MASK | STATX_MNT_ID, &stx) ||
	    !(stx.stx_mask & STATX_MNT_ID) || watch_keeps_open(&stx))
		return false;
	memset(id, 0, sizeof(*id));
	id->inode = stx.stx_ino;
	id->mount = stx.stx_mnt_id;
	id->born = stx.stx_btime.tv_sec * NSEC_PER_SEC + stx.stx_btime.tv_nsec;
	id->dev_major = stx.stx_dev_major;
	id->dev_minor = stx.stx_dev_minor;
	memset(at, 0, sizeof(*at));
	at->modified = stx.stx_mtime;
	at->changed = stx.stx_ctime;
	return true;
}

bool
listing_is_of(const struct listing *l, const struct listed_id *id)
{
	return !memcmp(&l->id, id, sizeof(*id));
}

bool
listing_is_public(const struct listing *l)
{
	return !l->making && !l->outdated && !l->forgotten;
}

static bool
same_time(const struct listed_at *a, const struct listed_at *b)
{
	return !memcmp(a, b, sizeof(*a));
}

struct listings *
listings_new(void)
{
	struct listings *ls = calloc(1, sizeof(*ls));

	if (!ls)
		return NULL;
	(void)pthread_mutex_init(&ls->lock, NULL);
	(void)pthread_cond_init(&ls->work, NULL);
	(void)pthread_cond_init(&ls->idle, NULL);
	ls->dirs.fd = ls->members.fd = ls->mounts = -1;
	/*
	 * Opened now, so that what a server has open does not depend on its
	 * use.
	 */
	(void)listings_listen(ls);
	return ls;
}

/* ---- what has changed */

/* Its watches go later: this is done while somebody waits. */
void
listing_forget(struct listings *ls, struct listing *l)
{
	l->forgotten = true;
	(void)pthread_cond_signal(&ls->work);
}

static void
dir_changed(void *arg, const struct watched *w)
{
	struct listing *l = w->of;

	(void)arg;
	l->wd = 0;
	l->outdated = true;
}

static void
member_changed(void *arg, const struct watched *w)
{
	struct listing *l = w->of;
	struct kept *m;

	(void)arg;
	/* Who makes it finds that the watch is gone. */
	if (w->index >= l->n)
		return;
	m = &l->members[w->index];
	m->wd = 0;
	if (m->known)
		l->in_doubt++;
	m->known = false;
	l->since = 0;
}

void
listings_update(struct listings *ls)
{
	struct pollfd on[] = {
		{ .fd = ls->dirs.fd, .events = POLLIN },
		{ .fd = ls->members.fd, .events = POLLIN },
		{ .fd = ls->mounts, .events = POLLPRI },
	};
	bool sure = poll(on, ARRAY_LEN(on), 0) >= 0;
	struct listing *l;

	if (sure && on[0].revents)
		sure = watch_read(&ls->dirs, dir_changed, ls);
	if (sure && on[1].revents)
		sure = watch_read(&ls->members, member_changed, NULL);
	/* A mount covers what is known of the place below it. */
	if (sure && !on[2].revents)
		return;
	for (l = ls->first; l; l = l->next)
		listing_forget(ls, l);
}

/* ---- who is listed often */

static struct note *
note_of(struct listings *ls, const struct listed_id *id)
{
	uint64_t h = id->inode ^ (uint64_t)id->born ^ id->mount << 32;

	h *= UINT64_C(0x9e3779b97f4a7c15);
	return &ls->notes[h >> 32 & (MAX_NOTES - 1)];
}

/* Notes that it was listed the slow way: whether to learn it. */
static bool
is_worth_it(struct listings *ls, const struct listed_id *id)
{
	struct note *n = note_of(ls, id);

	if (memcmp(&n->id, id, sizeof(*id)) != 0)
		*n = (struct note){ .id = *id, .need = WORTH_IT };
	if (++n->times < n->need)
		return false;
	n->times = 0;
	/* Unless it is used for long, it is not worth while so soon. */
	if (n->need < MOST_NEED)
		n->need *= 2;
	return true;
}

/* The newest. */
static struct listing *
find(struct listings *ls, const struct listed_id *id)
{
	struct listing *l;

	for (l = ls->first; l; l = l->next)
		if (!l->making && !l->forgotten && listing_is_of(l, id))
			return l;
	return NULL;
}

void
listing_note_used(struct listings *ls, struct listing *l, int dir)
{
	l->used = ++ls->clock;
	if (l->uses < PAID_OFF && ++l->uses == PAID_OFF)
		*note_of(ls, &l->id) =
		    (struct note){ .id = l->id, .need = WORTH_IT };
	if (l->in_doubt && !l->ordered && ++l->since >= l->patience) {
		l->since = 0;
		keeper_order(ls, dir, l);
	}
}

/* With the lock. */
static struct listing *
hold(struct listings *ls, int dir, const struct listed_id *id,
    const struct listed_at *at, struct making **making)
{
	struct listing *l = find(ls, id);

	if (l) /* or was, until the news */
		listings_update(ls);
	if (l && !same_time(&l->at, at))
		l->outdated = true;
	if (l && listing_is_public(l)) {
		l->holds++;
		listing_note_used(ls, l, dir);
		return l;
	}
	if (l && l->forgotten)
		l = NULL;
	if (making && (l || is_worth_it(ls, id)))
		*making = making_new(ls, dir, id, at, l);
	return NULL;
}

struct listing *
listing_hold(struct listings *ls, int dir, struct making **making)
{
	struct listing *l;
	struct listed_id id;
	struct listed_at at;

	if (!listed_id_of(dir, &id, &at))
		return NULL;
	(void)pthread_mutex_lock(&ls->lock);
	l = hold(ls, dir, &id, &at, making);
	(void)pthread_mutex_unlock(&ls->lock);
	return l;
}

void
listing_give_back(struct listings *ls, struct listing *l)
{
	(void)pthread_mutex_lock(&ls->lock);
	l->holds--;
	if (l->forgotten)
		(void)pthread_cond_signal(&ls->work);
	(void)pthread_mutex_unlock(&ls->lock);
}

char *
listing_entries(const struct listing *l, size_t *len)
{
	*len = l->len;
	return l->entries;
}

struct fact
kept_fact(const struct listing *l, const struct kept *k)
{
	return (struct fact){
		.inode = k->inode,
		.size = k->size,
		.modified = k->modified,
		.born = k->born,
		.dev_major = l->id.dev_major,
		.dev_minor = l->id.dev_minor,
		.mode = k->mode,
		.has_born = k->has_born,
	};
}

void
listing_facts(
    struct listings *ls, const struct listing *l, struct spot *spots, size_t n)
{
	size_t i;

	(void)pthread_mutex_lock(&ls->lock);
	for (i = 0; i < n; i++) {
		const struct kept *m = &l->members[spots[i].index];

		spots[i].known = m->known;
		if (m->known)
			spots[i].fact = kept_fact(l, m);
	}
	(void)pthread_mutex_unlock(&ls->lock);
}

/* ---- what takes no time */

bool
listing_is_quick(
    struct listings *ls, const struct listing *l, struct rpath path)
{
	bool quick;

	/* What is told repeats them, and each byte may become several. */
	if (l->n > QUICK || l->len + l->n * path.s.len > QUICK_BYTES)
		return false;
	(void)pthread_mutex_lock(&ls->lock);
	quick = !l->n_links && !l->in_doubt;
	(void)pthread_mutex_unlock(&ls->lock);
	return quick;
}

bool
listings_guess(const struct listings *ls, struct rpath path)
{
	uint64_t hash = str_hash(path.s);

	return atomic_load(&ls->quick[hash % MAX_QUICK]) == hash;
}

void
listings_note(struct listings *ls, struct rpath path, bool quick)
{
	uint64_t hash = str_hash(path.s);
	_Atomic uint64_t *slot = &ls->quick[hash % MAX_QUICK];
	uint64_t was = atomic_load(slot);

	if (quick && was != hash)
		atomic_store(slot, hash);
	else if (!quick && was == hash)
		atomic_store(slot, 0);
}
