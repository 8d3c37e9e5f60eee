/* SPDX-License-Identifier: MIT */
/*
 * Files that are asked for again and again, and so well known that the kernel
 * is asked nothing about them (docs/design/listings.md: how, and when not).
 */
#ifndef SHEAF_STORE_DIR_READY_H
#define SHEAF_STORE_DIR_READY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/dir_impl.h"

struct ready;

/*
 * Only files up to this are kept with their bytes: sendfile() sends larger ones
 * without a copy.  Up to here that copy costs less than to open the file and to
 * send its header by itself: a GET of 64 KiB takes 13.6 us, and not 14.2.
 */
#define READY_WHOLE_MAX ((size_t)64 * 1024)
/*
 * Past READY_ROOM bytes of kept files, only files up to READY_SMALL are kept.
 */
#define READY_ROOM ((size_t)4 << 20)
#define READY_SMALL ((size_t)16 * 1024)

/* What is known of a file; whoever got it calls ready_drop(). */
struct ready_file {
	atomic_uint holders;
	/*
	 * True: fact and the bytes are known.  False: only that it is a file,
	 * and that no link leads there.
	 */
	bool whole;
	struct fact fact;
	size_t path_len, len;
	char bytes[]; /* its path, and behind that what it contains */
};

struct ready *ready_new(void); /* NULL: no memory */
void ready_free(struct ready *r); /* NULL is fine */

/*
 * What is known of the file at path, as it is now; NULL: nothing, and it notes
 * that it was asked for.  ERR_NOMEM alone.
 */
enum err_code ready_hold(const struct dir_store *ds, struct rpath path,
    struct ready_file **out) MUST_USE;
void ready_drop(struct ready_file *f); /* NULL is fine */

static inline struct str
ready_bytes(const struct ready_file *f)
{
	return str_of(f->bytes + f->path_len, f->len);
}

#endif
