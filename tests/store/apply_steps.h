/* SPDX-License-Identifier: MIT */
/*
 * What happens at the nth call of a store_apply() that touches files or the
 * state, by the linker's --wrap (meson.build has the list).
 */
#ifndef SHEAF_TESTS_STORE_APPLY_STEPS_H
#define SHEAF_TESTS_STORE_APPLY_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#define STOPPED 42 /* what a process ends with that is to end */

struct fault_plan {
	unsigned left; /* calls until then; 0: nothing happens */
	bool fails; /* else the process ends */
	bool lose; /* at the end of the renames, all but a few of them */
	uint32_t kept; /* these */
	bool begun; /* the steps are written down */
};

extern struct fault_plan plan;

#endif
