/* SPDX-License-Identifier: MIT */
#include "wire/condition.h"

#include "http/href.h"

/* Those that RFC 4918 s16 defines with hrefs in them. */
static const struct str with_href[] = {
	STR_INIT("lock-token-submitted"),
	STR_INIT("no-conflicting-lock"),
};

bool
condition_has_cause(enum err_code why)
{
	struct str name = str_from_c(err_condition(why));
	size_t i;

	for (i = 0; i < ARRAY_LEN(with_href); i++)
		if (str_eq(name, with_href[i]))
			return true;
	return false;
}

void
cause_put_href(struct buf *b, const struct cause *c)
{
	href_put(b, c->prefix, c->path, c->collection);
}

void
condition_put(struct buf *b, enum err_code why, const struct cause *c)
{
	struct str name = str_from_c(err_condition(why));

	if (!name.len)
		return;
	BUF_LIT(b, "<D:");
	buf_put(b, name);
	if (!condition_has_cause(why)) {
		BUF_LIT(b, "/>");
		return;
	}
	BUF_LIT(b, "><D:href>");
	cause_put_href(b, c);
	BUF_LIT(b, "</D:href></D:");
	buf_put(b, name);
	buf_putc(b, '>');
}
