/* SPDX-License-Identifier: MIT */
/*
 * From what was read of an answer to what may be believed of it: a pure
 * function by tables.  judge.def has a row for each thing that can be found.
 */
#ifndef SHEAF_CLIENT_JUDGE_H
#define SHEAF_CLIENT_JUDGE_H

#include "base/buf.h"
#include "http/url.h"
#include "outcome/outcome.h"
#include "outcome/verdict.h"
#include "wire/error_read.h"
#include "wire/reader.h"

/* What a method may be answered with, and what that says. */
enum method_rule {
	RULE_MULTI = 1 << 0, /* it can have a 207 */
	RULE_ONLY_MULTI = 1 << 1, /* nothing else that succeeds will do */
	RULE_TARGET = 1 << 2, /* a 207 in which all is well mentions it */
	RULE_ATOMIC = 1 << 3, /* what failed in part is not done at all */
	RULE_MISSING = 1 << 4, /* 404 inside is an answer, not a failure */
	RULE_EMPTY = 1 << 5, /* a 207 may have nothing in it */
	RULE_ANYWHERE = 1 << 6, /* of the same origin all hrefs are good */
	RULE_LOCK = 1 << 7, /* done is what has a lock token */
	RULE_SAFE = 1 << 8, /* it changes nothing */
};

unsigned method_rules(struct str method);

/* The resources that a 207 mentioned, all of them together. */
struct mentioned {
	uint64_t done, failed;
	uint64_t unread; /* with a status that says nothing: none, 1xx */
	uint64_t foreign; /* outside of what was asked for, or no href at all */
	bool target; /* the one asked for was among them */
	bool target_failed;
	unsigned target_status;
	bool by_property; /* some of its properties did, others not */
	struct str property; /* the name of one that did */
	/* The failure to blame: the first that is no 424. */
	unsigned status;
	struct str href;
	struct str error; /* its DAV:error */
	struct str tell; /* its sentence */
	bool retryable; /* any of those that failed */
	int64_t wait; /* the longest that one of them says; -1 */
	struct str odd; /* the first that was unread or foreign */
	struct str unasked; /* a property asked for, of which nothing is said */
};

/* What an outcome in the 207 of a method is. */
enum mention { MENTION_DONE, MENTION_FAILED, MENTION_UNREAD };

/*
 * status: the one that decided, of the resource or of a property.  error and
 * tell: what was said beside it.  Any of the three may be NULL.
 */
enum mention mention_of(unsigned rules, const struct outcome *o,
    unsigned *status, struct str *error, struct str *tell);

/* Whatever there is to judge by.  All borrowed. */
struct evidence {
	struct str method;
	enum err_code rc; /* how the call ended: struct call_end */
	const struct err *err;
	unsigned attempts;
	bool uncertain_before;
	unsigned status; /* 0: no answer */
	bool was_read; /* it is a 207, and this is what stood in it: */
	struct reading reading;
	struct mentioned m;
	bool has_lock; /* of LOCK: there is a lock token in the answer */
	int64_t wait; /* of Retry-After; -1 */
	struct str location;
	struct str etag;
	struct error_read said; /* of a body that is no 207 */
};

enum finding {
#define FINDING(name, fate, blame, text) FOUND_##name,
#include "client/judge.def"
#undef FINDING
	FOUND_COUNT
};

enum finding judge_find(const struct evidence *e);

/*
 * The sentence is put into text; what else *v points to is e's.  Where memory
 * ran out it has no sentence, and text says that it failed.
 */
void judge(const struct evidence *e, struct buf *text, struct verdict *v);

#endif
