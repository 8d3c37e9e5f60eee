/* SPDX-License-Identifier: MIT */
/*
 * What json_split.c, which knows values and events, and json_steps.c, which
 * knows the grammar, have in common; for them alone.
 */
#ifndef SHEAF_WIRE_JSON_SPLIT_IMPL_H
#define SHEAF_WIRE_JSON_SPLIT_IMPL_H

#include "wire/json_split.h"
#include "wire/json_text.h"
#include "wire/name_set.h"

/* Of a string that is given in pieces. */
#define TEXT_PIECE ((size_t)16 * 1024)

/* What may come next. */
enum state {
	AT_START, /* a byte order mark, or a value */
	AT_MARK, /* the rest of a byte order mark */
	AT_VALUE,
	AT_FIRST, /* an element, or ] */
	AT_FIRST_NAME, /* a name, or } */
	AT_NAME,
	AT_COLON,
	AT_NEXT, /* a comma, or the end of what it is in */
	IN_STRING,
	IN_NUMBER,
	IN_LITERAL,
	STATES
};

/* An array or object that was entered. */
struct frame {
	struct split_value v;
	uint64_t count; /* how many values have begun in it */
	struct buf name; /* of the current member */
	struct name_set names;
	bool twice; /* the name was in names before */
};

struct json_split {
	struct split_limits limits;
	const struct split_events *events;
	void *arg;
	struct err err;

	/* What is being fed, and what came before it. */
	const char *chunk;
	uint64_t offset; /* of chunk */
	uint64_t line;
	uint64_t line_start; /* its offset */
	uint64_t wide; /* bytes of this line that begin no character */

	enum state state;
	bool has_input, has_bom;
	unsigned depth; /* open arrays and objects */
	char *open; /* '[' or '{' for each */
	struct frame frames[SPLIT_MAX_ENTERED];
	unsigned entered; /* of depth, the outermost */

	/* The value that is being read and is not entered. */
	bool inside; /* there is one */
	struct split_value v;
	enum split_way way;
	bool tried; /* it was SPLIT_TRY; way is SPLIT_TAKE */
	const char *run; /* the part of it in chunk that is not in taken */
	struct buf taken; /* what came of it in earlier chunks */

	/* The token. */
	bool is_name;
	struct json_chars chars;
	struct buf *decoded; /* where the characters of a string go, or NULL */
	struct buf text; /* of SPLIT_TEXT: the piece to hand on */
	enum json_number number;
	const char *literal; /* the rest of "true" and so on, still to come */
};

/* Takes steps through p to end; returns end, or where it failed. */
const char *split_steps(struct json_split *s, const char *p, const char *end);

/* Ends the splitting, with a message about the byte at p; returns p. */
const char *split_fail(struct json_split *s, const char *p, enum err_code code,
    const char *what, ...) PRINTF_LIKE(4, 5);

/* Where p, in the chunk, is in all that was fed. */
uint64_t split_offset(const struct json_split *s, const char *p);

/* Whether begin() is asked about the value that comes next. */
bool split_is_outer(const struct json_split *s);

/* The innermost that was entered. */
struct frame *split_innermost(struct json_split *s);

/* A value begins at p: asks what is to be done with it. */
bool split_begin(struct json_split *s, const char *p, enum split_kind kind);

/* A value that was not entered, or one within it, ended before p. */
bool split_end(struct json_split *s, const char *p);

/* The innermost array or object that was entered ended. */
bool split_leave(struct json_split *s);

/* A name in what was entered last has been read, and ended before p. */
bool split_note_name(struct json_split *s, const char *p);

/* Hands on the piece of a SPLIT_TEXT string that there is. */
bool split_text(struct json_split *s);

#endif
