/* SPDX-License-Identifier: MIT */
/* The public table of conditions (include/sheaf/condition.h). */
#include "base/attr.h"
#include "outcome/prop.h"
#include "sheaf/condition.h"
#include "wire/xml.h"

#define NS_DAV "DAV:"
#define NS_CALDAV "urn:ietf:params:xml:ns:caldav"
#define NS_CARDDAV "urn:ietf:params:xml:ns:carddav"

static const struct sheaf_condition rows[] = {
#define CONDITION(ns, name, source, means, todo) \
	{ NS_##ns, name, source, means, todo },
#include "outcome/conditions.def"
#undef CONDITION
};

#define ERROR_DEPTH 64

static const struct sheaf_condition *
find(struct prop_name n)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(str_from_c(rows[i].ns), n.ns) &&
		    str_eq(str_from_c(rows[i].name), n.local))
			return &rows[i];
	return NULL;
}

const struct sheaf_condition *
sheaf_condition_find(const char *ns, const char *name)
{
	return find((struct prop_name){ str_from_c(ns), str_from_c(name) });
}

const struct sheaf_condition *
sheaf_condition_at(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

static enum err_code
error_open(void *arg, const struct xml_element *e, struct err *err)
{
	const struct sheaf_condition **found = arg;

	(void)err;
	if (e->depth == 1 && !*found)
		*found = find(e->name.name);
	return ERR_OK;
}

const struct sheaf_condition *
sheaf_condition_in(const char *error)
{
	static const struct xml_events events = { .open = error_open };
	const struct xml_limits limits = { SIZE_MAX, ERROR_DEPTH };
	const struct sheaf_condition *found = NULL;
	struct xml *x;
	enum err_code rc;

	if (!error || !*error || xml_new(&limits, &events, &found, &x, NULL))
		return NULL;
	rc = xml_feed(x, str_from_c(error), NULL);
	if (!rc)
		rc = xml_end(x, NULL);
	xml_free(x);
	return rc ? NULL : found;
}
