/* SPDX-License-Identifier: MIT */
#include "wire/batch_impl.h"

static enum err_code
lines_feed(struct batch_parser *p, struct str bytes, struct err *err)
{
	(void)p;
	(void)bytes;
	return err_tell(err, ERR_NOT_IMPLEMENTED, "not yet");
}

static enum err_code
lines_end(struct batch_parser *p, struct err *err)
{
	return lines_feed(p, STR(""), err);
}

static void
lines_free(struct batch_parser *p)
{
	(void)p;
}

const struct batch_form_ops batch_lines_form = { lines_feed, lines_end,
	lines_free };
