/* SPDX-License-Identifier: MIT */
/* What commands that work on many items share, run in a directory of its own.
 */
#include "lib/alloc_fail.h"
#include "lib/test.h"
#include "lib/tmpdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/file.h"
#include "cmd/work_impl.h"

/* Standard output and error in files, the current directory empty. */
struct world {
	struct tmpdir dir, out_dir;
	int home, out, err, old_out, old_err;
	struct buf said, printed;
};

static int
redirect(const char *dir, const char *name, int fd, int *old)
{
	char path[512];
	int made;

	(void)snprintf(path, sizeof(path), "%s%s%s", dir, "/", name);
	made = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(made >= 0);
	*old = dup(fd);
	assert_true(dup2(made, fd) >= 0);
	return made;
}

static void
world_make(struct world *t)
{
	*t = (struct world){ 0 };
	tmpdir_make(&t->dir);
	tmpdir_make(&t->out_dir);
	t->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(chdir(t->dir.path), 0);
	t->out = redirect(t->out_dir.path, "out", STDOUT_FILENO, &t->old_out);
	t->err = redirect(t->out_dir.path, "err", STDERR_FILENO, &t->old_err);
}

static void
read_back(int fd, struct buf *b)
{
	char *at = buf_room(b, 1 << 20);
	size_t got = 0;

	assert_non_null(at);
	assert_int_equal(fd_read_at(fd, 0, at, 1 << 20, &got, NULL), ERR_OK);
	b->len += got;
}

/* Gives stdout and stderr back, so that failures are seen. */
static void
world_end(struct world *t)
{
	assert_true(dup2(t->old_out, STDOUT_FILENO) >= 0);
	assert_true(dup2(t->old_err, STDERR_FILENO) >= 0);
	read_back(t->out, &t->printed);
	read_back(t->err, &t->said);
}

static void
world_remove(struct world *t)
{
	assert_int_equal(fchdir(t->home), 0);
	fd_close(&t->home);
	fd_close(&t->out);
	fd_close(&t->err);
	fd_close(&t->old_out);
	fd_close(&t->old_err);
	buf_done(&t->said);
	buf_done(&t->printed);
	tmpdir_remove(&t->dir);
	tmpdir_remove(&t->out_dir);
}

/* The one retry file of the current directory; empty: none. */
static void
read_retry_file(struct buf *b)
{
	DIR *d = opendir(".");
	const struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d))) {
		struct stat st;

		if (*e->d_name == '.')
			continue;
		assert_int_equal(b->len, 0);
		assert_int_equal(stat(e->d_name, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(file_read(e->d_name, b, NULL), ERR_OK);
	}
	(void)closedir(d);
}

static bool
has(const struct buf *b, const char *part)
{
	struct str s = buf_str(b);

	return s.ptr && memmem(s.ptr, s.len, part, strlen(part));
}

#define assert_has(b, part)                                     \
	do {                                                    \
		if (!has((b), (part)))                          \
			fail_msg("'%s' is not in '%.*s'", part, \
			    STR_ARG(buf_str(b)));               \
	} while (0)

static const struct work_item item_put = { .op = "put",
	.url = STR_INIT("http://ann:secret@h/a.txt"),
	.file = STR_INIT("./a.txt"),
	.if_none_match = STR_INIT("*"),
	.bytes = 7 };
static const struct work_item item_rm = {
	.op = "delete", .url = STR_INIT("http://h/d/"), .recursive = true
};
static const struct verdict done = {
	.fate = FATE_DONE, .status = 201, .wait = -1
};
static const struct verdict failed = {
	.fate = FATE_FAILED, .blame = BLAME_STATUS, .status = 412, .wait = -1
};
static const struct verdict partial = {
	.fate = FATE_PARTIAL, .blame = BLAME_STATUS, .status = 207, .wait = -1
};

#define LOCKED                                                         \
	"<D:error xmlns:D='DAV:'><D:lock-token-submitted><D:href>/d/x" \
	"</D:href></D:lock-token-submitted></D:error>"

static struct work *
begin(const struct options *o, const char *command)
{
	struct work *w;

	assert_int_equal(work_new(o, command, &w, NULL), ERR_OK);
	return w;
}

static void
success_is_silent_and_leaves_nothing(void **state)
{
	struct options o = { 0 };
	struct buf file CLEANUP(buf_done) = { 0 };
	struct world t;
	struct work *w;
	int code;

	(void)state;
	world_make(&t);
	w = begin(&o, "put");
	work_done(w, &item_put, &done);
	code = work_end(w);
	work_free(w);
	world_end(&t);
	read_retry_file(&file);
	assert_int_equal(code, EXIT_OK);
	assert_int_equal(t.said.len, 0);
	assert_int_equal(t.printed.len, 0);
	assert_int_equal(file.len, 0);
	world_remove(&t);
}

static void
a_failure_is_told_with_what_to_do_and_kept(void **state)
{
	struct options o = { 0 };
	struct buf file CLEANUP(buf_done) = { 0 };
	struct world t;
	struct work *w;
	int code;

	(void)state;
	world_make(&t);
	w = begin(&o, "put");
	work_done(w, &item_rm, &done);
	work_done(w, &item_put, &failed);
	code = work_end(w);
	work_free(w);
	world_end(&t);
	read_retry_file(&file);
	assert_int_equal(code, EXIT_SOME_FAILED);
	assert_has(&t.said, ": 412 Precondition Failed. There is a version ");
	assert_has(&t.said, "sheaf: 1 done, 1 failed\n");
	assert_has(&t.said, "sheaf retry sheaf-retry-");
	assert_has(&file, "{\"type\":\"sheaf-retry\",\"version\":1,");
	assert_has(&file, "\"command\":\"put\"");
	assert_has(&file, "\"op\":\"create\",\"url\":\"http://h/a.txt\"");
	assert_has(&file, "\"file\":\"/");
	assert_has(&file, "/a.txt\",\"fate\":\"failed\"");
	assert_has(&file, "\"status\":412");
	assert_false(has(&file, "secret"));
	assert_false(has(&file, "ann"));
	assert_false(has(&file, "delete"));
	world_remove(&t);
}

static void
members_stand_before_what_they_are_members_of(void **state)
{
	static const struct told told = { .href = STR_INIT("http://h/d/x"),
		.error = STR_INIT(LOCKED) };
	static const struct outcome member = { .status = 423, .told = &told };
	struct options o = { 0 };
	struct buf file CLEANUP(buf_done) = { 0 };
	struct arena a = { 0 };
	struct retry_line first, second;
	struct str rest, line;
	struct world t;
	struct work *w;
	int code;

	(void)state;
	world_make(&t);
	w = begin(&o, "rm");
	work_member(w, &item_rm, &member);
	work_done(w, &item_rm, &partial);
	code = work_end(w);
	work_free(w);
	world_end(&t);
	read_retry_file(&file);
	assert_int_equal(code, EXIT_SOME_FAILED);
	assert_has(&t.said,
	    "sheaf: delete http://h/d/x: 423 Locked: it is locked, and the "
	    "token of the lock was not sent (/d/x). Wait until");
	assert_has(&t.said,
	    "sheaf: delete http://h/d/: done in part: 1 member failed, see "
	    "above.\n");
	rest = buf_str(&file);
	assert_true(str_cut(&rest, '\n', &line));
	assert_true(str_cut(&rest, '\n', &line));
	assert_int_equal(retry_line_parse(&a, line, &first, NULL), ERR_OK);
	assert_true(str_cut(&rest, '\n', &line));
	assert_int_equal(retry_line_parse(&a, line, &second, NULL), ERR_OK);
	assert_str_equal(first.url, STR("http://h/d/x"));
	assert_str_equal(first.member_of, second.id);
	assert_str_equal(second.url, STR("http://h/d/"));
	assert_true(second.recursive);
	arena_done(&a);
	world_remove(&t);
}

static void
a_copy_is_retried_by_its_failed_members_alone(void **state)
{
	static const struct work_item copy = { .op = "copy",
		.url = STR_INIT("http://h/a%20b/"),
		.destination = STR_INIT("http://h/to") };
	static const struct told at_source = { .href = STR_INIT(
						   "http://h/a%20b/x/") };
	static const struct told at_end = { .href =
						STR_INIT("http://h/to/y/z") };
	const struct outcome members[] = {
		{ .status = 403, .told = &at_source },
		{ .status = 507, .told = &at_end },
	};
	struct options o = { 0 };
	struct buf file CLEANUP(buf_done) = { 0 };
	struct world t;
	struct work *w;

	(void)state;
	world_make(&t);
	w = begin(&o, "cp");
	work_member(w, &copy, &members[0]);
	work_member(w, &copy, &members[1]);
	work_done(w, &copy, &partial);
	(void)work_end(w);
	work_free(w);
	world_end(&t);
	read_retry_file(&file);
	assert_has(&file,
	    "\"url\":\"http://h/a%20b/x/\",\"destination\":\"http://h/to/x/\"");
	assert_has(&file,
	    "\"url\":\"http://h/a%20b/y/z\",\"destination\":"
	    "\"http://h/to/y/z\"");
	assert_false(has(&file, "\"url\":\"http://h/a%20b/\""));
	world_remove(&t);
}

static void
a_member_elsewhere_leaves_the_item_itself(void **state)
{
	static const struct work_item copy = { .op = "copy",
		.url = STR_INIT("http://h/a/"),
		.destination = STR_INIT("http://h/to/") };
	static const struct told told = { .href = STR_INIT("http://h/ab") };
	static const struct outcome member = { .status = 403, .told = &told };
	struct options o = { 0 };
	struct buf file CLEANUP(buf_done) = { 0 };
	struct world t;
	struct work *w;

	(void)state;
	world_make(&t);
	w = begin(&o, "cp");
	work_member(w, &copy, &member);
	work_done(w, &copy, &partial);
	(void)work_end(w);
	work_free(w);
	world_end(&t);
	read_retry_file(&file);
	assert_has(&file, "\"url\":\"http://h/a/\"");
	assert_false(has(&file, "http://h/ab"));
	world_remove(&t);
}

static void
an_item_that_is_named_as_its_own_member_is_told_once(void **state)
{
	static const struct told told = { .href = STR_INIT("http://h/d"),
		.error = STR_INIT(LOCKED) };
	static const struct outcome member = { .status = 423, .told = &told };
	static const struct verdict whole = { .fate = FATE_FAILED,
		.blame = BLAME_STATUS,
		.status = 207,
		.wait = -1 };
	struct options o = { 0 };
	struct buf file CLEANUP(buf_done) = { 0 };
	struct world t;
	struct work *w;

	(void)state;
	world_make(&t);
	w = begin(&o, "rm");
	work_member(w, &item_rm, &member);
	work_done(w, &item_rm, &whole);
	(void)work_end(w);
	work_free(w);
	world_end(&t);
	read_retry_file(&file);
	assert_has(
	    &t.said, "sheaf: delete http://h/d/: 423 Locked: it is locked");
	assert_false(has(&t.said, "http://h/d:"));
	assert_has(&file, "\"status\":423");
	assert_false(has(&file, "memberOf"));
	world_remove(&t);
}

static void
json_has_an_object_an_item_and_a_summary_last(void **state)
{
	static const struct told told = { .href = STR_INIT("http://h/d/x"),
		.error = STR_INIT(LOCKED),
		.retry_after = STR_INIT("3") };
	static const struct outcome member = { .status = 423, .told = &told };
	struct options o = { .json = true };
	struct world t;
	struct work *w;

	(void)state;
	world_make(&t);
	w = begin(&o, "rm");
	work_done(w, &item_put, &done);
	work_member(w, &item_rm, &member);
	work_done(w, &item_rm, &partial);
	(void)work_end(w);
	work_free(w);
	world_end(&t);
	assert_has(&t.printed, "{\"type\":\"result\",\"op\":\"put\",\"url\":");
	assert_has(&t.printed, "\"status\":201,\"fate\":\"done\"");
	assert_has(&t.printed, "\"fate\":\"partial\"");
	assert_has(&t.printed,
	    "\"membersFailed\":1,\"members\":[{\"url\":\"http://h/d/x\","
	    "\"status\":423,\"fate\":\"failed\"");
	assert_has(&t.printed, "\"condition\":\"{DAV:}lock-token-submitted\"");
	assert_has(&t.printed, "\"retry\":\"when-freed\",\"retryAfter\":3");
	assert_has(&t.printed,
	    "\n{\"type\":\"summary\",\"total\":2,\"done\":1,\"failed\":0,"
	    "\"partial\":1,\"unknown\":0,\"left\":0,\"membersFailed\":1,");
	assert_has(&t.printed, "\"retryFile\":\"sheaf-retry-");
	assert_has(&t.printed, "\"exit\":3}\n");
	world_remove(&t);
}

static void
the_file_that_is_asked_for_is_there_though_nothing_failed(void **state)
{
	struct options o = { .failed_out = "left" };
	struct buf file CLEANUP(buf_done) = { 0 };
	struct world t;
	struct work *w;

	(void)state;
	world_make(&t);
	{
		int fd = open("left", O_WRONLY | O_CREAT, 0644);

		assert_int_equal(write(fd, "old", 3), 3);
		fd_close(&fd);
	}
	w = begin(&o, "put");
	assert_int_equal(file_read("left", &file, NULL), ERR_OK);
	assert_str_equal(buf_str(&file), STR("old"));
	work_done(w, &item_put, &done);
	(void)work_end(w);
	work_free(w);
	world_end(&t);
	buf_clear(&file);
	read_retry_file(&file);
	assert_has(&file, "\"command\":\"put\"");
	world_remove(&t);
}

static void
a_file_that_cannot_be_written_is_known_before_anything_is_done(void **state)
{
	struct options o = { .failed_out = "no/such/folder/f" };
	struct err err = { 0 };
	struct world t;
	struct work *w;
	enum err_code rc;

	(void)state;
	world_make(&t);
	rc = work_new(&o, "put", &w, &err);
	world_end(&t);
	assert_int_not_equal(rc, ERR_OK);
	assert_null(w);
	assert_non_null(strstr(err.why, "no/such/folder/f"));
	world_remove(&t);
}

static void
a_dry_run_leaves_no_file(void **state)
{
	struct options o = { .dry_run = true, .failed_out = "left" };
	struct buf file CLEANUP(buf_done) = { 0 };
	struct world t;
	struct work *w;

	(void)state;
	world_make(&t);
	w = begin(&o, "put");
	work_done(w, &item_put, &failed);
	(void)work_end(w);
	work_free(w);
	world_end(&t);
	read_retry_file(&file);
	assert_int_equal(file.len, 0);
	world_remove(&t);
}

static void
the_first_interrupt_drains_and_the_second_aborts(void **state)
{
	static const struct verdict left = {
		.fate = FATE_LEFT, .blame = BLAME_INTERRUPT, .wait = -1
	};
	struct options o = { 0 };
	struct buf file CLEANUP(buf_done) = { 0 };
	const struct client_watch *watch;
	struct world t;
	struct work *w;
	enum client_stop before, once, twice;
	bool interrupted;
	int code;

	(void)state;
	world_make(&t);
	w = begin(&o, "put");
	watch = work_watch(w);
	before = watch->stop(watch->arg);
	(void)raise(SIGINT);
	interrupted = work_interrupted(w);
	once = watch->stop(watch->arg);
	(void)raise(SIGTERM);
	twice = watch->stop(watch->arg);
	work_done(w, &item_put, &left);
	code = work_end(w);
	work_free(w);
	world_end(&t);
	read_retry_file(&file);
	assert_int_equal(before, CLIENT_GO);
	assert_true(interrupted);
	assert_int_equal(once, CLIENT_DRAIN);
	assert_int_equal(twice, CLIENT_ABORT);
	assert_int_equal(code, EXIT_INTERRUPTED);
	assert_has(&file, "\"fate\":\"left\"");
	assert_has(&t.said, "once more stops at once\n");
	assert_false(has(&t.said, "not begun"));
	world_remove(&t);
}

static void
output_that_nobody_takes_ends_the_work(void **state)
{
	struct options o = { 0 };
	struct world t;
	struct work *w;
	int full, code;
	bool over;

	(void)state;
	world_make(&t);
	full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(dup2(full, STDOUT_FILENO) >= 0);
	fd_close(&full);
	w = begin(&o, "ls");
	work_out(w, STR("a line\n"));
	work_flush(w);
	over = work_interrupted(w);
	code = work_end(w);
	work_free(w);
	world_end(&t);
	assert_true(over);
	assert_int_equal(code, EXIT_CANNOT);
	assert_has(&t.said, "cannot write to the output");
	world_remove(&t);
}

static void
each_allocation_may_fail_and_nothing_is_called_done(void **state)
{
	static const struct told told = { .href = STR_INIT("http://h/d/x"),
		.error = STR_INIT(LOCKED) };
	static const struct outcome member = { .status = 423, .told = &told };
	struct options o = { .failed_out = "left" };
	unsigned long n;
	bool fired = true;
	struct world t;

	(void)state;
	world_make(&t);
	for (n = 1; fired; n++) {
		struct work *w;
		int code = EXIT_CANNOT;

		o.json = n % 2;
		alloc_fail_at(n);
		if (!work_new(&o, "rm", &w, NULL)) {
			work_member(w, &item_rm, &member);
			work_done(w, &item_rm, &partial);
			code = work_end(w);
			work_free(w);
		}
		fired = alloc_fail_stop();
		if (code == EXIT_OK)
			break;
	}
	world_end(&t);
	world_remove(&t);
	assert_false(fired);
	assert_true(n > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(success_is_silent_and_leaves_nothing),
		cmocka_unit_test(a_failure_is_told_with_what_to_do_and_kept),
		cmocka_unit_test(members_stand_before_what_they_are_members_of),
		cmocka_unit_test(a_copy_is_retried_by_its_failed_members_alone),
		cmocka_unit_test(a_member_elsewhere_leaves_the_item_itself),
		cmocka_unit_test(
		    an_item_that_is_named_as_its_own_member_is_told_once),
		cmocka_unit_test(json_has_an_object_an_item_and_a_summary_last),
		cmocka_unit_test(
		    the_file_that_is_asked_for_is_there_though_nothing_failed),
		cmocka_unit_test(
		    a_file_that_cannot_be_written_is_known_before_anything_is_done),
		cmocka_unit_test(a_dry_run_leaves_no_file),
		cmocka_unit_test(
		    the_first_interrupt_drains_and_the_second_aborts),
		cmocka_unit_test(output_that_nobody_takes_ends_the_work),
		cmocka_unit_test(
		    each_allocation_may_fail_and_nothing_is_called_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
