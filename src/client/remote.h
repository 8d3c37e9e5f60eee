/* SPDX-License-Identifier: MIT */
/*
 * The operations of WebDAV on somebody else's server, one function for all of
 * them, and for each a verdict that tells the truth:
 *
 *   - a 207 is read to its end.  A member that failed makes it FATE_PARTIAL,
 *     the target itself having failed and nothing else said, FATE_FAILED;
 *   - a body that is cut short, malformed, or no 207, an href outside the
 *     target (and the destination), a 207 that mentions nothing where the
 *     method must: FATE_UNKNOWN;
 *   - 207 to a method that cannot have it (PUT, GET): FATE_UNKNOWN;
 *   - a status that is not known is its class's x00; 1xx and 3xx as the last
 *     word are no success;
 *   - 202 Accepted is FATE_UNKNOWN: it may yet fail;
 *   - PROPPATCH and LOCK are done only if every property and the lock are.
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
	 * A URI: sent in If, as that of the target, of the destination, or of
	 * the collection above one of them; of LOCK, to refresh it; by UNLOCK.
	 */
	struct str lock_token;
	/* PROPPATCH: done only if each of them is mentioned; borrowed. */
	const struct prop_name *asked;
	size_t n_asked;
	const struct header *fields; /* more of them */
	size_t n_fields;
	struct str body; /* with its type: */
	struct str content_type;
	const struct call_file *file; /* PUT */
	bool once, follows; /* as of struct call_spec */
	/*
	 * The resources that the answer mentions, each with told->href made
	 * absolute against url and its dot segments gone, whose text and
	 * propstats are as they were sent.  One that is outside of what was
	 * asked for has the status 0, no propstats, and says so in tell.
	 * Optional; must outlive the call, is ended before done().
	 */
	struct sink *members;
	/* The head of the answer, when it is there.  Optional. */
	void (*head)(void *arg, const struct answer_head *h);
	void (*progress)(void *arg, uint64_t sent, uint64_t received);
	/* The lock that LOCK took or refreshed, before done().  Optional. */
	void (*lock)(void *arg, const struct told_lock *l);
	/* What was odd and passed over, for who looks closely.  Optional. */
	void (*note)(void *arg, struct str line);
	/* Once, the last.  v and what it points to is borrowed. */
	void (*done)(void *arg, const struct verdict *v);
	void *arg;
};

/*
 * As client_call(): runs within client_run(), may be called from an event.
 * Strings are copied; what a pointer names must outlive the call.
 */
enum err_code remote_start(
    struct client *c, const struct remote_spec *spec, struct err *err) MUST_USE;

#endif
