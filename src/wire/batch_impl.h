/* SPDX-License-Identifier: MIT */
/* What the readers of a batch's three forms share; for wire/ alone. */
#ifndef SHEAF_WIRE_BATCH_IMPL_H
#define SHEAF_WIRE_BATCH_IMPL_H

#include <jansson.h>
#include <nettle/sha2.h>

#include "base/buf.h"
#include "wire/batch.h"
#include "wire/json_split.h"

/*
 * The place in a batch that a message is about; batch_place_text() makes the
 * words it begins with.  All zero is the batch as a whole, without words.
 */
struct batch_place {
	enum { PLACE_WHOLE, PLACE_OPERATION, PLACE_LINE, PLACE_PART } of;
	uint64_t number;
};

/* "/operations/7", a JSON pointer; or "line 7: ", "part 7: ". */
struct batch_place_text {
	char text[48];
};
struct batch_place_text batch_place_text(const struct batch_place *at);

/* How a body of one form is read. */
struct batch_form_ops {
	enum err_code (*feed)(
	    struct batch_parser *p, struct str bytes, struct err *err);
	enum err_code (*end)(struct batch_parser *p, struct err *err);
	void (*free)(struct batch_parser *p);
};

/*
 * The members of an operation, as bits: which were seen, and which an op allows
 * or needs.
 */
enum batch_member {
	BATCH_MEMBER_ID = 1 << 0,
	BATCH_MEMBER_OP = 1 << 1,
	BATCH_MEMBER_METHOD = 1 << 2,
	BATCH_MEMBER_URL = 1 << 3,
	BATCH_MEMBER_HEADERS = 1 << 4,
	BATCH_MEMBER_LOCK_TOKEN = 1 << 5,
	BATCH_MEMBER_KEY = 1 << 6,
	BATCH_MEMBER_DEPENDS_ON = 1 << 7,
	BATCH_MEMBER_GROUP = 1 << 8,
	BATCH_MEMBER_MATCH = 1 << 9,
	BATCH_MEMBER_NONE_MATCH = 1 << 10,
	BATCH_MEMBER_BODY = 1 << 11,
	BATCH_MEMBER_ENCODING = 1 << 12,
	BATCH_MEMBER_TO = 1 << 13,
	BATCH_MEMBER_OVERWRITE = 1 << 14,
	BATCH_MEMBER_DEPTH = 1 << 15,
	BATCH_MEMBER_PROPS = 1 << 16,
	BATCH_MEMBER_REMOVE = 1 << 17,
	/* Not members: what an op cannot be without. */
	BATCH_MEMBER_NEEDS_BODY = 1 << 18, /* body, props, or remove */
	BATCH_MEMBER_NEEDS_TO = 1 << 19, /* destination */
};

struct batch_row;

/*
 * An item in JSON that is being put together from its members.  In a stream it
 * is made in an arena of its own, since the window may be cleared while it is
 * half read.
 */
struct batch_maker {
	struct arena own;
	struct arena *arena; /* &own, or the window's */
	const struct batch_row *row; /* of the member that is being read */
	struct batch_item item;
	struct batch_place at;
	unsigned seen; /* members so far: enum batch_member */
	enum split_kind body_kind;
	struct str body_sent; /* the body as JSON */
	struct str encoding; /* "base64", "text", "json"; empty: not given */
	json_t *props, *remove; /* NULL: not given */
	size_t bytes; /* of its members, as they were sent */
};

/* A SHA-256 in hexadecimal. */
#define BATCH_PRINT_SIZE (2 * SHA256_DIGEST_SIZE)

struct batch_json;
struct batch_lines;
struct batch_parts;

struct batch_parser {
	const struct batch_form_ops *ops;
	const struct batch_limits *limits;
	struct batch_big big; /* begin is NULL: long bodies are refused */
	struct str boundary; /* in head_arena */
	struct batch_head head;
	struct arena head_arena;
	struct buf head_canonical; /* the head as it goes into the print */
	struct batch_window window;
	uint64_t n_items; /* so far, in all windows */
	uint64_t n_bytes; /* of the body, so far */
	enum batch_prints prints;
	struct sha256_ctx sha; /* of the print of the whole */
	struct buf text; /* scratch */
	char print[BATCH_PRINT_SIZE]; /* that of the whole, once it has ended */
	struct err failed; /* the failure that stuck */
	/* The state of its form; NULL before the first byte, and of others. */
	struct batch_json *json;
	struct batch_lines *lines;
	struct batch_parts *parts;
};

extern const struct batch_form_ops batch_json_form;
extern const struct batch_form_ops batch_lines_form;
extern const struct batch_form_ops batch_parts_form;

/* ERR_TOO_LARGE where no more operations, or bytes, are allowed. */
enum err_code
batch_count_item(struct batch_parser *p, struct err *err) MUST_USE;
enum err_code
batch_count_bytes(struct batch_parser *p, size_t n, struct err *err) MUST_USE;

/*
 * Appends an item whose strings are in the window's arena, and adds it to the
 * print of the whole.  bytes: what it counts for in window.bytes.
 */
enum err_code batch_put_own(struct batch_parser *p,
    const struct batch_item *item, size_t bytes, struct err *err) MUST_USE;

/* The same for an item whose strings are elsewhere: it is copied. */
enum err_code batch_put(struct batch_parser *p, const struct batch_item *item,
    size_t bytes, struct err *err) MUST_USE;

/* *id: the index as text.  ERR_NOMEM. */
enum err_code batch_default_id(struct batch_parser *p, struct arena *a,
    uint64_t index, struct str *id) MUST_USE;

/*
 * Fails with a message that begins with the place: "/operations/7/url: ...".
 * below: a JSON pointer from there on, or "".
 */
enum err_code
batch_bad(struct err *err, enum err_code code, const struct batch_place *at,
    const char *below, const char *why, ...) PRINTF_LIKE(5, 6);

/*
 * Fails as the JSON splitter did (rc, said), in the words of a batch: with `at`
 * in front, and with the name of the limit that was passed.
 */
enum err_code batch_tell_split(const struct batch_parser *p, enum err_code rc,
    struct str at, const struct err *said, struct err *err);

/*
 * A JSON pointer of two reference tokens, "/props/{DAV:}a"; of one if b.ptr is
 * NULL.  Cut where it is too long.
 */
struct batch_below {
	char text[96];
};
struct batch_below batch_below(struct str a, struct str b);
struct batch_below batch_below_in(const char *above, struct str name);
struct batch_below batch_below_nth(struct str a, size_t n);

/* Loads a JSON value; fails with batch_bad() where it cannot be loaded. */
enum err_code batch_load(struct str bytes, json_t **out,
    const struct batch_place *at, const char *below, struct err *err) MUST_USE;

static inline struct str
batch_text(const json_t *v)
{
	return str_of(json_string_value(v), json_string_length(v));
}

/* Makes a JSON splitter with the batch's limits. */
enum err_code
batch_split_new(struct batch_parser *p, const struct split_events *events,
    struct json_split **out, struct err *err) MUST_USE;

/* ---- batch_head.c */

/* Takes a member of the head; name is one that batch_head_knows(). */
enum err_code
batch_head_member(struct batch_parser *p, const struct batch_place *at,
    struct str name, struct str bytes, struct err *err) MUST_USE;
bool batch_head_knows(struct str name);

/* Takes the whole head, an object, as the first line of a stream has it. */
enum err_code
batch_head_load(struct batch_parser *p, const struct batch_place *at,
    const char *below, struct str bytes, struct err *err) MUST_USE;

/* ---- batch_headers.c */

/* Reads header fields from an object of strings, into the arena. */
enum err_code batch_headers_read(struct arena *a, struct str bytes,
    const struct batch_place *at, const char *below, struct headers *out,
    struct err *err) MUST_USE;

/* The same from a value that is loaded, of any kind; sorted by name. */
enum err_code batch_headers_load(struct arena *a, const json_t *v,
    const struct batch_place *at, const char *below, struct headers *out,
    struct err *err) MUST_USE;

/* Why a field may not be in an operation, or not like that; NULL: it may. */
const char *batch_header_wrong(const struct header *h);

/* Fails where a header stands beside the member that is short for it. */
enum err_code batch_shorts_check(const struct batch_item *item,
    const struct batch_place *at, struct err *err) MUST_USE;

/* ---- batch_item.c */

/* Begins another item; forgets what m held. */
void batch_maker_begin(struct batch_maker *m, struct batch_parser *p,
    struct arena *arena, struct batch_place at);
/* A member begins; false: no operation has one of that name. */
bool batch_maker_expects(struct batch_maker *m, struct str name);
/* Takes the member that began last.  bytes: its value, as it was sent. */
enum err_code batch_maker_member(struct batch_maker *m, struct batch_parser *p,
    const struct split_value *v, struct str bytes, struct err *err) MUST_USE;
/* ERR_TOO_LARGE where n bytes of an operation, and its '}', are too many. */
enum err_code batch_maker_fits(const struct batch_maker *m,
    const struct batch_parser *p, uint64_t n, struct err *err) MUST_USE;
/* All members have come: checks m->item and completes it, to be put. */
enum err_code batch_maker_end(
    struct batch_maker *m, struct batch_parser *p, struct err *err) MUST_USE;
void batch_maker_done(struct batch_maker *m); /* fine for all zero */

/* Whether a body means anything to the method. */
bool batch_method_has_body(struct str method);

/* ---- batch_body.c */

/* Makes m->item's body from m->body_sent; batch_body_settle() is to follow. */
enum err_code batch_body_make(
    struct batch_maker *m, struct batch_parser *p, struct err *err) MUST_USE;

/*
 * Decides by its type whether a body that was sent as a string is that text, or
 * JSON, or is refused.  To be called once the batch's default headers are
 * known.  a: the arena that the item's strings are in.
 */
enum err_code batch_body_settle(struct batch_parser *p, struct arena *a,
    struct batch_item *item, const struct batch_place *at,
    struct err *err) MUST_USE;

/* ---- batch_props.c */

/* Makes "props" and "remove" the XML body of PROPPATCH, or (find) PROPFIND. */
enum err_code batch_props_make(struct batch_maker *m, struct batch_parser *p,
    bool find, struct err *err) MUST_USE;

/* ---- batch_print.c: each does nothing where the print is not wanted */

/* Sets body_print to the hash of a JSON body in canonical form. */
enum err_code batch_print_json(
    struct batch_maker *m, struct batch_parser *p, struct err *err) MUST_USE;

/* Sets body_print to "props" and "remove" in canonical form. */
enum err_code batch_print_props(
    struct batch_maker *m, struct batch_parser *p, struct err *err) MUST_USE;

/* Sets body_sum to the SHA-256 of a body that has no body_print. */
enum err_code batch_print_sum(const struct batch_parser *p, struct arena *a,
    struct batch_item *it, struct err *err) MUST_USE;

/* Adds an item to the print of the whole; batch_put() does that, too. */
enum err_code batch_print(struct batch_parser *p, const struct batch_item *item,
    struct err *err) MUST_USE;
/* Adds the head, and so ends the print of the whole. */
void batch_print_end(struct batch_parser *p);

/* Adds a body that went to batch_big, after its item had been added. */
void batch_print_body(struct batch_parser *p, struct sha256_ctx *sha);

#endif
