/* SPDX-License-Identifier: MIT */
/* In the place of drafts, until they are there: none can be made. */
#include "store/draft.h"

enum err_code
draft_new(struct store *base, const struct draft_spec *spec, struct store **out,
    struct err *err)
{
	(void)base;
	(void)spec;
	(void)out;
	return err_set(err, ERR_NOT_IMPLEMENTED, "drafts");
}

enum err_code
draft_apply(struct store *draft, struct store_claim *c, struct err *err)
{
	(void)draft;
	(void)c;
	return err_set(err, ERR_NOT_IMPLEMENTED, "drafts");
}
