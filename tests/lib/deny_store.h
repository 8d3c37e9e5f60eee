/* SPDX-License-Identifier: MIT */
/*
 * A store that refuses certain things of certain paths, each time it is asked:
 * what permissions, full disks and mount points do to a tree.
 */
#ifndef SHEAF_TESTS_DENY_STORE_H
#define SHEAF_TESTS_DENY_STORE_H

#include "store/impl.h"

enum deny {
	DENY_REMOVE = 1 << 0,
	DENY_COPY_FROM = 1 << 1, /* opening it for reading as well */
	DENY_COPY_TO = 1 << 2,
	DENY_LIST = 1 << 3, /* a collection's members */
	DENY_STAT = 1 << 4, /* in walks, and by itself */
	/* Listing a collection breaks off after its first member. */
	DENY_LIST_ON = 1 << 5,
};

#define DENY_MAX 16

struct deny_store {
	struct store base;
	struct store *inner; /* owned */
	struct {
		char path[128];
		unsigned what; /* of enum deny */
		enum err_code code;
	} rows[DENY_MAX];
	size_t n;
	bool no_rename; /* every rename is ERR_CROSS_DEVICE */
	bool off; /* nothing is denied */
	/* Optional: called when one resource has been copied, or asked for. */
	void (*copied)(struct deny_store *d, struct rpath from);
	void (*looked)(struct deny_store *d, struct rpath path);
};

/* An empty memory store behind it.  Fails the test when it cannot. */
struct store *deny_store_init(struct deny_store *d);

void
deny(struct deny_store *d, const char *path, unsigned what, enum err_code code);

#endif
