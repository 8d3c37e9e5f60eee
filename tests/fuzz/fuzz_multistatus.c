/* SPDX-License-Identifier: MIT */
/*
 * Outcomes made of arbitrary bytes: in each form the document can be read by
 * a parser that is not ours, and as a page for a browser it is well-formed.
 */
#include "fuzz.h"

#include <jansson.h>

#include "lib/xml_check.h"
#include "wire/listing.h"
#include "wire/multistatus.h"

#define MAX_PROPS 6
#define MAX_OUTCOMES 20
#define TEXT_ROOM 4096

/* Neither a path nor a namespace has a NUL. */
static struct str
take_text(struct fuzz_input *in, struct buf *to)
{
	struct str bytes = fuzz_take_bytes(in, 24);
	size_t from = to->len;
	size_t i;

	for (i = 0; i < bytes.len; i++)
		buf_putc(to, bytes.ptr[i] ? bytes.ptr[i] : 'x');
	return str_skip(buf_str(to), from);
}

/* A local name is one that a parser has accepted. */
static struct prop_name
take_name(struct fuzz_input *in, struct buf *text)
{
	static const char *const locals[] = { "a", "getetag", "_-.9",
		"\xc3\xa9t\xc3\xa9" };
	static const char *const spaces[] = { "",
		"DAV:", "http://www.w3.org/XML/1998/namespace" };
	struct prop_name n = { .local = str_from_c(locals[fuzz_take(in, 4)]) };
	unsigned space = fuzz_take(in, 4);

	n.ns = space < 3 ? str_from_c(spaces[space]) : take_text(in, text);
	return n;
}

/* A property, and what it may hold. */
struct holder {
	struct prop_name child;
	struct prop_lock lock;
};

/* An owner is one that a parser has accepted. */
static struct prop_lock
take_lock(struct fuzz_input *in, struct buf *text)
{
	struct prop_lock l = { .shared = fuzz_take(in, 2),
		.deep = fuzz_take(in, 2) };

	if (fuzz_take(in, 2))
		l.owner = STR("<o xmlns=\"DAV:\" z=\"&lt;\">a<b/></o>");
	l.seconds = UINT64_MAX / (1 + fuzz_take(in, 256));
	l.token = fuzz_take_bytes(in, 24);
	l.root.s = take_text(in, text);
	l.collection = fuzz_take(in, 2);
	return l;
}

static struct prop
take_prop(struct fuzz_input *in, struct buf *text, struct holder *h)
{
	struct prop p = { .name = take_name(in, text),
		.form = (enum prop_form)fuzz_take(in, 8) };

	switch (p.form) {
	case PROP_TEXT:
	case PROP_HREF:
		p.value = fuzz_take_bytes(in, 24);
		break;
	case PROP_NUMBER:
		p.number = UINT64_MAX / (1 + fuzz_take(in, 256));
		break;
	case PROP_NAMES:
		h->child = take_name(in, text);
		p.names = &h->child;
		p.n_names = fuzz_take(in, 2);
		break;
	case PROP_XML:
		p.value = STR("<x:e xmlns:x=\"y\" z=\"&lt;\">a<b/></x:e>");
		break;
	case PROP_LOCKS:
		h->lock = take_lock(in, text);
		p.locks = &h->lock;
		p.n_locks = fuzz_take(in, 2);
		break;
	case PROP_LOCK_KINDS:
	case PROP_EMPTY:
		break;
	}
	return p;
}

static enum err_code
put_one(struct sink *s, struct fuzz_input *in)
{
	static const unsigned statuses[] = { 200, 201, 404, 423, 507, 599 };
	struct holder holders[MAX_PROPS];
	struct prop props[MAX_PROPS];
	struct propstat sets[2];
	struct buf path = { 0 };
	struct buf text = { 0 };
	struct outcome o = { .status = statuses[fuzz_take(in, 6)] };
	enum err_code rc;
	size_t i;

	buf_putc(&path, '/');
	(void)take_text(in, &path);
	MUST(buf_room(&text, TEXT_ROOM)); /* so that it does not move */
	o.path.s = buf_str(&path);
	o.collection = fuzz_take(in, 2);
	o.why = (enum err_code)fuzz_take(in, ERR_COUNT);
	o.tell = fuzz_take_bytes(in, 24);
	o.about.s = take_text(in, &text);
	for (i = 0; i < MAX_PROPS; i++)
		props[i] = take_prop(in, &text, &holders[i]);
	sets[0] = (struct propstat){ .status = 200,
		.why = ERR_OK,
		.props = props,
		.n_props = fuzz_take(in, 4) };
	sets[1] = (struct propstat){ .status = statuses[fuzz_take(in, 6)],
		.why = (enum err_code)fuzz_take(in, ERR_COUNT),
		.props = props + 3,
		.n_props = fuzz_take(in, 4) };
	o.propstats = sets;
	o.n_propstats = fuzz_take(in, 3);
	rc = sink_put(s, &o);
	buf_done(&path);
	buf_done(&text);
	return rc;
}

static void
fill(struct sink *s, struct fuzz_input in)
{
	int i;

	for (i = 0; in.left && i < MAX_OUTCOMES; i++)
		MUST(!put_one(s, &in));
	MUST(!sink_end(s));
}

static void
check_json(struct str text)
{
	json_t *j = json_loadb(
	    text.ptr, text.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);

	MUST(j);
	json_decref(j);
}

static void
check_lines(struct str text)
{
	struct str line;

	while (str_cut(&text, '\n', &line) && line.len)
		check_json(line);
	MUST(!text.ptr); /* an empty line only at the end */
}

static void
run_form(enum form form, bool minimal, struct fuzz_input in)
{
	const struct multistatus_spec spec = { form, STR("/p"), minimal };
	struct buf out = { 0 };
	struct buf_ostream o;
	struct sink *s;

	MUST(!multistatus_new(&spec, buf_ostream_init(&o, &out), &s, NULL));
	fill(s, in);
	multistatus_free(s);
	if (form == FORM_XML)
		MUST(!xml_problem(buf_str(&out)));
	if (form == FORM_JSON)
		check_json(buf_str(&out));
	if (form == FORM_NDJSON)
		check_lines(buf_str(&out));
	buf_done(&out);
}

static void
run_listing(struct fuzz_input in)
{
	struct buf out = { 0 };
	struct buf_ostream o;
	struct sink *s;

	MUST(!listing_new(
	    STR(""), RPATH_ROOT, buf_ostream_init(&o, &out), &s, NULL));
	fill(s, in);
	listing_free(s);
	MUST(!xml_problem(buf_str(&out)));
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	bool minimal = fuzz_take(&in, 2);

	run_form(FORM_XML, minimal, in);
	run_form(FORM_JSON, minimal, in);
	run_form(FORM_NDJSON, minimal, in);
	run_listing(in);
	return 0;
}
