/* SPDX-License-Identifier: MIT */
/*
 * Put in front of each file by the analyzers of ./dev check, never by a build.
 *
 * The functions that report a failure do not return ERR_OK.  Analyzers see one
 * file at a time, and would else follow the path on which a failure was
 * reported and yet did not happen, to results that were rightly left untouched.
 */
#ifndef SHEAF_TOOLS_ANALYZE_H
#define SHEAF_TOOLS_ANALYZE_H

#include "base/err.h"

static inline enum err_code
never_ok(enum err_code code)
{
	if (code == ERR_OK)
		__builtin_unreachable();
	return code;
}

#define err_set(...) never_ok(err_set(__VA_ARGS__))
#define err_tell(...) never_ok(err_tell(__VA_ARGS__))
#define err_os(...) never_ok(err_os(__VA_ARGS__))
#define err_errno(...) never_ok(err_errno(__VA_ARGS__))
#define err_nomem(err) never_ok(err_nomem(err))

#endif
