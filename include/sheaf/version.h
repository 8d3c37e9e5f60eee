/* SPDX-License-Identifier: MIT */
/* Which libsheaf this is. */
#ifndef SHEAF_VERSION_H
#define SHEAF_VERSION_H

#include <sheaf/api.h>

SHEAF_BEGIN

/*
 * The version of the library that runs, such as "0.1.0": three numbers as
 * semantic versioning has them.  It need not be the one that the program was
 * compiled with.  The string is constant and never NULL.
 */
SHEAF_API const char *sheaf_version(void);

SHEAF_END

#endif
