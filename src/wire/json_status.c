/* SPDX-License-Identifier: MIT */
#include "wire/json_status.h"

#include "base/attr.h"
#include "wire/json_names.h"

/* google.rpc.Code, and what Google's own gateways make of it. */
static const struct {
	struct str name;
	unsigned status;
} rpc_codes[] = {
	{ STR_INIT("OK"), 200 },
	{ STR_INIT("CANCELLED"), 499 },
	{ STR_INIT("UNKNOWN"), 500 },
	{ STR_INIT("INVALID_ARGUMENT"), 400 },
	{ STR_INIT("DEADLINE_EXCEEDED"), 504 },
	{ STR_INIT("NOT_FOUND"), 404 },
	{ STR_INIT("ALREADY_EXISTS"), 409 },
	{ STR_INIT("PERMISSION_DENIED"), 403 },
	{ STR_INIT("RESOURCE_EXHAUSTED"), 429 },
	{ STR_INIT("FAILED_PRECONDITION"), 400 },
	{ STR_INIT("ABORTED"), 409 },
	{ STR_INIT("OUT_OF_RANGE"), 400 },
	{ STR_INIT("UNIMPLEMENTED"), 501 },
	{ STR_INIT("INTERNAL"), 500 },
	{ STR_INIT("UNAVAILABLE"), 503 },
	{ STR_INIT("DATA_LOSS"), 500 },
	{ STR_INIT("UNAUTHENTICATED"), 401 },
};

static bool
integer_read(json_int_t n, unsigned *status)
{
	if (n < 100 || n > 999)
		return false;
	*status = (unsigned)n;
	return true;
}

bool
status_line_read(struct str line, unsigned *status)
{
	struct str rest = str_trim(line);
	struct str digits;
	uint64_t n;

	if (str_starts_nocase(rest, STR("HTTP/")))
		rest = str_trim(str_skip(rest, str_find(rest, ' ')));
	digits = str_head(rest, str_find(rest, ' '));
	return digits.len == 3 && str_to_u64(digits, &n) &&
	    integer_read((json_int_t)n, status);
}

/* Names of failures only: "OK" and "UNKNOWN" mean other things to others. */
static bool
rpc_name_read(struct str name, unsigned *status)
{
	size_t i;

	for (i = 3; i < ARRAY_LEN(rpc_codes); i++)
		if (str_eq(name, rpc_codes[i].name)) {
			*status = rpc_codes[i].status;
			return true;
		}
	return false;
}

/* {"code": 5, "message": "...", "details": [...]} and nothing else. */
static bool
is_rpc_status(const json_t *v)
{
	return json_object_size(v) ==
	    1U + (json_object_get(v, "message") ? 1 : 0) +
	    (json_object_get(v, "details") ? 1 : 0);
}

static bool
/* NOLINTNEXTLINE(misc-no-recursion): once, no object in an object */
object_read(const json_t *v, unsigned *status)
{
	static const char *const names[] = { "code", "status", "statusCode",
		"httpStatus" };
	const json_t *code = json_object_get(v, "code");
	json_int_t n = json_integer_value(code);
	size_t i;

	if (json_is_integer(code) && n >= 0 &&
	    (size_t)n < ARRAY_LEN(rpc_codes) && is_rpc_status(v)) {
		*status = rpc_codes[n].status;
		return true;
	}
	for (i = 0; i < ARRAY_LEN(names); i++) {
		const json_t *m = json_object_get(v, names[i]);

		if (!json_is_object(m) && json_status_read(m, status))
			return true;
	}
	return false;
}

bool
/* NOLINTNEXTLINE(misc-no-recursion): once, no object in an object */
json_status_read(const json_t *v, unsigned *status)
{
	struct str text;

	if (json_is_integer(v))
		return integer_read(json_integer_value(v), status);
	if (json_is_object(v))
		return object_read(v, status);
	if (!json_is_string(v))
		return false;
	text = str_of(json_string_value(v), json_string_length(v));
	return status_line_read(text, status) || rpc_name_read(text, status);
}
