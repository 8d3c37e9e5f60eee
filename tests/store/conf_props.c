/* SPDX-License-Identifier: MIT */
/* Conformance: dead properties. */
#include "store/suite.h"

#include <stdio.h>
#include <stdlib.h>

static struct prop_change
set(const char *ns, const char *local, enum prop_form form, struct str value)
{
	return (struct prop_change){
		.prop = {
			.name = { str_from_c(ns), str_from_c(local) },
			.form = form,
			.value = value,
		},
	};
}

static struct prop_change
unset(const char *ns, const char *local)
{
	return (struct prop_change){
		.remove = true,
		.prop = { .name = { str_from_c(ns), str_from_c(local) } },
	};
}

static enum err_code
patch(struct store *s, const char *path, const struct prop_change *c, size_t n,
    struct err *err)
{
	return store_patch(s, at(path), c, n, NULL, NULL, err);
}

static void
properties_come_back_as_they_were_set(void **state)
{
	static const char xml[] =
	    "<n:p xmlns:n=\"urn:n\" xml:lang=\"de\">a<b/>\xc3\xa9</n:p>";
	struct store *s = *state;
	struct arena a = { 0 };
	struct resource r;
	const struct prop *props;
	size_t n;
	const struct prop_change changes[] = {
		set("urn:n", "p", PROP_XML, str_from_c(xml)),
		set("", "bare", PROP_TEXT, STR("")),
		set("urn:a", "z", PROP_TEXT, STR("text")),
		set("urn:n", "o", PROP_TEXT, str_of("nul\0inside", 10)),
	};

	must_put(s, "/f", "x");
	assert_ok(patch(s, "/f", changes, ARRAY_LEN(changes), err));
	r = must_stat(s, "/f");
	assert_true(r.has_props);
	assert_ok(store_props(s, &r, &a, &props, &n, err));
	assert_int_equal(n, 4);
	assert_str_equal(props[0].name.ns, STR(""));
	assert_str_equal(props[0].name.local, STR("bare"));
	assert_int_equal(props[0].form, PROP_TEXT);
	assert_int_equal(props[0].value.len, 0);
	assert_str_equal(props[1].name.local, STR("z"));
	assert_str_equal(props[2].name.local, STR("o"));
	assert_str_equal(props[2].value, str_of("nul\0inside", 10));
	assert_str_equal(props[3].name.ns, STR("urn:n"));
	assert_int_equal(props[3].form, PROP_XML);
	assert_str_equal(props[3].value, str_from_c(xml));
	arena_done(&a);
}

static void
changes_are_made_in_order(void **state)
{
	struct store *s = *state;
	const struct prop_change changes[] = {
		set("urn:t", "a", PROP_TEXT, STR("1")),
		set("urn:t", "b", PROP_TEXT, STR("1")),
		unset("urn:t", "a"),
		set("urn:t", "b", PROP_TEXT, STR("2")),
		set("urn:t", "c", PROP_TEXT, STR("1")),
		unset("urn:t", "c"),
		set("urn:t", "c", PROP_TEXT, STR("3")),
		unset("urn:t", "never"),
	};

	must_mkcol(s, "/d");
	assert_ok(patch(s, "/d", changes, ARRAY_LEN(changes), err));
	must_have_props(s, "/d", "b=2;c=3;");
}

static void
a_resource_without_properties_says_so(void **state)
{
	struct store *s = *state;
	struct arena a = { 0 };
	struct resource r;
	const struct prop *props;
	size_t n = 99;

	must_put(s, "/f", "x");
	r = must_stat(s, "/f");
	assert_false(r.has_props);
	assert_ok(store_props(s, &r, &a, &props, &n, err));
	assert_int_equal(n, 0);
	arena_done(&a);
	must_have_props(s, "/", "");
}

static void
all_properties_can_be_removed(void **state)
{
	const struct prop_change gone = unset("urn:t", "p");
	struct store *s = *state;

	must_put(s, "/f", "x");
	must_set_prop(s, "/f", "p", "1");
	assert_ok(patch(s, "/f", &gone, 1, err));
	must_have_props(s, "/f", "");
}

static void
the_root_has_properties_too(void **state)
{
	struct store *s = *state;

	must_set_prop(s, "/", "p", "1");
	must_have_props(s, "/", "p=1;");
}

static void
a_put_keeps_properties(void **state)
{
	struct store *s = *state;

	must_put(s, "/f", "one");
	must_set_prop(s, "/f", "p", "1");
	must_put(s, "/f", "two");
	must_put(s, "/f", "three");
	must_have_props(s, "/f", "p=1;");
}

static void
properties_go_with_their_resource(void **state)
{
	struct store *s = *state;
	struct arena a = { 0 };
	struct resource was;
	const struct prop *props;
	size_t n;

	must_put(s, "/f", "x");
	must_set_prop(s, "/f", "p", "1");
	was = must_stat(s, "/f");
	assert_ok(store_remove(s, at("/f"), NULL, NULL, err));
	assert_ok(store_props(s, &was, &a, &props, &n, err));
	assert_int_equal(n, 0);
	must_put(s, "/f", "x");
	must_have_props(s, "/f", "");
	arena_done(&a);
}

static void
too_many_bytes_change_nothing(void **state)
{
	const size_t len = STORE_PROPS_MAX;
	char *big = malloc(len);
	struct store *s = *state;
	struct prop_change changes[2];

	assert_non_null(big);
	memset(big, 'x', len);
	must_put(s, "/f", "x");
	must_set_prop(s, "/f", "p", "1");
	changes[0] = set("urn:t", "p", PROP_TEXT, STR("2"));
	changes[1] = set("urn:t", "big", PROP_TEXT, str_of(big, len));
	assert_fails(patch(s, "/f", changes, 2, err), ERR_TOO_LARGE);
	must_have_props(s, "/f", "p=1;");
	/* Just what fits: 5 + 1 + 1 bytes are there, 5 + 3 are names. */
	changes[1].prop.value.len = len - 7 - 8;
	assert_ok(patch(s, "/f", &changes[1], 1, err));
	changes[1].prop.value.len++;
	assert_fails(patch(s, "/f", &changes[1], 1, err), ERR_TOO_LARGE);
	free(big);
}

static void
many_properties_are_listed_in_order(void **state)
{
	enum { MANY = 300 };
	struct store *s = *state;
	struct arena a = { 0 };
	struct resource r;
	const struct prop *props;
	size_t n, i;

	must_put(s, "/f", "x");
	for (i = 0; i < MANY; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "p%zu", i * 7 % MANY);
		must_set_prop(s, "/f", name, "v");
	}
	r = must_stat(s, "/f");
	assert_ok(store_props(s, &r, &a, &props, &n, err));
	assert_int_equal(n, MANY);
	for (i = 1; i < n; i++)
		assert_true(
		    str_cmp(props[i - 1].name.local, props[i].name.local) < 0);
	arena_done(&a);
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(properties_come_back_as_they_were_set),
	cmocka_unit_test(changes_are_made_in_order),
	cmocka_unit_test(a_resource_without_properties_says_so),
	cmocka_unit_test(all_properties_can_be_removed),
	cmocka_unit_test(the_root_has_properties_too),
	cmocka_unit_test(a_put_keeps_properties),
	cmocka_unit_test(properties_go_with_their_resource),
	cmocka_unit_test(too_many_bytes_change_nothing),
	cmocka_unit_test(many_properties_are_listed_in_order),
};

const struct tests prop_tests = { rows, ARRAY_LEN(rows) };
