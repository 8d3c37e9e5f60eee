/* SPDX-License-Identifier: MIT */
/*
 * What went wrong with one thing and what to do next, in words for people, made
 * of its status, the DAV:error that came with it, and the advice about
 * retrying.
 */
#ifndef SHEAF_CMD_TROUBLE_H
#define SHEAF_CMD_TROUBLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "outcome/outcome.h"
#include "outcome/retry.h"
#include "outcome/verdict.h"
#include "wire/json_object.h"

/* Everything is borrowed; what is empty is not known. */
struct trouble {
	const char *op; /* as struct work_item has it, or "" */
	enum fate fate;
	enum blame blame;
	unsigned status; /* 0: none */
	int64_t wait; /* ns; -1: the server does not say */
	struct str text; /* a sentence, of the server or of the verdict */
	struct str error; /* DAV:error, serialised */
};

/*
 * Makes one of a resource of a 207 that failed; with the DAV:error of its first
 * failed propstat, where it has none of its own.
 */
struct trouble trouble_of(const char *op, const struct outcome *o);

/* "423 Locked: it is locked, and the token of the lock was not sent (/d/)" */
void trouble_put_what(struct buf *b, struct arena *a, const struct trouble *p);

/* "wait until it is unlocked, or ..."; nothing where there is no advice. */
void trouble_put_todo(struct buf *b, struct arena *a, const struct trouble *p);

/* Both, as sentences with a full stop. */
void trouble_put(struct buf *b, struct arena *a, const struct trouble *p);

/* The members error, condition, next, retry and retryAfter, as far as known. */
void trouble_put_json(
    struct json_object *o, struct arena *a, const struct trouble *p);

/* "later", "when-freed", "never" ...: enum retry_advice as one word. */
const char *advice_word(enum retry_advice a);

/* The method of an operation: "PUT" of "put"; one not in the table is its own.
 */
struct str op_method(const char *op);

const char *fate_word(enum fate f); /* "done", "failed" ... */

#endif
