/* SPDX-License-Identifier: MIT */
/* The parts of struct work (cmd/work.h), each in a file of its own. */
#ifndef SHEAF_CMD_WORK_IMPL_H
#define SHEAF_CMD_WORK_IMPL_H

#include <limits.h>
#include <signal.h>

#include "base/arena.h"
#include "client/client.h"
#include "cmd/exit_code.h"
#include "cmd/trouble.h"
#include "cmd/work.h"
#include "wire/retry_line.h"

/* ---- work_file.c: the retry file */

/*
 * Made when the first line comes; with --failed-out at once, and then written
 * beside its place and renamed at the end, so that it may replace the file that
 * is being retried.  Readable by its owner alone.
 */
struct work_file {
	const char *asked; /* --failed-out, or NULL; borrowed */
	struct retry_header header; /* borrowed */
	char name[PATH_MAX]; /* what it is called in the end */
	char now[PATH_MAX]; /* what it is called now */
	int fd; /* -1: not made yet */
	bool headed; /* its first line is written */
	bool in_place; /* `now` is `name`: work_file_done() keeps it */
	uint64_t lines; /* without the first */
	enum err_code failed; /* the first failure */
};

void work_file_init(struct work_file *f, const char *asked);
enum err_code work_file_open(struct work_file *f, struct err *err) MUST_USE;
enum err_code work_file_put(
    struct work_file *f, const struct retry_line *l, struct err *err) MUST_USE;

/* Syncs it and puts it in its place; does nothing if it was never made. */
enum err_code work_file_close(struct work_file *f, struct err *err) MUST_USE;

/* Releases it; a file that was not closed, and is not in place, is removed. */
void work_file_done(struct work_file *f);

/*
 * Makes the line of an item, all in the arena: in the words of the bulk API,
 * with the absolute name of the file, and URLs without users and passwords.
 * ERR_NOMEM.
 */
enum err_code work_file_line(struct arena *a, const struct work_item *i,
    struct retry_line *out, struct err *err) MUST_USE;

/*
 * Finds the URLs of a member by the href in the answer: the place below the
 * item's source and, for a COPY or MOVE, the same below its destination.
 * False: the href is in neither.
 */
bool work_member_urls(struct arena *a, const struct work_item *parent,
    struct str href, struct str *url, struct str *destination) MUST_USE;

/* ---- work_bar.c: the progress bar */

struct work_bar {
	bool on; /* it may be drawn: stderr is a terminal, and no -q */
	bool visible;
	uint64_t items, items_done;
	int64_t bytes, bytes_done;
	int64_t began, drawn; /* times, by clock_monotonic() */
	int64_t rate_at; /* when the rate was last computed */
	int64_t rate_bytes; /* bytes_done then */
	double rate; /* bytes a second, smoothed; <0: not known yet */
};

void work_bar_init(struct work_bar *b, bool on);
void work_bar_draw(struct work_bar *b, int64_t now); /* if it is time */
void work_bar_erase(struct work_bar *b);

/* The text of it, at most `width` columns. */
void work_bar_put(
    struct buf *out, const struct work_bar *b, int64_t now, unsigned width);

/* ---- work_signals.c: Ctrl-C */

/*
 * SIGINT and SIGTERM are blocked and read from a descriptor, so that nothing is
 * interrupted in the middle.  After two they are not blocked any more: the
 * third ends the process.  A signal that was ignored stays so.
 */
struct work_signals {
	int fd; /* -1: none */
	unsigned seen; /* signals that came */
	sigset_t watched, before;
};

enum err_code
work_signals_init(struct work_signals *s, struct err *err) MUST_USE;
bool work_signals_poll(struct work_signals *s); /* whether one more came */
void work_signals_done(struct work_signals *s);

/* ---- work.c */

/* The failed members of an item whose work_done() is still to come. */
struct work_parent {
	struct work_parent *next; /* of another item */
	struct buf key; /* finds the item */
	struct buf members; /* JSON objects, with commas between */
	uint64_t n; /* members that failed */
	uint64_t id; /* of the item's line in the retry file */
	bool unmapped; /* a member is not below the item */
	/* The item itself was named as one; what was said of it: */
	bool self;
	unsigned status;
	struct buf error, text;
};

/* So many members of an item are printed as JSON; the others are counted. */
#define WORK_MEMBERS_SHOWN 1000

struct work {
	const struct options *o;
	struct buf command;
	struct buf user; /* of the retry file */
	bool json, quiet, verbose;
	bool out_is_terminal;
	struct buf out; /* for stdout */
	int64_t flushed; /* when out was last written, clock_monotonic() */
	bool out_failed; /* stdout cannot be written to */
	struct exit_facts facts;
	uint64_t members, retryable, bytes, ids, replayed;
	struct work_parent *parents;
	struct work_file file;
	struct work_bar bar;
	struct work_signals signals;
	struct client_watch watch;
	struct arena item; /* cleared for each item */
};

/* Writes "sheaf: TEXT" to stderr; erases the bar before. */
void work_line(struct work *w, struct str text);
void work_flush(struct work *w);

/* ---- work_say.c */

/* What went wrong with an item; borrowed from both. */
struct trouble work_trouble(const struct work_item *i, const struct verdict *v);

/* Says what became of an item, for people or as JSON; parent may be NULL. */
void work_say_item(struct work *w, const struct work_item *i,
    const struct verdict *v, const struct work_parent *parent);
void work_say_member(struct work *w, struct work_parent *parent,
    const struct work_item *i, struct str url, const struct outcome *o);
void work_say_summary(struct work *w, int code);

#endif
