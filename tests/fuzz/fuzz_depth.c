/* SPDX-License-Identifier: MIT */
/* Input: header fields, a line each. */
#include "fuzz.h"

#include "http/fields.h"

/* The fields of that name, and the value of the last. */
static size_t
count_depth(const struct headers *h, struct str *value)
{
	size_t i, n = 0;

	for (i = 0; i < h->n; i++) {
		if (!str_eq_nocase(h->v[i].name, STR("Depth")))
			continue;
		*value = str_trim(h->v[i].value);
		n++;
	}
	return n;
}

/* By RFC 4918 s10.2, said in another way than the parser does. */
static bool
means(struct str value, enum depth *out)
{
	static const struct {
		struct str text;
		enum depth depth;
	} rows[] = {
		{ STR_INIT("0"), DEPTH_0 },
		{ STR_INIT("1"), DEPTH_1 },
		{ STR_INIT("infinity"), DEPTH_INFINITY },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_eq_nocase(value, rows[i].text))
			continue;
		*out = rows[i].depth;
		return true;
	}
	return false;
}

static void
check_method(const struct headers *h, enum method m)
{
	struct str value = { 0 };
	enum depth want = method_default_depth(m);
	enum depth got = want;
	size_t n = count_depth(h, &value);
	bool fine = n == 0 || (n == 1 && means(value, &want));
	struct err err = { 0 };
	enum err_code rc = depth_parse(h, m, &got, &err);

	MUST(rc == err.code);
	MUST(rc == ERR_OK || rc == ERR_BAD_HEADER);
	if (n < 2)
		MUST(fine == !rc);
	MUST(rc ? err.tell[0] != '\0' : got == want || n > 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = fuzz_str(data, size);
	struct header fields[8];
	struct headers h = fuzz_headers(&input, fields, ARRAY_LEN(fields));
	unsigned m;

	for (m = METHOD_NONE; m < METHOD_COUNT; m++)
		check_method(&h, (enum method)m);
	return 0;
}
