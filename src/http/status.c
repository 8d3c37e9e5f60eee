/* SPDX-License-Identifier: MIT */
#include "http/status.h"

#include "base/attr.h"

static const struct row {
	unsigned status;
	struct str reason;
} rows[] = {
#define STATUS(status, reason) { status, STR_INIT(reason) },
#include "http/status.def"
#undef STATUS
};

static const struct row *
find(unsigned status)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return &rows[i];
	return NULL;
}

struct str
status_reason(unsigned status)
{
	const struct row *r = find(status);

	/* An unknown status is its class's x00 (RFC 9110 s15). */
	if (!r)
		r = find(status / 100 * 100);
	return r ? r->reason : STR("Unknown");
}

bool
status_is_registered(unsigned status)
{
	return find(status) != NULL;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str
skip_space(struct str s)
{
	while (s.len && is_space(s.ptr[0]))
		s = str_skip(s, 1);
	return s;
}

/*
 * What follows "HTTP/1.1", or all of s where that is not there; the empty
 * string where what follows "HTTP/" is no version.
 */
static struct str
skip_version(struct str s)
{
	if (!str_starts_nocase(s, STR("HTTP/")))
		return s;
	s = str_skip(s, 5);
	while (s.len && (ascii_is_digit(s.ptr[0]) || s.ptr[0] == '.'))
		s = str_skip(s, 1);
	return s.len && is_space(s.ptr[0]) ? skip_space(s) : STR("");
}

unsigned
status_line_parse(struct str line, struct str *reason)
{
	struct str s = skip_version(skip_space(line));
	uint64_t status;

	*reason = STR("");
	if (!str_to_u64(str_head(s, 3), &status) || s.len < 3 ||
	    (s.len > 3 && !is_space(s.ptr[3])))
		return 0;
	s = skip_space(str_skip(s, 3));
	while (s.len && is_space(s.ptr[s.len - 1]))
		s.len--;
	*reason = s;
	return (unsigned)status;
}
