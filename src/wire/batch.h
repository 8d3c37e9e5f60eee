/* SPDX-License-Identifier: MIT */
/*
 * Reads the body of a bulk request (docs/bulk-api.md): JSON, NDJSON, or
 * multipart/mixed of application/http, in pieces as they come.  What stands in
 * it is checked for its form here (types, names, limits); what it means to the
 * tree (paths, ids, dependencies) is bulk/'s.
 *
 * Operations come in windows: all of a JSON batch is one; a stream has as many
 * as it takes.  Memory is that of a window.
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
 * By Content-Type, its parameters included; false: none of them.  boundary is
 * borrowed of the value.
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
 * One operation as it was sent; in the arena of its window.  Text that was not
 * sent has ptr NULL.
 */
struct batch_item {
	uint64_t index; /* from 0, in the whole batch */
	struct str id; /* never empty: the index as text by default */
	enum batch_op op;
	struct str method; /* where op is BATCH_OP_NONE; as sent */
	struct str url, destination;
	struct str if_match, if_none_match, lock_token, depth;
	bool has_overwrite, overwrite;
	struct str idempotency_key;
	struct str group; /* atomicityGroup */
	const struct str *depends_on;
	size_t n_depends_on;
	struct headers headers; /* its own, defaults left out */
	bool has_body;
	struct str body; /* as the single request would carry it */
	/*
	 * The type a JSON body has by its JSON form where no header says one:
	 * application/json, text/plain; charset=utf-8, or
	 * application/octet-stream for base64.
	 */
	struct str body_type;
	/* The parser's own: a string whose type is not known yet, as JSON. */
	struct str body_sent;
	/*
	 * What stands for the body in an item's fingerprint: of JSON what it
	 * means, else the SHA-256 of its bytes.  Of an item with a key, and
	 * where BATCH_PRINTS_ITEMS was asked for; else, and of no body, empty.
	 */
	struct str body_print, body_sum;
	/*
	 * What was wrong with its form: then only index and id, as far as
	 * known, are there.  tell begins with the JSON pointer, or the part's
	 * number:
	 * "/operations/700/url: ...", and names the limit that was passed.
	 */
	const struct err *bad; /* NULL: nothing */
};

struct batch_window {
	struct arena arena;
	struct batch_item *v;
	size_t n, cap;
	size_t bytes; /* of what its items hold */
};

/* Forgets its items. */
void batch_window_clear(struct batch_window *w);

struct batch_parser;

/*
 * limits is borrowed.  big: NULL, or what takes a part of a multipart body that
 * is longer than limits->inline_part: it is told of the item (without body) and
 * gives the stream for its bytes, which the parser writes and does not end;
 * then end() is called, when all of it has come; bad: NULL, or why it is no
 * good. Before begin() is called the window is full: its owner runs it in
 * begin().
 */
struct batch_big {
	enum err_code (*begin)(void *arg, const struct batch_item *item,
	    struct ostream **to, struct err *err);
	enum err_code (*end)(void *arg, const struct err *bad, struct err *err);
	void *arg;
};

enum err_code batch_parser_new(enum batch_form form, struct str boundary,
    const struct batch_limits *limits, const struct batch_big *big,
    struct batch_parser **out, struct err *err) MUST_USE;

/*
 * Which prints are wanted, before the first byte.  They are a third of what
 * reading a batch costs, so it begins with none: who has no key needs none.
 */
enum batch_prints {
	BATCH_PRINTS_NONE,
	BATCH_PRINTS_ITEMS, /* of each item: the batch has a key */
	BATCH_PRINTS_ALL, /* and of the whole */
};
void batch_parser_keep_prints(struct batch_parser *p, enum batch_prints prints);

/*
 * Reads on; items go to the window, whose owner may clear it between two calls.
 * ERR_BAD_BODY, ERR_TOO_LARGE (of the whole: it names the limit): no more can
 * be read; sticks.  In a stream a malformed line or part is an item with bad
 * set, and the rest is read on.  A JSON batch has no such items: it is
 * malformed as a whole, and err->tell says where.
 */
enum err_code batch_parser_feed(
    struct batch_parser *p, struct str bytes, struct err *err) MUST_USE;

/* No more will come.  ERR_BAD_BODY: it is cut short, or has no operations. */
enum err_code
batch_parser_end(struct batch_parser *p, struct err *err) MUST_USE;

/* Known when the first item is there; a JSON batch's at its end. */
const struct batch_head *batch_parser_head(const struct batch_parser *p);

struct batch_window *batch_parser_window(struct batch_parser *p);

/* Of a stream: the window is as long as the limits let it be. */
bool batch_parser_is_full(const struct batch_parser *p);

/*
 * SHA-256 of all that was asked for, however it was written; after
 * batch_parser_end(), where BATCH_PRINTS_ALL was asked for.
 */
struct str batch_parser_print(const struct batch_parser *p);

void batch_parser_free(struct batch_parser *p); /* NULL is fine */

#endif
