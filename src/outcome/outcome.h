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
 * What only an answer that somebody else wrote says of a resource.  What is
 * empty was not said.  Strings are UTF-8 and as they were sent, but for the
 * escapes of the form they came in.
 */
struct told {
	struct str
	    href; /* encoded; of several in a response each is an outcome */
	struct str id; /* of the operation, in JSON */
	struct str op; /* of the operation: "create", "DELETE" */
	/* The DAV:error element, as PROP_XML has it (RFC 4918 s14.5). */
	struct str error;
	/* More elements of our namespace, made already: our writer's own. */
	struct str more;
	struct str problem_type; /* a URI (RFC 9457 s3.1.1) */
	struct str location; /* encoded (RFC 4918 s14.9) */
	struct str retry_after; /* RFC 9110 s10.2.3 */
	struct str caused_by; /* the id of what a 424 waited for */
	struct str
	    index; /* its number in the request, where the answer says it */
	struct str etag; /* of its header fields, in JSON */
	struct str bytes; /* all of it, in JSON; a member has none */
	bool placed; /* id is its place in a list, for want of any name */
	bool member; /* of the outcome before it that is none */
	bool replayed; /* done before, and answered from memory */
	bool partial; /* done for some of its members only */
	uint64_t line, column; /* where it begins, both from 1 */
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
	unsigned status; /* 200..599, never 207; what was told may be any */
	enum err_code why; /* ERR_OK when it succeeded, or was told */
	struct str tell; /* a sentence for people, or empty: err_text() */
	const struct propstat *propstats;
	size_t n_propstats;
	/* The resource that is the cause, where it is another: err.h. */
	struct rpath about;
	/*
	 * NULL for what we did ourselves.  Else path is empty, told->href
	 * stands for it, and a status of 0 is one that could not be read.
	 */
	const struct told *told;
};

/* The outcome of a resource that failed as why (and err, if any) says. */
struct outcome outcome_failed(struct rpath path, bool collection,
    enum err_code why, const struct err *err);

/*
 * Whether it failed: status >= 400, and of what was told also a status that
 * could not be read (0) or is no last word (1xx, 207), and what was done in
 * part only: unknown is never success.  A property that was not found does not
 * make the resource a failure.
 */
static inline bool
outcome_is_failure(const struct outcome *o)
{
	return status_failed(o->status) || o->status < 200 ||
	    o->status == 207 || (o->told && o->told->partial);
}

/*
 * The propstat that says why the properties asked for could not be read or
 * changed, though the resource as a whole may be 200: one that is neither 2xx
 * nor 404.  That which decided: any other before a 424, and a failure before a
 * status that could not be read.  NULL: none.
 */
const struct propstat *outcome_refused(const struct outcome *o);

/*
 * The status of a resource by its propstats alone, where nobody says it: that
 * of outcome_refused() if none is 2xx, else 200.
 */
unsigned outcome_propstats_status(const struct outcome *o);

/* The sentence: tell, or the text of why, or the status's reason phrase. */
struct str outcome_text(const struct outcome *o);

#endif
