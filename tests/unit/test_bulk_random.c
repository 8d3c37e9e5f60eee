/* SPDX-License-Identifier: MIT */
/*
 * Batches of any operations: side by side they leave what they would one after
 * the other, and say the same; also on a directory, held against memory.
 * usage: test_bulk_random STORE [SEEDS [FIRST]]
 */
#include "lib/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/bulk_try.h"
#include "lib/locks.h"
#include "lib/tmpdir.h"
#include "store/stores.h"

#define TREE "/a/ /a/k/ /a/k/z=3 /a/x=1 /b/ /b/x=2 /f=old"

static const char *const paths[] = { "/a", "/b", "/c", "/a/x", "/a/y", "/a/k",
	"/a/k/z", "/b/x", "/b/k", "/b/k/z", "/f", "/c/x", "/a/k/l" };

static uint32_t
next(uint64_t *random, uint32_t below)
{
	*random = *random * UINT64_C(6364136223846793005) + 1442695041;
	return (uint32_t)(*random >> 33) % below;
}

static const char *
any_path(uint64_t *random)
{
	return paths[next(random, ARRAY_LEN(paths))];
}

/* ---- a batch */

enum {
	WITH_GROUPS = 1,
	WITH_STOP = 2,
	SHORT = 4,
	WITHOUT_DENIAL = 8,
	TRIED = 16, /* it is held against one that is not */
	WITH_LINKS = 32, /* both on a directory */
};

static void
put_condition(struct buf *b, uint64_t *random, unsigned i)
{
	switch (next(random, 8)) {
	case 0:
		BUF_LIT(b, ",'ifMatch':'*'");
		break;
	case 1:
		BUF_LIT(b, ",'ifMatch':'\\'none\\''");
		break;
	case 2:
		if (i)
			buf_printf(b, ",'ifMatch':'$%u'", next(random, i));
		break;
	default:
		break;
	}
}

static void
put_place(struct buf *b, uint64_t *random, unsigned i, const char *name)
{
	if (i && next(random, 10) == 0)
		buf_printf(b, ",'%s':'$%u%s'", name, next(random, i),
		    next(random, 2) ? "/x" : "");
	else
		buf_printf(b, ",'%s':'%s'", name, any_path(random));
}

static void
put_kind(struct buf *b, uint64_t *random, unsigned i)
{
	static const struct {
		const char *op;
		bool body, to, condition;
	} kinds[] = {
		{ "create", true, false, false },
		{ "upsert", true, false, true },
		{ "update", true, false, true },
		{ "read", false, false, true },
		{ "delete", false, false, true },
		{ "copy", false, true, false },
		{ "move", false, true, false },
		{ "mkcol", false, false, false },
	};
	size_t k = next(random, ARRAY_LEN(kinds));

	buf_printf(b, "'op':'%s'", kinds[k].op);
	put_place(b, random, i, "url");
	if (kinds[k].to)
		put_place(b, random, i, "destination");
	if (kinds[k].to && next(random, 3) == 0)
		BUF_LIT(b, ",'overwrite':false");
	if (kinds[k].body)
		buf_printf(b, ",'body':'%u'", i);
	if (kinds[k].condition)
		put_condition(b, random, i);
}

static void
put_props(struct buf *b, uint64_t *random, unsigned i)
{
	if (next(random, 2)) {
		buf_printf(b,
		    "'op':'propfind','url':'%s','depth':'%u','body':"
		    "'<propfind xmlns=\\'DAV:\\'><prop><resourcetype/>"
		    "<getcontentlength/><n xmlns=\\'urn:x\\'/></prop>"
		    "</propfind>'",
		    any_path(random), next(random, 2));
		return;
	}
	buf_printf(b,
	    "'op':'proppatch','url':'%s','body':"
	    "'<propertyupdate xmlns=\\'DAV:\\'><set><prop>"
	    "<n xmlns=\\'urn:x\\'>%u</n></prop></set></propertyupdate>'",
	    any_path(random), i);
}

static void
put_batch(struct buf *b, uint64_t *random, const char *head, unsigned flags)
{
	unsigned i, n = 1 + next(random, flags & SHORT ? 4 : 24);
	unsigned group = 0, of_group = 0;

	buf_printf(b, "{%s", head);
	if (flags & WITH_STOP && next(random, 4) == 0)
		buf_printf(b, "'failOnErrors':%u,", 1 + next(random, 4));
	BUF_LIT(b, "'operations':[");
	for (i = 0; i < n; i++) {
		BUF_LIT(b, "{");
		if (next(random, 6))
			put_kind(b, random, i);
		else
			put_props(b, random, i);
		if (i && next(random, 8) == 0)
			buf_printf(b, ",'dependsOn':['%u']", next(random, i));
		if (flags & WITH_GROUPS && !of_group && next(random, 6) == 0) {
			group++;
			of_group = 1 + next(random, 4);
		}
		if (of_group && of_group--)
			buf_printf(b, ",'atomicityGroup':'g%u'", group);
		buf_put(b, i + 1 < n ? STR("},") : STR("}"));
	}
	BUF_LIT(b, "]}");
	buf_putc(b, '\0');
}

/* Where batches run that are held against others run in memory. */
static bool on_directory;
static struct tmpdir dir;

/* ---- a run of it */

struct outcome_of {
	struct buf said; /* without what differs from run to run */
	struct buf left; /* the tree */
	unsigned status;
	size_t failed;
};

static void
outcome_done(struct outcome_of *o)
{
	buf_done(&o->said);
	buf_done(&o->left);
}

/* They come in no order. */
static void
sort_members(json_t *item)
{
	json_t *members = json_object_get(item, "members"), *m;
	json_t *sorted = json_object();
	size_t i;

	json_array_foreach(members, i, m)(void) json_object_set(
	    sorted, json_string_value(json_object_get(m, "href")), m);
	(void)json_object_set_new(item, "members", sorted);
}

/* Tags and dates are new each time. */
static void
put_said(struct outcome_of *o, const struct bulk_try *t)
{
	json_t *all = json_loadb(t->out.ptr, t->out.len, 0, NULL), *item;
	char *text;
	size_t i;

	assert_non_null(all);
	json_array_foreach(json_object_get(all, "results"), i, item)
	{
		const char *body =
		    json_string_value(json_object_get(item, "body"));

		if (body && strstr(body, "<time ")) /* a listing */
			(void)json_object_del(item, "body");
		sort_members(item);
		(void)json_object_del(item, "headers");
		/* Of two locks in the way, either is named. */
		if (on_directory)
			(void)json_object_del(
			    json_object_get(item, "problem"), "resource");
		o->failed +=
		    json_integer_value(json_object_get(item, "status")) >= 400;
	}
	(void)json_object_del(json_object_get(all, "summary"), "dryRun");
	text = json_dumps(all, JSON_SORT_KEYS);
	buf_put(&o->said, str_from_c(text));
	buf_putc(&o->said, '\0');
	free(text);
	json_decref(all);
}

static void
make_store(struct bulk_try *t, bool directory)
{
	const struct dir_store_spec spec = { .dir = dir.path, .relaxed = true };
	struct store *s;

	if (!directory) {
		bulk_try_init(t, TREE);
		return;
	}
	tmpdir_make(&dir);
	if (dir_store_open(&spec, &s, NULL))
		fail_msg("no store in %s", dir.path);
	bulk_try_init_on(t, s, TREE);
}

/* Names that lead elsewhere, as somebody else has made them. */
static void
make_links(uint64_t seed)
{
	static const struct {
		const char *path, *target;
	} links[] = {
		{ "a/y", "../b/x" },
		{ "b/k", "../a/k" },
		{ "c", "a" },
		{ "a/k/l", "../../b" },
	};
	char path[300];
	size_t i;

	for (i = 0; i < ARRAY_LEN(links); i++) {
		if (!(seed / 8 & 1U << i))
			continue;
		(void)snprintf(
		    path, sizeof(path), "%s/%s", dir.path, links[i].path);
		assert_int_equal(symlink(links[i].target, path), 0);
	}
}

static void
set_up(struct bulk_try *t, uint64_t seed, unsigned flags)
{
	bool denies = seed % 3 == 1 && !(flags & WITHOUT_DENIAL);

	make_store(t, on_directory && flags & (TRIED | WITH_LINKS));
	if (flags & WITH_LINKS)
		make_links(seed);
	denies = denies && !on_directory;
	if (denies)
		deny(&t->deny, "/a/x", DENY_REMOVE, ERR_FORBIDDEN);
	if (denies)
		deny(&t->deny, "/b/k", DENY_COPY_TO, ERR_NO_SPACE);
	if (seed % 5 == 1)
		(void)lock_at(t->deny.inner, "/b/x", DEPTH_0, false, "");
	if (seed % 7 == 1)
		(void)lock_at(t->deny.inner, "/a/k", DEPTH_INFINITY, false, "");
}

static void
run(struct bulk_try *t, const char *json, struct outcome_of *o)
{
	*o = (struct outcome_of){ 0 };
	if (bulk_try_send(t, json))
		fail_msg("%s: %s\n%s", err_name(t->rc), t->err.tell, json);
	o->status = t->status;
	put_said(o, t);
	tree_put(t->deny.inner, "/", &o->left);
}

static void
check_same(const struct outcome_of *a, const struct outcome_of *b,
    uint64_t seed, const char *json)
{
	if (str_eq(buf_str(&a->said), buf_str(&b->said)) &&
	    str_eq(buf_str(&a->left), buf_str(&b->left)))
		return;
	(void)fprintf(stderr, "seed %llu\n%s\n%.*s\n%.*s\n%.*s\n%.*s\n",
	    (unsigned long long)seed, json, STR_ARG(buf_str(&a->said)),
	    STR_ARG(buf_str(&b->said)), STR_ARG(buf_str(&a->left)),
	    STR_ARG(buf_str(&b->left)));
	fail();
}

static void
try(struct outcome_of *o, uint64_t seed, unsigned flags, size_t window,
    size_t threads, const char *json)
{
	struct bulk_try t;

	set_up(&t, seed, flags);
	t.window = window;
	t.threads = threads;
	run(&t, json, o);
	bulk_try_done(&t);
	tmpdir_remove(&dir);
}

static uint64_t first_seed, n_seeds;

/* The seed after the last. */
static uint64_t
end(uint64_t n)
{
	if (n_seeds)
		n = n_seeds;
	else if (on_directory)
		n /= 40;
	return first_seed + (getenv("SHEAF_SANITIZED") ? n / 8 : n);
}

/* Every other batch on a directory has links to go through. */
static unsigned
with_links(uint64_t seed)
{
	return on_directory && seed % 2 ? WITH_LINKS | WITHOUT_DENIAL : 0;
}

static void
side_by_side_is_as_one_after_the_other(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = first_seed; seed < end(2000); seed++) {
		uint64_t random = seed;
		struct outcome_of one, many;
		struct buf json = { 0 };

		put_batch(&json, &random, "", WITH_STOP);
		try(&one, seed, with_links(seed), 1, 0, json.ptr);
		try(&many, seed, with_links(seed) | TRIED, 0, 4, json.ptr);
		check_same(&one, &many, seed, json.ptr);
		outcome_done(&one);
		outcome_done(&many);
		buf_done(&json);
	}
}

/* Groups cannot be run one operation at a time. */
static void
groups_side_by_side_are_as_one_after_the_other(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = first_seed; seed < end(1000); seed++) {
		unsigned flags = WITHOUT_DENIAL | WITH_GROUPS | WITH_STOP;
		uint64_t random = seed;
		struct outcome_of one, many;
		struct buf json = { 0 };

		put_batch(&json, &random, "", flags);
		try(&one, seed, flags, 0, 0, json.ptr);
		try(&many, seed, flags | TRIED, 0, 4, json.ptr);
		check_same(&one, &many, seed, json.ptr);
		outcome_done(&one);
		outcome_done(&many);
		buf_done(&json);
	}
}

/* The same operations, under another head. */
static void
put_twice(struct buf *a, struct buf *b, const char *head, uint64_t seed,
    unsigned flags)
{
	uint64_t random = seed;

	put_batch(a, &random, "", flags);
	random = seed;
	put_batch(b, &random, head, flags);
}

static void
assert_untouched(const struct outcome_of *o, uint64_t seed, const char *json)
{
	struct outcome_of none;

	/* Where a lock is, there is what it was made on. */
	try(&none, seed, WITHOUT_DENIAL, 0, 0,
	    "{'operations':[{'op':'read','url':'/none'}]}");
	if (!str_eq(buf_str(&o->left), buf_str(&none.left)))
		(void)fprintf(stderr, "seed %llu\n%s\n%.*s\n%.*s\n",
		    (unsigned long long)seed, json, STR_ARG(buf_str(&o->said)),
		    STR_ARG(buf_str(&o->left)));
	assert_str_equal(buf_str(&o->left), buf_str(&none.left));
	outcome_done(&none);
}

static void
a_dry_run_says_the_same_and_does_nothing(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = first_seed; seed < end(1000); seed++) {
		unsigned flags = WITHOUT_DENIAL | WITH_GROUPS | WITH_STOP;
		struct buf wet = { 0 }, dry = { 0 };
		struct outcome_of a, b;

		put_twice(&wet, &dry, "'dryRun':true,", seed, flags);
		try(&a, seed, flags, 0, 4, wet.ptr);
		try(&b, seed, flags | TRIED, 0, 4, dry.ptr);
		assert_untouched(&b, seed, dry.ptr);
		buf_clear(&b.left);
		buf_put(&b.left, buf_str(&a.left));
		check_same(&a, &b, seed, wet.ptr);
		outcome_done(&a);
		outcome_done(&b);
		buf_done(&wet);
		buf_done(&dry);
	}
}

static void
check_all_or_nothing(const char *head, unsigned status)
{
	uint64_t seed;
	size_t done = 0;

	for (seed = first_seed; seed < end(1000); seed++) {
		unsigned flags = WITHOUT_DENIAL | (seed % 4 ? SHORT : 0);
		struct buf one = { 0 }, all = { 0 };
		struct outcome_of a, b;

		put_twice(&one, &all, head, seed, flags);
		try(&a, seed, flags, 1, 0, one.ptr);
		try(&b, seed, flags | TRIED, 0, 4, all.ptr);
		if (!a.failed)
			check_same(&a, &b, seed, one.ptr);
		else
			assert_untouched(&b, seed, all.ptr);
		if (b.status != (a.failed ? 422 : status))
			(void)fprintf(stderr, "%s\n%.*s\n", all.ptr,
			    STR_ARG(buf_str(&b.said)));
		assert_int_equal(b.status, a.failed ? 422 : status);
		/* None of what was not done may look as if it were. */
		assert_true(!a.failed || !strstr(b.said.ptr, "\"status\": 2"));
		done += !a.failed;
		outcome_done(&a);
		outcome_done(&b);
		buf_done(&one);
		buf_done(&all);
	}
	assert_true(on_directory || done > (seed - first_seed) / 20);
}

static void
an_atomic_batch_is_done_wholly_or_not_at_all(void **state)
{
	(void)state;
	check_all_or_nothing("'mode':'atomic',", 200);
}

static void
a_batch_that_is_validated_first_is_begun_if_all_would_do(void **state)
{
	(void)state;
	check_all_or_nothing("'mode':'validate-first',", 207);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(side_by_side_is_as_one_after_the_other),
		cmocka_unit_test(
		    groups_side_by_side_are_as_one_after_the_other),
		cmocka_unit_test(a_dry_run_says_the_same_and_does_nothing),
		cmocka_unit_test(an_atomic_batch_is_done_wholly_or_not_at_all),
		cmocka_unit_test(
		    a_batch_that_is_validated_first_is_begun_if_all_would_do),
	};

	on_directory = argc > 1 && strcmp(argv[1], "directory") == 0;
	first_seed = on_directory ? 60 : 0; /* 69 has a link in its way */
	if (argc < 2 ||
	    (argc > 2 && !str_to_u64(str_from_c(argv[2]), &n_seeds)) ||
	    (argc > 3 && !str_to_u64(str_from_c(argv[3]), &first_seed)))
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
