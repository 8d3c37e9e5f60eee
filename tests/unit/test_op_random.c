/* SPDX-License-Identifier: MIT */
/*
 * What DELETE, COPY and MOVE report of random trees with random refusals and
 * random locks is exactly what is, or is not, there afterwards; and nothing
 * that is locked has changed.
 */
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/locks.h"
#include "lib/op_test.h"

#define ROUNDS 3000
#define ITEMS_MAX 128
#define LOCKS_MAX 8

/* ---- what was there, and what is */

struct item {
	char path[48];
	bool dir;
	char bytes[16];
};

struct snap {
	struct item v[ITEMS_MAX];
	size_t n;
};

struct lock_row {
	char root[48];
	enum depth depth;
	bool held; /* its token is submitted, by its creator */
	struct token token;
};

struct trial {
	struct op_test t;
	uint64_t seed;
	struct lock_row locks[LOCKS_MAX];
	size_t n_locks;
	struct str held[LOCKS_MAX];
	struct lock_tokens tokens;
	struct snap before, after;
	struct buf was, is; /* the same as text */
	enum err_code rc;
	bool created;
};

static void
set_text(char *out, size_t size, struct str s)
{
	assert_true(s.len < size);
	if (s.len)
		memcpy(out, s.ptr, s.len);
	out[s.len] = '\0';
}

/* From "/a/ /a/f=bytes". */
static void
take_snap(struct snap *s, struct str text)
{
	struct str word;

	s->n = 0;
	while (text.len && str_cut(&text, ' ', &word)) {
		size_t sign = str_find(word, '=');
		struct item *i = &s->v[s->n++];

		assert_true(s->n < ITEMS_MAX);
		i->dir = str_ends(word, STR("/"));
		set_text(i->path, sizeof(i->path),
		    str_head(word, i->dir ? word.len - 1 : sign));
		set_text(i->bytes, sizeof(i->bytes), str_skip(word, sign + 1));
	}
}

static const struct item *
snap_find(const struct snap *s, const char *path)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].path, path))
			return &s->v[i];
	return NULL;
}

/* Whether it is there as `like` is. */
static bool
is_there(const struct snap *s, const char *path, const struct item *like)
{
	const struct item *i = snap_find(s, path);

	return i && i->dir == like->dir && !strcmp(i->bytes, like->bytes);
}

/* ---- what was said */

static bool
is_named(const struct trial *r, const char *path)
{
	return op_test_named(&r->t, at(path));
}

/* It, or something above it. */
static bool
is_covered(const struct trial *r, const char *path)
{
	size_t i;

	for (i = 0; i < r->t.out.n; i++)
		if (rpath_covers(r->t.out.items[i].path, at(path)))
			return true;
	return false;
}

static bool
is_above_named(const struct trial *r, const char *path)
{
	size_t i;

	for (i = 0; i < r->t.out.n; i++)
		if (rpath_is_ancestor(at(path), r->t.out.items[i].path))
			return true;
	return false;
}

/* "/s/..." as "/d/..." and back. */
struct other {
	char path[48];
};

static struct other
other(const char *path)
{
	struct other o;

	(void)snprintf(o.path, sizeof(o.path), "%s", path);
	o.path[1] = path[1] == 's' ? 'd' : 's';
	return o;
}

static bool
is_denied(const struct trial *r, const char *path, unsigned what)
{
	size_t i;

	for (i = 0; i < r->t.deny.n; i++)
		if ((r->t.deny.rows[i].what & what) &&
		    rpath_covers(at(r->t.deny.rows[i].path), at(path)))
			return true;
	return false;
}

/* ---- what is locked, by the words of RFC 4918 s7 */

/* Whether it is locked, directly or not, and no token of that was submitted. */
static bool
is_locked(const struct trial *r, struct rpath path)
{
	bool locked = false;
	size_t i;

	for (i = 0; i < r->n_locks; i++) {
		const struct lock_row *l = &r->locks[i];

		if (!rpath_eq(at(l->root), path) &&
		    (l->depth == DEPTH_0 ||
			!rpath_is_ancestor(at(l->root), path)))
			continue;
		if (l->held)
			return false;
		locked = true;
	}
	return locked;
}

/* Whether it may not come or go: a collection's lock is one on its members. */
static bool
is_fixed(const struct trial *r, struct rpath path)
{
	return is_locked(r, path) || is_locked(r, rpath_parent(path));
}

/* It, or something below it that was there. */
static bool
holds_fixed(const struct trial *r, struct rpath path)
{
	size_t i;

	if (is_fixed(r, path))
		return true;
	for (i = 0; i < r->before.n; i++) {
		struct rpath item = at(r->before.v[i].path);

		if (rpath_is_ancestor(path, item) && is_fixed(r, item))
			return true;
	}
	return false;
}

/* ---- trials */

static unsigned
random_below(struct trial *r, unsigned n)
{
	assert_true(n > 0);
	r->seed ^= r->seed << 13;
	r->seed ^= r->seed >> 7;
	r->seed ^= r->seed << 17;
	return (unsigned)(r->seed >> 11) % n;
}

/* Collections whose members are still to be made. */
struct queue {
	struct other v[ITEMS_MAX];
	size_t n;
};

static void
enqueue(struct queue *q, const char *dir, const char *name)
{
	assert_true(q->n < ITEMS_MAX);
	(void)snprintf(
	    q->v[q->n].path, sizeof(q->v[0].path), "%s%s", dir, name);
	q->n++;
}

/* Adds a tree of up to three levels below root. */
static void
grow(struct trial *r, struct buf *text, const char *root)
{
	static const char *const names[] = { "/a", "/b", "/c" };
	struct queue q = { .n = 0 };
	size_t i, k;

	enqueue(&q, root, "");
	for (i = 0; i < q.n; i++) {
		const char *dir = q.v[i].path;

		buf_printf(text, "%s/ ", dir);
		for (k = 0; k < ARRAY_LEN(names); k++) {
			unsigned what = random_below(r, 3);

			if (what == 1 && strlen(dir) < strlen("/s/a/b/c"))
				enqueue(&q, dir, names[k]);
			else if (what)
				buf_printf(text, "%s%s=%c%zu ", dir, names[k],
				    root[1], text->len);
		}
	}
}

static void
refuse_at_random(struct trial *r)
{
	static const unsigned whats[] = { DENY_REMOVE, DENY_COPY_FROM,
		DENY_COPY_TO, DENY_LIST, DENY_STAT };
	static const enum err_code codes[] = { ERR_FORBIDDEN, ERR_IO,
		ERR_NO_SPACE };
	unsigned n = random_below(r, 5);

	while (n--) {
		const char *path =
		    r->before.v[random_below(r, (unsigned)r->before.n)].path;
		unsigned what = whats[random_below(r, ARRAY_LEN(whats))];

		/* What a copy would make, as well as what is there. */
		if (what == DENY_COPY_TO && path[1] == 's')
			deny(&r->t.deny, other(path).path, what, ERR_NO_SPACE);
		else
			deny(&r->t.deny, path, what,
			    codes[random_below(r, ARRAY_LEN(codes))]);
	}
}

/* One that does not conflict with those there are. */
static void
lock_one(struct trial *r, const char *root)
{
	static const char *const users[] = { "ann", "bob" };
	struct arena a CLEANUP(arena_done) = { 0 };
	struct lock_row *row = &r->locks[r->n_locks];
	const struct lock_spec spec = {
		.shared = random_below(r, 2),
		.depth = random_below(r, 2) ? DEPTH_INFINITY : DEPTH_0,
		.user = str_from_c(users[random_below(r, 2)]),
		.timeout = 3600 * NSEC_PER_SEC,
	};
	struct lock l;
	enum err_code rc;

	rc = store_lock(
	    r->t.deny.inner, at(root), &spec, NULL, &a, &l, NULL, NULL);
	assert_true(rc == ERR_OK || rc == ERR_LOCK_CONFLICT);
	if (rc)
		return;
	r->n_locks++;
	(void)snprintf(row->root, sizeof(row->root), "%s", root);
	row->depth = spec.depth;
	set_text(row->token.text, sizeof(row->token.text), l.token);
	/* Bob's token is of no use to Ann. */
	if (!random_below(r, 2))
		return;
	r->held[r->tokens.n++] = str_from_c(row->token.text);
	row->held = str_eq(spec.user, r->tokens.user);
}

static void
lock_at_random(struct trial *r)
{
	unsigned n = random_below(r, 3) ? random_below(r, LOCKS_MAX - 1) : 0;

	r->n_locks = 0;
	r->tokens = (struct lock_tokens){ STR("ann"), r->held, 0 };
	r->t.op.tokens = &r->tokens;
	if (n && !random_below(r, 8))
		lock_one(r, "/");
	while (n--)
		lock_one(r,
		    r->before.v[random_below(r, (unsigned)r->before.n)].path);
}

static void
trial_init(struct trial *r, uint64_t seed)
{
	struct buf text = { 0 };

	r->seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	r->before.n = r->after.n = 0;
	r->was = r->is = (struct buf){ 0 };
	grow(r, &text, "/s");
	if (random_below(r, 4))
		grow(r, &text, "/d");
	buf_putc(&text, '\0');
	op_test_init(&r->t, text.ptr);
	tree_put(r->t.deny.inner, "/", &r->was);
	take_snap(&r->before, buf_str(&r->was));
	if (random_below(r, 2))
		refuse_at_random(r);
	lock_at_random(r);
	(void)op_test_sink(&r->t);
	buf_done(&text);
}

static void
trial_look(struct trial *r)
{
	tree_put(r->t.deny.inner, "/", &r->is);
	take_snap(&r->after, buf_str(&r->is));
}

static void
trial_done(struct trial *r)
{
	buf_done(&r->was);
	buf_done(&r->is);
	op_test_done(&r->t);
}

static void
check(const struct trial *r, bool holds, uint64_t round, const char *path,
    const char *rule)
{
	size_t i;

	if (holds)
		return;
	print_error("round %llu, %s: %s\nwas %.*s\nis  %.*s\nrc %s, said:",
	    (unsigned long long)round, path, rule, STR_ARG(buf_str(&r->was)),
	    STR_ARG(buf_str(&r->is)), err_name(r->rc));
	for (i = 0; i < r->t.out.n; i++)
		print_error(" %.*s %u", STR_ARG(r->t.out.items[i].path.s),
		    r->t.out.items[i].status);
	print_error("\ndenied:");
	for (i = 0; i < r->t.deny.n; i++)
		print_error(
		    " %s %x", r->t.deny.rows[i].path, r->t.deny.rows[i].what);
	print_error("\nlocked:");
	for (i = 0; i < r->n_locks; i++)
		print_error(" %s %s%s", r->locks[i].root,
		    r->locks[i].depth ? "infinity" : "0",
		    r->locks[i].held ? " (held)" : "");
	print_error("\n");
	fail();
}

/* An href stands once in an answer, and an error came before any change. */
static void
check_answer(const struct trial *r, uint64_t round)
{
	size_t i, k;

	for (i = 0; i < r->t.out.n; i++)
		for (k = 0; k < i; k++)
			check(r,
			    !rpath_eq(
				r->t.out.items[i].path, r->t.out.items[k].path),
			    round, "", "named twice");
	if (r->rc == ERR_OK)
		return;
	check(r, r->t.out.n == 0, round, "", "an error after outcomes");
	check(r, str_eq(buf_str(&r->was), buf_str(&r->is)), round, "",
	    "an error after changes");
}

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
