/* SPDX-License-Identifier: MIT */
/*
 * Which libsheaf this is.
 *
 * Memory: the string is constant.
 *
 * Threads: any number may call this at once.
 */
#ifndef SHEAF_VERSION_H
#define SHEAF_VERSION_H

#include <sheaf/api.h>

SHEAF_BEGIN

/*
 * The version of the library that runs.  It need not be the one that the
 * program was compiled with.
 *
 * Returns: three numbers as semantic versioning has them, such as "0.1.0";
 * never NULL.
 * RFC: none.
 */
SHEAF_API const char *sheaf_version(void);

SHEAF_END

#endif
