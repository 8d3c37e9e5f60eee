/* SPDX-License-Identifier: MIT */
#include "wire/json_props.h"

#include <stdlib.h>

#include "wire/json_status.h"
#include "wire/name_set.h"
#include "wire/xml_fragment.h"

/* "{DAV:}getetag"; a name without a brace is in no namespace. */
static struct prop_name
name_of(struct str s)
{
	struct prop_name n = { .local = s };
	size_t end;

	if (!str_starts(s, STR("{")))
		return n;
	end = str_rfind(s, '}');
	if (end == s.len)
		return n;
	n.ns = str_head(str_skip(s, 1), end - 1);
	n.local = str_skip(s, end + 1);
	return n;
}

/* ["{DAV:}collection"]; *names is NULL where it is something else. */
static enum err_code
read_names(struct arena *a, const json_t *v, struct prop *p, struct err *err)
{
	size_t n = json_array_size(v);
	struct prop_name *names = arena_array(a, n, sizeof(*names));
	size_t i;

	if (!names)
		return err_nomem(err);
	for (i = 0; i < n; i++) {
		struct str s = json_text(json_array_get(v, i));

		if (!str_starts(s, STR("{")))
			return ERR_OK;
		names[i] = name_of(s);
	}
	p->form = PROP_NAMES;
	p->names = names;
	p->n_names = n;
	return ERR_OK;
}

/* What has no other form here is kept as it was sent. */
static enum err_code
keep_json(struct arena *a, const json_t *v, struct prop *p, struct err *err)
{
	char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	bool kept;

	if (!text)
		return err_nomem(err);
	p->form = PROP_TEXT;
	kept = arena_str(a, str_from_c(text), &p->value);
	free(text);
	return kept ? ERR_OK : err_nomem(err);
}

static enum err_code
read_value(struct arena *a, const json_t *v, struct prop *p, struct err *err)
{
	enum err_code rc = ERR_OK;
	bool xml;

	if (json_is_null(v))
		return ERR_OK; /* PROP_EMPTY */
	if (json_is_string(v)) {
		p->value = json_text(v);
		rc = xml_fragment_check(p->value, p->name, &xml, err);
		p->form = xml ? PROP_XML : PROP_TEXT;
		return rc;
	}
	if (json_is_integer(v) && json_integer_value(v) >= 0) {
		p->form = PROP_NUMBER;
		p->number = (uint64_t)json_integer_value(v);
		return ERR_OK;
	}
	if (json_is_array(v))
		rc = read_names(a, v, p, err);
	if (rc || p->form == PROP_NAMES)
		return rc;
	return keep_json(a, v, p, err);
}

/* Statuses there are, and that which could not be read. */
#define MOST_STATUSES ((size_t)901)

struct building {
	struct arena *arena;
	const json_t *props;
	struct propstat *sets;
	size_t n;
	struct name_set named; /* in "propstats", and so not again */
};

static void
building_done(struct building *b)
{
	name_set_done(&b->named);
}

enum err_code
json_dav_error(const json_t *v, struct str *out, struct err *err)
{
	static const struct prop_name name = { STR_INIT("DAV:"),
		STR_INIT("error") };
	struct str text = json_text(v);
	bool is;
	enum err_code rc = xml_fragment_check(text, name, &is, err);

	*out = is ? text : STR("");
	return rc;
}

/* How many statuses so many properties can have. */
static size_t
statuses_of(const json_t *errors)
{
	size_t n = json_object_size(errors);

	return n < MOST_STATUSES ? n : MOST_STATUSES;
}

static enum err_code
read_set_names(struct building *b, const json_t *names, struct propstat *ps,
    struct err *err)
{
	size_t n = json_array_size(names);
	struct prop *props = arena_array(b->arena, n, sizeof(*props));
	enum err_code rc = ERR_OK;
	bool had;
	size_t i;

	if (!props)
		return err_nomem(err);
	ps->props = props;
	for (i = 0; i < n && !rc; i++) {
		struct str name = json_text(json_array_get(names, i));
		const json_t *v =
		    json_object_getn(b->props, name.ptr, name.len);

		props[i].name = name_of(name);
		if (v && ps->status / 100 == 2)
			rc = read_value(b->arena, v, &props[i], err);
		if (!rc)
			rc = name_set_add(&b->named, name, &had, err);
		ps->n_props = i + 1;
	}
	return rc;
}

/*
 * {"status": 403, "names": [...], "davError": "<D:error ...", "message": };
 * of those that succeeded the values are in "props".
 */
static enum err_code
read_set(struct building *b, const json_t *v, struct err *err)
{
	struct propstat *ps = &b->sets[b->n++];
	enum err_code rc;

	if (!json_is_true(json_object_get(v, "unknown")))
		(void)json_status_read(
		    json_object_get(v, "status"), &ps->status);
	ps->tell = json_text(json_object_get(v, "message"));
	rc = json_dav_error(json_object_get(v, "davError"), &ps->error, err);
	return rc ? rc
		  : read_set_names(b, json_object_get(v, "names"), ps, err);
}

/*
 * {"{DAV:}getetag": "...", ...}: those that no set has named are 200.  They are
 * the first of all.
 */
static enum err_code
read_props(struct building *b, struct err *err)
{
	json_t *object = (json_t *)(uintptr_t)b->props;
	struct prop *props =
	    arena_array(b->arena, json_object_size(object), sizeof(*props));
	enum err_code rc = ERR_OK;
	const char *key;
	json_t *v;
	size_t n = 0;

	if (!props)
		return err_nomem(err);
	json_object_foreach(object, key, v)
	{
		if (rc || name_set_has(&b->named, str_from_c(key)))
			continue;
		props[n].name = name_of(str_from_c(key));
		rc = read_value(b->arena, v, &props[n++], err);
	}
	b->sets[0] = (struct propstat){
		.status = 200,
		.props = props,
		.n_props = n,
	};
	return rc;
}

/* The set of that status behind `from`, which is begun where there is none. */
static struct propstat *
set_of(struct building *b, size_t from, unsigned status)
{
	size_t i;

	for (i = from; i < b->n; i++)
		if (b->sets[i].status == status)
			return &b->sets[i];
	b->sets[b->n].status = status;
	return &b->sets[b->n++];
}

/* An entry of "propErrors": its set, or NULL where it stands in another. */
static struct propstat *
set_of_error(struct building *b, size_t from, const char *key, const json_t *v)
{
	unsigned status = 0;

	if (name_set_has(&b->named, str_from_c(key)))
		return NULL;
	(void)json_status_read(v, &status);
	return set_of(b, from, status);
}

/*
 * {"{urn:x}other": 404, ...}; a status that cannot be read is 0.  They are
 * counted first, so that many statuses of many names cost no more than those.
 */
static enum err_code
read_errors(struct building *b, const json_t *errors, struct err *err)
{
	json_t *object = (json_t *)(uintptr_t)errors;
	struct prop *props =
	    arena_array(b->arena, json_object_size(errors), sizeof(*props));
	struct prop **next = arena_array(
	    b->arena, b->n + statuses_of(errors), sizeof(struct prop *));
	size_t from = b->n;
	struct propstat *ps;
	const char *key;
	json_t *v;
	size_t i;

	if (!props || !next)
		return err_nomem(err);
	json_object_foreach(object, key, v)
	{
		ps = set_of_error(b, from, key, v);
		if (ps)
			ps->n_props++;
	}
	for (i = from; i < b->n; i++) {
		b->sets[i].props = props;
		next[i] = props;
		props += b->sets[i].n_props;
	}
	json_object_foreach(object, key, v)
	{
		ps = set_of_error(b, from, key, v);
		if (ps)
			next[ps - b->sets]++->name = name_of(str_from_c(key));
	}
	return ERR_OK;
}

static enum err_code
build(struct building *b, const struct json_found *f, struct err *err)
{
	const json_t *sets = f->by[ITEM_PROPSTATS];
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < json_array_size(sets) && !rc; i++)
		rc = read_set(b, json_array_get(sets, i), err);
	if (!rc && json_object_size(b->props))
		rc = read_props(b, err);
	if (!rc && json_object_size(f->by[ITEM_PROP_ERRORS]))
		rc = read_errors(b, f->by[ITEM_PROP_ERRORS], err);
	return rc;
}

enum err_code
json_props_read(struct arena *a, const struct json_found *f, struct outcome *o,
    struct err *err)
{
	struct building b CLEANUP(building_done) = {
		.arena = a,
		.props = f->by[ITEM_PROPS],
		.n = 1,
	};
	size_t most, none;
	enum err_code rc;

	if (!f->by[ITEM_PROPS] && !f->by[ITEM_PROP_ERRORS] &&
	    !f->by[ITEM_PROPSTATS])
		return ERR_OK;
	most = 1 + json_array_size(f->by[ITEM_PROPSTATS]) +
	    statuses_of(f->by[ITEM_PROP_ERRORS]);
	b.sets = arena_array(a, most, sizeof(*b.sets));
	if (!b.sets)
		return err_nomem(err);
	rc = build(&b, f, err);
	none = b.sets[0].n_props ? 0 : 1;
	o->propstats = b.sets + none;
	o->n_propstats = b.n - none;
	return rc;
}
