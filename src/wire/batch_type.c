/* SPDX-License-Identifier: MIT */
#include "wire/batch_type.h"

struct str
batch_type_of(struct str content_type)
{
	return str_trim(str_head(content_type, str_find(content_type, ';')));
}

static bool
ends_nocase(struct str s, struct str end)
{
	return s.len >= end.len &&
	    str_eq_nocase(str_skip(s, s.len - end.len), end);
}

bool
batch_type_is_json(struct str type)
{
	return str_eq_nocase(type, STR("application/json")) ||
	    ends_nocase(type, STR("+json"));
}

bool
batch_type_is_text(struct str type)
{
	static const struct str known[] = { STR_INIT("application/xml"),
		STR_INIT("application/javascript"),
		STR_INIT("application/ecmascript"),
		STR_INIT("application/yaml"), STR_INIT("application/x-yaml"),
		STR_INIT("application/toml"), STR_INIT("application/sql"),
		STR_INIT("application/graphql"), STR_INIT("application/x-sh"),
		STR_INIT("application/x-ndjson"), STR_INIT("application/jsonl"),
		STR_INIT("application/x-www-form-urlencoded"),
		STR_INIT("message/rfc822") };
	size_t i;

	if (str_starts_nocase(type, STR("text/")))
		return true;
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq_nocase(type, known[i]))
			return true;
	return ends_nocase(type, STR("+xml")) ||
	    ends_nocase(type, STR("+yaml"));
}
