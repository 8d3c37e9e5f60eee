/* SPDX-License-Identifier: MIT */
/*
 * The operations of WebDAV on somebody else's server: one function for all of
 * them, and for each a verdict that tells the truth:
 *
 *   - a 207 is read to its end.  A member that failed makes it FATE_PARTIAL;
 *     where the target itself failed and nothing was done, FATE_FAILED;
 *   - FATE_UNKNOWN is a body that is cut short, malformed, or no 207; one with
 *     an href outside the target and the destination; and one that does not
 *     mention the target, where the method is answered so;
 *   - 207 to a method that cannot have it (PUT, GET) is FATE_UNKNOWN;
 *   - a status that is not registered is taken as its class's x00; 1xx and 3xx
 *     as the last word are no success;
 *   - 202 Accepted is FATE_UNKNOWN: it may yet fail;
 *   - PROPPATCH is done only if every property is, and LOCK only if the answer
 *     has a lock.
 */
#ifndef SHEAF_CLIENT_REMOTE_H
#define SHEAF_CLIENT_REMOTE_H

#include "client/client.h"
#include "http/method.h"
#include "outcome/sink.h"
#include "outcome/verdict.h"
#include "wire/locks_read.h"
#include "wire/reader.h"

struct remote_spec {
	const char *method; /* "DELETE", "PROPFIND" ... */
	struct str url; /* absolute, encoded */
	struct str destination; /* COPY, MOVE: absolute, encoded */
	bool has_depth;
	enum depth depth;
	bool keep; /* Overwrite: F */
	struct str if_match; /* an entity tag with its quotes, or "*" */
	struct str if_none_match;
	/*
	 * A URI, or empty.  LOCK refreshes this lock, and UNLOCK ends it; other
	 * methods send it in If, as that of the target, of the destination, or
	 * of the collection above one of them.
	 */
	struct str lock_token;
	/* PROPPATCH: it is done only if each is mentioned; borrowed. */
	const struct prop_name *asked;
	size_t n_asked;
	const struct header *fields; /* more of them */
	size_t n_fields;
	struct str body;
	struct str content_type; /* of body or file */
	const struct call_file *file; /* the body of PUT; or NULL */
	bool once, follows; /* as of struct call_spec */
	/*
	 * Gets the resources that a 207 mentions, as they were sent, but for
	 * told->href: it is absolute and without dot segments.  One outside of
	 * what was asked for has the status 0 and no propstats, and says so in
	 * tell.  Ended before done(); must outlive the call.  Optional.
	 */
	struct sink *members;
	/* The head of the answer, when it is there.  Optional. */
	void (*head)(void *arg, const struct answer_head *h);
	void (*progress)(void *arg, uint64_t sent, uint64_t received);
	/* The lock that LOCK took or refreshed, before done().  Optional. */
	void (*lock)(void *arg, const struct told_lock *l);
	/* Takes a line about something odd that was ignored.  Optional. */
	void (*note)(void *arg, struct str line);
	/* The last event; v and what it points to is borrowed. */
	void (*done)(void *arg, const struct verdict *v);
	void *arg;
};

/*
 * Starts it as client_call() does: it runs within client_run(), and this may be
 * called from an event.  Strings and fields are copied; what other pointers
 * point to must outlive the call.
 */
enum err_code remote_start(
    struct client *c, const struct remote_spec *spec, struct err *err) MUST_USE;

#endif
