/* SPDX-License-Identifier: MIT */
/*
 * Goes into sheaf itself: $SHEAF_STARVE is which allocation of our own code is
 * to fail.  When the program ends it writes to the file $SHEAF_STARVED how many
 * there were.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/alloc_fail.h"

__attribute__((constructor)) static void
starve(void)
{
	const char *n = getenv("SHEAF_STARVE");

	if (n)
		alloc_fail_at(strtoul(n, NULL, 10));
}

__attribute__((destructor)) static void
say(void)
{
	const char *name = getenv("SHEAF_STARVED");
	FILE *f = name ? fopen(name, "we") : NULL;

	if (!f)
		return;
	(void)fprintf(f, "%lu\n", alloc_fail_count());
	(void)fclose(f);
}
