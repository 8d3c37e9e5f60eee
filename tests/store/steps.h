/* SPDX-License-Identifier: MIT */
/*
 * A process that ends at its nth call that touches files or the state, by the
 * linker's --wrap (meson.build has the list).
 */
#ifndef SHEAF_TESTS_STORE_STEPS_H
#define SHEAF_TESTS_STORE_STEPS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define STOPPED 42 /* what it ends with */

/* How many steps there are until then; 0: it does not end. */
extern unsigned steps_left;

extern unsigned syncs_made;

/* The nth from now on fails, once; 0: none does. */
extern unsigned sync_fails;

/* The state's own thread leaves the journal as it is: who counts syncs of a
 * thousand changes does not count those it makes beside them. */
extern atomic_bool none_beside;

/* Of those that the kernel makes side by side: */
extern bool syncs_alone; /* there are none to be had */
extern size_t syncs_at_once; /* it takes no more; 0: it refuses */
extern unsigned syncs_under_way;
extern unsigned syncs_beside; /* when the line was synced last */
extern unsigned syncs_together; /* the most that began as one */
extern unsigned early_names; /* files that got one before they were over */

#endif
