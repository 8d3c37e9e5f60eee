/* SPDX-License-Identifier: MIT */
/*
 * One request that carries many operations (docs/bulk-api.md, and others' bulk
 * endpoints), and what its answer says of each of them.  The answer is believed
 * as little as any 207: an operation that it does not mention, or mentions
 * twice, or in a way that cannot be read, is unknown.
 */
#ifndef SHEAF_CLIENT_BULK_H
#define SHEAF_CLIENT_BULK_H

#include "client/client.h"
#include "outcome/sink.h"
#include "outcome/verdict.h"
#include "wire/error_read.h"
#include "wire/reader.h"

/* An operation that is sent, and what became of it. */
struct bulk_item {
	struct str id; /* as it is sent; empty: it has none */
	/* What the answer has to call it (_bulk: "index"); empty: anything. */
	struct str op;
	/* May be sent again though nobody knows whether it was carried out. */
	bool repeatable;
	bool keyed; /* it has an idempotency key */
	bool before; /* an earlier request may have carried it out */
	bool deletes; /* so that it is done where nothing is there */
	/* What follows is from the answer; strings are in bulk_match.kept. */
	bool mentioned, twice;
	struct verdict v;
	struct str href; /* where the resource is now, encoded */
	struct str caused_by; /* of a 424: the id of what it waited for */
	struct str answer; /* all that was said of it, in JSON; or empty */
	bool omitted; /* answer is empty for want of room: BULK_KEPT */
	bool replayed; /* answered from what the server remembers */
	bool again; /* to be sent again now */
};

/* ---- the answer, item by item; pure */

/*
 * Bytes of answers that bulk_match.keep keeps: a thousand bodies may be more
 * than there is memory.  What is omitted can be read by a request of its own.
 */
#define BULK_KEPT ((size_t)64 << 20)

/* Puts what an answer says of items into these items. */
struct bulk_match {
	struct sink base;
	struct bulk_item *items;
	size_t n;
	struct arena *kept;
	/*
	 * Every item has an id of its own, by which the answer names it; else
	 * the answer has them in their order, or with their index.
	 */
	bool by_id;
	bool keep; /* fill in bulk_item.answer */
	size_t n_kept; /* bytes of these */
	/* Takes a member of an item, which failed.  Optional. */
	void (*member)(void *arg, size_t item, const struct outcome *o);
	void *arg;
	/* What has been found. */
	size_t *slots, n_slots; /* hash table of ids: index + 1, or 0 */
	size_t place; /* how many items the answer had so far */
	size_t last; /* the item that members belong to; n: none */
	size_t mentioned; /* items that the answer names */
	struct str odd; /* names the first that was not sent, or comes twice */
	bool misplaced; /* there are more than were sent, or another op */
};

/* Set what stands above `What has been found` before.  ERR_NOMEM. */
enum err_code bulk_match_init(struct bulk_match *m, struct err *err) MUST_USE;
void bulk_match_done(struct bulk_match *m);

/* What an answer comes to as a whole. */
enum bulk_finding {
	BULK_ANSWERED, /* it says what became of some items at least */
	BULK_TOO_LARGE, /* 413: send less at a time */
	BULK_SLOW, /* 408, 425, 429, 503: send it later, and more slowly */
	/* Items may have been done: no answer, an unreadable one, 500, 502. */
	BULK_LOST,
	BULK_UNREACHED, /* nothing was sent */
	BULK_REFUSED, /* no item was begun, because of what is in the request */
	BULK_HOPELESS, /* nor will any other request be: 401, 404, 405 ... */
	BULK_CANCELLED, /* nothing was sent: client_run() was stopped */
};

struct bulk_reply {
	enum err_code rc; /* struct call_end */
	struct err err;
	unsigned status;
	bool sent;
	bool was_read; /* the body was read as a list of items: */
	struct reading reading;
	int64_t wait; /* of Retry-After, in ns; -1: none */
	struct error_read said; /* what the body of a failure says as a whole */
};

/*
 * Decides every item's verdict and whether it is to be sent again.  *what: for
 * people, what is wrong with the answer as a whole; NULL: nothing.
 */
enum bulk_finding
bulk_judge(const struct bulk_reply *r, struct bulk_match *m, const char **what);

/* ---- the request */

struct bulk_spec {
	struct str url; /* absolute, encoded */
	struct str body, content_type;
	struct str key; /* Idempotency-Key; empty: none */
	bool keyed; /* to send it twice does no more than once */
	bool follows; /* as of struct call_spec */
	struct bulk_match *match; /* must outlive the call */
	void (*progress)(void *arg, uint64_t sent, uint64_t received);
	/* The last event; r is borrowed. */
	void (*done)(void *arg, const struct bulk_reply *r);
	void *arg;
};

/* As client_call().  body is copied. */
enum err_code bulk_start(
    struct client *c, const struct bulk_spec *spec, struct err *err) MUST_USE;

#endif
