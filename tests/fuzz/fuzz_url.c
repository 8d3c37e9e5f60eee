/* SPDX-License-Identifier: MIT */
/* Input: a base URL, a newline, and a reference. */
#include "fuzz.h"

#include "http/url.h"

/* Nothing that a request could not carry, and no segment that leads away. */
static void
check_fit(struct str s)
{
	struct str segment, rest;
	struct url u;
	size_t i;

	for (i = 0; i < s.len; i++)
		MUST(s.ptr[i] > ' ' && s.ptr[i] < 0x7f);
	MUST(!url_parse(s, &u, NULL));
	MUST(!u.user.len && u.host.len && u.port > 0 && u.port < 65536);
	MUST(u.path.len && u.path.ptr[0] == '/');
	rest = str_skip(u.path, 1);
	while (str_cut(&rest, '/', &segment)) {
		struct buf b CLEANUP(buf_done) = { 0 };

		url_put_decoded(&b, segment);
		MUST(!str_eq(buf_str(&b), STR(".")));
		MUST(!str_eq(buf_str(&b), STR("..")));
	}
}

/* What is taken apart lies within what it was taken from. */
static void
check_within(struct str s, const struct url *u)
{
	const struct str parts[] = { u->scheme, u->user, u->host, u->path,
		u->query };
	size_t i;

	for (i = 0; i < ARRAY_LEN(parts); i++)
		MUST(!parts[i].len ||
		    (parts[i].ptr >= s.ptr &&
			parts[i].ptr + parts[i].len <= s.ptr + s.len));
}

/* Cleaned once more it stays as it is, and means what it did. */
static void
check_clean(struct arena *a, struct str s)
{
	struct err err = { 0 };
	struct str once, twice;
	struct url u, v;

	if (url_parse(s, &u, &err)) {
		MUST(err.code == ERR_BAD_REQUEST && err.why[0]);
		MUST(url_clean(a, s, &once, NULL) == ERR_BAD_REQUEST);
		return;
	}
	check_within(s, &u);
	MUST(!url_clean(a, s, &once, NULL));
	check_fit(once);
	MUST(!url_clean(a, once, &twice, NULL));
	MUST(str_eq(once, twice));
	MUST(!url_parse(once, &v, NULL));
	MUST(url_same_origin(&u, &v));
	MUST(url_same(&v, &v) && url_covers(&v, &v));
	MUST(url_parent_len(once) <= once.len);
}

/* What is within a collection is covered by it. */
static void
check_resolve(struct arena *a, struct str base, struct str ref)
{
	struct str out, again;
	struct err err = { 0 };
	struct url u, v;

	if (url_parse(base, &u, NULL))
		return;
	if (url_resolve(a, &u, ref, &out, &err)) {
		MUST(err.code == ERR_BAD_REQUEST && err.why[0]);
		return;
	}
	check_fit(out);
	MUST(!url_resolve(a, &u, out, &again, NULL));
	MUST(str_eq(out, again));
	MUST(!url_parse(out, &v, NULL));
	MUST(url_same(&v, &v));
}

/* A name put as a segment comes back as it was. */
static void
check_segment(struct str name)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct buf back CLEANUP(buf_done) = { 0 };

	url_put_segment(&b, name);
	MUST(str_find(buf_str(&b), '/') == b.len);
	url_put_decoded(&back, buf_str(&b));
	MUST(str_eq(buf_str(&back), name));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str ref = fuzz_str(data, size), base;
	struct arena a = { 0 };

	check_clean(&a, ref);
	(void)str_cut(&ref, '\n', &base);
	check_clean(&a, base);
	check_resolve(&a, base, ref);
	check_segment(ref);
	arena_done(&a);
	return 0;
}
