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

/* Bytes of one answer's head. */
#define CLIENT_MAX_HEAD ((size_t)256 * 1024)

/* Of a body that is sent without asking whether it is wanted. */
#define CLIENT_MAX_UNASKED ((uint64_t)64 * 1024)

/* Of the body of an answer that does not count; then it is broken off. */
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
	bool asked; /* for a password; there may be none */
	bool basic; /* challenges with nothing else: sent at once */
	bool negotiates; /* offers Negotiate, and we have no password */
	/*
	 * The first call that may show the password; until its attempt is over
	 * the others wait, so that a wrong one is shown once, and no account
	 * is locked for it.
	 */
	struct call *trial;
	bool tried; /* a trial ended */
	bool proven; /* the password was taken */
	bool rejected; /* it was not: never shown again */
};

struct slot {
	/*
	 * Of this attempt: reset, it would keep too much of the one before
	 * where streams share a connection.  Connections are the multi's.
	 */
	CURL *easy;
	struct call *call; /* NULL: free */
	bool waiting; /* for call->wake; else its transfer is under way */
	bool parked; /* waits for the trial of another; no new attempt */
};

struct client {
	struct client_options o;
	struct curl_calls curl;
	CURLM *multi;
	struct buf netrc; /* the file */
	struct arena a; /* of the origins */
	struct server_origin *origins;
	struct call *first, **last; /* the queue */
	struct slot *slots;
	unsigned n_slots;
};

/* What to do with an answer, known when its head is whole. */
enum use {
	USE_UNKNOWN,
	USE_DELIVER, /* it is the answer */
	USE_REPEAT, /* ask again later */
	USE_REDIRECT, /* ask call->target */
	USE_LOGIN, /* ask again with a password */
};

struct call {
	struct call *next;
	struct client *client;
	struct arena a; /* what is copied, and the URLs it is led to */
	const char *method;
	const char *url; /* in force */
	const char *target; /* of a redirect that will be followed */
	struct server_origin *origin; /* of url */
	struct curl_slist *fields;
	struct str body;
	const struct call_file *file;
	bool idempotent; /* or keyed: may be repeated */
	bool once; /* not if it may have been carried out */
	bool follows;
	bool identity;
	bool secrets; /* its fields have credentials in them */
	const struct call_events *events;
	void *arg;

	/* Of all attempts. */
	unsigned attempts, redirects;
	bool uncertain_before;
	bool logged_in; /* with a password */
	int64_t wake;

	/* Of this one; cleared by call_begin(). */
	struct attempt {
		uint64_t at; /* in the body */
		uint64_t sent_bytes, got_bytes, ignored;
		int64_t moved; /* when bytes last did */
		bool sent; /* some of a request's head went out */
		bool awaiting; /* and no answer came to it yet */
		bool authorized; /* the last request had credentials */
		bool stalled;
		bool unproven;
		bool got_body;
		unsigned status; /* of the last head */
		bool head_whole;
		bool delivered;
		enum use use;
		int64_t retry_after; /* -1: not said */
		enum err_code failed; /* by an event or the file */
		struct err err;
		char said[CURL_ERROR_SIZE];
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

/*
 * The last of it: tells the caller how it ended, and frees it.  err may be
 * NULL.
 */
void call_end(struct call *call, enum err_code rc, const struct err *err);
void call_free(struct call *call);

/* Ends what is under way in it, if anything is. */
void slot_close(struct client *c, struct slot *s);

/* ---- answer.c */

/* One line of a head, or of a trailer. */
enum err_code
answer_line(struct call *call, struct str line, struct err *err) MUST_USE;

/* Reads the head that is whole and says what to do with the answer. */
enum err_code answer_judge(struct call *call, struct err *err) MUST_USE;

/* Hands the head to the caller, once. */
enum err_code answer_deliver(struct call *call, struct err *err) MUST_USE;

/* ---- failure.c */

/* What ended an attempt, in the words of client.h and for a person. */
enum err_code
failure_of(const struct call *call, CURLcode code, struct err *err) MUST_USE;

/* Whether the same again may get further; for codes that are failures. */
bool failure_may_pass(CURLcode code);

/* ---- origin.c */

/*
 * Checks the URL as client_call() says and finds its server.  ERR_BAD_REQUEST,
 * ERR_NOMEM.
 */
enum err_code server_origin_find(struct client *c, const char *url,
    struct server_origin **out, struct err *err) MUST_USE;

/*
 * Asks for the password; false when there is none.  *took: how long a person
 * needed.
 */
bool
server_origin_ask(struct client *c, struct server_origin *o, int64_t *took);
void server_origins_done(struct client *c);

/* ---- trace.c */

void trace_request(const struct call *call);
void trace_answer(const struct call *call);
void trace_text(const struct client *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
