/* SPDX-License-Identifier: MIT */
/*
 * Lines that are written beside each other: one that has its number and is not
 * there yet keeps nobody from writing another, and is waited for by who needs
 * all of them.
 */
#include "store/state_world.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "store/state_held.h"
#include "store/state_slot.h"

#define END INT64_MAX
#define A_WHILE 50000 /* us */

/* ---- where a thread is held up */

static struct point {
	atomic_bool next; /* who comes next is held up */
	sem_t came, may_go;
} unnumbered, unwritten, renewing;

static void
pass(struct point *p)
{
	if (!atomic_exchange(&p->next, false))
		return;
	(void)sem_post(&p->came);
	(void)sem_wait(&p->may_go);
}

bool __real_slot_fill_lock(
    struct slot *l, enum lock_step step, const struct lock *k);
bool __wrap_slot_fill_lock(
    struct slot *l, enum lock_step step, const struct lock *k);

bool
__wrap_slot_fill_lock(struct slot *l, enum lock_step step, const struct lock *k)
{
	pass(&unnumbered);
	return __real_slot_fill_lock(l, step, k);
}

void __real_slot_seal(struct slot *l, uint64_t number);
void __wrap_slot_seal(struct slot *l, uint64_t number);

void
__wrap_slot_seal(struct slot *l, uint64_t number)
{
	pass(&unwritten);
	__real_slot_seal(l, number);
}

enum err_code
__real_held_put(struct held_locks *h, const struct lock *l, struct err *err);
enum err_code
__wrap_held_put(struct held_locks *h, const struct lock *l, struct err *err);

enum err_code
__wrap_held_put(struct held_locks *h, const struct lock *l, struct err *err)
{
	pass(&renewing);
	return __real_held_put(h, l, err);
}

/* What the next writes of slots do: not all of their bytes get there. */
static atomic_int short_writes;

ssize_t __real_pwrite64(int fd, const void *from, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t n, off_t at);

ssize_t
__wrap_pwrite64(int fd, const void *from, size_t n, off_t at)
{
	int left = atomic_load(&short_writes);

	if (left > 0) {
		atomic_store(&short_writes, left - 1);
		n = left % 2 ? n / 2 : n - 1;
	}
	return __real_pwrite64(fd, from, n, at);
}

/* Something that a thread does. */
struct job {
	pthread_t thread;
	struct state_world *w;
	const char *path;
	struct state *other;
	uint64_t number;
	enum err_code rc;
	atomic_bool done;
};

static struct lock
lock_at(const char *path)
{
	return (struct lock){
		.root = at(path),
		.token = str_from_c(path),
		.expires = END,
	};
}

static void *
add(void *arg)
{
	struct job *j = arg;
	const struct lock l = lock_at(j->path);

	j->rc = state_lock_add(j->w->state, &l, &j->number, NULL);
	atomic_store(&j->done, true);
	return NULL;
}

static void *
write_one(void *arg)
{
	struct job *j = arg;

	j->rc = write_line(j->w->state, j->path, NULL);
	atomic_store(&j->done, true);
	return NULL;
}

static void *
look(void *arg)
{
	struct job *j = arg;

	j->rc = state_look(
	    (struct rpath){ str_from_c(j->w->dir) }, &j->other, NULL);
	atomic_store(&j->done, true);
	return NULL;
}

static void *
wait_for(void *arg)
{
	struct job *j = arg;

	j->rc = state_wait(j->w->state, j->number, NULL);
	atomic_store(&j->done, true);
	return NULL;
}

static void
start(struct job *j, struct state_world *w, void *(*run)(void *))
{
	j->w = w;
	assert_int_equal(pthread_create(&j->thread, NULL, run, j), 0);
}

static void
finish(struct job *j)
{
	assert_int_equal(pthread_join(j->thread, NULL), 0);
	assert_int_equal(j->rc, ERR_OK);
}

static void
waits(struct job *j)
{
	(void)usleep(A_WHILE);
	assert_false(atomic_load(&j->done));
}

static void
start_until(
    struct job *j, struct state_world *w, void *(*run)(void *), struct point *p)
{
	atomic_store(&p->next, true);
	start(j, w, run);
	(void)sem_wait(&p->came);
}

/* A lock whose line has a number, and no more. */
static void
hold_up(struct job *j, struct state_world *w)
{
	start_until(j, w, add, &unwritten);
}

static void
let_go(struct job *j)
{
	(void)sem_post(&unwritten.may_go);
	finish(j);
}

static uint64_t
add_now(struct state_world *w, const char *path)
{
	struct job j = { .w = w, .path = path };

	(void)add(&j);
	assert_int_equal(j.rc, ERR_OK);
	return j.number;
}

static bool
is_there(struct state *s, const char *path)
{
	struct arena a = { 0 };
	const struct lock *locks;
	size_t n;

	assert_ok(state_locks_at(s, at(path), &a, &locks, &n, err));
	arena_done(&a);
	return n;
}

static int64_t
rows(struct state_world *w)
{
	return raw_int(w, "SELECT count(*) FROM locks");
}

/* ---- tests */

static void
who_writes_a_line_keeps_nobody_from_another(void **state)
{
	struct state_world *w = *state;
	struct job a = { .path = "/a" };

	hold_up(&a, w);
	(void)add_now(w, "/b");
	assert_true(is_there(w->state, "/b"));
	assert_false(is_there(w->state, "/a"));
	let_go(&a);
	assert_true(is_there(w->state, "/a"));
	assert_int_equal(rows(w), 1);
}

static void
a_transaction_waits_for_lines_before_it(void **state)
{
	struct state_world *w = *state;
	struct job a = { .path = "/a" }, b = { .path = "/b" };

	hold_up(&a, w);
	start(&b, w, write_one);
	waits(&b);
	let_go(&a);
	finish(&b);
	assert_true(is_there(w->state, "/a"));
	assert_int_equal(rows(w), 2);
	state_world_crash(w);
	assert_true(is_there(w->state, "/a"));
}

static void
a_sync_waits_for_lines_before_it(void **state)
{
	struct state_world *w = *state;
	struct job a = { .path = "/a" }, b = { .path = "/b" };

	hold_up(&a, w);
	b.number = add_now(w, "/b");
	start(&b, w, wait_for);
	waits(&b);
	let_go(&a);
	finish(&b);
	assert_ok(state_wait(w->state, a.number, err));
}

static void
who_looks_beside_waits_for_lines_before_the_last(void **state)
{
	struct state_world *w = *state;
	struct job a = { .path = "/a" }, b = { 0 };

	hold_up(&a, w);
	(void)add_now(w, "/b");
	start(&b, w, look);
	waits(&b);
	let_go(&a);
	finish(&b);
	assert_true(is_there(b.other, "/a"));
	assert_true(is_there(b.other, "/b"));
	state_close(b.other);
	assert_true(is_there(w->state, "/a"));
}

static void
who_waits_for_a_line_in_vain_is_told(void **state)
{
	struct state_world *w = *state;
	struct job a = { .path = "/a" };
	struct err why = { 0 };
	struct state *other;
	enum err_code rc;

	hold_up(&a, w);
	(void)add_now(w, "/b");
	rc = state_look((struct rpath){ str_from_c(w->dir) }, &other, &why);
	let_go(&a);
	assert_int_equal(rc, ERR_BUSY);
	assert_non_null(strstr(why.why, "stopped"));
}

static struct job cut_off = { .path = "/a" };

static void
let_it_go(const char *dir)
{
	(void)dir;
	let_go(&cut_off);
}

/* Nobody serves the copy in dir. */
static void
look_at_copy(const char *dir)
{
	struct state *s;

	let_go(&cut_off);
	assert_ok(state_look((struct rpath){ str_from_c(dir) }, &s, err));
	assert_false(is_there(s, "/a"));
	assert_true(is_there(s, "/b"));
	state_close(s);
}

static void
cut(struct state_world *w, void (*look_first)(const char *dir))
{
	hold_up(&cut_off, w);
	(void)add_now(w, "/b");
	state_world_cut(w, look_first);
	assert_false(is_there(w->state, "/a"));
	assert_true(is_there(w->state, "/b"));
}

static void
a_line_that_was_cut_off_is_passed_over(void **state)
{
	cut(*state, let_it_go);
}

static void
who_looks_passes_over_it_too(void **state)
{
	cut(*state, look_at_copy);
}

static void
remove_now(struct state_world *w, const char *path)
{
	const struct lock l = lock_at(path);
	uint64_t number;

	assert_ok(state_lock_remove(w->state, l.root, l.token, &number, err));
}

/* It has a transaction, then, and its slot is passed over. */
static void
a_line_that_is_cut_short_is_none(void **state)
{
	struct state_world *w = *state;
	struct job a = { .path = "/a" };

	hold_up(&a, w);
	(void)add_now(w, "/b");
	atomic_store(&short_writes, 1);
	let_go(&a);
	assert_true(is_there(w->state, "/a"));
	assert_int_equal(rows(w), 3);
	atomic_store(&short_writes, 1);
	remove_now(w, "/b");
	assert_int_equal(rows(w), 2);
	atomic_store(&short_writes, 2);
	(void)add_now(w, "/c");
	atomic_store(&short_writes, 0);
	state_world_crash(w);
	assert_true(is_there(w->state, "/a") && is_there(w->state, "/c"));
	assert_false(is_there(w->state, "/b"));
	remove_now(w, "/a");
	remove_now(w, "/c");
	remove_now(w, "/first");
	assert_false(state_may_have_locks(w->state));
}

/* While memory is read anew it would not learn of it. */
static void
who_comes_while_locks_are_read_has_a_transaction(void **state)
{
	struct state_world *w = *state;
	struct job a = { .path = "/a" }, b = { .path = "/b" };
	struct job other = { .w = w };

	(void)add_now(w, "/c");
	start_until(&a, w, add, &unnumbered);
	(void)look(&other); /* moves that of /c */
	assert_int_equal(other.rc, ERR_OK);
	state_close(other.other);
	start_until(&b, w, write_one, &renewing);
	(void)sem_post(&unnumbered.may_go);
	waits(&a);
	(void)sem_post(&renewing.may_go);
	finish(&a);
	finish(&b);
	assert_true(is_there(w->state, "/a"));
	assert_true(is_there(w->state, "/c"));
}

/* ---- all at the same time */

#define THREADS 4
#define TURNS 3000

struct crowd {
	struct state_world *w;
	char path[8];
	unsigned wrong;
};

/* It comes, may be refreshed, and goes, again and again; then it is there. */
static void *
come_and_go(void *arg)
{
	struct crowd *c = arg;
	struct state *s = c->w->state;
	struct lock l = lock_at(c->path);
	uint64_t number;
	int i;

	for (i = 0; i < TURNS; i++) {
		c->wrong += state_lock_add(s, &l, &number, NULL) != ERR_OK;
		if (i % 16 == 0)
			c->wrong +=
			    state_lock_refresh(s, &l, &number, NULL) != ERR_OK;
		c->wrong += !state_may_have_locks_from(s, l.root);
		c->wrong += state_lock_remove(
				s, l.root, l.token, &number, NULL) != ERR_OK;
	}
	c->wrong += state_lock_add(s, &l, &number, NULL) != ERR_OK;
	return NULL;
}

/* Transactions, and somebody who moves lines without us. */
static void
be_busy(struct state_world *w)
{
	int i;

	for (i = 0; i < 200; i++) {
		struct job j = { .w = w };

		assert_ok(write_line(w->state, "/line", err));
		if (i % 8)
			continue;
		(void)look(&j);
		if (!j.rc)
			state_close(j.other);
	}
}

static void
none_is_lost_among_many(void **state)
{
	struct state_world *w = *state;
	struct crowd c[THREADS];
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		c[i] = (struct crowd){ .w = w };
		(void)snprintf(c[i].path, sizeof(c[i].path), "/%d", i);
		assert_int_equal(
		    pthread_create(&threads[i], NULL, come_and_go, &c[i]), 0);
	}
	be_busy(w);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(c[i].wrong, 0);
		assert_true(is_there(w->state, c[i].path));
	}
	state_world_crash(w);
	assert_int_equal(rows(w), THREADS + 1);
	for (i = 0; i < THREADS; i++) {
		const struct lock l = lock_at(c[i].path);
		uint64_t number;

		assert_true(is_there(w->state, c[i].path));
		assert_ok(
		    state_lock_remove(w->state, l.root, l.token, &number, err));
	}
	assert_true(state_may_have_locks(w->state)); /* the first */
}

/* ---- what is over, in memory */

static void
what_is_over_is_removed_by_one_of_two(void **state)
{
	struct held_locks h = { 0 };
	struct lock old = lock_at("/old");
	struct lock older = lock_at("/older");
	int committed;

	(void)state;
	old.expires = older.expires = 1;
	for (committed = 0; committed < 2; committed++) {
		held_init(&h);
		h.all = true;
		held_put_now(&h, held_new(&h, &old));
		held_put_now(&h, held_new(&h, &older));
		assert_int_equal(held_drop_old(&h, 1), 2);
		assert_false(held_remove_now(&h, &old)); /* it is counted */
		assert_false(held_remove_now(&h, &old));
		(committed ? held_commit : held_forget)(&h);
		assert_false(held_has(&h, &old));
		assert_int_equal(held_has(&h, &older), !committed);
		assert_int_equal(held_remove_now(&h, &older), !committed);
		held_done(&h);
	}
}

/* ---- */

/* The first tidies, in a transaction. */
static int
first(void **state, int rc)
{
	struct point *const points[] = { &unnumbered, &unwritten, &renewing };
	size_t i;

	for (i = 0; i < ARRAY_LEN(points); i++) {
		(void)sem_init(&points[i]->came, 0, 0);
		(void)sem_init(&points[i]->may_go, 0, 0);
	}
	if (!rc)
		(void)add_now(*state, "/first");
	return rc;
}

static int
set_up(void **state)
{
	return first(state, state_set_up(state));
}

static int
set_up_strict(void **state)
{
	int rc = first(state, state_set_up_strict(state));
	struct state_world *w = *state;

	assert_ok(state_sync(w->state, err));
	return rc;
}

int
main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, state_tear_down)
#define STRICT(test) \
	cmocka_unit_test_setup_teardown(test, set_up_strict, state_tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(who_writes_a_line_keeps_nobody_from_another),
		STRICT(who_writes_a_line_keeps_nobody_from_another),
		TEST(a_transaction_waits_for_lines_before_it),
		STRICT(a_transaction_waits_for_lines_before_it),
		STRICT(a_sync_waits_for_lines_before_it),
		TEST(who_looks_beside_waits_for_lines_before_the_last),
		STRICT(who_looks_beside_waits_for_lines_before_the_last),
		TEST(who_waits_for_a_line_in_vain_is_told),
		TEST(a_line_that_was_cut_off_is_passed_over),
		TEST(who_looks_passes_over_it_too),
		TEST(a_line_that_is_cut_short_is_none),
		STRICT(a_line_that_is_cut_short_is_none),
		TEST(who_comes_while_locks_are_read_has_a_transaction),
		STRICT(who_comes_while_locks_are_read_has_a_transaction),
		TEST(none_is_lost_among_many),
		cmocka_unit_test(what_is_over_is_removed_by_one_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
