/* SPDX-License-Identifier: MIT */
/*
 * An operation on a small tree, and what it said of it.  Locks are made in its
 * store with lock_at() (lib/locks.h).
 */
#ifndef SHEAF_TESTS_OP_TEST_H
#define SHEAF_TESTS_OP_TEST_H

#include "dav/op.h"
#include "lib/deny_store.h"
#include "lib/tree.h"
#include "outcome/collector.h"

struct op_test {
	struct deny_store deny;
	struct store *store; /* with what is denied */
	struct arena arena;
	struct dav_settings set;
	struct caller caller;
	struct op op;
	struct collector out; /* new for each op_test_sink() */
	struct buf text;
};

/* With the tree that `text` says (lib/tree.h). */
void op_test_init(struct op_test *t, const char *text);
void op_test_done(struct op_test *t);

/* Where the next operation is to put its outcomes. */
struct sink *op_test_sink(struct op_test *t);

/* "/d/a 403 /d/b/ 507", in the order they were put. */
struct str op_test_said(struct op_test *t);

/* Whether an outcome names this path. */
bool op_test_named(const struct op_test *t, struct rpath path);

#endif
