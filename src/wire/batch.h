/* SPDX-License-Identifier: MIT */
/*
 * Reads the body of a bulk request (docs/bulk-api.md): JSON, NDJSON, or
 * multipart/mixed of application/http, in pieces as they come.  Its form
 * (types, names, limits) is checked here; what it means to the tree (paths,
 * ids, dependencies) is checked in bulk/.
 *
 * Operations are read into a window, which the caller carries out and clears.
 * A JSON batch is one window; a stream (the other two forms) is as many as it
 * takes.  No more than a window is in memory.
 */
#ifndef SHEAF_WIRE_BATCH_H
#define SHEAF_WIRE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"
#include "http/headers.h"
#include "http/method.h"

/* Every limit, its default and its name: see batch_limits.def. */
struct batch_limits {
#define LIMIT(field, name, value, doc) uint64_t field;
#include "wire/batch_limits.def"
#undef LIMIT
};

extern const struct batch_limits batch_limits_default;

enum batch_form {
	BATCH_JSON,
	BATCH_LINES, /* NDJSON, JSON lines, and JSON text sequences (RFC 7464)
		      */
	BATCH_MULTIPART, /* RFC 2046 s5.1.3, RFC 9112 s10.1 */
};

/*
 * The form of a body by its Content-Type; false: none of them.  *boundary: of
 * BATCH_MULTIPART, borrowed from content_type.
 */
bool batch_form_of(struct str content_type, enum batch_form *form,
    struct str *boundary) MUST_USE;

enum batch_mode { BATCH_INDEPENDENT, BATCH_VALIDATE_FIRST, BATCH_ATOMIC };

/* The members beside "operations", or the first line's "batch". */
struct batch_head {
	enum batch_mode mode;
	bool dry_run;
	uint64_t fail_on_errors; /* 0: never stop */
	struct headers defaults; /* for operations that do not say otherwise */
};

enum batch_op {
	BATCH_OP_NONE, /* it has a method instead */
	BATCH_OP_CREATE,
	BATCH_OP_READ,
	BATCH_OP_UPDATE,
	BATCH_OP_UPSERT,
	BATCH_OP_PATCH,
	BATCH_OP_DELETE,
	BATCH_OP_COPY,
	BATCH_OP_MOVE,
	BATCH_OP_MKCOL,
	BATCH_OP_PROPPATCH,
	BATCH_OP_PROPFIND,
};

/*
 * One operation as it was sent.  Its strings are in the arena of the window.
 * Text that was not sent has ptr NULL.
 */
struct batch_item {
	uint64_t index; /* from 0, in the whole batch */
	struct str id; /* never empty: where none was sent, the index */
	enum batch_op op;
	struct str method; /* where op is BATCH_OP_NONE; as sent */
	struct str url, destination;
	struct str if_match, if_none_match, lock_token, depth;
	bool has_overwrite, overwrite;
	struct str idempotency_key;
	struct str group; /* atomicityGroup */
	const struct str *depends_on;
	size_t n_depends_on;
	struct headers headers; /* its own, without the batch's defaults */
	bool has_body;
	struct str body; /* as the single request would carry it */
	/*
	 * The media type of a body in JSON where no header gives one:
	 * application/json, text/plain; charset=utf-8, or
	 * application/octet-stream for base64.
	 */
	struct str body_type;
	/*
	 * For the parser alone: the body as JSON, if it is a string of which it
	 * is not known yet whether it is text or JSON.
	 */
	struct str body_sent;
	/*
	 * What stands for the body in the item's fingerprint: body_print, of
	 * what JSON or properties mean, or body_sum, the SHA-256 of the bytes.
	 * Only of an item with a key, or where batch_parser_keep_prints() asked
	 * for it; else, and where there is no body, both are empty.
	 */
	struct str body_print, body_sum;
	/*
	 * What was wrong with its form; NULL: nothing.  Then only index and id
	 * are set.  tell begins with the place, "line 7: /url: ...", and names
	 * the limit that was passed.
	 */
	const struct err *bad;
};

struct batch_window {
	struct arena arena;
	struct batch_item *v; /* n of them, with memory for cap */
	size_t n, cap;
	size_t bytes; /* what its items hold, about */
};

/* Forgets its items, and keeps some memory. */
void batch_window_clear(struct batch_window *w);

struct batch_parser;

/*
 * Takes the bodies of multipart parts that are longer than limits->inline_part,
 * and so are not kept in the window.
 */
struct batch_big {
	/*
	 * A part whose body is too long begins.  item is without it; *to is
	 * where the parser will write it, without ending it; NULL: nobody wants
	 * it.  The item is not put into the window: what is in there comes
	 * before it, and is for begin() to carry out.
	 */
	enum err_code (*begin)(void *arg, const struct batch_item *item,
	    struct ostream **to, struct err *err);
	/* The part is over.  bad: what was wrong with it; NULL: nothing. */
	enum err_code (*end)(void *arg, const struct err *bad, struct err *err);
	void *arg;
};

/*
 * limits is borrowed, boundary and big are copied.  big may be NULL: parts that
 * are too long are items with bad set.
 */
enum err_code batch_parser_new(enum batch_form form, struct str boundary,
    const struct batch_limits *limits, const struct batch_big *big,
    struct batch_parser **out, struct err *err) MUST_USE;

/*
 * Says, before the first byte, which fingerprints are wanted.  They are a third
 * of what reading a batch costs, so that without this there are none but those
 * of items with keys.
 */
enum batch_prints {
	BATCH_PRINTS_NONE,
	BATCH_PRINTS_ITEMS, /* of each item, for a batch with a key */
	BATCH_PRINTS_ALL, /* and of the whole batch */
};
void batch_parser_keep_prints(struct batch_parser *p, enum batch_prints prints);

/*
 * Reads on.  Items go to the window, which the caller may clear between two
 * calls.  ERR_BAD_BODY, or ERR_TOO_LARGE (err->tell names the limit), where no
 * more can be read; that sticks.  In a stream a malformed line or part is an
 * item with bad set, and the rest is read.  A JSON batch has no such items: it
 * is malformed as a whole, and err->tell says where.
 */
enum err_code batch_parser_feed(
    struct batch_parser *p, struct str bytes, struct err *err) MUST_USE;

/* No more will come.  ERR_BAD_BODY: it is cut short, or has no operations. */
enum err_code
batch_parser_end(struct batch_parser *p, struct err *err) MUST_USE;

/*
 * What is said of all operations: known with the first item; of JSON at the
 * end.
 */
const struct batch_head *batch_parser_head(const struct batch_parser *p);

struct batch_window *batch_parser_window(struct batch_parser *p);

/*
 * Whether the window of a stream is to be carried out before more is read.  Of
 * a batch that has to be read whole it never is.
 */
bool batch_parser_is_full(const struct batch_parser *p);

/*
 * The SHA-256 of all that was asked for, however it was written, in
 * hexadecimal; after batch_parser_end(), where BATCH_PRINTS_ALL was asked for.
 */
struct str batch_parser_print(const struct batch_parser *p);

void batch_parser_free(struct batch_parser *p); /* NULL is fine */

#endif
