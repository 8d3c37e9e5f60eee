/* SPDX-License-Identifier: MIT */
/*
 * A client of HTTP: any number of calls side by side on one thread, with
 * credentials, proxies, TLS and HTTP/2 where the server has it.  The only user
 * of libcurl.
 *
 * A call is one request and its answer.  It is tried again where nothing of it
 * was sent; and, if its method is idempotent (RFC 9110 s9.2.2) or the call is
 * `keyed`, where no answer came, or one with the status 408, 425, 429, 502, 503
 * or 504.  423 is not tried again: locks last.  Before each further attempt it
 * waits for the longer of Retry-After and a random time (full jitter, base
 * 0.5 s, cap 60 s).  A Retry-After longer than the cap is not waited for: that
 * answer is the answer.  So is one whose head was handed out.
 *
 * Redirects are followed for GET, HEAD, OPTIONS, PROPFIND and REPORT alone: to
 * the same origin, and to another one only where the call has no credentials
 * that it could give away.  Any other redirect is the answer, and its Location
 * is in the head.
 */
#ifndef SHEAF_CLIENT_CLIENT_H
#define SHEAF_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/saved.h"

/* NULL or 0: what the comment says, or else libcurl's default. */
struct client_options {
	const char *user; /* with no password in it */
	/*
	 * Gives the password of `user`, which is wanted for the first time and
	 * is not in netrc; false: there is none.  Called at most once for each
	 * server.  The client overwrites `out` when it has done with it.
	 */
	bool (*password)(
	    void *arg, const char *user, const char *host, struct buf *out);
	void *password_arg;
	const char *token; /* Authorization: Bearer (RFC 6750) */
	const char *netrc_file; /* NULL: ~/.netrc where there is one */
	const char *cacert; /* PEM files */
	const char *cert;
	const char *key;
	const char *proxy; /* a URL; NULL: as the environment says */
	unsigned jobs; /* calls at a time, at most 256; 0: 4 */
	unsigned attempts; /* of a call; 0: 5 */
	int64_t connect_timeout; /* ns; 0: 30 s */
	int64_t stall_timeout; /* ns without a byte either way; 0: 60 s */
	/*
	 * Takes a line about each request, answer and failure, without secrets.
	 * Optional.
	 */
	void (*trace)(void *arg, struct str line);
	void *trace_arg;
	/*
	 * Told that a call waits for ns before its next attempt, so that a
	 * person may be told.  status: of the answer; 0: none came.  Optional.
	 */
	void (*waiting)(void *arg, struct str url, unsigned status, int64_t ns);
	void *waiting_arg;
};

struct client;

/* What options point to is borrowed until client_free().  ERR_NOMEM, ERR_OS. */
enum err_code client_new(const struct client_options *options,
    struct client **out, struct err *err) MUST_USE;
/* NULL is fine.  Calls that are left are dropped: their done() is not called.
 */
void client_free(struct client *c);

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
	/*
	 * Some of the last attempt was sent: with ERR_CANCELLED it may have
	 * been carried out.
	 */
	bool sent;
	/*
	 * Nothing but the end of the connection marked the end of the body:
	 * it may have been cut short.
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
	/* The next bytes of its body, decoded (Content-Encoding).  Optional. */
	enum err_code (*body)(void *arg, struct str bytes, struct err *err);
	/*
	 * How many bytes of the bodies this attempt has sent and received.
	 * Optional.
	 */
	void (*progress)(void *arg, uint64_t sent, uint64_t received);
	/* The last event of each call; what e points to is borrowed. */
	void (*done)(void *arg, const struct call_end *e);
};

/*
 * method, url, fields and body are copied; what file, events and arg point to
 * must outlive the call.
 */
struct call_spec {
	const char *method;
	struct str url; /* absolute, encoded; no user, no fragment */
	const struct header *fields; /* of the request */
	size_t n_fields;
	struct str body; /* used where there is no file */
	const struct call_file *file; /* the body; or NULL */
	bool keyed; /* safe to repeat though its method is not */
	/*
	 * Never repeated where it may have been carried out: the caller looks
	 * first at what is there.
	 */
	bool once;
	int64_t delay; /* ns to wait before the first attempt */
	/*
	 * Part of something that has begun: it begins during CLIENT_DRAIN, too,
	 * unless it has to wait for its delay.
	 */
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
 * May be called from an event.  Where it returns a failure done() is not
 * called: ERR_NOMEM; ERR_BAD_REQUEST: the URL is not one, or not of http or
 * https, or a method or field cannot be sent.
 */
enum err_code client_call(
    struct client *c, const struct call_spec *spec, struct err *err) MUST_USE;

/*
 * Runs until no call is left.  Meanwhile asks stop() at least ten times a
 * second (w or stop may be NULL).  CLIENT_DRAIN: requests that are under way
 * end as usual; calls that wait, and those not begun, but for those that
 * follow, end with ERR_CANCELLED.  CLIENT_ABORT: all calls do.
 */
enum client_stop { CLIENT_GO, CLIENT_DRAIN, CLIENT_ABORT };

struct client_watch {
	enum client_stop (*stop)(void *arg);
	void *arg;
};

void client_run(struct client *c, const struct client_watch *w);

#endif
