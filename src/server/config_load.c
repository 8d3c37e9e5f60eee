/* SPDX-License-Identifier: MIT */
/* Where the values of a configuration come from. */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "server/config.h"

#define PRINT_CONFIG "print-config"

/* Where a value came from, for the message about it. */
struct place {
	const char *file; /* NULL: not a file */
	unsigned line;
	const char *word; /* "--listen", "SHEAF_LISTEN"; NULL: the flag */
};

struct loader {
	struct config *c;
	struct buf *said;
	/* Of the file being read. */
	const char *file;
	FILE *stream;
	unsigned line;
	bool failed;
};

static void
put_place(struct buf *said, const struct place *at)
{
	if (at->file)
		buf_printf(said, "%s:%u: ", at->file, at->line);
	buf_put(said, str_from_c(at->word));
}

static enum err_code
assign(struct loader *l, const struct config_option *o, const char *value,
    const struct place *at)
{
	if (strchr(value, '\n') || !config_set(l->c, o, value)) {
		put_place(l->said, at);
		buf_printf(l->said, ": '%s' is not ", value);
		config_put_allowed(o, l->said);
		return ERR_BAD_REQUEST;
	}
	return ERR_OK;
}

static const struct config_option *
find_option(struct str flag)
{
	size_t i;

	for (i = 0; i < config_n_options; i++)
		if (str_eq(flag, str_from_c(config_options[i].flag)))
			return &config_options[i];
	return NULL;
}

static enum err_code
load_defaults(struct loader *l)
{
	static const struct place at = { .word = "built in" };
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < config_n_options && !rc; i++)
		rc = assign(l, &config_options[i], config_options[i].def, &at);
	return rc;
}

/* Counts lines for the messages, and refuses one that would be torn apart. */
static char *
read_line(char *line, int max, void *stream)
{
	struct loader *l = stream;

	if (l->failed || !fgets(line, max, l->stream))
		return NULL;
	l->line++;
	if (!strchr(line, '\n') && !feof(l->stream)) {
		buf_printf(l->said, "%s:%u: the line is over %d bytes", l->file,
		    l->line, max - 2);
		l->failed = true;
		return NULL;
	}
	return line;
}

static int
take_line(void *user, const char *section, const char *name, const char *value)
{
	const struct config_option *o = find_option(str_from_c(name));
	struct loader *l = user;
	struct place at = { .file = l->file, .line = l->line, .word = name };

	if (l->failed)
		return 1;
	if (!o || strcmp(o->section, section) != 0) {
		put_place(l->said, &at);
		if (o)
			buf_printf(
			    l->said, " belongs in section [%s]", o->section);
		else
			BUF_LIT(l->said, " is no option; see --print-config");
		l->failed = true;
	} else {
		l->failed = assign(l, o, value, &at) != ERR_OK;
	}
	return 1;
}

static enum err_code
load_file(struct loader *l, const char *file)
{
	int line;

	l->file = file;
	l->stream = fopen(file, "re");
	if (!l->stream) {
		enum err_code rc = err_from_errno(errno);

		buf_printf(l->said, "cannot read the configuration '%s': %s",
		    file, strerrordesc_np(errno));
		return rc;
	}
	line = ini_parse_stream(read_line, l, take_line, l);
	if (!l->failed && ferror(l->stream)) {
		buf_printf(l->said, "cannot read the configuration '%s'", file);
		l->failed = true;
	}
	(void)fclose(l->stream);
	if (!l->failed && line) {
		buf_printf(l->said,
		    "%s:%d: neither a [section], a 'name = value' nor a "
		    "comment",
		    file, line);
		l->failed = true;
	}
	return l->failed ? ERR_BAD_REQUEST : ERR_OK;
}

/* The value of name in env, or NULL. */
static const char *
lookup(const char *const *env, struct str name)
{
	for (; *env; env++)
		if (str_starts(str_from_c(*env), name) &&
		    (*env)[name.len] == '=')
			return *env + name.len + 1;
	return NULL;
}

static enum err_code
load_environment(struct loader *l, const char *const *env)
{
	struct buf name CLEANUP(buf_done) = { 0 };
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < config_n_options && !rc; i++) {
		struct place at = { 0 };
		const char *value;

		buf_clear(&name);
		config_put_variable(&config_options[i], &name);
		value = lookup(env, buf_str(&name));
		buf_putc(&name, '\0');
		if (buf_failed(&name))
			return buf_failed(&name);
		at.word = name.ptr;
		if (value)
			rc = assign(l, &config_options[i], value, &at);
	}
	return rc;
}

/* ---- the command line */

/* One argument taken apart. */
struct arg {
	struct str name; /* without dashes; empty: an operand */
	const char *value; /* behind '=', or the next argument; or NULL */
	const struct config_option *option;
	bool no; /* --no-FLAG */
};

static enum err_code
say_usage(struct buf *said, const char *arg, const char *what)
{
	buf_printf(said, "%s: %s; see 'sheaf help serve'", arg, what);
	return ERR_BAD_REQUEST;
}

static bool
takes_no_value(const struct arg *a)
{
	return str_eq(a->name, STR("help")) ||
	    str_eq(a->name, STR(PRINT_CONFIG)) ||
	    (a->option && a->option->type == CONFIG_FLAG);
}

/* *args: on the argument; left on the last one that was used. */
static enum err_code
take_arg(const char *const **args, struct arg *a, struct buf *said)
{
	struct str s = str_from_c(**args);
	const char *word = **args;
	size_t equals;

	*a = (struct arg){ 0 };
	if (str_eq(s, STR("-h")))
		s = STR("--help");
	if (s.len < 2 || s.ptr[0] != '-')
		return ERR_OK;
	s = str_skip(s, 2);
	equals = str_find(s, '=');
	a->name = str_head(s, equals);
	if (equals < s.len)
		a->value = s.ptr + equals + 1;
	a->option = find_option(a->name);
	if (!a->option && str_starts(a->name, STR("no-"))) {
		a->option = find_option(str_skip(a->name, 3));
		a->no = a->option && a->option->type == CONFIG_FLAG;
		if (!a->no)
			a->option = NULL;
	}
	if (!a->option && !str_eq(a->name, STR("config")) && !takes_no_value(a))
		return say_usage(said, word, "no such option");
	if (a->no && a->value)
		return say_usage(said, word, "takes no value");
	if (!a->value && !takes_no_value(a)) {
		if (!(*args)[1])
			return say_usage(said, word, "needs a value");
		a->value = *++*args;
	}
	return ERR_OK;
}

static enum err_code
load_arg(struct loader *l, const struct arg *a, const char *word)
{
	struct place at = { .word = word };

	if (a->no)
		return assign(l, a->option, "off", &at);
	if (a->option->type == CONFIG_FLAG && !a->value)
		return assign(l, a->option, "on", &at);
	return assign(l, a->option, a->value, &at);
}

/* First for asks alone (l NULL), then, when the rest is loaded, for l. */
static enum err_code
load_args(struct loader *l, struct config_asks *asks, const char *const *args,
    struct buf *said)
{
	enum err_code rc = ERR_OK;
	bool operands = false, dir = false;

	for (; *args && !rc; args++) {
		const char *word = *args;
		struct place at = { .word = "DIR" };
		struct arg a;

		if (!operands && !strcmp(word, "--")) {
			operands = true;
			continue;
		}
		a = (struct arg){ 0 };
		if (!operands)
			rc = take_arg(&args, &a, said);
		if (rc)
			break;
		if (!a.name.len) {
			if (dir)
				return say_usage(
				    said, word, "one DIR is enough");
			dir = true;
			if (l)
				rc = assign(
				    l, find_option(STR("dir")), word, &at);
		} else if (a.option) {
			if (l)
				rc = load_arg(l, &a, word);
		} else if (str_eq(a.name, STR("config"))) {
			asks->file = a.value;
		} else if (str_eq(a.name, STR("help"))) {
			asks->help = true;
		} else {
			asks->print = true;
		}
	}
	return rc;
}

enum err_code
config_load(struct config *c, struct config_asks *asks, const char *const *args,
    const char *const *env, struct buf *said)
{
	struct loader l = { .c = c, .said = said };
	enum err_code rc;

	*c = (struct config){ 0 };
	*asks =
	    (struct config_asks){ .file = lookup(env, STR("SHEAF_CONFIG")) };
	rc = load_args(NULL, asks, args, said);
	if (!rc)
		rc = load_defaults(&l);
	if (!rc && asks->file)
		rc = load_file(&l, asks->file);
	if (!rc)
		rc = load_environment(&l, env);
	if (!rc)
		rc = load_args(&l, asks, args, said);
	return rc;
}
