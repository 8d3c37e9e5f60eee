/* SPDX-License-Identifier: MIT */
/*
 * The directory store: many members in one call, where something speaks against
 * some of them, or more than their names is at stake.
 */
#include "store/world.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "lib/locks.h"
#include "store/dir_impl.h"
#include "store/members.h"

#define STAGING "/../state/tmp"

/* A call, and what it said: "NAME ERROR," of those that failed. */
struct call {
	struct store *s;
	const char *in, *to; /* NULL: it removes */
	const struct guard *guard;
	const char *names[4];
	bool itself;
	char said[200];
};

static enum err_code
note(void *arg, size_t i, enum err_code rc, const struct err *why)
{
	struct call *c = arg;
	size_t len = strlen(c->said);

	(void)why;
	(void)snprintf(c->said + len, sizeof(c->said) - len, "%s %s,",
	    c->names[i], err_name(rc));
	return ERR_OK;
}

static void
make(struct call *c)
{
	struct store_batch *b = NULL;
	struct str names[ARRAY_LEN(c->names)];
	struct member_files m = {
		.in = at(c->in),
		.names = names,
		.failed = note,
		.arg = c,
	};
	enum err_code rc;

	for (; m.n < ARRAY_LEN(names) && c->names[m.n]; m.n++)
		names[m.n] = str_from_c(c->names[m.n]);
	c->said[0] = '\0';
	assert_ok(store_batch_begin(c->s, at("/"), &b, err));
	store_batch_many(b);
	rc = c->to ? store_copy_members(c->s, &m, c->itself, at(c->to),
			 REPLACE_NO, c->guard, b, NULL)
		   : store_remove_members(
			 c->s, &m, c->itself ? &c->itself : NULL, c->guard, b);
	assert_ok(store_batch_end(c->s, b, err));
	assert_ok(rc);
}

static void
make_two(struct store *s, const char *in)
{
	char path[16];

	must_mkcol(s, in);
	(void)snprintf(path, sizeof(path), "%s/f", in);
	must_put(s, path, "f");
	(void)snprintf(path, sizeof(path), "%s/g", in);
	must_put(s, path, "g");
}

static void
a_lock_of_their_collection_keeps_all_of_them(void **state)
{
	const struct world *w = *state;
	struct call c = { .s = w->store, .in = "/a", .names = { "f", "g" } };
	struct shown h;
	struct token t;

	make_two(c.s, "/a");
	make_two(c.s, "/b");
	t = lock_at(c.s, "/a", DEPTH_INFINITY, false, "");
	make(&c);
	assert_string_equal(c.said, "f LOCKED,g LOCKED,");
	c.guard = show(&h, "", &t, NULL);
	make(&c);
	assert_string_equal(c.said, "");
	assert_int_equal(count_entries(w, "/a"), 0);
	c = (struct call){ c.s, "/b", "/a", NULL, { "f", "g" }, false, "" };
	make(&c);
	assert_string_equal(c.said, "f LOCKED,g LOCKED,");
	assert_int_equal(count_entries(w, "/a"), 0);
}

/* The members may go, but not the name of what they are in. */
static void
a_lock_above_keeps_their_collection(void **state)
{
	const struct world *w = *state;
	struct call c = {
		.s = w->store, .in = "/a", .names = { "f", "g" }, .itself = true
	};

	make_two(c.s, "/a");
	(void)lock_at(c.s, "/", DEPTH_0, false, "");
	make(&c);
	assert_string_equal(c.said, "");
	assert_false(c.itself);
	assert_int_equal(count_entries(w, "/a"), 0);
}

static void
a_lock_of_ours_goes_with_its_file(void **state)
{
	const struct world *w = *state;
	struct call c = { .s = w->store, .in = "/a", .names = { "f", "g" } };
	struct shown h;
	struct token t;

	make_two(c.s, "/a");
	t = lock_at(c.s, "/a/f", DEPTH_0, false, "");
	c.guard = show(&h, "", &t, NULL);
	make(&c);
	assert_string_equal(c.said, "");
	must_put(c.s, "/a/f", "anew");
	assert_locks(c.s, "/a/f", "");
}

/* A lock is kept by the path that has no links. */
static void
what_is_locked_stays_by_a_link_as_well(void **state)
{
	const struct world *w = *state;
	struct call c = { .s = w->store, .in = "/a", .names = { "f", "g" } };

	make_two(c.s, "/r");
	make_two(c.s, "/b");
	link_to(w, "r", "/a");
	(void)lock_at(c.s, "/r/f", DEPTH_0, false, "");
	make(&c);
	assert_string_equal(c.said, "f LOCKED,");
	assert_int_equal(count_entries(w, "/r"), 1);
	(void)lock_at(c.s, "/r", DEPTH_0, false, "");
	c = (struct call){ c.s, "/b", "/a", NULL, { "g" }, false, "" };
	make(&c);
	assert_string_equal(c.said, "g LOCKED,");
	assert_int_equal(count_entries(w, "/r"), 1);
}

/* ---- locks, and the one line with which the others go */

/* Removes them; and how many lines that took: "f LOCKED, 0 files, 1 all". */
static const char *
remove_and_count(struct world *w, struct call *c)
{
	static char said[240];
	int64_t files, trees;

	store_close(w->store); /* so that all lines are in the journal */
	world_open(w);
	c->s = w->store;
	files = count_lines(w, CHANGE_REMOVE);
	trees = count_lines(w, CHANGE_TREE);
	make(c);
	store_close(w->store);
	world_open(w);
	(void)snprintf(said, sizeof(said), "%s %d files, %d all", c->said,
	    (int)(count_lines(w, CHANGE_REMOVE) - files),
	    (int)(count_lines(w, CHANGE_TREE) - trees));
	return said;
}

static void
a_lock_elsewhere_keeps_nobody_from_going_with_one_line(void **state)
{
	struct world *w = *state;
	struct call c = { .in = "/a/d", .names = { "f", "g" } };
	int i;

	must_mkcol(w->store, "/a");
	must_put(w->store, "/a/d!", "");
	(void)lock_at(w->store, "/a/d!", DEPTH_0, false, "");
	(void)lock_at(w->store, "/b", DEPTH_INFINITY, false, "");
	for (i = 0; i < 2; i++) {
		make_two(w->store, "/a/d");
		c.itself = i;
		assert_string_equal(remove_and_count(w, &c), " 0 files, 1 all");
		assert_int_equal(count_entries(w, "/a"), 2 - i);
		(void)!store_remove(w->store, at("/a/d"), NULL, NULL, NULL);
	}
}

static void
our_lock_above_keeps_nobody_from_going_with_one_line(void **state)
{
	struct world *w = *state;
	struct call c = { .in = "/a/d", .names = { "f", "g" }, .itself = true };
	struct shown h;
	struct token t;

	must_mkcol(w->store, "/a");
	make_two(w->store, "/a/d");
	t = lock_at(w->store, "/a", DEPTH_INFINITY, false, "");
	assert_string_equal(
	    remove_and_count(w, &c), "f LOCKED,g LOCKED, 0 files, 0 all");
	c.guard = show(&h, "", &t, NULL);
	c.itself = true;
	assert_string_equal(remove_and_count(w, &c), " 0 files, 1 all");
	assert_true(c.itself);
}

static void
one_that_is_locked_stays_while_the_others_go_with_one_line(void **state)
{
	struct world *w = *state;
	struct call c = {
		.in = "/a", .names = { "f", "g", "h" }, .itself = true
	};

	make_two(w->store, "/a");
	must_put(w->store, "/a/h", "");
	(void)lock_at(w->store, "/a/g", DEPTH_0, false, "");
	assert_string_equal(
	    remove_and_count(w, &c), "g LOCKED, 0 files, 1 all");
	assert_false(c.itself);
	assert_int_equal(count_entries(w, "/a"), 1);
}

static void
a_link_stays_where_what_it_leads_to_is_locked(void **state)
{
	struct world *w = *state;
	struct call c = { .in = "/a", .names = { "f", "l" } };
	int i;

	must_put(w->store, "/x", "");
	(void)lock_at(w->store, "/x", DEPTH_0, false, "");
	must_mkcol(w->store, "/a");
	link_to(w, "../x", "/a/l");
	for (i = 0; i < 2; i++) {
		c.itself = i;
		must_put(w->store, "/a/f", "");
		(void)remove_and_count(w, &c);
		assert_string_equal(c.said, "l LOCKED,");
		assert_int_equal(count_entries(w, "/a"), 1);
	}
}

/* Each as it would be told of alone, and none that may not go. */
static void
check_locked(struct store *s, struct call *c)
{
	bool may_go = !c->itself ||
	    !store_allows(s, at("/a"), TOUCH_NAME, c->guard, NULL);
	bool itself = c->itself;
	struct resource r;
	char want[40] = "";
	size_t len = 0;
	size_t i;

	for (i = 0; i < 2; i++) {
		const char *path = i ? "/a/g" : "/a/f";

		if (!store_allows(s, at(path), TOUCH_NAME, c->guard, NULL))
			continue;
		may_go = false;
		len += (size_t)snprintf(
		    want + len, sizeof(want) - len, "%s LOCKED,", c->names[i]);
	}
	c->s = s;
	make(c);
	assert_string_equal(c->said, want);
	if (itself)
		assert_int_equal(c->itself, may_go);
	for (i = 0; i < 2; i++)
		assert_int_equal(
		    store_stat(s, at(i ? "/a/g" : "/a/f"), &r, NULL),
		    strstr(want, c->names[i]) ? ERR_OK : ERR_NOT_FOUND);
}

static void
whatever_is_locked_they_are_told_of_as_alone(void **state)
{
	static const char *const roots[] = { "/", "/a", "/a/f", "/a/g", "/x" };
	const struct world *w = *state;
	struct store *s = w->store;
	int round;

	must_put(s, "/x", "");
	for (round = 0; round < 500; round++) { /* all ways, in turns */
		struct call c = {
			.in = "/a",
			.names = { "f", "g" },
			.itself = round & 1,
		};
		const char *one = roots[round / 2 % 5];
		const char *two = roots[round / 10 % 5];
		struct shown all, some;
		struct token t[2];

		if (store_mkcol(s, at("/a"), NULL, NULL, NULL))
			assert_int_equal(count_entries(w, "/a"), 0);
		must_put(s, "/a/f", "f");
		must_put(s, "/a/g", "g");
		t[0] = lock_at(s, one,
		    round / 50 % 2 ? DEPTH_0 : DEPTH_INFINITY, true, "");
		t[1] = lock_at(s, two,
		    round / 100 % 2 ? DEPTH_0 : DEPTH_INFINITY, true, "");
		if (round % 3)
			c.guard = show(&some, "", &t[round % 2], NULL);
		check_locked(s, &c);
		c.guard = show(&all, "", &t[0], &t[1]);
		make(&c);
		(void)!store_unlock(s, at(one), c.guard->tokens, NULL, NULL);
		c.guard = show(&all, "", &t[1], NULL);
		(void)!store_unlock(s, at(two), c.guard->tokens, NULL, NULL);
		(void)show(&all, "", &t[0], NULL);
		(void)!store_unlock(s, at(one), c.guard->tokens, NULL, NULL);
	}
}

static void
two_names_of_a_file_go_with_its_properties(void **state)
{
	const struct world *w = *state;
	struct call c = { .s = w->store, .in = "/a", .names = { "f", "h" } };

	make_two(c.s, "/a");
	must_set_prop(c.s, "/a/f", "p", "1");
	assert_int_equal(link(real(w, "/a/f"), real(w, "/a/h")), 0);
	make(&c);
	assert_string_equal(c.said, "");
	must_put(c.s, "/b", "so that what is left is done");
	assert_int_equal(count_props(w), 0);
	c.names[0] = "g";
	c.names[1] = NULL;
	must_set_prop(c.s, "/a/g", "p", "1");
	assert_int_equal(link(real(w, "/a/g"), real(w, "/h")), 0);
	make(&c);
	must_have_props(c.s, "/h", "p=1;");
}

static void
a_large_file_comes_whole(void **state)
{
	static char text[200001];
	const struct world *w = *state;
	struct call c = {
		.s = w->store, .in = "/a", .to = "/b", .names = { "f", "large" }
	};
	size_t i;

	for (i = 0; i + 1 < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	make_two(c.s, "/a");
	must_put(c.s, "/a/large", text);
	for (c.itself = true;; c.itself = false) {
		make(&c);
		assert_string_equal(c.said, "");
		must_have(c.s, "/b/f", "f");
		must_have(c.s, "/b/large", text);
		if (!c.itself)
			break;
		assert_ok(store_remove(c.s, at("/b/f"), NULL, NULL, err));
		assert_ok(store_remove(c.s, at("/b/large"), NULL, NULL, err));
	}
}

/* ---- others are at it */

struct other {
	struct call call;
	atomic_bool over;
};

static void *
run(void *arg)
{
	struct other *o = arg;

	make(&o->call);
	atomic_store(&o->over, true);
	return NULL;
}

/* It does not go on while somebody changes one of them. */
static void
must_wait_for(struct store *s, const char *path, const struct call *c)
{
	struct hold h CLEANUP(hold_done) = { 0 };
	struct other o = { .call = *c };
	pthread_t thread;

	hold_tree(dir_of(s), at(path), &h);
	assert_int_equal(pthread_create(&thread, NULL, run, &o), 0);
	(void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_false(atomic_load(&o.over));
	hold_done(&h);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(o.call.said, "");
}

static void
they_wait_for_who_changes_one_of_them(void **state)
{
	const struct world *w = *state;
	const struct call copies = {
		.s = w->store, .in = "/a", .to = "/b", .names = { "f", "g" }
	};
	const struct call removes = {
		.s = w->store, .in = "/a", .names = { "f", "g" }
	};

	make_two(w->store, "/a");
	must_mkcol(w->store, "/b");
	must_wait_for(w->store, "/b/g", &copies);
	must_wait_for(w->store, "/a/g", &removes);
}

/* Whoever has a claim may make a lock; they are asked for when it is over. */
static void
a_lock_that_comes_before_them_is_seen(void **state)
{
	const struct world *w = *state;
	struct dir_store *ds = dir_of(w->store);
	const struct lock lock = {
		.root = at("/a/g"),
		.token = STR("t"),
		.expires = INT64_MAX,
	};
	struct hold h CLEANUP(hold_done) = { 0 };
	struct other o = {
		.call = { .s = w->store, .in = "/a", .names = { "f", "g" } },
	};
	pthread_t thread;
	uint64_t number;

	make_two(w->store, "/a");
	hold_tree(ds, at("/a/g"), &h);
	assert_int_equal(pthread_create(&thread, NULL, run, &o), 0);
	(void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_ok(state_lock_add(ds->state, &lock, &number, err));
	hold_done(&h);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(o.call.said, "g LOCKED,");
	assert_int_equal(count_entries(w, "/a"), 1);
}

static void
until_somebody_waits(struct dir_store *ds)
{
	bool waits = false;

	while (!waits) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		(void)pthread_mutex_lock(&ds->claims.mutex);
		waits = ds->claims.first && ds->claims.first->next;
		(void)pthread_mutex_unlock(&ds->claims.mutex);
	}
}

/* The one entry of a directory. */
static int
open_only_entry(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int fd = -1;

	assert_non_null(d);
	while (fd < 0 && (e = readdir(d)))
		if (e->d_name[0] != '.' || strlen(e->d_name) > 2)
			fd = openat(dirfd(d), e->d_name, O_PATH);
	assert_true(fd >= 0);
	assert_int_equal(closedir(d), 0);
	return fd;
}

/* As a PROPPATCH does of something that has that id, and goes again. */
static void
give_prop(struct dir_store *ds, const struct statx *stx)
{
	const struct prop_change p = {
		.prop = { .name = { STR("urn:t"), STR("p") },
		    .form = PROP_TEXT,
		    .value = STR("1") },
	};
	struct resource r;
	const struct change c = {
		.kind = CHANGE_PROPS,
		.path = at("/x"),
		.made = &r.id,
	};
	uint64_t intent, number;

	dir_resource(ds, stx, &r);
	assert_ok(
	    state_patch(ds->state, &c, &p, 1, true, &intent, &number, err));
}

/*
 * With a property somewhere, copies are not asked whether the state knows their
 * ids from somebody else: that nobody who is as new has any is asked before
 * others see them.
 */
static void
properties_given_meanwhile_are_not_those_of_a_copy(void **state)
{
	const struct world *w = *state;
	struct dir_store *ds = dir_of(w->store);
	struct hold h CLEANUP(hold_done) = { 0 };
	struct other o = {
		.call = { .s = w->store,
		    .in = "/a",
		    .to = "/b",
		    .names = { "f", "g" },
		    .itself = true },
	};
	struct statx stx;
	pthread_t thread;
	int fd;

	make_two(w->store, "/a");
	must_set_prop(w->store, "/a/g", "p", "1");
	hold_tree(ds, at("/b"), &h);
	assert_int_equal(pthread_create(&thread, NULL, run, &o), 0);
	until_somebody_waits(ds);
	fd = open_only_entry(real(w, STAGING));
	assert_int_equal(statx(fd, "f", 0, STAT_MASK, &stx), 0);
	assert_int_equal(close(fd), 0);
	if (stx.stx_mask & STATX_BTIME) /* else each is asked */
		give_prop(ds, &stx);
	hold_done(&h);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(o.call.said, "");
	must_have(w->store, "/b/f", "f");
	must_have_props(w->store, "/b/f", "");
	must_have_props(w->store, "/b/g", "p=1;");
	assert_int_equal(count_entries(w, STAGING), 0);
}

static const struct CMUnitTest rows[] = {
	WORLD_TEST(a_lock_of_their_collection_keeps_all_of_them),
	WORLD_TEST(a_lock_above_keeps_their_collection),
	WORLD_TEST(a_lock_of_ours_goes_with_its_file),
	WORLD_TEST(what_is_locked_stays_by_a_link_as_well),
	WORLD_TEST(a_lock_elsewhere_keeps_nobody_from_going_with_one_line),
	STRICT_TEST(a_lock_elsewhere_keeps_nobody_from_going_with_one_line),
	WORLD_TEST(our_lock_above_keeps_nobody_from_going_with_one_line),
	WORLD_TEST(one_that_is_locked_stays_while_the_others_go_with_one_line),
	WORLD_TEST(a_link_stays_where_what_it_leads_to_is_locked),
	WORLD_TEST(whatever_is_locked_they_are_told_of_as_alone),
	WORLD_TEST(two_names_of_a_file_go_with_its_properties),
	WORLD_TEST(a_large_file_comes_whole),
	WORLD_TEST(they_wait_for_who_changes_one_of_them),
	WORLD_TEST(a_lock_that_comes_before_them_is_seen),
	WORLD_TEST(properties_given_meanwhile_are_not_those_of_a_copy),
};

const struct tests member_kept_tests = { rows, ARRAY_LEN(rows) };
