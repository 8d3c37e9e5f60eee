/* SPDX-License-Identifier: MIT */
#include <stdio.h>

int
main(void)
{
	(void)puts("sheaf " SHEAF_VERSION);
	return 0;
}
