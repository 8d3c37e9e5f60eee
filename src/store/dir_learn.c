/* SPDX-License-Identifier: MIT */
/*
 * How a member becomes known, and a walk makes a listing of what it meets.
 *
 * A member is known by four steps in this order: it is opened, which would be
 * an event later; it is watched; a lease shows that nobody has it open for
 * writing, so that nobody can store into it through a mapping, of which no
 * event would tell; it is asked about.  From the watch on, whatever may lead to
 * a change is an event.  The lease is given back at once: we only want the
 * answer.
 *
 * All of it is by the descriptor, so that what is known is known of one inode.
 * If that still has its name when the names have changed, it is taken over.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/inotify.h>

#include "base/file.h"
#include "store/dir_listing.h"

#define TRIES 16
#define AT_ONCE 64 /* members that a walk learns; the keeper the others */
#define LOOK_AT 16 /* entries of what was, for one; more after misses */
#define MOST_LOOK_AT 256

#define DIR_EVENTS                                             \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
	    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define MEMBER_DIR_EVENTS                                                  \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | \
	    IN_MODIFY | IN_ONLYDIR)
#define FILE_EVENTS (IN_OPEN | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE)

struct making {
	struct listing *l; /* held */
	struct listing *old; /* held: what it was before; or NULL */
	size_t at, index; /* in the entries of old, behind the last that is here
			   */
	unsigned missed; /* entries since then that are not in old */
	size_t room; /* for entries, in bytes; for as many members */
	size_t members;
	size_t later; /* members that the keeper is to learn */
	_Atomic bool vain; /* to learn */
};

static void
lock(struct listings *ls)
{
	(void)pthread_mutex_lock(&ls->lock);
}

static void
unlock(struct listings *ls)
{
	(void)pthread_mutex_unlock(&ls->lock);
}

/* ---- one member */

/* Asks about a member; false: it is of a kind that is never known. */
static bool
ask(const struct listing *l, int fd, bool is_dir, struct fact *out)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STAT_MASK | STATX_MNT_ID, &stx))
		return false;
	if (stx.stx_mnt_id != l->id.mount || watch_keeps_open(&stx) ||
	    stx.stx_dev_major != l->id.dev_major ||
	    stx.stx_dev_minor != l->id.dev_minor)
		return false; /* or what is mounted there */
	fact_set(out, &stx);
	return is_dir ? S_ISDIR(stx.stx_mode)
		      : S_ISREG(stx.stx_mode) && stx.stx_nlink == 1;
}

/* With the lock: watches it; 0: that cannot be. */
static int
watch(struct listings *ls, struct listing *l, size_t i, int fd,
    const struct entry *e)
{
	uint32_t events = e->type == DT_DIR ? MEMBER_DIR_EVENTS : FILE_EVENTS;
	int wd = 0;

	if (!l->forgotten && ls->members.n + ls->dirs.n < ls->max_watches)
		wd = watch_add(&ls->members, fd, events, l, (uint32_t)i);
	return wd > 0 ? wd : 0;
}

static int
open_member(int dir, const struct entry *e)
{
	return open_beneath(
	    dir, e->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
}

/* Steps 3 and 4: the watch; or 0, and it is gone. */
static int
ask_watched(struct listings *ls, const struct listing *l, int wd, int fd,
    const struct entry *e, struct fact *out)
{
	bool is_dir = e->type == DT_DIR;

	if ((is_dir || watch_nobody_writes(fd)) && ask(l, fd, is_dir, out))
		return wd;
	lock(ls);
	watch_remove(&ls->members, wd);
	unlock(ls);
	return 0;
}

bool
entry_can_be_known(const struct entry *e)
{
	return (e->type == DT_REG || e->type == DT_DIR) &&
	    strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0 &&
	    strcmp(e->name, STATE_NAME) != 0 && !temp_name_is(e->name);
}

int
member_learn(struct listings *ls, struct listing *l, size_t i, int dir,
    const struct entry *e, struct fact *out)
{
	int fd CLEANUP(fd_close) = open_member(dir, e);
	int wd = 0;

	if (fd < 0)
		return 0;
	lock(ls);
	wd = watch(ls, l, i, fd, e);
	unlock(ls);
	return wd ? ask_watched(ls, l, wd, fd, e, out) : 0;
}

void
member_known(struct listings *ls, struct listing *l, size_t i, int wd,
    const struct fact *fact)
{
	struct watched *w = watch_find(&ls->members, wd);
	struct listing *from;

	if (!w)
		return;
	from = w->of;
	if (from != l) { /* taken over */
		from->members[w->index].wd = 0;
		from->members[w->index].known = false;
		from->in_doubt++;
		w->of = l;
		w->index = (uint32_t)i;
	}
	l->members[i] = (struct kept){
		.wd = wd,
		.mode = (uint16_t)fact->mode,
		.known = true,
		.has_born = fact->has_born,
		.inode = fact->inode,
		.size = fact->size,
		.modified = fact->modified,
		.born = fact->born,
	};
	l->in_doubt--;
}

/* ---- a listing */

struct making *
making_new(struct listings *ls, int dir, const struct listed_id *id,
    const struct listed_at *at, struct listing *old)
{
	struct making *m = calloc(1, sizeof(*m));
	struct listing *l = calloc(1, sizeof(*l));

	if (old) { /* it has told of all it could, or its times did */
		watch_remove(&ls->dirs, old->wd);
		old->wd = 0;
	} else if (keeper_start(ls)) {
		listings_update(ls);
	}
	if (m && l && ls->started && (old || watch_is_local(dir)))
		l->wd = watch_add(&ls->dirs, dir, DIR_EVENTS, l, 0);
	if (!m || !l || l->wd <= 0) {
		free(m);
		free(l);
		return NULL;
	}
	l->id = *id;
	l->at = *at;
	l->making = true;
	l->holds = 1;
	l->patience = PATIENCE;
	l->next = ls->first;
	ls->first = l;
	m->l = l;
	m->old = old;
	if (old) {
		old->holds++;
		l->uses = old->uses;
		l->since = old->since;
		l->patience = old->patience;
	}
	return m;
}

/* What was known of an entry, if it is still there; or NULL. */
static const struct kept *
find_old(struct making *m, const struct entry *e)
{
	size_t most = LOOK_AT + 4 * (size_t)m->missed;
	size_t at = m->at, i;

	if (most > MOST_LOOK_AT)
		most = MOST_LOOK_AT;
	for (i = m->index; at < m->old->len && i < m->index + most; i++) {
		const struct entry *was =
		    (const struct entry *)(const void *)(m->old->entries + at);

		at += was->size;
		if (was->inode != e->inode || strcmp(was->name, e->name) != 0)
			continue;
		m->at = at;
		m->index = i + 1;
		m->missed = 0;
		return &m->old->members[i];
	}
	m->missed++;
	return NULL;
}

void
making_read(struct listings *ls, struct making *m, struct spot *spots, size_t n)
{
	size_t i;

	if (!m->old)
		return;
	lock(ls);
	for (i = 0; i < n && !m->old->forgotten; i++) {
		const struct kept *k = find_old(m, spots[i].entry);

		/* The name may lead to another inode now. */
		if (!k || !k->known || k->inode != spots[i].entry->inode)
			continue;
		spots[i].known = true;
		spots[i].fact = kept_fact(m->old, k);
		spots[i].wd = k->wd;
	}
	unlock(ls);
}

/*
 * There was a move meanwhile: they were asked about once more, and so are not
 * known.
 */
static void
unlearn(struct listings *ls, struct spot *spots, size_t n)
{
	size_t i;

	lock(ls);
	for (i = 0; i < n; i++)
		if (spots[i].wd && !spots[i].known) {
			watch_remove(&ls->members, spots[i].wd);
			spots[i].wd = 0;
		}
	unlock(ls);
}

/* Learns those members of a slice that are open. */
static void
learn(struct listings *ls, struct listing *l, const int *fds,
    struct spot *spots, size_t n)
{
	size_t i;

	/*
	 * All under the lock once: two threads that took it for each member
	 * would wait half of the time.
	 */
	lock(ls);
	for (i = 0; i < n; i++)
		if (fds[i] >= 0)
			spots[i].wd = watch(
			    ls, l, spots[i].index, fds[i], spots[i].entry);
	unlock(ls);
	for (i = 0; i < n; i++)
		if (fds[i] >= 0 && spots[i].wd)
			spots[i].wd = ask_watched(ls, l, spots[i].wd, fds[i],
			    spots[i].entry, &spots[i].fact);
}

void
making_ask(struct listings *ls, struct making *m, int dir, struct spot *spots,
    size_t n, bool again)
{
	int fds[SLICE];
	size_t i;

	assert(n <= SLICE);
	if (again)
		unlearn(ls, spots, n);
	/*
	 * A new member of a known collection is not learnt before it was left
	 * alone for a while.
	 */
	if (again || m->old || atomic_load(&m->vain) ||
	    spots[0].index >= AT_ONCE)
		return;
	for (i = 0; i < n; i++)
		fds[i] = spots[i].index < AT_ONCE &&
			entry_can_be_known(spots[i].entry)
		    ? open_member(dir, spots[i].entry)
		    : -1;
	learn(ls, m->l, fds, spots, n);
	for (i = 0; i < n; i++)
		fd_close(&fds[i]);
}

/* Room for so many, at least, and then for twice as many; NULL: there is none.
 */
static void *
grow(void *ptr, size_t *room, size_t want, size_t size)
{
	size_t more = *room * 2 > want ? *room * 2 : want;

	if (*room >= want)
		return ptr;
	ptr = realloc(ptr, more * size);
	if (ptr)
		*room = more;
	return ptr;
}

static bool
add_entries(struct making *m, struct str bytes)
{
	struct listing *l = m->l;
	char *entries = grow(l->entries, &m->room, l->len + bytes.len, 1);
	size_t at = l->len;

	if (!entries)
		return false;
	l->entries = entries;
	memcpy(entries + at, bytes.ptr, bytes.len);
	for (l->len += bytes.len; at < l->len; l->n++) {
		const struct entry *e =
		    (const struct entry *)(const void *)(entries + at);
		struct kept *members = grow(
		    l->members, &m->members, l->n + 1, sizeof(*l->members));

		if (!members)
			return false;
		members[l->n] = (struct kept){ .wd = 0 };
		l->members = members;
		l->n_links += e->type == DT_LNK || e->type == DT_UNKNOWN;
		if (entry_can_be_known(e)) {
			l->in_doubt++;
			m->later += !m->old && l->n >= AT_ONCE;
		}
		at += e->size;
	}
	l->bytes = sizeof(*l) + m->room + m->members * sizeof(*l->members);
	return true;
}

static void
give_up(struct listings *ls, struct making *m)
{
	atomic_store(&m->vain, true);
	listing_forget(ls, m->l);
}

/* With the lock. */
static void
take_spot(struct listings *ls, struct making *m, struct spot *s)
{
	if (s->wd && !m->l->forgotten)
		member_known(ls, m->l, s->index, s->wd, &s->fact);
	else if (s->wd && !s->known)
		watch_remove(&ls->members, s->wd);
	s->wd = 0;
}

/* Whether most of the members that were tried cannot be known. */
static bool
is_vain(const struct making *m)
{
	const struct listing *l = m->l;

	return l->in_doubt - m->later > (l->n - m->later) / 2;
}

/*
 * Where the first few cannot be known (they are not our own user's), the others
 * cannot either.
 */
void
making_take(struct listings *ls, struct making *m, struct str entries,
    struct spot *spots, size_t n)
{
	struct listing *l = m->l;
	size_t i;

	lock(ls);
	if (!l->forgotten && entries.len &&
	    (!add_entries(m, entries) || !listings_make_room(ls, l)))
		give_up(ls, m);
	for (i = 0; i < n; i++)
		take_spot(ls, m, &spots[i]);
	if (l->in_doubt - m->later >= TRIES && is_vain(m) && !m->old)
		give_up(ls, m);
	unlock(ls);
}

void
making_stop(struct listings *ls, struct making *m)
{
	lock(ls);
	give_up(ls, m);
	unlock(ls);
}

/* With the lock.  Forgets older listings of the same collection. */
static void
forget_older(struct listings *ls, const struct listing *l)
{
	struct listing *older;

	for (older = l->next; older; older = older->next)
		if (!older->making && listing_is_of(older, &l->id))
			listing_forget(ls, older);
}

void
making_end(struct listings *ls, struct making *m, int dir)
{
	struct listing *l = m->l;
	struct listed_id id;
	struct listed_at now;
	bool same =
	    listed_id_of(dir, &id, &now) && !memcmp(&now, &l->at, sizeof(now));

	lock(ls);
	l->making = false;
	l->outdated = l->outdated || !same;
	if (is_vain(m))
		listing_forget(ls, l);
	if (m->later)
		l->since = l->patience;
	if (l->forgotten) {
		watch_remove(&ls->dirs, l->wd); /* who comes next may */
		l->wd = 0;
	} else {
		forget_older(ls, l);
		listing_note_used(ls, l, dir);
	}
	l->holds--;
	if (m->old)
		m->old->holds--;
	(void)pthread_cond_signal(&ls->work);
	unlock(ls);
	free(m);
}
