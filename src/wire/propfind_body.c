/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "wire/dav_body_impl.h"

/* The child of DAV:propfind that we are in. */
enum section { SECTION_NONE = 0, SECTION_PROP, SECTION_INCLUDE };

struct list {
	struct prop_name *names;
	size_t n;
};

/*
 * While the bytes are those of the memo, there is no parser.  It is made, and
 * is handed all of them, when others come.
 */
struct propfind_reader {
	struct dav_body base;
	struct xml_limits limits;
	struct propfind_memo *memo; /* or NULL */
	size_t same; /* bytes that came and are the memo's */
	enum section section;
	unsigned kinds; /* how many of prop, allprop and propname there were */
	enum propfind_kind kind;
	struct list asked; /* in DAV:prop */
	struct list included; /* in DAV:include */
};

static bool
has(const struct list *l, struct prop_name name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (prop_name_eq(l->names[i], name))
			return true;
	return false;
}

static enum err_code
add(struct propfind_reader *r, struct list *l, struct prop_name name,
    struct err *err)
{
	void *names = l->names;
	enum err_code rc;

	if (has(l, name))
		return ERR_OK;
	rc = body_room(r->base.arena, &names, l->n, sizeof(*l->names), err);
	if (rc)
		return rc;
	l->names = names;
	if (!arena_name(r->base.arena, name, &l->names[l->n]))
		return err_nomem(err);
	l->n++;
	return ERR_OK;
}

/* A child of DAV:propfind; one that we do not know is not there (s17). */
static void
enter_section(struct propfind_reader *r, const struct xml_name *name)
{
	static const struct {
		struct str name;
		enum propfind_kind kind;
		enum section section;
	} kinds[] = {
		{ STR_INIT("prop"), PROPFIND_SOME, SECTION_PROP },
		{ STR_INIT("allprop"), PROPFIND_ALL, SECTION_NONE },
		{ STR_INIT("propname"), PROPFIND_NAMES, SECTION_NONE },
	};
	size_t i;

	r->section =
	    is_dav(name, STR("include")) ? SECTION_INCLUDE : SECTION_NONE;
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!is_dav(name, kinds[i].name))
			continue;
		r->kind = kinds[i].kind;
		r->section = kinds[i].section;
		r->kinds++;
	}
}

static enum err_code
propfind_open(void *arg, const struct xml_element *e, struct err *err)
{
	struct propfind_reader *r = arg;

	if (e->depth == 0 && !is_dav(&e->name, STR("propfind")))
		return err_tell(
		    err, ERR_BAD_BODY, "the root is not DAV:propfind");
	if (e->depth == 1)
		enter_section(r, &e->name);
	if (e->depth == 2 && r->section == SECTION_PROP)
		return add(r, &r->asked, e->name.name, err);
	if (e->depth == 2 && r->section == SECTION_INCLUDE)
		return add(r, &r->included, e->name.name, err);
	return ERR_OK;
}

static const struct xml_events propfind_events = {
	.open = propfind_open,
};

/* ---- the memo */

#define MEMO_MAX ((size_t)1024)

void
propfind_memo_done(struct propfind_memo *m)
{
	buf_done(&m->bytes);
	arena_done(&m->arena);
	*m = (struct propfind_memo){ 0 };
}

static bool
is_known(const struct propfind_memo *m, const struct xml_limits *limits)
{
	return m && m->known && m->limits.bytes == limits->bytes &&
	    m->limits.depth == limits->depth;
}

static bool
goes_on_as_known(const struct propfind_reader *r, struct str bytes)
{
	struct str rest;

	if (!is_known(r->memo, &r->limits))
		return false;
	rest = str_skip(buf_str(&r->memo->bytes), r->same);
	return str_starts(rest, bytes);
}

/* From here on the memo has the bytes of this body. */
static enum err_code
start_parser(struct propfind_reader *r, struct err *err)
{
	struct propfind_memo *m = r->memo;
	struct str before = { 0 };
	enum err_code rc =
	    xml_new(&r->limits, &propfind_events, r, &r->base.xml, err);

	if (rc || !m)
		return rc;
	before = str_head(buf_str(&m->bytes), r->same);
	m->known = false;
	m->bytes.len = before.len;
	m->bytes.failed = ERR_OK;
	return before.len ? dav_body_parse(&r->base, before, err) : ERR_OK;
}

static enum err_code
propfind_write(struct ostream *o, struct str bytes)
{
	struct dav_body *b = CONTAINER_OF(o, struct dav_body, stream);
	struct propfind_reader *r =
	    CONTAINER_OF(b, struct propfind_reader, base);
	enum err_code rc = ERR_OK;

	if (!b->xml && goes_on_as_known(r, bytes)) {
		r->same += bytes.len;
		return ERR_OK;
	}
	if (!b->xml)
		rc = start_parser(r, &o->err);
	if (rc)
		return rc;
	if (r->memo)
		buf_put(&r->memo->bytes, bytes);
	return dav_body_parse(b, bytes, &o->err);
}

static const struct ostream_ops propfind_stream_ops = {
	.name = "PROPFIND body",
	.write = propfind_write,
};

/* It is remembered, or not. */
static void
remember(const struct propfind_reader *r, const struct propfind_body *what)
{
	struct propfind_memo *m = r->memo;
	struct prop_name *names;
	size_t i;

	if (!m || buf_failed(&m->bytes))
		return;
	arena_clear(&m->arena);
	names = arena_array(&m->arena, what->n_names + 1, sizeof(*names));
	if (!names)
		return;
	for (i = 0; i < what->n_names; i++)
		if (!arena_name(&m->arena, what->names[i], &names[i]))
			return;
	m->what = *what;
	m->what.names = names;
	m->limits = r->limits;
	m->known = true;
}

/* ---- the reader */

enum err_code
propfind_body_new(const struct xml_limits *limits, struct propfind_memo *memo,
    struct arena *a, struct dav_body **out, struct err *err)
{
	struct propfind_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem(err);
	ostream_init(&r->base.stream, &propfind_stream_ops);
	r->base.arena = a;
	r->limits = *limits;
	r->memo = memo;
	if (memo)
		memo->bytes.max = MEMO_MAX;
	*out = &r->base;
	return ERR_OK;
}

static enum err_code
end_parsed(
    struct propfind_reader *r, struct propfind_body *out, struct err *err)
{
	enum err_code rc = dav_body_finish(&r->base, err);
	const struct list *names =
	    r->kind == PROPFIND_SOME ? &r->asked : &r->included;

	if (rc)
		return rc;
	if (r->kinds != 1)
		return err_tell(err, ERR_BAD_BODY,
		    "DAV:propfind has %u of prop, allprop and propname, "
		    "not one",
		    r->kinds);
	*out = (struct propfind_body){ .kind = r->kind };
	if (r->kind != PROPFIND_NAMES) {
		out->names = names->names;
		out->n_names = names->n;
	}
	remember(r, out);
	return ERR_OK;
}

enum err_code
propfind_body_end(
    struct dav_body *b, struct propfind_body *out, struct err *err)
{
	struct propfind_reader *r =
	    CONTAINER_OF(b, struct propfind_reader, base);
	enum err_code rc = ERR_OK;

	if (b->xml || b->stream.err.code)
		return end_parsed(r, out, err);
	*out = (struct propfind_body){ 0 };
	if (!r->same)
		return ERR_OK;
	if (r->same == r->memo->bytes.len) {
		*out = r->memo->what;
		return ERR_OK;
	}
	rc = start_parser(r, err); /* it ends before the other did */
	return rc ? rc : end_parsed(r, out, err);
}
