/* SPDX-License-Identifier: MIT */
/*
 * What every command that works on many items shares: what became of each is
 * printed (or, with --json, one object a line), counted, and, where it did not
 * succeed, written to the retry file; what the program exits with follows from
 * all of them, by one table (docs/design/exit-codes.md).
 */
#ifndef SHEAF_CMD_WORK_H
#define SHEAF_CMD_WORK_H

#include <stdint.h>

#include "cmd/options.h"
#include "outcome/outcome.h"
#include "outcome/verdict.h"

/* One thing that was asked for; strings are borrowed. */
struct work_item {
	const char
	    *op; /* "put", "get", "delete", "copy", "move", "mkcol" ... */
	struct str url; /* absolute, encoded */
	struct str destination; /* absolute, encoded; or empty */
	struct str file; /* the local one, or empty */
	uint64_t bytes; /* transferred */
	/* More of the request that `sheaf retry` needs; empty: not given. */
	struct str if_match;
	struct str if_none_match;
	struct str lock_token;
	bool keep; /* Overwrite: F */
	bool recursive;
	struct str body; /* PROPPATCH, LOCK */
	/*
	 * Of `sheaf batch`: what the operation is called, and it itself as it
	 * goes into the retry file (wire/retry_line.h).  op is then a word of
	 * the bulk API, and members that fail have no lines of their own.
	 */
	struct str id;
	struct str operation, source;
	struct str key;
	bool replayed; /* it was done before */
	bool kept; /* a journal has it to go on with: the retry file need not */
	bool mute; /* one of many that end for a reason that is said once */
	/* What was answered of it, in JSON; or that this was too much. */
	struct str answer;
	bool answer_omitted;
};

struct work;

/*
 * Makes the retry file when the first item needs it; with --failed-out at once,
 * so that it is known beforehand that it can be written.  Blocks SIGINT and
 * SIGTERM until work_free() and reads them by itself: who waits for a person
 * meanwhile (a password) polls a signalfd of its own, and raises the signal
 * again if it was SIGINT.  Ignores SIGPIPE.
 */
enum err_code work_new(const struct options *o, const char *command,
    struct work **out, struct err *err) MUST_USE;

/*
 * What became of an item.  Members that failed within it (a 207) are told
 * first, with work_member(), and stand in its line, its JSON object and the
 * retry file as items of their own.
 */
void work_member(struct work *w, const struct work_item *parent,
    const struct outcome *member);
void
work_done(struct work *w, const struct work_item *i, const struct verdict *v);

/*
 * Data that is the command's own (a line of `ls`, a JSON object): text goes to
 * stdout as it is; the command says which of both it wants.
 */
bool work_json(const struct work *w);
void work_out(struct work *w, struct str text);

/* Talk, on stderr: not with -q; or only with -v. */
void work_say(struct work *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
void work_say_more(struct work *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * What follows is of a batch: where its operations go, their shape, and what
 * stands beside them, as JSON; for the retry file.  Borrowed.
 */
void
work_batch(struct work *w, struct str url, struct str shape, struct str batch);

/* Nothing was done because not all of it could be: exit code 5. */
void work_refused(struct work *w);

/* The peer broke the protocol, with something that is no item's. */
void work_broken(struct work *w, const char *what);

/*
 * It cannot go on: says "sheaf: WHAT: WHY" (err NULL: out of memory) and makes
 * the exit code 1.  Begin nothing more; what is left is still told to
 * work_done(), with FATE_LEFT.
 */
void work_stop(struct work *w, const char *what, const struct err *err);

/*
 * The progress bar (stderr is a terminal, the work is longer than a second,
 * no -q): so much more is known to be there to do, and so much is done.  Items
 * are counted by work_done().
 */
void work_expect(struct work *w, uint64_t items, uint64_t bytes);
void work_progress(struct work *w, int64_t bytes); /* more (or less) done */

/* For client_run(): SIGINT once drains, twice aborts. */
struct client_watch;
const struct client_watch *work_watch(struct work *w);
bool work_interrupted(struct work *w); /* begin nothing more */

/*
 * The last: the summary, the retry file's name, and the exit code.  NULL is
 * fine: work that could not begin.
 */
int work_end(struct work *w);

/* --json where no work could begin: the summary of none, with the exit code. */
void work_refuse(int code);
void work_free(struct work *w); /* NULL is fine */

#endif
