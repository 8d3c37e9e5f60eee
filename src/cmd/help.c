/* SPDX-License-Identifier: MIT */
/* What the program says of itself, made of the tables it runs by. */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "server/config.h"

#define WIDTH 78

void
help_put_overview(struct buf *out)
{
	size_t i;

	BUF_LIT(out,
	    "Usage: sheaf COMMAND [ARGUMENTS]\n"
	    "\n"
	    "Commands:\n");
	for (i = 0; i < n_commands; i++)
		buf_printf(
		    out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	BUF_LIT(out,
	    "\n"
	    "'sheaf help COMMAND' explains one; 'sheaf --version' says which "
	    "this is.\n");
}

/* A paragraph, indented, in lines of at most WIDTH. */
static void
put_paragraph(struct buf *out, size_t indent, const char *text)
{
	struct str rest = str_from_c(text), word;
	size_t column = 0;

	while (str_cut(&rest, ' ', &word)) {
		if (column && column + 1 + word.len > WIDTH) {
			buf_putc(out, '\n');
			column = 0;
		}
		if (!column) {
			buf_printf(out, "%*s", (int)indent, "");
			column = indent;
		} else {
			buf_putc(out, ' ');
			column++;
		}
		buf_put(out, word);
		column += word.len;
	}
	buf_putc(out, '\n');
}

static void
put_option(struct buf *out, const struct config_option *o)
{
	buf_printf(out, "  --%s", o->flag);
	if (o->type == CONFIG_FLAG) {
		buf_printf(out, ", --no-%s", o->flag);
	} else {
		buf_putc(out, ' ');
		config_put_kind(o, out);
	}
	if (*o->def)
		buf_printf(out, "  (default: %s)", o->def);
	buf_putc(out, '\n');
	put_paragraph(out, 6, o->doc);
}

void
help_put_serve(struct buf *out)
{
	size_t i;

	BUF_LIT(out,
	    "Usage: sheaf serve [OPTIONS] [DIR]\n"
	    "\n"
	    "Serves the directory DIR (default: the current one) over WebDAV "
	    "at\nhttp://127.0.0.1:4918/ until SIGTERM or SIGINT. SIGHUP reads "
	    "the\nconfiguration again and reopens the log.\n"
	    "\n"
	    "Options:\n"
	    "  --config FILE\n"
	    "      Read the INI file FILE; --print-config writes one.\n"
	    "  --print-config\n"
	    "      Print every option, explained, with the value in force.\n"
	    "  -h, --help\n"
	    "      Print this.\n");
	for (i = 0; i < config_n_options; i++)
		put_option(out, &config_options[i]);
	BUF_LIT(out,
	    "\n"
	    "--max-upload is also SHEAF_MAX_UPLOAD in the environment and "
	    "max-upload in\nthe file, and so are the others. The command line "
	    "wins over the environment,\nthe environment over the file. SIZE "
	    "is a number of bytes or, as 16M, of K, M,\nG or T; TIME is as "
	    "300ms, 30s, 5m or 2h.\n");
}

void
help_put_locks(struct buf *out)
{
	BUF_LIT(out,
	    "Usage: sheaf locks [OPTIONS] [DIR]\n"
	    "       sheaf locks break [--state STATE] [DIR] TOKEN|PATH...\n"
	    "\n"
	    "Lists the locks of the directory DIR (default: the current one), "
	    "or breaks\nsome: the one of a TOKEN, or all at a PATH and below "
	    "it. A PATH is as clients\nsee it, decoded, and begins with a "
	    "slash. This may be done while a server runs.\n"
	    "\n"
	    "In front of a PATH, DIR must be given, unless --state is.\n"
	    "\n"
	    "Options:\n"
	    "  --state STATE\n"
	    "      The state directory, if 'sheaf serve' was given one. DIR is "
	    "left out then.\n"
	    "  --json\n"
	    "      List one JSON object a line.\n"
	    "  -h, --help\n"
	    "      Print this.\n");
}

/* ---- the same for man(1) */

/* Text whose dashes are dashes and whose first dot is no request. */
static void
put_roff(struct buf *out, struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.ptr[i] == '-' || s.ptr[i] == '\\')
			buf_putc(out, '\\');
		if ((s.ptr[i] == '.' || s.ptr[i] == '\'') &&
		    (!i || s.ptr[i - 1] == '\n'))
			BUF_LIT(out, "\\&");
		buf_putc(out, s.ptr[i]);
	}
}

static void
put_option_man(struct buf *out, const struct config_option *o)
{
	BUF_LIT(out, ".TP\n\\fB\\-\\-");
	put_roff(out, str_from_c(o->flag));
	BUF_LIT(out, "\\fR");
	if (o->type != CONFIG_FLAG) {
		BUF_LIT(out, " \\fI");
		config_put_kind(o, out);
		BUF_LIT(out, "\\fR");
	} else {
		BUF_LIT(out, ", \\fB\\-\\-no\\-");
		put_roff(out, str_from_c(o->flag));
		BUF_LIT(out, "\\fR");
	}
	buf_putc(out, '\n');
	put_roff(out, str_from_c(o->doc));
	BUF_LIT(out, "\nVariable ");
	config_put_variable(o, out);
	BUF_LIT(out, ", key ");
	put_roff(out, str_from_c(o->flag));
	buf_printf(out, " in [%s]", o->section);
	if (*o->def) {
		BUF_LIT(out, ", default ");
		put_roff(out, str_from_c(o->def));
	}
	BUF_LIT(out, ".\n");
}

void
help_put_serve_man(struct buf *out)
{
	size_t i;

	BUF_LIT(out,
	    ".\\\" Made by 'sheaf help --man serve'.\n"
	    ".TH SHEAF\\-SERVE 1 \"\" \"sheaf " SHEAF_VERSION "\"\n"
	    ".SH NAME\n"
	    "sheaf\\-serve \\- serve a directory over WebDAV\n"
	    ".SH SYNOPSIS\n"
	    "\\fBsheaf serve\\fR [\\fIOPTIONS\\fR] [\\fIDIR\\fR]\n"
	    ".SH DESCRIPTION\n"
	    "Serves the directory \\fIDIR\\fR (default: the current one) over\n"
	    "WebDAV until SIGTERM or SIGINT; requests that are being answered\n"
	    "then may end. SIGHUP reads the configuration again and reopens\n"
	    "the log. When it listens it prints one line with its URL.\n"
	    ".SH OPTIONS\n"
	    "The command line wins over the environment, the environment over\n"
	    "the file. A SIZE is a number of bytes or, as 16M, of K, M, G or\n"
	    "T. A TIME is as 300ms, 30s, 5m or 2h.\n"
	    ".TP\n\\fB\\-\\-config\\fR \\fIFILE\\fR\n"
	    "Read the INI file \\fIFILE\\fR. Variable SHEAF_CONFIG.\n"
	    ".TP\n\\fB\\-\\-print\\-config\\fR\n"
	    "Print such a file, with every option explained.\n"
	    ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\n"
	    "Print a summary.\n");
	for (i = 0; i < config_n_options; i++)
		put_option_man(out, &config_options[i]);
	BUF_LIT(out,
	    ".SH EXIT STATUS\n"
	    "0: stopped as it was told. 1: could not go on. 2: wrong usage.\n");
}

void
help_put_locks_man(struct buf *out)
{
	BUF_LIT(out,
	    ".\\\" Made by 'sheaf help --man locks'.\n"
	    ".TH SHEAF\\-LOCKS 1 \"\" \"sheaf " SHEAF_VERSION "\"\n"
	    ".SH NAME\n"
	    "sheaf\\-locks \\- list and break WebDAV locks\n"
	    ".SH SYNOPSIS\n"
	    "\\fBsheaf locks\\fR [\\fB\\-\\-json\\fR]\n"
	    "[\\fB\\-\\-state\\fR \\fISTATE\\fR | \\fIDIR\\fR]\n"
	    ".br\n"
	    "\\fBsheaf locks break\\fR\n"
	    "[\\fB\\-\\-state\\fR \\fISTATE\\fR | \\fIDIR\\fR]\n"
	    "\\fITOKEN\\fR|\\fIPATH\\fR...\n"
	    ".SH DESCRIPTION\n"
	    "Lists the locks of the directory \\fIDIR\\fR (default: the\n"
	    "current one), with the time that is left of each, or breaks\n"
	    "some: the one of a \\fITOKEN\\fR, or all at a \\fIPATH\\fR and\n"
	    "below it. A \\fIPATH\\fR is as clients see it, decoded, and\n"
	    "begins with a slash; in front of one, \\fIDIR\\fR must be given\n"
	    "unless \\fB\\-\\-state\\fR is. A server may be running: what is\n"
	    "broken does not hold its next request up.\n"
	    ".SH OPTIONS\n"
	    ".TP\n\\fB\\-\\-state\\fR \\fISTATE\\fR\n"
	    "The state directory, if \\fBsheaf serve\\fR was given one.\n"
	    ".TP\n\\fB\\-\\-json\\fR\n"
	    "List one JSON object a line, with the members path, scope,\n"
	    "depth, owner, user, expires, seconds_left and token.\n"
	    ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\n"
	    "Print a summary.\n"
	    ".SH EXIT STATUS\n"
	    "0: done. 1: there is no state, or no such lock; others were\n"
	    "broken all the same. 2: wrong usage.\n"
	    ".SH SEE ALSO\n"
	    ".BR sheaf\\-serve (1)\n");
}

/* What there is to read, by the words behind `sheaf help`. */
static const struct {
	const char *name;
	bool man;
	void (*put)(struct buf *out);
} pages[] = {
	{ "", false, help_put_overview },
	{ "help", false, help_put_overview },
	{ "locks", false, help_put_locks },
	{ "locks", true, help_put_locks_man },
	{ "serve", false, help_put_serve },
	{ "serve", true, help_put_serve_man },
};

int
cmd_help(const char *const *args)
{
	bool man = *args && !strcmp(*args, "--man");
	const char *name = args[man] ? args[man] : "";
	struct buf out = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(pages); i++)
		if (!strcmp(name, pages[i].name) && man == pages[i].man) {
			pages[i].put(&out);
			return print_out(&out);
		}
	(void)fprintf(stderr,
	    "sheaf: there is no help for '%s'; see 'sheaf help'\n", name);
	return EXIT_USAGE;
}
