/* SPDX-License-Identifier: MIT */
#include "client/netrc.h"
#include "lib/alloc_fail.h"
#include "lib/test.h"

static void
credentials_are_found_by_host_and_name(void **state)
{
	static const struct {
		const char *what, *text, *host, *user;
		const char *login, *password; /* NULL: there are none */
	} cases[] = {
		{ "one line", "machine h login a password p", "h", "", "a",
		    "p" },
		{ "several lines", "machine\nh\nlogin a\n\tpassword\r\np\n",
		    "h", "", "a", "p" },
		{ "case of the host", "machine H.test login a password p",
		    "h.TEST", "", "a", "p" },
		{ "another host", "machine x login a password p", "h", "", NULL,
		    NULL },
		{ "the first that fits",
		    "machine h login a password 1 machine h login b password 2",
		    "h", "", "a", "1" },
		{ "by name",
		    "machine h login a password 1 machine h login b password 2",
		    "h", "b", "b", "2" },
		{ "no such name", "machine h login a password 1", "h", "b",
		    NULL, NULL },
		{ "the default one",
		    "machine x login a password 1\n"
		    "default login d password 2",
		    "h", "", "d", "2" },
		{ "quotes", "machine h login \"a b\" password \"p \\\" q\"",
		    "h", "", "a b", "p \" q" },
		{ "comments",
		    "# machine h login no password no\n"
		    "machine h # login no\n login a password p",
		    "h", "", "a", "p" },
		{ "a sign in a word", "machine h login a password p#q", "h", "",
		    "a", "p#q" },
		{ "a macro",
		    "macdef m\nmachine h login no password no\n\n"
		    "machine h login a password p",
		    "h", "", "a", "p" },
		{ "an account", "machine h login a account login password p",
		    "h", "", "a", "p" },
		{ "no password", "machine h login a", "h", "", NULL, NULL },
		{ "cut short", "machine h login a password", "h", "", NULL,
		    NULL },
		{ "a quote without an end", "machine h login a password \"p",
		    "h", "", "a", "p" },
		{ "nothing", "", "h", "", NULL, NULL },
	};
	struct buf login CLEANUP(buf_done) = { 0 };
	struct buf password CLEANUP(buf_done) = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		bool found = netrc_find(str_from_c(cases[i].text),
		    str_from_c(cases[i].host), str_from_c(cases[i].user),
		    &login, &password);

		if (found != (cases[i].login != NULL))
			fail_msg("%s", cases[i].what);
		if (found &&
		    (!str_eq(buf_str(&login), str_from_c(cases[i].login)) ||
			!str_eq(
			    buf_str(&password), str_from_c(cases[i].password))))
			fail_msg("%s: %.*s %.*s", cases[i].what,
			    STR_ARG(buf_str(&login)),
			    STR_ARG(buf_str(&password)));
	}
}

/* A password that is only half of one must not be sent. */
static void
without_memory_it_says_so(void **state)
{
	static const char text[] = "machine h login alice password secret";
	unsigned long n;
	bool whole = false;

	(void)state;
	for (n = 1; !whole; n++) {
		struct buf login CLEANUP(buf_done) = { 0 };
		struct buf password CLEANUP(buf_done) = { 0 };
		bool found, failed;

		alloc_fail_at(n);
		found = netrc_find(
		    str_from_c(text), STR("h"), STR(""), &login, &password);
		failed = alloc_fail_stop();
		whole = !failed;
		if (found && !buf_failed(&login) && !buf_failed(&password)) {
			assert_true(str_eq(buf_str(&login), STR("alice")));
			assert_true(str_eq(buf_str(&password), STR("secret")));
		} else {
			assert_true(failed);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_are_found_by_host_and_name),
		cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
