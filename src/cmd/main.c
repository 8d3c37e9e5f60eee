/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/plain.h"
#include "cmd/commands.h"

static int
version(void)
{
	struct buf out = { 0 };

	BUF_LIT(&out, "sheaf " SHEAF_VERSION "\n");
	return print_out(&out);
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct command *c = command_find(name);
	struct buf plain CLEANUP(buf_done) = { 0 };

	/* To write past the limit of a file's size fails with EFBIG instead. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (c)
		return c->run((const char *const *)argv + 2);
	if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		return version();
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return cmd_help((const char *const[]){ NULL });
	text_put_plain(&plain, str_from_c(name));
	if (argc > 1)
		(void)fprintf(stderr,
		    "sheaf: there is no command '%.*s'; see 'sheaf help'\n",
		    STR_ARG(buf_str(&plain)));
	else
		(void)fputs("Usage: sheaf COMMAND [ARGUMENTS]; see 'sheaf "
			    "help'\n",
		    stderr);
	return EXIT_USAGE;
}
