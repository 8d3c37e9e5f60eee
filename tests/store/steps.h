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

/* Calls until then; 0: it does not end. */
extern unsigned steps_left;

extern unsigned syncs_made;

/* The nth sync from now on fails, once; 0: none does. */
extern unsigned sync_fails;

/*
 * Keeps the state's own thread away from the journal: a test that counts the
 * syncs of a thousand changes would count those that it makes beside them.
 */
extern atomic_bool none_beside;

/* About syncs that the kernel makes side by side (dir_syncs.h): */
extern bool syncs_alone; /* the kernel makes none */
extern size_t syncs_at_once; /* how many it takes; 0: it refuses */
extern unsigned syncs_under_way;
extern unsigned syncs_beside; /* when the line was synced last */
extern unsigned syncs_together; /* the most that began as one */
extern unsigned early_names; /* files named before their syncs had ended */

#endif
