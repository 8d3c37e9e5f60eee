/* SPDX-License-Identifier: MIT */
#include "wire/batch_impl.h"

static enum err_code
parts_feed(struct batch_parser *p, struct str bytes, struct err *err)
{
	(void)p;
	(void)bytes;
	return err_tell(err, ERR_NOT_IMPLEMENTED, "not yet");
}

static enum err_code
parts_end(struct batch_parser *p, struct err *err)
{
	return parts_feed(p, STR(""), err);
}

static void
parts_free(struct batch_parser *p)
{
	(void)p;
}

const struct batch_form_ops batch_parts_form = { parts_feed, parts_end,
	parts_free };
