/* SPDX-License-Identifier: MIT */
/*
 * `sheaf retry` reads operations one by one and sends several at a time.  Those
 * that touch the same place, or one above or below, are sent one after the
 * other, in the order of the file.
 */
#ifndef SHEAF_CMD_RETRY_IMPL_H
#define SHEAF_CMD_RETRY_IMPL_H

#include "cmd/files.h"
#include "http/mime.h"
#include "wire/retry_line.h"

/* Operations that may be under way together. */
#define RETRY_BATCH 64

/*
 * The longest time that is waited for a server, in ns; what would take longer
 * is left for the next retry.
 */
#define RETRY_PATIENCE (INT64_C(600) * NSEC_PER_SEC)

/* Failures that are remembered, for those that wait for them. */
#define RETRY_REMEMBERED 10000

struct retrying;

/* One operation; everything is in its arena. */
struct retry_one {
	struct retry_one *next;
	struct retrying *r;
	struct arena a;
	struct retry_line l;
	struct work_item item;
	struct url url, destination; /* parsed */
	int64_t not_before; /* by clock_now() */
	int fd; /* of the file that is sent, or -1 */
};

/* An operation that failed in this run. */
struct retry_failure {
	struct retry_failure *next;
	struct str id; /* of the line that waited for it, or: */
	struct str url; /* absolute */
};

struct retrying {
	struct files f;
	struct mime *mime;
	const char *source; /* the name of the file that is read */
	struct retry_header header;
	struct retry_one *first, **last; /* the batch: to be sent together */
	size_t n; /* operations in it */
	struct arena memory; /* of failures */
	struct retry_failure *failures;
	size_t n_failures;
};

/* What is to be done about a line. */
enum retry_plan {
	RETRY_SEND,
	RETRY_LOOK, /* look at what is there, then perhaps send it */
	RETRY_NOT, /* do not send it */
};

/* *why: a sentence, where it is RETRY_NOT. */
enum retry_plan retry_plan_of(const struct retry_line *l, const char **why);

/* Adds an operation to the batch; before that, runs the batch if it has to. */
void retry_add(struct retrying *r, const struct retry_line *l);

/* Runs the batch, which is empty then. */
void retry_flush(struct retrying *r);

/* Ends an operation; tell: the work is still to be told of it. */
void retry_over(struct retry_one *o, const struct verdict *v, bool tell);

/* Sends an operation, or looks first; it ends with retry_over(). */
void retry_send(struct retry_one *o);
void retry_look(struct retry_one *o);

/* Deletes a collection, if nothing but collections are left in it. */
void retry_delete_tree(struct retry_one *o);

/* Says on stderr what is wrong with the file; the exit code is 1. */
void retry_refuse(struct retrying *r, const struct err *err);

/* Retries a saved 207; head: its first bytes, which were read already. */
void retry_saved(struct retrying *r, int fd, struct str head);

#endif
