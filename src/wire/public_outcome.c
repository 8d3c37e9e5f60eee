/* SPDX-License-Identifier: MIT */
#include "wire/public_outcome.h"

#include "outcome/public.h"
#include "outcome/retry.h"
#include "wire/escape.h"

/* <x:NAME xmlns:x="NS">, without its '>'. */
static void
put_start(struct buf *b, struct prop_name n)
{
	BUF_LIT(b, "<");
	if (n.ns.len)
		BUF_LIT(b, "x:");
	buf_put(b, n.local);
	if (!n.ns.len)
		return;
	BUF_LIT(b, " xmlns:x=\"");
	xml_put_attr(b, n.ns);
	BUF_LIT(b, "\"");
}

static void
put_inside(struct buf *b, const struct prop *p)
{
	static const struct prop_name href = { STR_INIT("DAV:"),
		STR_INIT("href") };
	size_t i;

	for (i = 0; i < p->n_names; i++) {
		put_start(b, p->names[i]);
		BUF_LIT(b, "/>");
	}
	if (p->form != PROP_HREF)
		return;
	put_start(b, href);
	BUF_LIT(b, ">");
	xml_put_text(b, p->value);
	BUF_LIT(b, "</x:href>");
}

/* The whole element of a property whose value is other elements. */
static const char *
element(struct arena *a, const struct prop *p)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	put_start(&b, p->name);
	BUF_LIT(&b, ">");
	put_inside(&b, p);
	BUF_LIT(&b, "</");
	if (p->name.ns.len)
		BUF_LIT(&b, "x:");
	buf_put(&b, p->name.local);
	BUF_LIT(&b, ">");
	return buf_failed(&b) ? NULL : public_text(a, buf_str(&b));
}

static const char *
number(struct arena *a, uint64_t n)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	buf_put_u64(&b, n);
	return buf_failed(&b) ? NULL : public_text(a, buf_str(&b));
}

/* Of locks nobody tells: they are ours, and written as XML by others. */
static bool
copy_value(struct arena *a, const struct prop *p, struct sheaf_prop *out)
{
	switch (p->form) {
	case PROP_TEXT:
		out->kind = SHEAF_PROP_TEXT;
		out->value = public_text(a, p->value);
		break;
	case PROP_NUMBER:
		out->kind = SHEAF_PROP_TEXT;
		out->value = number(a, p->number);
		break;
	case PROP_XML:
		out->kind = SHEAF_PROP_XML;
		out->value = public_text(a, p->value);
		break;
	case PROP_NAMES:
	case PROP_HREF:
		out->kind = SHEAF_PROP_XML;
		out->value = element(a, p);
		break;
	case PROP_EMPTY:
	case PROP_LOCKS:
	case PROP_LOCK_KINDS:
		out->kind = SHEAF_PROP_EMPTY;
		out->value = "";
		break;
	}
	return out->value != NULL;
}

static bool
copy_propstat(
    struct arena *a, const struct propstat *ps, struct sheaf_propstat *out)
{
	struct sheaf_prop *props = arena_array(a, ps->n_props, sizeof(*props));
	size_t i;

	if (!props)
		return false;
	for (i = 0; i < ps->n_props; i++) {
		props[i].ns = public_text(a, ps->props[i].name.ns);
		props[i].name = public_text(a, ps->props[i].name.local);
		if (!props[i].ns || !props[i].name ||
		    !copy_value(a, &ps->props[i], &props[i]))
			return false;
	}
	out->status = ps->status;
	out->props = props;
	out->n_props = ps->n_props;
	out->error = public_text(a, ps->error);
	out->text = public_text(a, ps->tell);
	return out->error && out->text;
}

static bool
copy_propstats(
    struct arena *a, const struct outcome *o, struct sheaf_outcome *out)
{
	struct sheaf_propstat *sets =
	    arena_array(a, o->n_propstats, sizeof(*sets));
	size_t i;

	if (!sets)
		return false;
	for (i = 0; i < o->n_propstats; i++)
		if (!copy_propstat(a, &o->propstats[i], &sets[i]))
			return false;
	out->propstats = sets;
	out->n_propstats = o->n_propstats;
	return true;
}

/* The strings of struct told, and the public ones that they become. */
#define TOLD_STRINGS(X)               \
	X(href, href)                 \
	X(id, id)                     \
	X(op, op)                     \
	X(error, error)               \
	X(problem_type, problem_type) \
	X(location, location)         \
	X(retry_after, retry_after)   \
	X(caused_by, caused_by)

bool
public_outcome(
    struct arena *a, const struct outcome *o, struct sheaf_outcome *out)
{
	const struct told *t = o->told;

	*out = (struct sheaf_outcome){ .size = sizeof(*out),
		.status = o->status,
		.partial = t->partial,
		.line = t->line,
		.column = t->column,
		.text = public_text(a, o->tell) };
	if (!out->text)
		return false;
#define COPY(ours, theirs)                     \
	out->theirs = public_text(a, t->ours); \
	if (!out->theirs)                      \
		return false;
	TOLD_STRINGS(COPY)
#undef COPY
	return copy_propstats(a, o, out);
}

bool
public_is_failure(const struct outcome *o)
{
	return o->told->partial || outcome_refused(o) ||
	    retry_advise(o->status, STR(""), false) != RETRY_NONE;
}

size_t
public_weight(const struct outcome *o)
{
	size_t n = sizeof(struct sheaf_outcome) + o->tell.len;
	size_t i, k;

#define ADD(ours, theirs) n += o->told->ours.len;
	TOLD_STRINGS(ADD)
#undef ADD
	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		n += sizeof(struct sheaf_propstat) + ps->error.len +
		    ps->tell.len;
		for (k = 0; k < ps->n_props; k++)
			n += sizeof(struct sheaf_prop) +
			    ps->props[k].name.ns.len +
			    ps->props[k].name.local.len +
			    ps->props[k].value.len;
	}
	return n;
}

static const struct {
	enum shape shape;
	enum sheaf_form form;
	enum form written;
} forms[] = {
	{ SHAPE_UNKNOWN, SHEAF_FORM_UNKNOWN, FORM_COUNT },
	{ SHAPE_XML, SHEAF_FORM_XML, FORM_XML },
	{ SHAPE_JSON, SHEAF_FORM_JSON, FORM_JSON },
	{ SHAPE_NDJSON, SHEAF_FORM_NDJSON, FORM_NDJSON },
	{ SHAPE_JSON_SEQ, SHEAF_FORM_JSON_SEQ, FORM_COUNT },
};

enum sheaf_form
public_form(enum shape shape)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(forms); i++)
		if (forms[i].shape == shape)
			return forms[i].form;
	return SHEAF_FORM_UNKNOWN;
}

enum form
private_form(enum sheaf_form form)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(forms); i++)
		if (forms[i].form == form)
			return forms[i].written;
	return FORM_COUNT;
}

bool
reader_options(const struct sheaf_reader_options *given,
    struct sheaf_reader_options *o, struct reader_limits *limits)
{
	*o = (struct sheaf_reader_options)SHEAF_READER_OPTIONS_INIT;
	if (given && !public_struct(given, o, sizeof(*o)))
		return false;
	*limits = reader_default_limits;
	limits->bytes = o->max_bytes;
	if (o->max_item_bytes)
		limits->item = (size_t)o->max_item_bytes;
	if (o->max_depth)
		limits->depth = o->max_depth;
	if (!o->max_kept)
		o->max_kept = 1000;
	if (!o->max_kept_bytes)
		o->max_kept_bytes = UINT64_C(16) << 20;
	return (unsigned)o->keep <= SHEAF_KEEP_NONE;
}
