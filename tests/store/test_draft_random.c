/* SPDX-License-Identifier: MIT */
/*
 * Random changes are made to a plain store in memory and to a draft over
 * another one with the same tree; at every step both say the same, and the base
 * does not change.  Then the draft is applied, and the base is what the plain
 * store is; or it is forgotten, and the base is what it was.
 * usage: test_draft_random STORE [SEEDS [FIRST]]; STORE: of the draft's base
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/tmpdir.h"
#include "store/draft.h"
#include "store/draft_pair.h"
#include "store/stores.h"

#define STEPS 24
#define START 40

/* What the draft stands on. */
static const struct base {
	const char *name;
	void (*try)(void);
	uint64_t seeds;
	/*
	 * As the plain store it sets has_props only where there are some, and
	 * of two locks in the way names the same.
	 */
	bool is_alike;
} * base;

/* ---- chance */

static uint64_t seed_now, dice;

static unsigned
pick(unsigned n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (unsigned)(dice >> 20) % n;
}

/* The shallow ones more often. */
static const char *
any_path(void)
{
	unsigned deep = pick(8);

	if (!deep)
		return path_at(pick(6));
	return path_at(deep < 5 ? pick(31) : pick(PATHS_MAX));
}

/* ---- changes */

enum kind { PUT, MKCOL, REMOVE, CLEAR, COPY, RENAME, PATCH, ALLOWS, N_KINDS };

static const char *const kind_names[N_KINDS] = { "put", "mkcol", "remove",
	"clear", "copy", "rename", "patch", "allows" };

struct step {
	enum kind kind;
	const char *path, *to;
	char text[16];
	enum replace replace;
	unsigned tokens; /* a bit for each lock that is shown */
	bool refuse;
	bool keyed, begins, done;
	char key[8];
	struct record record;
};

struct answer {
	enum err_code rc;
	bool created;
	char about[64];
	struct buf seen; /* by the guard, and so on */
};

static struct step
any_step(void)
{
	static const enum kind kinds[] = { PUT, PUT, PUT, MKCOL, MKCOL, REMOVE,
		REMOVE, CLEAR, COPY, COPY, RENAME, RENAME, RENAME, PATCH, PATCH,
		ALLOWS };
	struct step s = { .kind = kinds[pick(ARRAY_LEN(kinds))] };

	s.path = any_path();
	s.to = any_path();
	(void)snprintf(s.text, sizeof(s.text), "t%u", pick(1000));
	s.replace = pick(4) ? REPLACE_YES : REPLACE_NO;
	s.tokens = pick(3) ? 0xff : pick(1 << LOCKS_MAX);
	s.refuse = !pick(12);
	s.keyed = !pick(3);
	s.begins = !pick(4);
	s.done = !pick(2);
	(void)snprintf(s.key, sizeof(s.key), "k%u", pick(KEYS));
	return s;
}

struct asked {
	const struct step *step;
	struct answer *a;
};

static void
put_resource(struct buf *out, const char *name, const struct resource *r)
{
	if (r)
		buf_printf(out, " %s %d %llu %d", name, r->collection,
		    (unsigned long long)r->length,
		    base->is_alike && r->has_props);
}

static enum err_code
check(void *arg, const struct guarded *at, struct err *err)
{
	const struct asked *q = arg;

	buf_printf(&q->a->seen, "asked, %zu locks", at->n_locks);
	put_resource(&q->a->seen, "now", at->now);
	put_resource(&q->a->seen, "from", at->from);
	return q->step->refuse ? err_set(err, ERR_PRECONDITION, "no") : ERR_OK;
}

static enum err_code
remove_it(void *arg, const struct member *m, bool *prune)
{
	struct store *s = arg;
	enum err_code rc = store_remove(s, m->path, NULL, NULL, NULL);

	(void)prune;
	return rc == ERR_LOCKED || rc == ERR_NOT_EMPTY || rc == ERR_FORBIDDEN
	    ? ERR_OK
	    : rc;
}

static enum err_code
patch(struct store *s, const struct step *st, const struct guard *g,
    struct err *err)
{
	const struct prop_change c = {
		.remove = st->replace == REPLACE_NO,
		.prop = { .name = { STR("urn:t"),
			      str_head(str_from_c(st->text), 2) },
		    .form = st->replace == REPLACE_NO ? PROP_EMPTY : PROP_TEXT,
		    .value = st->replace == REPLACE_NO ? STR("")
						       : str_from_c(st->text) },
	};

	return store_patch(s, at(st->path), &c, 1, g, NULL, err);
}

static enum err_code
act(struct store *s, const struct step *st, const struct guard *g,
    struct answer *a, struct err *err)
{
	const struct walk clear = {
		.depth = DEPTH_INFINITY,
		.order = WALK_UP,
		.visit = remove_it,
		.arg = s,
	};
	struct resource made = { 0 };
	enum err_code rc = ERR_OK;

	switch (st->kind) {
	case PUT:
		return put(
		    s, st->path, str_from_c(st->text), g, &a->created, err);
	case MKCOL:
		return store_mkcol(s, at(st->path), g, NULL, err);
	case REMOVE:
		return store_remove(s, at(st->path), g, NULL, err);
	case CLEAR:
		return store_walk(s, at(st->path), &clear, err);
	case COPY:
		rc = store_copy(s, at(st->path), at(st->to), st->replace, g,
		    NULL, &made, &a->created, err);
		put_resource(&a->seen, "made", rc ? NULL : &made);
		return rc;
	case RENAME:
		return store_rename(s, at(st->path), at(st->to), st->replace, g,
		    NULL, &a->created, err);
	case PATCH:
		return patch(s, st, g, err);
	case ALLOWS:
		return store_allows(s, at(st->path),
		    st->replace == REPLACE_NO ? TOUCH_NAME : TOUCH_CONTENT, g,
		    err);
	case N_KINDS:
		break;
	}
	return rc;
}

static void
make_step(
    const struct pair *p, struct side *side, struct step *st, struct answer *a)
{
	struct asked q = { st, a };
	struct str v[LOCKS_MAX];
	struct lock_tokens tokens = { .user = STR("ann"), .v = v };
	struct guard g = { .check = check, .arg = &q, .tokens = &tokens };
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < p->n_locks; i++)
		if (st->tokens & 1U << i)
			v[tokens.n++] = str_from_c(side->locks[i].text);
	st->record = (struct record){
		.key = str_from_c(st->key),
		.print = STR("p"),
		.expires = clock_now() + 3600 * NSEC_PER_SEC,
		.begins = st->begins,
	};
	if (st->keyed)
		g.record = &st->record;
	a->rc = act(side->s, st, &g, a, &err);
	if (a->rc && st->kind != CLEAR &&
	    (base->is_alike || a->rc != ERR_LOCKED))
		(void)snprintf(a->about, sizeof(a->about), "%.60s", err.about);
	if (!a->rc && st->keyed && st->done)
		assert_int_equal(store_remember(side->s, &st->record,
				     STR("done"), NULL, NULL),
		    ERR_OK);
}

static void
make_steps(struct pair *p, unsigned n)
{
	while (n--) {
		struct step st = any_step();
		struct answer a = { 0 };
		struct answer b = { 0 };
		char what[64];

		(void)snprintf(what, sizeof(what), "%s %s -> %s",
		    kind_names[st.kind], st.path, st.to);
		make_step(p, &p->plain, &st, &a);
		make_step(p, &p->draft, &st, &b);
		buf_putc(&a.seen, '\0');
		buf_putc(&b.seen, '\0');
		if (a.rc != b.rc || strcmp(a.about, b.about))
			pair_failed(
			    p, what, a.about, err_name(a.rc), err_name(b.rc));
		if (a.created != b.created || strcmp(a.seen.ptr, b.seen.ptr))
			pair_failed(p, what, "", a.seen.ptr, b.seen.ptr);
		buf_done(&a.seen);
		buf_done(&b.seen);
		if (!pick(4))
			compare_pictures(p, what);
	}
}

/* ---- the two stores */

static void
plant(struct pair *p)
{
	int i;

	for (i = 0; i < START; i++) {
		struct step st = any_step();
		const struct side *sides[] = { &p->plain, &p->draft };
		size_t k;

		st.kind = pick(4) ? (pick(2) ? PUT : MKCOL) : PATCH;
		for (k = 0; k < ARRAY_LEN(sides); k++) {
			struct answer a = { 0 };
			static struct side below;

			below.s = sides[k]->base;
			st.refuse = false;
			make_step(p, &below, &st, &a);
			buf_done(&a.seen);
		}
	}
}

static void
plant_locks(struct pair *p)
{
	unsigned n = 4 * pick(LOCKS_MAX + 1); /* most paths lead nowhere */
	unsigned i;

	for (i = 0; i < n && p->n_locks < LOCKS_MAX; i++) {
		const char *path = any_path();
		enum depth depth = pick(2) ? DEPTH_INFINITY : DEPTH_0;
		const char *user = pick(3) ? "ann" : "bob";
		struct resource r;

		if (store_stat(p->plain.base, at(path), &r, NULL))
			continue;
		p->plain.locks[p->n_locks] =
		    lock_at(p->plain.base, path, depth, true, user);
		p->draft.locks[p->n_locks++] =
		    lock_at(p->draft.base, path, depth, true, user);
	}
}

static void
apply_to(struct store *draft, struct store *under)
{
	struct store_claim *c;

	assert_ok(store_claim(under, at("/"), &c, err));
	assert_ok(draft_apply(draft, c, err));
	store_claim_end(c);
}

/* What the draft said of etags is so in its base, and of the ids of files. */
static void
check_applied(struct side *draft)
{
	static struct resource said[PATHS_MAX];
	size_t i;

	memcpy(said, draft->seen, sizeof(said));
	for (i = 0; i < PATHS_MAX; i++) {
		struct resource r;

		if (!draft->is_seen[i])
			continue;
		r = must_stat(draft->base, path_at(i));
		assert_str_equal(resource_etag(&r), resource_etag(&said[i]));
		if (base->is_alike)
			assert_int_equal(r.has_props, said[i].has_props);
		if (!r.collection)
			assert_true(same_id(&r, &said[i]));
		/* Ids of new collections come with the apply. */
		draft->seen[i] = r;
	}
}

static void
one_draft(struct pair *p, const struct draft_spec *spec, bool nested)
{
	struct buf before CLEANUP(buf_done) = { 0 };
	struct buf after CLEANUP(buf_done) = { 0 };
	bool forget = spec->dry || !pick(4);

	put_base(p->draft.base, &before);
	assert_ok(draft_new(p->draft.base, spec, &p->draft.s, err));
	p->middle = NULL;
	if (nested) {
		p->middle = p->draft.s;
		make_steps(p, STEPS / 3);
		assert_ok(draft_new(p->middle, spec, &p->draft.s, err));
	}
	compare_pictures(p, "at first");
	make_steps(p, STEPS);
	compare_pictures(p, "before the apply");
	put_base(p->draft.base, &after);
	assert_str_equal(buf_str(&after), buf_str(&before));
	if (nested && !spec->dry) {
		apply_to(p->draft.s, p->middle);
		store_close(p->draft.s);
		p->draft.s = p->middle;
		/* Ids of new collections are others now. */
		put_picture(&p->draft, &after);
		put_picture(&p->plain, &after);
		make_steps(p, STEPS / 3);
		compare_pictures(p, "before the outer apply");
	} else if (nested) {
		store_close(p->draft.s);
		p->draft.s = p->middle;
	}
	if (!forget)
		apply_to(p->draft.s, p->draft.base);
	store_close(p->draft.s);
	p->draft.s = p->draft.base;
	if (!forget) {
		check_applied(&p->draft);
		compare_pictures(p, "after the apply");
		return;
	}
	put_base(p->draft.base, &after);
	assert_str_equal(buf_str(&after), buf_str(&before));
}

static void
try_seed(uint64_t seed, struct store *under)
{
	static struct pair p; /* too large for the stack */
	struct draft_spec spec = { .max_changed = 10000 };

	memset(&p, 0, sizeof(p));
	p.seed = seed;
	dice = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	p.draft.base = under;
	assert_ok(mem_store_new(&p.plain.base, err));
	p.plain.s = p.plain.base;
	plant(&p);
	plant_locks(&p);
	spec.dry = !pick(6);
	one_draft(&p, &spec, !pick(3));
	store_close(p.plain.base);
	store_close(p.draft.base);
}

static void
over_a_store_in_memory(void)
{
	struct store *s;

	assert_ok(mem_store_new(&s, err));
	try_seed(seed_now, s);
}

static void
over_a_directory(void)
{
	struct tmpdir dir;
	const struct dir_store_spec spec = { .dir = dir.path, .relaxed = true };
	struct store *s;

	tmpdir_make(&dir);
	assert_ok(dir_store_open(&spec, &s, err));
	try_seed(seed_now, s);
	tmpdir_remove(&dir);
}

static const struct base bases[] = {
	{ "memory", over_a_store_in_memory, 1200, true },
	{ "directory", over_a_directory, 60, false },
};

static uint64_t first_seed = 1;
static uint64_t n_seeds;

static void
a_draft_is_to_its_base_as_a_store_to_itself(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 0; i < n_seeds; i++) {
		seed_now = first_seed + i;
		base->try();
	}
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_draft_is_to_its_base_as_a_store_to_itself),
	};
	size_t i;

	for (i = 0; argc > 1 && i < ARRAY_LEN(bases); i++)
		if (!strcmp(argv[1], bases[i].name))
			base = &bases[i];
	if (!base)
		return EXIT_FAILURE;
	n_seeds = base->seeds;
	if ((argc > 2 && !str_to_u64(str_from_c(argv[2]), &n_seeds)) ||
	    (argc > 3 && !str_to_u64(str_from_c(argv[3]), &first_seed)))
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
