/* SPDX-License-Identifier: MIT */
/*
 * What the commands that work on files of a server share: how they begin and
 * end, one look at a URL, and one request that changes something.
 */
#ifndef SHEAF_CMD_FILES_H
#define SHEAF_CMD_FILES_H

#include "client/remote.h"
#include "cmd/commands.h"
#include "cmd/session.h"
#include "cmd/work.h"
#include "http/url.h"

struct files {
	const char *command;
	struct options o;
	struct work *work;
	struct session s;
};

/*
 * Reads the arguments: from least to most operands, of which those from first
 * on, but the last `others`, are URLs (f->s.urls); or the first alone.  False:
 * nothing is left to do but files_drop(), and to exit with *code.
 */
#define FILES_ONE_URL SIZE_MAX /* of others */

struct files_shape {
	size_t least, most;
	size_t first, others;
};

bool files_begin(struct files *f, const char *command, const char *const *args,
    const struct files_shape *shape, int *code) MUST_USE;

/* --lock-token, without the <> that may stand around it, or empty. */
struct str files_token(const struct files *f);

/* Whether --if-match and --lock-token can go into a header; says why not. */
bool files_headers_ok(const struct files *f) MUST_USE;

/* Without them; whether it can be a token: a URI, or what servers take for one.
 */
bool token_read(const char *arg, struct str *out);

/* Runs what was started. */
void files_run(struct files *f);

/* The exit code, after the summary. */
int files_end(struct files *f);

/*
 * The end where nothing was begun, for a reason that was said: with --json the
 * summary, which is never missing.  Gives code.
 */
int files_refuse(struct files *f, int code);

/* Where nothing was begun; all zero may be dropped. */
void files_drop(struct files *f);

/*
 * `get -r` and `put -r` of one tree that was not done before, with f's client
 * and work, and without its options: what is there is not overwritten.  Run to
 * the end; each item is told to the work.  Whether all of it is done.
 */
struct files_tree {
	struct str url, path; /* path: NUL-terminated */
	struct str lock_token; /* NUL-terminated, or empty */
};

bool get_tree(const struct files *f, const struct files_tree *t) MUST_USE;
bool put_tree(const struct files *f, const struct files_tree *t) MUST_USE;

/* f, to run a tree with. */
struct files files_for_tree(const struct files *f, const struct files_tree *t);

/* Says on stderr what is wrong with the arguments; gives EXIT_USAGE. */
int files_wrong(const struct files *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A verdict that is ours: nothing was sent, for this reason. */
struct verdict files_refusal(struct str why);

/* The verdict of what could not be sent. */
struct verdict files_failure(enum err_code rc, const struct err *err);

/* ERR_NOMEM where nothing can be done any more; ends as files_end(). */
int files_cannot(struct files *f);

/*
 * What was only asked before the change itself, and had no good answer: nothing
 * was done, whatever became of the question.
 */
void files_not_begun(struct verdict *v);

/* --dry-run: what would be done, on stdout. */
void files_would(
    struct files *f, const char *what, struct str url, struct str destination);

/* In the session's arena; NULL where memory ran out. */
void *files_array(struct files *f, size_t n, size_t size) MUST_USE;

/* With a slash at its end.  In the session's arena; what fails is empty. */
struct str files_slash(struct files *f, struct str url);

/* ---- what a PROPFIND says of one resource */

struct entry {
	struct str href; /* absolute, encoded; with a slash if a collection */
	/*
	 * Its status, or that of one of its properties, is no success: nothing
	 * but the href is known.
	 */
	bool unknown;
	unsigned status; /* then; 0: none could be read */
	bool collection;
	bool kind_told; /* else collection is a guess */
	bool has_size, has_time;
	uint64_t size;
	int64_t time; /* seconds since 1970 */
	struct str etag, type;
};

/* What to ask for so that entry_read() knows it all. */
extern const struct prop_name entry_names[];
extern const size_t n_entry_names;

/*
 * Borrowed from o; a is for what is parsed meanwhile.  The href is as o has it.
 */
void entry_read(struct arena *a, const struct outcome *o, struct entry *e);

/*
 * Sends a PROPFIND for these properties (all: and for all that the server likes
 * to tell).  spec needs the URL and the depth, and who is told.
 */
enum err_code files_propfind(struct files *f, struct remote_spec spec, bool all,
    const struct prop_name *names, size_t n, struct err *err) MUST_USE;

/* ---- one look */

/*
 * Asks what is at a URL (PROPFIND, Depth: 0).  done() gets the entry where the
 * verdict is FATE_DONE; everything is borrowed.
 */
typedef void (*look_fn)(
    void *arg, const struct entry *e, const struct verdict *v);

/* ERR_NOMEM and so on: then done() is called with a verdict that says so. */
void look(struct files *f, struct str url, look_fn done, void *arg);

/* ---- the properties of one resource */

struct told_prop {
	struct prop_name name;
	unsigned status;
	bool xml; /* value is its element, else text */
	struct str value;
	struct str tell; /* why not */
};

/* Everything is borrowed. */
typedef void (*props_fn)(void *arg, const struct told_prop *props, size_t n,
    const struct verdict *v);

/* Asks for those named (all: and for all that the server likes to tell). */
void props_ask(struct files *f, struct str url, bool all,
    const struct prop_name *names, size_t n, props_fn done, void *arg);

/* ---- one change */

/*
 * Sends the request; members that failed and the verdict go to the work.
 * Item's and spec's strings must outlive the call; spec's events are set here.
 * after is called last, and may be NULL.
 */
typedef void (*change_fn)(void *arg, const struct verdict *v);

void change(struct files *f, const struct work_item *item,
    struct remote_spec spec, change_fn after, void *arg);

/* The same, but the verdict goes to after alone. */
void change_members(struct files *f, const struct work_item *item,
    struct remote_spec spec, change_fn after, void *arg);

/* The same, and the members go nowhere. */
void change_quietly(struct files *f, const struct work_item *item,
    struct remote_spec spec, change_fn after, void *arg);

#endif
