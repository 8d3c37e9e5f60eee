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
 * Made when the first line comes, or at once where it was asked for by name:
 * then it is written beside its place and put there in the end, so that the
 * file that is being retried may be the one.  Readable by its owner alone.
 */
struct work_file {
	const char *asked; /* --failed-out, or NULL; borrowed */
	struct retry_header header; /* borrowed */
	char name[PATH_MAX]; /* where it is in the end */
	char now[PATH_MAX]; /* where it is now */
	int fd; /* -1: not yet */
	bool headed; /* its first line is written */
	bool in_place; /* now is name, and what is there is kept */
	uint64_t lines; /* behind the first */
	enum err_code failed; /* it sticks */
};

void work_file_init(struct work_file *f, const char *asked);
enum err_code work_file_open(struct work_file *f, struct err *err) MUST_USE;
enum err_code work_file_put(
    struct work_file *f, const struct retry_line *l, struct err *err) MUST_USE;

/* Puts it on the disk and in its place; nothing where it was never made. */
enum err_code work_file_close(struct work_file *f, struct err *err) MUST_USE;

/* Takes back what was not closed. */
void work_file_done(struct work_file *f);

/*
 * The line of an item, all in the arena: in the words of the bulk API, without
 * users and passwords in its URLs, the file's name absolute.  ERR_NOMEM.
 */
enum err_code work_file_line(struct arena *a, const struct work_item *i,
    struct retry_line *out, struct err *err) MUST_USE;

/*
 * The URLs of a member of an item that the answer named: the same place below
 * the source and, for a COPY or MOVE, below the destination.  False where the
 * href is in neither.
 */
bool work_member_urls(struct arena *a, const struct work_item *parent,
    struct str href, struct str *url, struct str *destination) MUST_USE;

/* ---- work_bar.c: the progress bar */

struct work_bar {
	bool on; /* it may be drawn: stderr is a terminal, and no -q */
	bool visible;
	uint64_t items, items_done;
	int64_t bytes, bytes_done;
	int64_t began, drawn; /* monotonic */
	int64_t rate_at, rate_bytes; /* when the rate was last looked at */
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
 * SIGINT and SIGTERM are blocked and read from a descriptor, so that what is
 * being written is written.  The third ends the process as if there were no
 * such care.  A signal that was ignored stays so.
 */
struct work_signals {
	int fd; /* -1: none */
	unsigned seen;
	sigset_t watched, before;
};

enum err_code
work_signals_init(struct work_signals *s, struct err *err) MUST_USE;
bool work_signals_poll(struct work_signals *s); /* whether one more came */
void work_signals_done(struct work_signals *s);

/* ---- work.c */

/* Members of an item in hand that have failed; items may be in hand together.
 */
struct work_parent {
	struct work_parent *next;
	struct buf key; /* what the item is known by */
	struct buf members; /* JSON objects, with commas between */
	uint64_t n; /* that failed */
	uint64_t id; /* of its line in the retry file */
	bool unmapped; /* one of them is not below it */
	/* The item itself was named as one of them: it is told once. */
	bool self;
	unsigned status;
	struct buf error, text;
};

/* JSON objects of one item's members that are printed; the rest is counted. */
#define WORK_MEMBERS_SHOWN 1000

struct work {
	const struct options *o;
	struct buf command;
	struct buf user; /* of the retry file */
	bool json, quiet, verbose;
	bool out_is_terminal;
	struct buf out; /* for stdout */
	int64_t flushed; /* monotonic */
	bool out_failed;
	struct exit_facts facts;
	uint64_t members, retryable, bytes, ids, replayed;
	struct work_parent *parents;
	struct work_file file;
	struct work_bar bar;
	struct work_signals signals;
	struct client_watch watch;
	struct arena item; /* cleared with each */
};

/* A line on stderr: "sheaf: TEXT", the bar out of its way. */
void work_line(struct work *w, struct str text);
void work_flush(struct work *w);

/* ---- work_say.c */

/* "put a.txt to https://h/a.txt" */
void work_put_subject(struct buf *b, const struct work_item *i);

/* What went wrong with it; borrowed from both. */
struct trouble work_trouble(const struct work_item *i, const struct verdict *v);

/* What became of it, for people and as JSON; parent may be NULL. */
void work_say_item(struct work *w, const struct work_item *i,
    const struct verdict *v, const struct work_parent *parent);
void work_say_member(struct work *w, struct work_parent *parent,
    const struct work_item *i, struct str url, const struct outcome *o);
void work_say_summary(struct work *w, int code);

#endif
