/* SPDX-License-Identifier: MIT */
/*
 * The options of every command, in one table (options.def): what is parsed,
 * explained, put into the manual pages and completed by the shells.
 * `serve` has its own (server/config.def).
 */
#ifndef SHEAF_CMD_OPTIONS_H
#define SHEAF_CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

/* The commands that take options of the table; or-ed, a set of them. */
enum option_user {
	FOR_LS = 1 << 0,
	FOR_TREE = 1 << 1,
	FOR_STAT = 1 << 2,
	FOR_CAT = 1 << 3,
	FOR_GET = 1 << 4,
	FOR_PUT = 1 << 5,
	FOR_CP = 1 << 6,
	FOR_MV = 1 << 7,
	FOR_RM = 1 << 8,
	FOR_MKDIR = 1 << 9,
	FOR_PROP = 1 << 10,
	FOR_LOCK = 1 << 11,
	FOR_UNLOCK = 1 << 12,
	FOR_EXPLAIN = 1 << 13,
	FOR_LINT = 1 << 14,
	FOR_RETRY = 1 << 15,
	FOR_LOCKS = 1 << 16,
	FOR_BATCH = 1 << 17,
};

#define FOR_WRITERS                                                  \
	(FOR_PUT | FOR_CP | FOR_MV | FOR_RM | FOR_MKDIR | FOR_PROP | \
	    FOR_LOCK | FOR_UNLOCK | FOR_RETRY | FOR_BATCH)
#define FOR_FILES \
	(FOR_WRITERS | FOR_LS | FOR_TREE | FOR_STAT | FOR_CAT | FOR_GET)
#define FOR_NETWORK (FOR_FILES | FOR_EXPLAIN | FOR_LINT)

enum option_kind {
	OPTION_FLAG, /* bool */
	OPTION_TEXT, /* const char *, which is the argument's; NULL: not given
		      */
	OPTION_COUNT, /* unsigned, from 1; 0: not given */
	OPTION_TIME, /* int64_t ns: "300ms", "30s", "5m", "2h" */
};

/* What was asked for; all-zero is the default of each. */
struct options {
#define OPTION_FLAG_TYPE bool
#define OPTION_TEXT_TYPE const char *
#define OPTION_COUNT_TYPE unsigned
#define OPTION_TIME_TYPE int64_t
#define OPTION(letters, name, kind, metavar, field, users, doc) \
	OPTION_##kind##_TYPE field;
#include "cmd/options.def"
#undef OPTION
	bool help; /* -h, --help */
	const char *const *operands; /* NULL ends them */
	size_t n_operands;
	char **sorted; /* owned: what operands points into */
};

struct option_row {
	const char *letters; /* each stands for it; help shows the first */
	const char *name;
	enum option_kind kind;
	const char *metavar; /* "a|b|c": one of these words */
	size_t offset; /* in struct options */
	unsigned users;
	const char *doc;
};

extern const struct option_row option_rows[];
extern const size_t n_option_rows;

/*
 * Reads the arguments of a command.  Options and operands may be mixed; "--"
 * ends the options, "-" is an operand; long names may be abbreviated.  False:
 * something is wrong, and said has a sentence that names the argument.  Strings
 * are those of args.  options_done() in any case.
 */
bool options_parse(enum option_user who, const char *const *args,
    struct options *out, struct buf *said) MUST_USE;
void options_done(struct options *o);

/*
 * How every command begins: parses its arguments, and complains about them, or
 * prints the help if it is asked for.  False: it did; exit with *code.
 */
bool options_begin(const char *command, const char *const *args,
    struct options *out, int *code) MUST_USE;

/*
 * Whether there are from least to most operands; else says on stderr what is
 * missing or too much, and the command exits with EXIT_USAGE.
 */
bool options_operands(const struct options *o, const char *command,
    size_t least, size_t most) MUST_USE;

/*
 * Whether the operands can be answers to read: none is empty, and "-" stands
 * there once at most (a second would find nothing).  Complains as
 * options_operands() does.
 */
bool options_sources(const struct options *o, const char *command) MUST_USE;

#endif
