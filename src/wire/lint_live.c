/* SPDX-License-Identifier: MIT */
#include "wire/lint_live.h"

#include "http/date.h"

static bool
is_etag(struct str s)
{
	size_t i;

	if (str_starts(s, STR("W/")))
		s = str_skip(s, 2);
	if (s.len < 2 || s.ptr[0] != '"' || s.ptr[s.len - 1] != '"')
		return false;
	for (i = 1; i + 1 < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c <= ' ' || c == '"' || c == 0x7f)
			return false;
	}
	return true;
}

static const char *
etag_problem(struct str s)
{
	return is_etag(s) ? NULL : "no entity tag in quotes";
}

static const char *
modified_problem(struct str s)
{
	int64_t seconds;

	if (!date_parse_http(s, &seconds))
		return "no HTTP date";
	/* "Sun, 06 Nov 1994 08:49:37 GMT"; the other forms are obsolete. */
	return s.len == 29 && s.ptr[3] == ',' ? NULL
					      : "an obsolete form of date";
}

static const char *
created_problem(struct str s)
{
	int64_t seconds;

	return date_parse_rfc3339(s, &seconds) ? NULL : "no date of RFC 3339";
}

static const char *
length_problem(struct str s)
{
	uint64_t n;

	return str_to_u64(s, &n) ? NULL : "no number of bytes";
}

static const struct {
	const char *name;
	const char *(*problem)(struct str s);
} lives[LIVE_COUNT] = {
	[LIVE_ETAG] = { "getetag", etag_problem },
	[LIVE_MODIFIED] = { "getlastmodified", modified_problem },
	[LIVE_CREATED] = { "creationdate", created_problem },
	[LIVE_LENGTH] = { "getcontentlength", length_problem },
};

enum live
lint_live_find(struct str local)
{
	size_t i;

	for (i = 0; i < LIVE_COUNT; i++)
		if (str_eq(local, str_from_c(lives[i].name)))
			break;
	return (enum live)i;
}

const char *
lint_live_name(enum live p)
{
	return lives[p].name;
}

const char *
lint_live_problem(enum live p, struct str value)
{
	return value.len ? lives[p].problem(value) : NULL;
}
