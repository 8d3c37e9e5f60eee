/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a batch that is to be sent: however they come, the operations
 * are the same, and each is found again where it is said to stand; and one that
 * can be read can be written, and read again as it was.
 */
#include "fuzz.h"

#include "wire/batch_source.h"

struct run {
	struct batch_source *source;
	struct str input;
	struct buf log;
	uint64_t n;
	bool check; /* each operation by itself, too */
};

static void
check_round(const struct batch_edit *e)
{
	static const struct edit_changes none = { 0 };
	struct arena a = { 0 };
	struct buf out = { 0 }, again = { 0 };
	struct batch_edit back;

	MUST(!batch_edit_put(&out, e, &none, NULL));
	MUST(!batch_edit_read(&a, buf_str(&out), &back, NULL));
	MUST(str_eq(back.id, e->id) && str_eq(back.url, e->url));
	MUST(back.n_depends_on == e->n_depends_on);
	MUST(back.n_refs == e->n_refs);
	MUST(!batch_edit_put(&again, &back, &none, NULL));
	MUST(str_eq(buf_str(&out), buf_str(&again)));
	buf_done(&out);
	buf_done(&again);
	arena_done(&a);
}

static enum err_code
on_item(void *arg, const struct batch_source_item *item, struct err *err)
{
	struct run *r = arg;
	const struct batch_source_head *h = batch_source_head(r->source);
	struct arena a = { 0 };
	struct batch_operation op;

	(void)err;
	MUST(item->index == r->n++);
	MUST(item->offset + item->size <= r->input.len);
	MUST(str_eq(item->bytes,
	    str_head(str_skip(r->input, (size_t)item->offset), item->size)));
	buf_printf(&r->log, "%llu:%llu:%zu ", (unsigned long long)item->line,
	    (unsigned long long)item->offset, item->size);
	if (r->check &&
	    !batch_source_item_read(&a, h, item->bytes, &op, NULL) &&
	    h->shape != SHAPE_ACTIONS)
		check_round(&op.e);
	arena_done(&a);
	return ERR_OK;
}

static enum err_code
run(struct run *r, struct str input, size_t step, bool check, struct err *err)
{
	const struct batch_source_events events = { on_item, r };
	const struct batch_source_head *h;
	enum err_code rc;

	*r = (struct run){ .input = input, .check = check };
	MUST(!batch_source_new(&events, &r->source, NULL));
	while (input.len) {
		(void)!batch_source_feed(
		    r->source, str_head(input, step), NULL);
		input = str_skip(input, step);
	}
	rc = batch_source_end(r->source, err);
	MUST(!rc || (rc == err->code && err->tell[0]));
	h = batch_source_head(r->source);
	if (!rc)
		buf_printf(&r->log, "%d %d %d %llu ", (int)h->shape, h->retry,
		    h->dry_run, (unsigned long long)h->fail_on_errors);
	if (!rc)
		buf_put(&r->log, h->members);
	batch_source_free(r->source);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = fuzz_str(data, size);
	struct err a = { 0 }, b = { 0 };
	struct run whole, bytes;

	if (size > 1 << 14)
		return 0;
	MUST(run(&whole, input, SIZE_MAX, true, &a) ==
	    run(&bytes, input, 1, false, &b));
	MUST(whole.n == bytes.n);
	MUST(str_eq(buf_str(&whole.log), buf_str(&bytes.log)));
	MUST(!strcmp(a.tell, b.tell));
	buf_done(&whole.log);
	buf_done(&bytes.log);
	return 0;
}
