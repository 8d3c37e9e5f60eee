/* SPDX-License-Identifier: MIT */
/*
 * One request and its reply, as the methods see them.  The server makes them
 * of an HTTP exchange; bulk will make them of an item.
 */
#ifndef SHEAF_DAV_EXCHANGE_H
#define SHEAF_DAV_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"
#include "http/headers.h"
#include "http/href.h"
#include "http/method.h"
#include "http/path.h"
#include "outcome/failure_log.h"
#include "store/store.h"

/* Who asks; an empty name is nobody in particular. */
struct caller {
	struct str user;
};

/*
 * Settings that methods obey.  One table (server/config.def) has their
 * defaults, ranges and documentation.
 */
struct dav_settings {
	uint64_t max_upload; /* bytes of a PUT; 0: no limit */
	size_t max_xml; /* bytes of an XML body */
	unsigned max_depth; /* nesting of an XML body */
	bool finite_depth; /* refuse PROPFIND Depth: infinity */
	const struct mime *mime; /* content types by name (http/mime.h) */
};

struct request {
	enum method method;
	struct rpath path;
	bool slash; /* the target ended in one */
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
	 * client as soon as they are written.
	 */
	enum err_code (*stream)(
	    struct reply *, unsigned status, struct ostream **out);
	/* A body made of segments of one content, which it takes over. */
	enum err_code (*content)(struct reply *, unsigned status,
	    struct content *c, const struct segment *segs, size_t n);
	/* No body. */
	enum err_code (*empty)(struct reply *, unsigned status);
};

/*
 * The status is chosen once: exactly one of reply_stream(), reply_content()
 * and reply_empty() is called, and headers only before it.  status is 0 until
 * then.  For HEAD a method does as for GET, and the server leaves the body out.
 */
struct reply {
	const struct reply_ops *ops;
	unsigned status;
};

void reply_init(struct reply *r, const struct reply_ops *ops);
enum err_code reply_header(struct reply *r, struct str name, struct str value);
enum err_code
reply_stream(struct reply *r, unsigned status, struct ostream **out) MUST_USE;
enum err_code reply_content(struct reply *r, unsigned status, struct content *c,
    const struct segment *segs, size_t n) MUST_USE;
enum err_code reply_empty(struct reply *r, unsigned status) MUST_USE;

/*
 * Everything one exchange needs.  The arena lives until the reply is done.
 *
 * A method runs in two steps.  begin(), when the headers are there and before
 * the body (and before "100 Continue" is sent): it checks what can be checked,
 * and sets body to what shall take the body's bytes; left NULL, any body is
 * refused with 415.  Then the server writes the body there, and calls run(),
 * which replies.  An error from either that left reply.status 0 is answered by
 * dav_fail(); later it cuts the answer short.  end(), optional, releases what
 * begin() made, whatever happened; it is always called after a begin().
 */
struct exchange {
	const struct request *req;
	struct reply *reply;
	struct store *store;
	const struct dav_settings *set;
	struct log_lines failures; /* one line for each failed member */
	struct arena *arena;
	struct ostream *body;
	/*
	 * begin() sets it when run() may take long (walks, syncs to disk): the
	 * server then calls run() on a worker, not on an I/O thread.
	 */
	bool slow;
	void *state; /* the method's own, from the arena */
};

struct method_ops {
	enum err_code (*begin)(struct exchange *x, struct err *err);
	enum err_code (*run)(struct exchange *x, struct err *err);
	void (*end)(struct exchange *x);
};

/* The implementation of a method, or NULL where there is none. */
const struct method_ops *dav_method(enum method m);

/*
 * Replies with a failure: status and headers by the error table, and a body
 * that says what was wrong: DAV:error or problem+json, as accepted.
 */
enum err_code dav_fail(struct exchange *x, const struct err *err) MUST_USE;

#endif
