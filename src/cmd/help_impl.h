/* SPDX-License-Identifier: MIT */
/* What the forms of help share: text, manual pages, completion. */
#ifndef SHEAF_CMD_HELP_IMPL_H
#define SHEAF_CMD_HELP_IMPL_H

#include "base/buf.h"
#include "cmd/commands.h"
#include "server/config.h"

/* An option of any command, whichever table it stands in. */
struct option_view {
	const char *letters;
	const char *name;
	const char *metavar; /* empty: a flag */
	const char *doc;
	const struct config_option *config; /* of `serve`, or NULL */
};

/* The option at *at (from 0), which is moved on; false: there is no more. */
bool help_option(
    const struct command *c, size_t *at, struct option_view *v) MUST_USE;

bool help_option_takes_value(const struct option_view *v);

/* "FILE", "strict|relaxed" */
void help_put_metavar(struct buf *out, const struct option_view *v);

/* The text up to its first full stop, and with it. */
struct str help_first_sentence(const char *doc);

/*
 * Takes a paragraph off *doc; *verbatim: it is indented and keeps its lines.
 * False: there is no more.
 */
bool help_paragraph(struct str *doc, struct str *text, bool *verbatim);

/* An exit code, and the commands (enum option_user) that may end with it. */
struct exit_row {
	int code;
	unsigned users;
	const char *text;
};

/* The exit code of c at *at (from 0), which is moved on; false: no more. */
bool
help_exit(const struct command *c, size_t *at, struct exit_row *row) MUST_USE;

#endif
