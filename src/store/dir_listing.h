/* SPDX-License-Identifier: MIT */
/*
 * Collections whose members are known, so that listing them asks the kernel
 * about none (docs/design/listings.md).
 *
 * A collection that is listed again is learnt: its names, and some members, by
 * the walk that lists it (dir_learn.c), the others once that is over
 * (dir_keeper.c).  It is known for as long as no event tells of a change.  A
 * member that an event is about is in doubt, and asked about at each listing,
 * until it is learnt again.  Where names have changed the next
 * walk reads them, and takes over what is known of the others.  What cannot be
 * watched is never known.
 */
#ifndef SHEAF_STORE_DIR_LISTING_H
#define SHEAF_STORE_DIR_LISTING_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/dir_level.h"
#include "store/dir_watch.h"

struct listings;
struct listing;

struct listings *listings_new(void); /* NULL: no memory */
void listings_free(struct listings *ls); /* nobody holds any; NULL is fine */

/*
 * What is known of the collection that is open as dir, as it is now; NULL:
 * nothing.  With making, it counts as listed once more.  If nothing is known
 * and it is worth while, *making is then what the walk is to make of it: it
 * must be given the members, and ended.
 */
struct listing *
listing_hold(struct listings *ls, int dir, struct making **making);
void listing_give_back(struct listings *ls, struct listing *l);

/* Its entries, as the kernel gives them. */
char *listing_entries(const struct listing *l, size_t *len);

/* Sets fact and known of those spots that are known. */
void listing_facts(
    struct listings *ls, const struct listing *l, struct spot *spots, size_t n);

/*
 * Whether it has few members, of short paths, and all are known: then nothing
 * has to be asked.
 */
bool listing_is_quick(
    struct listings *ls, const struct listing *l, struct rpath path);

/*
 * A guess, which costs nothing: whether the last listing of this path was
 * quick, as listings_note() was told.
 */
bool listings_guess(const struct listings *ls, struct rpath path);
void listings_note(struct listings *ls, struct rpath path, bool quick);

/* ---- a listing that a walk makes (dir_learn.c) */

/*
 * To be called with all entries in their order, as they were read: takes over
 * what was known of them.
 */
void making_read(
    struct listings *ls, struct making *m, struct spot *spots, size_t n);

/*
 * Learns those of a slice that can be learnt: they have a watch and a fact
 * afterwards.  again: they may have been moved since.  By any thread.
 */
void making_ask(struct listings *ls, struct making *m, int dir,
    struct spot *spots, size_t n, bool again);

/*
 * To be called with all members in their order, when they were asked about: the
 * listing gets them.
 */
void making_take(struct listings *ls, struct making *m, struct str entries,
    struct spot *spots, size_t n);

/*
 * The listing will not be whole: what it is given after this is no longer
 * watched.
 */
void making_stop(struct listings *ls, struct making *m);

/* Ends it: it is whole, or was stopped. */
void making_end(struct listings *ls, struct making *m, int dir);

/* Waits until nothing is left to be learnt; for tests. */
void listings_settle(struct listings *ls);

/* ---- between dir_listing.c, dir_learn.c and dir_keeper.c */

/* Which collection, by which mount. */
struct listed_id {
	uint64_t inode, mount;
	int64_t born;
	unsigned dev_major, dev_minor;
};

/* When it changed last. */
struct listed_at {
	struct statx_timestamp modified, changed;
};

/*
 * A member: a struct fact without what all members of a listing have in common,
 * since there are many.  known: the rest is right, unless there is an event
 * about it in the queue.
 */
struct kept {
	int wd; /* 0: it is not watched */
	uint16_t mode;
	bool known, has_born;
	uint64_t inode, size;
	int64_t modified, born;
};

/* A listing.  Fields change only under the lock, unless said otherwise. */
struct listing {
	struct listing *next; /* in the list that it is in */
	struct listed_id id; /* it and what follows are fixed */
	struct listed_at at;
	char *entries;
	size_t len, n;
	size_t n_links; /* members that are never known: links and the like */
	size_t bytes; /* of memory */
	struct kept *members;
	int wd;
	unsigned holds;
	bool making; /* it is not whole yet */
	bool outdated; /* its names are not right, its members are */
	bool forgotten; /* its watches go, and it, when nobody holds it */
	bool ordered; /* to be learnt again */
	uint64_t used; /* when last: listings.clock */
	unsigned uses;
	unsigned in_doubt; /* members that are to be asked about */
	unsigned since; /* uses since the last event about a member */
	unsigned patience; /* so many such uses before it is learnt again */
	size_t unwatched; /* once it is forgotten: members done */
};

/*
 * A listing that the keeper is to learn again: held, with a descriptor of its
 * own.
 */
struct order {
	int dir;
	struct listing *of;
};

#define PATIENCE 4 /* listings before a member is learnt again */
#define MAX_ORDERS 16
#define MAX_NOTES 256 /* a power of two */
#define MAX_QUICK 256

/* A collection that was listed but is not known. */
struct note {
	struct listed_id id;
	unsigned times; /* that it was listed */
	unsigned need; /* listings after which it is learnt */
};

struct listings {
	pthread_mutex_t lock;
	pthread_cond_t work, idle;
	bool started, busy, closing;
	pthread_t keeper;
	struct watch_set dirs, members;
	int mounts;
	unsigned long max_watches;
	struct listing *first; /* all there are */
	uint64_t clock; /* counts uses of listings */
	size_t n_orders;
	struct order orders[MAX_ORDERS];
	struct note notes[MAX_NOTES];
	_Atomic uint64_t quick[MAX_QUICK]; /* hashes of paths */
};

bool listed_id_of(int fd, struct listed_id *id, struct listed_at *at);

/*
 * Opens what tells of changes, if it is not open; false: that cannot be had
 * now.
 */
bool listings_listen(struct listings *ls);

/* All of these with the lock held. */
void listings_update(struct listings *ls);
void listing_forget(struct listings *ls, struct listing *l);
bool listing_is_of(const struct listing *l, const struct listed_id *id);
/* Whether it is whole, and not outdated or forgotten. */
bool listing_is_public(const struct listing *l);
void listing_note_used(struct listings *ls, struct listing *l, int dir);

/* Forgets what is used least to make room for l; false: l is too large. */
bool listings_make_room(struct listings *ls, const struct listing *l);

/*
 * Begins a listing; old is what was known before, or NULL.  NULL: it cannot be
 * known, or not now.
 */
struct making *
making_new(struct listings *ls, int dir, const struct listed_id *id,
    const struct listed_at *at, struct listing *old);

/* The fact of a member that is known. */
struct fact kept_fact(const struct listing *l, const struct kept *k);

/* Makes a member known, unless its watch has told of a change by now. */
void member_known(struct listings *ls, struct listing *l, size_t i, int wd,
    const struct fact *fact);

/* False: there is no keeper, so nothing can be learnt. */
bool keeper_start(struct listings *ls);
void keeper_order(struct listings *ls, int dir, struct listing *l);

/* Without the lock. */

/*
 * Whether an entry can ever be known: links cannot, since what they lead to is
 * elsewhere.
 */
bool entry_can_be_known(const struct entry *e);

/* The watch of a member that nobody writes to, and out; 0: it cannot be known.
 */
int member_learn(struct listings *ls, struct listing *l, size_t i, int dir,
    const struct entry *e, struct fact *out);

#endif
