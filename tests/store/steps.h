/* SPDX-License-Identifier: MIT */
/*
 * A process that ends at its nth call that touches files or the state, by the
 * linker's --wrap (meson.build has the list).
 */
#ifndef SHEAF_TESTS_STORE_STEPS_H
#define SHEAF_TESTS_STORE_STEPS_H

#define STOPPED 42 /* what it ends with */

/* How many steps there are until then; 0: it does not end. */
extern unsigned steps_left;

extern unsigned syncs_made;

#endif
