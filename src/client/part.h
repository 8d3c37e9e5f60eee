/* SPDX-License-Identifier: MIT */
/*
 * A file that is being fetched: its bytes are in a hidden file beside the place
 * it is for (.NAME.xxxxxxxx.part), with a note of which version they are of
 * (the same with .etag), so that a later run can go on.  Only what is whole
 * gets the name.
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
	/* What is known of an earlier part; etag empty: it cannot go on. */
	struct buf url, etag;
	uint64_t total;
	bool has_total;
};

#define PART_NONE ((struct part){ .dir = -1, .fd = -1 })

/*
 * ERR_EXISTS: file is there and force is not set.  ERR_BUSY: another process
 * is fetching it.  ERR_IS_COLLECTION, ERR_OS, ERR_NOMEM.  All with a sentence
 * in err->why.  An earlier part of another URL, or from before this machine
 * was started, is not gone on with.
 */
enum err_code part_open(struct part *p, const char *file, struct str url,
    bool force, struct err *err) MUST_USE;

/* Begins anew: no bytes, and those to come are of this version. */
enum err_code part_restart(struct part *p, struct str etag, bool has_total,
    uint64_t total, struct err *err) MUST_USE;

enum err_code
part_write(struct part *p, struct str bytes, struct err *err) MUST_USE;

/*
 * It is whole: on disk, with the time (ns; negative: none), under its name.
 * ERR_EXISTS: something came to be there meanwhile.
 */
enum err_code
part_place(struct part *p, int64_t mtime, struct err *err) MUST_USE;

/*
 * The bytes are not what they should be: never to be gone on with.  One that
 * was not opened has nothing to spoil.
 */
void part_spoil(struct part *p);

/* Closes; nothing is left where nothing was fetched. */
void part_done(struct part *p);

#endif
