/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crew.h"
#include "base/thread.h"

#define JOBS 300U

struct trial {
	unsigned run[JOBS]; /* so often */
	unsigned ended[JOBS]; /* in this order */
	unsigned n_ended, n_freed;
	unsigned fails_at; /* the nth end, from 1 on; 0: none */
	const struct crew_share *share;
	atomic_bool too_many; /* helpers */
	unsigned own; /* each so manyth the giver does itself; 0: none */
};

struct numbered {
	struct crew_job base;
	struct trial *trial;
	unsigned i;
};

static void
run(struct crew_job *j)
{
	struct numbered *n = CONTAINER_OF(j, struct numbered, base);

	n->trial->run[n->i]++;
	if (n->trial->share->now > n->trial->share->max)
		atomic_store(&n->trial->too_many, true);
}

static enum err_code
end(struct crew_job *j)
{
	struct numbered *n = CONTAINER_OF(j, struct numbered, base);
	struct trial *t = n->trial;

	assert_int_equal(t->run[n->i], 1);
	t->ended[t->n_ended++] = n->i;
	return t->n_ended == t->fails_at ? ERR_NO_SPACE : ERR_OK;
}

static void
drop(struct crew_job *j)
{
	struct numbered *n = CONTAINER_OF(j, struct numbered, base);

	n->trial->n_freed++;
}

static const struct crew_ops ops = { .run = run, .end = end, .free = drop };

static enum err_code
try_jobs(struct trial *t, unsigned helpers)
{
	static struct numbered jobs[JOBS];
	struct crew_share share = { .max = helpers };
	enum err_code rc = ERR_OK;
	struct crew c;
	unsigned i;

	t->share = &share;
	crew_init(&c, &share);
	for (i = 0; !rc && i < JOBS; i++) {
		jobs[i] = (struct numbered){ { .ops = &ops }, t, i };
		if (t->own && i % t->own == 0) {
			rc = crew_do(&c, &jobs[i].base);
			assert_true(rc || t->run[i] == 1);
		} else {
			rc = crew_give(&c, &jobs[i].base);
		}
	}
	if (!rc)
		rc = crew_drain(&c);
	crew_done(&c);
	assert_int_equal(share.now, 0);
	assert_false(t->too_many);
	assert_int_equal(t->n_freed, i);
	return rc;
}

static void
jobs_end_in_the_order_they_were_given(void **state)
{
	unsigned n, i;

	(void)state;
	for (n = 0; n < 16; n++) {
		struct trial t = { .own = n / 4 };

		assert_int_equal(try_jobs(&t, n % 4), ERR_OK);
		assert_int_equal(t.n_ended, JOBS);
		for (i = 0; i < JOBS; i++)
			assert_int_equal(t.ended[i], i);
	}
}

static void
none_ends_after_one_that_failed(void **state)
{
	unsigned helpers, at;

	(void)state;
	for (helpers = 0; helpers < 4; helpers++)
		for (at = 1; at <= JOBS; at += 37) {
			struct trial t = { .fails_at = at, .own = at % 5 };

			assert_int_equal(try_jobs(&t, helpers), ERR_NO_SPACE);
			assert_int_equal(t.n_ended, at);
		}
}

static void *
where(void *arg)
{
	cpu_set_t *may = arg;

	assert_int_equal(sched_getaffinity(0, sizeof(*may), may), 0);
	return NULL;
}

static void
a_helper_is_never_where_its_maker_was(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 20; i++) {
		int before = sched_getcpu();
		pthread_t t;
		cpu_set_t may;
		int after;

		CPU_ZERO(&may);
		assert_int_equal(thread_start_beside(&t, where, &may), 0);
		after = sched_getcpu();
		assert_int_equal(pthread_join(t, NULL), 0);
		assert_true(CPU_COUNT(&may) > 0);
		if (thread_processors() > 1 && before >= 0 && before == after)
			assert_false(CPU_ISSET((size_t)before, &may));
	}
}

static bool
refuse_to_place(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setaffinity, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {
		.len = sizeof(f) / sizeof(f[0]),
		.filter = f,
	};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	    !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void *
nothing(void *arg)
{
	return arg;
}

/* As in a sandbox; for good, so in a process of its own. */
static void
a_thread_starts_where_none_may_be_placed(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (!child) {
		pthread_t t;

		if (!refuse_to_place())
			_exit(2);
		_exit(thread_start(&t, 0, nothing, NULL) ||
		    pthread_join(t, NULL));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_end_in_the_order_they_were_given),
		cmocka_unit_test(none_ends_after_one_that_failed),
		cmocka_unit_test(a_helper_is_never_where_its_maker_was),
		cmocka_unit_test(a_thread_starts_where_none_may_be_placed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
