/* SPDX-License-Identifier: MIT */
#include "server/config.h"

#include <stdlib.h>
#include <string.h>

const struct config_option config_options[] = {
#define OPTION(                                                                \
    field, flag, section, type, def, min, max, choices, reload, doc)           \
	{ flag, section, CONFIG_##type, def, (uint64_t)(min), (uint64_t)(max), \
		choices, reload, doc, offsetof(struct config, field) },
#include "server/config.def"
#undef OPTION
};
const size_t config_n_options = ARRAY_LEN(config_options);

/* ---- one value */

static const char *
next_choice(const char *word)
{
	return word + strlen(word) + 1;
}

/* Decimal digits and a unit; the factor of the unit, or 0. */
static uint64_t
unit_of(enum config_type type, struct str unit)
{
	static const struct {
		enum config_type type;
		const char *unit;
		uint64_t factor;
	} units[] = {
		{ CONFIG_COUNT, "", 1 },
		{ CONFIG_SIZE, "", 1 },
		{ CONFIG_SIZE, "K", UINT64_C(1) << 10 },
		{ CONFIG_SIZE, "M", UINT64_C(1) << 20 },
		{ CONFIG_SIZE, "G", UINT64_C(1) << 30 },
		{ CONFIG_SIZE, "T", UINT64_C(1) << 40 },
		{ CONFIG_TIME, "ms", NSEC_PER_SEC / 1000 },
		{ CONFIG_TIME, "s", NSEC_PER_SEC },
		{ CONFIG_TIME, "m", 60 * NSEC_PER_SEC },
		{ CONFIG_TIME, "h", 3600 * NSEC_PER_SEC },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(units); i++)
		if (units[i].type == type &&
		    str_eq_nocase(unit, str_from_c(units[i].unit)))
			return units[i].factor;
	return 0;
}

static bool
parse_number(const struct config_option *o, struct str s, uint64_t *out)
{
	uint64_t n, factor;
	size_t digits = 0;

	while (digits < s.len && ascii_is_digit(s.ptr[digits]))
		digits++;
	if (!str_to_u64(str_head(s, digits), &n))
		return false;
	factor = unit_of(o->type, str_skip(s, digits));
	if (o->type == CONFIG_TIME && str_eq(s, STR("0")))
		factor = 1;
	if (!factor || __builtin_mul_overflow(n, factor, &n))
		return false;
	if (n < o->min || n > o->max)
		return false;
	*out = n;
	return true;
}

static bool
parse_flag(struct str s, bool *out)
{
	static const struct {
		const char *word;
		bool on;
	} words[] = {
		{ "on", true },
		{ "yes", true },
		{ "true", true },
		{ "1", true },
		{ "off", false },
		{ "no", false },
		{ "false", false },
		{ "0", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq_nocase(s, str_from_c(words[i].word))) {
			*out = words[i].on;
			return true;
		}
	return false;
}

static bool
parse_choice(const struct config_option *o, struct str s, uint64_t *out)
{
	const char *word;
	uint64_t i = 0;

	for (word = o->choices; *word; word = next_choice(word), i++)
		if (str_eq(s, str_from_c(word))) {
			*out = i;
			return true;
		}
	return false;
}

static void *
field_of(struct config *c, const struct config_option *o)
{
	return (char *)c + o->offset;
}

static const void *
field_of_const(const struct config *c, const struct config_option *o)
{
	return (const char *)c + o->offset;
}

static bool
set_text(char **field, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return false;
	free(*field);
	*field = copy;
	return true;
}

bool
config_set(struct config *c, const struct config_option *o, const char *value)
{
	struct str s = str_from_c(value);
	void *field = field_of(c, o);

	switch (o->type) {
	case CONFIG_TEXT:
		return set_text(field, value);
	case CONFIG_FLAG:
		return parse_flag(s, field);
	case CONFIG_COUNT:
	case CONFIG_SIZE:
	case CONFIG_TIME:
		return parse_number(o, s, field);
	case CONFIG_CHOICE:
		return parse_choice(o, s, field);
	}
	return false;
}

/* ---- printing */

static void
put_number(struct buf *out, enum config_type type, uint64_t n)
{
	static const struct {
		enum config_type type;
		uint64_t factor;
		const char *unit;
	} units[] = {
		{ CONFIG_SIZE, UINT64_C(1) << 40, "T" },
		{ CONFIG_SIZE, UINT64_C(1) << 30, "G" },
		{ CONFIG_SIZE, UINT64_C(1) << 20, "M" },
		{ CONFIG_SIZE, UINT64_C(1) << 10, "K" },
		{ CONFIG_TIME, 3600 * NSEC_PER_SEC, "h" },
		{ CONFIG_TIME, 60 * NSEC_PER_SEC, "m" },
		{ CONFIG_TIME, NSEC_PER_SEC, "s" },
		{ CONFIG_TIME, NSEC_PER_SEC / 1000, "ms" },
	};
	size_t i;

	for (i = 0; n && i < ARRAY_LEN(units); i++)
		if (units[i].type == type && n % units[i].factor == 0) {
			buf_put_u64(out, n / units[i].factor);
			buf_put(out, str_from_c(units[i].unit));
			return;
		}
	buf_put_u64(out, n);
}

void
config_put_value(
    const struct config *c, const struct config_option *o, struct buf *out)
{
	const void *field = field_of_const(c, o);
	const char *word = o->choices;
	uint64_t n;

	switch (o->type) {
	case CONFIG_TEXT:
		buf_put(out, str_from_c(*(char *const *)field));
		break;
	case CONFIG_FLAG:
		buf_put(out, *(const bool *)field ? STR("on") : STR("off"));
		break;
	case CONFIG_COUNT:
	case CONFIG_SIZE:
	case CONFIG_TIME:
		put_number(out, o->type, *(const uint64_t *)field);
		break;
	case CONFIG_CHOICE:
		for (n = *(const uint64_t *)field; n; n--)
			word = next_choice(word);
		buf_put(out, str_from_c(word));
		break;
	}
}

void
config_put_kind(const struct config_option *o, struct buf *out)
{
	static const char *const kinds[] = {
		[CONFIG_TEXT] = "TEXT",
		[CONFIG_FLAG] = "on|off",
		[CONFIG_COUNT] = "NUMBER",
		[CONFIG_SIZE] = "SIZE",
		[CONFIG_TIME] = "TIME",
	};
	const char *word;

	if (o->type != CONFIG_CHOICE) {
		buf_put(out, str_from_c(kinds[o->type]));
		return;
	}
	for (word = o->choices; *word; word = next_choice(word)) {
		if (word != o->choices)
			buf_putc(out, '|');
		buf_put(out, str_from_c(word));
	}
}

void
config_put_variable(const struct config_option *o, struct buf *out)
{
	const char *p;

	BUF_LIT(out, "SHEAF_");
	for (p = o->flag; *p; p++)
		buf_putc(out, *p == '-' ? '_' : (char)(*p - ('a' - 'A')));
}

/* A paragraph in lines that begin with "# ". */
static void
put_comment(struct buf *out, const char *text)
{
	struct str rest = str_from_c(text), word;
	size_t column = 0;

	while (str_cut(&rest, ' ', &word)) {
		if (column && column + 1 + word.len > 72) {
			buf_putc(out, '\n');
			column = 0;
		}
		if (column)
			buf_putc(out, ' ');
		else
			BUF_LIT(out, "# ");
		buf_put(out, word);
		column += 1 + word.len;
	}
	buf_putc(out, '\n');
}

void
config_print(const struct config *c, struct buf *out)
{
	const struct config_option *o;
	const char *section = "";
	size_t i;

	for (i = 0; i < config_n_options; i++) {
		o = &config_options[i];
		if (strcmp(section, o->section) != 0)
			buf_printf(out, "%s[%s]\n", i ? "\n" : "", o->section);
		section = o->section;
		buf_putc(out, '\n');
		put_comment(out, o->doc);
		BUF_LIT(out, "# ");
		config_put_kind(o, out);
		buf_printf(out, ", default %s%s\n", *o->def ? o->def : "empty",
		    o->reload ? "; SIGHUP takes a new value" : "");
		buf_printf(out, "%s =", o->flag);
		buf_putc(out, ' ');
		config_put_value(c, o, out);
		buf_putc(out, '\n');
	}
}

bool
config_differs(const struct config *a, const struct config *b,
    const struct config_option *o)
{
	struct buf va CLEANUP(buf_done) = { 0 };
	struct buf vb CLEANUP(buf_done) = { 0 };

	config_put_value(a, o, &va);
	config_put_value(b, o, &vb);
	return !str_eq(buf_str(&va), buf_str(&vb));
}

void
config_put_allowed(const struct config_option *o, struct buf *out)
{
	switch (o->type) {
	case CONFIG_TEXT:
		BUF_LIT(out, "storable");
		break;
	case CONFIG_FLAG:
	case CONFIG_CHOICE:
		config_put_kind(o, out);
		break;
	case CONFIG_COUNT:
		BUF_LIT(out, "a number");
		break;
	case CONFIG_SIZE:
		BUF_LIT(out, "a size such as 512K or 16M");
		break;
	case CONFIG_TIME:
		BUF_LIT(out, "a time such as 300ms, 30s or 5m");
		break;
	}
	if (o->max) {
		BUF_LIT(out, " from ");
		put_number(out, o->type, o->min);
		BUF_LIT(out, " to ");
		put_number(out, o->type, o->max);
	}
}

void
config_done(struct config *c)
{
	size_t i;

	for (i = 0; i < config_n_options; i++)
		if (config_options[i].type == CONFIG_TEXT) {
			char **field = field_of(c, &config_options[i]);

			free(*field);
			*field = NULL;
		}
}
