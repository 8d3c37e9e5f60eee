/* SPDX-License-Identifier: MIT */
/*
 * Walks with helpers that look ahead of them (src/store/dir_ahead.h): what is
 * met, and in which order, is what one thread meets.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/alloc_fail.h"
#include "store/dir_impl.h"
#include "store/world.h"

#define DEEP 80 /* more than are open at a time */
#define LARGE 1500 /* more than a block */

/* ---- a tree with all there is to go wrong */

static void
make_files(const struct world *w, const char *dir, int n)
{
	char path[1000];
	int i, fd;

	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/f%d", real(w, dir), i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, i), 0);
		(void)close(fd);
	}
}

static void
make_dir(const struct world *w, const char *path, int n_files)
{
	assert_int_equal(mkdir(real(w, path), 0755), 0);
	make_files(w, path, n_files);
}

static void
make_tree(const struct world *w)
{
	char path[600] = "";
	size_t len;
	int i, j;

	make_dir(w, "/large", LARGE);
	for (i = 0; i < 12; i++) {
		(void)snprintf(path, sizeof(path), "/large/d%d", i);
		make_dir(w, path, i * 9); /* none, some, more than a slice */
	}
	for (i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "/a%d", i);
		make_dir(w, path, i);
		for (j = 0; j < 20; j++) {
			(void)snprintf(path, sizeof(path), "/a%d/b%d", i, j);
			make_dir(w, path, 6);
		}
	}
	link_to(w, "../a2", "/a1/link");
	link_to(w, "..", "/a3/b3/up"); /* it contains itself */
	link_to(w, "nowhere", "/large/d3/dangling");
	path[0] = '\0';
	for (i = 0; i < DEEP; i++) {
		len = strlen(path);
		(void)snprintf(path + len, sizeof(path) - len, "/z");
		make_dir(w, path, 5);
		(void)snprintf(path + len + 2, sizeof(path) - len - 2, "/y");
		make_dir(w, path, 2);
		path[len + 2] = '\0';
	}
}

/* ---- walks */

struct met {
	struct buf text;
	struct crew_share *helpers;
	unsigned most_helpers;
	size_t n, stop_at; /* so many members; 0: none */
	bool prunes; /* whose name ends in 3 */
};

static enum err_code
meet(void *arg, const struct member *m, bool *prune)
{
	struct met *met = arg;
	unsigned now = atomic_load(&met->helpers->now);
	char facts[64];

	*prune = met->prunes && m->path.s.ptr[m->path.s.len - 1] == '3';
	if (met->most_helpers < now)
		met->most_helpers = now;
	buf_put(&met->text, m->path.s);
	(void)snprintf(facts, sizeof(facts), " %u %d %d %llu ", m->failed,
	    m->linked, m->res.collection, (unsigned long long)m->res.length);
	buf_put(&met->text, str_from_c(facts));
	buf_put(&met->text, resource_etag(&m->res));
	buf_putc(&met->text, '\n');
	return ++met->n == met->stop_at ? ERR_CLIENT_GONE : ERR_OK;
}

static enum err_code
walk_with(
    const struct world *w, const char *root, unsigned helpers, struct met *met)
{
	const struct walk walk = {
		.depth = DEPTH_INFINITY,
		.order = WALK_LOOK,
		.visit = meet,
		.arg = met,
	};
	enum err_code rc;

	met->helpers = &dir_of(w->store)->base.helpers;
	atomic_store(&met->helpers->max, helpers);
	rc = store_walk(w->store, at(root), &walk, NULL);
	assert_int_equal(atomic_load(&met->helpers->now), 0);
	return rc;
}

static enum err_code
walk_from(const struct world *w, const char *root, unsigned helpers,
    size_t stop_at, struct met *met)
{
	*met = (struct met){ .stop_at = stop_at };
	return walk_with(w, root, helpers, met);
}

/* ---- tests */

static void
helpers_change_nothing_that_is_met(void **state)
{
	static const char *const roots[] = { "/", "/large", "/a1", "/z" };
	static const unsigned helpers[] = { 1, 2, 7 };
	const struct world *w = *state;
	struct met alone, met;
	size_t i, j;

	make_tree(w);
	for (i = 0; i < ARRAY_LEN(roots); i++) {
		assert_ok(walk_from(w, roots[i], 0, 0, &alone));
		assert_int_equal(alone.most_helpers, 0);
		/* Often enough that some are kept in memory in the end. */
		for (j = 0; j < 6 * ARRAY_LEN(helpers); j++) {
			unsigned n = helpers[j % ARRAY_LEN(helpers)];

			assert_ok(walk_from(w, roots[i], n, 0, &met));
			assert_true(
			    str_eq(buf_str(&met.text), buf_str(&alone.text)));
			assert_true(met.most_helpers <= n);
			if (alone.n > 700)
				assert_true(met.most_helpers > 0);
			buf_done(&met.text);
		}
		buf_done(&alone.text);
	}
}

static void
who_stops_a_walk_leaves_nothing_behind(void **state)
{
	const struct world *w = *state;
	struct met met;
	size_t n;

	make_tree(w);
	for (n = 250; n < 1500; n += 23) {
		assert_int_equal(
		    walk_from(w, "/", 3, n, &met), ERR_CLIENT_GONE);
		assert_int_equal(met.n, n);
		buf_done(&met.text);
	}
	assert_int_equal(count_entries(w, "/large"), LARGE + 12);
}

/* A helper may be deep in one of those. */
static void
a_walk_may_pass_by_a_collection(void **state)
{
	const struct world *w = *state;
	struct met alone = { .prunes = true };
	unsigned i;

	make_tree(w);
	assert_ok(walk_with(w, "/", 0, &alone));
	assert_true(alone.n > 700);
	for (i = 0; i < 40; i++) {
		struct met met = { .prunes = true };

		assert_ok(walk_with(w, "/", 1 + i % 3, &met));
		assert_true(str_eq(buf_str(&met.text), buf_str(&alone.text)));
		buf_done(&met.text);
	}
	buf_done(&alone.text);
}

static void
no_memory_ends_a_walk_or_changes_nothing(void **state)
{
	const struct world *w = *state;
	struct met alone, met;
	unsigned long n;
	bool fired = true;

	make_tree(w);
	assert_ok(walk_from(w, "/a1", 0, 0, &alone));
	buf_done(&alone.text);
	assert_ok(walk_from(w, "/", 0, 0, &alone));
	for (n = 1; fired; n = n < 100 ? n + 1 : n + n / 9) {
		enum err_code rc;

		alloc_fail_at(n);
		rc = walk_from(w, "/", 2, 0, &met);
		fired = alloc_fail_stop();
		assert_true(rc == ERR_OK || (fired && rc == ERR_NOMEM));
		/* Where the test's own text has failed it is not whole. */
		if (!rc && !buf_failed(&met.text))
			assert_true(
			    str_eq(buf_str(&met.text), buf_str(&alone.text)));
		buf_done(&met.text);
	}
	buf_done(&alone.text);
}

struct changing {
	const struct world *w;
	atomic_bool over;
};

/* Folders that come, go and move, beside others that stay. */
static void *
changes(void *arg)
{
	struct changing *c = arg;
	char from[1000], to[1000], file[1100];
	unsigned i;
	int fd;

	for (i = 0; !atomic_load(&c->over); i++) {
		(void)snprintf(from, sizeof(from), "%s/a%u/new%u", c->w->tree,
		    i % 4, i % 7);
		(void)snprintf(
		    to, sizeof(to), "%s/large/moved%u", c->w->tree, i % 5);
		(void)snprintf(file, sizeof(file), "%s/f", from);
		(void)mkdir(from, 0755);
		fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd >= 0)
			(void)close(fd);
		(void)rename(from, to);
		(void)snprintf(file, sizeof(file), "%s/f", to);
		(void)unlink(file);
		(void)rmdir(to);
	}
	return NULL;
}

static size_t
count_lines_with(struct str text, const char *what)
{
	size_t n = 0, len = strlen(what);
	const char *at = text.ptr, *end = text.ptr + text.len;

	while ((at = memmem(at, (size_t)(end - at), what, len))) {
		n++;
		at += len;
	}
	return n;
}

static void
a_tree_that_changes_meanwhile_is_walked(void **state)
{
	struct changing c = { .w = *state };
	pthread_t thread;
	struct met met;
	int i;

	make_tree(c.w);
	assert_int_equal(pthread_create(&thread, NULL, changes, &c), 0);
	for (i = 0; i < 40; i++) {
		assert_ok(walk_from(c.w, "/", 2, 0, &met));
		/* What stays is met once each: /a2/b0 by a link as well. */
		assert_int_equal(
		    count_lines_with(buf_str(&met.text), "/large/d11/f"), 99);
		assert_int_equal(
		    count_lines_with(buf_str(&met.text), "/a0/b7/f"), 6);
		assert_int_equal(
		    count_lines_with(buf_str(&met.text), "/z/y/f"), 2 * DEEP);
		buf_done(&met.text);
	}
	atomic_store(&c.over, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* ---- a tree that goes while the walk is far down in it */

struct going {
	struct met met;
	const struct world *w;
	const char *to; /* NULL: it is removed */
	bool gone;
};

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static enum err_code
go(void *arg, const struct member *m, bool *prune)
{
	struct going *g = arg;

	assert_int_equal(m->failed, ERR_OK);
	if (m->path.s.len == (size_t)2 * DEEP && !g->gone) {
		assert_int_equal(g->to
			? rename(real(g->w, "/z"), real(g->w, g->to))
			: nftw(real(g->w, "/z"), remove_entry, 20,
			      FTW_DEPTH | FTW_PHYS),
		    0);
		g->gone = true;
	}
	return meet(&g->met, m, prune);
}

static void
walk_while_it_goes(struct going *g, enum walk_order order, unsigned helpers)
{
	const struct walk walk = {
		.depth = DEPTH_INFINITY,
		.order = order,
		.visit = go,
		.arg = g,
	};

	g->gone = false;
	g->met = (struct met){
		.helpers = &dir_of(g->w->store)->base.helpers,
	};
	atomic_store(&g->met.helpers->max, helpers);
	assert_ok(store_walk(g->w->store, at("/z"), &walk, NULL));
	assert_true(g->gone);
	buf_done(&g->met.text);
}

static void
a_tree_that_moves_meanwhile_is_walked_to_its_end(void **state)
{
	static const enum walk_order orders[] = { WALK_DOWN, WALK_UP,
		WALK_LOOK };
	struct going g = { .w = *state, .to = "/moved" };
	size_t i, want;
	unsigned n;
	struct met met;

	make_tree(g.w);
	assert_ok(walk_from(g.w, "/z", 0, 0, &met));
	want = met.n;
	buf_done(&met.text);
	for (i = 0; i < ARRAY_LEN(orders); i++)
		for (n = 0; n < 3; n++) {
			walk_while_it_goes(&g, orders[i], n);
			assert_int_equal(g.met.n, want);
			assert_int_equal(rename(real(g.w, "/moved"), /**/
					     real(g.w, "/z")),
			    0);
		}
}

static void
a_tree_that_is_removed_meanwhile_fails_nowhere(void **state)
{
	struct going g = { .w = *state };

	make_tree(g.w);
	walk_while_it_goes(&g, WALK_LOOK, 0);
}

/* ---- a folder that is another when the walk is back there */

#define OUTER 10 /* shut while the walk is at the lowest */
#define BELOW 400 /* below the folder beside the way down from there */

static const char *
way_down(char *path, size_t size, int n, const char *to)
{
	int i;

	for (i = 0; i < n; i++)
		(void)snprintf(path + 2 * i, size - 2 * (size_t)i, "/z");
	(void)snprintf(path + 2 * n, size - 2 * (size_t)n, "%s", to);
	return path;
}

/* What is made later often comes first. */
static void
make_way_down(const struct world *w)
{
	char path[600], name[20];
	int i, j;

	for (i = 1; i <= DEEP; i++) {
		make_dir(w, way_down(path, sizeof(path), i, ""),
		    i > OUTER && i < OUTER + 3 ? 4 : 0);
		if (i != OUTER)
			continue;
		make_dir(w, way_down(path, sizeof(path), i, "/y"), 0);
		for (j = 0; j < BELOW; j++) {
			(void)snprintf(name, sizeof(name), "/y/x%d", j);
			make_dir(w, way_down(path, sizeof(path), i, name), 0);
		}
	}
	make_dir(w, "/large", LARGE); /* so that there are helpers */
}

struct replacing {
	struct met met;
	const char *path, *other;
	const char *below, *beside; /* and what is in it goes elsewhere */
	bool returns, done;
};

/*
 * Near it helpers have time to go on where the walk is to go; on the way back
 * it is replaced.
 */
static enum err_code
replace(void *arg, const struct member *m, bool *prune)
{
	struct replacing *r = arg;
	size_t len = m->path.s.len;
	bool near = str_starts(m->path.s, STR("/z")) &&
	    len >= (size_t)2 * OUTER && len < (size_t)2 * OUTER + 8;

	if (len == (size_t)2 * DEEP)
		r->returns = true;
	if (near && !r->returns)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	if (near && r->returns && !r->done && len < 2 * (OUTER + 1) + 4) {
		assert_int_equal(rename(r->below, r->beside), 0);
		assert_int_equal(rename(r->path, r->other), 0);
		assert_int_equal(mkdir(r->path, 0755), 0);
		r->done = true;
	}
	return meet(&r->met, m, prune);
}

static void
a_folder_that_is_replaced_is_left_after_helpers(void **state)
{
	const struct world *w = *state;
	char path[600];
	char there[1000], away[1000], below[1000], beside[1000];
	int i;

	make_way_down(w);
	(void)snprintf(there, sizeof(there), "%s",
	    real(w, way_down(path, sizeof(path), OUTER, "")));
	(void)snprintf(away, sizeof(away), "%s", real(w, "/.away"));
	(void)snprintf(below, sizeof(below), "%s",
	    real(w, way_down(path, sizeof(path), OUTER + 1, "")));
	(void)snprintf(beside, sizeof(beside), "%s", real(w, "/.beside"));
	for (i = 0; i < 200; i++) {
		struct replacing r = {
			.met.helpers = &dir_of(w->store)->base.helpers,
			.path = there,
			.other = away,
			.below = below,
			.beside = beside,
		};
		const struct walk walk = {
			.depth = DEPTH_INFINITY,
			.order = WALK_LOOK,
			.visit = replace,
			.arg = &r,
		};

		atomic_store(&r.met.helpers->max, 3);
		assert_ok(store_walk(w->store, at("/"), &walk, NULL));
		buf_done(&r.met.text);
		if (!r.done) /* names come in another order here */
			continue;
		assert_int_equal(rmdir(there), 0);
		assert_int_equal(rename(away, there), 0);
		assert_int_equal(rename(beside, below), 0);
	}
}

struct walker {
	const struct world *w;
	size_t n;
};

static void *
walks(void *arg)
{
	struct walker *walker = arg;
	struct met met = {
		.helpers = &dir_of(walker->w->store)->base.helpers,
	};
	const struct walk walk = {
		.depth = DEPTH_INFINITY,
		.order = WALK_LOOK,
		.visit = meet,
		.arg = &met,
	};
	int i;

	for (i = 0; i < 5; i++)
		if (store_walk(walker->w->store, at("/"), &walk, NULL))
			return arg;
	buf_done(&met.text);
	walker->n = met.n;
	return met.most_helpers > 2 ? arg : NULL;
}

static void
many_walks_share_the_helpers(void **state)
{
	struct walker walkers[4];
	pthread_t threads[4];
	struct met met;
	size_t i;

	make_tree(*state);
	assert_ok(walk_from(*state, "/", 2, 0, &met));
	for (i = 0; i < ARRAY_LEN(threads); i++) {
		walkers[i] = (struct walker){ .w = *state };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, walks, &walkers[i]), 0);
	}
	for (i = 0; i < ARRAY_LEN(threads); i++) {
		void *wrong;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
		assert_int_equal(walkers[i].n, 5 * met.n);
	}
	assert_int_equal(atomic_load(&met.helpers->now), 0);
	buf_done(&met.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(helpers_change_nothing_that_is_met),
		WORLD_TEST(who_stops_a_walk_leaves_nothing_behind),
		WORLD_TEST(a_walk_may_pass_by_a_collection),
		WORLD_TEST(no_memory_ends_a_walk_or_changes_nothing),
		WORLD_TEST(a_tree_that_changes_meanwhile_is_walked),
		WORLD_TEST(a_tree_that_moves_meanwhile_is_walked_to_its_end),
		WORLD_TEST(a_tree_that_is_removed_meanwhile_fails_nowhere),
		WORLD_TEST(a_folder_that_is_replaced_is_left_after_helpers),
		WORLD_TEST(many_walks_share_the_helpers),
	};

	return cmocka_run_group_tests_name("ahead", tests, NULL, NULL);
}
