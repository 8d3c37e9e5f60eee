/* SPDX-License-Identifier: MIT */
/*
 * The subcommands of sheaf.  Each takes the arguments behind its name, which
 * NULL ends, and returns what the program exits with.
 */
#ifndef SHEAF_CMD_COMMANDS_H
#define SHEAF_CMD_COMMANDS_H

#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_CANNOT = 1, /* it could not go on */
	EXIT_USAGE = 2, /* wrong usage */
};

struct command {
	const char *name;
	int (*run)(const char *const *args);
	const char *usage;
	const char *summary;
};

extern const struct command commands[];
extern const size_t n_commands;

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);

int cmd_help(const char *const *args);
int cmd_locks(const char *const *args);
int cmd_serve(const char *const *args);

/* What `sheaf help` and `sheaf --help` say. */
void help_put_overview(struct buf *out);

/* What `sheaf help COMMAND` says, as text and as a page for man(1). */
void help_put_locks(struct buf *out);
void help_put_locks_man(struct buf *out);
void help_put_serve(struct buf *out);
void help_put_serve_man(struct buf *out);

/* Writes it to stdout and clears it; EXIT_CANNOT when that fails. */
int print_out(struct buf *out);

#endif
