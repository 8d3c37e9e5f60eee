/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "http/href.h"

static void
a_path_is_decoded_or_refused(void **state)
{
	static const struct {
		struct str wire;
		struct str path; /* empty: refused */
		bool slash;
	} cases[] = {
		{ STR_INIT("/"), STR_INIT("/"), true },
		{ STR_INIT("//"), STR_INIT("/"), true },
		{ STR_INIT("/a"), STR_INIT("/a"), false },
		{ STR_INIT("/a/"), STR_INIT("/a"), true },
		{ STR_INIT("/a/b"), STR_INIT("/a/b"), false },
		{ STR_INIT("//a///b//"), STR_INIT("/a/b"), true },
		{ STR_INIT("/a%20b"), STR_INIT("/a b"), false },
		{ STR_INIT("/%41%7a%7A"), STR_INIT("/Azz"), false },
		{ STR_INIT("/%c3%a9"), STR_INIT("/\xc3\xa9"), false },
		{ STR_INIT("/\xc3\xa9"), STR_INIT("/\xc3\xa9"), false },
		{ STR_INIT("/%ff%FE"), STR_INIT("/\xff\xfe"), false },
		{ STR_INIT("/\xff"), STR_INIT("/\xff"), false },
		{ STR_INIT("/%0a%7F%01"), STR_INIT("/\n\x7f\x01"), false },
		{ STR_INIT("/%3f%23%3C%22"), STR_INIT("/?#<\""), false },
		{ STR_INIT("/%25"), STR_INIT("/%"), false },
		{ STR_INIT("/%252e"), STR_INIT("/%2e"), false },
		{ STR_INIT("/%252f"), STR_INIT("/%2f"), false },
		{ STR_INIT("/a+b"), STR_INIT("/a+b"), false },
		{ STR_INIT("/a;v=1"), STR_INIT("/a;v=1"), false },
		{ STR_INIT("/a\\b"), STR_INIT("/a\\b"), false },
		{ STR_INIT("/<&'\">"), STR_INIT("/<&'\">"), false },
		{ STR_INIT("/..."), STR_INIT("/..."), false },
		{ STR_INIT("/.a/..b"), STR_INIT("/.a/..b"), false },
		{ STR_INIT("/%2e%2e%2e"), STR_INIT("/..."), false },
		{ STR_INIT("/http://h/a"), STR_INIT("/http:/h/a"), false },

		{ STR_INIT(""), { 0 }, false },
		{ STR_INIT("a"), { 0 }, false },
		{ STR_INIT("*"), { 0 }, false },
		{ STR_INIT("%2fa"), { 0 }, false },
		{ STR_INIT("/%"), { 0 }, false },
		{ STR_INIT("/%4"), { 0 }, false },
		{ STR_INIT("/%4/1"), { 0 }, false },
		{ STR_INIT("/%4g"), { 0 }, false },
		{ STR_INIT("/%g4"), { 0 }, false },
		{ STR_INIT("/% 4"), { 0 }, false },
		{ STR_INIT("/%-1"), { 0 }, false },
		{ STR_INIT("/%%41"), { 0 }, false },
		{ STR_INIT("/%u0041"), { 0 }, false },
		{ STR_INIT("/a%2fb"), { 0 }, false },
		{ STR_INIT("/a%2Fb"), { 0 }, false },
		{ STR_INIT("/%2f"), { 0 }, false },
		{ STR_INIT("/a%00"), { 0 }, false },
		{ STR_INIT("/a\0b"), { 0 }, false },
		{ STR_INIT("/."), { 0 }, false },
		{ STR_INIT("/.."), { 0 }, false },
		{ STR_INIT("/./"), { 0 }, false },
		{ STR_INIT("/a/."), { 0 }, false },
		{ STR_INIT("/a/../b"), { 0 }, false },
		{ STR_INIT("/a/./b"), { 0 }, false },
		{ STR_INIT("/%2e"), { 0 }, false },
		{ STR_INIT("/%2E%2e"), { 0 }, false },
		{ STR_INIT("/.%2e"), { 0 }, false },
		{ STR_INIT("/%2e./a"), { 0 }, false },
		{ STR_INIT("/a/%2e%2E/"), { 0 }, false },
		{ STR_INIT("/a b"), { 0 }, false },
		{ STR_INIT("/a\tb"), { 0 }, false },
		{ STR_INIT("/a\r\nb"), { 0 }, false },
		{ STR_INIT("/a\x7f"), { 0 }, false },
		{ STR_INIT("/a?b"), { 0 }, false },
		{ STR_INIT("/a#b"), { 0 }, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = { 0 };
		struct rpath out = { STR("untouched") };
		struct err err = { 0 };
		bool good = cases[i].path.len;
		bool slash = !cases[i].slash;

		assert_int_equal(
		    href_decode_path(&a, cases[i].wire, &out, &slash, &err),
		    good ? ERR_OK : ERR_BAD_PATH);
		assert_str_equal(
		    out.s, good ? cases[i].path : STR("untouched"));
		assert_int_equal(slash, cases[i].slash != !good);
		assert_int_equal(err.tell[0] != 0, !good);
		arena_done(&a);
	}
}

static void
a_refusal_says_what_was_wrong(void **state)
{
	static const struct {
		const char *wire, *tell;
	} cases[] = {
		{ "a", "a path must begin with a slash" },
		{ "/%zz", "a path has a bad percent escape" },
		{ "/a%2Fb", "a path has an encoded slash" },
		{ "/a%00b", "a path has an encoded NUL" },
		{ "/a b", "a path has a byte that must be encoded" },
		{ "/a/%2e.", "a path has a '.' or '..' segment" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = { 0 };
		struct rpath out;
		struct err err;

		assert_int_equal(href_decode_path(&a, str_from_c(cases[i].wire),
				     &out, NULL, &err),
		    ERR_BAD_PATH);
		assert_string_equal(err.tell, cases[i].tell);
		arena_done(&a);
	}
}

static const struct origin plain = {
	.scheme = STR_INIT("http"),
	.authority = STR_INIT("example.org"),
};
static const struct origin secure = {
	.scheme = STR_INIT("https"),
	.authority = STR_INIT("Example.org:443"),
};
static const struct origin odd_port = {
	.scheme = STR_INIT("http"),
	.authority = STR_INIT("127.0.0.1:4918"),
};
static const struct origin ipv6 = {
	.scheme = STR_INIT("http"),
	.authority = STR_INIT("[::1]:8080"),
};
static const struct origin below = {
	.scheme = STR_INIT("https"),
	.authority = STR_INIT("h"),
	.prefix = STR_INIT("/my%20dav/x"),
};
static const struct origin nameless = { .scheme = STR_INIT("http") };

static void
a_destination_is_of_this_server_or_refused(void **state)
{
	static const struct {
		const struct origin *origin;
		const char *wire;
		const char *path; /* NULL: refused */
		enum err_code rc;
		bool slash;
	} cases[] = {
		{ &plain, "/a", "/a", 0, false },
		{ &plain, "/", "/", 0, true },
		{ &plain, "http://example.org/a%20b/", "/a b", 0, true },
		{ &plain, "http://example.org", "/", 0, true },
		{ &plain, "http://example.org/", "/", 0, true },
		{ &plain, "http://example.org//a", "/a", 0, false },
		{ &plain, "HTTP://EXAMPLE.ORG/A", "/A", 0, false },
		{ &plain, "http://example.org:80/a", "/a", 0, false },
		{ &plain, "http://example.org:/a", "/a", 0, false },
		{ &plain, "http://example.org:0080/a", "/a", 0, false },
		{ &plain, "http://user@example.org/a", "/a", 0, false },
		{ &plain, "http://u:p%40@example.org:80/a", "/a", 0, false },
		{ &plain, "http://@example.org/a", "/a", 0, false },
		{ &secure, "https://example.org/a", "/a", 0, false },
		{ &secure, "http://example.org/a", "/a", 0, false },
		{ &plain, "https://example.org/a", "/a", 0, false },
		{ &secure, "https://example.org:443/a", "/a", 0, false },
		{ &odd_port, "http://127.0.0.1:4918/a", "/a", 0, false },
		{ &odd_port, "https://127.0.0.1:4918/a", "/a", 0, false },
		{ &ipv6, "http://[::1]:8080/a", "/a", 0, false },
		{ &below, "/my%20dav/x/a", "/a", 0, false },
		{ &below, "/my%20dav/x", "/", 0, false },
		{ &below, "/my%20dav/x/", "/", 0, true },
		{ &below, "/%6dy%20d%61v/x/a", "/a", 0, false },
		{ &below, "/my%20dav//x//a", "/a", 0, false },
		{ &below, "https://h/my%20dav/x/a/b/", "/a/b", 0, true },

		{ &plain, "https://example.org:8443/a", NULL, ERR_BAD_GATEWAY,
		    0 },
		{ &plain, "http://example.com/a", NULL, ERR_BAD_GATEWAY, 0 },
		{ &plain, "http://xample.org/a", NULL, ERR_BAD_GATEWAY, 0 },
		{ &plain, "http://example.org.evil/", NULL, ERR_BAD_GATEWAY,
		    0 },
		{ &plain, "http://example.org:81/a", NULL, ERR_BAD_GATEWAY, 0 },
		{ &plain, "http://example.org:443/a", NULL, ERR_BAD_GATEWAY,
		    0 },
		{ &plain, "http://example.org@evil/a", NULL, ERR_BAD_GATEWAY,
		    0 },
		{ &plain, "ftp://example.org/a", NULL, ERR_BAD_GATEWAY, 0 },
		{ &secure, "http://example.org:8080/a", NULL, ERR_BAD_GATEWAY,
		    0 },
		{ &ipv6, "http://[::2]:8080/a", NULL, ERR_BAD_GATEWAY, 0 },
		{ &ipv6, "http://[::1]/a", NULL, ERR_BAD_GATEWAY, 0 },
		{ &below, "/a", NULL, ERR_BAD_GATEWAY, 0 },
		{ &below, "/my%20dav", NULL, ERR_BAD_GATEWAY, 0 },
		{ &below, "/my%20dav/xy", NULL, ERR_BAD_GATEWAY, 0 },
		{ &below, "/my%20dav/X/a", NULL, ERR_BAD_GATEWAY, 0 },
		{ &below, "https://h/", NULL, ERR_BAD_GATEWAY, 0 },
		{ &nameless, "http://example.org/a", NULL, ERR_BAD_GATEWAY, 0 },

		{ &plain, "", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "a", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "a:b", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "//example.org/a", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "://example.org/a", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http:/a", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http:///a", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://:80/a", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://u@/a", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://a@b@example.org/a", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://example.org:x/a", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://example.org:-80/", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://example.org:65616/a", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://example.org:18446744073709551696/a", NULL,
		    ERR_BAD_PATH, 0 },
		{ &plain, "http://example.org:80:80/a", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://example.org/a?b", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://example.org?b", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://example.org#b", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://example.org/a/../b", NULL, ERR_BAD_PATH, 0 },
		{ &plain, "http://example.org/%2e%2e/b", NULL, ERR_BAD_PATH,
		    0 },
		{ &plain, "http://example.org/a b", NULL, ERR_BAD_PATH, 0 },
		{ &ipv6, "http://[::1:8080/a", NULL, ERR_BAD_PATH, 0 },
		{ &ipv6, "http://[::1]8080/a", NULL, ERR_BAD_PATH, 0 },
		{ &ipv6, "http://::1:8080/a", NULL, ERR_BAD_PATH, 0 },
		{ &below, "/my%20dav/x/../../etc", NULL, ERR_BAD_PATH, 0 },
		{ &below, "/my%20dav/x%2fa", NULL, ERR_BAD_PATH, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct href wire = { str_from_c(cases[i].wire) };
		struct arena a = { 0 };
		struct rpath out = { STR("untouched") };
		struct err err = { 0 };
		bool slash = !cases[i].slash;
		enum err_code rc =
		    href_decode(&a, cases[i].origin, wire, &out, &slash, &err);

		if (rc != cases[i].rc)
			print_error("%s\n", cases[i].wire);
		assert_int_equal(rc, cases[i].rc);
		assert_int_equal(err.code, rc);
		if (rc) {
			assert_str_equal(out.s, STR("untouched"));
			assert_int_not_equal(err.tell[0], 0);
		} else {
			assert_str_equal(out.s, str_from_c(cases[i].path));
			assert_int_equal(slash, cases[i].slash);
		}
		arena_done(&a);
	}
}

static void
a_request_target_is_below_the_prefix(void **state)
{
	static const struct {
		const char *prefix, *wire;
		enum err_code rc;
		const char *path;
		bool slash;
	} cases[] = {
		{ "", "/a", ERR_OK, "/a", false },
		{ "", "//a", ERR_OK, "/a", false },
		{ "", "//example.org/a/", ERR_OK, "/example.org/a", true },
		{ "/dav", "/dav/a", ERR_OK, "/a", false },
		{ "/dav", "/dav", ERR_OK, "/", false },
		{ "/dav", "//dav//a", ERR_OK, "/a", false },
		{ "/dav", "/davx", ERR_BAD_GATEWAY, "as was", false },
		{ "/dav", "/", ERR_BAD_GATEWAY, "as was", false },
		{ "", "http://h/a", ERR_BAD_PATH, "as was", false },
		{ "", "*", ERR_BAD_PATH, "as was", false },
		{ "", "/a?b", ERR_BAD_PATH, "as was", false },
		{ "/dav", "/dav/../a", ERR_BAD_PATH, "as was", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = { 0 };
		struct rpath out = { STR("as was") };
		bool slash = false;

		assert_int_equal(
		    href_decode_target(&a, str_from_c(cases[i].prefix),
			str_from_c(cases[i].wire), &out, &slash, NULL),
		    cases[i].rc);
		assert_str_equal(out.s, str_from_c(cases[i].path));
		assert_int_equal(slash, cases[i].slash);
		arena_done(&a);
	}
}

static void
decoding_survives_each_failed_allocation(void **state)
{
	struct href wire = { STR("https://h/my%20dav/x/a") };
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		struct arena a = { 0 };
		struct rpath out = { STR("untouched") };
		struct err err = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = href_decode(&a, &below, wire, &out, NULL, &err);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			assert_str_equal(out.s, STR("/a"));
			arena_done(&a);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
		assert_int_equal(err.code, ERR_NOMEM);
		assert_str_equal(out.s, STR("untouched"));
		arena_done(&a);
	}
	assert_true(n > 1);
}

static void
an_href_is_plain_bytes_and_escapes(void **state)
{
	static const struct {
		const char *prefix, *path;
		bool collection;
		const char *href;
	} cases[] = {
		{ "", "/", false, "/" },
		{ "", "/", true, "/" },
		{ "/dav", "/", true, "/dav/" },
		{ "/dav", "/a", false, "/dav/a" },
		{ "/dav", "/a", true, "/dav/a/" },
		{ "", "/a b", true, "/a%20b/" },
		{ "", "/a/b/c", false, "/a/b/c" },
		{ "", "/!$()*+,;=:@-._~", false, "/!$()*+,;=:@-._~" },
		{ "", "/&'<>\"", false, "/%26%27%3C%3E%22" },
		{ "", "/%?#[]", false, "/%25%3F%23%5B%5D" },
		{ "", "/\\^`{|}", false, "/%5C%5E%60%7B%7C%7D" },
		{ "", "/\n\x7f\x01", false, "/%0A%7F%01" },
		{ "", "/\xc3\xa9\xff", false, "/%C3%A9%FF" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct rpath p = { str_from_c(cases[i].path) };
		struct buf b = { 0 };

		href_put(
		    &b, str_from_c(cases[i].prefix), p, cases[i].collection);
		assert_str_equal(buf_str(&b), str_from_c(cases[i].href));
		buf_done(&b);
	}
}

/* Each byte on its own, so that no row of the table is left out. */
static void
every_byte_but_slash_and_nul_comes_back_from_an_href(void **state)
{
	static const char unescaped[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "-._~!$()*+,;=:@";
	int c;

	(void)state;
	for (c = 1; c < 256; c++) {
		char name[3] = { (char)c, 'x', 0 };
		struct arena a = { 0 };
		struct buf b = { 0 };
		struct rpath p, again;

		if (c == '/')
			continue;
		assert_int_equal(
		    rpath_join(&a, RPATH_ROOT, str_of(name, 2), &p, NULL),
		    ERR_OK);
		href_put(&b, STR(""), p, false);
		assert_int_equal(b.len, strchr(unescaped, c) ? 3 : 5);
		assert_int_equal(
		    href_decode_path(&a, buf_str(&b), &again, NULL, NULL),
		    ERR_OK);
		assert_str_equal(again.s, p.s);
		buf_done(&b);
		arena_done(&a);
	}
}

static void
put_piece(struct buf *b, const char *text, size_t len)
{
	href_put(b, STR(""), (struct rpath){ str_of(text, len) }, false);
}

/* Sixteen are looked at together: each byte at each place, in each length. */
static void
a_long_path_is_encoded_as_each_byte_of_it(void **state)
{
	struct buf whole = { 0 }, bytes = { 0 };
	char path[50];
	size_t len, at;
	int c;

	(void)state;
	for (len = 1; len <= sizeof(path); len++)
		for (c = 1; c < 256; c++) {
			at = (len * 7 + (size_t)c) % len;
			memset(path, 'a', len);
			path[at] = (char)c;
			buf_clear(&whole);
			buf_clear(&bytes);
			put_piece(&whole, path, len);
			put_piece(&bytes, path, at);
			put_piece(&bytes, path + at, 1);
			put_piece(&bytes, path + at + 1, len - at - 1);
			assert_str_equal(buf_str(&whole), buf_str(&bytes));
		}
	buf_done(&whole);
	buf_done(&bytes);
}

static void
a_prefix_comes_out_as_hrefs_are_written(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} cases[] = {
		{ "/", "" },
		{ "/dav", "/dav" },
		{ "/dav/", "/dav" },
		{ "//dav//x//", "/dav/x" },
		{ "/a&b'c", "/a%26b%27c" },
		{ "/%61%20b", "/a%20b" },
		{ "", NULL },
		{ "dav", NULL },
		{ "/..", NULL },
		{ "/a b", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = { 0 };
		struct str out = STR("untouched");
		const char *want = cases[i].out ? cases[i].out : "untouched";

		assert_int_equal(
		    prefix_normalize(&a, str_from_c(cases[i].in), &out, NULL),
		    cases[i].out ? ERR_OK : ERR_BAD_PATH);
		assert_str_equal(out, str_from_c(want));
		arena_done(&a);
	}
}

static void
a_base_url_is_taken_apart_or_refused(void **state)
{
	static const struct {
		const char *url, *scheme, *authority, *prefix;
	} cases[] = {
		{ "http://h", "http", "h", "" },
		{ "https://h/", "https", "h", "" },
		{ "https://h:8443/dav/", "https", "h:8443", "/dav" },
		{ "http://[::1]:80/a%20b", "http", "[::1]:80", "/a%20b" },
		{ "", NULL, NULL, NULL },
		{ "/dav", NULL, NULL, NULL },
		{ "h/dav", NULL, NULL, NULL },
		{ "ftp://h/dav", NULL, NULL, NULL },
		{ "http://", NULL, NULL, NULL },
		{ "http://u@h/", NULL, NULL, NULL },
		{ "http://h:x/", NULL, NULL, NULL },
		{ "http://h/?a", NULL, NULL, NULL },
		{ "http://h?a", NULL, NULL, NULL },
		{ "http://h#a", NULL, NULL, NULL },
		{ "http://h/../a", NULL, NULL, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = { 0 };
		struct origin o = { 0 };

		assert_int_equal(
		    origin_from_url(&a, str_from_c(cases[i].url), &o, NULL),
		    cases[i].scheme ? ERR_OK : ERR_BAD_PATH);
		assert_str_equal(o.scheme, str_from_c(cases[i].scheme));
		assert_str_equal(o.authority, str_from_c(cases[i].authority));
		assert_str_equal(o.prefix, str_from_c(cases[i].prefix));
		arena_done(&a);
	}
}

static void
a_base_url_survives_each_failed_allocation(void **state)
{
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		struct arena a = { 0 };
		struct origin o = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = origin_from_url(&a, STR("http://h/dav"), &o, NULL);
		arena_done(&a);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
		assert_int_equal(o.scheme.len, 0);
	}
	assert_true(n > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_decoded_or_refused),
		cmocka_unit_test(a_refusal_says_what_was_wrong),
		cmocka_unit_test(a_destination_is_of_this_server_or_refused),
		cmocka_unit_test(a_request_target_is_below_the_prefix),
		cmocka_unit_test(decoding_survives_each_failed_allocation),
		cmocka_unit_test(an_href_is_plain_bytes_and_escapes),
		cmocka_unit_test(
		    every_byte_but_slash_and_nul_comes_back_from_an_href),
		cmocka_unit_test(a_long_path_is_encoded_as_each_byte_of_it),
		cmocka_unit_test(a_prefix_comes_out_as_hrefs_are_written),
		cmocka_unit_test(a_base_url_is_taken_apart_or_refused),
		cmocka_unit_test(a_base_url_survives_each_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
