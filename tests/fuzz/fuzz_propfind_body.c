/* SPDX-License-Identifier: MIT */
/*
 * A PROPFIND body: however it is cut into pieces it means the same, and what
 * it names can be looked for.
 */
#include "fuzz.h"

#include "wire/dav_body.h"

static const struct xml_limits limits = { .bytes = 65536, .depth = 32 };

struct result {
	struct arena arena;
	enum err_code rc;
	struct propfind_body body;
};

static void
read_body(struct str bytes, size_t step, struct result *r)
{
	struct dav_body *b;
	struct err err = { 0 };

	*r = (struct result){ 0 };
	MUST(!propfind_body_new(&limits, NULL, &r->arena, &b, &err));
	while (bytes.len) {
		(void)ostream_write(dav_body_stream(b), str_head(bytes, step));
		bytes = str_skip(bytes, step);
	}
	r->rc = propfind_body_end(b, &r->body, &err);
	MUST(r->rc == err.code);
	MUST(!r->rc || err.tell[0]);
	dav_body_free(b);
}

static void
compare(const struct result *a, const struct result *b)
{
	size_t i, k;

	MUST(a->rc == b->rc);
	if (a->rc)
		return;
	MUST(a->body.kind == b->body.kind);
	MUST(a->body.n_names == b->body.n_names);
	for (i = 0; i < a->body.n_names; i++) {
		struct prop_name name = a->body.names[i];

		MUST(name.local.len);
		MUST(prop_name_eq(name, b->body.names[i]));
		for (k = 0; k < i; k++)
			MUST(!prop_name_eq(name, a->body.names[k]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = fuzz_str(data, size);
	struct result whole, cut;

	read_body(bytes, size + 1, &whole);
	read_body(bytes, 3, &cut);
	compare(&whole, &cut);
	arena_done(&whole.arena);
	arena_done(&cut.arena);
	return 0;
}
