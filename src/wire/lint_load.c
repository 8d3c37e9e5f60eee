/* SPDX-License-Identifier: MIT */
/* J201: what is wrong with a value that is JSON all the same. */
#include "wire/lint_items.h"

/* The code of a \uXXXX at the beginning of s, or 0. */
static unsigned
escape_at(struct str s)
{
	unsigned unit = 0;
	size_t i;

	if (s.len < 6 || s.ptr[0] != '\\' || s.ptr[1] != 'u')
		return 0;
	for (i = 2; i < 6; i++) {
		int digit = ascii_hex(s.ptr[i]);

		if (digit < 0)
			return 0;
		unit = unit << 4 | (unsigned)digit;
	}
	return unit;
}

/* Noncharacters: the last two of each plane, and 32 more (Unicode s23.7). */
static bool
is_noncharacter(unsigned c)
{
	return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

/* The character at the beginning of s, which is known to be good UTF-8. */
static unsigned
character_at(struct str s, size_t *len)
{
	unsigned char c = (unsigned char)s.ptr[0];
	unsigned value;
	size_t i;

	*len = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	value = *len == 1 ? c : c & (0xffu >> (*len + 1));
	for (i = 1; i < *len && i < s.len; i++)
		value = value << 6 | ((unsigned char)s.ptr[i] & 0x3f);
	return value;
}

/* Where a noncharacter is, or s.len (RFC 7493 s2.1). */
static size_t
find_noncharacter(struct str s)
{
	size_t i = 0, len;

	while (i < s.len) {
		struct str rest = str_skip(s, i);

		len = 1;
		if (s.ptr[i] == '\\') {
			unsigned unit = escape_at(rest);

			if (unit && is_noncharacter(unit))
				return i;
			len = unit ? 6 : 2;
		} else if ((unsigned char)s.ptr[i] >= 0xe0 &&
		    is_noncharacter(character_at(rest, &len))) {
			return i;
		}
		i += len;
	}
	return s.len;
}

static struct lint_place
place_at(const struct lint_taken *t, size_t offset)
{
	struct lint_place at = t->at;
	size_t i;

	for (i = 0; i < offset && i < t->bytes.len; i++) {
		unsigned char c = (unsigned char)t->bytes.ptr[i];

		if (c == '\n') {
			at.line++;
			at.column = 1;
		} else if ((c & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

static enum err_code
say_twice(struct lint *l, const struct lint_taken *t, const json_error_t *e)
{
	const struct lint_place at =
	    place_at(t, e->position > 0 ? (size_t)e->position : 0);

	if (json_error_code(e) == json_error_out_of_memory)
		return ERR_NOMEM;
	if (json_error_code(e) == json_error_duplicate_key)
		LINT_SAY(l, J201, &at, "a name stands twice in an object");
	else
		LINT_SAY(l, J201, &at, "not I-JSON: %s", e->text);
	return ERR_OK;
}

/* Takes "line 3, column 14: " off the sentence. */
static struct lint_place
take_place(struct str *tell)
{
	struct lint_place at = { 0 };
	struct str rest = *tell, line, column;

	if (!str_starts(rest, STR("line ")))
		return at;
	rest = str_skip(rest, 5);
	if (!str_cut(&rest, ',', &line) || !str_starts(rest, STR(" column ")))
		return at;
	rest = str_skip(rest, 8);
	if (!str_cut(&rest, ':', &column) || !str_to_u64(line, &at.line) ||
	    !str_to_u64(column, &at.column))
		return (struct lint_place){ 0 };
	*tell = str_trim(rest);
	return at;
}

void
lint_say_json_fault(struct lint *l, const struct err *err)
{
	struct str tell = str_from_c(err->tell);
	const struct lint_place at = take_place(&tell);

	if (err->code == ERR_CUT_SHORT)
		LINT_SAY(l, J201, &at, "the document ends too early");
	else
		LINT_SAY(l, J201, &at, "not JSON: %.*s", STR_ARG(tell));
}

enum err_code
lint_load(struct lint *l, const struct lint_taken *t, json_t **out)
{
	const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_ANY;
	size_t bad = find_noncharacter(t->bytes);
	json_error_t e;
	enum err_code rc = ERR_OK;

	if (bad < t->bytes.len) {
		const struct lint_place at = place_at(t, bad);

		LINT_SAY(l, J201, &at,
		    "a string holds a code point that is no character");
	}
	*out = json_loadb(
	    t->bytes.ptr, t->bytes.len, flags | JSON_REJECT_DUPLICATES, &e);
	if (*out)
		return ERR_OK;
	rc = say_twice(l, t, &e);
	if (!rc)
		*out = json_loadb(t->bytes.ptr, t->bytes.len, flags, NULL);
	return rc;
}
