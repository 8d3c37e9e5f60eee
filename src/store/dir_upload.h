/* SPDX-License-Identifier: MIT */
/*
 * An upload of the directory store, and the steps of its commit, for those who
 * make them one by one (dir_upload.c) and of many at once (dir_together.c).
 */
#ifndef SHEAF_STORE_DIR_UPLOAD_H
#define SHEAF_STORE_DIR_UPLOAD_H

#include "store/dir_foretell.h"
#include "store/dir_temp.h"

struct dir_upload {
	struct upload base;
	struct ostream stream;
	struct dir_store *ds;
	struct upload_spec spec;
	uint64_t written;
	uint64_t flush; /* ds->flushes_begun when it was last written to */
	bool durable; /* the bytes are on the disk */
	bool counts; /* it is counted in ds->before_names */
	bool settled; /* stx and now say what it will be */
	bool holds; /* its bytes are only in `held`: there is no file yet */
	char *held; /* room for spec.length bytes */
	bool early; /* dir_upload_make_early() has made its file */
	bool at_once; /* the commit says ERR_BUSY rather than wait */
	struct statx stx;
	struct resource now;
	struct foretold foretold;
	/*
	 * When it was begun: something was at the path; or nothing was, and no
	 * link led there.
	 */
	bool replaces, straight;
	uint16_t mode_of; /* mode of what was there then; 0: not known */
	uint16_t own_mode; /* the one that the new file was made with */
	struct place begun; /* the directory of temp, if it has a name */
	struct temp temp;
	struct rpath path; /* in bytes */
	char bytes[];
};

/* dir_upload_make.c */

enum err_code dir_upload_write(
    struct dir_upload *u, struct str bytes, struct err *err) MUST_USE;

/*
 * Gives the file its time and length: from then on it is known what it will be.
 */
enum err_code dir_upload_settle(struct dir_upload *u, struct err *err) MUST_USE;

/*
 * Makes a file of what was held before there is a claim, where no link leads to
 * its collection.  If it cannot, the commit will see why.
 */
void dir_upload_make_early(struct dir_upload *u);

/*
 * Has the kernel begin to write the bytes, so that they have their blocks
 * before the sync.
 */
void dir_upload_start(const struct dir_upload *u);

/*
 * Under a claim to p: makes sure that there is a file, with the bytes and the
 * mode that it needs.
 */
enum err_code dir_upload_make(
    struct dir_upload *u, const struct place *p, struct err *err) MUST_USE;

/*
 * Whether a commit has to sync the bytes before it gives the file its name:
 * they must be on the disk before they take the place of others, and before a
 * name says that what has a record was done.  All others a batch may sync at
 * its end.
 */
bool dir_upload_must_sync(const struct dir_upload *u, bool replaces,
    const struct guard *g, struct store_batch *b);

/* Says in act what the change at p will be, and what is remembered of it. */
void dir_upload_describe(const struct dir_upload *u, const struct place *p,
    const struct guard *g, struct act *act);

/* ERR_EXISTS: somebody else made it since p was found. */
enum err_code dir_upload_install(struct dir_upload *u, const struct place *p,
    struct trash *trash, struct err *err) MUST_USE;

/*
 * For when the guess that nothing was at p was wrong.  The line that was
 * written says the same of a replacement, unless more is to be done about what
 * is there, or that is a link: then ERR_EXISTS, and the commit begins anew with
 * another line.
 */
enum err_code dir_upload_over(struct dir_upload *u, struct place *p,
    const struct guard *g, struct store_batch *b, struct act *act,
    struct trash *trash, struct err *err) MUST_USE;

/*
 * The resource that is in place now; it has the properties of what was there.
 */
struct resource dir_upload_now(const struct dir_upload *u);

/*
 * Whether the last uploads in a row were all new files: then it is not looked
 * first whether something is at the path, which costs 3 us of 43; the link says
 * so.
 */
bool dir_is_likely_new(const struct dir_store *ds);
void dir_was_new(struct dir_store *ds, bool is_new);

/* dir_together.c: see upload_ops. */
void dir_upload_commit_all(struct commit *c, size_t n);

/* dir_run.c: the same for those of a batch. */
void dir_upload_commit_run(struct commit *c, size_t n);

#endif
