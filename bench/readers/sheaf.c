/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <sheaf/reader.h>

#include "readers.h"

static int
on_item(void *arg, const struct sheaf_outcome *o)
{
	struct counts *c = arg;
	size_t i, k;

	c->items++;
	c->bytes += strlen(o->href);
	if (!o->n_propstats && o->status >= 400)
		c->failed++;
	c->propstats += o->n_propstats;
	for (i = 0; i < o->n_propstats; i++) {
		const struct sheaf_propstat *ps = &o->propstats[i];

		c->props += ps->n_props;
		for (k = 0; k < ps->n_props; k++)
			if (ps->props[k].kind == SHEAF_PROP_TEXT)
				c->bytes += strlen(ps->props[k].value);
	}
	return 0;
}

bool
read_sheaf(struct source *s, struct counts *c)
{
	struct sheaf_reader *r;
	enum sheaf_result rc;
	const char *bytes;
	size_t n;

	if (sheaf_reader_new(NULL, on_item, c, &r))
		return false;
	while ((bytes = source_next(s, &n)))
		if (sheaf_reader_feed(r, bytes, n))
			break;
	rc = sheaf_reader_end(r, bytes != NULL, NULL);
	sheaf_reader_free(r);
	return rc == SHEAF_OK || rc == SHEAF_PARTIAL;
}
