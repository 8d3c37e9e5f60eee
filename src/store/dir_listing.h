/* SPDX-License-Identifier: MIT */
/*
 * Collections whose members are known, so that listing them asks the kernel
 * about none (docs/design/listings.md).
 *
 * A collection that was listed a few times and had not changed is learnt by a
 * thread of its own (dir_keeper.c).  It is known for as long as no event tells
 * of a change; a member that an event is about is in doubt, and asked about at
 * each listing, until it is learnt again.  What cannot be watched is never
 * known.
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
 * nothing.  It notes that it is listed.
 */
struct listing *listing_hold(struct listings *ls, int dir);
void listing_give_back(struct listings *ls, struct listing *l);

/* Its entries, as the kernel gives them. */
char *listing_entries(const struct listing *l, size_t *len);

/* Sets fact and known of those spots that are known. */
void listing_facts(
    struct listings *ls, const struct listing *l, struct spot *spots, size_t n);

/* Few members, all of them known: nothing has to be asked. */
bool listing_is_quick(struct listings *ls, const struct listing *l);

/* Whether what was listed by this path was so the last time, as was noted. */
bool listings_guess(const struct listings *ls, struct rpath path);
void listings_note(struct listings *ls, struct rpath path, bool quick);

/* Waits until nothing is left to be learnt; for tests. */
void listings_settle(struct listings *ls);

/* ---- between dir_listing.c and dir_keeper.c */

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

/* A member.  known: fact is right unless the queue has an event about it. */
struct kept {
	int wd; /* 0: it is not watched */
	bool known;
	struct fact fact;
};

/* What is not said to be otherwise changes under the lock only. */
struct listing {
	struct listing *next; /* in the list that it is in */
	struct listed_id id; /* fixed, as is what follows */
	struct listed_at at;
	char *entries;
	size_t len, n;
	size_t n_links; /* and what else is never known, of any kind */
	size_t bytes; /* of memory */
	struct kept *members;
	int wd;
	unsigned holds;
	bool public; /* it may be found */
	bool forgotten; /* its watches go, and it, when nobody holds it */
	bool ordered; /* to be learnt again */
	uint64_t used; /* when, in uses of all */
	unsigned uses;
	unsigned in_doubt; /* members */
	unsigned since; /* uses since the last event about a member */
	unsigned patience; /* so many are waited for */
	size_t unwatched; /* members, once it is forgotten */
};

/* What the keeper is to learn; its own descriptor. */
struct order {
	int dir;
	struct listing *again; /* held; NULL: a new one */
};

#define MAX_ORDERS 16
#define MAX_NOTES 256 /* a power of two */
#define MAX_QUICK 256

/* A collection that was listed but is not known. */
struct note {
	struct listed_id id;
	struct listed_at at;
	unsigned times; /* it was listed, without a change */
	unsigned need; /* so many make it worth while */
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
	uint64_t clock;
	size_t n_orders;
	struct order orders[MAX_ORDERS];
	struct note notes[MAX_NOTES];
	_Atomic uint64_t quick[MAX_QUICK]; /* hashes of paths */
};

bool listed_id_of(int fd, struct listed_id *id, struct listed_at *at);

/* Opens what tells of changes, if it is not yet; false: it cannot be had now.
 */
bool listings_listen(struct listings *ls);

/* With the lock.  All of these. */
void listings_update(struct listings *ls);
void listing_forget(struct listings *ls, struct listing *l);
void keeper_order(struct listings *ls, int dir, struct listing *again);

#endif
