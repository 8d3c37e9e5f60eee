/* SPDX-License-Identifier: MIT */
/*
 * Decides what may be believed of an answer: a pure function of what was read,
 * by tables.  judge.def has a row for each thing that can be found.
 */
#ifndef SHEAF_CLIENT_JUDGE_H
#define SHEAF_CLIENT_JUDGE_H

#include "base/buf.h"
#include "http/url.h"
#include "outcome/outcome.h"
#include "outcome/verdict.h"
#include "wire/error_read.h"
#include "wire/reader.h"

/* What answers a method may have, and what they mean. */
enum method_rule {
	RULE_MULTI = 1 << 0, /* it may be answered with a 207 */
	RULE_ONLY_MULTI = 1 << 1, /* no other status says that it is done */
	RULE_TARGET = 1 << 2, /* a 207 without failures mentions the target */
	RULE_ATOMIC = 1 << 3, /* where a part failed nothing was done */
	RULE_MISSING = 1 << 4, /* 404 of a property is no failure */
	RULE_EMPTY = 1 << 5, /* a 207 may have nothing in it */
	RULE_ANYWHERE = 1 << 6, /* any href of the same origin is expected */
	RULE_LOCK = 1 << 7, /* done only if the answer has a lock token */
	RULE_SAFE = 1 << 8, /* it changes nothing */
};

unsigned method_rules(struct str method);

/* What a 207 says of all the resources that it mentions. */
struct mentioned {
	uint64_t done, failed;
	uint64_t unread; /* with a status that says nothing: none, 1xx */
	uint64_t foreign; /* outside of what was asked for, or no href at all */
	bool target; /* the resource asked for was among them */
	bool target_failed;
	unsigned target_status; /* if it failed */
	bool by_property; /* some properties of the failed target are 2xx */
	struct str property; /* the name of one that is not; or empty */
	/* The failure to blame: the first that is not 424, or the first. */
	unsigned status;
	struct str href;
	struct str error; /* its DAV:error */
	struct str tell; /* its sentence */
	bool retryable; /* at least one that failed may be tried again */
	int64_t wait; /* the longest Retry-After of them, in ns; -1: none */
	struct str odd; /* names the first that is unread or foreign */
	struct str unasked; /* a property asked for, of which nothing is said */
};

/* What a 207 says of one resource, the worst last. */
enum mention { MENTION_DONE, MENTION_FAILED, MENTION_UNREAD };

/*
 * Reads an outcome in the 207 to a method with these rules.  *status: the one
 * that decided, of the resource or of a property.  *error, *tell: what was said
 * with it.  Any of the three may be NULL.
 */
enum mention mention_of(unsigned rules, const struct outcome *o,
    unsigned *status, struct str *error, struct str *tell);

/* All that there is to judge by.  All borrowed. */
struct evidence {
	struct str method;
	enum err_code rc; /* how the call ended: struct call_end */
	const struct err *err;
	unsigned attempts;
	bool uncertain_before;
	unsigned status; /* 0: no answer */
	bool was_read; /* it is a 207, and this is what it says: */
	struct reading reading;
	struct mentioned m;
	bool has_lock; /* of LOCK: there is a lock token in the answer */
	int64_t wait; /* of Retry-After, in ns; -1: none */
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
 * Gives the verdict.  Its sentence is put into text; what else *v points to is
 * e's.  Where memory runs out v->text is empty, and buf_failed(text) is true.
 */
void judge(const struct evidence *e, struct buf *text, struct verdict *v);

#endif
