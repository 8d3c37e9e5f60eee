/* SPDX-License-Identifier: MIT */
/*
 * The public functions (include/sheaf/) that hand out what this floor and
 * those below it know.  Thin: what they say is what the server itself goes by.
 */
#include "outcome/public.h"

#include <assert.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "http/status.h"
#include "outcome/retry.h"
#include "outcome/tally.h"
#include "sheaf/outcome.h"
#include "sheaf/result.h"
#include "sheaf/status.h"
#include "sheaf/version.h"

static const struct row {
	enum sheaf_result result;
	const char *name, *text;
} results[] = {
#define ROW(name, text)                            \
	{                                          \
		SHEAF_##name, "SHEAF_" #name, text \
	}
	ROW(OK, "all is well"),
	ROW(PARTIAL, "some items failed"),
	ROW(CONTRADICTS, "the answer contradicts itself"),
	ROW(CUT_SHORT, "the answer was cut short"),
	ROW(MALFORMED, "the answer is malformed"),
	ROW(TOO_LARGE, "the answer is larger than the limit"),
	ROW(NOMEM, "out of memory"),
	ROW(INVALID, "the call is wrong"),
	ROW(STOPPED, "stopped by the program"),
	ROW(IO, "reading failed"),
#undef ROW
};

bool
public_struct(const void *given, void *ours, size_t size)
{
	const unsigned char *bytes = given;
	size_t has, i;

	memcpy(&has, given, sizeof(has));
	if (has < sizeof(has))
		return false;
	for (i = size; i < has; i++)
		if (bytes[i])
			return false;
	memset(ours, 0, size);
	memcpy(ours, given, has < size ? has : size);
	return true;
}

enum sheaf_result
public_result(enum err_code rc)
{
	static const struct {
		enum err_code rc;
		enum sheaf_result result;
	} rows[] = {
		{ ERR_OK, SHEAF_OK },
		{ ERR_CUT_SHORT, SHEAF_CUT_SHORT },
		{ ERR_TOO_LARGE, SHEAF_TOO_LARGE },
		{ ERR_NOMEM, SHEAF_NOMEM },
		{ ERR_CANCELLED, SHEAF_STOPPED },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].rc == rc)
			return rows[i].result;
	return SHEAF_MALFORMED;
}

static const struct str replacement = STR_INIT("\xef\xbf\xbd"); /* U+FFFD */

const char *
public_text(struct arena *a, struct str s)
{
	struct str out, rest = s, piece;
	size_t nuls = 0, i;
	char *at;

	if (!s.len)
		return "";
	if (!memchr(s.ptr, '\0', s.len))
		return arena_str(a, s, &out) ? out.ptr : NULL;
	for (i = 0; i < s.len; i++)
		nuls += s.ptr[i] == '\0';
	at = arena_alloc(a, s.len + nuls * replacement.len + 1);
	if (!at)
		return NULL;
	out.ptr = at;
	while (str_cut(&rest, '\0', &piece)) {
		memcpy(at, piece.ptr, piece.len);
		at += piece.len;
		if (!nuls)
			continue;
		nuls--;
		memcpy(at, replacement.ptr, replacement.len);
		at += replacement.len;
	}
	return out.ptr;
}

const char *
sheaf_version(void)
{
	return SHEAF_VERSION;
}

static const struct row *
result_row(enum sheaf_result result)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(results); i++)
		if (results[i].result == result)
			return &results[i];
	return NULL;
}

const char *
sheaf_result_name(enum sheaf_result result)
{
	const struct row *r = result_row(result);

	return r ? r->name : "SHEAF_?";
}

const char *
sheaf_result_text(enum sheaf_result result)
{
	const struct row *r = result_row(result);

	return r ? r->text : "an unknown failure";
}

enum sheaf_status_class
sheaf_status_class(uint32_t status)
{
	static const enum sheaf_status_class by_digit[] = {
		SHEAF_STATUS_INVALID,
		SHEAF_STATUS_INFORMATIONAL,
		SHEAF_STATUS_SUCCESS,
		SHEAF_STATUS_REDIRECTION,
		SHEAF_STATUS_CLIENT_ERROR,
		SHEAF_STATUS_SERVER_ERROR,
	};
	uint32_t digit = status / 100;

	return digit < ARRAY_LEN(by_digit) ? by_digit[digit]
					   : SHEAF_STATUS_INVALID;
}

bool
sheaf_status_is_registered(uint32_t status)
{
	return status_is_registered(status);
}

uint32_t
sheaf_status_effective(uint32_t status)
{
	if (sheaf_status_class(status) == SHEAF_STATUS_INVALID)
		return 0;
	return status_is_registered(status) ? status : status / 100 * 100;
}

const char *
sheaf_status_reason(uint32_t status)
{
	struct str reason = status_reason(status);

	assert(reason.ptr[reason.len] == '\0'); /* the table is of literals */
	return reason.ptr;
}

bool
sheaf_status_is_retryable(uint32_t status)
{
	return status_is_retryable(status);
}

bool
sheaf_status_is_retryable_for(uint32_t status, const char *method, bool keyed)
{
	return retry_advise(status, str_from_c(method), keyed) == RETRY_LATER;
}

bool
sheaf_method_is_idempotent(const char *method)
{
	return method_is_idempotent(str_from_c(method));
}

/* Whether properties were refused: they are neither there nor missing. */
static bool
refuses(const struct sheaf_propstat *ps)
{
	return ps->status / 100 != 2 && ps->status != 404;
}

bool
sheaf_outcome_is_failure(const struct sheaf_outcome *outcome)
{
	size_t i;

	/* Nothing is left to be done about what is proven done. */
	if (outcome->partial ||
	    retry_advise(outcome->status, STR(""), false) != RETRY_NONE)
		return true;
	for (i = 0; i < outcome->n_propstats; i++)
		if (refuses(&outcome->propstats[i]))
			return true;
	return false;
}

const char *
sheaf_outcome_text(const struct sheaf_outcome *outcome)
{
	if (outcome->text && *outcome->text)
		return outcome->text;
	return outcome->status ? sheaf_status_reason(outcome->status)
			       : "no status";
}
