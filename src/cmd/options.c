/* SPDX-License-Identifier: MIT */
#include "cmd/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cmd/commands.h"
#include "cmd/text.h"
#include "cmd/work.h"

const struct option_row option_rows[] = {
#define OPTION(letters, name, kind, metavar, field, users, doc) \
	{ letters, name, OPTION_##kind, metavar,                \
		offsetof(struct options, field), users, doc },
#include "cmd/options.def"
#undef OPTION
};
const size_t n_option_rows = ARRAY_LEN(option_rows);

/* What getopt_long() returns for an option without a letter, and for --help. */
#define FIRST_LONG 256
#define HELP 'h'

/* ":", then each letter of the command, with ':' behind one that takes a value.
 */
#define MAX_SHORT 64

struct parsing {
	enum option_user who;
	struct options *out;
	struct buf *said;
	struct option longs[ARRAY_LEN(option_rows) + 2];
	char shorts[MAX_SHORT];
};

static bool
takes(const struct option_row *row, enum option_user who)
{
	return row->users & (unsigned)who;
}

static void
add_short(struct parsing *p, size_t *n, char c, bool value)
{
	if (*n + 3 > sizeof(p->shorts))
		return;
	p->shorts[(*n)++] = c;
	if (value)
		p->shorts[(*n)++] = ':';
	p->shorts[*n] = '\0';
}

/* Makes the two lists that getopt_long() reads, of this command's rows. */
static void
list_options(struct parsing *p)
{
	size_t i, n_long = 0, n_short = 0;
	const char *c;

	add_short(p, &n_short, ':', false);
	add_short(p, &n_short, HELP, false);
	p->longs[n_long++] = (struct option){ "help", no_argument, NULL, HELP };
	for (i = 0; i < n_option_rows; i++) {
		const struct option_row *row = &option_rows[i];
		bool value = row->kind != OPTION_FLAG;

		if (!takes(row, p->who))
			continue;
		p->longs[n_long++] = (struct option){ row->name,
			value ? required_argument : no_argument, NULL,
			FIRST_LONG + (int)i };
		for (c = row->letters; *c; c++)
			add_short(p, &n_short, *c, value);
	}
}

/* The row of an option that getopt_long() has found. */
static const struct option_row *
row_of(const struct parsing *p, int c)
{
	size_t i;

	if (c >= FIRST_LONG)
		return &option_rows[c - FIRST_LONG];
	for (i = 0; i + 1 < n_option_rows; i++)
		if (takes(&option_rows[i], p->who) &&
		    strchr(option_rows[i].letters, c))
			break;
	return &option_rows[i];
}

/* ---- values */

/* Whether value is one of the words of "a|b|c". */
static bool
is_choice(const char *words, const char *value)
{
	struct str rest = str_from_c(words), word;

	while (str_cut(&rest, '|', &word))
		if (str_eq(word, str_from_c(value)))
			return true;
	return false;
}

static bool
time_from(struct str s, int64_t *ns)
{
	static const struct {
		const char *unit;
		int64_t factor;
	} units[] = {
		{ "ms", NSEC_PER_SEC / 1000 },
		{ "s", NSEC_PER_SEC },
		{ "m", 60 * NSEC_PER_SEC },
		{ "h", 3600 * NSEC_PER_SEC },
	};
	size_t digits = 0, i;
	uint64_t n;

	while (digits < s.len && ascii_is_digit(s.ptr[digits]))
		digits++;
	if (!str_to_u64(str_head(s, digits), &n) || !n || n > INT32_MAX)
		return false;
	for (i = 0; i < ARRAY_LEN(units); i++)
		if (str_eq(str_skip(s, digits), str_from_c(units[i].unit))) {
			*ns = (int64_t)n * units[i].factor;
			return true;
		}
	return false;
}

static bool
count_from(struct str s, unsigned *n)
{
	uint64_t wide;

	if (!str_to_u64(s, &wide) || !wide || wide > 1000000)
		return false;
	*n = (unsigned)wide;
	return true;
}

static bool
wrong_value(const struct parsing *p, const struct option_row *row,
    const char *allowed, const char *value)
{
	buf_printf(
	    p->said, "--%s takes %s, not '%s'", row->name, allowed, value);
	return false;
}

static bool
set_value(
    const struct parsing *p, const struct option_row *row, const char *value)
{
	void *field = (char *)p->out + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return true;
	case OPTION_TEXT:
		if (strchr(row->metavar, '|') &&
		    !is_choice(row->metavar, value))
			return wrong_value(p, row, row->metavar, value);
		*(const char **)field = value;
		return true;
	case OPTION_COUNT:
		return count_from(str_from_c(value), field) ||
		    wrong_value(p, row, "a number from 1", value);
	case OPTION_TIME:
		return time_from(str_from_c(value), field) ||
		    wrong_value(
			p, row, "a time such as 500ms, 30s or 5m", value);
	}
	return false;
}

/* ---- all of them */

/*
 * "-x" or "--name=value", as it was given.  getopt_long() leaves a letter in
 * optopt, or what the table has for a long option that was used wrongly, or 0.
 */
static bool
complain(const struct parsing *p, int c, char *const *argv)
{
	const char *what = "there is no option";

	if (c == ':')
		what = "a value must follow";
	else if (optopt >= FIRST_LONG)
		what = "there is no value for";
	if (optopt && optopt < FIRST_LONG)
		buf_printf(p->said, "%s '-%c'", what, optopt);
	else
		buf_printf(p->said, "%s '%s'", what, argv[optind - 1]);
	return false;
}

static bool
parse_all(struct parsing *p, int argc, char **argv)
{
	int c;

	optind = 0; /* glibc: begin anew, also after another parse */
	opterr = 0; /* the sentences are ours */
	while ((c = getopt_long(argc, argv, p->shorts, p->longs, NULL)) != -1) {
		if (c == HELP) {
			p->out->help = true;
			return true;
		}
		if (c == ':' || c == '?')
			return complain(p, c, argv);
		if (!set_value(p, row_of(p, c), optarg))
			return false;
	}
	p->out->operands = (const void *)(argv + optind);
	p->out->n_operands = (size_t)(argc - optind);
	return true;
}

bool
options_parse(enum option_user who, const char *const *args,
    struct options *out, struct buf *said)
{
	struct parsing p = { .who = who, .out = out, .said = said };
	size_t n = 0;

	*out = (struct options){ 0 };
	while (args[n])
		n++;
	/* A copy, which getopt_long() sorts, with a name in front. */
	out->sorted = calloc(n + 2, sizeof(*out->sorted));
	if (!out->sorted) {
		buf_put(said, STR("out of memory"));
		return false;
	}
	memcpy(out->sorted, &(const char *){ "sheaf" }, sizeof(*args));
	memcpy(out->sorted + 1, args, n * sizeof(*args));
	list_options(&p);
	return parse_all(&p, (int)n + 1, out->sorted);
}

void
options_done(struct options *o)
{
	free(o->sorted);
	*o = (struct options){ 0 };
}

static void
complain_of(struct str said, const char *command)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	text_put_plain(&b, said);
	(void)fprintf(stderr, "sheaf: %.*s; see 'sheaf help %s'\n",
	    STR_ARG(buf_str(&b)), command);
}

/* Whether --json is among arguments that could not be parsed. */
static bool
wants_json(const char *const *args)
{
	while (*args && strcmp(*args, "--") && strcmp(*args, "--json"))
		args++;
	return *args && !strcmp(*args, "--json");
}

bool
options_begin(const char *command, const char *const *args, struct options *out,
    int *code)
{
	const struct command *c = command_find(command);
	struct buf said CLEANUP(buf_done) = { 0 };

	*code = EXIT_OK;
	if (!options_parse(c->user, args, out, &said)) {
		complain_of(buf_str(&said), command);
		*code = EXIT_USAGE;
		if ((c->user & FOR_FILES & ~(unsigned)FOR_CAT) &&
		    wants_json(args))
			work_refuse(*code);
	} else if (out->help) {
		*code = cmd_help((const char *const[]){ command, NULL });
	} else {
		return true;
	}
	options_done(out);
	return false;
}

bool
options_operands(
    const struct options *o, const char *command, size_t least, size_t most)
{
	struct buf said CLEANUP(buf_done) = { 0 };
	const char *problem = NULL;

	if (o->n_operands < least)
		problem = "an operand is missing";
	else if (o->n_operands > most)
		problem = "there is one operand too many:";
	if (!problem)
		return true;
	if (o->n_operands > most)
		buf_printf(&said, "%s '%s'", problem, o->operands[most]);
	else
		buf_printf(&said, "%s behind '%s'", problem,
		    o->n_operands ? o->operands[o->n_operands - 1] : command);
	complain_of(buf_str(&said), command);
	return false;
}

bool
options_sources(const struct options *o, const char *command)
{
	const char *wrong = NULL;
	size_t i, inputs = 0;

	for (i = 0; i < o->n_operands; i++) {
		inputs += !strcmp(o->operands[i], "-");
		if (!*o->operands[i])
			wrong = "an operand is empty";
	}
	if (inputs > 1)
		wrong = "standard input ('-') can be read once only";
	if (wrong)
		(void)fprintf(stderr, "sheaf: %s: %s; see 'sheaf help %s'\n",
		    command, wrong, command);
	return !wrong;
}
