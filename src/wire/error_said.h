/* SPDX-License-Identifier: MIT */
/*
 * What a DAV:error says: the elements in it, each the name of a condition (RFC
 * 4918 s16), and what stands in those.
 */
#ifndef SHEAF_WIRE_ERROR_SAID_H
#define SHEAF_WIRE_ERROR_SAID_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "outcome/prop.h"

/* Elements that are kept of one error, and bytes of text of one. */
#define ERROR_SAID_MAX 16
#define ERROR_SAID_TEXT 1024

struct error_said {
	struct prop_name name;
	struct str
	    href; /* the first DAV:href in it, as it was sent, or empty */
	struct str text; /* what else stands in it, white space trimmed */
};

/*
 * xml: a serialised DAV:error, as struct told has it, or a whole document.
 * What is after the first ERROR_SAID_MAX is passed over.  ERR_BAD_BODY where
 * it is no DAV:error or malformed: *n is what was found until then.
 */
enum err_code error_said_read(struct arena *a, struct str xml,
    struct error_said out[ERROR_SAID_MAX], size_t *n, struct err *err) MUST_USE;

#endif
