/* SPDX-License-Identifier: MIT */
/* The parts of `sheaf explain`: what was found in one answer, and its print. */
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

/* Kinds of failure that are told apart, and resources kept of each. */
#define GROUPS_MAX 64
#define GROUP_SHOWN 50

/* One resource of a group; strings are the arena's, or for the call. */
struct found {
	struct str href; /* or its id, where it has none */
	struct str says;
	uint64_t line;
	unsigned status;
};

/* Resources that failed in the same way. */
struct found_group {
	enum fate fate;
	unsigned status;
	struct prop_name condition; /* the first that was named, or empty */
	bool props; /* the resource is there; properties of it were refused */
	bool other; /* those that had no room in a group of their own */
	struct str error; /* one DAV:error of them */
	int64_t wait; /* ns, the longest; -1: none */
	uint64_t n;
	size_t shown;
	struct found found[GROUP_SHOWN];
};

/* How often a status stands in it, by what became of the resource. */
struct found_status {
	unsigned status;
	bool ok;
	uint64_t n;
};

/* Everything that is kept of one answer: its size has a limit. */
struct findings {
	struct sink base;
	const struct options *o;
	const char *op; /* as struct work_item has it; "" */
	struct arena keep, item;
	struct found_group *groups; /* GROUPS_MAX */
	size_t n_groups;
	struct found_status statuses[GROUPS_MAX];
	size_t n_statuses;
	uint64_t total, ok, failed, unknown;
	uint64_t missing; /* properties that were not found */
	FILE *all; /* --all: each resource, or NULL */
	struct buf *json; /* --json: where each goes at once, or NULL */
	enum err_code (*flush)(void *arg); /* when json has grown; optional */
	void *flush_arg;
	struct exit_facts *facts;
};

enum err_code findings_init(struct findings *f, const struct options *o,
    const char *op, struct exit_facts *facts, struct err *err) MUST_USE;
void findings_done(struct findings *f);

/*
 * With --all: the resources of a group one by one (group < n_groups), or those
 * that succeeded (group == GROUPS_MAX).
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

/* Writes it for people; flush() is called now and then. */
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

/* A sentence, or empty. */
const char *status_means(unsigned status);

/* As JSON: the line of the answer itself. */
void explain_json_answer(struct buf *b, const struct findings *f,
    const struct answer_seen *a, bool multistatus);

#endif
