/* SPDX-License-Identifier: MIT */
/* Input: header fields, a line each. */
#include "fuzz.h"

#include "base/clock.h"
#include "http/fields.h"

static void
check_depth(const struct headers *h)
{
	struct err err = { 0 };
	enum depth d = DEPTH_0;
	unsigned m;

	for (m = METHOD_NONE; m < METHOD_COUNT; m++) {
		enum err_code rc = depth_parse(h, (enum method)m, &d, &err);

		MUST(!rc || rc == ERR_BAD_HEADER);
		MUST(d == DEPTH_0 || d == DEPTH_1 || d == DEPTH_INFINITY);
		MUST(rc || headers_has(h, STR("Depth")) ||
		    d == method_default_depth((enum method)m));
	}
}

static void
check_overwrite(const struct headers *h)
{
	bool overwrite = false;
	enum err_code rc = overwrite_parse(h, &overwrite, NULL);

	MUST(!rc || (rc == ERR_BAD_HEADER && !overwrite));
	MUST(rc || overwrite || headers_has(h, STR("Overwrite")));
}

/* Written in full it is read as the same moment. */
static void
check_oc_mtime(const struct headers *h)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct header field = { STR("X-OC-Mtime"), { 0 } };
	struct headers again = { .v = &field, .n = 1 };
	bool present = false;
	int64_t ns = 0, back = 0;
	uint64_t abs;

	if (oc_mtime_parse(h, &present, &ns, NULL) || !present)
		return;
	abs = ns < 0 ? (uint64_t)-ns : (uint64_t)ns;
	buf_printf(&b, "%s%llu.%09llu", ns < 0 ? "-" : "",
	    (unsigned long long)(abs / NSEC_PER_SEC),
	    (unsigned long long)(abs % NSEC_PER_SEC));
	field.value = buf_str(&b);
	MUST(!oc_mtime_parse(&again, &present, &back, NULL));
	MUST(back == ns);
}

/* What was found is a place that a URL can name. */
static void
check_origin(struct arena *a, const struct origin *o)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct origin again;
	struct str prefix;
	struct rpath p;

	if (o->prefix.len) {
		MUST(!prefix_normalize(a, o->prefix, &prefix, NULL));
		MUST(str_eq(prefix, o->prefix));
	}
	if (!o->authority.len)
		return;
	buf_put(&b, o->scheme);
	BUF_LIT(&b, "://");
	buf_put(&b, o->authority);
	buf_put(&b, o->prefix);
	MUST(!origin_from_url(a, buf_str(&b), &again, NULL));
	MUST(str_eq(again.prefix, o->prefix));
	BUF_LIT(&b, "/x%20y");
	MUST(!href_decode(a, o, (struct href){ buf_str(&b) }, &p, NULL, NULL));
	MUST(str_eq(p.s, STR("/x y")));
}

static void
check_proxy(const struct headers *h, struct arena *a, bool trusted)
{
	struct origin base = { 0 }, o = { 0 };
	struct err err = { 0 };
	struct rpath p = { { 0 } };
	enum err_code rc =
	    origin_find(h, &base, trusted, STR("http"), a, &o, &err);

	MUST(rc == err.code && (!rc || rc == ERR_BAD_HEADER));
	if (rc)
		return;
	check_origin(a, &o);
	if (!destination_parse(h, &o, a, &p, NULL, NULL))
		MUST(p.s.len && p.s.ptr[0] == '/');
}

/* A key that was taken is taken again, in quotes. */
static void
check_key(const struct headers *h)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct header field = { STR("Idempotency-Key"), { 0 } };
	struct headers again = { .v = &field, .n = 1 };
	struct str key = { 0 }, back = { 0 };

	if (idempotency_key_parse(h, &key, NULL) || !key.len)
		return;
	MUST(key.len <= IDEMPOTENCY_KEY_MAX);
	buf_putc(&b, '"');
	buf_put(&b, key);
	buf_putc(&b, '"');
	field.value = buf_str(&b);
	MUST(!idempotency_key_parse(&again, &back, NULL));
	MUST(str_eq(back, key));
}

static void
check_slug(const struct headers *h, struct arena *a)
{
	struct str slug, sent;

	MUST(!slug_parse(h, a, &slug, NULL));
	if (!headers_one(h, STR("Slug"), &sent, NULL))
		MUST(slug.len <= sent.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = fuzz_str(data, size);
	struct header fields[16];
	struct headers h = fuzz_headers(&input, fields, ARRAY_LEN(fields));
	struct arena a = { 0 };

	check_depth(&h);
	check_overwrite(&h);
	check_oc_mtime(&h);
	check_key(&h);
	check_slug(&h, &a);
	check_proxy(&h, &a, false);
	check_proxy(&h, &a, true);
	arena_done(&a);
	return 0;
}
