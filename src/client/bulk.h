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
	/* As struct call_spec has it: it may be sent again though unknown. */
	bool repeatable;
	bool keyed;
	bool before; /* it may have been carried out by an earlier request */
	bool deletes; /* that it is not there is what was wanted */
	/* What follows is the answer's; strings are in the arena. */
	bool mentioned, twice;
	struct verdict v; /* text, error and etag as well */
	struct str href; /* where it is now, encoded */
	struct str caused_by; /* of a 424 */
	struct str
	    answer; /* all that was said of it, in JSON: bulk_match.keep */
	bool omitted; /* that was too much */
	bool replayed;
	bool again; /* it is worth sending once more, now */
};

/* ---- the answer, item by item; pure */

/* A thousand bodies may be too much for memory: those that are not kept can be
 * read by themselves. */
#define BULK_KEPT ((size_t)64 << 20)

struct bulk_match {
	struct sink base;
	struct bulk_item *items;
	size_t n;
	struct arena *kept;
	/*
	 * Every item has an id of its own, and the answer names them; else it
	 * has them in their order, or with their index.
	 */
	bool by_id;
	bool keep; /* what was said of each, of all up to BULK_KEPT bytes */
	size_t n_kept;
	/* A member of an item that failed.  Optional. */
	void (*member)(void *arg, size_t item, const struct outcome *o);
	void *arg;
	/* What has been found. */
	size_t *slots, n_slots; /* of ids; index + 1, or 0 */
	size_t place; /* items so far */
	size_t last; /* the item that members belong to; n: none */
	size_t mentioned;
	struct str odd; /* the first that was not sent, or twice */
	bool misplaced; /* more of them than were sent, or another op's */
};

/* Set items, n, kept, by_id and member before.  ERR_NOMEM. */
enum err_code bulk_match_init(struct bulk_match *m, struct err *err) MUST_USE;
void bulk_match_done(struct bulk_match *m);

/* What an answer comes to as a whole. */
enum bulk_finding {
	BULK_ANSWERED, /* for each of them, or for some */
	BULK_TOO_LARGE, /* 413: less at a time */
	BULK_SLOW, /* 408, 425, 429, 503: later, and more slowly */
	BULK_LOST, /* no answer came, or none that can be read, or 500, 502 */
	BULK_UNREACHED, /* nothing was sent */
	BULK_REFUSED, /* none of them was begun, for what stands in it */
	BULK_HOPELESS, /* nor will any other be: 401, 403, 404, 405 ... */
	BULK_CANCELLED,
};

struct bulk_reply {
	enum err_code rc; /* struct call_end */
	struct err err;
	unsigned status;
	bool sent;
	bool was_read; /* the body is a list of items: */
	struct reading reading;
	int64_t wait; /* of Retry-After; -1 */
	struct error_read said; /* else */
};

/*
 * Settles every item's verdict and whether it goes again.  what: for people,
 * what was odd about the answer as a whole; NULL: nothing.
 */
enum bulk_finding
bulk_judge(const struct bulk_reply *r, struct bulk_match *m, const char **what);

/* ---- the request */

struct bulk_spec {
	struct str url; /* absolute, encoded */
	struct str body, content_type;
	struct str key; /* Idempotency-Key; empty: none */
	bool keyed; /* its operations are: twice is once */
	bool follows; /* as of struct call_spec */
	struct bulk_match *match; /* must outlive the call */
	void (*progress)(void *arg, uint64_t sent, uint64_t received);
	/* Once, the last; r is borrowed. */
	void (*done)(void *arg, const struct bulk_reply *r);
	void *arg;
};

/* As client_call().  body is copied. */
enum err_code bulk_start(
    struct client *c, const struct bulk_spec *spec, struct err *err) MUST_USE;

#endif
