/* SPDX-License-Identifier: MIT */
/*
 * What all commands that work on many items share.  What became of each item is
 * printed (with --json as an object on a line), counted and, unless it is done,
 * written to the retry file.  The exit code follows from all items together, by
 * one table (docs/design/exit-codes.md).
 */
#ifndef SHEAF_CMD_WORK_H
#define SHEAF_CMD_WORK_H

#include <stdint.h>

#include "cmd/options.h"
#include "outcome/outcome.h"
#include "outcome/verdict.h"

/* One thing that was asked for; strings are borrowed. */
struct work_item {
	const char *op; /* "put", "get", "delete", "copy", "mkcol" ... */
	struct str url; /* absolute, encoded */
	struct str destination; /* absolute, encoded; or empty */
	struct str file; /* the local one, or empty */
	uint64_t bytes; /* transferred */
	/* What else `sheaf retry` needs of the request; empty: not given. */
	struct str if_match;
	struct str if_none_match;
	struct str lock_token;
	bool keep; /* Overwrite: F */
	bool recursive;
	struct str body; /* PROPPATCH, LOCK */
	/*
	 * Of `sheaf batch`: the operation's id, and the operation as it goes
	 * into the retry file (wire/retry_line.h).  op is then a word of the
	 * bulk API, and members that fail have no lines of their own.
	 */
	struct str id;
	struct str operation, source;
	struct str key; /* its idempotency key */
	bool replayed; /* it was done by an earlier request */
	bool kept; /* not for the retry file: the journal has it */
	bool mute; /* not printed: the reason was said once for many */
	struct str answer; /* all that the server said of it, in JSON */
	bool answer_omitted; /* that is not there: it was too much */
};

struct work;

/*
 * The retry file is made when the first item needs it; with --failed-out at
 * once, so that a file that cannot be written is found before anything is done.
 *
 * SIGPIPE is ignored.  SIGINT and SIGTERM are blocked until work_free(), and
 * work_watch() reads them.  Code that waits for a person meanwhile (a password)
 * polls a signalfd of its own, and raises the signal again if it was SIGINT.
 */
enum err_code work_new(const struct options *o, const char *command,
    struct work **out, struct err *err) MUST_USE;

/*
 * work_done() says what became of an item.  Before that work_member() says
 * which of its members failed (in a 207): they are part of its line and its
 * JSON object, and are items of their own in the retry file.
 */
void work_member(struct work *w, const struct work_item *parent,
    const struct outcome *member);
void
work_done(struct work *w, const struct work_item *i, const struct verdict *v);

/* Whether --json was given. */
bool work_json(const struct work *w);

/* Writes the command's own data (a line of `ls`, JSON) to stdout, as it is. */
void work_out(struct work *w, struct str text);

/* A line on stderr: work_say() without -q; work_say_more() with -v alone. */
void work_say(struct work *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
void work_say_more(struct work *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Says that the items are operations of a batch, for the first line of the
 * retry file: where they go, their shape, and what stands beside them in the
 * batch, as JSON.  Borrowed.
 */
void
work_batch(struct work *w, struct str url, struct str shape, struct str batch);

/* Nothing is done, for it was to be all or nothing: exit code 5. */
void work_refused(struct work *w);

/* The peer broke the protocol, with something that is not part of an item. */
void work_broken(struct work *w, const char *what);

/*
 * The command cannot go on: says "sheaf: WHAT: WHY" (err NULL: out of memory)
 * and makes the exit code 1.  The caller begins nothing more, and still tells
 * work_done() of the items that are left, with FATE_LEFT.
 */
void work_stop(struct work *w, const char *what, const struct err *err);

/*
 * The progress bar, which is there when stderr is a terminal, the work takes
 * longer than a second, and there is no -q.  work_expect() adds to what there
 * is to do, work_progress() to the bytes that are done (< 0: they have to be
 * done again); work_done() counts items.
 */
void work_expect(struct work *w, uint64_t items, uint64_t bytes);
void work_progress(struct work *w, int64_t bytes);

/* For client_run(): the first SIGINT or SIGTERM drains, the second aborts. */
struct client_watch;
const struct client_watch *work_watch(struct work *w);
bool work_interrupted(struct work *w); /* begin nothing more */

/*
 * Prints the summary and the retry file's name, and gives the exit code.  NULL
 * is fine: work that could not begin.
 */
int work_end(struct work *w);

/* Prints the summary of --json where no work could begin, with this code. */
void work_refuse(int code);
void work_free(struct work *w); /* NULL is fine */

#endif
