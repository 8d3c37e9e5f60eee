/* SPDX-License-Identifier: MIT */
/* DAV:multistatus: not yet read. */
#include <stdlib.h>

#include "wire/reader_impl.h"

static enum err_code
xml_feed(struct reader_form *f, struct str bytes, struct err *err)
{
	(void)f;
	(void)bytes;
	return err_tell(
	    err, ERR_BAD_ANSWER, "line 1, column 1: XML cannot be read yet");
}

static enum err_code
xml_end_form(struct reader_form *f, struct err *err)
{
	return xml_feed(f, STR(""), err);
}

static void
xml_place(const struct reader_form *f, uint64_t *line, uint64_t *column)
{
	(void)f;
	*line = 1;
	*column = 1;
}

static void
xml_free(struct reader_form *f)
{
	free(f);
}

static const struct reader_form_ops xml_ops = {
	.name = "XML",
	.feed = xml_feed,
	.end = xml_end_form,
	.place = xml_place,
	.free = xml_free,
};

enum err_code
reader_xml_new(struct reader *r, struct reader_form **out, struct err *err)
{
	struct reader_form *f = calloc(1, sizeof(*f));

	if (!f)
		return err_nomem(err);
	reader_form_init(f, &xml_ops, r);
	*out = f;
	return ERR_OK;
}
