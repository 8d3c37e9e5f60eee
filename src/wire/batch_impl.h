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
 * Where something stands that may be wrong, of which batch_place_text() makes
 * what a message about it begins with.  All zero: the whole, and nothing is
 * said.
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

/* One form of a body. */
struct batch_form_ops {
	enum err_code (*feed)(
	    struct batch_parser *p, struct str bytes, struct err *err);
	enum err_code (*end)(struct batch_parser *p, struct err *err);
	void (*free)(struct batch_parser *p);
};

/* What a member of an item is; also what an operation may carry. */
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
	BATCH_MEMBER_NEEDS_BODY = 1 << 18, /* or props, or remove */
	BATCH_MEMBER_NEEDS_TO = 1 << 19,
};

struct batch_row;

/*
 * An item in JSON that is being put together from its members.  Of a stream it
 * has an arena of its own: while it is half read the window may be cleared.
 */
struct batch_maker {
	struct arena own;
	struct arena *arena; /* that, or the window's */
	const struct batch_row *row; /* of the member that is to come */
	struct batch_item item;
	struct batch_place at;
	unsigned seen; /* enum batch_member */
	enum split_kind body_kind;
	struct str body_sent; /* as JSON */
	struct str encoding;
	json_t *props, *remove;
	size_t bytes;
};

/* A SHA-256 in hexadecimal. */
#define BATCH_PRINT_SIZE (2 * SHA256_DIGEST_SIZE)

struct batch_json;
struct batch_lines;
struct batch_parts;

struct batch_parser {
	const struct batch_form_ops *ops;
	const struct batch_limits *limits;
	struct batch_big big; /* begin may be NULL */
	struct str boundary; /* in head_arena */
	struct batch_head head;
	struct arena head_arena;
	struct buf head_canonical;
	struct batch_window window;
	uint64_t n_items;
	uint64_t n_bytes; /* of the body */
	enum batch_prints prints;
	struct sha256_ctx sha;
	struct buf text; /* for whoever needs one for a moment */
	char print[BATCH_PRINT_SIZE];
	struct err failed; /* sticks */
	/* Of its form; the others are NULL. */
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

/* Appends an item that is in the window's arena, and adds it to the print. */
enum err_code batch_put_own(struct batch_parser *p,
    const struct batch_item *item, size_t bytes, struct err *err) MUST_USE;

/* The same with a copy of one that is not. */
enum err_code batch_put(struct batch_parser *p, const struct batch_item *item,
    size_t bytes, struct err *err) MUST_USE;

/* The index as text. */
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
 * What the splitter said, in the words of a batch: with `at` in front and the
 * limit that was passed.
 */
enum err_code batch_tell_split(const struct batch_parser *p, enum err_code rc,
    struct str at, const struct err *said, struct err *err);

/* "/props/{DAV:}a" of two reference tokens; cut where it is too long. */
struct batch_below {
	char text[96];
};
struct batch_below batch_below(struct str a, struct str b);
struct batch_below batch_below_in(const char *above, struct str name);
struct batch_below batch_below_nth(struct str a, size_t n);

/* The value as JSON; what cannot be had is told as wrong at that place. */
enum err_code batch_load(struct str bytes, json_t **out,
    const struct batch_place *at, const char *below, struct err *err) MUST_USE;

static inline struct str
batch_text(const json_t *v)
{
	return str_of(json_string_value(v), json_string_length(v));
}

/* A splitter under the limits. */
enum err_code
batch_split_new(struct batch_parser *p, const struct split_events *events,
    struct json_split **out, struct err *err) MUST_USE;

/* ---- batch_head.c */

/* A member of the head; false in *known: there is no such member. */
enum err_code
batch_head_member(struct batch_parser *p, const struct batch_place *at,
    struct str name, struct str bytes, struct err *err) MUST_USE;
bool batch_head_knows(struct str name);

/* All of it, as the first line of a stream has it. */
enum err_code
batch_head_load(struct batch_parser *p, const struct batch_place *at,
    const char *below, struct str bytes, struct err *err) MUST_USE;

/* ---- batch_headers.c */

/* In the arena.  bytes: of an object. */
enum err_code batch_headers_read(struct arena *a, struct str bytes,
    const struct batch_place *at, const char *below, struct headers *out,
    struct err *err) MUST_USE;

/* The same, of a value of any kind. */
enum err_code batch_headers_load(struct arena *a, const json_t *v,
    const struct batch_place *at, const char *below, struct headers *out,
    struct err *err) MUST_USE;

/* Why a field may not be there, or not like that; NULL: it may. */
const char *batch_header_wrong(const struct header *h);

/* The headers that members are short for. */
enum err_code batch_shorts_check(const struct batch_item *item,
    const struct batch_place *at, struct err *err) MUST_USE;

/* ---- batch_item.c */

void batch_maker_begin(struct batch_maker *m, struct batch_parser *p,
    struct arena *arena, struct batch_place at);
/* A member begins; false: there is none of that name. */
bool batch_maker_expects(struct batch_maker *m, struct str name);
/* The member that was expected.  bytes: of the value, as it was sent. */
enum err_code batch_maker_member(struct batch_maker *m, struct batch_parser *p,
    const struct split_value *v, struct str bytes, struct err *err) MUST_USE;
/* Whether n bytes of it, and the brace that is still to come, are not many. */
enum err_code batch_maker_fits(const struct batch_maker *m,
    const struct batch_parser *p, uint64_t n, struct err *err) MUST_USE;
/* It is complete: m->item can be put. */
enum err_code batch_maker_end(
    struct batch_maker *m, struct batch_parser *p, struct err *err) MUST_USE;
void batch_maker_done(struct batch_maker *m); /* fine for all zero */

/* Whether a body means anything to it. */
bool batch_method_has_body(struct str method);

/* ---- batch_body.c */

/* m->item's body from what was sent of it, but for batch_body_settle(). */
enum err_code batch_body_make(
    struct batch_maker *m, struct batch_parser *p, struct err *err) MUST_USE;

/*
 * A body that was sent as a string is text, or JSON, or refused, by its type;
 * once the defaults are known.  a: the item's.
 */
enum err_code batch_body_settle(struct batch_parser *p, struct arena *a,
    struct batch_item *item, const struct batch_place *at,
    struct err *err) MUST_USE;

/* ---- batch_props.c */

/* "props" and "remove" as the XML body of PROPPATCH or PROPFIND. */
enum err_code batch_props_make(struct batch_maker *m, struct batch_parser *p,
    bool find, struct err *err) MUST_USE;

/* ---- batch_print.c: each does nothing where the print is not wanted */

/* A body of JSON, as what it means. */
enum err_code batch_print_json(
    struct batch_maker *m, struct batch_parser *p, struct err *err) MUST_USE;

/* "props" and "remove". */
enum err_code batch_print_props(
    struct batch_maker *m, struct batch_parser *p, struct err *err) MUST_USE;

/* A body of bytes, in the arena. */
enum err_code batch_print_sum(const struct batch_parser *p, struct arena *a,
    struct batch_item *it, struct err *err) MUST_USE;

/* What the whole's takes in of an item of the window; batch_put() does it. */
enum err_code batch_print(struct batch_parser *p, const struct batch_item *item,
    struct err *err) MUST_USE;
void batch_print_end(struct batch_parser *p);

/* A body that came in pieces, when its item had been printed. */
void batch_print_body(struct batch_parser *p, struct sha256_ctx *sha);

#endif
