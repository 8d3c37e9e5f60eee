/* SPDX-License-Identifier: MIT */
#include "wire/xml_response.h"

#include "http/status.h"
#include "wire/told.h"

void
xml_response_done(struct xml_response *r)
{
	arena_done(&r->arena);
	buf_done(&r->hrefs);
	buf_done(&r->sets);
	buf_done(&r->props);
}

void
xml_response_begin(struct xml_response *r, uint64_t line, uint64_t column)
{
	arena_clear(&r->arena);
	r->kept = 0;
	r->told = (struct told){ .line = line, .column = column };
	r->unknown = false;
	r->status = (struct said){ 0 };
	r->tell = STR("");
	buf_clear(&r->hrefs);
	buf_clear(&r->sets);
	buf_clear(&r->props);
}

enum err_code
xml_response_keep(struct xml_response *r, size_t bytes, struct err *err)
{
	r->kept += bytes;
	if (!r->max || r->kept <= r->max)
		return ERR_OK;
	return err_tell(err, ERR_TOO_LARGE,
	    "a response over %zu bytes when each property has its namespaces",
	    r->max);
}

enum err_code
xml_response_href(struct xml_response *r, struct str href, struct err *err)
{
	struct str copy;

	if (!arena_str(&r->arena, href, &copy))
		return err_nomem(err);
	buf_put(&r->hrefs, str_of((const char *)&copy, sizeof(copy)));
	return buf_failed(&r->hrefs) ? err_nomem(err) : ERR_OK;
}

enum err_code
xml_response_status(
    struct xml_response *r, struct said *to, struct str line, struct err *err)
{
	struct str reason;
	unsigned status = status_line_parse(line, &reason);

	/* Two that differ are as good as none. */
	to->status = to->any && to->status != status ? 0 : status;
	to->any = true;
	if (!arena_str(&r->arena, reason, &to->reason))
		return err_nomem(err);
	return ERR_OK;
}

/* A reason that is not the registered one is a sentence: somebody chose it. */
static struct str
sentence(struct str tell, const struct said *s)
{
	bool chosen = s->status >= 300 &&
	    !str_eq_nocase(s->reason, status_reason(s->status));

	return !tell.len && chosen ? s->reason : tell;
}

void
xml_response_set_begin(struct xml_response *r)
{
	r->set = (struct propstat){ 0 };
	r->set_status = (struct said){ 0 };
	r->set_unknown = false;
}

static struct prop *
props_of(struct xml_response *r)
{
	return (struct prop *)(void *)r->props.ptr;
}

/* An empty element of a property that was refused is not an empty value. */
static void
empty_values(struct xml_response *r)
{
	size_t n = r->props.len / sizeof(struct prop);
	struct prop *props = props_of(r);
	size_t i;

	for (i = n - r->set.n_props; i < n; i++)
		if (!props[i].value.len && !props[i].n_names)
			props[i].form = PROP_EMPTY;
}

enum err_code
xml_response_set_end(struct xml_response *r, struct err *err)
{
	r->set.status = r->set_unknown ? 0 : r->set_status.status;
	r->set.tell = sentence(r->set.tell, &r->set_status);
	if (r->set.status / 100 != 2)
		empty_values(r);
	buf_put(&r->sets, str_of((const char *)&r->set, sizeof(r->set)));
	if (buf_failed(&r->sets))
		return err_nomem(err);
	return xml_response_keep(r, sizeof(r->set), err);
}

/* Copies a namespace, unless it is DAV: or that of the property before. */
static bool
copy_ns(struct xml_response *r, struct str ns, struct str *out)
{
	size_t n = r->props.len / sizeof(struct prop);
	struct str before = n ? props_of(r)[n - 1].name.ns : DAV_NS;

	*out = str_eq(ns, DAV_NS) ? DAV_NS : before;
	return str_eq(ns, *out) || arena_str(&r->arena, ns, out);
}

enum err_code
xml_response_prop(struct xml_response *r, struct prop_name name,
    struct prop **out, struct err *err)
{
	struct prop p = { 0 };

	if (r->props.len / sizeof(p) == RESPONSE_MAX_PROPS)
		return err_tell(err, ERR_TOO_LARGE,
		    "over %zu properties in a response", RESPONSE_MAX_PROPS);
	if (!copy_ns(r, name.ns, &p.name.ns) ||
	    !arena_str(&r->arena, name.local, &p.name.local))
		return err_nomem(err);
	buf_put(&r->props, str_of((const char *)&p, sizeof(p)));
	if (buf_failed(&r->props))
		return err_nomem(err);
	r->set.n_props++;
	*out = props_of(r) + r->props.len / sizeof(p) - 1;
	return ERR_OK;
}

/*
 * The status of the response as a whole.  If it has both a status and
 * propstats, which s14.24 forbids, it succeeded only if both say so.
 */
static unsigned
whole_status(const struct xml_response *r, const struct outcome *o)
{
	if (r->unknown)
		return 0;
	if (!o->n_propstats)
		return r->status.status;
	if (r->status.any && r->status.status / 100 != 2)
		return r->status.status;
	return outcome_propstats_status(o);
}

/* Points the propstats to their properties, which do not move any more. */
static struct propstat *
join_sets(struct xml_response *r, size_t n)
{
	struct propstat *sets = (struct propstat *)(void *)r->sets.ptr;
	const struct prop *props = props_of(r);
	size_t i;

	for (i = 0; i < n; i++) {
		if (!sets[i].n_props)
			continue;
		sets[i].props = props;
		props += sets[i].n_props;
	}
	return sets;
}

enum err_code
xml_response_end(struct xml_response *r,
    enum err_code (*put)(void *arg, const struct outcome *o, struct err *err),
    void *arg, struct err *err)
{
	const struct str *hrefs = (const struct str *)(void *)r->hrefs.ptr;
	size_t n = r->hrefs.len / sizeof(*hrefs);
	struct outcome o = { .told = &r->told,
		.n_propstats = r->sets.len / sizeof(struct propstat),
		.tell = sentence(r->tell, &r->status) };
	enum err_code rc = ERR_OK;
	size_t i;

	o.propstats = join_sets(r, o.n_propstats);
	o.status = whole_status(r, &o);
	if (!n)
		return put(arg, &o, err);
	for (i = 0; i < n && !rc; i++) {
		r->told.href = told_is_made_up(hrefs[i]) ? STR("") : hrefs[i];
		o.collection = str_ends(r->told.href, STR("/"));
		rc = put(arg, &o, err);
	}
	return rc;
}
