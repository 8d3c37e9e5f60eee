/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "wire/dav_body_impl.h"

/* The child of DAV:propfind that we are in. */
enum section { SECTION_NONE = 0, SECTION_PROP, SECTION_INCLUDE };

struct list {
	struct prop_name *names;
	size_t n;
};

struct propfind_reader {
	struct dav_body base;
	struct propfind_memo *memo; /* or NULL */
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

/* Has the memo remember what was read, if there is room and memory. */
static void
remember(struct propfind_reader *r, const struct propfind_body *what)
{
	struct arena *a = dav_body_keeps(&r->base);
	struct prop_name *names;
	size_t i;

	if (!a)
		return;
	names = arena_array(a, what->n_names + 1, sizeof(*names));
	if (!names)
		return;
	for (i = 0; i < what->n_names; i++)
		if (!arena_name(a, what->names[i], &names[i]))
			return;
	r->memo->what = *what;
	r->memo->what.names = names;
	dav_body_known(&r->base);
}

enum err_code
propfind_body_new(const struct xml_limits *limits, struct propfind_memo *memo,
    struct arena *a, struct dav_body **out, struct err *err)
{
	struct propfind_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem(err);
	dav_body_init(&r->base, limits, &propfind_events,
	    memo ? &memo->base : NULL, a, NULL);
	r->memo = memo;
	*out = &r->base;
	return ERR_OK;
}

enum err_code
propfind_body_end(
    struct dav_body *b, struct propfind_body *out, struct err *err)
{
	struct propfind_reader *r =
	    CONTAINER_OF(b, struct propfind_reader, base);
	const struct list *names;
	bool known;
	enum err_code rc = dav_body_finish(b, &known, err);

	if (rc)
		return rc;
	*out = known ? r->memo->what : (struct propfind_body){ 0 };
	if (known || b->empty)
		return ERR_OK;
	if (r->kinds != 1)
		return err_tell(err, ERR_BAD_BODY,
		    "DAV:propfind has %u of prop, allprop and propname, "
		    "not one",
		    r->kinds);
	names = r->kind == PROPFIND_SOME ? &r->asked : &r->included;
	out->kind = r->kind;
	if (r->kind != PROPFIND_NAMES) {
		out->names = names->names;
		out->n_names = names->n;
	}
	remember(r, out);
	return ERR_OK;
}
