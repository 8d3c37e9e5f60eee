/* SPDX-License-Identifier: MIT */
/*
 * The files of one collection, taken together by an operation on a tree: a
 * portion is one call of the store, made by whoever of a crew is free.  What
 * became of them is told in the order in which they were met.  A portion that
 * begins with its collection may have collections below that as well.
 */
#ifndef SHEAF_DAV_PORTION_H
#define SHEAF_DAV_PORTION_H

#include "base/buf.h"
#include "dav/op.h"
#include "store/members.h"

struct portions;

struct portion_failure {
	struct portion_failure *next;
	size_t i; /* of names */
	enum err_code rc;
	struct err why;
};

struct portion {
	struct crew_job base;
	struct portions *of;
	struct arena arena;
	struct rpath in; /* the collection they are in */
	bool itself; /* that goes with them */
	bool done_itself;
	struct rpath to; /* for whoever runs it */
	size_t n;
	struct str names[MEMBERS_MAX]; /* below `in` */
	bool collections[MEMBERS_MAX];
	enum err_code rc; /* of all of it, or of the collection */
	struct err why;
	struct portion_failure *failed, **last_failed;
};

struct portion_ops {
	/* Called by the giving thread when the portion is begun; optional. */
	enum err_code (*begin)(void *arg, struct portion *p);
	/* By any thread; calls m, which has n and names of p, for them. */
	void (*run)(void *arg, struct portion *p, const struct member_files *m);
	/* Called by the giving thread, in order: tells what became of it. */
	enum err_code (*end)(void *arg, struct portion *p);
};

struct portions {
	const struct op *op;
	const struct portion_ops *ops;
	void *arg;
	struct crew crew;
	struct portion *now; /* not yet given */
	size_t seen; /* files, and collections that go with theirs */
};

/* *ps must not move afterwards. */
void portions_init(struct portions *ps, const struct op *op,
    const struct portion_ops *ops, void *arg);

/*
 * Each of these fails with ERR_NOMEM, or with what an end() returned.
 *
 * Adds a file, or a collection that fits; begins a collection, with the members
 * that follow; ends one, with those that are being collected, or by itself.
 */
enum err_code
portions_add(struct portions *ps, struct rpath path, bool collection) MUST_USE;
enum err_code
portions_enter(struct portions *ps, struct rpath collection) MUST_USE;
enum err_code
portions_leave(struct portions *ps, struct rpath collection) MUST_USE;

/*
 * Begins and does at once those that are being collected, if they began with a
 * collection that `in` is, or is in.  *whole: all of them came, so that what
 * else is in it need not wait for the end of the portion.  *rest: NULL, or what
 * came of the member that `in` is, or is in: that is left, and is what is being
 * collected now, beginning with that member.
 */
enum err_code portions_do(struct portions *ps, struct rpath in, bool *whole,
    struct portion **rest) MUST_USE;

/* Tells of the portions that were given or done so far. */
enum err_code portions_tell(struct portions *ps) MUST_USE;

/* Forgets those that are being collected. */
void portions_drop(struct portions *ps);

/* Whether a member of `in` would join those that are being collected. */
bool portions_fits(const struct portions *ps, struct rpath in, bool collection);

/* Gives what is being collected, waits for all, and tells of it. */
enum err_code portions_drain(struct portions *ps) MUST_USE;

/* Forgets what has not begun. */
void portions_done(struct portions *ps);

/* The path of its i-th member, in its arena. */
enum err_code portion_path(
    struct portion *p, size_t i, struct rpath *out, struct err *err) MUST_USE;

#endif
