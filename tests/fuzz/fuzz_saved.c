/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a saved answer: each begins and ends, one after the other, and
 * however the bytes come it is the same.  Of two things that are wrong with it,
 * the one that is found first depends on the pieces.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "wire/saved.h"

struct log {
	struct buf text;
	bool open;
	unsigned n;
};

static enum err_code
on_begin(void *arg, const struct answer_head *h, struct err *err)
{
	struct log *l = arg;
	size_t i;

	(void)err;
	MUST(!l->open);
	l->open = true;
	l->n++;
	buf_printf(&l->text, "<%u>", h->status);
	buf_put(&l->text, h->method);
	buf_put(&l->text, h->url);
	buf_put(&l->text, h->content_type);
	for (i = 0; i < h->fields.n; i++) {
		MUST(h->fields.v[i].name.len);
		buf_put(&l->text, h->fields.v[i].name);
		buf_put(&l->text, h->fields.v[i].value);
	}
	return ERR_OK;
}

static enum err_code
on_body(void *arg, struct str bytes, struct err *err)
{
	struct log *l = arg;

	MUST(l->open && bytes.len);
	/* A small file may be a very large body. */
	if (l->text.len > 1 << 20)
		return err_set(err, ERR_TOO_LARGE, "enough");
	buf_put(&l->text, bytes);
	return ERR_OK;
}

static enum err_code
on_end(void *arg, bool cut, struct err *err)
{
	struct log *l = arg;

	(void)err;
	MUST(l->open);
	l->open = false;
	buf_put(&l->text, cut ? STR("<cut>") : STR("<end>"));
	return ERR_OK;
}

static enum err_code
run(struct log *l, struct str text, size_t step)
{
	static const struct saved_events events = { on_begin, on_body, on_end };
	struct saved *s;
	enum err_code rc;

	*l = (struct log){ 0 };
	MUST(!saved_new(&events, l, &s, NULL));
	while (text.len) {
		(void)ostream_write(saved_stream(s), str_head(text, step));
		text = str_skip(text, step);
	}
	rc = saved_end(s, NULL);
	saved_free(s);
	MUST(rc || (!l->open && l->n));
	MUST(rc != ERR_NOMEM && rc != ERR_INTERNAL);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = fuzz_str(data, size);
	struct log whole, pieces;
	enum err_code rc = run(&whole, text, SIZE_MAX);

	MUST(!run(&pieces, text, 1) == !rc);
	MUST(rc || str_eq(buf_str(&whole.text), buf_str(&pieces.text)));
	buf_done(&whole.text);
	buf_done(&pieces.text);
	return 0;
}
