/* SPDX-License-Identifier: MIT */
/*
 * A client of HTTP: any number of calls side by side on one thread, with
 * credentials, proxies, TLS and HTTP/2 where the server has it.  The only user
 * of libcurl.
 *
 * A call is one request and its answer, tried again where that is right: it
 * got none, or one of 408, 425, 429, 502, 503, 504, and its method is
 * idempotent (RFC 9110 s9.2.2) or it is `keyed`.  423 is not tried again by
 * itself: locks last.  Before each further attempt it waits for
 * max(Retry-After, full jitter), base 0.5 s, cap 60 s; a Retry-After that is
 * longer than the cap is not waited for: that answer is the answer.  An answer
 * whose head was handed out is never asked for again.
 *
 * Redirects are followed for GET, HEAD, OPTIONS, PROPFIND and REPORT alone, to
 * the same origin unless the URL has no credentials to lose; for all else a
 * redirect is the answer, and its Location is in the head.
 */
#ifndef SHEAF_CLIENT_CLIENT_H
#define SHEAF_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/saved.h"

/* Whatever is NULL, 0 or empty is as libcurl or the comment has it. */
struct client_options {
	const char *user; /* with no password in it */
	/*
	 * Asked once, when a server wants one and neither netrc nor the user's
	 * URL has it; false: there is none.  The client wipes out.
	 */
	bool (*password)(
	    void *arg, const char *user, const char *host, struct buf *out);
	void *password_arg;
	const char *token; /* Authorization: Bearer (RFC 6750) */
	const char *netrc_file; /* NULL: ~/.netrc where there is one */
	const char *cacert; /* PEM files */
	const char *cert;
	const char *key;
	const char *proxy; /* else as the environment says */
	unsigned jobs; /* calls at a time; 0: 4 */
	unsigned attempts; /* of a call; 0: 5 */
	int64_t connect_timeout; /* ns; 0: 30 s */
	int64_t stall_timeout; /* ns without a byte either way; 0: 60 s */
	/* A line for each request and answer; secrets are left out.  Optional.
	 */
	void (*trace)(void *arg, struct str line);
	void *trace_arg;
	/* A call is to wait: for a person who looks.  Optional. */
	void (*waiting)(void *arg, struct str url, unsigned status, int64_t ns);
	void *waiting_arg;
};

struct client;

/* Options are borrowed until client_free().  ERR_NOMEM, ERR_OS. */
enum err_code client_new(const struct client_options *options,
    struct client **out, struct err *err) MUST_USE;
void client_free(struct client *c); /* NULL is fine; ends no call */

/* A piece of a file, sent as it is read. */
struct call_file {
	int fd; /* borrowed; read with pread() */
	uint64_t offset;
	uint64_t size; /* bytes from offset on; a file that shrinks: ERR_IO */
};

/* How a call ended. */
struct call_end {
	/*
	 * ERR_OK: the answer was read to its end.  ERR_UNREACHABLE: nothing of
	 * the request arrived anywhere.  ERR_CUT_SHORT: it was sent, and the
	 * answer is missing or not whole.  ERR_BAD_ANSWER: it is no HTTP.
	 * ERR_CANCELLED.  Else what an event or the file said.  err.why is fit
	 * for a person.
	 */
	enum err_code rc;
	struct err err;
	unsigned status; /* of the last head; 0: none came */
	unsigned attempts;
	/*
	 * An attempt before the last may have been carried out although no
	 * answer came: a DELETE that then is 404 is done (RFC 9110 s9.2.2).
	 */
	bool uncertain_before;
	/* Some of the last attempt went out: with ERR_CANCELLED, who knows. */
	bool sent;
	/*
	 * The end of the body was the end of the connection and nothing else:
	 * nobody knows whether it is whole.
	 */
	bool unproven;
};

struct call_events {
	/*
	 * The head of the answer that counts: not 1xx, not a redirect that was
	 * followed, not one that will be tried again.  Optional.
	 */
	enum err_code (*head)(
	    void *arg, const struct answer_head *h, struct err *err);
	/* Of its body, decoded (Content-Encoding).  Optional. */
	enum err_code (*body)(void *arg, struct str bytes, struct err *err);
	/* Bytes of body sent and received by now, in this attempt.  Optional.
	 */
	void (*progress)(void *arg, uint64_t sent, uint64_t received);
	/* The last of all, once for each call that was started. */
	void (*done)(void *arg, const struct call_end *e);
};

/* Everything but url, fields and body (copied) must outlive the call. */
struct call_spec {
	const char *method;
	struct str url; /* absolute, encoded; no user, no fragment */
	const struct header *fields; /* of the request */
	size_t n_fields;
	struct str body; /* or: */
	const struct call_file *file;
	bool keyed; /* safe to repeat though its method is not */
	/* Not to be repeated, if it may have been carried out: who asks will
	 * look first. */
	bool once;
	int64_t delay; /* ns to wait before the first attempt */
	/* Goes on with what has begun: it begins while CLIENT_DRAIN as well. */
	bool follows;
	/*
	 * The answer's bytes are wanted as they are (a download whose size and
	 * digest count): no Accept-Encoding is sent.
	 */
	bool identity;
	const struct call_events *events;
	void *arg;
};

/*
 * Queues a call: it begins when one of the jobs is free, within client_run().
 * May be called from an event.  A failure (ERR_NOMEM, ERR_BAD_REQUEST for a
 * URL that is none or not http or https) is returned and done() is not called.
 */
enum err_code client_call(
    struct client *c, const struct call_spec *spec, struct err *err) MUST_USE;

/*
 * Runs until no call is left.  Meanwhile asks stop() (at least ten times a
 * second): CLIENT_DRAIN ends the calls that have begun and gives the others
 * ERR_CANCELLED; CLIENT_ABORT breaks all of them off.
 */
enum client_stop { CLIENT_GO, CLIENT_DRAIN, CLIENT_ABORT };

struct client_watch {
	enum client_stop (*stop)(void *arg);
	void *arg;
};

void client_run(struct client *c, const struct client_watch *w);

#endif
