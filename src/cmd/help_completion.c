/* SPDX-License-Identifier: MIT */
/*
 * What makes bash, zsh and fish complete commands, options and the words that
 * an option takes.  Made of the tables, so that a new row is completed, too.
 */
#include <string.h>

#include "cmd/help_impl.h"

/* What completes an option's value. */
enum value {
	VALUE_NONE, /* a flag */
	VALUE_ANY,
	VALUE_FILE,
	VALUE_WORDS, /* "a|b|c" */
};

static enum value
value_of(const struct option_view *v, struct buf *metavar)
{
	struct str s;

	buf_clear(metavar);
	if (!help_option_takes_value(v))
		return VALUE_NONE;
	help_put_metavar(metavar, v);
	s = buf_str(metavar);
	if (str_find(s, '|') < s.len)
		return VALUE_WORDS;
	return str_eq(s, STR("FILE")) || str_eq(s, STR("STATE")) ? VALUE_FILE
								 : VALUE_ANY;
}

/* "a|b|c" as "a b c" */
static void
put_words(struct buf *out, struct str words)
{
	struct str word;
	bool any = false;

	while (str_cut(&words, '|', &word)) {
		if (any)
			buf_putc(out, ' ');
		buf_put(out, word);
		any = true;
	}
}

/* Puts text that stands between single quotes. */
static void
put_quoted(struct buf *out, struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.ptr[i] == '\'')
			BUF_LIT(out, "'\\''");
		else
			buf_putc(out, s.ptr[i]);
}

static void
put_commands(struct buf *out)
{
	size_t i;

	for (i = 0; i < n_commands; i++)
		buf_printf(out, "%s%s", i ? " " : "", commands[i].name);
}

/* ---- bash */

static void
put_bash_options(struct buf *out, const struct command *c)
{
	struct option_view v;
	size_t at = 0;

	buf_printf(out, "\t%s) options='", c->name);
	while (help_option(c, &at, &v)) {
		buf_printf(out, " --%s", v.name);
		if (v.config && !help_option_takes_value(&v))
			buf_printf(out, " --no-%s", v.name);
	}
	BUF_LIT(out, "' ;;\n");
}

/* The words that follow an option: cases of "command:--option". */
static void
put_bash_values(struct buf *out, const struct command *c)
{
	struct buf metavar CLEANUP(buf_done) = { 0 };
	struct option_view v;
	size_t at = 0;

	while (help_option(c, &at, &v)) {
		enum value kind = value_of(&v, &metavar);

		if (kind == VALUE_NONE)
			continue;
		buf_printf(out, "\t%s:--%s) ", c->name, v.name);
		if (kind == VALUE_WORDS) {
			BUF_LIT(out, "words='");
			put_words(out, buf_str(&metavar));
			BUF_LIT(out, "' ;;\n");
		} else if (kind == VALUE_FILE) {
			BUF_LIT(out, "return ;;\n");
		} else {
			BUF_LIT(out, "compopt +o default; return ;;\n");
		}
	}
}

static void
put_bash(struct buf *out)
{
	size_t i;

	BUF_LIT(out,
	    "# bash completion of sheaf; made by 'sheaf help --completion "
	    "bash'.\n"
	    "_sheaf()\n"
	    "{\n"
	    "\tlocal word=$2 before=$3 command=${COMP_WORDS[1]} options= "
	    "words=\n"
	    "\tCOMPREPLY=()\n"
	    "\tif [ \"$COMP_CWORD\" = 1 ] || [ \"$command $COMP_CWORD\" = "
	    "'help 2' ]; then\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -W '");
	put_commands(out);
	BUF_LIT(out,
	    "' -- \"$word\")\n"
	    "\t\treturn\n"
	    "\tfi\n"
	    "\tcase $command:$before in\n");
	for (i = 0; i < n_commands; i++)
		put_bash_values(out, &commands[i]);
	BUF_LIT(out,
	    "\tesac\n"
	    "\tcase $command in\n");
	for (i = 0; i < n_commands; i++)
		put_bash_options(out, &commands[i]);
	BUF_LIT(out,
	    "\tesac\n"
	    "\t[ -z \"$words\" ] && [[ $word == -* ]] && words=$options\n"
	    "\t[ -z \"$words\" ] ||\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
	    "}\n"
	    "complete -o default -F _sheaf sheaf\n");
}

/* ---- zsh */

/* Escapes what has a meaning inside of "[...]" and after ':'. */
static void
put_zsh_text(struct buf *out, struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (strchr("[]:\\", s.ptr[i]))
			buf_putc(out, '\\');
		put_quoted(out, str_of(&s.ptr[i], 1));
	}
}

static void
put_zsh_option(struct buf *out, const struct option_view *v, const char *dash,
    struct str name)
{
	struct buf metavar CLEANUP(buf_done) = { 0 };
	enum value kind = value_of(v, &metavar);

	buf_printf(out, "\t\t\t'*%s%.*s%s[", dash, STR_ARG(name),
	    kind != VALUE_NONE && name.len > 1 ? "=" : "");
	put_zsh_text(out, help_first_sentence(v->doc));
	buf_putc(out, ']');
	if (kind != VALUE_NONE) {
		buf_putc(out, ':');
		put_zsh_text(out, buf_str(&metavar));
		buf_putc(out, ':');
	}
	if (kind == VALUE_FILE)
		BUF_LIT(out, "_files");
	if (kind == VALUE_WORDS) {
		buf_putc(out, '(');
		put_words(out, buf_str(&metavar));
		buf_putc(out, ')');
	}
	BUF_LIT(out, "' \\\n");
}

static void
put_zsh_command(struct buf *out, const struct command *c)
{
	struct option_view v;
	size_t at = 0;

	buf_printf(out, "\t(%s)\n\t\t_arguments -s \\\n", c->name);
	while (help_option(c, &at, &v)) {
		if (*v.letters)
			put_zsh_option(out, &v, "-", str_of(v.letters, 1));
		put_zsh_option(out, &v, "--", str_from_c(v.name));
	}
	if (strcmp(c->name, "help") != 0) {
		BUF_LIT(out, "\t\t\t'*:operand:_files'\n\t\t;;\n");
		return;
	}
	BUF_LIT(out, "\t\t\t'*:command:(");
	put_commands(out);
	BUF_LIT(out, ")'\n\t\t;;\n");
}

static void
put_zsh(struct buf *out)
{
	size_t i;

	BUF_LIT(out,
	    "#compdef sheaf\n"
	    "# Made by 'sheaf help --completion zsh'.\n"
	    "_sheaf()\n"
	    "{\n"
	    "\tif (( CURRENT == 2 )); then\n"
	    "\t\tlocal -a commands=(\n");
	for (i = 0; i < n_commands; i++) {
		buf_printf(out, "\t\t\t'%s:", commands[i].name);
		put_zsh_text(out, str_from_c(commands[i].summary));
		BUF_LIT(out, "'\n");
	}
	BUF_LIT(out,
	    "\t\t)\n"
	    "\t\t_describe command commands\n"
	    "\t\treturn\n"
	    "\tfi\n"
	    "\tlocal command=${words[2]}\n"
	    "\tshift words\n"
	    "\t(( CURRENT-- ))\n"
	    "\tcase $command in\n");
	for (i = 0; i < n_commands; i++)
		put_zsh_command(out, &commands[i]);
	BUF_LIT(out,
	    "\tesac\n"
	    "}\n"
	    "if [ \"$funcstack[1]\" = _sheaf ]; then\n"
	    "\t_sheaf \"$@\"\n"
	    "else\n"
	    "\tcompdef _sheaf sheaf\n"
	    "fi\n");
}

/* ---- fish */

static void
put_fish_option(
    struct buf *out, const struct command *c, const struct option_view *v)
{
	struct buf metavar CLEANUP(buf_done) = { 0 };
	enum value kind = value_of(v, &metavar);

	buf_printf(out,
	    "complete -c sheaf -n '__fish_seen_subcommand_from %s' -l %s",
	    c->name, v->name);
	if (*v->letters)
		buf_printf(out, " -s %c", *v->letters);
	if (kind == VALUE_FILE)
		BUF_LIT(out, " -r -F");
	if (kind == VALUE_ANY || kind == VALUE_WORDS)
		BUF_LIT(out, " -x");
	if (kind == VALUE_WORDS) {
		BUF_LIT(out, " -a '");
		put_words(out, buf_str(&metavar));
		buf_putc(out, '\'');
	}
	BUF_LIT(out, " -d '");
	put_quoted(out, help_first_sentence(v->doc));
	BUF_LIT(out, "'\n");
}

static void
put_fish(struct buf *out)
{
	struct option_view v;
	size_t i, at;

	BUF_LIT(out,
	    "# fish completion of sheaf; made by 'sheaf help --completion "
	    "fish'.\n");
	for (i = 0; i < n_commands; i++) {
		buf_printf(out,
		    "complete -c sheaf -n __fish_use_subcommand -f -a %s -d '",
		    commands[i].name);
		put_quoted(out, str_from_c(commands[i].summary));
		BUF_LIT(out, "'\n");
		at = 0;
		while (help_option(&commands[i], &at, &v))
			put_fish_option(out, &commands[i], &v);
	}
	BUF_LIT(out,
	    "complete -c sheaf -n '__fish_seen_subcommand_from help' -f -a "
	    "'");
	put_commands(out);
	BUF_LIT(out, "'\n");
}

bool
help_put_completion(struct buf *out, const char *shell)
{
	static const struct {
		const char *shell;
		void (*put)(struct buf *out);
	} shells[] = {
		{ "bash", put_bash },
		{ "fish", put_fish },
		{ "zsh", put_zsh },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(shells); i++)
		if (!strcmp(shells[i].shell, shell)) {
			shells[i].put(out);
			return true;
		}
	return false;
}
