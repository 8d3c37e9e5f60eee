/* SPDX-License-Identifier: MIT */
/* The help, made of the tables by which the program runs. */
#include <stdio.h>
#include <string.h>

#include "cmd/help_impl.h"
#include "cmd/options.h"

#define WIDTH 78

/* ---- what all forms are made of */

static const struct option_view own_options[] = {
	{ "h", "help", "", "Print this help.", NULL },
};

/* Options of `serve` that are not in server/config.def. */
static const struct option_view serve_options[] = {
	{ "", "config", "FILE",
	    "Read the INI file FILE. SHEAF_CONFIG in the environment names one "
	    "as "
	    "well.",
	    NULL },
	{ "", "print-config", "",
	    "Print every option, explained, with the value in force.", NULL },
};

static bool
serve_option(size_t at, struct option_view *v)
{
	const struct config_option *o;

	if (at < ARRAY_LEN(serve_options)) {
		*v = serve_options[at];
		return true;
	}
	at -= ARRAY_LEN(serve_options);
	if (at >= config_n_options)
		return false;
	o = &config_options[at];
	*v = (struct option_view){ "", o->flag, "", o->doc, o };
	return true;
}

static bool
table_option(const struct command *c, size_t *at, struct option_view *v)
{
	for (; *at < n_option_rows; ++*at) {
		const struct option_row *row = &option_rows[*at];

		if (!(row->users & c->user))
			continue;
		*v = (struct option_view){ row->letters, row->name,
			row->metavar, row->doc, NULL };
		return true;
	}
	return false;
}

bool
help_option(const struct command *c, size_t *at, struct option_view *v)
{
	size_t i;
	bool found;

	if (!*at) {
		*v = own_options[0];
		++*at;
		return true;
	}
	i = *at - 1;
	found = !strcmp(c->name, "serve") ? serve_option(i, v)
					  : table_option(c, &i, v);
	*at = i + 2;
	return found;
}

bool
help_option_takes_value(const struct option_view *v)
{
	return v->config ? v->config->type != CONFIG_FLAG : *v->metavar;
}

void
help_put_metavar(struct buf *out, const struct option_view *v)
{
	if (v->config)
		config_put_kind(v->config, out);
	else
		buf_put(out, str_from_c(v->metavar));
}

struct str
help_first_sentence(const char *doc)
{
	const char *stop = strstr(doc, ". ");

	return stop ? str_of(doc, (size_t)(stop - doc) + 1) : str_from_c(doc);
}

bool
help_paragraph(struct str *doc, struct str *text, bool *verbatim)
{
	const char *gap;
	size_t len;

	if (!doc->len)
		return false;
	gap = memmem(doc->ptr, doc->len, "\n\n", 2);
	len = gap ? (size_t)(gap - doc->ptr) : doc->len;
	*text = str_head(*doc, len);
	*verbatim = str_starts(*text, STR("    "));
	*doc = str_skip(*doc, gap ? len + 2 : len);
	return true;
}

bool
help_exit(const struct command *c, size_t *at, struct exit_row *row)
{
	static const struct exit_row rows[] = {
		{ EXIT_OK, 0, "Every item is proven done." },
		{ EXIT_CANNOT, 0, "It could not go on." },
		{ EXIT_USAGE, 0, "Wrong usage; nothing was done." },
		{ EXIT_SOME_FAILED, FOR_FILES | FOR_EXPLAIN,
		    "Some items failed." },
		{ EXIT_ALL_FAILED, FOR_FILES | FOR_EXPLAIN,
		    "Every item failed." },
		{ EXIT_REFUSED, FOR_BATCH,
		    "Refused as a whole: nothing was done." },
		{ EXIT_UNKNOWN, FOR_FILES | FOR_EXPLAIN,
		    "The outcome of some items is unknown: an answer was cut "
		    "short or does not mention them." },
		{ EXIT_ACCESS, FOR_NETWORK,
		    "Not authenticated, or not allowed." },
		{ EXIT_PROTOCOL, FOR_NETWORK,
		    "The peer broke the protocol: a malformed 207; for lint, "
		    "errors were found." },
		{ EXIT_UNREACHABLE, FOR_NETWORK,
		    "The server was not reached." },
		{ EXIT_DIGEST, FOR_GET | FOR_PUT | FOR_CAT | FOR_RETRY,
		    "A digest did not match." },
		{ EXIT_INTERRUPTED, FOR_FILES, "Interrupted." },
	};

	for (; *at < ARRAY_LEN(rows); ++*at)
		if (!rows[*at].users || rows[*at].users & c->user) {
			*row = rows[(*at)++];
			return true;
		}
	return false;
}

/* ---- as text */

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
put_paragraph(struct buf *out, size_t indent, struct str rest)
{
	struct str word;
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
put_option(struct buf *out, const struct option_view *v)
{
	BUF_LIT(out, "  ");
	if (*v->letters)
		buf_printf(out, "-%c, ", *v->letters);
	buf_printf(out, "--%s", v->name);
	if (help_option_takes_value(v)) {
		buf_putc(out, ' ');
		help_put_metavar(out, v);
	} else if (v->config) {
		buf_printf(out, ", --no-%s", v->name);
	}
	if (v->config && *v->config->def)
		buf_printf(out, "  (default: %s)", v->config->def);
	buf_putc(out, '\n');
	put_paragraph(out, 6, str_from_c(v->doc));
}

static void
put_usage(struct buf *out, const struct command *c)
{
	struct str rest = str_from_c(c->usage), line;
	const char *before = "Usage: ";

	while (str_cut(&rest, '\n', &line)) {
		buf_printf(
		    out, "%ssheaf %s %.*s\n", before, c->name, STR_ARG(line));
		before = "       ";
	}
}

void
help_put_command(struct buf *out, const struct command *c)
{
	struct str doc = str_from_c(c->doc), text;
	struct option_view v;
	size_t at = 0;
	bool verbatim;

	put_usage(out, c);
	while (help_paragraph(&doc, &text, &verbatim)) {
		buf_putc(out, '\n');
		if (verbatim) {
			buf_put(out, text);
			buf_putc(out, '\n');
		} else {
			put_paragraph(out, 0, text);
		}
	}
	BUF_LIT(out, "\nOptions:\n");
	while (help_option(c, &at, &v))
		put_option(out, &v);
}

/* ---- `sheaf help` */

/* Puts what the words behind `sheaf help` ask for; false: there is no such. */
static bool
put_asked(struct buf *out, const char *form, const char *name)
{
	const struct command *c = command_find(name);
	bool man = !strcmp(form, "--man");

	if (!strcmp(form, "--completion"))
		return help_put_completion(out, name);
	if (!c && *name)
		return false;
	if (!c && man)
		help_put_man_overview(out);
	else if (!c)
		help_put_overview(out);
	else if (man)
		help_put_man(out, c);
	else
		help_put_command(out, c);
	return true;
}

int
cmd_help(const char *const *args)
{
	const char *form = *args && **args == '-' ? *args : "";
	const char *name = args[*form ? 1 : 0];
	struct buf out = { 0 };

	if (!strcmp(form, "--help") || !strcmp(form, "-h"))
		name = "help";
	if (put_asked(&out, form, name ? name : ""))
		return print_out(&out);
	(void)fprintf(stderr,
	    "sheaf: there is no help for '%s'; see 'sheaf "
	    "help'\n",
	    name ? name : form);
	return EXIT_USAGE;
}
