/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <errno.h>

#include "base/err.h"
#include "base/str.h"

static void
our_log_and_the_client_are_told_apart(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_set(&err, ERR_IO, "disk %d", 3), ERR_IO);
	assert_int_equal(err.code, ERR_IO);
	assert_string_equal(err.why, "disk 3");
	assert_string_equal(err.tell, "");

	assert_int_equal(
	    err_tell(&err, ERR_BAD_HEADER, "bad %s", "Depth"), ERR_BAD_HEADER);
	assert_string_equal(err.why, "bad Depth");
	assert_string_equal(err.tell, "bad Depth");

	/* nothing of the failure before is left */
	assert_int_equal(err_nomem(&err), ERR_NOMEM);
	assert_string_equal(err.tell, "");
}

static void
nobody_has_to_listen(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_IO, "x"), ERR_IO);
	assert_int_equal(err_tell(NULL, ERR_BAD_BODY, "x"), ERR_BAD_BODY);
	assert_int_equal(err_nomem(NULL), ERR_NOMEM);
	errno = EACCES;
	assert_int_equal(err_os(NULL, "x"), ERR_FORBIDDEN);
	assert_int_equal(err_errno(NULL, EXDEV, "x"), ERR_CROSS_DEVICE);
}

static void
a_long_message_is_cut_off(void **state)
{
	char text[1000];
	struct err err;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&err, ERR_IO, "%s", text);
	assert_int_equal(strlen(err.why), sizeof(err.why) - 1);
	(void)err_tell(&err, ERR_IO, "%s", text);
	assert_int_equal(strlen(err.tell), sizeof(err.tell) - 1);
	(void)err_errno(&err, EIO, "%s", text);
	assert_int_equal(strlen(err.why), sizeof(err.why) - 1);
	/* there may be room for some of what the system says */
	text[180] = '\0';
	(void)err_errno(&err, EIO, "%s", text);
	assert_int_equal(strlen(err.why), sizeof(err.why) - 1);
	assert_non_null(strstr(err.why, "x: Input/"));
}

static void
what_the_system_says_has_one_meaning(void **state)
{
	static const struct {
		int errnum;
		enum err_code code;
		unsigned status;
	} cases[] = {
		{ ENOENT, ERR_NOT_FOUND, 404 },
		{ ENOTDIR, ERR_NOT_FOUND, 404 },
		{ EACCES, ERR_FORBIDDEN, 403 },
		{ EROFS, ERR_READ_ONLY, 403 },
		{ ENOSPC, ERR_NO_SPACE, 507 },
		{ EDQUOT, ERR_QUOTA, 507 },
		{ EMFILE, ERR_NO_FDS, 503 },
		{ ENOMEM, ERR_NOMEM, 500 },
		{ EPIPE, ERR_OS, 500 },
		{ 0, ERR_OS, 500 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    err_from_errno(cases[i].errnum), cases[i].code);
		assert_int_equal(err_status(cases[i].code), cases[i].status);
	}
}

/* An operation on many members goes on after what one of them can cause. */
static void
one_members_failure_does_not_stop_the_others(void **state)
{
	static const struct {
		enum err_code code;
		bool stops;
	} cases[] = {
		{ ERR_NOMEM, true },
		{ ERR_CLIENT_GONE, true },
		{ ERR_CANCELLED, true },
		{ ERR_FORBIDDEN, false },
		{ ERR_NOT_FOUND, false },
		{ ERR_IO, false },
		{ ERR_NO_SPACE, false },
		{ ERR_NAME_TOO_LONG, false },
		{ ERR_LOOP, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(err_stops(cases[i].code), cases[i].stops);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_log_and_the_client_are_told_apart),
		cmocka_unit_test(nobody_has_to_listen),
		cmocka_unit_test(a_long_message_is_cut_off),
		cmocka_unit_test(what_the_system_says_has_one_meaning),
		cmocka_unit_test(one_members_failure_does_not_stop_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
