/* SPDX-License-Identifier: MIT */
/* JSON, lines of JSON, and JSON text sequences: not yet read. */
#include <stdlib.h>

#include "wire/reader_impl.h"

static enum err_code
json_feed(struct reader_form *f, struct str bytes, struct err *err)
{
	(void)f;
	(void)bytes;
	return err_tell(
	    err, ERR_BAD_ANSWER, "line 1, column 1: JSON cannot be read yet");
}

static enum err_code
json_end_form(struct reader_form *f, struct err *err)
{
	return json_feed(f, STR(""), err);
}

static void
json_place(const struct reader_form *f, uint64_t *line, uint64_t *column)
{
	(void)f;
	*line = 1;
	*column = 1;
}

static void
json_free(struct reader_form *f)
{
	free(f);
}

static const struct reader_form_ops json_ops = {
	.name = "JSON",
	.feed = json_feed,
	.end = json_end_form,
	.place = json_place,
	.free = json_free,
};

enum err_code
reader_json_new(struct reader *r, struct reader_form **out, struct err *err)
{
	struct reader_form *f = calloc(1, sizeof(*f));

	if (!f)
		return err_nomem(err);
	reader_form_init(f, &json_ops, r);
	*out = f;
	return ERR_OK;
}
