/* SPDX-License-Identifier: MIT */
/*
 * What DELETE, COPY and MOVE report of random trees with random refusals and
 * random locks is exactly what is, or is not, there afterwards; and nothing
 * that is locked has changed.
 */
#include "lib/test.h"

#include <stdlib.h>

#include "lib/op_trial.h"

#define ROUNDS 3000

/* ---- what every operation owes to locks */

static bool
lock_is_there(const struct trial *r, const struct lock_row *row)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *l;
	size_t n, i;

	assert_int_equal(
	    store_locks(r->t.deny.inner, at(row->root), &a, &l, &n, NULL),
	    ERR_OK);
	for (i = 0; i < n; i++)
		if (str_eq(l[i].token, str_from_c(row->token.text)))
			return true;
	return false;
}

static void
check_locks(const struct trial *r, uint64_t round)
{
	size_t i;

	for (i = 0; i < r->before.n; i++) {
		const struct item *was = &r->before.v[i];

		if (is_locked(r, at(was->path)))
			check(r, is_there(&r->after, was->path, was), round,
			    was->path, "locked, and changed");
		else if (is_fixed(r, at(was->path)))
			check(r, snap_find(&r->after, was->path), round,
			    was->path, "its collection is locked, and it went");
	}
	for (i = 0; i < r->after.n; i++) {
		const char *path = r->after.v[i].path;

		if (is_fixed(r, at(path)))
			check(r, snap_find(&r->before, path), round, path,
			    "came into a locked collection");
	}
	for (i = 0; i < r->n_locks; i++) {
		const struct lock_row *row = &r->locks[i];

		if (is_fixed(r, at(row->root)))
			check(r, lock_is_there(r, row), round, row->root,
			    "a lock is lost");
		if (lock_is_there(r, row))
			check(r,
			    row->root[1] == '\0' ||
				snap_find(&r->after, row->root),
			    round, row->root, "a lock on nothing");
	}
}

/* Where only locks refuse, what is named has one to be named for. */
static void
check_named(const struct trial *r, uint64_t round)
{
	size_t i;

	for (i = 0; !r->t.deny.n && i < r->t.out.n; i++) {
		struct other p;

		set_text(p.path, sizeof(p.path), r->t.out.items[i].path.s);
		check(r,
		    holds_fixed(r, at(p.path)) ||
			holds_fixed(r, at(other(p.path).path)),
		    round, p.path, "named, and not locked");
		check(r, r->t.out.items[i].status == 423, round, p.path,
		    "not 423");
	}
}

/* ---- DELETE /s */

/* With nothing refused but by locks, all that may go is gone. */
static void
check_deleted_but_locked(
    const struct trial *r, uint64_t round, const struct item *i)
{
	struct rpath path = at(i->path);
	bool there = snap_find(&r->after, i->path);

	if (i->path[1] == 'd' || r->t.deny.n)
		return;
	check(r, there == holds_fixed(r, path), round, i->path,
	    there ? "not locked, and there" : "locked, and gone");
	if (is_named(r, i->path))
		check(r, is_fixed(r, path), round, i->path,
		    "named, and not itself locked");
}

static void
check_deleted(const struct trial *r, uint64_t round, const struct item *i)
{
	bool there = is_there(&r->after, i->path, i);
	bool unseen = is_denied(r, i->path, DENY_LIST | DENY_STAT);

	if (i->path[1] == 'd') {
		check(r, there, round, i->path, "not ours to remove");
		return;
	}
	if (is_named(r, i->path) || is_above_named(r, i->path))
		check(r, there, round, i->path, "reported, and gone");
	else if (is_fixed(r, at(i->path)))
		check(r, is_covered(r, i->path), round, i->path,
		    "locked, and unreported");
	else if (!unseen || !is_covered(r, i->path))
		check(r, !there, round, i->path, "unreported, and there");
}

static void
delete_reports_what_stays(void **state)
{
	uint64_t round;
	size_t k;

	(void)state;
	for (round = 1; round <= ROUNDS; round++) {
		struct trial *r = calloc(1, sizeof(*r));
		struct guard g;

		assert_non_null(r);
		trial_init(r, round);
		g = op_tokens(&r->t.op);
		r->rc = op_delete(&r->t.op, at("/s"), &g, &r->t.out.base, NULL);
		trial_look(r);
		check_answer(r, round);
		check_locks(r, round);
		check_named(r, round);
		if (is_fixed(r, at("/s")))
			check(r, r->rc, round, "/s", "locked, and it went on");
		for (k = 0; !r->rc && k < r->before.n; k++) {
			check_deleted(r, round, &r->before.v[k]);
			check_deleted_but_locked(r, round, &r->before.v[k]);
		}
		trial_done(r);
		free(r);
	}
}

/* ---- COPY and MOVE of /s to /d */

/* What was at the destination and is not in the source. */
static void
check_old(const struct trial *r, uint64_t round, const struct item *old)
{
	const struct other from = other(old->path);
	bool there = snap_find(&r->after, old->path);
	bool excused = is_covered(r, old->path) || is_covered(r, from.path);

	if (snap_find(&r->before, from.path)) {
		if (excused)
			check(r, there, round, old->path,
			    "removed with nothing in its place");
		return;
	}
	if (is_named(r, old->path) || is_above_named(r, old->path))
		check(r, there, round, old->path, "reported, and gone");
	else if (!excused)
		check(r, !there, round, old->path, "merged, and unsaid");
}

static void
check_copied(const struct trial *r, uint64_t round, const struct item *i)
{
	const struct other to = other(i->path);
	const struct item *old = snap_find(&r->before, to.path);

	check(r, is_there(&r->after, i->path, i), round, i->path,
	    "a COPY changed its source");
	if (!is_covered(r, i->path) && !is_covered(r, to.path))
		check(r, is_there(&r->after, to.path, i), round, i->path,
		    "not copied, and unsaid");
	else if (!i->dir && (is_named(r, i->path) || is_named(r, to.path)))
		check(r,
		    old ? is_there(&r->after, to.path, old)
			: !snap_find(&r->after, to.path),
		    round, i->path, "reported, and there or half there");
}

static void
check_moved(const struct trial *r, uint64_t round, const struct item *i)
{
	const struct other to = other(i->path);
	bool stays = is_there(&r->after, i->path, i);
	bool came = is_there(&r->after, to.path, i);
	bool named = is_named(r, i->path) || is_named(r, to.path);
	bool covered = is_covered(r, i->path) || is_covered(r, to.path);
	bool above = is_above_named(r, i->path) || is_above_named(r, to.path);

	check(r, stays || came, round, i->path, "lost");
	if (!covered && !above)
		check(r, came && !stays, round, i->path, "unsaid, and there");
	if (!covered)
		check(r, came, round, i->path, "unsaid, and did not come");
	if (named && !i->dir)
		check(r, stays, round, i->path, "reported, and gone");
}

static void
run_transfers(bool move)
{
	struct guard g;
	const struct transfer t = {
		.from = at("/s"),
		.to = at("/d"),
		.overwrite = true,
		.guard = &g,
	};
	uint64_t round;
	size_t k;

	for (round = 1; round <= ROUNDS; round++) {
		struct trial *r = calloc(1, sizeof(*r));

		assert_non_null(r);
		trial_init(r, round);
		g = op_tokens(&r->t.op);
		/* With refusals all goes member by member. */
		r->t.deny.no_rename = r->t.deny.n || random_below(r, 2);
		r->rc = (move ? op_move : op_copy)(
		    &r->t.op, &t, &r->t.out.base, &r->created, NULL);
		trial_look(r);
		check_answer(r, round);
		check_locks(r, round);
		check_named(r, round);
		for (k = 0; !r->rc && k < r->before.n; k++) {
			const struct item *i = &r->before.v[k];

			if (i->path[1] == 'd')
				check_old(r, round, i);
			else if (move)
				check_moved(r, round, i);
			else
				check_copied(r, round, i);
		}
		trial_done(r);
		free(r);
	}
}

static void
copy_reports_what_is_not_at_the_destination(void **state)
{
	(void)state;
	run_transfers(false);
}

static void
move_reports_what_is_still_at_the_source(void **state)
{
	(void)state;
	run_transfers(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delete_reports_what_stays),
		cmocka_unit_test(copy_reports_what_is_not_at_the_destination),
		cmocka_unit_test(move_reports_what_is_still_at_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
