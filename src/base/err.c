/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct row {
	unsigned status;
	bool stops;
	const char *condition;
	const char *text;
	const char *name;
} rows[ERR_COUNT] = {
	[ERR_OK] = { 200, false, NULL, "ok", "OK" },
#define ERR(code, status, stops, condition, text) \
	[ERR_##code] = { status, stops, condition, text, #code },
#include "base/err.def"
#undef ERR
};

static const struct {
	int errnum;
	enum err_code code;
} from_errno[] = {
	{ ENOMEM, ERR_NOMEM },
	{ ENOENT, ERR_NOT_FOUND },
	{ ENOTDIR, ERR_NOT_FOUND },
	{ ELOOP, ERR_NOT_FOUND },
	{ EXDEV, ERR_CROSS_DEVICE },
	{ EEXIST, ERR_EXISTS },
	{ ENOTEMPTY, ERR_NOT_EMPTY },
	{ EISDIR, ERR_IS_COLLECTION },
	{ EACCES, ERR_FORBIDDEN },
	{ EPERM, ERR_FORBIDDEN },
	{ EROFS, ERR_READ_ONLY },
	{ EBUSY, ERR_IN_USE },
	{ ETXTBSY, ERR_IN_USE },
	{ ENAMETOOLONG, ERR_NAME_TOO_LONG },
	{ EINVAL, ERR_BAD_NAME },
	{ EILSEQ, ERR_BAD_NAME },
	{ ENOSPC, ERR_NO_SPACE },
	{ EFBIG, ERR_TOO_LARGE },
	{ EDQUOT, ERR_QUOTA },
	{ EMFILE, ERR_NO_FDS },
	{ ENFILE, ERR_NO_FDS },
	{ EIO, ERR_IO },
};

static const struct row *
row(enum err_code code)
{
	assert(code < ERR_COUNT);
	return &rows[code];
}

unsigned
err_status(enum err_code code)
{
	return row(code)->status;
}

bool
err_stops(enum err_code code)
{
	return row(code)->stops;
}

const char *
err_condition(enum err_code code)
{
	return row(code)->condition;
}

const char *
err_text(enum err_code code)
{
	return row(code)->text;
}

const char *
err_name(enum err_code code)
{
	return row(code)->name;
}

static PRINTF_LIKE(3, 0) void put_why(
    struct err *err, enum err_code code, const char *why, va_list args)
{
	assert(code != ERR_OK);
	if (!err)
		return;
	*err = (struct err){ .code = code };
	(void)vsnprintf(err->why, sizeof(err->why), why, args);
}

enum err_code
err_set(struct err *err, enum err_code code, const char *why, ...)
{
	va_list args;

	va_start(args, why);
	put_why(err, code, why, args);
	va_end(args);
	return code;
}

enum err_code
err_tell(struct err *err, enum err_code code, const char *why, ...)
{
	va_list args;

	va_start(args, why);
	put_why(err, code, why, args);
	va_end(args);
	if (err)
		memcpy(err->tell, err->why, sizeof(err->tell));
	return code;
}

enum err_code
err_about(struct err *err, enum err_code code, const char *path, size_t len)
{
	if (!err || len >= sizeof(err->about))
		return code;
	memcpy(err->about, path, len);
	err->about[len] = '\0';
	return code;
}

static PRINTF_LIKE(3, 0) enum err_code
    set_errno(struct err *err, int errnum, const char *why, va_list args)
{
	enum err_code code = err_from_errno(errnum);
	size_t n;

	put_why(err, code, why, args);
	if (!err)
		return code;
	n = strlen(err->why);
	(void)snprintf(err->why + n, sizeof(err->why) - n, ": %s",
	    strerrordesc_np(errnum));
	return code;
}

enum err_code
err_os(struct err *err, const char *why, ...)
{
	int errnum = errno;
	enum err_code code;
	va_list args;

	va_start(args, why);
	code = set_errno(err, errnum, why, args);
	va_end(args);
	return code;
}

enum err_code
err_errno(struct err *err, int errnum, const char *why, ...)
{
	enum err_code code;
	va_list args;

	va_start(args, why);
	code = set_errno(err, errnum, why, args);
	va_end(args);
	return code;
}

enum err_code
err_from_errno(int errnum)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(from_errno); i++)
		if (from_errno[i].errnum == errnum)
			return from_errno[i].code;
	return ERR_OS;
}

enum err_code
err_nomem(struct err *err)
{
	if (err)
		*err =
		    (struct err){ .code = ERR_NOMEM, .why = "out of memory" };
	return ERR_NOMEM;
}
