/* SPDX-License-Identifier: MIT */
/*
 * `sheaf retry`: operations are read one by one and sent some at a time: what
 * touches the same place, or one above or below, goes one after the other, as
 * the file has it.
 */
#ifndef SHEAF_CMD_RETRY_IMPL_H
#define SHEAF_CMD_RETRY_IMPL_H

#include "cmd/files.h"
#include "http/mime.h"
#include "wire/retry_line.h"

/* Operations that may be under way together. */
#define RETRY_BATCH 64

/* Longer than this nobody waits for a server: it is left for the next time. */
#define RETRY_PATIENCE (INT64_C(600) * NSEC_PER_SEC)

/* Failures that are remembered, for those that wait for them. */
#define RETRY_REMEMBERED 10000

struct retrying;

/* One operation; everything is its arena's. */
struct retry_one {
	struct retry_one *next;
	struct retrying *r;
	struct arena a;
	struct retry_line l;
	struct work_item item;
	struct url url, destination; /* parsed */
	int64_t not_before; /* by clock_now() */
	int fd; /* of the file that is sent */
};

/* What failed in this run. */
struct retry_failure {
	struct retry_failure *next;
	struct str id; /* of the line that waited for it, or: */
	struct str url; /* absolute */
};

struct retrying {
	struct files f;
	struct mime *mime;
	const char *source; /* the file in hand */
	struct retry_header header;
	struct retry_one *first, **last;
	size_t n; /* of the batch */
	struct arena memory; /* of failures */
	struct retry_failure *failures;
	size_t n_failures;
};

/* What is to be done about a line; why is a sentence where it is not sent. */
enum retry_plan {
	RETRY_SEND,
	RETRY_LOOK, /* at what is there, then perhaps send */
	RETRY_NOT, /* send */
};

enum retry_plan retry_plan_of(const struct retry_line *l, const char **why);

/* Puts it into the batch; runs the batch first where it has to. */
void retry_add(struct retrying *r, const struct retry_line *l);

/* Runs what there is. */
void retry_flush(struct retrying *r);

/* It ended, and was told to the work or is told now (tell). */
void retry_over(struct retry_one *o, const struct verdict *v, bool tell);

/* Begins one operation (retry_send.c); it ends with retry_over(). */
void retry_send(struct retry_one *o);
void retry_look(struct retry_one *o);

/* The collection of members that were to be deleted (retry_tree.c). */
void retry_delete_tree(struct retry_one *o);

/* A sentence on stderr about the file in hand; the exit code is 1. */
void retry_refuse(struct retrying *r, const struct err *err);

/* A saved 207 (retry_saved.c), of which head was read already. */
void retry_saved(struct retrying *r, int fd, struct str head);

#endif
