/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "http/negotiate.h"

static void
the_offer_that_accept_prefers_is_chosen(void **state)
{
	static const struct str offers[] = { STR_INIT("application/xml"),
		STR_INIT("application/json"), STR_INIT("text/html") };
	static const struct {
		const char *accept;
		int chosen;
	} cases[] = {
		{ "", 0 },
		{ " ", 0 },
		{ " , ,", 0 },
		{ "*/*", 0 },
		{ "application/*", 0 },
		{ "text/*", 2 },
		{ "application/json", 1 },
		{ "Application/JSON", 1 },
		{ "application/json, application/xml", 0 },
		{ "application/json, application/xml;q=0.9", 1 },
		{ "application/xml;q=0.5, text/html;q=0.501", 2 },
		{ "application/xml;q=0, */*;q=0.1", 1 },
		{ "*/*;q=0.1, application/xml;q=0", 1 },
		{ "application/*;q=0.2, */*;q=0.3", 2 },
		{ "application/*;q=0.9, application/xml;q=0.1, text/html;q=0.5",
		    1 },
		{ "application/json;charset=utf-8", 1 },
		{ "application/json; charset=\"utf-8\"; q=0.5, text/html;q=0.4",
		    1 },
		{ "application/json ; q=1 , text/html ;q=0.9", 1 },
		{ "application/json;Q=0.3, text/html;q=0.4", 2 },
		{ "application/json;x=\"a,b;q=0\"", 1 },
		{ "application/json;x=\"\\\",text/html\"", 1 },
		{ "text/html,application/xhtml+xml,application/xml;q=0.9,"
		  "*/*;q=0.8",
		    2 },
		{ ", ,application/json,,", 1 },
		{ "application/json;q=1.000", 1 },
		{ "application/json;q=0.001", 1 },
		{ "application/json;;q=0.5", 1 },

		/* nothing of ours */
		{ "image/png", -1 },
		{ "*/*;q=0", -1 },
		{ "*/*;q=0.000", -1 },
		{ "application/json;q=0", -1 },
		{ "appl/*", -1 },
		{ "applications/*", -1 },
		{ "application/js", -1 },

		/* malformed: as if it were absent */
		{ "json", 0 },
		{ "*", 0 },
		{ "text/html;q=2", 0 },
		{ "text/html;q=1.001", 0 },
		{ "text/html;q=0.0001", 0 },
		{ "text/html;q=-1", 0 },
		{ "text/html;q=.5", 0 },
		{ "text/html;q=", 0 },
		{ "text/html;q", 0 },
		{ "text/html;q=0,5", 0 },
		{ "text/", 0 },
		{ "/html", 0 },
		{ "text/html/x", 0 },
		{ "text html", 0 },
		{ "text/html, @", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		int got = accept_media(
		    str_from_c(cases[i].accept), offers, ARRAY_LEN(offers));

		if (got != cases[i].chosen)
			fail_msg("%s: %d", cases[i].accept, got);
	}
	assert_int_equal(accept_media(STR("*/*"), offers, 0), -1);
}

static void
a_coding_is_chosen_only_where_the_client_takes_it(void **state)
{
	static const struct str offers[] = { STR_INIT("zstd"),
		STR_INIT("gzip") };
	static const struct {
		const char *accept;
		int chosen;
	} cases[] = {
		{ "", -1 },
		{ "gzip", 1 },
		{ "x-gzip", 1 },
		{ "GZIP", 1 },
		{ "gzip, deflate, br", 1 },
		{ "gzip, deflate, br, zstd", 0 },
		{ "gzip;q=1.0, zstd;q=0.9", 1 },
		{ "gzip;q=0.5, zstd;q=0.5", 0 },
		{ "*", 0 },
		{ "zstd;q=0, *", 1 },
		{ "*;q=0", -1 },
		{ "gzip;q=0", -1 },
		{ "gzip;q=0, *;q=0.1", 0 },
		{ "identity", -1 },
		{ "identity, gzip", 1 },
		{ "identity;q=0.5, gzip", 1 },
		{ "identity, gzip;q=0.5", -1 },
		{ "identity;q=0.5, gzip;q=0.4, *;q=0.6", 0 },
		{ "identity;q=0", -1 },
		{ "identity;q=0, gzip", 1 },
		{ "deflate", -1 },
		{ "gzip2", -1 },
		{ "gzi", -1 },
		{ "gzip;q=2", -1 },
		{ "gzip, @", -1 },
		{ "gzip deflate", -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		int got = accept_coding(
		    str_from_c(cases[i].accept), offers, ARRAY_LEN(offers));

		if (got != cases[i].chosen)
			fail_msg("%s: %d", cases[i].accept, got);
	}
}

static void
preferences_we_know_are_found_among_others(void **state)
{
	static const struct {
		const char *prefer;
		struct preferences want;
	} cases[] = {
		{ "", { 0 } },
		{ "return=minimal", { .minimal = true } },
		{ "Return = minimal", { .minimal = true } },
		{ "return=\"minimal\"", { .minimal = true } },
		{ "return=minimal; foo=bar", { .minimal = true } },
		{ "return=representation", { .representation = true } },
		{ "return=representation, return=minimal",
		    { .representation = true } },
		{ "return=other, return=minimal", { 0 } },
		{ "depth-noroot", { .depth_noroot = true } },
		{ "Depth-Noroot", { .depth_noroot = true } },
		{ "depth-noroot=\"\"", { .depth_noroot = true } },
		{ "return=minimal, depth-noroot",
		    { .minimal = true, .depth_noroot = true } },
		{ "respond-async, wait=10, depth-noroot;x",
		    { .depth_noroot = true,
			.respond_async = true,
			.has_wait = true,
			.wait = 10 } },
		{ "respond-async=1, wait=-1", { 0 } },
		{ "wait=1, wait=2", { .has_wait = true, .wait = 1 } },
		{ "wait=99999999999999999999, wait", { 0 } },
		{ "continue-on-error",
		    { .has_continue = true, .continue_on_error = true } },
		{ "odata.continue-on-error=true",
		    { .has_continue = true, .continue_on_error = true } },
		{ "continue-on-error=\"false\"", { .has_continue = true } },
		{ "continue-on-error=maybe", { 0 } },
		{ "foo=\"a, return=minimal\", depth-noroot",
		    { .depth_noroot = true } },
		{ "@@@, return=minimal", { .minimal = true } },
		{ "return", { 0 } },
		{ "return=", { 0 } },
		{ "return=\"minimal", { 0 } },
		{ "depth-noroot=1", { 0 } },
		{ "x; return=minimal", { 0 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct preferences p =
		    prefer_parse(str_from_c(cases[i].prefer));

		const struct preferences *w = &cases[i].want;

		if (p.minimal != w->minimal ||
		    p.representation != w->representation ||
		    p.depth_noroot != w->depth_noroot ||
		    p.respond_async != w->respond_async ||
		    p.has_wait != w->has_wait || p.wait != w->wait ||
		    p.has_continue != w->has_continue ||
		    p.continue_on_error != w->continue_on_error)
			fail_msg("%s", cases[i].prefer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_offer_that_accept_prefers_is_chosen),
		cmocka_unit_test(
		    a_coding_is_chosen_only_where_the_client_takes_it),
		cmocka_unit_test(preferences_we_know_are_found_among_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
