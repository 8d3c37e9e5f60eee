/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <jansson.h>
#include <stdlib.h>

#include "lib/alloc_fail.h"
#include "lib/fault_sink.h"
#include "wire/reader.h"

/* Writes down what it is given, in words. */
struct scribe {
	struct sink base;
	struct buf text;
};

static void
put_word(struct buf *b, const char *name, struct str value)
{
	if (value.len)
		buf_printf(b, " %s=%.*s", name, STR_ARG(value));
}

static void
put_prop(struct buf *b, const struct prop *p)
{
	size_t i;

	buf_printf(
	    b, " {%.*s}%.*s", STR_ARG(p->name.ns), STR_ARG(p->name.local));
	switch (p->form) {
	case PROP_TEXT:
		buf_printf(b, "=%.*s", STR_ARG(p->value));
		break;
	case PROP_XML:
		buf_printf(b, ":%.*s", STR_ARG(p->value));
		break;
	case PROP_NUMBER:
		buf_printf(b, "#%llu", (unsigned long long)p->number);
		break;
	case PROP_NAMES:
		for (i = 0; i < p->n_names; i++)
			buf_printf(b, "+%.*s", STR_ARG(p->names[i].local));
		break;
	case PROP_EMPTY:
	case PROP_HREF:
	case PROP_LOCKS:
	case PROP_LOCK_KINDS:
		break;
	}
}

static void
put_propstats(struct buf *b, const struct outcome *o)
{
	size_t i, k;

	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		buf_printf(b, " [%u", ps->status);
		for (k = 0; k < ps->n_props; k++)
			put_prop(b, &ps->props[k]);
		put_word(b, "error", ps->error);
		put_word(b, "tell", ps->tell);
		buf_putc(b, ']');
	}
}

static enum err_code
scribe_put(struct sink *s, const struct outcome *o)
{
	struct scribe *w = CONTAINER_OF(s, struct scribe, base);
	const struct told *t = o->told;
	struct buf *b = &w->text;

	buf_printf(b, "%u", o->status);
	put_word(b, "href", t->href);
	put_word(b, "id", t->id);
	put_word(b, "op", t->op);
	put_word(b, "tell", o->tell);
	put_word(b, "error", t->error);
	put_word(b, "type", t->problem_type);
	put_word(b, "location", t->location);
	put_word(b, "after", t->retry_after);
	put_word(b, "cause", t->caused_by);
	if (t->partial)
		BUF_LIT(b, " partial");
	put_propstats(b, o);
	BUF_LIT(b, "\n");
	return ERR_OK;
}

static struct sink *
scribe_init(struct scribe *w)
{
	static const struct sink_ops ops = { .name = "scribe",
		.put = scribe_put };

	*w = (struct scribe){ 0 };
	sink_init(&w->base, &ops);
	return &w->base;
}

/* Reads text in pieces of step bytes. */
static enum err_code
run(struct sink *to, const char *type, struct str text, size_t step,
    struct reading *out, struct err *err)
{
	const struct reader_spec spec = { .content_type = str_from_c(type) };
	struct reader *r;
	enum err_code rc = reader_new(&spec, to, &r, err);

	if (rc)
		return rc;
	while (text.len) {
		(void)ostream_write(reader_stream(r), str_head(text, step));
		text = str_skip(text, step);
	}
	rc = reader_end(r, false, out, err);
	reader_free(r);
	return rc;
}

static const size_t step_sizes[] = { SIZE_MAX, 1, 2, 5 };

static void
assert_read(const char *type, const char *text, const char *want,
    enum err_code end, const char *tell)
{
	size_t k;

	for (k = 0; k < ARRAY_LEN(step_sizes); k++) {
		struct reading r = { 0 };
		struct scribe w;

		assert_int_equal(run(scribe_init(&w), type, str_from_c(text),
				     step_sizes[k], &r, NULL),
		    ERR_OK);
		if (!str_eq(buf_str(&w.text), str_from_c(want)) ||
		    r.end != end || !strstr(r.err.tell, tell))
			fail_msg("of %s\nwas read\n%.*swant\n%send %s: %s",
			    text, STR_ARG(buf_str(&w.text)), want,
			    err_name(r.end), r.err.tell);
		buf_done(&w.text);
	}
}

static const char json[] = "application/json";
static const char lines[] = "application/x-ndjson";
static const char seq[] = "application/json-seq";

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
		    "423 tell=urn:p error=<D:error xmlns:D=\"DAV:\"><D:a/>"
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
		    " [200 {u}p#1 tell=good] [403 {u}a error=<error "
		    "xmlns='DAV:'><q/></error> tell=m] [403 {u}b]" },
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

static void
lines_of_json_are_read(void **state)
{
	static const struct {
		const char *text, *want;
		enum err_code end;
		const char *tell;
	} cases[] = {
		{ "{\"type\":\"start\"}\n{\"type\":\"result\",\"href\":\"/a\","
		  "\"status\":200}\r\n\n{\"type\":\"progress\",\"done\":1}\n"
		  "{\"type\":\"summary\",\"total\":1}\n",
		    "200 href=/a\n", ERR_OK, "" },
		{ "{\"type\":\"start\"}\n{\"type\":\"result\",\"href\":\"/a\","
		  "\"status\":200}\n",
		    "200 href=/a\n", ERR_CUT_SHORT,
		    "line 3, column 1: it ends without its summary" },
		{ "{\"type\":\"result\",\"href\":\"/a\",\"status\":200}",
		    "200 href=/a\n", ERR_CUT_SHORT, "without its summary" },
		{ "{\"type\":\"start\"}\n{\"type\":\"summary\"}", "", ERR_OK,
		    "" },
		{ "{\"id\":1,\"status\":200}\n{\"id\":2,\"status\":404}",
		    "200 id=1\n404 id=2\n", ERR_OK, "" },
		{ "{\"id\":1,\"status\":200}\n{\"id\":2,\"sta", "200 id=1\n",
		    ERR_CUT_SHORT, "line 2, column 13: it ends inside" },
		{ "{\"id\":1,\"status\":200}\n{\"id\":2\n{\"id\":3}\n",
		    "200 id=1\n", ERR_BAD_ANSWER,
		    "line 2, column 8: the line ends inside" },
		{ "{\"id\":1,\"status\":200} x\n", "200 id=1\n", ERR_BAD_ANSWER,
		    "line 1, column 23: something follows" },
		{ "{\"type\":\"summary\",\"total\":0}\n{\"id\":1}\n",
		    "0 id=1\n", ERR_BAD_ANSWER, "an item behind the summary" },
		{ "[{\"id\":1,\"status\":200},201]\n202\n",
		    "200 id=1\n201 id=1\n202 id=1\n", ERR_OK, "" },
		{ "{\"status\":200}\n{\"a\":1,\"a\":2}\n{\"status\":201}\n",
		    "200 id=0\n0 id=1 tell=a name stands twice in an object\n"
		    "201 id=2\n",
		    ERR_BAD_ANSWER, "line 2, column 1: a name stands twice" },
		{ "{\"status\":200}\n{\"summary\":{\"total\":1}}\n",
		    "200 id=0\n", ERR_OK, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_read(lines, cases[i].text, cases[i].want, cases[i].end,
		    cases[i].tell);
}

static void
sequences_of_json_are_read_and_bad_texts_dropped(void **state)
{
	static const struct {
		const char *text, *want;
		enum err_code end;
		const char *tell;
	} cases[] = {
		{ "\x1e{\"id\":1,\"status\":200}\n\x1e{\"id\":2,"
		  "\"status\":404}\n",
		    "200 id=1\n404 id=2\n", ERR_OK, "" },
		{ "\x1e\x1e{\n \"status\":200}\n\x1e\n", "200 id=0\n", ERR_OK,
		    "" },
		{ "\x1e{\"id\":1,\"sta\x1e{\"id\":2,\"status\":404}\n",
		    "404 id=2\n", ERR_BAD_ANSWER,
		    "line 1, column 14: it ends inside" },
		{ "\x1e{\"id\":1,}]\n\x1e{\"id\":2,\"status\":404}\n",
		    "404 id=2\n", ERR_BAD_ANSWER,
		    "line 1, column 10: '}' where" },
		{ "\x1e{\"id\":1,\"status\":200}\n\x1e{\"id\":2,\"st",
		    "200 id=1\n", ERR_CUT_SHORT, "line 2, column 13: it ends" },
		{ "\x1e{\"type\":\"start\"}\n\x1e{\"id\":2,\"status\":200}\n",
		    "200 id=2\n", ERR_CUT_SHORT, "without its summary" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_read(seq, cases[i].text, cases[i].want, cases[i].end,
		    cases[i].tell);
}

static void
what_is_wrong_is_told_and_nothing_read_is_lost(void **state)
{
	static const struct {
		const char *text, *want;
		enum err_code end;
		const char *tell;
	} cases[] = {
		{ "{\"results\":[{\"id\":1,\"status\":200},{\"id\":2,\"stat",
		    "200 id=1\n", ERR_CUT_SHORT,
		    "line 1, column 48: it ends inside" },
		{ "{\"results\":[{\"id\":1,\"status\":200},\n{\"id\":2}}",
		    "200 id=1\n0 id=2\n", ERR_BAD_ANSWER,
		    "line 2, column 9: '}' where" },
		{ "{\"a\":{\"status\":200},\"b\":{\"status\":404},\"c",
		    "200 id=a\n404 id=b\n", ERR_CUT_SHORT, "it ends inside" },
		{ "{\"a\":{\"status\":200},!", "200 id=a\n", ERR_BAD_ANSWER,
		    "'!' where a name" },
		{ "{\"a\":1}", "", ERR_BAD_ANSWER, "no list of items" },
		{ "{\"error\":{\"code\":500}}", "", ERR_BAD_ANSWER,
		    "no list of items" },
		{ "17", "", ERR_BAD_ANSWER, "neither an object nor" },
		{ "{\"results\":[{\"id\":1,\"id\":2,\"status\":200},"
		  "{\"id\":3,\"status\":200}]}",
		    "0 id=0 tell=a name stands twice in an object\n"
		    "200 id=3\n",
		    ERR_BAD_ANSWER, "line 1, column 13: a name" },
		{ "{\"results\":[{\"id\":\"a\\u0000b\",\"status\":200},200]}",
		    "0 id=0 tell=a NUL in a string\n200 id=1\n", ERR_BAD_ANSWER,
		    "a NUL in a string" },
		{ "[{\"status\":1e999},200]",
		    "0 id=0 tell=a number that is too large\n200 id=1\n",
		    ERR_BAD_ANSWER, "a number that is too large" },
		{ "[{\"status\":200,\"x\":99999999999999999999},200]",
		    "0 id=0 tell=a number that is too large\n200 id=1\n",
		    ERR_BAD_ANSWER, "a number that is too large" },
		{ "{\"results\":{\"a\":{\"status\":200},"
		  "\"a\":{\"status\":423}}}",
		    "200 id=a\n423 id=a\n", ERR_BAD_ANSWER,
		    "a name stands twice" },
		{ "[\"\\ud800\"]", "", ERR_BAD_ANSWER, "half of a surrogate" },
		{ "[200,\"\xc3\x28\"]", "200 id=0\n", ERR_BAD_ANSWER,
		    "not UTF-8" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "",
		    ERR_TOO_LARGE, "nested over 16 deep" },
		{ "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
		  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		    "", ERR_TOO_LARGE, "nested over 64 deep" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_read(json, cases[i].text, cases[i].want, cases[i].end,
		    cases[i].tell);
}

static void
what_it_says_of_itself_is_compared_with_its_items(void **state)
{
#define ITEMS \
	"\"results\":[{\"id\":1,\"status\":200},{\"id\":2,\"status\":423}]"
	static const struct {
		const char *text;
		bool claims, contradicts;
	} cases[] = {
		{ "{" ITEMS "}", false, false },
		{ "{" ITEMS ",\"summary\":{\"total\":2,\"success\":1,"
		  "\"failed\":1,\"retryable\":0}}",
		    true, false },
		{ "{\"summary\":{\"total\":2}," ITEMS "}", true, false },
		{ "{" ITEMS ",\"summary\":{\"total\":3}}", true, true },
		{ "{" ITEMS ",\"summary\":{\"failed\":0}}", true, true },
		{ "{" ITEMS ",\"summary\":{\"succeeded\":2}}", true, true },
		{ "{" ITEMS ",\"summary\":{\"total\":4,\"success\":1,"
		  "\"failed\":1}}",
		    true, true },
		{ "{" ITEMS ",\"errors\":true}", false, false },
		{ "{" ITEMS ",\"errors\":false}", false, true },
		{ "{\"results\":[200],\"errors\":true}", false, true },
		{ "{\"results\":[200],\"hasErrors\":false}", false, false },
		/* Prefer: return=minimal */
		{ "{\"results\":[423],\"summary\":{\"total\":9,\"success\":8,"
		  "\"failed\":1}}",
		    true, false },
		{ "{\"results\":[],\"summary\":{\"total\":9,\"success\":9,"
		  "\"failed\":0}}",
		    true, false },
		{ "{\"results\":[423],\"summary\":{\"total\":9,\"success\":7,"
		  "\"failed\":1}}",
		    true, true },
		/* members are no items */
		{ "{\"results\":[{\"id\":1,\"status\":423,\"partial\":true,"
		  "\"members\":[{\"href\":\"/m\",\"status\":423}]}],"
		  "\"summary\":{\"total\":1,\"success\":0,\"failed\":1}}",
		    true, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct reading r = { 0 };
		struct scribe w;

		assert_int_equal(
		    run(scribe_init(&w), json, str_from_c(cases[i].text),
			SIZE_MAX, &r, NULL),
		    ERR_OK);
		assert_int_equal(r.end, ERR_OK);
		if (r.claims != cases[i].claims ||
		    r.contradicts != cases[i].contradicts)
			fail_msg("%s: claims %d, contradicts %d", cases[i].text,
			    r.claims, r.contradicts);
		buf_done(&w.text);
	}
}

static void
what_is_said_of_the_whole_is_kept(void **state)
{
	struct reading r = { 0 };
	struct scribe w;

	(void)state;
	assert_int_equal(
	    run(scribe_init(&w), json,
		STR("{\"message\":\"two of three\",\"syncToken\":\"u:1\","
		    "\"results\":[200,423,503],\"summary\":{\"total\":3,"
		    "\"ok\":1,\"failures\":2,\"retryable\":1}}\n"),
		3, &r, NULL),
	    ERR_OK);
	assert_string_equal(r.description, "two of three");
	assert_string_equal(r.sync_token, "u:1");
	assert_int_equal(r.read.total, 3);
	assert_int_equal(r.claimed.total, 3);
	assert_int_equal(r.claimed.success, 1);
	assert_int_equal(r.claimed.failed, 2);
	assert_int_equal(r.claimed.retryable, 1);
	assert_false(r.contradicts);
	assert_int_equal(r.line, 2);
	assert_int_equal(r.column, 1);
	buf_done(&w.text);
}

/* All forms at once, and nothing in them that is malformed. */
static const char whole[] =
    "{\"summary\":{\"total\":3},\"results\":[{\"href\":\"/a\",\"status\":200,"
    "\"props\":{\"{u}a\":\"<a xmlns='u'><b/></a>\",\"{u}b\":[\"{u}c\"],"
    "\"{u}c\":{\"x\":1}},\"propErrors\":{\"{u}d\":404},\"propstats\":["
    "{\"status\":403,\"names\":[\"{u}e\"],\"message\":\"m\"}]},"
    "{\"id\":7,\"status\":\"success\",\"retryAfter\":2},"
    "{\"index\":{\"_id\":\"x\",\"status\":409,\"error\":{\"reason\":\"r\"}}}]}";

static const char whole_map[] =
    "{\"a\":{\"status\":200},\"bcd\":{\"status\":423,\"error\":\"x\"}}";

static const char whole_lines[] =
    "{\"type\":\"start\"}\n{\"type\":\"result\",\"id\":\"a\",\"status\":200}\n"
    "{\"type\":\"summary\",\"total\":1}";

static void
an_answer_cut_anywhere_is_never_whole(void **state)
{
	static const struct {
		const char *type, *text;
	} cases[] = { { json, whole }, { json, whole_map },
		{ lines, whole_lines } };
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (n = 1; n < strlen(cases[i].text); n++) {
			struct reading r = { 0 };
			struct scribe w;

			assert_int_equal(
			    run(scribe_init(&w), cases[i].type,
				str_of(cases[i].text, n), 7, &r, NULL),
			    ERR_OK);
			assert_int_equal(r.end, ERR_CUT_SHORT);
			buf_done(&w.text);
		}
}

static void
no_allocation_may_fail_unseen(void **state)
{
	static const struct {
		const char *type, *text;
	} cases[] = { { json, whole }, { json, whole_map },
		{ lines, whole_lines } };
	unsigned long n;
	bool fired;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (n = 1, fired = true; fired; n++) {
			struct reading r = { 0 };
			struct fault_sink f;
			enum err_code rc;

			alloc_fail_at(n);
			rc = run(fault_sink_init(&f, 0, false, ERR_OK),
			    cases[i].type, str_from_c(cases[i].text), SIZE_MAX,
			    &r, NULL);
			fired = alloc_fail_stop();
			/* jansson 2.14 may lose bytes of a string instead. */
			assert_true(rc == ERR_NOMEM || rc == ERR_OK);
			assert_true(fired || rc == ERR_OK);
			assert_true(fired || r.end == ERR_OK);
		}
}

static void
a_sink_that_fails_ends_it(void **state)
{
	static const char *const types[] = { json, lines, seq };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(types); i++) {
		struct reading r = { 0 };
		struct fault_sink f;

		assert_int_equal(
		    run(fault_sink_init(&f, 1, false, ERR_NO_SPACE), types[i],
			STR("\n[200,201]\n"), 1, &r, NULL),
		    ERR_NO_SPACE);
		assert_int_equal(f.puts, 1);
	}
}

static void
a_long_map_is_put_while_it_comes(void **state)
{
	static const struct reader_limits small = { .item = 200, .depth = 8 };
	const struct reader_spec spec = { STR("application/json"), &small };
	struct scribe w;
	struct reader *r;
	struct reading out;
	int i;

	(void)state;
	assert_int_equal(reader_new(&spec, scribe_init(&w), &r, NULL), ERR_OK);
	(void)ostream_write(reader_stream(r), STR("{\"a\":{\"status\":200}"));
	for (i = 0; i < 10; i++)
		(void)ostream_write(reader_stream(r),
		    STR(",\"b\":{\"status\":200,\"x\":\"1234567890\"}"));
	assert_true(w.text.len > 80);
	(void)ostream_write(reader_stream(r), STR(",\"c\":{\"status\":1}}"));
	assert_int_equal(reader_end(r, false, &out, NULL), ERR_OK);
	assert_int_equal(out.read.total, 12);
	assert_true(str_ends(buf_str(&w.text), STR("0 id=c\n")));
	reader_free(r);
	buf_done(&w.text);
}

static void
an_item_over_the_limit_is_too_large_and_what_was_before_is_read(void **state)
{
	static const struct reader_limits small = { .item = 20, .depth = 8 };
	const struct reader_spec spec = { STR("application/json"), &small };
	struct scribe w;
	struct reader *r;
	struct reading out;

	(void)state;
	assert_int_equal(reader_new(&spec, scribe_init(&w), &r, NULL), ERR_OK);
	(void)ostream_write(reader_stream(r),
	    STR("{\"unknown\":{\"much\":\"too long to be kept, but no item\"},"
		"\"items\":[{\"status\":200},{\"status\":200,\"x\":\"12345\"}]"
		"}"));
	assert_int_equal(reader_end(r, false, &out, NULL), ERR_OK);
	assert_int_equal(out.end, ERR_TOO_LARGE);
	assert_str_equal(buf_str(&w.text), STR("200 id=0\n"));
	reader_free(r);
	buf_done(&w.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_of_document_is_read),
		cmocka_unit_test(every_form_of_an_item_is_read),
		cmocka_unit_test(names_are_found_however_they_are_written),
		cmocka_unit_test(properties_become_propstats_again),
		cmocka_unit_test(lines_of_json_are_read),
		cmocka_unit_test(
		    sequences_of_json_are_read_and_bad_texts_dropped),
		cmocka_unit_test(
		    what_is_wrong_is_told_and_nothing_read_is_lost),
		cmocka_unit_test(
		    what_it_says_of_itself_is_compared_with_its_items),
		cmocka_unit_test(what_is_said_of_the_whole_is_kept),
		cmocka_unit_test(an_answer_cut_anywhere_is_never_whole),
		cmocka_unit_test(no_allocation_may_fail_unseen),
		cmocka_unit_test(a_sink_that_fails_ends_it),
		cmocka_unit_test(a_long_map_is_put_while_it_comes),
		cmocka_unit_test(
		    an_item_over_the_limit_is_too_large_and_what_was_before_is_read),
	};

	/* So that its allocations can fail, too. */
	json_set_alloc_funcs(malloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
