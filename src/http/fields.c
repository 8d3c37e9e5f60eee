/* SPDX-License-Identifier: MIT */
#include "http/fields.h"

#include "base/clock.h"
#include "http/scan.h"

/* Reads a field that may stand once; *present: whether it is there at all. */
static enum err_code
find(const struct headers *h, struct str name, bool *present, struct str *out,
    struct err *err)
{
	*present = headers_has(h, name);
	return headers_one(h, name, out, err);
}

enum err_code
depth_parse(
    const struct headers *h, enum method m, enum depth *out, struct err *err)
{
	static const struct {
		struct str text;
		enum depth depth;
	} depths[] = {
		{ STR_INIT("0"), DEPTH_0 },
		{ STR_INIT("1"), DEPTH_1 },
		{ STR_INIT("infinity"), DEPTH_INFINITY },
	};
	struct str s;
	bool present;
	size_t i;
	enum err_code rc = find(h, STR("Depth"), &present, &s, err);

	if (rc)
		return rc;
	if (!present) {
		*out = method_default_depth(m);
		return ERR_OK;
	}
	for (i = 0; i < ARRAY_LEN(depths); i++) {
		if (str_eq_nocase(s, depths[i].text)) {
			*out = depths[i].depth;
			return ERR_OK;
		}
	}
	return err_tell(
	    err, ERR_BAD_HEADER, "Depth is neither 0, 1 nor infinity");
}

enum err_code
overwrite_parse(const struct headers *h, bool *out, struct err *err)
{
	struct str s;
	bool present;
	enum err_code rc = find(h, STR("Overwrite"), &present, &s, err);

	if (rc)
		return rc;
	if (present && !str_eq_nocase(s, STR("T")) &&
	    !str_eq_nocase(s, STR("F")))
		return err_tell(
		    err, ERR_BAD_HEADER, "Overwrite is neither T nor F");
	*out = !present || str_eq_nocase(s, STR("T"));
	return ERR_OK;
}

enum err_code
destination_parse(const struct headers *h, const struct origin *origin,
    struct arena *a, struct rpath *out, bool *slash, struct err *err)
{
	struct href href;
	enum err_code rc = headers_one(h, STR("Destination"), &href.s, err);

	if (rc)
		return rc;
	if (!href.s.len)
		return err_tell(
		    err, ERR_BAD_HEADER, "Destination is missing or empty");
	return href_decode(a, origin, href, out, slash, err);
}

/* "5" of "1.5" as 500,000,000; what is finer than a nanosecond is dropped. */
static bool
fraction_parse(struct str digits, int64_t *nanoseconds)
{
	int64_t unit = NSEC_PER_SEC;
	size_t i;

	*nanoseconds = 0;
	for (i = 0; i < digits.len; i++) {
		if (!ascii_is_digit(digits.ptr[i]))
			return false;
		unit /= 10;
		*nanoseconds += (digits.ptr[i] - '0') * unit;
	}
	return digits.len != 0;
}

static bool
decimal_seconds_parse(struct str s, int64_t *out)
{
	bool negative = str_starts(s, STR("-"));
	struct str digits = str_skip(s, negative);
	size_t point = str_find(digits, '.');
	int64_t ns = 0;
	uint64_t seconds;

	if (!str_to_u64(str_head(digits, point), &seconds) ||
	    (point < digits.len &&
		!fraction_parse(str_skip(digits, point + 1), &ns)) ||
	    seconds >= (uint64_t)(INT64_MAX / NSEC_PER_SEC))
		return false;
	ns += (int64_t)seconds * NSEC_PER_SEC;
	*out = negative ? -ns : ns;
	return true;
}

/* RFC 3629 s4. */
static bool
is_utf8(struct str s)
{
	size_t i = 0, k, more;

	while (i < s.len) {
		unsigned char c = (unsigned char)s.ptr[i++];
		uint32_t point = c;

		more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || s.len - i < more)
			return false;
		if (more)
			point = c & (0x3fU >> more);
		for (k = 0; k < more; k++) {
			unsigned char next = (unsigned char)s.ptr[i++];

			if ((next & 0xc0) != 0x80)
				return false;
			point = point << 6 | (next & 0x3fU);
		}
		if ((more == 2 && point < 0x800) ||
		    (more == 3 && point < 0x10000) || point > 0x10ffff ||
		    (point >= 0xd800 && point < 0xe000))
			return false;
	}
	return true;
}

enum err_code
slug_parse(
    const struct headers *h, struct arena *a, struct str *out, struct err *err)
{
	struct str s;
	size_t i, n = 0;
	char *to;

	*out = (struct str){ 0 };
	if (headers_one(h, STR("Slug"), &s, NULL) || !s.len)
		return ERR_OK;
	to = arena_alloc(a, s.len);
	if (!to)
		return err_nomem(err);
	for (i = 0; i < s.len; i++) {
		int high = i + 2 < s.len ? ascii_hex(s.ptr[i + 1]) : -1;
		int low = i + 2 < s.len ? ascii_hex(s.ptr[i + 2]) : -1;

		to[n] = s.ptr[i];
		if (s.ptr[i] == '%' && high >= 0 && low >= 0) {
			to[n] = (char)(high << 4 | low);
			i += 2;
		}
		n++;
	}
	if (is_utf8(str_of(to, n)))
		*out = str_of(to, n);
	return ERR_OK;
}

/*
 * A comma or semicolon may stand in it only within quotes: without them it
 * would end a member of a list, or begin a parameter.
 */
static bool
is_key(struct str s, bool quoted)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c < (quoted ? ' ' : '!') || c > '~' || c == '"' ||
		    c == '\\' || (!quoted && (c == ',' || c == ';')))
			return false;
	}
	return s.len && s.len <= IDEMPOTENCY_KEY_MAX;
}

enum err_code
idempotency_key_parse(const struct headers *h, struct str *key, struct err *err)
{
	bool present, quoted;
	struct str s;
	enum err_code rc = find(h, STR("Idempotency-Key"), &present, &s, err);

	if (rc)
		return rc;
	*key = (struct str){ 0 };
	if (!present)
		return ERR_OK;
	quoted = s.len > 1 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"';
	if (quoted)
		s = str_of(s.ptr + 1, s.len - 2);
	if (!is_key(s, quoted))
		return err_tell(err, ERR_BAD_HEADER,
		    "Idempotency-Key is a string of 1 to %zu visible ASCII "
		    "characters, in quotes",
		    IDEMPOTENCY_KEY_MAX);
	*key = s;
	return ERR_OK;
}

enum err_code
oc_mtime_parse(const struct headers *h, bool *present, int64_t *nanoseconds,
    struct err *err)
{
	struct str s;
	bool there;
	int64_t ns = 0;
	enum err_code rc = find(h, STR("X-OC-Mtime"), &there, &s, err);

	if (rc)
		return rc;
	if (there && !decimal_seconds_parse(s, &ns))
		return err_tell(err, ERR_BAD_HEADER,
		    "X-OC-Mtime is not a number of seconds since 1970");
	*present = there;
	if (there)
		*nanoseconds = ns;
	return ERR_OK;
}

/*
 * Reads "Second-90" or "Infinite"; false: it is neither.  There may be more
 * digits than a number can hold.
 */
static bool
wish_parse(struct str wish, uint32_t *seconds)
{
	const struct str second = STR("Second-");
	struct str digits = str_skip(wish, second.len);
	uint64_t n = 0;
	size_t i;

	*seconds = TIMEOUT_MAX;
	if (str_eq_nocase(wish, STR("Infinite")))
		return true;
	if (!str_starts_nocase(wish, second))
		return false;
	for (i = 0; i < digits.len; i++) {
		if (!ascii_is_digit(digits.ptr[i]))
			return false;
		n = n * 10 + (uint64_t)(digits.ptr[i] - '0');
		if (n > TIMEOUT_MAX)
			n = TIMEOUT_MAX;
	}
	*seconds = (uint32_t)n;
	return n != 0; /* 0 is a lock that is over before it is made */
}

enum err_code
timeout_parse(const struct headers *h, struct arena *a, uint32_t *seconds,
    struct err *err)
{
	struct str rest, wish;
	enum err_code rc = headers_list(h, STR("Timeout"), a, &rest, err);

	if (rc)
		return rc;
	while (scan_member(&rest, &wish))
		if (wish_parse(wish, seconds))
			return ERR_OK;
	*seconds = TIMEOUT_MAX;
	return ERR_OK;
}

enum err_code
lock_token_parse(const struct headers *h, struct str *token, struct err *err)
{
	struct str rest, uri;
	enum err_code rc = headers_one(h, STR("Lock-Token"), &rest, err);

	if (rc)
		return rc;
	if (!rest.len)
		return err_tell(
		    err, ERR_BAD_HEADER, "Lock-Token is missing or empty");
	if (!scan_angles(&rest, &uri) || rest.len || !scan_is_absolute_uri(uri))
		return err_tell(err, ERR_BAD_HEADER,
		    "Lock-Token is not a token between < and >");
	*token = uri;
	return ERR_OK;
}
