/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "http/fields.h"

enum { FIELDS = 5 };

struct row {
	const char *fields[FIELDS][2];
	const char *scheme, *authority, *prefix; /* NULL: refused */
};

static enum err_code
find(const struct row *row, const struct origin *base, bool trusted,
    struct arena *a, struct origin *out)
{
	struct header fields[FIELDS];
	struct headers h = { .v = fields, .n = 0 };

	for (; h.n < FIELDS && row->fields[h.n][0]; h.n++)
		fields[h.n] = (struct header){ str_from_c(row->fields[h.n][0]),
			str_from_c(row->fields[h.n][1]) };
	return origin_find(&h, base, trusted, STR("http"), a, out, NULL);
}

static void
check_rows(
    const struct row *rows, size_t n, const struct origin *base, bool trusted)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct arena a = { 0 };
		struct origin o = { 0 };
		enum err_code rc = find(&rows[i], base, trusted, &a, &o);

		if (rc != (rows[i].scheme ? ERR_OK : ERR_BAD_HEADER))
			fail_msg("row %zu: %d", i, rc);
		assert_str_equal(o.scheme, str_from_c(rows[i].scheme));
		assert_str_equal(o.authority, str_from_c(rows[i].authority));
		assert_str_equal(o.prefix, str_from_c(rows[i].prefix));
		arena_done(&a);
	}
}

static void
without_a_proxy_the_host_header_says_it(void **state)
{
	static const struct row rows[] = {
		{ { { NULL } }, "http", "", "" },
		{ { { "Host", "h" } }, "http", "h", "" },
		{ { { "Host", "h:81" } }, "http", "h:81", "" },
		{ { { "Host", "[::1]:81" } }, "http", "[::1]:81", "" },
		{ { { "Host", "h" }, { "X-Forwarded-Host", "evil" },
		      { "X-Forwarded-Proto", "https" },
		      { "X-Forwarded-Prefix", "/evil" },
		      { "Forwarded", "host=evil;proto=https" } },
		    "http", "h", "" },
		{ { { "Host", "h" }, { "Host", "h2" } }, NULL, NULL, NULL },
		{ { { "Host", "h/a" } }, NULL, NULL, NULL },
		{ { { "Host", "u@h" } }, NULL, NULL, NULL },
		{ { { "Host", "a b" } }, NULL, NULL, NULL },
		{ { { "Host", "h, h2" } }, NULL, NULL, NULL },
		{ { { "Host", "h<" } }, NULL, NULL, NULL },
		{ { { "Host", ":80" } }, NULL, NULL, NULL },
		{ { { "Host", "h:x" } }, NULL, NULL, NULL },
		{ { { "Host", "h:80:80" } }, NULL, NULL, NULL },
		{ { { "Host", "::1" } }, NULL, NULL, NULL },
		{ { { "Host", "[::1" } }, NULL, NULL, NULL },
		{ { { "Host", "[::1]80" } }, NULL, NULL, NULL },
	};
	struct origin base = { 0 };

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), &base, false);
}

static void
a_trusted_proxy_says_what_the_client_sees(void **state)
{
	static const struct row rows[] = {
		{ { { "Host", "h" } }, "http", "h", "" },
		{ { { "Host", "h" }, { "Forwarded", "for=1.2.3.4" } }, "http",
		    "h", "" },
		{ { { "Host", "h" }, { "Forwarded", "proto=https" } }, "https",
		    "h", "" },
		{ { { "Host", "h" },
		      { "Forwarded", "for=x; Host=pub; Proto=https;by=y" } },
		    "https", "pub", "" },
		{ { { "Host", "h" }, { "Forwarded", "host=\"pub:8443\"" } },
		    "http", "pub:8443", "" },
		{ { { "Host", "h" }, { "Forwarded", "host=\"[::1]:80\"" } },
		    "http", "[::1]:80", "" },
		{ { { "Host", "h" },
		      { "Forwarded", "host=first, host=second" } },
		    "http", "first", "" },
		{ { { "Host", "h" }, { "Forwarded", "host=first" },
		      { "Forwarded", "host=second" } },
		    "http", "first", "" },
		{ { { "Host", "h" }, { "Forwarded", "host=f;proto=https" },
		      { "X-Forwarded-Host", "x" } },
		    "https", "f", "" },

		{ { { "Host", "h" }, { "X-Forwarded-Proto", "https" } },
		    "https", "h", "" },
		{ { { "Host", "h" }, { "X-Forwarded-Host", "pub" },
		      { "X-Forwarded-Proto", "https" } },
		    "https", "pub", "" },
		{ { { "Host", "h" }, { "X-Forwarded-Host", "pub, inner" } },
		    "http", "pub", "" },
		{ { { "Host", "h" }, { "X-Forwarded-Host", "pub" },
		      { "X-Forwarded-Port", "8443" } },
		    "http", "pub:8443", "" },
		{ { { "Host", "h" }, { "X-Forwarded-Port", "8443" } }, "http",
		    "h:8443", "" },
		{ { { "Host", "h" }, { "X-Forwarded-Host", "pub:1" },
		      { "X-Forwarded-Port", "2" } },
		    "http", "pub:1", "" },
		{ { { "Host", "h" }, { "X-Forwarded-Host", "[::1]" },
		      { "X-Forwarded-Port", "2" } },
		    "http", "[::1]:2", "" },
		{ { { "Host", "h" }, { "X-Forwarded-Host", "[::1]:1" },
		      { "X-Forwarded-Port", "2" } },
		    "http", "[::1]:1", "" },

		{ { { "Host", "h" }, { "X-Forwarded-Prefix", "/dav/" } },
		    "http", "h", "/dav" },
		{ { { "Host", "h" }, { "X-Forwarded-Prefix", "/" } }, "http",
		    "h", "" },
		/* what goes into every href is made safe for XML */
		{ { { "Host", "h" }, { "X-Forwarded-Prefix", "/a&'<b" } },
		    "http", "h", "/a%26%27%3Cb" },
		{ { { "Host", "h" }, { "Forwarded", "host=pub" },
		      { "X-Forwarded-Prefix", "/dav" } },
		    "http", "pub", "/dav" },
	};
	struct origin base = { 0 };

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), &base, true);
}

static void
a_proxy_that_talks_nonsense_is_not_believed(void **state)
{
	static const struct row rows[] = {
		{ { { "Forwarded", "host" } }, NULL, NULL, NULL },
		{ { { "Forwarded", "=h" } }, NULL, NULL, NULL },
		{ { { "Forwarded", "host=a b" } }, NULL, NULL, NULL },
		{ { { "Forwarded", "host=\"a" } }, NULL, NULL, NULL },
		{ { { "Forwarded", "host=a:80" } }, NULL, NULL, NULL },
		{ { { "Forwarded", "host=\"a/b\"" } }, NULL, NULL, NULL },
		{ { { "Forwarded", "proto=ftp" } }, NULL, NULL, NULL },
		{ { { "X-Forwarded-Proto", "ws" } }, NULL, NULL, NULL },
		{ { { "X-Forwarded-Host", "a/b" } }, NULL, NULL, NULL },
		{ { { "X-Forwarded-Host", "a@b" } }, NULL, NULL, NULL },
		{ { { "X-Forwarded-Port", "x" } }, NULL, NULL, NULL },
		{ { { "X-Forwarded-Port", "65536" } }, NULL, NULL, NULL },
		{ { { "X-Forwarded-Prefix", "dav" } }, NULL, NULL, NULL },
		{ { { "X-Forwarded-Prefix", "/.." } }, NULL, NULL, NULL },
		{ { { "X-Forwarded-Prefix", "/a?b" } }, NULL, NULL, NULL },
	};
	struct origin base = { 0 };

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), &base, true);
}

static void
what_is_configured_comes_first(void **state)
{
	static const struct row whole[] = {
		{ { { "Host", "h" } }, "https", "conf", "/c" },
		{ { { "Host", "h" }, { "Forwarded", "host=f;proto=http" },
		      { "X-Forwarded-Prefix", "/p" } },
		    "https", "conf", "/c" },
	};
	static const struct row part[] = {
		{ { { "Host", "h" } }, "http", "h", "/c" },
		{ { { "Host", "h" }, { "Forwarded", "host=f;proto=https" },
		      { "X-Forwarded-Prefix", "/p" } },
		    "https", "f", "/c" },
	};
	struct origin base = { .prefix = STR("/c") };

	(void)state;
	check_rows(part, ARRAY_LEN(part), &base, true);
	base.scheme = STR("https");
	base.authority = STR("conf");
	check_rows(whole, ARRAY_LEN(whole), &base, true);
}

static void
it_survives_each_failed_allocation(void **state)
{
	static const struct row row = {
		{ { "Forwarded", "for=a" }, { "Forwarded", "for=b" },
		    { "X-Forwarded-Host", "h" }, { "X-Forwarded-Port", "81" },
		    { "X-Forwarded-Prefix", "/p" } },
		"http", "h:81", "/p"
	};
	struct origin base = { 0 };
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		struct arena a = { 0 };
		struct origin o = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = find(&row, &base, true, &a, &o);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			assert_str_equal(o.authority, STR("h:81"));
			assert_str_equal(o.prefix, STR("/p"));
			arena_done(&a);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
		assert_int_equal(o.scheme.len, 0);
		arena_done(&a);
	}
	assert_true(n > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_proxy_the_host_header_says_it),
		cmocka_unit_test(a_trusted_proxy_says_what_the_client_sees),
		cmocka_unit_test(a_proxy_that_talks_nonsense_is_not_believed),
		cmocka_unit_test(what_is_configured_comes_first),
		cmocka_unit_test(it_survives_each_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
