/* SPDX-License-Identifier: MIT */
/* What is read of JSON that is well: shapes, items, properties, lines. */
#include "reader_run.h"

static const char json[] = "application/json";

static void
every_shape_of_document_is_read(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "{\"results\":[]}", "" },
		{ "{\"results\":[{\"href\":\"/a\",\"status\":200}],"
		  "\"summary\":{\"total\":1}}",
		    "200 href=/a\n" },
		/* OData, Microsoft Graph */
		{ "{\"responses\":[{\"id\":\"1\",\"status\":201,"
		  "\"headers\":{\"Location\":\"/x\"},\"body\":{\"a\":1}},"
		  "{\"id\":\"2\",\"status\":429,\"headers\":{\"Retry-After\":"
		  "\"10\"},\"body\":{\"error\":{\"code\":\"TooManyRequests\","
		  "\"message\":\"slow down\"}}}]}",
		    "201 id=1 location=/x\n429 id=2 tell=slow down "
		    "after=10\n" },
		/* SCIM, RFC 7644 s3.7 */
		{ "{\"schemas\":[\"urn:x\"],\"Operations\":[{\"location\":"
		  "\"https://h/U/9\",\"method\":\"POST\",\"bulkId\":\"q\","
		  "\"status\":\"201\"},{\"method\":\"PUT\",\"bulkId\":\"r\","
		  "\"status\":{\"code\":\"409\"},\"response\":{\"detail\":"
		  "\"taken\",\"status\":\"409\"}}]}",
		    "201 href=https://h/U/9 id=q op=POST "
		    "location=https://h/U/9\n409 id=r op=PUT\n" },
		/* JSON:API: what became of them it does not say */
		{ "{\"atomic:results\":[{\"data\":{\"type\":\"a\","
		  "\"id\":\"13\"}},{}]}",
		    "0 id=13\n0 id=1\n" },
		{ "{\"errors\":[{\"status\":\"422\",\"title\":\"Bad\","
		  "\"detail\":\"no name\",\"source\":{\"pointer\":\"/x\"}}]}",
		    "422 id=0 tell=no name\n" },
		/* Elasticsearch */
		{ "{\"took\":3,\"errors\":true,\"items\":[{\"index\":{\"_"
		  "index\""
		  ":\"i\",\"_id\":\"1\",\"status\":201}},{\"create\":{\"_id\":"
		  "\"2\",\"status\":409,\"error\":{\"type\":\"conflict\","
		  "\"reason\":\"document exists\"}}}]}",
		    "201 id=1 op=index\n409 id=2 op=create "
		    "tell=document exists\n" },
		/* FHIR */
		{ "{\"resourceType\":\"Bundle\",\"entry\":[{\"response\":{"
		  "\"status\":\"201 Created\",\"location\":\"P/1\"}},"
		  "{\"response\":{\"status\":\"404 Not Found\"}}]}",
		    "201 href=P/1 location=P/1\n404 id=1\n" },
		/* Salesforce, Facebook */
		{ "{\"compositeResponse\":[{\"httpStatusCode\":404,"
		  "\"referenceId\":\"r\",\"body\":[{\"message\":\"gone\"}]}]}",
		    "404 id=r tell=gone\n" },
		{ "[{\"code\":200,\"headers\":[{\"name\":\"Location\","
		  "\"value\":\"/n\"}],\"body\":\"{}\"},null]",
		    "200 id=0 location=/n\n0 id=1\n" },
		/* maps */
		{ "{\"a\":{\"status\":200},\"b\":{\"status\":\"423\"}}",
		    "200 id=a\n423 id=b\n" },
		{ "{\"meta\":{\"status\":500},\"a\":{\"x\":1},"
		  "\"/b\":{\"code\":404}}",
		    "0 id=a\n404 href=/b id=/b\n" },
		{ "{\"results\":{\"a\":{\"status\":200},\"b\":404,"
		  "\"c\":\"HTTP/1.1 423 Locked\",\"d\":\"done\"}}",
		    "200 id=a\n404 id=b\n423 id=c\n0 id=d\n" },
		{ "{\"x\":{\"status\":404},\"results\":[{\"id\":1,"
		  "\"status\":200}]}",
		    "200 id=1\n" },
		/* nested */
		{ "[[{\"id\":\"a\",\"status\":200}],[[201]],202]",
		    "200 id=a\n201 id=0\n202 id=2\n" },
		{ "{\"data\":{\"items\":[{\"uri\":\"/a\",\"status\":204}]}}",
		    "204 href=/a\n" },
		{ "{\"results\":[{\"items\":[{\"id\":\"x\",\"status\":200},"
		  "{\"id\":\"y\",\"status\":500}]}]}",
		    "200 id=x\n500 id=y\n" },
		{ "\xef\xbb\xbf[200]", "200 id=0\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_read(json, cases[i].text, cases[i].want, ERR_OK, "");
}

static void
every_form_of_an_item_is_read(void **state)
{
	static const struct {
		const char *item, *want;
	} cases[] = {
		{ "\"status\":423", "423" },
		{ "\"status\":\"423\"", "423" },
		{ "\"status\":\"HTTP/1.1 423 Locked\"", "423" },
		{ "\"status\":\"HTTP/2 423\"", "423" },
		{ "\"status\":\"423 Locked\"", "423" },
		{ "\"status\":{\"code\":423}", "423" },
		{ "\"statusCode\":423", "423" },
		{ "\"HttpStatus\":\"423\"", "423" },
		{ "\"code\":423", "423" },
		{ "\"status\":{\"code\":5,\"message\":\"m\"}", "404" },
		{ "\"status\":{\"code\":0}", "200" },
		{ "\"status\":{\"code\":0,\"x\":1}", "0" },
		{ "\"status\":\"NOT_FOUND\"", "404" },
		{ "\"error\":{\"code\":403,\"message\":\"m\"}", "403 tell=m" },
		{ "\"error\":{\"code\":7,\"message\":\"m\",\"details\":[]}",
		    "0 tell=m" },
		{ "\"status\":\"success\"",
		    "0 tell=the status is \"success\", which is none of "
		    "HTTP's" },
		{ "\"status\":null", "0" },
		{ "\"status\":true", "0" },
		{ "\"status\":99", "0" },
		{ "\"status\":1000", "0" },
		{ "\"status\":-200", "0" },
		{ "\"status\":200.0", "0" },
		{ "\"status\":\"2000\"",
		    "0 tell=the status is \"2000\", "
		    "which is none of HTTP's" },
		{ "\"status\":799", "799" },
		{ "\"status\":102", "102" },
		{ "\"x\":1", "0" },
		/* who says both has done one of them */
		{ "\"status\":200,\"code\":404", "404" },
		{ "\"statusCode\":500,\"status\":\"200\"", "500" },
		{ "\"status\":200,\"error\":\"it failed\"",
		    "0 tell=it failed" },
		{ "\"status\":200,\"error\":{\"status\":409}", "409" },
		{ "\"status\":200,\"error\":null,\"errors\":[]", "200" },
		{ "\"status\":200,\"error\":false", "200" },
		{ "\"status\":102,\"error\":\"Processing\"", "102" },
		{ "\"status\":200,\"partial\":true,\"error\":\"OK: x\"",
		    "200 tell=x partial" },
		{ "\"status\":200,\"problem\":{\"type\":\"urn:t\",\"status\":"
		  "200}",
		    "200 type=urn:t" },
		{ "\"status\":502,\"unknown\":true,\"error\":\"Bad Gateway: "
		  "its status could not be read\"",
		    "0" },
		{ "\"status\":200,\"unknown\":true", "0" },
		/* what went wrong */
		{ "\"status\":423,\"error\":\"Locked\"", "423" },
		{ "\"status\":423,\"error\":\"Locked: by Bob\"",
		    "423 tell=by Bob" },
		{ "\"status\":423,\"error\":\"Lockedness\"",
		    "423 tell=Lockedness" },
		{ "\"status\":201,\"message\":\"Created\"", "201" },
		{ "\"status\":423,\"title\":\"t\",\"detail\":\"d\","
		  "\"type\":\"urn:x:y\"",
		    "423 tell=d type=urn:x:y" },
		{ "\"status\":423,\"problem\":{\"type\":\"about:blank\","
		  "\"title\":\"t\",\"status\":423}",
		    "423 tell=t" },
		{ "\"status\":423,\"problem\":{\"type\":\"urn:p\",\"davError\":"
		  "\"<D:error xmlns:D=\\\"DAV:\\\"><D:a/></D:error>\"}",
		    "423 error=<D:error xmlns:D=\"DAV:\"><D:a/>"
		    "</D:error> type=urn:p" },
		{ "\"status\":423,\"problem\":{\"davError\":\"<b>\"}", "423" },
		{ "\"status\":409,\"errors\":[{\"message\":\"one\"},"
		  "{\"message\":\"two\"}]",
		    "409 tell=one" },
		{ "\"status\":400,\"body\":{\"error\":{\"message\":\"m\"}}",
		    "400 tell=m" },
		{ "\"status\":400,\"body\":{\"type\":\"urn:t\","
		  "\"detail\":\"m\"}",
		    "400 tell=m type=urn:t" },
		/* and when to try again */
		{ "\"status\":503,\"retryAfter\":3", "503 after=3" },
		{ "\"status\":503,\"retryAfter\":1.5", "503 after=1.5" },
		{ "\"status\":503,\"retry-after\":\"Sat, 01 Jan 2000\"",
		    "503 after=Sat, 01 Jan 2000" },
		{ "\"status\":503,\"headers\":{\"RETRY-AFTER\":[\"7\"]}",
		    "503 after=7" },
		{ "\"status\":424,\"causedBy\":\"a\"", "424 cause=a" },
		{ "\"status\":424,\"causedBy\":[7]", "424 cause=7" },
		{ "\"op\":\"create\",\"status\":201", "201 op=create" },
		{ "\"location\":\"/l\",\"status\":301", "301 location=/l" },
		{ "\"status\":423,\"partial\":true,\"members\":["
		  "{\"href\":\"/i/m\",\"status\":423},{\"href\":\"/i/n/\"}]",
		    "423 partial\n423 href=/i/m\n0 href=/i/n/" },
		{ "\"status\":207,\"results\":[{\"id\":\"z\",\"status\":1}]",
		    "207\n0 id=z" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text = { 0 };
		struct buf want = { 0 };
		struct str rest = str_from_c(cases[i].want);
		size_t n = 0;

		while (
		    n < rest.len && rest.ptr[n] != ' ' && rest.ptr[n] != '\n')
			n++;
		buf_printf(&text, "{\"items\":[{\"href\":\"/i\",%s}]}%c",
		    cases[i].item, '\0');
		buf_printf(&want, "%.*s href=/i%s\n%c",
		    STR_ARG(str_head(rest, n)), rest.ptr + n, '\0');
		assert_read(json, text.ptr, want.ptr, ERR_OK, "");
		buf_done(&text);
		buf_done(&want);
	}
}

static void
names_are_found_however_they_are_written(void **state)
{
	static const struct {
		const char *item, *want;
	} cases[] = {
		{ "{\"id\":7,\"status\":200}", "200 id=7\n" },
		{ "{\"Content-ID\":\"c\",\"status\":200}", "200 id=c\n" },
		{ "{\"_id\":\"u\",\"status\":200}", "200 id=u\n" },
		{ "{\"_id\":\"u\",\"id\":\"i\",\"status\":200}", "200 id=u\n" },
		{ "{\"URL\":\"/u\",\"STATUS\":200}", "200 href=/u\n" },
		{ "{\"path\":\"/p\",\"href\":\"/h\",\"status\":200}",
		    "200 href=/h\n" },
		{ "{\"index\":3,\"status\":200}", "200 id=3\n" },
		{ "{\"index\":3,\"href\":\"/h\",\"status\":200}",
		    "200 href=/h\n" },
		{ "{\"status\":200}", "200 id=0\n" },
		{ "{\"href\":{\"href\":\"/h\"},\"status\":200}",
		    "200 href=/h\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text = { 0 };

		buf_printf(&text, "[%s]%c", cases[i].item, '\0');
		assert_read(json, text.ptr, cases[i].want, ERR_OK, "");
		buf_done(&text);
	}
}

static void
properties_become_propstats_again(void **state)
{
	static const struct {
		const char *item, *want;
	} cases[] = {
		{ "\"props\":{}", "" },
		{ "\"props\":{\"{DAV:}getetag\":\"\\\"1\\\"\",\"{DAV:}n\":5,"
		  "\"{DAV:}resourcetype\":[\"{DAV:}collection\"],"
		  "\"{}e\":null,\"{u}o\":{\"a\":[1]},\"{u}l\":[{}],"
		  "\"{u}m\":[]}",
		    " [200 {DAV:}getetag=\"1\" {DAV:}n#5 "
		    "{DAV:}resourcetype+collection {}e {u}o={\"a\":[1]} "
		    "{u}l=[{}] {u}m]" },
		{ "\"props\":{\"{u}x\":\"<x xmlns='u'><y/></x>\","
		  "\"{u}y\":\"<x xmlns='u'><y/></x>\",\"{u}z\":\"<z\"}",
		    " [200 {u}x:<x xmlns='u'><y/></x> "
		    "{u}y=<x xmlns='u'><y/></x> {u}z=<z]" },
		{ "\"props\":{},\"propErrors\":{\"{u}a\":404,\"{u}b\":403,"
		  "\"{u}c\":404,\"{u}d\":\"?\"}",
		    " [404 {u}a {u}c] [403 {u}b] [0 {u}d]" },
		{ "\"props\":{\"{u}p\":1},\"propErrors\":{\"{u}a\":403,"
		  "\"{u}b\":403},\"propstats\":[{\"status\":403,"
		  "\"names\":[\"{u}a\"],\"davError\":\"<error xmlns='DAV:'>"
		  "<q/></error>\",\"message\":\"m\"},{\"status\":200,"
		  "\"names\":[\"{u}p\"],\"message\":\"good\"}]",
		    " [403 {u}a error=<error xmlns='DAV:'><q/></error> "
		    "tell=m] [200 {u}p#1 tell=good] [403 {u}b]" },
		{ "\"props\":{\"{u}p\":1,\"{u}q\":2},\"propstats\":["
		  "{\"status\":201,\"names\":[\"{u}p\"]},{\"status\":502,"
		  "\"unknown\":true,\"names\":[\"{u}r\"]},"
		  "{\"status\":200,\"names\":[]}],"
		  "\"propErrors\":{\"{u}r\":502}",
		    " [200 {u}q#2] [201 {u}p#1] [0 {u}r] [200]" },
		{ "\"propErrors\":{\"a}b{c\":404,\"{u\":404}",
		    " [404 {}a}b{c {}{u]" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text = { 0 };
		struct buf want = { 0 };

		buf_printf(&text,
		    "{\"results\":[{\"href\":\"/i\",\"status\":200,%s}]}%c",
		    cases[i].item, '\0');
		buf_printf(&want, "200 href=/i%s\n%c", cases[i].want, '\0');
		assert_read(json, text.ptr, want.ptr, ERR_OK, "");
		buf_done(&text);
		buf_done(&want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_of_document_is_read),
		cmocka_unit_test(every_form_of_an_item_is_read),
		cmocka_unit_test(names_are_found_however_they_are_written),
		cmocka_unit_test(properties_become_propstats_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
