/* SPDX-License-Identifier: MIT */
#include "cmd/commands.h"

#include <stdio.h>
#include <string.h>

#include "cmd/options.h"

const struct command commands[] = {
#define COMMAND(name, function, user, usage, summary, doc) \
	{ name, function, user, usage, summary, doc },
#include "cmd/commands.def"
#undef COMMAND
};
const size_t n_commands = ARRAY_LEN(commands);

const struct command *
command_find(const char *name)
{
	size_t i;

	for (i = 0; i < n_commands; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int
print_out(struct buf *out)
{
	struct str text = buf_str(out);
	bool ok = !buf_failed(out) &&
	    (!text.len || fwrite(text.ptr, 1, text.len, stdout) == text.len) &&
	    !fflush(stdout);

	buf_done(out);
	if (!ok)
		(void)fputs("sheaf: cannot write to the output\n", stderr);
	return ok ? EXIT_OK : EXIT_CANNOT;
}
