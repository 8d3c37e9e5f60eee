/* SPDX-License-Identifier: MIT */
#include "wire/json_exact.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/json_load.h"
#include "wire/json_split.h"
#include "wire/json_text.h"

#define MAX_DIGITS 17 /* no double needs more */
#define NUMBER_ROOM 40

/* A number by its digits: 0.DIGITS times ten to the power. */
struct decimal {
	bool negative;
	char digits[MAX_DIGITS + 1];
	size_t n;
	bool more; /* there were more digits than room */
	long power;
};

static void
add_digit(struct decimal *d, char c)
{
	if (d->n == MAX_DIGITS) {
		d->more |= c != '0';
		return;
	}
	d->digits[d->n++] = c;
}

/* Adds the exponent, which stands behind the e; too large a one is cut. */
static void
add_exponent(struct decimal *d, struct str s)
{
	bool negative = s.len && s.ptr[0] == '-';
	long n = 0;
	size_t i;

	for (i = 0; i < s.len; i++)
		if (ascii_is_digit(s.ptr[i]) && n < 100000)
			n = n * 10 + (s.ptr[i] - '0');
	d->power += negative ? -n : n;
}

/* Reads the text of a number, as JSON or printf() writes it. */
static struct decimal
decimal_of(struct str s)
{
	struct decimal d = { 0 };
	bool fraction = false;
	size_t i;

	for (i = 0; i < s.len && s.ptr[i] != 'e' && s.ptr[i] != 'E'; i++) {
		char c = s.ptr[i];

		d.negative |= c == '-';
		fraction |= c == '.';
		if (!ascii_is_digit(c))
			continue;
		if (!d.n && c == '0') {
			d.power -= fraction; /* a leading zero */
			continue;
		}
		d.power += !fraction;
		add_digit(&d, c);
	}
	add_exponent(&d, str_skip(s, i + 1));
	while (d.n && d.digits[d.n - 1] == '0')
		d.n--;
	if (!d.n)
		d.power = 0;
	return d;
}

static bool
decimal_eq(const struct decimal *a, const struct decimal *b)
{
	return a->negative == b->negative && a->n == b->n && !a->more &&
	    !b->more && a->power == b->power &&
	    !memcmp(a->digits, b->digits, a->n);
}

static bool
is_same(double a, double b)
{
	return a >= b && a <= b;
}

/* The shortest text that is read as the same again, in the C locale. */
static struct str
print_real(double x, char room[NUMBER_ROOM])
{
	int digits;
	int n = 0;

	for (digits = 15; digits <= MAX_DIGITS; digits++) {
		n = snprintf(room, NUMBER_ROOM, "%.*g", digits, x);
		if (is_same(strtod(room, NULL), x))
			break;
	}
	return str_of(room, (size_t)n);
}

static bool
is_exact(struct str text)
{
	char room[NUMBER_ROOM], copy[64];
	struct decimal said = decimal_of(text), held;
	double x;

	if (said.more)
		return false;
	/* Digits alone: what is left out were zeros. */
	(void)snprintf(copy, sizeof(copy), "%s0.%.*se%ld",
	    said.negative ? "-" : "", (int)said.n, said.digits, said.power);
	x = strtod(copy, NULL);
	if (!isfinite(x))
		return false;
	held = decimal_of(print_real(x, room));
	return decimal_eq(&said, &held);
}

/* The index behind the string that begins at i. */
static size_t
skip_string(struct str s, size_t i)
{
	for (i++; i < s.len && s.ptr[i] != '"'; i++)
		if (s.ptr[i] == '\\')
			i++;
	return i + 1;
}

/* The first number that would not be kept exactly; empty: there is none. */
static struct str
find_inexact(struct str s)
{
	size_t i = 0;

	while (i < s.len) {
		enum json_number state = JSON_NUMBER_START;
		size_t from = i;
		struct str number;

		if (s.ptr[i] == '"') {
			i = skip_string(s, i);
			continue;
		}
		while (i < s.len && json_number_step(&state, s.ptr[i]))
			i++;
		number = str_of(s.ptr + from, i - from);
		if ((state == JSON_NUMBER_FRACTION ||
			state == JSON_NUMBER_EXPONENT) &&
		    !is_exact(number))
			return number;
		if (i == from)
			i++;
	}
	return STR("");
}

static enum err_code
check_text(struct str text, unsigned depth, enum err_code code, struct err *err)
{
	const struct split_limits limits = { SIZE_MAX, depth };
	static const struct split_events events = { 0 };
	struct err said = { 0 };
	struct json_split *s;
	enum err_code rc = json_split_new(&limits, &events, NULL, &s, err);

	if (rc)
		return rc;
	rc = json_split_feed(s, text, &said);
	if (!rc)
		rc = json_split_end(s, &said);
	if (!rc && json_split_has_bom(s))
		rc = err_tell(&said, code, "it begins with a byte order mark");
	json_split_free(s);
	if (rc && rc != ERR_NOMEM)
		rc = err_tell(err, code, "%s", said.tell);
	return rc ? rc : ERR_OK;
}

enum err_code
json_exact_load(struct str text, unsigned depth, enum err_code code,
    json_t **out, struct err *err)
{
	enum err_code rc = check_text(text, depth, code, err);
	const char *why;
	struct str inexact;

	*out = NULL;
	if (rc)
		return rc == ERR_NOMEM ? err_nomem(err) : rc;
	inexact = find_inexact(text);
	if (inexact.len)
		return err_tell(err, code,
		    "the number %.*s cannot be held without changing it",
		    STR_ARG(str_head(inexact, 40)));
	rc = json_load_value(text, out, &why, err);
	if (!rc && !*out)
		return err_tell(err, code, "%s", why);
	return rc;
}

static void
put_real(struct buf *b, double x)
{
	char room[NUMBER_ROOM];
	struct str s = print_real(x, room);

	buf_put(b, s);
	if (str_find(s, '.') == s.len && str_find(s, 'e') == s.len)
		BUF_LIT(b, ".0"); /* else it would be read as an integer */
}

/* Writes every character as it is; escape.h replaces some. */
static void
put_string(struct buf *b, struct str s)
{
	size_t from = 0;
	size_t i;

	buf_putc(b, '"');
	for (i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c != '"' && c != '\\' && (unsigned char)c >= ' ')
			continue;
		buf_put(b, str_of(s.ptr + from, i - from));
		from = i + 1;
		if (c == '\n')
			BUF_LIT(b, "\\n");
		else if ((unsigned char)c < ' ')
			buf_printf(b, "\\u%04x", (unsigned)(unsigned char)c);
		else
			buf_printf(b, "\\%c", c);
	}
	if (s.len > from)
		buf_put(b, str_of(s.ptr + from, s.len - from));
	buf_putc(b, '"');
}

static void
put_value(struct buf *b, const json_t *v, unsigned indent, unsigned depth);

/*
 * The line break in front of each value in an array or object, and of its end.
 */
static void
put_place(struct buf *b, unsigned indent, unsigned depth)
{
	unsigned n = indent * depth;

	if (indent)
		buf_putc(b, '\n');
	while (n--)
		buf_putc(b, ' ');
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): as deep as what was loaded */
put_array(struct buf *b, const json_t *v, unsigned indent, unsigned depth)
{
	size_t i;

	buf_putc(b, '[');
	for (i = 0; i < json_array_size(v); i++) {
		if (i)
			buf_putc(b, ',');
		put_place(b, indent, depth + 1);
		put_value(b, json_array_get(v, i), indent, depth + 1);
	}
	if (i)
		put_place(b, indent, depth);
	buf_putc(b, ']');
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): as deep as what was loaded */
put_object(struct buf *b, const json_t *v, unsigned indent, unsigned depth)
{
	const char *name;
	bool any = false;
	json_t *member;

	buf_putc(b, '{');
	/* jansson takes no const object, and changes none. */
	json_object_foreach((json_t *)(uintptr_t)v, name, member)
	{
		if (any)
			buf_putc(b, ',');
		any = true;
		put_place(b, indent, depth + 1);
		put_string(b, str_from_c(name));
		buf_put(b, indent ? STR(": ") : STR(":"));
		put_value(b, member, indent, depth + 1);
	}
	if (any)
		put_place(b, indent, depth);
	buf_putc(b, '}');
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): as deep as what was loaded */
put_value(struct buf *b, const json_t *v, unsigned indent, unsigned depth)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		put_object(b, v, indent, depth);
		break;
	case JSON_ARRAY:
		put_array(b, v, indent, depth);
		break;
	case JSON_STRING:
		put_string(
		    b, str_of(json_string_value(v), json_string_length(v)));
		break;
	case JSON_INTEGER:
		buf_printf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL:
		put_real(b, json_real_value(v));
		break;
	case JSON_TRUE:
		BUF_LIT(b, "true");
		break;
	case JSON_FALSE:
		BUF_LIT(b, "false");
		break;
	case JSON_NULL:
		BUF_LIT(b, "null");
		break;
	}
}

void
json_exact_put(struct buf *b, const json_t *v, unsigned indent)
{
	put_value(b, v, indent, 0);
}
