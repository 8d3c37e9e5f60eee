/* SPDX-License-Identifier: MIT */
/* A page for man(1) of a command, made of the same tables as its help. */
#include <string.h>

#include "cmd/help_impl.h"
#include "cmd/options.h"

/* Escapes text, so that a dash stays one and a leading dot is no request. */
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

/* Words in capitals stand for what the reader puts there: in italics. */
static bool
is_placeholder(struct str word)
{
	size_t i;

	for (i = 0; i < word.len; i++)
		if (word.ptr[i] < 'A' || word.ptr[i] > 'Z')
			return false;
	return word.len > 1;
}

static void
put_synopsis_word(struct buf *out, struct str word)
{
	size_t i = 0;

	while (i < word.len) {
		size_t from = i;
		struct str part;

		while (i < word.len && ascii_is_alpha(word.ptr[i]))
			i++;
		part = str_head(str_skip(word, from), i - from);
		if (is_placeholder(part)) {
			BUF_LIT(out, "\\fI");
			put_roff(out, part);
			BUF_LIT(out, "\\fR");
		} else {
			put_roff(out, part);
		}
		for (; i < word.len && !ascii_is_alpha(word.ptr[i]); i++)
			put_roff(out, str_of(&word.ptr[i], 1));
	}
}

static void
put_synopsis(struct buf *out, const struct command *c)
{
	struct str rest = str_from_c(c->usage), line, word;
	const char *before = "";

	BUF_LIT(out, ".SH SYNOPSIS\n");
	while (str_cut(&rest, '\n', &line)) {
		buf_printf(out, "%s\\fBsheaf %s\\fR", before, c->name);
		while (str_cut(&line, ' ', &word)) {
			buf_putc(out, ' ');
			put_synopsis_word(out, word);
		}
		buf_putc(out, '\n');
		before = ".br\n";
	}
}

static void
put_description(struct buf *out, const struct command *c)
{
	struct str doc = str_from_c(c->doc), text;
	const char *before = ".SH DESCRIPTION\n";
	bool verbatim;

	while (help_paragraph(&doc, &text, &verbatim)) {
		buf_put(out, str_from_c(before));
		if (verbatim)
			BUF_LIT(out, ".nf\n");
		put_roff(out, text);
		buf_putc(out, '\n');
		if (verbatim)
			BUF_LIT(out, ".fi\n");
		before = ".PP\n";
	}
}

static void
put_config_facts(struct buf *out, const struct config_option *o)
{
	BUF_LIT(out, "Variable ");
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

static void
put_option(struct buf *out, const struct option_view *v)
{
	BUF_LIT(out, ".TP\n");
	if (*v->letters)
		buf_printf(out, "\\fB\\-%c\\fR, ", *v->letters);
	BUF_LIT(out, "\\fB\\-\\-");
	put_roff(out, str_from_c(v->name));
	BUF_LIT(out, "\\fR");
	if (help_option_takes_value(v)) {
		BUF_LIT(out, " \\fI");
		help_put_metavar(out, v);
		BUF_LIT(out, "\\fR");
	} else if (v->config) {
		BUF_LIT(out, ", \\fB\\-\\-no\\-");
		put_roff(out, str_from_c(v->name));
		BUF_LIT(out, "\\fR");
	}
	buf_putc(out, '\n');
	put_roff(out, str_from_c(v->doc));
	buf_putc(out, '\n');
	if (v->config)
		put_config_facts(out, v->config);
}

static void
put_exits(struct buf *out, const struct command *c)
{
	struct exit_row row;
	size_t at = 0;

	BUF_LIT(out, ".SH EXIT STATUS\n");
	while (help_exit(c, &at, &row)) {
		buf_printf(out, ".TP\n.B %d\n", row.code);
		put_roff(out, str_from_c(row.text));
		buf_putc(out, '\n');
	}
}

static void
put_environment(struct buf *out)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "SHEAF_PASSWORD",
		    "The password, where --user or the URL "
		    "names a user and netrc has none." },
		{ "SHEAF_TOKEN", "A bearer token." },
		{ "NO_COLOR", "Set to anything: no colours." },
		{ "http_proxy, https_proxy, no_proxy",
		    "The proxies to go through, without --proxy." },
	};
	size_t i;

	BUF_LIT(out, ".SH ENVIRONMENT\n");
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		buf_printf(out, ".TP\n.B %s\n", rows[i].name);
		put_roff(out, str_from_c(rows[i].text));
		buf_putc(out, '\n');
	}
}

/* Names the pages of all other commands. */
static void
put_see_also(struct buf *out, const struct command *c)
{
	bool any = false;
	size_t i;

	BUF_LIT(out, ".SH SEE ALSO\n");
	for (i = 0; i < n_commands; i++) {
		if (!strcmp(commands[i].name, c->name))
			continue;
		buf_printf(out, "%s.BR sheaf\\-%s (1)", any ? ",\n" : "",
		    commands[i].name);
		any = true;
	}
	buf_putc(out, '\n');
}

void
help_put_man(struct buf *out, const struct command *c)
{
	struct option_view v;
	const char *at;
	size_t i = 0;

	buf_printf(out, ".\\\" Made by 'sheaf help --man %s'.\n", c->name);
	BUF_LIT(out, ".TH SHEAF\\-");
	for (at = c->name; *at; at++)
		buf_putc(out, (char)(*at - 'a' + 'A'));
	buf_printf(out,
	    " 1 \"\" \"sheaf " SHEAF_VERSION "\"\n"
	    ".SH NAME\n"
	    "sheaf\\-%s \\- %s\n",
	    c->name, c->summary);
	put_synopsis(out, c);
	put_description(out, c);
	BUF_LIT(out, ".SH OPTIONS\n");
	while (help_option(c, &i, &v))
		put_option(out, &v);
	put_exits(out, c);
	if (c->user & FOR_NETWORK)
		put_environment(out);
	put_see_also(out, c);
}

void
help_put_man_overview(struct buf *out)
{
	static const struct command all = { .user = FOR_FILES | FOR_EXPLAIN };
	size_t i;

	BUF_LIT(out,
	    ".\\\" Made by 'sheaf help --man'.\n"
	    ".TH SHEAF 1 \"\" \"sheaf " SHEAF_VERSION "\"\n"
	    ".SH NAME\n"
	    "sheaf \\- WebDAV that tells the truth about every member\n"
	    ".SH SYNOPSIS\n"
	    "\\fBsheaf\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n"
	    ".SH DESCRIPTION\n"
	    "One request may ask for many things, and one answer, 207\n"
	    "Multi\\-Status, says what became of each. \\fBsheaf\\fR serves a\n"
	    "directory that way, works with files on any WebDAV server\n"
	    "without ever taking a 207 for success, and explains and checks\n"
	    "the 207 of any other program.\n"
	    ".PP\n"
	    "Data goes to the standard output, talk to the standard error\n"
	    "output. What was not done is kept in a file for\n"
	    ".BR sheaf\\-retry (1).\n"
	    ".SH COMMANDS\n");
	for (i = 0; i < n_commands; i++) {
		buf_printf(out, ".TP\n.BR sheaf\\-%s (1)\n", commands[i].name);
		put_roff(out, str_from_c(commands[i].summary));
		buf_putc(out, '\n');
	}
	put_exits(out, &all);
	put_environment(out);
	BUF_LIT(out, ".SH SEE ALSO\n.BR sheaf (3)\n");
}
