/* SPDX-License-Identifier: MIT */
/*
 * The operations: what becomes of a tree of resources.  They put outcomes into
 * a sink and know nothing of HTTP; the methods call them, for single requests
 * and for the items of a batch.
 *
 * What fails for one resource is its outcome, and the operation goes on with
 * the others.  An operation returns an error only when it could not go on, or
 * when its root failed and nothing at all was done.  Only after ERR_OK has the
 * sink been ended.
 */
#ifndef SHEAF_DAV_OP_H
#define SHEAF_DAV_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "http/path.h"
#include "outcome/sink.h"
#include "store/store.h"
#include "wire/dav_body.h"

/* Who asks; the empty name is nobody in particular. */
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
	int64_t idempotency_ttl; /* ns that a key is remembered; 0: a day */
	int64_t lock_timeout; /* ns; the longest a lock may be granted */
	const struct mime *mime; /* content types by name (http/mime.h) */
};

/* Everything is borrowed.  The arena lives as long as the request. */
struct op {
	struct store *store;
	const struct caller *caller;
	const struct dav_settings *set;
	struct arena *arena;
	struct store_batch *batch; /* of the changes of many; NULL: none */
	bool batch_is_callers; /* op_batch_end() leaves it alone */
	const struct lock_tokens *tokens; /* submitted; NULL: none */
	struct str prefix; /* of hrefs, where clients see the root */
};

/*
 * The guard of a change that only needs the tokens: of a member, to which no
 * condition applies.
 */
struct guard op_tokens(const struct op *op);

/*
 * Sets *out to op with a batch for changes at root and below it: op's own,
 * which its owner ends; or else a new one, whose changes are durable when
 * op_batch_end() has returned.  That takes in rc what became of the operation,
 * and returns it unless ending the batch failed.
 */
enum err_code op_batch_begin(const struct op *op, struct rpath root,
    struct op *out, struct err *err) MUST_USE;
enum err_code
op_batch_end(const struct op *op, enum err_code rc, struct err *err) MUST_USE;

/* What somebody may want to do to a resource. */
enum access {
	ACCESS_READ, /* its bytes, its properties, its members' names */
	ACCESS_WRITE, /* bytes or properties, or to come into being */
	ACCESS_REMOVE,
};

/*
 * The one question who may do what.  It is asked for every resource that an
 * operation meets, before it is touched: ERR_OK or ERR_FORBIDDEN.  Until there
 * are users everyone may do everything.
 */
enum err_code op_may(const struct op *op, enum access access, struct rpath path,
    struct err *err) MUST_USE;

/*
 * The same of a resource and everything below it, for what the store does to
 * a tree in one step.
 */
enum err_code op_may_tree(const struct op *op, enum access access,
    struct rpath root, struct err *err) MUST_USE;

/*
 * MKCOL (RFC 4918 s9.3).  As store_mkcol(); never an outcome, since there is
 * one resource.
 */
enum err_code op_mkcol(const struct op *op, struct rpath path,
    const struct guard *g, struct err *err) MUST_USE;

/*
 * DELETE (RFC 4918 s9.6.1).  One outcome for each member that could not be
 * removed and none for those that could, nor for the ancestors of a kept
 * member: nothing put means all is gone.  A collection that is locked with all
 * that is in it is named once, and not its members.  g is asked about the root,
 * and its locks are, before anything is removed.
 *
 * The tree's root itself cannot be removed: ERR_FORBIDDEN, and none of its
 * members is touched.
 */
enum err_code op_delete(const struct op *op, struct rpath root,
    const struct guard *g, struct sink *out, struct err *err) MUST_USE;

struct transfer {
	struct rpath from, to;
	bool overwrite; /* else ERR_PRECONDITION where something is mapped */
	bool shallow; /* COPY with Depth: 0: without members */
	const struct guard *guard; /* asked about `to`; may be NULL */
	/*
	 * The same transfer was begun before and not ended (record.begins):
	 * what it made at `to` is its own, and no obstacle.  NULL: it was not.
	 */
	const struct recalled *begun;
};

/*
 * How a guard's record is remembered: op_delete() has it remembered with the
 * last step, the removal of the root.  op_copy() and op_move(), where they take
 * several steps, have it begin with the first, and say when all is done without
 * a failure.
 */

/*
 * COPY (RFC 4918 s9.8).  One outcome for each resource that could not be
 * copied (by the URL that is the cause, source or destination), and for each
 * old member of the destination that should have gone and did not.  What the
 * source could not give stays at the destination as it was, and so does what is
 * locked there.  The order of things, and why, is in
 * docs/design/copy-overwrite.md.
 *
 * ERR_SELF when one of the two paths is the other or above it.  *created:
 * nothing was mapped at `to` before.
 */
enum err_code op_copy(const struct op *op, const struct transfer *t,
    struct sink *out, bool *created, struct err *err) MUST_USE;

/*
 * MOVE (RFC 4918 s9.9), in one step where the store can.  Where locks of
 * members are in the way it renames what can be renamed, in pieces as large as
 * may be; across file systems it copies, then removes, member by member.  An
 * outcome names each member that is still at the source, or still in the way at
 * the destination, and none of its ancestors; none is ever lost.
 */
enum err_code op_move(const struct op *op, const struct transfer *t,
    struct sink *out, bool *created, struct err *err) MUST_USE;

/*
 * The same, where it is one rename to where nothing is, and waits for nobody.
 * False: nothing was done, for whatever reason.
 */
bool op_move_at_once(const struct op *op, const struct transfer *t);

/* Most properties one PROPFIND or PROPPATCH may name: else ERR_TOO_LARGE. */
#define OP_PROPS_MAX 1000

struct propfind {
	const struct propfind_body *what;
	enum depth depth;
	bool noroot; /* Prefer: depth-noroot (RFC 8144 s3) */
	const struct resource *known; /* the root, if it was just asked for */
	bool at_once; /* ERR_BUSY, and no outcome, if it would have to wait */
};

/*
 * PROPFIND (RFC 4918 s9.1).  One outcome for each resource; one that could not
 * be read has the status that says why.  Memory does not grow with the number
 * of members.
 */
enum err_code op_propfind(const struct op *op, struct rpath root,
    const struct propfind *q, struct sink *out, struct err *err) MUST_USE;

/*
 * PROPPATCH (RFC 4918 s9.2): all changes or none.  One outcome, which names
 * each property once, with 200 or with what it failed of.  An error, and no
 * outcome, where no property is to blame.
 */
enum err_code op_proppatch(const struct op *op, struct rpath path,
    const struct proppatch_body *what, const struct guard *g, struct sink *out,
    struct err *err) MUST_USE;

#endif
