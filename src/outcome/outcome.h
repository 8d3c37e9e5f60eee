/* SPDX-License-Identifier: MIT */
/*
 * What became of one resource.  Every operation produces a stream of these
 * into a sink (outcome/sink.h) and never knows whether they become XML, JSON,
 * a log line or a count.
 *
 * An outcome is read only during the call that puts it: whatever it points to
 * may be reused afterwards.
 */
#ifndef SHEAF_OUTCOME_OUTCOME_H
#define SHEAF_OUTCOME_OUTCOME_H

#include <stdbool.h>

#include "base/err.h"
#include "http/path.h"
#include "http/status.h"
#include "outcome/prop.h"

/*
 * What we were told of a resource by an answer that somebody else wrote, beside
 * what struct outcome holds.  What is empty was not said.  Strings are UTF-8
 * and as they were sent, but without the escapes of the form they came in.
 */
struct told {
	/* Percent-encoded.  Several in one response make an outcome each. */
	struct str href;
	struct str id; /* of the operation, in JSON */
	struct str op; /* of the operation: "create", "DELETE" */
	/* The DAV:error element, as PROP_XML has it (RFC 4918 s14.5). */
	struct str error;
	/* Written, never read: XML elements of our namespace, as they are. */
	struct str more;
	struct str problem_type; /* a URI (RFC 9457 s3.1.1) */
	struct str location; /* encoded (RFC 4918 s14.9) */
	struct str retry_after; /* RFC 9110 s10.2.3 */
	struct str caused_by; /* the id of what a 424 waited for */
	struct str index; /* its number in the request, if the answer says it */
	struct str etag; /* of its header fields, in JSON */
	struct str bytes; /* the whole item as JSON; a member has none */
	bool placed; /* id is only its place in the list: it has no name */
	bool member; /* of the last outcome before it that is no member */
	bool replayed; /* done before, and answered from a record of that */
	bool partial; /* done for some of its members only */
	uint64_t line, column; /* where it begins in the answer, from 1 */
};

/*
 * Either n_propstats is 0 and status says it all, or the propstats do and
 * status is that of the resource as a whole (200 if it could be read; for
 * PROPPATCH the status that decided), which the XML form leaves out
 * (RFC 4918 s14.24: status or propstat, never both).
 */
struct outcome {
	struct rpath path;
	bool collection; /* its href ends in a slash */
	unsigned status; /* 200..599, never 207; if it was told, any number */
	enum err_code why; /* of our own failures; else ERR_OK */
	struct str tell; /* a sentence for people; or empty: outcome_text() */
	const struct propstat *propstats;
	size_t n_propstats;
	/* The resource that is the cause, if another; else empty: err.h. */
	struct rpath about;
	/*
	 * NULL for what we did ourselves.  Else path is empty, told->href
	 * stands for it, and a status of 0 is one that could not be read.
	 */
	const struct told *told;
};

/* The outcome of a resource that failed; err may be NULL, and is borrowed. */
struct outcome outcome_failed(struct rpath path, bool collection,
    enum err_code why, const struct err *err);

/*
 * Whether it failed: its status is 400 or more.  Of what was told also where
 * the status could not be read (0) or is not final (1xx, 207), and where it was
 * done in part only: unknown is never success.  A property that was not found
 * does not make the resource a failure.
 */
static inline bool
outcome_is_failure(const struct outcome *o)
{
	return status_failed(o->status) || o->status < 200 ||
	    o->status == 207 || (o->told && o->told->partial);
}

/*
 * The propstat that says why properties could not be read or changed, though
 * the resource as a whole may be 200: one whose status is neither 2xx nor 404.
 * Of several the one that decided: a failure other than 424, else a 424, else
 * a status that is no failure or could not be read.  NULL: there is none.
 */
const struct propstat *outcome_refused(const struct outcome *o);

/*
 * The status of a resource by its propstats, where it has none of its own: that
 * of outcome_refused() if no propstat is 2xx, else 200.
 */
unsigned outcome_propstats_status(const struct outcome *o);

/* The sentence: tell, or the text of why, or the status's reason phrase. */
struct str outcome_text(const struct outcome *o);

#endif
