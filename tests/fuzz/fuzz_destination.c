/* SPDX-License-Identifier: MIT */
/*
 * Input: header fields, a line each; the Host says where we are, as it does
 * where nothing is configured.
 */
#include "fuzz.h"

#include "http/fields.h"

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
}

/* Sent by path, or with our own scheme and host before it, it is the same. */
static void
check_again(struct arena *a, const struct origin *o, struct rpath p, bool slash)
{
	const struct str before[] = { { 0 }, o->scheme };
	size_t i;

	for (i = 0; i < ARRAY_LEN(before); i++) {
		struct buf b CLEANUP(buf_done) = { 0 };
		struct header field = { STR("destination"), { 0 } };
		struct headers h = { .v = &field, .n = 1 };
		struct rpath again;
		bool again_slash;

		if (before[i].len && !o->authority.len)
			continue;
		if (before[i].len) {
			buf_put(&b, before[i]);
			BUF_LIT(&b, "://");
			buf_put(&b, o->authority);
		}
		href_put(&b, o->prefix, p, slash);
		field.value = buf_str(&b);
		MUST(!destination_parse(&h, o, a, &again, &again_slash, NULL));
		MUST(rpath_eq(again, p));
		MUST(again_slash == slash);
	}
}

static void
check_origin(struct arena *a, const struct headers *h, const struct origin *o)
{
	struct rpath p = { { 0 } };
	struct err err = { 0 };
	bool slash = false;
	enum err_code rc = destination_parse(h, o, a, &p, &slash, &err);

	MUST(rc == err.code);
	if (rc) {
		MUST(rc == ERR_BAD_HEADER || rc == ERR_BAD_PATH ||
		    rc == ERR_BAD_GATEWAY);
		MUST(err.tell[0] && !p.s.len);
		return;
	}
	MUST(headers_has(h, STR("Destination")));
	check_path(p);
	check_again(a, o, p, slash || rpath_is_root(p));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct origin below = {
		.scheme = STR_INIT("https"),
		.authority = STR_INIT("[::1]:8443"),
		.prefix = STR_INIT("/d%20av/x"),
	};
	static const struct origin unset = { 0 };
	struct str input = fuzz_str(data, size);
	struct header fields[8];
	struct headers h = fuzz_headers(&input, fields, ARRAY_LEN(fields));
	struct arena a = { 0 };
	struct origin here = { 0 };

	check_origin(&a, &h, &below);
	if (!origin_find(&h, &unset, false, STR("http"), &a, &here, NULL))
		check_origin(&a, &h, &here);
	arena_done(&a);
	return 0;
}
