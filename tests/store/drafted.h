/* SPDX-License-Identifier: MIT */
/*
 * Drafts as stores that the conformance suite can run on.  A draft cannot make
 * locks; here what it holds is applied then, and the base makes them.  So the
 * suite is about drafts that have their base beneath them as well as about
 * those that are empty.
 */
#ifndef SHEAF_TESTS_STORE_DRAFTED_H
#define SHEAF_TESTS_STORE_DRAFTED_H

#include "store/store.h"

enum drafted {
	DRAFTED_KEPT, /* all changes stay in the draft, but for locks */
	DRAFTED_APPLIED, /* they are applied whenever something is read */
	DRAFTED_TWICE, /* on a draft of a draft, applied likewise */
};

/* Owns base. */
struct store *drafted_new(struct store *base, enum drafted how);

#endif
