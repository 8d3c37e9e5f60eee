/* SPDX-License-Identifier: MIT */
#include "wire/xml_fragment.h"

#include "wire/xml.h"

#define DEEPEST 64

struct check {
	struct prop_name wanted;
	bool named; /* the root has that name */
	bool rich; /* attributes or elements in it */
};

static enum err_code
on_open(void *arg, const struct xml_element *e, struct err *err)
{
	struct check *c = arg;

	(void)err;
	if (!e->depth)
		c->named = prop_name_eq(e->name.name, c->wanted);
	if (e->depth || e->n_attrs)
		c->rich = true;
	return ERR_OK;
}

enum err_code
xml_fragment_check(
    struct str text, struct prop_name name, bool *is, struct err *err)
{
	static const struct xml_events events = { .open = on_open };
	const struct xml_limits limits = { .bytes = text.len,
		.depth = DEEPEST };
	struct check c = { .wanted = name };
	struct xml *x;
	enum err_code rc;

	*is = false;
	/* Neither a declaration nor white space may stand in front. */
	if (text.len < 2 || text.ptr[0] != '<' || text.ptr[1] == '?' ||
	    text.ptr[1] == '!')
		return ERR_OK;
	rc = xml_new(&limits, &events, &c, &x, err);
	if (rc)
		return rc;
	rc = xml_feed(x, text, err);
	if (!rc)
		rc = xml_end(x, err);
	xml_free(x);
	*is = !rc && c.named && c.rich;
	return rc == ERR_NOMEM ? rc : ERR_OK;
}
