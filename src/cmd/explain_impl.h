/* SPDX-License-Identifier: MIT */
/* The parts of `sheaf explain`: what was found in an answer, and printing it.
 */
#ifndef SHEAF_CMD_EXPLAIN_IMPL_H
#define SHEAF_CMD_EXPLAIN_IMPL_H

#include <stdio.h>

#include "base/arena.h"
#include "cmd/exit_code.h"
#include "cmd/options.h"
#include "cmd/table.h"
#include "cmd/trouble.h"
#include "wire/reader.h"
#include "wire/saved.h"

/* So many groups of failures there are, and so many resources kept of each. */
#define GROUPS_MAX 64
#define GROUP_SHOWN 50

/* One resource of a group; strings are of findings.keep, or for the call. */
struct found {
	struct str href; /* or its id, where it has none */
	struct str says; /* what is said of it alone */
	uint64_t line; /* where it stands in the answer */
	unsigned status;
};

/* Resources that failed in the same way. */
struct found_group {
	enum fate fate;
	unsigned status;
	struct prop_name condition; /* the first that was named, or empty */
	bool props; /* only properties of the resources were refused */
	bool other; /* of all kinds, for want of groups */
	struct str error; /* the DAV:error of one of them */
	int64_t wait; /* their longest Retry-After, in ns; -1: none */
	uint64_t n; /* resources */
	size_t shown; /* of which so many are in found */
	struct found found[GROUP_SHOWN];
};

/* How many resources have a status; ok: and succeeded. */
struct found_status {
	unsigned status;
	bool ok;
	uint64_t n;
};

/* All that is kept of one answer; its size is bounded. */
struct findings {
	struct sink base;
	const struct options *o;
	const char *op; /* as struct work_item has it, or "" */
	struct arena keep; /* of what is found */
	struct arena item; /* of the resource in hand */
	struct found_group *groups; /* GROUPS_MAX */
	size_t n_groups;
	struct found_status statuses[GROUPS_MAX];
	size_t n_statuses;
	uint64_t total, ok, failed, unknown;
	uint64_t missing; /* properties that were not found */
	FILE *all; /* --all: every resource, in a file; else NULL */
	struct buf *json; /* --json: every resource is put there; else NULL */
	enum err_code (*flush)(void *arg); /* writes json out; optional */
	void *flush_arg;
	struct exit_facts *facts;
};

enum err_code findings_init(struct findings *f, const struct options *o,
    const char *op, struct exit_facts *facts, struct err *err) MUST_USE;
void findings_done(struct findings *f);

/*
 * With --all: calls each() for the resources of a group (group < n_groups), or
 * those that succeeded (group == GROUPS_MAX).
 */
enum err_code findings_each(struct findings *f, size_t group,
    enum err_code (*each)(void *arg, const struct found *one),
    void *arg) MUST_USE;

/* One answer, and how it was read. */
struct answer_seen {
	const char *source; /* a file, "-" or a URL */
	unsigned status; /* 0: not known */
	struct str method, url, content_type;
	struct str body; /* its first bytes */
	int64_t wait; /* Retry-After; -1: none */
	struct reading reading;
	bool empty; /* it does not even mention what was asked for */
};

/* Where it is written for people; flush() is called now and then. */
struct explain_out {
	struct buf *b;
	bool colours;
	unsigned width;
	enum err_code (*flush)(void *arg);
	void *arg;
};

enum err_code explain_multistatus(struct explain_out *out, struct findings *f,
    const struct answer_seen *a) MUST_USE;
enum err_code explain_single(struct explain_out *out, struct findings *f,
    const struct answer_seen *a) MUST_USE;

/* "FILE: the answer to DELETE http://h/: 207 Multi-Status" */
void explain_put_what(struct buf *b, const struct answer_seen *a);

const char *explain_shape_name(enum shape s);

/* What a status means (meanings.def); or "". */
const char *status_means(unsigned status);

/* Puts the JSON line of the answer itself. */
void explain_json_answer(struct buf *b, const struct findings *f,
    const struct answer_seen *a, bool multistatus);

#endif
