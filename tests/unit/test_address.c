/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "server/address.h"

static void
addresses_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* NULL: refused */
		bool loopback;
	} cases[] = {
		{ "127.0.0.1:4918", "127.0.0.1:4918", true },
		{ "127.9.9.9:0", "127.9.9.9:0", true },
		{ "[::1]:65535", "[::1]:65535", true },
		{ "localhost:80", "127.0.0.1:80", true },
		{ "[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", true },
		{ ":80", "0.0.0.0:80", false },
		{ "0.0.0.0:80", "0.0.0.0:80", false },
		{ "[::]:80", "[::]:80", false },
		{ "192.0.2.1:80", "192.0.2.1:80", false },
		{ "", NULL, false },
		{ "80", NULL, false },
		{ "127.0.0.1", NULL, false },
		{ "127.0.0.1:", NULL, false },
		{ "127.0.0.1:65536", NULL, false },
		{ "127.0.0.1:-1", NULL, false },
		{ "::1:80", NULL, false },
		{ "[127.0.0.1]:80", NULL, false },
		{ "[]:80", NULL, false },
		{ "[::1:80", NULL, false },
		{ "example.org:80", NULL, false },
		{ "1.2.3:80", NULL, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct str text = str_from_c(cases[i].text);
		struct buf b = { 0 };
		struct err err = { 0 };
		struct address a;

		print_message("%s\n", cases[i].text);
		if (!cases[i].want) {
			assert_int_equal(
			    address_parse(text, &a, &err), ERR_BAD_REQUEST);
			assert_non_null(strstr(err.why, cases[i].text));
			continue;
		}
		assert_int_equal(address_parse(text, &a, &err), ERR_OK);
		address_put(&b, &a);
		assert_str_equal(buf_str(&b), str_from_c(cases[i].want));
		assert_int_equal(address_is_loopback(&a), cases[i].loopback);
		buf_done(&b);
	}
}

static struct host
host(const char *text)
{
	struct address a;
	struct buf b = { 0 };
	struct host h;

	buf_printf(&b, strchr(text, ':') ? "[%s]:1" : "%s:1", text);
	assert_int_equal(address_parse(buf_str(&b), &a, NULL), ERR_OK);
	assert_true(host_of((const struct sockaddr *)&a.sa, &h));
	buf_done(&b);
	return h;
}

static void
networks_have_what_is_in_them(void **state)
{
	static const struct {
		const char *networks;
		const char *host;
		bool want;
	} cases[] = {
		{ "", "127.0.0.1", false },
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.0.0.7", "10.0.0.7", true },
		{ "10.0.0.7", "10.0.0.6", false },
		{ "10.0.0.0/31", "10.0.0.1", true },
		{ "10.0.0.0/31", "10.0.0.2", false },
		{ "0.0.0.0/0", "8.8.8.8", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "8.8.8.8", true },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "10.0.0.0/8", "::ffff:10.1.1.1", true },
		{ "::1, 10.0.0.0/8 192.0.2.1", "192.0.2.1", true },
		{ "::1, 10.0.0.0/8 192.0.2.1", "::1", true },
		{ "::1, 10.0.0.0/8 192.0.2.1", "192.0.2.2", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct host h = host(cases[i].host);
		struct networks n;

		print_message("%s %s\n", cases[i].networks, cases[i].host);
		assert_int_equal(
		    networks_parse(str_from_c(cases[i].networks), &n, NULL),
		    ERR_OK);
		assert_int_equal(networks_have(&n, &h), cases[i].want);
		networks_done(&n);
	}
}

static void
what_is_no_network_is_named(void **state)
{
	static const char *const cases[] = { "10.0.0.0/33", "::/129", "10/8",
		"x", "10.0.0.0/", "10.0.0.0/8x", "1.1.1.1, y" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct networks n = { 0 };
		struct err err = { 0 };

		assert_int_equal(networks_parse(str_from_c(cases[i]), &n, &err),
		    ERR_BAD_REQUEST);
		assert_null(n.v);
		assert_non_null(strstr(err.why, "such as 10.0.0.0/8"));
	}
}

static void
no_memory_leaves_nothing(void **state)
{
	struct networks n = { 0 };
	unsigned long at;

	(void)state;
	for (at = 1;; at++) {
		enum err_code rc;

		alloc_fail_at(at);
		rc = networks_parse(STR("::1 ::2 ::3"), &n, NULL);
		if (!alloc_fail_stop())
			break;
		assert_int_equal(rc, ERR_NOMEM);
		assert_null(n.v);
	}
	assert_int_equal(n.n, 3);
	networks_done(&n);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(networks_have_what_is_in_them),
		cmocka_unit_test(what_is_no_network_is_named),
		cmocka_unit_test(no_memory_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
