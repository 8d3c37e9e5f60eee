/* SPDX-License-Identifier: MIT */
/*
 * One request and its reply, as the methods see them.  The server makes them of
 * an HTTP exchange, bulk/item.c of an item of a batch.
 */
#ifndef SHEAF_DAV_EXCHANGE_H
#define SHEAF_DAV_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"
#include "dav/op.h"
#include "http/headers.h"
#include "http/href.h"
#include "http/method.h"
#include "http/path.h"
#include "outcome/failure_log.h"
#include "store/store.h"

struct request {
	enum method method;
	struct str method_name; /* as sent: METHOD_NONE has many */
	struct rpath path; /* the root for "OPTIONS *" */
	bool slash; /* the target ended in one */
	struct str query; /* behind the target's '?', as sent; or empty */
	struct headers headers;
	struct origin origin;
	struct caller caller;
	bool has_body;
	bool has_length; /* else chunked */
	uint64_t length;
};

struct reply;

/* Part of a body: text, or a piece of the content when text.ptr is NULL. */
struct segment {
	struct str text;
	uint64_t offset;
	uint64_t length;
};

struct reply_ops {
	/*
	 * name and value are copied.  Asserts that the status is not out yet.
	 */
	enum err_code (*header)(
	    struct reply *, struct str name, struct str value);
	/*
	 * A body whose length is not known.  Bytes may be on their way to the
	 * client as soon as they are written.  Who asked for it ends it; a
	 * stream that was not ended is cut short, and the client sees that.
	 */
	enum err_code (*stream)(
	    struct reply *, unsigned status, struct ostream **out);
	/*
	 * A body made of segments of one content, which it takes over, even
	 * when it fails.  segs and what they point to are the request arena's.
	 */
	enum err_code (*content)(struct reply *, unsigned status,
	    struct content *c, const struct segment *segs, size_t n);
	/*
	 * Optional: takes the outcomes of a 207 as they are, in the place of a
	 * body.  Whoever puts them ends the sink, which stays the reply's.
	 */
	enum err_code (*outcomes)(
	    struct reply *, unsigned status, struct sink **out);
	/* No body. */
	enum err_code (*empty)(struct reply *, unsigned status);
	/* Optional: drops all headers of an answer that cannot be given. */
	void (*forget)(struct reply *);
};

/*
 * The status is chosen once: exactly one of reply_stream(), reply_content()
 * and reply_empty() is called, and headers only before it.  status is 0 until
 * then.  For HEAD a method does as for GET, and the server leaves the body out.
 *
 * A header that could not be set fails the call that gives the status, so that
 * nothing is ever sent without it, and a method need not ask each time; then
 * reply_forget() makes room for another answer.
 */
struct reply {
	const struct reply_ops *ops;
	unsigned status;
	enum err_code failed; /* of a header */
};

void reply_init(struct reply *r, const struct reply_ops *ops);
enum err_code reply_header(struct reply *r, struct str name, struct str value);
void reply_forget(struct reply *r);
enum err_code
reply_stream(struct reply *r, unsigned status, struct ostream **out) MUST_USE;
enum err_code reply_content(struct reply *r, unsigned status, struct content *c,
    const struct segment *segs, size_t n) MUST_USE;
enum err_code reply_empty(struct reply *r, unsigned status) MUST_USE;

/* Whether reply_outcomes() is to be called in the place of reply_stream(). */
bool reply_wants_outcomes(const struct reply *r);
enum err_code
reply_outcomes(struct reply *r, unsigned status, struct sink **out) MUST_USE;

/*
 * Everything one exchange needs.  The arena lives until the reply is done.
 *
 * A method runs in two steps.  begin(), when the headers are there and before
 * the body (and before "100 Continue" is sent): it checks what can be checked,
 * and sets body to what shall take the body's bytes; left NULL, any body is
 * refused with 415.  Then the server writes the body there (it does not end the
 * stream) and calls run(), which replies.  When a write fails it answers with
 * body->err instead of calling run(); when the body is cut short it calls
 * neither.  An error that left reply.status 0 is answered by dav_fail(); later
 * it cuts the answer short.  end(), optional, releases what
 * begin() made, whatever happened; it is always called after a begin().
 */
struct exchange {
	const struct request *req;
	struct reply *reply;
	struct store *store;
	const struct dav_settings *set;
	struct log_lines failures; /* one line for each failed member */
	uint64_t failed; /* outcomes that a 207 has told of as failures */
	struct arena *arena;
	struct ostream *body;
	/*
	 * The batch of several requests that become durable together; whoever
	 * began it says when they are.  NULL: this one is durable when run()
	 * returns.
	 */
	struct store_batch *batch;
	/* What the store is to remember with the change; NULL: nothing. */
	const struct record *record;
	/*
	 * What the store remembers of a change of several steps that was begun
	 * under the same key and not ended: this one is to end it.  NULL: none.
	 */
	const struct recalled *begun;
	/*
	 * begin() sets it when run() may take long (walks, syncs to disk): the
	 * server then calls run() on a worker, not on an I/O thread.
	 */
	bool slow;
	/* Whether no other client is connected; NULL: there may be others. */
	bool (*alone)(struct exchange *x);
	/*
	 * Whoever takes the body sets it when piece() is to be called: no more
	 * is written until that has returned; it is false again then.
	 */
	bool full;
	struct body_memos *memos; /* dav_body.h; NULL: there are none */
	struct keys *keys; /* idempotency (dav/keys.h); NULL: there are none */
	/*
	 * For an endpoint that is not in the tree, else NULL and empty: what it
	 * serves with, and its methods, for Allow.
	 */
	const struct bulk_service *service;
	struct str allow;
	void *state; /* the method's own, from the arena */
};

struct bulk_service;
struct keys;

/* Methods that cost less where several are run together: see run_all(). */
enum run_group {
	RUN_ALONE,
	RUN_UPLOADS,
	N_RUN_GROUPS,
};

#define RUN_MOST ((size_t)64) /* in one call of run_all() */

struct method_ops {
	enum err_code (*begin)(struct exchange *x, struct err *err);
	/*
	 * Optional: does what has to be done before more of the body can be
	 * taken; on a worker.  A failure is answered as one of run(), which is
	 * not called then.
	 */
	enum err_code (*piece)(struct exchange *x, struct err *err);
	/*
	 * Optional, where slow was set: does what run() does, if that has to
	 * wait for nothing now that the body is there.  False: nothing was
	 * done.
	 */
	bool (*at_once)(struct exchange *x, enum err_code *rc, struct err *err);
	/*
	 * Optional, both or neither.  group(): the group that this one would
	 * rather be run in, and for how many ns it had better wait for others
	 * of it.  run_all(): runs n of one group.  What comes of x[i] is in
	 * rc[i], and the details of a failure in err[i]; where ran[i] stays
	 * false it would have kept the others waiting, and run() is to do it.
	 */
	enum run_group (*group)(struct exchange *x, int64_t *patience);
	void (*run_all)(struct exchange *const *x, enum err_code *rc,
	    struct err *const *err, bool *ran, size_t n);
	enum err_code (*run)(struct exchange *x, struct err *err);
	void (*end)(struct exchange *x);
};

/*
 * The implementation of a method; never NULL: that of METHOD_NONE says 501, or
 * 405 to a method that is known but not served.
 */
const struct method_ops *dav_method(enum method m);

/* What the operations want to know of it. */
struct op exchange_op(const struct exchange *x);

/*
 * Replies with a failure: status by the error table, the headers that go with
 * it (Allow on 405), and a body that says what was wrong: DAV:error or
 * problem+json, as accepted.  Headers set before it stay.  Works before a
 * begin(), too, as long as req->path holds a path (the root will do).
 */
enum err_code dav_fail(struct exchange *x, const struct err *err) MUST_USE;

#endif
