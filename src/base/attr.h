/* SPDX-License-Identifier: MIT */
/*
 * Compiler attributes, named for what they promise.  gcc 12 and clang 14 lack
 * most of the C23 spellings, so this is the one place that knows the others.
 */
#ifndef SHEAF_BASE_ATTR_H
#define SHEAF_BASE_ATTR_H

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/*
 * For a function that is called with literal lengths only, and so folds to a
 * few moves.
 */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/*
 * Calls fn(&variable) when the variable goes out of scope, which is use enough:
 * a guard may never be named again.
 */
#define CLEANUP(fn) __attribute__((cleanup(fn), unused))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* From a pointer to a struct's member to the struct. */
#define CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
