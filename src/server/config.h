/* SPDX-License-Identifier: MIT */
/*
 * The configuration of `sheaf serve`: one table of options, config.def, read
 * from the command line, else the environment, else an INI file, else the
 * defaults.
 */
#ifndef SHEAF_SERVER_CONFIG_H
#define SHEAF_SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

enum config_type {
	CONFIG_TEXT, /* any bytes but a line's end */
	CONFIG_FLAG, /* on or off */
	CONFIG_COUNT, /* 10 */
	CONFIG_SIZE, /* 10, 10K, 10M, 10G, 10T: powers of 1024 */
	CONFIG_TIME, /* 300ms, 30s, 5m, 2h; held in nanoseconds */
	CONFIG_CHOICE, /* one of some words; held as its place among them */
};

#define CONFIG_C_TEXT char * /* never NULL once loaded */
#define CONFIG_C_FLAG bool
#define CONFIG_C_COUNT uint64_t
#define CONFIG_C_SIZE uint64_t
#define CONFIG_C_TIME uint64_t
#define CONFIG_C_CHOICE uint64_t

enum config_durability { DURABILITY_STRICT, DURABILITY_RELAXED };
enum config_bulk_status { BULK_MIXED_207, BULK_ALWAYS_200 };
enum config_log_format { LOG_COMMON, LOG_COMBINED, LOG_JSON };

struct config {
#define OPTION(                                                      \
    field, flag, section, type, def, min, max, choices, reload, doc) \
	CONFIG_C_##type field;
#include "server/config.def"
#undef OPTION
};

struct config_option {
	const char *flag;
	const char *section;
	enum config_type type;
	const char *def;
	uint64_t min, max;
	const char *choices; /* words, each with its NUL, then an empty one */
	bool reload;
	const char *doc;
	size_t offset; /* of the field in struct config */
};

extern const struct config_option config_options[];
extern const size_t config_n_options;

/* What the command line asks for besides. */
struct config_asks {
	bool help; /* --help, -h */
	bool print; /* --print-config */
	const char *file; /* --config or SHEAF_CONFIG; NULL: none */
};

/*
 * Reads args (without the program and the command), the environment (a list
 * of "NAME=value" that NULL ends) and the file they name.  A failure is for
 * whoever started the program: said holds the sentence, which names the
 * option, what was given, where, and what is allowed.  Whatever happened, c
 * is to be released with config_done().
 *
 * ERR_BAD_REQUEST: wrong usage; others: the file could not be read.
 */
enum err_code config_load(struct config *c, struct config_asks *asks,
    const char *const *args, const char *const *env, struct buf *said) MUST_USE;

void config_done(struct config *c);

/* The INI file that says what c says, with every option explained. */
void config_print(const struct config *c, struct buf *out);

/* The value as it would stand in the file. */
void config_put_value(
    const struct config *c, const struct config_option *o, struct buf *out);

/* Whether they differ in that option. */
bool config_differs(const struct config *a, const struct config *b,
    const struct config_option *o) MUST_USE;

/* False when value is not one the option allows (or memory ran out). */
bool config_set(struct config *c, const struct config_option *o,
    const char *value) MUST_USE;

/* "a size such as 512K or 16M from 4K to 1G": what the option allows. */
void config_put_allowed(const struct config_option *o, struct buf *out);

/* "SIZE", "on|off", "strict|relaxed": for a help text. */
void config_put_kind(const struct config_option *o, struct buf *out);

/* "SHEAF_MAX_UPLOAD" */
void config_put_variable(const struct config_option *o, struct buf *out);

#endif
