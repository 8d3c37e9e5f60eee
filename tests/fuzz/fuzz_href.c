/* SPDX-License-Identifier: MIT */
/* Input: an href as a client may send it. */
#include "fuzz.h"

#include "http/href.h"

static const struct origin plain = {
	.scheme = STR_INIT("http"),
	.authority = STR_INIT("h"),
};
static const struct origin below = {
	.scheme = STR_INIT("https"),
	.authority = STR_INIT("[::1]:8443"),
	.prefix = STR_INIT("/d%20av/x"),
};

/* What the whole server relies on of a struct rpath. */
static void
check_path(struct rpath p)
{
	struct str name, rest = str_skip(p.s, 1);

	MUST(p.s.len && p.s.ptr[0] == '/');
	MUST(str_find(p.s, '\0') == p.s.len);
	while (str_cut(&rest, '/', &name)) {
		MUST(name.len);
		MUST(!str_eq(name, STR(".")) && !str_eq(name, STR("..")));
	}
	MUST(rpath_is_root(p) || p.s.ptr[p.s.len - 1] != '/');
	MUST(rpath_covers(rpath_parent(p), p));
}

static void
check_encoded(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		MUST(s.ptr[i] > ' ' && s.ptr[i] < 0x7f &&
		    !strchr("\"#&'<>?[\\]^`{|}", s.ptr[i]));
}

/* Written and read again it is the same path. */
static void
check_round_trip(
    struct arena *a, const struct origin *o, struct rpath p, bool collection)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct rpath again;
	bool slash;

	href_put(&b, o->prefix, p, collection);
	check_encoded(buf_str(&b));
	MUST(!href_decode(
	    a, o, (struct href){ buf_str(&b) }, &again, &slash, NULL));
	MUST(rpath_eq(again, p));
	MUST(slash == (collection || rpath_is_root(p)));
}

static void
check_join(struct arena *a, struct rpath p)
{
	struct rpath joined;

	MUST(!rpath_join(a, rpath_parent(p), rpath_name(p), &joined, NULL));
	MUST(rpath_eq(joined, p));
}

static void
check_origin(struct arena *a, const struct origin *o, struct href wire)
{
	struct rpath p = { { 0 } };
	struct err err = { 0 };
	bool slash = false;
	enum err_code rc = href_decode(a, o, wire, &p, &slash, &err);

	MUST(rc == err.code);
	if (rc) {
		MUST(rc == ERR_BAD_PATH || rc == ERR_BAD_GATEWAY);
		MUST(err.tell[0] && !p.s.len);
		return;
	}
	check_path(p);
	check_join(a, p);
	check_round_trip(a, o, p, slash);
}

/* As a path the same thing comes out as with scheme and host before it. */
static void
check_absolute(struct arena *a, struct str wire)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct rpath p, q;
	bool ps, qs;

	if (href_decode_path(a, wire, &p, &ps, NULL))
		return;
	check_path(p);
	BUF_LIT(&b, "http://H:80");
	buf_put(&b, wire);
	MUST(!href_decode(
	    a, &plain, (struct href){ buf_str(&b) }, &q, &qs, NULL));
	MUST(rpath_eq(p, q) && ps == qs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = fuzz_str(data, size);
	struct arena a = { 0 };

	check_origin(&a, &plain, (struct href){ input });
	check_origin(&a, &below, (struct href){ input });
	check_absolute(&a, input);
	arena_done(&a);
	return 0;
}
