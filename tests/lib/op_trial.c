/* SPDX-License-Identifier: MIT */
#include "lib/op_trial.h"

#include <stdio.h>

#include "base/clock.h"
#include "lib/test.h"

/* ---- what was there, and what is */

void
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

const struct item *
snap_find(const struct snap *s, const char *path)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].path, path))
			return &s->v[i];
	return NULL;
}

bool
is_there(const struct snap *s, const char *path, const struct item *like)
{
	const struct item *i = snap_find(s, path);

	return i && i->dir == like->dir && !strcmp(i->bytes, like->bytes);
}

/* ---- what was said */

bool
is_named(const struct trial *r, const char *path)
{
	return op_test_named(&r->t, at(path));
}

bool
is_covered(const struct trial *r, const char *path)
{
	size_t i;

	for (i = 0; i < r->t.out.n; i++)
		if (rpath_covers(r->t.out.items[i].path, at(path)))
			return true;
	return false;
}

bool
is_above_named(const struct trial *r, const char *path)
{
	size_t i;

	for (i = 0; i < r->t.out.n; i++)
		if (rpath_is_ancestor(at(path), r->t.out.items[i].path))
			return true;
	return false;
}

struct other
other(const char *path)
{
	struct other o;

	(void)snprintf(o.path, sizeof(o.path), "%s", path);
	o.path[1] = path[1] == 's' ? 'd' : 's';
	return o;
}

bool
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

bool
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

bool
is_fixed(const struct trial *r, struct rpath path)
{
	return is_locked(r, path) || is_locked(r, rpath_parent(path));
}

bool
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

unsigned
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

void
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

void
trial_look(struct trial *r)
{
	tree_put(r->t.deny.inner, "/", &r->is);
	take_snap(&r->after, buf_str(&r->is));
}

void
trial_done(struct trial *r)
{
	buf_done(&r->was);
	buf_done(&r->is);
	op_test_done(&r->t);
}

void
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

void
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
