/* SPDX-License-Identifier: MIT */
/*
 * What the files of the client share: its queue, the slots that calls run in,
 * what is known of each origin, and the call itself.
 */
#ifndef SHEAF_CLIENT_CLIENT_IMPL_H
#define SHEAF_CLIENT_CLIENT_IMPL_H

#include "base/arena.h"
#include "base/buf.h"
#include "client/client.h"
#include "client/curl_calls.h"

#define CLIENT_JOBS 4
#define CLIENT_MAX_JOBS 256
#define CLIENT_CONNECT_TIMEOUT (INT64_C(30) * 1000 * 1000 * 1000)
#define CLIENT_STALL_TIMEOUT (INT64_C(60) * 1000 * 1000 * 1000)
#define CLIENT_REDIRECTS 10

/* The longest head of an answer that is taken, in bytes. */
#define CLIENT_MAX_HEAD ((size_t)256 * 1024)

/* The longest body that is sent without asking whether it is wanted. */
#define CLIENT_MAX_UNASKED ((uint64_t)64 * 1024)

/*
 * So many bytes of an answer that does not count are read, to keep the
 * connection; one that is longer is broken off.
 */
#define CLIENT_MAX_IGNORED ((uint64_t)1024 * 1024)

/*
 * A server: scheme, host and port, and who we are there.  Found by
 * origin_find(), lives as long as the client.
 */
struct server_origin {
	struct server_origin *next;
	const char *key; /* "https://example.org:443" */
	const char *host;
	struct buf user, password; /* the latter wiped at the end */
	bool has_password;
	bool asked; /* client_options.password was; it may have had none */
	bool basic; /* wants nothing but Basic: the password is sent at once */
	bool negotiates; /* offers Negotiate, and we have no password */
	/*
	 * The first call that sends the password, or NULL.  Until its attempt
	 * is over the others wait: so a wrong password is sent once, and does
	 * not lock the account.
	 */
	struct call *trial;
	bool tried; /* a trial ended */
	bool proven; /* the password was taken */
	bool rejected; /* it was not: never sent again */
};

/* Room for one call that is under way; there are client_options.jobs. */
struct slot {
	/*
	 * Of this attempt alone, or NULL.  One that is used again would keep
	 * too much of the attempt before, where streams share a connection.
	 * The connections are kept by the multi handle.
	 */
	CURL *easy;
	struct call *call; /* NULL: the slot is free */
	bool waiting; /* until call->wake; else its transfer is under way */
	bool parked; /* waits for another call's trial, within its attempt */
};

struct client {
	struct client_options o;
	struct curl_calls curl;
	CURLM *multi;
	struct buf netrc; /* the text of the file */
	struct arena a; /* of the origins */
	struct server_origin *origins;
	struct call *first, **last; /* calls that have no slot yet */
	struct slot *slots;
	unsigned n_slots;
};

/* What to do with an answer, known when its head is whole. */
enum use {
	USE_UNKNOWN,
	USE_DELIVER, /* it is the answer */
	USE_REPEAT, /* send the request again later */
	USE_REDIRECT, /* send it to call->target */
	USE_LOGIN, /* send it again with a password */
};

struct call {
	struct call *next;
	struct client *client;
	struct arena a; /* of copies, and of the URLs of redirects */
	const char *method;
	const char *url; /* where it goes now: redirects change it */
	const char *target; /* where a redirect that is followed leads */
	struct server_origin *origin; /* of url */
	struct curl_slist *fields;
	struct str body;
	const struct call_file *file;
	bool idempotent; /* or keyed: may be repeated */
	bool once, follows, identity; /* as of struct call_spec */
	bool secrets; /* its fields have credentials in them */
	const struct call_events *events;
	void *arg;

	/* Of all attempts. */
	unsigned attempts, redirects;
	bool uncertain_before;
	bool logged_in; /* libcurl was given credentials for url */
	int64_t wake; /* clock_monotonic() of the next attempt */

	/* Of this attempt; call_begin() clears it. */
	struct attempt {
		uint64_t at; /* bytes of the request's body read so far */
		uint64_t sent_bytes, got_bytes; /* of the bodies */
		uint64_t ignored; /* bytes of an answer that does not count */
		int64_t moved; /* clock_monotonic() when a byte last moved */
		bool sent; /* the head of a request was sent */
		bool awaiting; /* and no answer to it has come yet */
		bool authorized; /* the last request had credentials */
		bool stalled; /* nothing moved for stall_timeout */
		bool unproven; /* see struct call_end */
		bool got_body; /* some of the answer that counts */
		unsigned status; /* of the last head; 0: none came */
		bool head_whole; /* the empty line behind it came */
		bool delivered; /* its head was handed out */
		enum use use;
		int64_t retry_after; /* ns; -1: the answer does not say */
		enum err_code failed; /* why an event or the file ended it */
		struct err err; /* of failed */
		char said[CURL_ERROR_SIZE]; /* libcurl's words */
	} now;
	struct buf head_text;
	struct arena head_arena;
	struct answer_head head;
};

/* ---- call.c */

/* Sets easy up for the next attempt of the call. */
enum err_code
call_begin(struct call *call, CURL *easy, struct err *err) MUST_USE;

uint64_t call_body_size(const struct call *call);

void call_free(struct call *call);

/* Breaks off the transfer of a slot, if there is one; the call stays. */
void slot_close(struct client *c, struct slot *s);

/* ---- answer.c */

/* Takes one line of a head, or of a trailer, which is ignored. */
enum err_code
answer_line(struct call *call, struct str line, struct err *err) MUST_USE;

/* Reads the head, which is whole, and decides call->now.use. */
enum err_code answer_judge(struct call *call, struct err *err) MUST_USE;

/* Hands the head to the caller, once. */
enum err_code answer_deliver(struct call *call, struct err *err) MUST_USE;

/* ---- failure.c */

/* Gives a libcurl failure as a code of client.h and as a sentence. */
enum err_code
failure_of(const struct call *call, CURLcode code, struct err *err) MUST_USE;

/* Whether the same request may get further another time. */
bool failure_may_pass(CURLcode code);

/* ---- origin.c */

/*
 * Checks the URL as client_call() says and finds its server.  ERR_BAD_REQUEST,
 * ERR_NOMEM.
 */
enum err_code server_origin_find(struct client *c, const char *url,
    struct server_origin **out, struct err *err) MUST_USE;

/*
 * Asks for the password, where that was not done before; false: there is none.
 * *took: how long that took, in ns.
 */
bool
server_origin_ask(struct client *c, struct server_origin *o, int64_t *took);
void server_origins_done(struct client *c);

/* ---- trace.c */

void trace_request(const struct call *call);
void trace_answer(const struct call *call);
void trace_text(const struct client *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
