/* SPDX-License-Identifier: MIT */
/*
 * Splits a JSON text (RFC 8259) that somebody else wrote, as its bytes come.
 * The outer levels are followed in constant memory; each value in them is
 * handed on whole, as the bytes it was sent in, to be read by other code; or it
 * is passed over, or, if it is a string, handed on in pieces.
 *
 * Everything is checked, also what is passed over: commas and colons, literals
 * and numbers, escapes, UTF-8 and surrogates, depth, and that nothing but white
 * space follows.  A byte order mark in front is accepted and remembered.  A
 * name that stands twice is found in what is entered; in a value that is taken
 * whole, finding it is left to the library (JSON_REJECT_DUPLICATES).
 */
#ifndef SHEAF_WIRE_JSON_SPLIT_H
#define SHEAF_WIRE_JSON_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum split_kind {
	SPLIT_NULL,
	SPLIT_BOOL,
	SPLIT_NUMBER,
	SPLIT_STRING,
	SPLIT_ARRAY,
	SPLIT_OBJECT,
};

/* What is to be done with a value. */
enum split_way {
	SPLIT_PASS, /* nothing: it may be of any length */
	SPLIT_TAKE, /* take() gets it whole */
	SPLIT_TRY, /* the same, but passed over if it is over the limit */
	SPLIT_ENTER, /* begin() is asked about each value in it, then end() */
	SPLIT_TEXT, /* a string: text() gets it unescaped, in pieces */
};

/* The most levels that can be entered, and bytes of a name in one of them. */
#define SPLIT_MAX_ENTERED 16
#define SPLIT_MAX_NAME ((size_t)64 * 1024)

/* The most names that an object which is entered may have. */
#define SPLIT_MAX_NAMES ((size_t)1024 * 1024)

struct split_value {
	enum split_kind kind;
	unsigned depth; /* 0: the text itself */
	/* Its name in an object, unescaped; ptr is NULL elsewhere. */
	struct str name;
	uint64_t index; /* in its array or object, from 0 */
	uint64_t line, column; /* of its first byte, from 1; in characters */
	uint64_t offset; /* of its first byte, from 0 */
};

/*
 * Everything is borrowed for the call.  A failure ends the splitting and is
 * returned, with line and column in front of err->tell if it has none.  A
 * function that is not needed may be NULL.
 */
struct split_events {
	/*
	 * A value begins.  *way is SPLIT_PASS, for begin() to change.
	 * SPLIT_ENTER is for arrays and objects (other values are passed over),
	 * SPLIT_TEXT for strings alone.
	 */
	enum err_code (*begin)(void *arg, const struct split_value *v,
	    enum split_way *way, struct err *err);
	/* bytes: without the white space around it. */
	enum err_code (*take)(void *arg, const struct split_value *v,
	    struct str bytes, struct err *err);
	enum err_code (*text)(void *arg, const struct split_value *v,
	    struct str piece, struct err *err);
	/* What was entered, or given as text, is over. */
	enum err_code (*end)(
	    void *arg, const struct split_value *v, struct err *err);
	/*
	 * Called before begin() of a value whose name another in the same
	 * object had before.  If this is NULL that is ERR_BAD_ANSWER.
	 */
	enum err_code (*twice)(
	    void *arg, const struct split_value *v, struct err *err);
};

struct split_limits {
	size_t take; /* bytes of a value that is taken */
	unsigned depth; /* of arrays and objects; at most 1024 */
};

/* Where the next byte is. */
struct split_place {
	uint64_t line, column, offset;
};

struct json_split;

/* events and arg must outlive it.  ERR_NOMEM. */
enum err_code json_split_new(const struct split_limits *limits,
    const struct split_events *events, void *arg, struct json_split **out,
    struct err *err) MUST_USE;

/*
 * Reads on.  ERR_BAD_ANSWER: it is not JSON; ERR_TOO_LARGE: it is over a limit;
 * ERR_NOMEM; what an event returned.  err->tell begins with "line 3, column 14:
 * ".  A failure sticks.
 */
enum err_code json_split_feed(
    struct json_split *s, struct str bytes, struct err *err) MUST_USE;

/*
 * After the last byte of the text.  ERR_CUT_SHORT: it ended inside a value, or
 * there was none.  Values that are not over get no end(), though text() gets
 * all that came of a string.
 */
enum err_code json_split_end(struct json_split *s, struct err *err) MUST_USE;

/*
 * Begins another text (a line of NDJSON): forgets the failure and the values
 * that are not over, and goes on counting lines and columns.
 */
void json_split_next(struct json_split *s);

/* Counts bytes that are no part of a text, also after a failure. */
void json_split_skip(struct json_split *s, struct str bytes);

/* Whether anything but white space has come since it began, or since next(). */
bool json_split_has_input(const struct json_split *s);

/* Whether the text began with a byte order mark. */
bool json_split_has_bom(const struct json_split *s);

struct split_place json_split_place(const struct json_split *s);

/*
 * Appends the JSON pointer (RFC 6901) of the value that an event is about, or
 * of the innermost that was entered: "/results/17".
 */
void json_split_pointer(const struct json_split *s, struct buf *out);

void json_split_free(struct json_split *s); /* NULL is fine */

#endif
