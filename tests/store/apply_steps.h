/* SPDX-License-Identifier: MIT */
/*
 * Makes something happen at the nth call of a store_apply() that touches files
 * or the state, by the linker's --wrap (meson.build has the list).
 */
#ifndef SHEAF_TESTS_STORE_APPLY_STEPS_H
#define SHEAF_TESTS_STORE_APPLY_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#define STOPPED 42 /* exit code of the process that was to end */

struct fault_plan {
	unsigned left; /* calls until then; 0: nothing happens */
	bool fails; /* that call fails; else the process ends there */
	bool lose; /* at the end of the renames: take back all but `kept` */
	uint32_t kept; /* renames, a bit for each */
	bool begun; /* the steps are written down */
};

extern struct fault_plan plan;

#endif
