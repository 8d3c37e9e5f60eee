/* SPDX-License-Identifier: MIT */
/*
 * What somebody told, made of arbitrary bytes, is the same when it has been
 * written in any of the forms and read again.
 */
#include "fuzz.h"

#include "lib/read_run.h"
#include "wire/multistatus.h"

#define MAX_OUTCOMES 8
#define MAX_PROPS 4

/* Text that begins and ends with more than white space, or is empty. */
static struct str
take_text(struct fuzz_input *in, struct buf *to)
{
	static const char *const pieces[] = { "a", "/", "%20", "&", "<", ">",
		"\"", "\\", "'", "]]>", " ", "\n", "\t", "\r", ":", "#", "7",
		"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "}", "{",
		"urn:x", "{DAV:}" };
	unsigned n = fuzz_take(in, 6);
	size_t from = to->len;

	if (!n)
		return STR("");
	buf_putc(to, 'T');
	while (n--)
		buf_put(
		    to, str_from_c(pieces[fuzz_take(in, ARRAY_LEN(pieces))]));
	buf_putc(to, 'T');
	return str_skip(buf_str(to), from);
}

static struct str
take_error(struct fuzz_input *in)
{
	static const char *const errors[] = { "", "",
		"<D:error xmlns:D=\"DAV:\"><D:no-conflicting-lock/></D:error>",
		"<error xmlns=\"DAV:\"><x y=\"&quot;\">&lt;</x></error>" };

	return str_from_c(errors[fuzz_take(in, ARRAY_LEN(errors))]);
}

static struct told
take_told(struct fuzz_input *in, struct buf *text)
{
	struct told t = { .href = take_text(in, text) };

	if (!t.href.len)
		t.href = STR("/x");
	t.id = take_text(in, text);
	t.op = take_text(in, text);
	t.error = take_error(in);
	t.location = take_text(in, text);
	t.retry_after = fuzz_take(in, 2) ? STR("120") : take_text(in, text);
	t.caused_by = take_text(in, text);
	return t;
}

/* The nth of all names, so that none stands twice. */
static struct prop_name
name_of(unsigned n)
{
	static const struct prop_name names[2 * MAX_PROPS] = {
		{ STR_INIT("DAV:"), STR_INIT("displayname") },
		{ STR_INIT("DAV:"), STR_INIT("resourcetype") },
		{ STR_INIT("urn:x"), STR_INIT("e") },
		{ STR_INIT(""), STR_INIT("\xc3\xa9") },
		{ STR_INIT("DAV:"), STR_INIT("getetag") },
		{ STR_INIT("urn:\"<&>"), STR_INIT("a.b") },
		{ STR_INIT("urn:x"), STR_INIT("f") },
		{ STR_INIT("DAV:"), STR_INIT("acl") },
	};

	return names[n];
}

static struct prop
take_prop(struct fuzz_input *in, struct buf *text, unsigned n)
{
	static const struct prop_name kids[] = {
		{ STR_INIT("DAV:"), STR_INIT("collection") },
		{ STR_INIT("urn:y"), STR_INIT("k") },
		{ STR_INIT(""), STR_INIT("n") },
	};
	struct prop p = { .name = name_of(n), .form = PROP_TEXT };

	if (n == 1) { /* the type of a resource is names */
		p.form = PROP_NAMES;
		p.n_names = fuzz_take(in, ARRAY_LEN(kids) + 1);
		p.names = kids;
	} else if (n == 2 && fuzz_take(in, 2)) {
		p.form = PROP_XML;
		p.value = STR("<p:e xmlns:p=\"urn:x\" q=\"\">a<b/>&lt;</p:e>");
	} else {
		p.value = take_text(in, text);
	}
	return p;
}

/* Those that were read, and those that were not. */
static size_t
take_sets(struct fuzz_input *in, struct buf *text, struct propstat *sets,
    struct prop *props)
{
	static const unsigned statuses[] = { 403, 404, 424, 507, 0, 302 };
	unsigned good = fuzz_take(in, MAX_PROPS + 1);
	unsigned bad = fuzz_take(in, MAX_PROPS + 1);
	size_t n = 0;
	unsigned i;

	for (i = 0; i < good; i++)
		props[i] = take_prop(in, text, i);
	for (i = 0; i < bad; i++)
		props[MAX_PROPS + i].name = name_of(MAX_PROPS + i);
	if (good)
		sets[n++] = (struct propstat){
			.status = 200, .props = props, .n_props = good
		};
	if (bad)
		sets[n++] = (struct propstat){ .props = props + MAX_PROPS,
			.status = statuses[fuzz_take(in, ARRAY_LEN(statuses))],
			.n_props = bad,
			.error = take_error(in),
			.tell = take_text(in, text) };
	return n;
}

static void
put_one(struct sink *s, struct fuzz_input *in, struct buf *text)
{
	static const unsigned statuses[] = { 0, 200, 201, 204, 302, 404, 423,
		424, 503, 507, 600 };
	struct prop props[2 * MAX_PROPS] = { 0 };
	struct propstat sets[2];
	struct told told;
	struct outcome o = { .told = &told, .propstats = sets };

	buf_clear(text);
	MUST(buf_room(text, 8192)); /* so that it does not move */
	told = take_told(in, text);
	o.tell = take_text(in, text);
	o.n_propstats = take_sets(in, text, sets, props);
	o.status = statuses[fuzz_take(in, ARRAY_LEN(statuses))];
	if (o.n_propstats)
		o.status = outcome_propstats_status(&o);
	if (outcome_is_failure(&o)) {
		told.partial = fuzz_take(in, 2);
		told.problem_type = fuzz_take(in, 2) ? STR("urn:p:1") : STR("");
	}
	o.collection = str_ends(told.href, STR("/"));
	MUST(!sink_put(s, &o));
}

static void
put_all(struct sink *s, struct fuzz_input in)
{
	struct buf text = { 0 };
	int i;

	for (i = 0; in.left && i < MAX_OUTCOMES; i++)
		put_one(s, &in, &text);
	MUST(!sink_end(s));
	buf_done(&text);
}

static void
write_as(enum form form, struct fuzz_input in, struct buf *document)
{
	const struct multistatus_spec spec = { form, STR("/p"), false };
	struct buf_ostream stream;
	struct sink *s;

	MUST(!multistatus_new(
	    &spec, buf_ostream_init(&stream, document), &s, NULL));
	put_all(s, in);
	multistatus_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fuzz_input in = { data, size };
	struct text_sink text;
	struct buf said = { 0 };
	enum form form;

	put_all(text_sink_init(&text, &said), in);
	for (form = FORM_XML; form < FORM_COUNT; form++) {
		struct read_run run = { 0 };
		struct buf document = { 0 };

		write_as(form, in, &document);
		read_207(&run, buf_str(&document), (struct read_how){ 0 });
		MUST(!run.rc && run.reading.end == ERR_OK);
		MUST(!run.reading.contradicts);
		if (!str_eq(buf_str(&run.said), buf_str(&said)))
			(void)fprintf(stderr, "%.*s\n%.*s%.*s",
			    STR_ARG(buf_str(&document)),
			    STR_ARG(buf_str(&said)),
			    STR_ARG(buf_str(&run.said)));
		MUST(str_eq(buf_str(&run.said), buf_str(&said)));
		read_run_done(&run);
		buf_done(&document);
	}
	buf_done(&said);
	return 0;
}
