/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"
#include "lib/tmpdir.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "http/mime.h"

#define UNKNOWN "application/octet-stream"

/* Writes a table and returns its name in file. */
static void
write_table(const struct tmpdir *t, struct str text, char file[300])
{
	int fd CLEANUP(fd_close) = -1;

	(void)snprintf(file, 300, "%s/mime.types", t->path);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, NULL), ERR_OK);
}

static const char table[] = "# a comment\n"
			    "\n"
			    "text/plain\t\ttxt TEXT asc # and one more\n"
			    "text/html htm html\r\n"
			    "  image/png  png\n"
			    "application/x-none\n"
			    "application/a double\n"
			    "application/b double\n"
			    "#application/c commented\n"
			    "bad nothing\n"
			    "bad/ty\"pe bad1\n"
			    "bad/<t> bad2\n"
			    "/bad bad3\n"
			    "text/x c++ tar.gz\n"
			    "model/last end";

static void
a_type_is_found_by_the_last_extension(void **state)
{
	static const struct {
		const char *name, *type;
	} cases[] = {
		{ "a.txt", "text/plain" },
		{ "a.TXT", "text/plain" },
		{ "a.text", "text/plain" },
		{ "a.asc", "text/plain" },
		{ "a.htm", "text/html" },
		{ "a.html", "text/html" },
		{ "a.txt.png", "image/png" },
		{ "a b..png", "image/png" },
		{ "a.double", "application/a" },
		{ "a.c++", "text/x" },
		{ "a.end", "model/last" },
		{ ".a.png", "image/png" },
		{ "a", UNKNOWN },
		{ "", UNKNOWN },
		{ ".", UNKNOWN },
		{ "a.", UNKNOWN },
		{ "png", UNKNOWN },
		{ ".png", UNKNOWN },
		{ "a.pn", UNKNOWN },
		{ "a.pngg", UNKNOWN },
		{ "a.png ", UNKNOWN },
		{ "a.commented", UNKNOWN },
		{ "a.and", UNKNOWN },
		{ "a.nothing", UNKNOWN },
		{ "a.bad1", UNKNOWN },
		{ "a.bad2", UNKNOWN },
		{ "a.bad3", UNKNOWN },
	};
	struct tmpdir t = { 0 };
	struct mime *m;
	char file[300];
	size_t i;

	(void)state;
	tmpdir_make(&t);
	write_table(&t, str_from_c(table), file);
	assert_int_equal(mime_open(file, &m, NULL), ERR_OK);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct str got = mime_type(m, str_from_c(cases[i].name));

		if (!str_eq(got, str_from_c(cases[i].type)))
			fail_msg("%s: %.*s", cases[i].name, STR_ARG(got));
	}
	mime_free(m);
	tmpdir_remove(&t);
}

static void
an_empty_table_or_none_knows_nothing(void **state)
{
	static const struct str tables[] = { STR_INIT(""), STR_INIT("\n\n"),
		STR_INIT("# only a comment"), STR_INIT("text/plain") };
	struct tmpdir t = { 0 };
	struct mime *m;
	char file[300];
	size_t i;

	(void)state;
	tmpdir_make(&t);
	for (i = 0; i < ARRAY_LEN(tables); i++) {
		write_table(&t, tables[i], file);
		assert_int_equal(mime_open(file, &m, NULL), ERR_OK);
		assert_str_equal(mime_type(m, STR("a.txt")), STR(UNKNOWN));
		mime_free(m);
	}
	assert_str_equal(mime_type(NULL, STR("a.txt")), STR(UNKNOWN));
	mime_free(NULL);
	tmpdir_remove(&t);
}

static void
a_file_that_is_not_there_is_an_error(void **state)
{
	struct mime *m = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(mime_open("/nowhere/at/all", &m, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.why, "/nowhere/at/all"));
	assert_null(m);
}

static void
opening_survives_each_failed_allocation(void **state)
{
	struct tmpdir t = { 0 };
	char file[300];
	unsigned long n;

	(void)state;
	tmpdir_make(&t);
	write_table(&t, str_from_c(table), file);
	for (n = 1;; n++) {
		struct mime *m = NULL;
		enum err_code rc;

		alloc_fail_at(n);
		rc = mime_open(file, &m, NULL);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			assert_str_equal(
			    mime_type(m, STR("a.txt")), STR("text/plain"));
			mime_free(m);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
		assert_null(m);
	}
	assert_true(n > 3);
	tmpdir_remove(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_type_is_found_by_the_last_extension),
		cmocka_unit_test(an_empty_table_or_none_knows_nothing),
		cmocka_unit_test(a_file_that_is_not_there_is_an_error),
		cmocka_unit_test(opening_survives_each_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
