/* SPDX-License-Identifier: MIT */
/*
 * Outcomes that a program made, checked: what is written of them is well-formed
 * whatever they hold.
 */
#include "outcome/public.h"
#include "wire/public_outcome.h"
#include "wire/xml.h"

#define CHECK_DEPTH 64

struct check {
	struct prop_name want;
	bool found; /* it is the root */
};

static enum err_code
check_open(void *arg, const struct xml_element *e, struct err *err)
{
	struct check *c = arg;

	(void)err;
	if (!e->depth)
		c->found = prop_name_eq(e->name.name, c->want);
	return ERR_OK;
}

/* ERR_OK: xml is one well-formed element of that name. */
static enum err_code
check_element(struct str xml, struct prop_name want)
{
	static const struct xml_events events = { .open = check_open };
	const struct xml_limits limits = { SIZE_MAX, CHECK_DEPTH };
	struct check c = { .want = want };
	struct xml *x;
	enum err_code rc = xml_new(&limits, &events, &c, &x, NULL);

	if (rc)
		return rc;
	rc = xml_feed(x, xml, NULL);
	if (!rc)
		rc = xml_end(x, NULL);
	xml_free(x);
	if (!rc && !c.found)
		return ERR_BAD_BODY;
	return rc;
}

/*
 * The same for an element that goes into another document as it is: it has to
 * begin with its tag, not with an XML declaration.
 */
static enum err_code
check_piece(struct str xml, struct prop_name want)
{
	if (!str_starts(xml, STR("<")) || str_starts(xml, STR("<?")) ||
	    str_starts(xml, STR("<!")))
		return ERR_BAD_BODY;
	return check_element(xml, want);
}

static bool
error_ok(struct str xml, struct str *out)
{
	const struct prop_name error = { DAV_NS, STR("error") };
	enum err_code rc = xml.len ? check_piece(xml, error) : ERR_OK;

	*out = rc ? STR("") : xml;
	return rc != ERR_NOMEM;
}

/* Letters, digits and what is beyond ASCII; expat has the last word of XML. */
static bool
may_be_name(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (!ascii_is_alpha((char)c) && c < 0x80 && c != '_' &&
		    (i == 0 ||
			(!ascii_is_digit((char)c) && c != '-' && c != '.')))
			return false;
	}
	return s.len > 0;
}

static bool
put_prop(const struct sheaf_prop *from, struct prop *p, bool *ok)
{
	struct str value = str_from_c(from->value);
	enum err_code rc = ERR_OK;

	*p = (struct prop){ .name = { str_from_c(from->ns),
				str_from_c(from->name) } };
	*ok = may_be_name(p->name.local);
	if (!*ok)
		return true;
	p->form = PROP_TEXT;
	p->value = value;
	switch (from->kind) {
	case SHEAF_PROP_TEXT:
		break;
	case SHEAF_PROP_XML:
		rc = check_piece(value, p->name);
		if (!rc)
			p->form = PROP_XML;
		break;
	case SHEAF_PROP_EMPTY:
		p->form = PROP_EMPTY;
		p->value = STR("");
		break;
	}
	return rc != ERR_NOMEM;
}

static bool
put_propstat(
    struct arena *a, const struct sheaf_propstat *from, struct propstat *ps)
{
	struct prop *props = arena_array(a, from->n_props, sizeof(*props));
	bool ok;
	size_t i;

	if (!props)
		return false;
	*ps = (struct propstat){ .status = from->status, .props = props };
	ps->tell = str_from_c(from->text);
	for (i = 0; i < from->n_props; i++) {
		if (!put_prop(&from->props[i], &props[ps->n_props], &ok))
			return false;
		ps->n_props += ok;
	}
	return error_ok(str_from_c(from->error), &ps->error);
}

bool
private_outcome(struct arena *a, const struct sheaf_outcome *o,
    struct told *told, struct outcome *out)
{
	struct propstat *sets = arena_array(a, o->n_propstats, sizeof(*sets));
	size_t i;

	if (!sets)
		return false;
	*told = (struct told){ .href = str_from_c(o->href),
		.id = str_from_c(o->id),
		.op = str_from_c(o->op),
		.problem_type = str_from_c(o->problem_type),
		.location = str_from_c(o->location),
		.retry_after = str_from_c(o->retry_after),
		.caused_by = str_from_c(o->caused_by),
		.partial = o->partial,
		.line = o->line,
		.column = o->column };
	*out = (struct outcome){ .status = o->status,
		.tell = str_from_c(o->text),
		.propstats = sets,
		.n_propstats = o->n_propstats,
		.told = told };
	for (i = 0; i < o->n_propstats; i++)
		if (!put_propstat(a, &o->propstats[i], &sets[i]))
			return false;
	return error_ok(str_from_c(o->error), &told->error);
}
