/* SPDX-License-Identifier: MIT */
/*
 * Splits a multipart body (RFC 2046 s5.1) as its bytes come: hands on what is
 * between the boundaries, byte for byte.  Lines end in CRLF; what is in front
 * of the first boundary and behind the last is passed over.
 */
#ifndef SHEAF_WIRE_BOUNDARY_SPLIT_H
#define SHEAF_WIRE_BOUNDARY_SPLIT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#define BOUNDARY_MAX 70 /* RFC 2046 s5.1.1 */

/* A failure ends the splitting and is returned. */
struct boundary_events {
	enum err_code (*begin)(void *arg, struct err *err);
	enum err_code (*data)(void *arg, struct str bytes, struct err *err);
	enum err_code (*end)(void *arg, struct err *err);
};

enum boundary_state {
	BOUNDARY_PREAMBLE = 0,
	BOUNDARY_PART,
	BOUNDARY_EPILOGUE, /* the last boundary has come */
};

struct boundary_split {
	const struct boundary_events *events;
	void *arg;
	char line[BOUNDARY_MAX + 4]; /* CRLF, two hyphens, the boundary */
	size_t n; /* bytes of line */
	size_t matched; /* how many of them what came last begins */
	size_t made_up; /* how many of those were not sent: see begin_line() */
	/* Once line is whole, what came behind it: padding, and '-' or CR. */
	size_t spaces;
	bool hyphen, cr;
	enum boundary_state state;
};

/* The boundary is copied; it has 1 to BOUNDARY_MAX characters. */
void boundary_split_init(struct boundary_split *s, struct str boundary,
    const struct boundary_events *events, void *arg);

/*
 * Reads on.  ERR_BAD_BODY: the line of a boundary ends in LF alone; or what an
 * event returned.  Not to be called again after a failure.
 */
enum err_code boundary_split_feed(
    struct boundary_split *s, struct str bytes, struct err *err) MUST_USE;

/* After the last byte.  ERR_BAD_BODY: the last boundary has not come. */
enum err_code
boundary_split_end(const struct boundary_split *s, struct err *err) MUST_USE;

#endif
