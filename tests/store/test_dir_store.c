/* SPDX-License-Identifier: MIT */
/* What the directory store promises beyond the contract of all stores. */
#include "store/world.h"

#include <stdlib.h>

int
main(void)
{
	static const struct tests *const groups[] = {
		&batch_tests,
		&claim_tests,
		&link_tests,
		&dir_lock_tests,
		&file_tests,
		&staging_tests,
		&system_tests,
		&member_tests,
		&member_kept_tests,
	};
	static struct CMUnitTest all[128];
	size_t n = 0;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(groups); i++)
		for (k = 0; k < groups[i]->n; k++) {
			if (n == ARRAY_LEN(all))
				return EXIT_FAILURE;
			all[n++] = groups[i]->rows[k];
		}
	return _cmocka_run_group_tests("directory store", all, n, NULL, NULL);
}
