/* SPDX-License-Identifier: MIT */
/*
 * What became of one thing that the client asked for: proven done, or not.  The
 * client never believes a 207: what the answer does not say, or says in a way
 * that cannot be read, is unknown.
 */
#ifndef SHEAF_OUTCOME_VERDICT_H
#define SHEAF_OUTCOME_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

enum fate {
	FATE_DONE, /* proven done */
	FATE_FAILED, /* nothing of it was done */
	FATE_PARTIAL, /* some members were done and some failed */
	FATE_UNKNOWN, /* it may have been done or not */
	FATE_LEFT, /* not begun: interrupted, or what it needs had failed */
	FATE_COUNT
};

/* What is to blame; the exit code depends on it. */
enum blame {
	BLAME_NONE, /* FATE_DONE */
	BLAME_STATUS, /* the status says it: 404, 423, 507 ... */
	BLAME_ACCESS, /* 401, 403, 407 of the request itself */
	BLAME_PROTOCOL, /* the peer broke it: a malformed 207 */
	BLAME_CUT, /* the answer was cut short, or does not mention it */
	BLAME_UNREACHABLE, /* no connection, no name, no TLS */
	BLAME_DIGEST, /* the bytes are not those that were announced */
	BLAME_LOCAL, /* this machine: a file, memory, a full disk */
	BLAME_INTERRUPT,
	BLAME_COUNT
};

struct verdict {
	enum fate fate;
	enum blame blame;
	unsigned status; /* the one that decided; 0: none was read */
	bool retryable; /* the same again may succeed */
	int64_t wait; /* ns to wait before, by Retry-After; -1: not said */
	/* For people, what status and error do not say; borrowed, or empty. */
	struct str text;
	struct str error; /* the DAV:error element, serialised, or empty */
	struct str etag; /* of what was read or written, or empty */
};

#endif
