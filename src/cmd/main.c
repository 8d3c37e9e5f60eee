/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

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

	if (c)
		return c->run((const char *const *)argv + 2);
	if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		return version();
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return cmd_help((const char *const[]){ NULL });
	if (argc > 1)
		(void)fprintf(stderr,
		    "sheaf: '%s' is no command; see 'sheaf help'\n", name);
	else
		(void)fputs("Usage: sheaf COMMAND [ARGUMENTS]; see 'sheaf "
			    "help'\n",
		    stderr);
	return EXIT_USAGE;
}
