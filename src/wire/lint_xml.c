/* SPDX-License-Identifier: MIT */
/*
 * X101 to X103, and the elements of a DAV:multistatus for the others: which is
 * which is one table.
 */
#include <stdlib.h>

#include "wire/lint_response.h"
#include "wire/xml.h"

/* Most bytes of an href, a status or a description that are looked at. */
#define TEXT_MAX ((size_t)64 * 1024)

/* Most properties of one response that are compared. */
#define PROPS_MAX ((size_t)256 * 1024)

/* How deep elements that mean something are at most. */
#define KNOWN_DEPTH 8

enum node {
	N_OTHER, /* means nothing here, nor does what is in it */
	N_ROOT,
	N_RESPONSE,
	N_HREF,
	N_STATUS,
	N_PROPSTAT,
	N_PROP,
	N_PROPERTY,
	N_TYPE, /* the property resourcetype */
	N_COLLECTION,
	N_LIVE, /* a property whose value has a form */
	N_PROPSTAT_STATUS,
	N_LOCATION,
	N_LOCATION_HREF,
	N_DESCRIPTION,
};

/* Elements of DAV:, by what they stand in. */
static const struct {
	enum node parent;
	struct str local;
	enum node node;
} nodes[] = {
	{ N_ROOT, STR_INIT("response"), N_RESPONSE },
	{ N_ROOT, STR_INIT("responsedescription"), N_DESCRIPTION },
	{ N_RESPONSE, STR_INIT("href"), N_HREF },
	{ N_RESPONSE, STR_INIT("status"), N_STATUS },
	{ N_RESPONSE, STR_INIT("propstat"), N_PROPSTAT },
	{ N_RESPONSE, STR_INIT("location"), N_LOCATION },
	{ N_RESPONSE, STR_INIT("responsedescription"), N_DESCRIPTION },
	{ N_PROPSTAT, STR_INIT("prop"), N_PROP },
	{ N_PROPSTAT, STR_INIT("status"), N_PROPSTAT_STATUS },
	{ N_PROPSTAT, STR_INIT("responsedescription"), N_DESCRIPTION },
	{ N_LOCATION, STR_INIT("href"), N_LOCATION_HREF },
	{ N_PROP, STR_INIT("resourcetype"), N_TYPE },
	{ N_TYPE, STR_INIT("collection"), N_COLLECTION },
};

struct lint_xml {
	struct lint_form base;
	struct xml *xml;
	enum node open[KNOWN_DEPTH];
	struct lint_hrefs hrefs;
	struct lint_place at; /* of the element whose text is gathered */
	enum live live; /* which property that is */
	struct buf text;
	struct buf name; /* of a property */
	struct propstat_seen ps;
	struct response_seen r;
	uint64_t failures; /* that DELETE, COPY or MOVE name */
	bool not_dav; /* the root is another */
};

static struct lint_place
place(const struct lint_xml *x)
{
	struct xml_place p = xml_place(x->xml);

	return (struct lint_place){ .line = p.line, .column = p.column };
}

/* ---- a property */

static enum err_code
add_property(struct lint_xml *x, const struct prop_name *n)
{
	const struct lint_place at = place(x);
	uint64_t *seen;
	enum err_code rc;

	x->ps.properties++;
	buf_clear(&x->name);
	buf_put(&x->name, n->ns);
	buf_putc(&x->name, '\n');
	buf_put(&x->name, n->local);
	rc = buf_failed(&x->name);
	if (!rc)
		rc = once_put(&x->r.properties, buf_str(&x->name), at.line,
		    PROPS_MAX, &seen);
	if (rc)
		return rc == ERR_NOMEM ? rc : ERR_OK;
	if (seen)
		LINT_SAY(x->base.l, X110, &at,
		    "the property {%.*s}%.*s stood in line %llu already",
		    LINT_SHOW(n->ns), LINT_SHOW(n->local),
		    (unsigned long long)*seen);
	return ERR_OK;
}

static void
end_live(struct lint_xml *x)
{
	const char *wrong = lint_live_problem(x->live, buf_str(&x->text));

	if (wrong && !x->ps.wrong[x->live]) {
		x->ps.wrong[x->live] = wrong;
		x->ps.wrong_at[x->live] = x->at;
	}
}

/* ---- elements begin */

static enum node
find_node(enum node parent, const struct prop_name *n)
{
	size_t i;

	if (parent == N_PROP && str_eq(n->ns, DAV_NS) &&
	    lint_live_find(n->local) < LIVE_COUNT)
		return N_LIVE;
	for (i = 0; i < ARRAY_LEN(nodes); i++)
		if (nodes[i].parent == parent && str_eq(n->ns, DAV_NS) &&
		    str_eq(n->local, nodes[i].local))
			return nodes[i].node;
	return parent == N_PROP ? N_PROPERTY : N_OTHER;
}

static enum node
open_root(struct lint_xml *x, const struct prop_name *n)
{
	const struct lint_place at = place(x);

	if (prop_name_eq(*n, (struct prop_name){ DAV_NS, STR("multistatus") }))
		return N_ROOT;
	x->not_dav = true;
	LINT_SAY(x->base.l, X102, &at, "the root is {%.*s}%.*s",
	    LINT_SHOW(n->ns), LINT_SHOW(n->local));
	return N_OTHER;
}

static void
begin_response(struct lint_xml *x)
{
	struct response_seen *r = &x->r;

	x->base.l->report.items++;
	buf_clear(&r->href);
	once_clear(&r->properties);
	*r = (struct response_seen){
		.at = place(x), .href = r->href, .properties = r->properties
	};
}

static void
begin_text(struct lint_xml *x)
{
	x->at = place(x);
	buf_clear(&x->text);
}

static enum err_code
begin_node(struct lint_xml *x, enum node node, const struct prop_name *n)
{
	switch (node) {
	case N_RESPONSE:
		begin_response(x);
		break;
	case N_PROPSTAT:
		x->r.n_propstat++;
		x->ps = (struct propstat_seen){ .at = place(x) };
		break;
	case N_PROP:
		x->ps.n_prop++;
		break;
	case N_LIVE:
		x->live = lint_live_find(n->local);
		begin_text(x);
		return add_property(x, n);
	case N_TYPE:
	case N_PROPERTY:
		return add_property(x, n);
	case N_COLLECTION:
		x->ps.collection = true;
		break;
	case N_HREF:
	case N_STATUS:
	case N_PROPSTAT_STATUS:
	case N_LOCATION_HREF:
	case N_DESCRIPTION:
		begin_text(x);
		break;
	case N_ROOT:
	case N_LOCATION:
	case N_OTHER:
		break;
	}
	return ERR_OK;
}

static enum err_code
on_open(void *arg, const struct xml_element *e, struct err *err)
{
	struct lint_xml *x = arg;
	enum node node;
	enum err_code rc;

	if (e->depth >= KNOWN_DEPTH)
		return ERR_OK;
	node = e->depth ? find_node(x->open[e->depth - 1], &e->name.name)
			: open_root(x, &e->name.name);
	x->open[e->depth] = node;
	rc = begin_node(x, node, &e->name.name);
	return rc ? err_nomem(err) : ERR_OK;
}

/* ---- and end */

static enum err_code
end_href(struct lint_xml *x)
{
	struct str text = buf_str(&x->text);
	struct response_seen *r = &x->r;
	bool target;
	enum err_code rc =
	    lint_href(x->base.l, &x->hrefs, text, &x->at, &target);

	r->target = r->target || target;
	if (r->n_href++)
		return rc;
	r->href_at = x->at;
	buf_put(&r->href, text);
	return rc ? rc : buf_failed(&r->href);
}

static void
end_status(struct lint_xml *x, bool of_propstat)
{
	unsigned status = lint_status(x->base.l, buf_str(&x->text), &x->at);

	if (of_propstat) {
		x->ps.n_status++;
		x->ps.status = status;
	} else {
		x->r.n_status++;
		x->r.status = status;
	}
	lint_note_status(&x->r, status, &x->at);
}

static void
end_description(struct lint_xml *x)
{
	if (lint_is_stack_trace(buf_str(&x->text)))
		LINT_SAY(x->base.l, S303, &x->at,
		    "the responsedescription holds a stack trace");
}

static enum err_code
end_node(struct lint_xml *x, enum node node)
{
	switch (node) {
	case N_HREF:
		return end_href(x);
	case N_STATUS:
	case N_PROPSTAT_STATUS:
		end_status(x, node == N_PROPSTAT_STATUS);
		break;
	case N_LOCATION_HREF:
		x->r.located = true;
		break;
	case N_LIVE:
		end_live(x);
		break;
	case N_DESCRIPTION:
		end_description(x);
		break;
	case N_PROPSTAT:
		lint_end_propstat(x->base.l, &x->r, &x->ps);
		break;
	case N_RESPONSE:
		lint_end_response(x->base.l, &x->r, &x->failures);
		break;
	case N_ROOT:
	case N_PROP:
	case N_PROPERTY:
	case N_TYPE:
	case N_COLLECTION:
	case N_LOCATION:
	case N_OTHER:
		break;
	}
	return ERR_OK;
}

static enum err_code
on_close(
    void *arg, const struct xml_name *name, unsigned depth, struct err *err)
{
	struct lint_xml *x = arg;

	(void)name;
	if (depth >= KNOWN_DEPTH)
		return ERR_OK;
	return end_node(x, x->open[depth]) ? err_nomem(err) : ERR_OK;
}

/* What is over TEXT_MAX is cut: nothing that has a form is so long. */
static enum err_code
on_text(void *arg, struct str text, struct err *err)
{
	struct lint_xml *x = arg;

	buf_put(&x->text, str_head(text, TEXT_MAX - x->text.len));
	return buf_failed(&x->text) ? err_nomem(err) : ERR_OK;
}

/* ---- the document */

static void
say_fault(struct lint_xml *x, const struct err *err)
{
	struct lint_place at = place(x);
	struct str tell = str_from_c(err->tell);
	size_t colon = str_find(tell, ':');
	struct str why = str_skip(tell, colon < tell.len ? colon + 2 : 0);

	switch (xml_fault(x->xml)) {
	case XML_FAULT_PREFIX:
		LINT_SAY(x->base.l, X103, &at, "a prefix that is not declared");
		break;
	case XML_FAULT_DOCTYPE:
		LINT_SAY(x->base.l, X101, &at,
		    "there is a document type declaration (DOCTYPE)");
		break;
	case XML_FAULT_ENTITY:
		LINT_SAY(x->base.l, X101, &at,
		    "an entity that is none of &amp; &lt; &gt; &quot; &apos;");
		break;
	case XML_FAULT_CUT:
		LINT_SAY(x->base.l, X101, &at,
		    "the document ends before its root does");
		break;
	case XML_FAULT_SYNTAX:
	case XML_FAULT_NONE:
		LINT_SAY(x->base.l, X101, &at, "%s%.*s",
		    str_starts(why, STR("not well-formed"))
			? ""
			: "not well-formed: ",
		    STR_ARG(why));
		break;
	}
}

static enum err_code
stop(struct lint_xml *x, enum err_code rc, const struct err *err)
{
	struct lint *l = x->base.l;

	if (rc == ERR_NOMEM || !rc)
		return rc;
	l->report.stopped = true;
	if (rc == ERR_BAD_BODY)
		say_fault(x, err);
	else
		l->report.err = *err;
	return ERR_OK;
}

static enum err_code
xml_form_feed(struct lint_form *f, struct str bytes)
{
	struct lint_xml *x = CONTAINER_OF(f, struct lint_xml, base);
	struct err err = { 0 };

	return stop(x, xml_feed(x->xml, bytes, &err), &err);
}

static enum err_code
xml_form_end(struct lint_form *f, bool cut)
{
	struct lint_xml *x = CONTAINER_OF(f, struct lint_xml, base);
	struct lint *l = f->l;
	struct err err = { 0 };
	enum err_code rc;

	(void)cut; /* what is missing is seen */
	if (l->report.stopped)
		return ERR_OK;
	rc = stop(x, xml_end(x->xml, &err), &err);
	if (rc || l->report.stopped)
		return rc;
	if (lint_names_failures(l) && !x->not_dav && !x->failures)
		lint_say(l, LINT_X114, LINT_WARNING, NULL, NULL,
		    "%s, and the answer to %.*s is a 207",
		    l->report.items ? "nothing failed" : "no member is named",
		    STR_ARG(l->method));
	return ERR_OK;
}

static void
xml_form_free(struct lint_form *f)
{
	struct lint_xml *x = CONTAINER_OF(f, struct lint_xml, base);

	xml_free(x->xml);
	buf_done(&x->text);
	buf_done(&x->name);
	buf_done(&x->hrefs.key);
	buf_done(&x->r.href);
	once_done(&x->r.properties);
	free(x);
}

static const struct lint_form_ops xml_ops = {
	.feed = xml_form_feed,
	.end = xml_form_end,
	.free = xml_form_free,
};

static const struct xml_events events = {
	.open = on_open,
	.text = on_text,
	.close = on_close,
};

enum err_code
lint_xml_new(struct lint *l, struct lint_form **out)
{
	struct lint_xml *x = calloc(1, sizeof(*x));
	struct xml_limits limits = { .depth = l->limits.depth };
	enum err_code rc;

	if (!x)
		return ERR_NOMEM;
	limits.bytes = l->limits.bytes && l->limits.bytes < SIZE_MAX
	    ? l->limits.bytes
	    : SIZE_MAX;
	x->base = (struct lint_form){ &xml_ops, l };
	rc = xml_new(&limits, &events, x, &x->xml, NULL);
	if (rc) {
		free(x);
		return rc;
	}
	*out = &x->base;
	return ERR_OK;
}
