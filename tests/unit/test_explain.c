/* SPDX-License-Identifier: MIT */
/* `sheaf explain` and the plan of `sheaf retry`, with no memory to spare. */
#include "lib/alloc_fail.h"
#include "lib/test.h"
#include "lib/tmpdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/file.h"
#include "cmd/explain_impl.h"
#include "cmd/retry_impl.h"

static void
what_became_of_a_resource_is_sorted_and_counted(void **state)
{
	static const struct prop props[] = {
		{ .name = { STR_INIT("DAV:"), STR_INIT("x") } },
	};
	static const struct propstat refused[] = {
		{ .status = 200, .props = props, .n_props = 1 },
		{ .status = 403, .props = props, .n_props = 1 },
		{ .status = 404, .props = props, .n_props = 1 },
	};
	static const struct told told = { .href = STR_INIT("/a") };
	static const struct told part = { .href = STR_INIT("/b"),
		.partial = true };
	const struct outcome cases[] = {
		{ .status = 200, .told = &told },
		{ .status = 204, .told = &told },
		{ .status = 423, .told = &told },
		{ .status = 423, .told = &told },
		{ .status = 0, .told = &told },
		{ .status = 102, .told = &told },
		{ .status = 202, .told = &told },
		{ .status = 207, .told = &told },
		{ .status = 302, .told = &told },
		{ .status = 200, .told = &part },
		{ .status = 200,
		    .told = &told,
		    .propstats = refused,
		    .n_propstats = 3 },
	};
	struct exit_facts facts = { 0 };
	struct options o = { 0 };
	struct findings f;
	size_t i;

	(void)state;
	assert_int_equal(findings_init(&f, &o, "", &facts, NULL), ERR_OK);
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(sink_put(&f.base, &cases[i]), ERR_OK);
	assert_int_equal(f.total, 11);
	assert_int_equal(f.ok, 2);
	assert_int_equal(f.unknown, 4);
	assert_int_equal(f.failed, 5);
	assert_int_equal(f.missing, 1);
	assert_int_equal(facts.fates[FATE_PARTIAL], 2);
	assert_int_equal(f.groups[0].status, 423);
	assert_int_equal(f.groups[0].n, 2);
	findings_done(&f);
}

static void
kinds_beyond_the_limit_share_a_group(void **state)
{
	static const struct told told = { .href = STR_INIT("/a") };
	struct exit_facts facts = { 0 };
	struct options o = { 0 };
	struct findings f;
	unsigned i;

	(void)state;
	assert_int_equal(findings_init(&f, &o, "", &facts, NULL), ERR_OK);
	for (i = 0; i < 200; i++)
		assert_int_equal(
		    sink_put(&f.base,
			&(struct outcome){ .status = 400 + i, .told = &told }),
		    ERR_OK);
	assert_int_equal(f.n_groups, GROUPS_MAX);
	assert_true(f.groups[GROUPS_MAX - 1].other);
	assert_int_equal(f.groups[GROUPS_MAX - 1].n, 200 - (GROUPS_MAX - 1));
	assert_int_equal(f.failed, 200);
	findings_done(&f);
}

static void
each_line_of_a_retry_file_has_its_plan(void **state)
{
	static const struct {
		struct retry_line l;
		enum retry_plan want;
	} cases[] = {
		{ { .op = STR_INIT("delete"), .status = 503 }, RETRY_SEND },
		{ { .op = STR_INIT("delete"), .status = 403 }, RETRY_SEND },
		{ { .op = STR_INIT("delete"), .status = 412 }, RETRY_NOT },
		{ { .op = STR_INIT("delete"), .status = 409 }, RETRY_NOT },
		{ { .op = STR_INIT("create"), .status = 409 }, RETRY_NOT },
		{ { .op = STR_INIT("create"), .status = 412 }, RETRY_NOT },
		{ { .op = STR_INIT("mkcol"), .status = 409 }, RETRY_NOT },
		{ { .op = STR_INIT("copy"), .status = 409 }, RETRY_NOT },
		{ { .op = STR_INIT("copy"), .status = 409, .keep = true },
		    RETRY_NOT },
		{ { .op = STR_INIT("delete"),
		      .status = 412,
		      .fate = STR_INIT("unknown") },
		    RETRY_NOT },
		{ { .op = STR_INIT("delete"), .fate = STR_INIT("unknown") },
		    RETRY_LOOK },
		{ { .op = STR_INIT("upsert"),
		      .file = STR_INIT("/t"),
		      .recursive = true,
		      .fate = STR_INIT("left") },
		    RETRY_SEND },
		{ { .op = STR_INIT("upsert"), .file = STR_INIT("-") },
		    RETRY_NOT },
		{ { .op = STR_INIT("read"), .fate = STR_INIT("left") },
		    RETRY_SEND },
	};
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		if (retry_plan_of(&cases[i].l, &why) != cases[i].want)
			fail_msg("case %zu", i);
		assert_int_equal(cases[i].want == RETRY_NOT, *why != '\0');
	}
}

/* ---- the commands themselves */

struct place {
	struct tmpdir dir;
	int home, old_out, old_err;
};

static void
place_make(struct place *p, const char *data)
{
	int fd;

	*p = (struct place){ 0 };
	tmpdir_make(&p->dir);
	p->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(chdir(p->dir.path), 0);
	fd = open("in", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fd_write_all(fd, str_from_c(data), NULL), ERR_OK);
	fd_close(&fd);
	p->old_out = dup(STDOUT_FILENO);
	p->old_err = dup(STDERR_FILENO);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	(void)fflush(stdout);
	assert_true(dup2(fd, STDOUT_FILENO) >= 0);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	fd_close(&fd);
}

static void
place_remove(struct place *p)
{
	(void)fflush(stdout);
	assert_true(dup2(p->old_out, STDOUT_FILENO) >= 0);
	assert_true(dup2(p->old_err, STDERR_FILENO) >= 0);
	fd_close(&p->old_out);
	fd_close(&p->old_err);
	assert_int_equal(fchdir(p->home), 0);
	fd_close(&p->home);
	tmpdir_remove(&p->dir);
}

/* Whichever allocation fails, it does not end as if all were well. */
static void
starve(int (*run)(const char *const *args), const char *const *args,
    const char *data, unsigned long least)
{
	struct place p;
	unsigned long n, calm = 0;
	bool fired = true;
	int code = EXIT_CANNOT;

	place_make(&p, data);
	for (n = 1; fired; n++) {
		alloc_fail_at(n);
		code = run(args);
		fired = alloc_fail_stop();
		calm += fired && code == EXIT_OK;
	}
	place_remove(&p);
	assert_int_equal(calm, 0);
	assert_int_equal(code, EXIT_OK);
	assert_true(n > least);
}

#define FINE                                                            \
	"<D:multistatus xmlns:D='DAV:'><D:response><D:href>/a</D:href>" \
	"<D:status>HTTP/1.1 200 OK</D:status></D:response>"             \
	"</D:multistatus>"

static void
explain_without_memory_is_no_success(void **state)
{
	static const char *const plain[] = { "in", NULL };
	static const char *const all[] = { "--all", "in", NULL };
	static const char *const json[] = { "--json", "--all", "in", NULL };

	(void)state;
	starve(cmd_explain, plain, FINE, 15);
	starve(cmd_explain, all, FINE, 15);
	starve(cmd_explain, json, FINE, 15);
	starve(cmd_explain, plain,
	    "HTTP/1.1 207 X\r\nContent-Type: text/xml\r\n\r\n" FINE, 20);
}

static void
retry_without_memory_is_no_success(void **state)
{
	static const char *const plan[] = { "-n", "in", NULL };

	(void)state;
	starve(cmd_retry, plan,
	    "{\"type\":\"sheaf-retry\",\"version\":1,\"command\":\"rm\"}\n"
	    "{\"op\":\"delete\",\"url\":\"http://h/a\",\"fate\":\"failed\"}\n",
	    10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_became_of_a_resource_is_sorted_and_counted),
		cmocka_unit_test(kinds_beyond_the_limit_share_a_group),
		cmocka_unit_test(each_line_of_a_retry_file_has_its_plan),
		cmocka_unit_test(explain_without_memory_is_no_success),
		cmocka_unit_test(retry_without_memory_is_no_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
