/* SPDX-License-Identifier: MIT */
/*
 * A file that is being fetched.  Its bytes are kept in a hidden file beside the
 * place it is for (.NAME.xxxxxxxx.part), and in a note (the same with .etag)
 * which version they are of, so that a later run can resume.  Only what is
 * whole gets the name.
 */
#ifndef SHEAF_CLIENT_PART_H
#define SHEAF_CLIENT_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct part {
	int dir, fd;
	struct buf name, part, note; /* in dir; NUL-terminated */
	bool force; /* what is there may be overwritten */
	uint64_t size; /* bytes that are there */
	struct buf url;
	/* The version that they are of; empty: they cannot be resumed. */
	struct buf etag;
	uint64_t total; /* bytes of the whole, if has_total */
	bool has_total;
};

#define PART_NONE ((struct part){ .dir = -1, .fd = -1 })

/*
 * Opens the part of `file`, and locks it; what an earlier run has left there is
 * resumed, unless it is of another URL or from before this machine was started.
 * part_done() in any case.  ERR_EXISTS: file is there and force is not set, or
 * it is not a plain file.  ERR_BUSY: another process is fetching it.
 * ERR_IS_COLLECTION, ERR_OS, ERR_NOMEM.  All with a sentence in err->why.
 */
enum err_code part_open(struct part *p, const char *file, struct str url,
    bool force, struct err *err) MUST_USE;

/*
 * Drops all bytes; those to come are of this version.  etag: a strong one, or
 * empty: they cannot be resumed.
 */
enum err_code part_restart(struct part *p, struct str etag, bool has_total,
    uint64_t total, struct err *err) MUST_USE;

enum err_code
part_write(struct part *p, struct str bytes, struct err *err) MUST_USE;

/*
 * Gives a part that is whole its name, and this time of change (ns since 1970;
 * negative: not known); all is on disk then.  ERR_EXISTS: something came to be
 * there meanwhile.
 */
enum err_code
part_place(struct part *p, int64_t mtime, struct err *err) MUST_USE;

/*
 * Says that the bytes are not what they should be: they stay, and are never
 * resumed.  Fine for a part that was not opened.
 */
void part_spoil(struct part *p);

/* Closes it, and removes the hidden files where no byte was fetched. */
void part_done(struct part *p);

#endif
