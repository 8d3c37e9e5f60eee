/* SPDX-License-Identifier: MIT */
/*
 * Failures.  A function that can fail returns an enum err_code and takes a
 * struct err for the details.  An outcome is not an error: what became of one
 * resource is data (outcome/outcome.h); an error means that the operation
 * cannot go on.  err.def says which failure is which.
 */
#ifndef SHEAF_BASE_ERR_H
#define SHEAF_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

enum err_code {
	ERR_OK = 0,
#define ERR(code, status, stops, condition, text) ERR_##code,
#include "base/err.def"
#undef ERR
	ERR_COUNT
};

/*
 * The details of a failure.  All zero is "none".  why is for our log and may
 * name files, system calls and limits; it never reaches the wire.  tell is
 * for the client: what was wrong with what it sent.  about is the path of the
 * resource that is the cause where that is not the one asked for, such as the
 * root of a lock (RFC 4918 s16); empty where it is, or where it is too long.
 */
struct err {
	enum err_code code;
	char why[192];
	char tell[192];
	char about[512];
};

/*
 * As good as all zero, without writing to all of it: nobody reads on behind the
 * end of a text.
 */
static inline void
err_clear(struct err *err)
{
	err->code = ERR_OK;
	err->why[0] = err->tell[0] = err->about[0] = '\0';
}

/* HTTP status of a failure; 200 for ERR_OK. */
unsigned err_status(enum err_code code);

/* Whether a recursive operation must end at this failure of one resource. */
bool err_stops(enum err_code code);

/* Local name of its DAV: condition element, or NULL. */
const char *err_condition(enum err_code code);

/* A short sentence, fit for the wire: "no such resource". */
const char *err_text(enum err_code code);

/* "NOT_FOUND"; for logs and problem types. */
const char *err_name(enum err_code code);

/*
 * Set *err (which may be NULL) and return code, so that a failure is one
 * statement: return err_set(err, ERR_TOO_LARGE, "body over %zu bytes", max);
 * err_tell() writes the message for the client as well as for the log.
 */
enum err_code err_set(struct err *err, enum err_code code, const char *why, ...)
    PRINTF_LIKE(3, 4);
enum err_code err_tell(struct err *err, enum err_code code, const char *why,
    ...) PRINTF_LIKE(3, 4);

/* Sets err->about (err may be NULL) and returns code. */
enum err_code
err_about(struct err *err, enum err_code code, const char *path, size_t len);

/* From errno: its code by one table, and why followed by strerror. */
enum err_code err_os(struct err *err, const char *why, ...) PRINTF_LIKE(2, 3);

/* The same when the failing call's errno was kept. */
enum err_code
err_errno(struct err *err, int errnum, const char *why, ...) PRINTF_LIKE(3, 4);

/* The code alone, for a caller that words its own message. */
enum err_code err_from_errno(int errnum);

/* ERR_NOMEM, with no formatting: safe when nothing can be allocated. */
enum err_code err_nomem(struct err *err);

#endif
