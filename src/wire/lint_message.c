/* SPDX-License-Identifier: MIT */
/* S302 and S303: what does not belong in an item. */
#include "wire/json_found.h"
#include "wire/lint_items.h"

/* How deep messages are looked into. */
#define MESSAGE_DEPTH 8

static bool
is_trace_name(struct str name)
{
	static const char *const names[] = { "stack", "stacktrace",
		"stack_trace", "stack-trace", "trace", "traceback",
		"backtrace" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_nocase(name, str_from_c(names[i])))
			return true;
	return false;
}

/*
 * Whether it has several lines, or is a list of them; an id of a trace is not.
 */
static bool
is_long(const json_t *v)
{
	return json_array_size(v) > 1 ||
	    (json_is_string(v) &&
		memchr(json_string_value(v), '\n', json_string_length(v)) !=
		    NULL);
}

static bool
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than MESSAGE_DEPTH */
has_trace(const json_t *v, unsigned depth)
{
	const char *name;
	json_t *member;
	size_t i;

	if (depth > MESSAGE_DEPTH)
		return false;
	if (json_is_string(v))
		return lint_is_stack_trace(
		    str_of(json_string_value(v), json_string_length(v)));
	json_array_foreach(
	    v, i, member) if (has_trace(member, depth + 1)) return true;
	if (!json_is_object(v))
		return false;
	json_object_foreach((json_t *)(uintptr_t)v, name,
	    member) if ((is_trace_name(str_from_c(name)) && is_long(member)) ||
	    has_trace(member, depth + 1)) return true;
	return false;
}

bool
lint_has_stack_trace(const json_t *v)
{
	return v && has_trace(v, 0);
}

const char *
lint_bad_field(const json_t *headers, size_t *at)
{
	/* RFC 9110 s7.6.1, s11.7, and one of the browser's. */
	static const char *const bad[] = { "Connection", "Keep-Alive",
		"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade" };

	while (*at < ARRAY_LEN(bad)) {
		const char *name = bad[(*at)++];

		if (json_header(headers, str_from_c(name)))
			return name;
	}
	return NULL;
}
