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

/* The operands that a command takes, and which of them are URLs. */
struct files_shape {
	size_t least, most; /* how many operands */
	size_t first; /* URLs begin at this one */
	size_t others; /* so many at the end are none; or FILES_ONE_URL */
};

#define FILES_ONE_URL SIZE_MAX

/*
 * Reads the arguments; the URLs are then f->s.urls.  False: nothing is left to
 * do but files_drop(), and to exit with *code.
 */
bool files_begin(struct files *f, const char *command, const char *const *args,
    const struct files_shape *shape, int *code) MUST_USE;

/* The token of --lock-token, without "<>" around it; or empty. */
struct str files_token(const struct files *f);

/* Whether --if-match and --lock-token can go into a header; says why not. */
bool files_headers_ok(const struct files *f) MUST_USE;

/*
 * Takes "<>" off a lock token.  False: it can be none, for it is neither a URI
 * nor anything that servers take for one.
 */
bool token_read(const char *arg, struct str *out);

/* Runs what was started, to its end. */
void files_run(struct files *f);

/* Prints the summary, releases f, and gives the exit code. */
int files_end(struct files *f);

/*
 * Instead of files_end() where nothing was begun and the reason was said: with
 * --json there is a summary nevertheless.  Gives code.
 */
int files_refuse(struct files *f, int code);

/* Releases f where nothing was begun; fine where it is all zero. */
void files_drop(struct files *f);

struct files_tree {
	struct str url, path; /* path: NUL-terminated */
	struct str lock_token; /* NUL-terminated, or empty */
};

/*
 * What `get -r` and `put -r` do with one tree, for `sheaf retry`: with f's
 * client and work, and without its options, so that nothing is overwritten.
 * Both run to the end, tell the work about each item, and say whether all of it
 * was done.
 */
bool get_tree(const struct files *f, const struct files_tree *t) MUST_USE;
bool put_tree(const struct files *f, const struct files_tree *t) MUST_USE;

/* A copy of f for get_tree() and put_tree(), which borrows all it has. */
struct files files_for_tree(const struct files *f, const struct files_tree *t);

/* Says on stderr what is wrong with the arguments; gives EXIT_USAGE. */
int files_wrong(const struct files *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The verdict where we send nothing, for this reason. */
struct verdict files_refusal(struct str why);

/* The verdict where a request could not be sent. */
struct verdict files_failure(enum err_code rc, const struct err *err);

/* Says that memory ran out, and ends as files_end() does. */
int files_cannot(struct files *f);

/*
 * Makes the verdict on a question one on the change that was to follow: where
 * there was no good answer, the change was not begun.
 */
void files_not_begun(struct verdict *v);

/* --dry-run: says on stdout what would be done. */
void files_would(
    struct files *f, const char *what, struct str url, struct str destination);

/* An array in the session's arena, all zero; NULL: out of memory. */
void *files_array(struct files *f, size_t n, size_t size) MUST_USE;

/* The URL with a slash at its end, in the session's arena; empty: no memory. */
struct str files_slash(struct files *f, struct str url);

/* ---- what a PROPFIND says of one resource */

struct entry {
	struct str href; /* absolute, encoded; with a slash if a collection */
	/*
	 * Nothing but the href is known: its status, or that of one of its
	 * properties, is no success.
	 */
	bool unknown;
	unsigned status; /* that status, if unknown; 0: none could be read */
	bool collection;
	bool kind_told; /* the answer says it; else the slash of href does */
	bool has_size, has_time;
	uint64_t size;
	int64_t time; /* seconds since 1970 */
	struct str etag, type;
};

/* The properties that entry_read() reads. */
extern const struct prop_name entry_names[];
extern const size_t n_entry_names;

/* Reads a resource of the answer.  *e borrows from o; a is for scratch. */
void entry_read(struct arena *a, const struct outcome *o, struct entry *e);

/*
 * Sends a PROPFIND for these properties (all: and for those of DAV:allprop).
 * spec needs the URL, the depth and the events.
 */
enum err_code files_propfind(struct files *f, struct remote_spec spec, bool all,
    const struct prop_name *names, size_t n, struct err *err) MUST_USE;

/* ---- one look */

/*
 * e: what is there, where v is FATE_DONE; else it may be NULL.  Everything is
 * borrowed.
 */
typedef void (*look_fn)(
    void *arg, const struct entry *e, const struct verdict *v);

/*
 * Asks what is at a URL (PROPFIND, Depth: 0), and calls done() with that; also
 * where the request could not be sent, with a verdict that says so.
 */
void look(struct files *f, struct str url, look_fn done, void *arg);

/* ---- the properties of one resource */

struct told_prop {
	struct prop_name name;
	unsigned status;
	bool xml; /* value is its whole element; else it is text */
	struct str value;
	struct str tell; /* the server's sentence about a failure; or empty */
};

/* Everything is borrowed. */
typedef void (*props_fn)(void *arg, const struct told_prop *props, size_t n,
    const struct verdict *v);

/* Asks for those named (all: and for those of DAV:allprop). */
void props_ask(struct files *f, struct str url, bool all,
    const struct prop_name *names, size_t n, props_fn done, void *arg);

/* ---- one change */

typedef void (*change_fn)(void *arg, const struct verdict *v);

/*
 * Sends the request; members that failed and the verdict are told to the work.
 * Strings of item and spec must outlive the call; all events of spec but lock
 * are set here.  after() is called last; it may be NULL.
 */

void change(struct files *f, const struct work_item *item,
    struct remote_spec spec, change_fn after, void *arg);

/* The same, but after() alone gets the verdict. */
void change_members(struct files *f, const struct work_item *item,
    struct remote_spec spec, change_fn after, void *arg);

/* The same, and nobody is told of the members. */
void change_quietly(struct files *f, const struct work_item *item,
    struct remote_spec spec, change_fn after, void *arg);

#endif
