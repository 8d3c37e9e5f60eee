/* SPDX-License-Identifier: MIT */
/*
 * The subcommands of sheaf.  Each takes the arguments behind its name, which
 * NULL ends, and returns what the program exits with.
 */
#ifndef SHEAF_CMD_COMMANDS_H
#define SHEAF_CMD_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

enum exit_code {
	EXIT_OK = 0, /* every item is proven done */
	EXIT_CANNOT = 1, /* it could not go on */
	EXIT_USAGE = 2, /* wrong usage */
	EXIT_SOME_FAILED = 3,
	EXIT_ALL_FAILED = 4,
	EXIT_REFUSED = 5, /* all or nothing was asked for: nothing was done */
	EXIT_UNKNOWN = 6, /* what became of some items is not known */
	EXIT_ACCESS = 7, /* not authenticated or not allowed */
	EXIT_PROTOCOL = 8, /* a malformed 207 and the like; lint errors */
	EXIT_UNREACHABLE = 9,
	EXIT_CONFLICTS = 10, /* conflicts were kept */
	EXIT_DIGEST = 11, /* a digest did not match */
	EXIT_DIFFERENT = 12, /* differences were found */
	EXIT_INTERRUPTED = 130,
};

struct command {
	const char *name;
	int (*run)(const char *const *args);
	unsigned user; /* which options of options.def it takes; 0: none */
	const char *usage; /* a line for each way, without "sheaf NAME" */
	const char *summary;
	const char *doc; /* paragraphs; an empty line between them */
};

extern const struct command commands[];
extern const size_t n_commands;

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);

int cmd_batch(const char *const *args);
int cmd_cat(const char *const *args);
int cmd_cp(const char *const *args);
int cmd_explain(const char *const *args);
int cmd_get(const char *const *args);
int cmd_help(const char *const *args);
int cmd_lint(const char *const *args);
int cmd_lock(const char *const *args);
int cmd_locks(const char *const *args);
int cmd_ls(const char *const *args);
int cmd_mkdir(const char *const *args);
int cmd_mv(const char *const *args);
int cmd_prop(const char *const *args);
int cmd_put(const char *const *args);
int cmd_retry(const char *const *args);
int cmd_rm(const char *const *args);
int cmd_serve(const char *const *args);
int cmd_stat(const char *const *args);
int cmd_tree(const char *const *args);
int cmd_unlock(const char *const *args);

/* What `sheaf help` and `sheaf --help` say. */
void help_put_overview(struct buf *out);

/* What `sheaf help COMMAND` says, and the same as a page for man(1). */
void help_put_command(struct buf *out, const struct command *c);
void help_put_man(struct buf *out, const struct command *c);
void help_put_man_overview(struct buf *out);

/* Completion for a shell; false: it is none of bash, zsh and fish. */
bool help_put_completion(struct buf *out, const char *shell) MUST_USE;

/* Writes out to stdout and clears it; EXIT_CANNOT when that fails. */
int print_out(struct buf *out);

#endif
