/* SPDX-License-Identifier: MIT */
#include "store/dir_listing.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"

#define WORTH_IT 4 /* listings without a change before it is learnt */
#define MOST_NEED 4096
#define PAID_OFF 8 /* uses after which learning has saved what it cost */
#define QUICK 128 /* members that are told in a tenth of a millisecond */

bool
listed_id_of(int fd, struct listed_id *id, struct listed_at *at)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STAT_MASK | STATX_MNT_ID, &stx) ||
	    !(stx.stx_mask & STATX_MNT_ID))
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

static bool
same_id(const struct listed_id *a, const struct listed_id *b)
{
	return !memcmp(a, b, sizeof(*a));
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
	/* So that what a server has open does not depend on its use. */
	(void)listings_listen(ls);
	return ls;
}

/* ---- what has changed */

/* Its watches go later: this is done while somebody waits. */
void
listing_forget(struct listings *ls, struct listing *l)
{
	l->forgotten = true;
	l->public = false;
	(void)pthread_cond_signal(&ls->work);
}

static void
dir_changed(void *arg, const struct watched *w)
{
	struct listing *l = w->of;

	l->wd = 0;
	listing_forget(arg, l);
}

static void
member_changed(void *arg, const struct watched *w)
{
	struct listing *l = w->of;
	struct kept *m = &l->members[w->index];

	(void)arg;
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

/* It was listed the slow way. */
static void
note_listed(struct listings *ls, int dir, const struct listed_id *id,
    const struct listed_at *at)
{
	struct note *n = note_of(ls, id);

	if (!same_id(&n->id, id))
		*n = (struct note){ .id = *id, .need = WORTH_IT };
	if (!same_time(&n->at, at))
		n->times = 0;
	n->at = *at;
	if (++n->times < n->need)
		return;
	n->times = 0;
	/* Unless it is used for long, it is not worth while so soon. */
	if (n->need < MOST_NEED)
		n->need *= 2;
	keeper_order(ls, dir, NULL);
}

static struct listing *
find(struct listings *ls, const struct listed_id *id)
{
	struct listing *l;

	for (l = ls->first; l; l = l->next)
		if (l->public && same_id(&l->id, id))
			return l;
	return NULL;
}

static void
note_used(struct listings *ls, struct listing *l, int dir)
{
	l->used = ++ls->clock;
	l->holds++;
	if (l->uses < PAID_OFF && ++l->uses == PAID_OFF)
		*note_of(ls, &l->id) =
		    (struct note){ .id = l->id, .need = WORTH_IT };
	if (l->in_doubt && !l->ordered && ++l->since >= l->patience) {
		l->since = 0;
		keeper_order(ls, dir, l);
	}
}

struct listing *
listing_hold(struct listings *ls, int dir)
{
	struct listing *l;
	struct listed_id id;
	struct listed_at at;

	if (!listed_id_of(dir, &id, &at))
		return NULL;
	(void)pthread_mutex_lock(&ls->lock);
	l = find(ls, &id);
	if (l) /* or was, until the news */
		listings_update(ls);
	if (l && (!l->public || !same_time(&l->at, &at))) {
		listing_forget(ls, l);
		l = NULL;
	}
	if (l)
		note_used(ls, l, dir);
	else
		note_listed(ls, dir, &id, &at);
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
			spots[i].fact = m->fact;
	}
	(void)pthread_mutex_unlock(&ls->lock);
}

/* ---- what takes no time */

bool
listing_is_quick(struct listings *ls, const struct listing *l)
{
	bool quick;

	(void)pthread_mutex_lock(&ls->lock);
	quick = l->n <= QUICK && !l->n_links && !l->in_doubt;
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
