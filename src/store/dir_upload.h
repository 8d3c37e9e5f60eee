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
	uint64_t flush; /* that was begun when it was last written to */
	bool durable; /* the bytes are on the disk */
	bool counts; /* among ds->before_names */
	bool settled; /* so is what stx and now say, since it was written to */
	bool holds; /* the bytes are in `held` yet, and there is no file */
	char *held; /* room for what spec says */
	bool early; /* its small file was made, and started, for a commit */
	bool at_once; /* the commit says ERR_BUSY rather than wait */
	struct statx stx;
	struct resource now;
	struct foretold foretold;
	/* When it was begun there was something, or nothing and no link to it.
	 */
	bool replaces, straight;
	uint16_t mode_of; /* what there was then; 0: it is not known */
	struct place
	    begun; /* the directory that temp is in, where it has a name */
	struct temp temp;
	struct rpath path; /* in bytes */
	char bytes[];
};

/* dir_upload_make.c */

enum err_code dir_upload_write(
    struct dir_upload *u, struct str bytes, struct err *err) MUST_USE;

/* Then it is known what it will be. */
enum err_code dir_upload_settle(struct dir_upload *u, struct err *err) MUST_USE;

/*
 * Makes a file of what was held, before there is a claim, where no link leads
 * to its collection; what stands in the way of that is for the commit to see.
 */
void dir_upload_make_early(struct dir_upload *u);

/* Its bytes begin to be written, so that it has its blocks before a sync. */
void dir_upload_start(const struct dir_upload *u);

/* Under a claim to p: there is a file, with the bytes and the mode it needs. */
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

/* What the change at p will be, and what is remembered of it. */
void dir_upload_describe(const struct dir_upload *u, const struct place *p,
    const struct guard *g, struct act *act);

/* ERR_EXISTS: somebody else made it since p was found. */
enum err_code dir_upload_install(struct dir_upload *u, const struct place *p,
    struct trash *trash, struct err *err) MUST_USE;

/*
 * The guess that nothing was at p was wrong.  Its line says the same of what is
 * there, unless there is more to do about that, or it is a link: then, with
 * ERR_EXISTS, all of it is done once more, and has another line.
 */
enum err_code dir_upload_over(struct dir_upload *u, struct place *p,
    const struct guard *g, struct store_batch *b, struct act *act,
    struct trash *trash, struct err *err) MUST_USE;

/* What it is when it is in place, and has the properties of what was there. */
struct resource dir_upload_now(const struct dir_upload *u);

/*
 * Where many in a row were new, the next will be; then the link may say that
 * something is there after all, and it need not be looked first, which costs
 * 3 us of 43.
 */
bool dir_is_likely_new(const struct dir_store *ds);
void dir_was_new(struct dir_store *ds, bool is_new);

/* dir_together.c: see upload_ops. */
void dir_upload_commit_all(struct commit *c, size_t n);

/* dir_run.c: the same for those of a batch. */
void dir_upload_commit_run(struct commit *c, size_t n);

#endif
