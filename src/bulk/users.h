/* SPDX-License-Identifier: MIT */
/*
 * How many operations of each user's batches run side by side: all batches of
 * one user together, jobs too, have no more than limits.concurrency_user.
 * From any thread.
 */
#ifndef SHEAF_BULK_USERS_H
#define SHEAF_BULK_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct users;
struct user; /* one that has some running */

enum err_code users_new(struct users **out, struct err *err) MUST_USE;
void users_free(struct users *us); /* when nothing runs; NULL is fine */

/*
 * Counts the thread that is about to run operations; user_leave() takes it
 * back.  ERR_TOO_MANY: there are max already, and not `anyway`.  us NULL:
 * nothing is counted, and *out is NULL, which the others take as well.
 */
enum err_code user_enter(struct users *us, struct str name, uint64_t max,
    bool anyway, struct user **out, struct err *err) MUST_USE;

/* Counts one that helps it, to leave as well.  False: there are max. */
bool user_help(struct user *u, uint64_t max) MUST_USE;

void user_leave(struct user *u);

#endif
