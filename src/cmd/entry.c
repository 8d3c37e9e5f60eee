/* SPDX-License-Identifier: MIT */
/* What a PROPFIND says of one resource. */
#include "client/judge.h"
#include "cmd/files.h"
#include "http/date.h"
#include "wire/xml_tree.h"

const struct prop_name entry_names[] = {
	{ STR_INIT("DAV:"), STR_INIT("resourcetype") },
	{ STR_INIT("DAV:"), STR_INIT("getcontentlength") },
	{ STR_INIT("DAV:"), STR_INIT("getlastmodified") },
	{ STR_INIT("DAV:"), STR_INIT("getetag") },
	{ STR_INIT("DAV:"), STR_INIT("getcontenttype") },
};
const size_t n_entry_names = ARRAY_LEN(entry_names);

static bool
is_collection(struct arena *a, const struct prop *p)
{
	struct xml_node *root;
	size_t i;

	for (i = 0; i < p->n_names; i++)
		if (prop_name_eq(p->names[i],
			(struct prop_name){ DAV_NS, STR("collection") }))
			return true;
	return p->form == PROP_XML &&
	    !xml_tree_read(a, p->value, &root, NULL) &&
	    xml_tree_dav(root, "collection");
}

static void
take_type(struct arena *a, const struct prop *p, struct entry *e)
{
	e->collection = is_collection(a, p);
}

static void
take_size(struct arena *a, const struct prop *p, struct entry *e)
{
	(void)a;
	if (p->form == PROP_NUMBER) {
		e->size = p->number;
		e->has_size = true;
		return;
	}
	e->has_size = str_to_u64(str_trim(p->value), &e->size);
}

static void
take_time(struct arena *a, const struct prop *p, struct entry *e)
{
	(void)a;
	e->has_time = date_parse_http(str_trim(p->value), &e->time);
}

static void
take_etag(struct arena *a, const struct prop *p, struct entry *e)
{
	(void)a;
	e->etag = str_trim(p->value);
}

static void
take_media_type(struct arena *a, const struct prop *p, struct entry *e)
{
	(void)a;
	e->type = str_trim(p->value);
}

static void
take(struct arena *a, const struct prop *p, struct entry *e)
{
	/* In the order of entry_names. */
	static void (*const takers[])(
	    struct arena * a, const struct prop *p, struct entry *e) = {
		take_type,
		take_size,
		take_time,
		take_etag,
		take_media_type,
	};
	size_t i;

	for (i = 0; i < n_entry_names; i++)
		if (prop_name_eq(p->name, entry_names[i]))
			takers[i](a, p, e);
}

/* Whether the answer says if it is a collection. */
static bool
has_type(const struct outcome *o)
{
	size_t i, j;

	for (i = 0; i < o->n_propstats; i++)
		for (j = 0; j < o->propstats[i].n_props; j++)
			if (o->propstats[i].status / 100 == 2 &&
			    prop_name_eq(
				o->propstats[i].props[j].name, entry_names[0]))
				return true;
	return false;
}

void
entry_read(struct arena *a, const struct outcome *o, struct entry *e)
{
	unsigned status;
	size_t i, j;

	*e = (struct entry){ 0 };
	if (o->told)
		e->href = o->told->href;
	if (mention_of(method_rules(STR("PROPFIND")), o, &status, NULL, NULL) !=
	    MENTION_DONE) {
		e->unknown = true;
		e->status = status;
		return;
	}
	e->kind_told = has_type(o);
	e->collection = !e->kind_told && str_ends(e->href, STR("/"));
	for (i = 0; i < o->n_propstats; i++)
		for (j = 0; j < o->propstats[i].n_props &&
		     o->propstats[i].status / 100 == 2;
		     j++)
			take(a, &o->propstats[i].props[j], e);
}
