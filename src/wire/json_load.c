/* SPDX-License-Identifier: MIT */
#include "wire/json_load.h"

#include "base/buf.h"
#include "wire/json_text.h"

/* Nobody is ever told this: json_split.c has checked the bytes. */
#define NOT_JSON "it is not JSON"

struct load {
	const char *p, *end;
	struct buf text; /* of a string with escapes */
	const char *why; /* why it failed; NULL: for want of memory */
};

static json_t *load_value(struct load *l);

/*
 * For functions that return a bool; refuse() is for those that return a value.
 */
static bool
fails(struct load *l, const char *why)
{
	l->why = why;
	return false;
}

static json_t *
refuse(struct load *l, const char *why)
{
	l->why = why;
	return NULL;
}

/* Skips white space; returns the byte behind it, or NUL at the end. */
static char
next(struct load *l)
{
	while (l->p < l->end &&
	    (*l->p == ' ' || *l->p == '\n' || *l->p == '\r' || *l->p == '\t'))
		l->p++;
	return l->p < l->end ? *l->p : '\0';
}

/* A string with escapes: *out is in l->text, until the next of its kind. */
static bool
load_escaped(struct load *l, struct str *out)
{
	struct json_chars chars = { 0 };
	const char *wrong = NULL;

	buf_clear(&l->text);
	l->p = json_chars_scan(
	    &chars, str_of(l->p, (size_t)(l->end - l->p)), &l->text, &wrong);
	if (buf_failed(&l->text))
		return false;
	*out = buf_str(&l->text);
	if (wrong || !chars.ended)
		(void)fails(l, NOT_JSON);
	else if (out->len && memchr(out->ptr, '\0', out->len))
		(void)fails(l, "a NUL in a string");
	return !l->why;
}

/* Reads a string from behind its first quote. */
static bool
load_text(struct load *l, struct str *out)
{
	const char *q = json_skip_plain(l->p, l->end);

	while (q < l->end && *q != '"' && *q != '\\')
		q = json_skip_plain(q + 1, l->end);
	if (q == l->end || *q == '\\')
		return load_escaped(l, out);
	*out = str_of(l->p, (size_t)(q - l->p));
	l->p = q + 1;
	return true;
}

static json_t *
load_string(struct load *l)
{
	struct str s;

	l->p++;
	if (!load_text(l, &s))
		return NULL;
	return json_stringn_nocheck(s.len ? s.ptr : "", s.len);
}

/* Adds the value that follows, under that name, to the object. */
static bool
load_member(struct load *l, json_t *object, struct str name)
{
	json_t *v;

	if (json_object_getn(object, name.ptr, name.len))
		return fails(l, "a name stands twice in an object");
	if (next(l) != ':')
		return fails(l, NOT_JSON);
	l->p++;
	v = load_value(l);
	return v &&
	    !json_object_setn_new_nocheck(object, name.ptr, name.len, v);
}

static bool
load_named(struct load *l, json_t *object)
{
	struct buf kept CLEANUP(buf_done) = { 0 };
	struct str name;

	if (next(l) != '"')
		return fails(l, NOT_JSON);
	l->p++;
	if (!load_text(l, &name))
		return false;
	if (name.ptr == l->text.ptr) { /* which the value may need */
		buf_put(&kept, name);
		name = buf_str(&kept);
	}
	if (!name.len)
		name = STR("");
	return !buf_failed(&kept) && load_member(l, object, name);
}

static bool
load_element(struct load *l, json_t *array)
{
	json_t *v = load_value(l);

	return v && !json_array_append_new(array, v);
}

/* Adds all that stands between the brackets. */
static json_t *
load_all(struct load *l, json_t *to, char end,
    bool (*load_one)(struct load *l, json_t *to))
{
	bool ok = to != NULL;

	l->p++;
	if (ok && next(l) == end) {
		l->p++;
		return to;
	}
	while (ok) {
		ok = load_one(l, to);
		if (ok && next(l) == end) {
			l->p++;
			return to;
		}
		if (ok && next(l) != ',')
			ok = fails(l, NOT_JSON);
		l->p++;
	}
	json_decref(to);
	return NULL;
}

/* Reads a name and a string; value->ptr is NULL where it is no string. */
static bool
load_pair(struct load *l, struct buf *kept, struct str *name, struct str *value)
{
	*value = (struct str){ 0 };
	l->p++;
	if (!load_text(l, name))
		return false;
	if (name->ptr == l->text.ptr) { /* which the value may need */
		buf_clear(kept);
		buf_put(kept, *name);
		*name = buf_str(kept);
	}
	if (buf_failed(kept))
		return false;
	if (next(l) != ':')
		return fails(l, NOT_JSON);
	l->p++;
	if (next(l) != '"')
		return true;
	l->p++;
	return load_text(l, value);
}

/*
 * A number with a fraction or an exponent, by jansson, which minds the locale.
 */
static json_t *
load_real(struct load *l, struct str digits)
{
	json_error_t e;
	json_t *v = json_loadb(digits.ptr, digits.len, JSON_DECODE_ANY, &e);

	if (!v && json_error_code(&e) == json_error_numeric_overflow)
		return refuse(l, "a number that is too large");
	return v;
}

static json_t *
load_number(struct load *l)
{
	enum json_number state = JSON_NUMBER_START;
	const char *from = l->p;
	json_int_t n = 0;
	bool fits = true;

	while (l->p < l->end && json_number_step(&state, *l->p)) {
		int digit = *l->p++ - '0';

		if (digit < 0 || digit > 9 || !fits)
			continue;
		fits = !__builtin_mul_overflow(n, 10, &n) &&
		    !__builtin_sub_overflow(n, digit, &n); /* the wider side */
	}
	if (!json_number_whole(state))
		return refuse(l, NOT_JSON);
	if (state == JSON_NUMBER_FRACTION || state == JSON_NUMBER_EXPONENT)
		return load_real(l, str_of(from, (size_t)(l->p - from)));
	if (*from != '-')
		fits = fits && !__builtin_sub_overflow(0, n, &n);
	return fits ? json_integer(n) : refuse(l, "a number that is too large");
}

static json_t *
load_word(struct load *l)
{
	static const struct {
		struct str word;
		json_t *(*make)(void);
	} words[] = {
		{ STR_INIT("true"), json_true },
		{ STR_INIT("false"), json_false },
		{ STR_INIT("null"), json_null },
	};
	struct str rest = str_of(l->p, (size_t)(l->end - l->p));
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (str_starts(rest, words[i].word)) {
			l->p += words[i].word.len;
			return words[i].make();
		}
	return refuse(l, NOT_JSON);
}

static json_t *
load_value(struct load *l)
{
	char c = next(l);

	if (c == '{')
		return load_all(l, json_object(), '}', load_named);
	if (c == '[')
		return load_all(l, json_array(), ']', load_element);
	if (c == '"')
		return load_string(l);
	return c == '-' || ascii_is_digit(c) ? load_number(l) : load_word(l);
}

enum err_code
json_load_text(struct str bytes, struct buf *room, struct str *out,
    const char **why, struct err *err)
{
	struct load l = {
		.p = bytes.ptr + 1,
		.end = bytes.ptr + bytes.len,
		.text = *room,
	};
	bool ok = load_text(&l, out);

	*room = l.text;
	*why = l.why;
	return ok || l.why ? ERR_OK : err_nomem(err);
}

enum err_code
json_load_texts(struct str bytes,
    enum err_code (*each)(void *arg, struct str name, struct str value),
    void *arg, const char **why, struct err *err)
{
	struct buf kept CLEANUP(buf_done) = { 0 };
	struct load l = { .p = bytes.ptr, .end = bytes.ptr + bytes.len };
	struct str name, value;
	enum err_code rc = ERR_OK;
	bool ok = true;

	l.p++;
	while (ok && !rc && next(&l) == '"') {
		ok = load_pair(&l, &kept, &name, &value);
		if (ok)
			rc = each(arg, name, value);
		if (ok && next(&l) == ',')
			l.p++;
	}
	buf_done(&l.text);
	*why = l.why;
	return ok || l.why ? rc : err_nomem(err);
}

enum err_code
json_load_value(
    struct str bytes, json_t **out, const char **why, struct err *err)
{
	struct load l = { .p = bytes.ptr, .end = bytes.ptr + bytes.len };

	*out = load_value(&l);
	if (*out && (next(&l) || l.p < l.end)) {
		(void)fails(&l, NOT_JSON);
		json_decref(*out);
		*out = NULL;
	}
	buf_done(&l.text);
	*why = l.why;
	return *out || l.why ? ERR_OK : err_nomem(err);
}
