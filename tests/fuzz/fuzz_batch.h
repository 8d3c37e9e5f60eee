/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a batch: however they come, the same is read; what is refused is
 * told why; an item is whole or says what was wrong with it.
 */
#ifndef SHEAF_TESTS_FUZZ_BATCH_H
#define SHEAF_TESTS_FUZZ_BATCH_H

#include "fuzz.h"

#include "lib/batch_run.h"

static inline void
fuzz_batch_items(
    enum batch_form form, const struct batch_limits *limits, struct str text)
{
	struct batch_parser *p;
	const struct batch_window *w;
	size_t i, at;

	MUST(!batch_parser_new(form, STR("b"), limits, NULL, &p, NULL));
	MUST(batch_parser_feed(p, text, NULL) != ERR_NOMEM);
	w = batch_parser_window(p);
	for (i = 0; i < w->n; i++) {
		const struct batch_item *it = &w->v[i];

		MUST(it->index == i && it->id.len);
		MUST(it->id.len <= limits->id_bytes || it->id.len <= 20);
		for (at = 0; at < it->id.len; at++)
			MUST((unsigned char)it->id.ptr[at] >= ' ');
		if (it->bad) {
			MUST(it->bad->tell[0]);
			continue;
		}
		MUST((it->op == BATCH_OP_NONE) == (it->method.len > 0));
		MUST(it->url.len &&
		    (!it->body_sum.len || it->idempotency_key.len));
		MUST(it->n_depends_on <= limits->depends_on);
		MUST(it->has_body || !it->body.len);
	}
	batch_parser_free(p);
}

static inline bool
fuzz_is_over(const struct batch_run *r)
{
	static const char name[] = "operationBytes";

	return strstr(r->err.tell, name) ||
	    (r->said.len &&
		memmem(r->said.ptr, r->said.len, name, sizeof(name) - 1));
}

/* The same batch, in other pieces. */
static inline void
fuzz_compare(const struct batch_run *a, const struct batch_run *b)
{
	MUST(!a->err.code == !b->err.code);
	/*
	 * Of an operation that is too long and malformed as well, what is
	 * noticed first depends on the pieces.
	 */
	if (fuzz_is_over(a) || fuzz_is_over(b)) {
		MUST(a->err.code || (a->n == b->n && a->bad == b->bad));
		return;
	}
	MUST(a->err.code == b->err.code);
	if (a->err.code) {
		MUST(a->err.tell[0] && !strcmp(a->err.tell, b->err.tell));
		return;
	}
	MUST(str_eq(buf_str(&a->said), buf_str(&b->said)));
	MUST(str_eq(buf_str(&a->print), buf_str(&b->print)));
}

static inline void
fuzz_batch(enum batch_form form, struct str text)
{
	struct batch_limits limits = batch_limits_default;
	struct batch_run a = {
		.form = form, .boundary = "b", .limits = &limits, .big = true
	};
	struct batch_run b = a, c = a;

	limits.operation_bytes = 512;
	limits.inline_part = 24;
	limits.depth = 16;
	limits.id_bytes = 16;
	limits.operations = 8;
	limits.stream_operations = 24;
	limits.json_bytes = 1 << 15;
	(void)batch_run(&a, text, 0);
	(void)batch_run(&b, text, 1);
	(void)batch_run(&c, text, 7);
	fuzz_compare(&a, &b);
	fuzz_compare(&a, &c);
	/* Whether prints are made or not: the same is read. */
	b.no_prints = true;
	(void)batch_run(&b, text, 0);
	MUST(a.err.code == b.err.code && !strcmp(a.err.tell, b.err.tell));
	MUST(str_eq(buf_str(&a.said), buf_str(&b.said)));
	if (!a.err.code)
		MUST(a.print.len == 64 && a.n);
	else
		MUST(a.err.code == ERR_BAD_BODY || a.err.code == ERR_TOO_LARGE);
	fuzz_batch_items(form, &limits, text);
	batch_run_done(&a);
	batch_run_done(&b);
	batch_run_done(&c);
}

#endif
