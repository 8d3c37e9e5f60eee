/* SPDX-License-Identifier: MIT */
/* Input: the value of an If header. */
#include "fuzz.h"

#include "http/if.h"

static const struct origin origin = {
	.scheme = STR_INIT("http"),
	.authority = STR_INIT("h"),
};

static enum err_code
parse(struct arena *a, struct str value, struct if_header *out, struct err *err)
{
	struct header field = { STR("If"), value };
	struct headers h = { .v = &field, .n = 1 };

	return if_parse(&h, &origin, a, out, err);
}

static void
put_condition(struct buf *b, const struct if_condition *c)
{
	if (c->negated)
		BUF_LIT(b, "Not ");
	if (!c->is_etag) {
		MUST(str_find(c->token, ':') < c->token.len);
		buf_putc(b, '<');
		buf_put(b, c->token);
		buf_putc(b, '>');
		return;
	}
	BUF_LIT(b, "[");
	if (c->etag.weak)
		BUF_LIT(b, "W/");
	buf_put(b, c->etag.opaque);
	buf_putc(b, ']');
}

/* In its shortest form; every list says its own tag. */
static void
put_header(struct buf *b, const struct if_header *h)
{
	size_t i, k;

	for (i = 0; i < h->n; i++) {
		const struct if_list *l = &h->v[i];

		MUST(l->n);
		MUST(l->tagged == h->v[0].tagged);
		if (l->tagged && l->path.s.len) {
			buf_putc(b, '<');
			href_put(b, STR(""), l->path, false);
			buf_putc(b, '>');
		} else if (l->tagged) {
			BUF_LIT(b, "<http://elsewhere/>");
		}
		buf_putc(b, '(');
		for (k = 0; k < l->n; k++)
			put_condition(b, &l->v[k]);
		buf_putc(b, ')');
	}
	MUST(!buf_failed(b));
}

/* Written in the shortest form and read again it is written the same. */
static void
check_round_trip(struct arena *a, const struct if_header *h)
{
	struct buf b CLEANUP(buf_done) = { 0 }, c CLEANUP(buf_done) = { 0 };
	struct if_header again;

	put_header(&b, h);
	MUST(!parse(a, buf_str(&b), &again, NULL));
	MUST(again.n == h->n);
	put_header(&c, &again);
	MUST(str_eq(buf_str(&b), buf_str(&c)));
}

static bool
every_token(const void *arg, struct rpath path, struct str token)
{
	(void)arg;
	(void)path;
	(void)token;
	return true;
}

static enum err_code
state_of(void *arg, struct rpath path, struct if_state *out, struct err *err)
{
	(void)err;
	MUST(path.s.len);
	out->has_token = arg ? every_token : NULL;
	return ERR_OK;
}

/* No list that wants a tag holds; the rest only depends on "Not". */
static bool
should_hold(const struct if_header *h, bool tokens)
{
	size_t i, k;

	for (i = 0; i < h->n; i++) {
		const struct if_list *l = &h->v[i];
		bool all = !l->tagged || l->path.s.len;

		for (k = 0; k < l->n; k++)
			all &= (!l->v[k].is_etag && tokens) != l->v[k].negated;
		if (all)
			return true;
	}
	return false;
}

static void
check_verdict(const struct if_header *h, bool tokens)
{
	bool holds, flag;

	MUST(!if_check(
	    h, RPATH_ROOT, state_of, tokens ? &flag : NULL, &holds, NULL));
	MUST(holds == should_hold(h, tokens));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct if_header h = { .n = 42 };
	struct err err = { 0 };
	enum err_code rc = parse(&a, fuzz_str(data, size), &h, &err);

	MUST(rc == err.code);
	if (rc) {
		MUST(rc == ERR_BAD_HEADER && err.tell[0] && h.n == 42);
	} else {
		MUST(h.n);
		check_round_trip(&a, &h);
		check_verdict(&h, true);
		check_verdict(&h, false);
	}
	arena_done(&a);
	return 0;
}
