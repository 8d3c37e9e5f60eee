/* SPDX-License-Identifier: MIT */
#include "outcome/conditions.h"

#include "base/attr.h"

#define NS_DAV STR_INIT("DAV:")
#define NS_CALDAV STR_INIT("urn:ietf:params:xml:ns:caldav")
#define NS_CARDDAV STR_INIT("urn:ietf:params:xml:ns:carddav")

const struct condition condition_rows[] = {
#define CONDITION(ns, name, source, means, todo) \
	{ { NS_##ns, STR_INIT(name) }, source, means, todo },
#include "outcome/conditions.def"
#undef CONDITION
};
const size_t n_condition_rows = ARRAY_LEN(condition_rows);

const struct condition *
condition_find(struct prop_name name)
{
	size_t i;

	for (i = 0; i < n_condition_rows; i++)
		if (prop_name_eq(condition_rows[i].name, name))
			return &condition_rows[i];
	return NULL;
}
