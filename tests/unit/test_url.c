/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "http/url.h"

static void
a_url_is_cleaned_before_it_is_sent(void **state)
{
	static const struct {
		const char *from, *to; /* NULL: refused */
	} rows[] = {
		{ "http://h", "http://h/" },
		{ "HTTP://Ex.ORG:80/A", "http://ex.org/A" },
		{ "https://h:443/", "https://h/" },
		{ "https://h:80/", "https://h:80/" },
		{ "http://h:/", "http://h/" },
		{ "http://[::1]:8080/a", "http://[::1]:8080/a" },
		{ "http://[::1]/a", "http://[::1]/a" },
		{ "http://me:pw@h/a", "http://h/a" },
		{ "http://me@x@h/a", "http://h/a" },
		{ "http://h/a b/\xc3\xbc", "http://h/a%20b/%C3%BC" },
		{ "http://h/a%20b/%c3%bc", "http://h/a%20b/%c3%bc" },
		{ "http://h/100%", "http://h/100%25" },
		{ "http://h/100%zz", "http://h/100%25zz" },
		{ "http://h/a/./b/../c", "http://h/a/c" },
		{ "http://h/a/%2e%2E/c", "http://h/c" },
		{ "http://h/../../c", "http://h/c" },
		{ "http://h/a/..", "http://h/" },
		{ "http://h/a/b/..", "http://h/a/" },
		{ "http://h/a/...", "http://h/a/..." },
		{ "http://h/a//b", "http://h/a//b" },
		{ "http://h?x=1/2", "http://h/?x=1/2" },
		{ "http://h/\x1b[0m", "http://h/%1B%5B0m" },
		{ "http://h/a#b", NULL },
		{ "http:///a", NULL },
		{ "http:a", NULL },
		{ "http://h:0/", NULL },
		{ "http://h:65536/", NULL },
		{ "http://h:x/", NULL },
		{ "http://h h/", NULL },
		{ "ftp://h/", NULL },
		{ "h/a", NULL },
		{ "/a", NULL },
		{ "", NULL },
	};
	struct arena a = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		struct str out;
		enum err_code rc =
		    url_clean(&a, str_from_c(rows[i].from), &out, &err);

		if (!rows[i].to) {
			if (rc != ERR_BAD_REQUEST || !*err.tell)
				fail_msg("%s is let through", rows[i].from);
			continue;
		}
		assert_int_equal(rc, ERR_OK);
		assert_str_equal(out, str_from_c(rows[i].to));
	}
	arena_done(&a);
}

static void
a_reference_is_taken_from_where_it_stands(void **state)
{
	static const struct {
		const char *base, *ref, *to;
	} rows[] = {
		{ "http://h/a/b", "c", "http://h/a/c" },
		{ "http://h/a/b/", "c", "http://h/a/b/c" },
		{ "http://h/a/b", "../c", "http://h/c" },
		{ "http://h/a/b", "./", "http://h/a/" },
		{ "http://h/a/b", "/c/%64", "http://h/c/%64" },
		{ "http://h", "c", "http://h/c" },
		{ "http://h/a", "//o/c", "http://o/c" },
		{ "https://h/a", "//o/c", "https://o/c" },
		{ "http://h/a", "http://o:80/c", "http://o/c" },
		{ "http://h/a", "http://h/../c", "http://h/c" },
		{ "http://h:81/a", "/c", "http://h:81/c" },
		{ "http://h/a/b?x", "?y", "http://h/a/b?y" },
		{ "http://h/a/b", "c?y", "http://h/a/c?y" },
		{ "http://h/a/b", "c#d", "http://h/a/c" },
		{ "http://h/a/b", "a b", "http://h/a/a%20b" },
		{ "http://h/a/b", "", NULL },
		{ "http://h/a/b", "#d", NULL },
		{ "http://h/a/b", "ftp://h/a", NULL },
		{ "http://h/a/b", "urn:x", NULL },
		{ "http://h/a/b", "//", NULL },
	};
	struct arena a = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct url base;
		struct str out;
		enum err_code rc;

		assert_int_equal(
		    url_parse(str_from_c(rows[i].base), &base, NULL), ERR_OK);
		rc =
		    url_resolve(&a, &base, str_from_c(rows[i].ref), &out, NULL);
		assert_int_equal(rc, rows[i].to ? ERR_OK : ERR_BAD_REQUEST);
		if (rows[i].to)
			assert_str_equal(out, str_from_c(rows[i].to));
	}
	arena_done(&a);
}

static void
two_urls_are_compared_by_what_they_mean(void **state)
{
	static const struct {
		const char *a, *b;
		bool same, covers;
	} rows[] = {
		{ "http://h/a", "http://h/a", true, true },
		{ "http://h/a/", "http://h/a", true, true },
		{ "http://h/a", "http://h//a//", true, true },
		{ "http://h/%61", "HTTP://H:80/a", true, true },
		{ "http://h/%c3%bc", "http://h/%C3%BC", true, true },
		{ "http://h/\xc3\xbc", "http://h/%C3%BC", true, true },
		{ "http://h", "http://h/", true, true },
		{ "http://h", "http://h/a", false, true },
		{ "http://h/a", "http://h/a/b", false, true },
		{ "http://h/a", "http://h/ab", false, false },
		{ "http://h/a/b", "http://h/a", false, false },
		{ "http://h/a", "http://h/A", false, false },
		{ "http://h/a%2Fb", "http://h/a/b", false, false },
		{ "http://h/a", "http://h/a%2Fb", false, false },
		{ "http://h/a", "https://h/a", false, false },
		{ "http://h/a", "http://h:81/a", false, false },
		{ "http://h/a", "http://o/a", false, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct url a, b;

		assert_int_equal(
		    url_parse(str_from_c(rows[i].a), &a, NULL), ERR_OK);
		assert_int_equal(
		    url_parse(str_from_c(rows[i].b), &b, NULL), ERR_OK);
		if (url_same(&a, &b) != rows[i].same ||
		    url_covers(&a, &b) != rows[i].covers)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

static void
a_path_has_one_key_however_it_is_written(void **state)
{
	static const struct {
		const char *path, *key;
	} rows[] = {
		{ "", "" },
		{ "/", "" },
		{ "/a/", "/a" },
		{ "//a///b", "/a/b" },
		{ "/%61%2f%2B", "/a%2F+" },
		{ "/a b%", "/a%20b%25" },
	};
	struct buf b CLEANUP(buf_done) = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&b);
		url_put_key(&b, str_from_c(rows[i].path));
		assert_str_equal(buf_str(&b), str_from_c(rows[i].key));
	}
}

static void
a_url_is_cut_into_its_pieces(void **state)
{
	static const struct {
		const char *url, *parent, *name;
	} rows[] = {
		{ "http://h/a/b", "http://h/a/", "b" },
		{ "http://h/a/b//", "http://h/a/", "b" },
		{ "http://h/a", "http://h/", "a" },
		{ "http://h/", "http://h/", "" },
		{ "http://h", "http://h", "" },
	};
	struct buf b CLEANUP(buf_done) = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct str s = str_from_c(rows[i].url);
		struct url u;

		assert_int_equal(url_parse(s, &u, NULL), ERR_OK);
		assert_str_equal(
		    str_head(s, url_parent_len(s)), str_from_c(rows[i].parent));
		assert_str_equal(url_name(u.path), str_from_c(rows[i].name));
	}
	url_put_segment(&b, STR("a/b %?#\n\xff"));
	assert_str_equal(buf_str(&b), STR("a%2Fb%20%25%3F%23%0A%FF"));
	buf_clear(&b);
	url_put_decoded(&b, STR("a%2Fb%20%25%3f/%zz%"));
	assert_str_equal(buf_str(&b), STR("a/b %?/%zz%"));
}

static void
want_of_memory_is_said(void **state)
{
	struct arena a = { 0 };
	struct url base;
	unsigned long n;

	(void)state;
	assert_int_equal(url_parse(STR("http://h/a/b"), &base, NULL), ERR_OK);
	for (n = 1;; n++) {
		struct str out;
		enum err_code rc;

		arena_done(&a);
		a = (struct arena){ 0 };
		alloc_fail_at(n);
		rc = url_resolve(&a, &base, STR("../c d"), &out, NULL);
		if (!rc)
			rc = url_resolve(&a, &base, STR("//o/c"), &out, NULL);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
	}
	arena_done(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_is_cleaned_before_it_is_sent),
		cmocka_unit_test(a_reference_is_taken_from_where_it_stands),
		cmocka_unit_test(two_urls_are_compared_by_what_they_mean),
		cmocka_unit_test(a_path_has_one_key_however_it_is_written),
		cmocka_unit_test(a_url_is_cut_into_its_pieces),
		cmocka_unit_test(want_of_memory_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
