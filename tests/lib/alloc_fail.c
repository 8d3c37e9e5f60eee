/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_ulong count;
static atomic_ulong target; /* 0: none */
static atomic_bool all_after;
static atomic_bool fired;

static void
arm(unsigned long n, bool all)
{
	atomic_store(&target, 0);
	atomic_store(&count, 0);
	atomic_store(&fired, false);
	atomic_store(&all_after, all);
	atomic_store(&target, n);
}

void
alloc_fail_at(unsigned long n)
{
	arm(n, false);
}

void
alloc_fail_from(unsigned long n)
{
	arm(n, true);
}

bool
alloc_fail_fired(void)
{
	return atomic_load(&fired);
}

bool
alloc_fail_stop(void)
{
	atomic_store(&target, 0);
	return alloc_fail_fired();
}

unsigned long
alloc_fail_count(void)
{
	return atomic_load(&count);
}

static bool
must_fail(void)
{
	unsigned long n = atomic_fetch_add(&count, 1) + 1;
	unsigned long at = atomic_load(&target);

	if (!at || n < at || (n > at && !atomic_load(&all_after)))
		return false;
	atomic_store(&fired, true);
	errno = ENOMEM;
	return true;
}

/* The linker's names: --wrap=malloc turns malloc() into __wrap_malloc(). */
/* clang-format off */
#define WRAP(type, name, params, args)          \
	type __real_##name params;              \
	type __wrap_##name params;              \
	type __wrap_##name params               \
	{                                       \
		return must_fail() ? NULL : __real_##name args; \
	}

WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *old, size_t size), (old, size))
WRAP(void *, reallocarray, (void *old, size_t n, size_t size), (old, n, size))
WRAP(char *, strdup, (const char *s), (s))
WRAP(char *, strndup, (const char *s, size_t n), (s, n))
