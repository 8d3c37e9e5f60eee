/* SPDX-License-Identifier: MIT */
#include "http/digest.h"

#include <nettle/base64.h>
#include <nettle/sha2.h>

#define DIGEST_MAX SHA512_DIGEST_SIZE

enum algorithm { SHA_256, SHA_512, ALGORITHMS };

static const struct {
	struct str name;
	size_t size;
} algorithms[ALGORITHMS] = {
	[SHA_256] = { STR_INIT("sha-256"), SHA256_DIGEST_SIZE },
	[SHA_512] = { STR_INIT("sha-512"), SHA512_DIGEST_SIZE },
};

/* The two fields mean the same for us: we take no encoded or partial PUT. */
static const struct str fields[] = {
	STR_INIT("Content-Digest"),
	STR_INIT("Repr-Digest"),
};

struct expectation {
	bool there[ALGORITHMS];
	unsigned char digest[ALGORITHMS][DIGEST_MAX];
};

struct digest_check {
	struct ostream base;
	struct ostream *to;
	struct expectation expected[ARRAY_LEN(fields)];
	bool wanted[ALGORITHMS];
	struct sha256_ctx sha256;
	struct sha512_ctx sha512;
};

/*
 * What follows is the part of RFC 8941 s4.2 that a dictionary of byte
 * sequences with parameters needs.  Each function takes what it names off the
 * front of *s; false: something else stands there.
 */

static void
skip(struct str *s, const char *bytes)
{
	while (s->len && s->ptr[0] && strchr(bytes, s->ptr[0]))
		*s = str_skip(*s, 1);
}

static bool
take(struct str *s, char c)
{
	if (!s->len || s->ptr[0] != c)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

static bool
is_key_byte(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || c == '*')
		return true;
	return !first &&
	    (ascii_is_digit(c) || c == '_' || c == '-' || c == '.');
}

static bool
take_key(struct str *s, struct str *key)
{
	size_t n = 0;

	while (n < s->len && is_key_byte(s->ptr[n], n == 0))
		n++;
	*key = str_head(*s, n);
	*s = str_skip(*s, n);
	return n > 0;
}

/* Takes ":" base64 ":"; *text is what stands between the colons. */
static bool
take_bytes(struct str *s, struct str *text)
{
	struct str rest = *s;
	size_t i, end;

	if (!take(&rest, ':'))
		return false;
	end = str_find(rest, ':');
	for (i = 0; i < end; i++)
		if (!ascii_is_alpha(rest.ptr[i]) &&
		    !ascii_is_digit(rest.ptr[i]) &&
		    (!rest.ptr[i] || !strchr("+/=", rest.ptr[i])))
			return false;
	*text = str_head(rest, end);
	*s = str_skip(rest, end + 1);
	return end < rest.len;
}

/* Takes a quoted string, byte sequence, token, number or boolean. */
static bool
take_bare_item(struct str *s)
{
	struct str text;
	size_t end = 1;

	if (s->len && s->ptr[0] == ':')
		return take_bytes(s, &text);
	if (s->len && s->ptr[0] == '"') {
		while (end < s->len && s->ptr[end] != '"')
			end += s->ptr[end] == '\\' ? 2 : 1;
		if (end >= s->len)
			return false;
		*s = str_skip(*s, end + 1);
		return true;
	}
	text = *s;
	while (s->len && !strchr(" \t,;=\"()", s->ptr[0]))
		*s = str_skip(*s, 1);
	return s->len < text.len;
}

static bool
take_parameters(struct str *s)
{
	struct str key;

	while (take(s, ';')) {
		skip(s, " ");
		if (!take_key(s, &key) || (take(s, '=') && !take_bare_item(s)))
			return false;
	}
	return true;
}

/* Padding may be left out, but not wrong (RFC 8941 s4.2.7). */
static bool
decode(struct str text, size_t size, unsigned char *out)
{
	struct base64_decode_ctx ctx;
	uint8_t bytes[BASE64_DECODE_LENGTH(DIGEST_MAX / 3 * 4 + 8)];
	size_t padding = text.len - str_find(text, '=');
	size_t n = text.len - padding;
	size_t got, more = 0;

	if (n != (size * 8 + 5) / 6 || (padding && text.len % 4))
		return false;
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &got, bytes, n, text.ptr) ||
	    !base64_decode_update(
		&ctx, &more, bytes + got, (4 - n % 4) % 4, "===") ||
	    !base64_decode_final(&ctx) || got + more != size)
		return false;
	memcpy(out, bytes, size);
	return true;
}

/*
 * Keeps a digest of an algorithm that we know, the last where there are
 * several, and passes over others.  False: it is not base64 of its length.
 */
static bool
record(struct expectation *e, struct str key, struct str text)
{
	size_t a;

	for (a = 0; a < ALGORITHMS; a++) {
		if (!str_eq(key, algorithms[a].name))
			continue;
		e->there[a] = true;
		return decode(text, algorithms[a].size, e->digest[a]);
	}
	return true;
}

static bool
take_member(struct str *s, struct expectation *e)
{
	struct str key, text;

	return take_key(s, &key) && take(s, '=') && take_bytes(s, &text) &&
	    take_parameters(s) && record(e, key, text);
}

static bool
dictionary_parse(struct str s, struct expectation *e)
{
	s = str_trim(s);
	while (s.len) {
		if (!take_member(&s, e))
			return false;
		skip(&s, " \t");
		if (!s.len)
			return true;
		if (!take(&s, ','))
			return false;
		skip(&s, " \t");
		if (!s.len)
			return false;
	}
	return true;
}

static enum err_code
digest_write(struct ostream *o, struct str bytes)
{
	struct digest_check *d = CONTAINER_OF(o, struct digest_check, base);
	const uint8_t *data = (const uint8_t *)bytes.ptr;
	enum err_code rc = ostream_write(d->to, bytes);

	if (rc) {
		o->err = d->to->err;
		return rc;
	}
	if (d->wanted[SHA_256])
		sha256_update(&d->sha256, bytes.len, data);
	if (d->wanted[SHA_512])
		sha512_update(&d->sha512, bytes.len, data);
	return ERR_OK;
}

static enum err_code
digest_flush(struct ostream *o)
{
	struct digest_check *d = CONTAINER_OF(o, struct digest_check, base);
	enum err_code rc = ostream_flush(d->to);

	if (rc)
		o->err = d->to->err;
	return rc;
}

static enum err_code
digest_stream_end(struct ostream *o)
{
	struct digest_check *d = CONTAINER_OF(o, struct digest_check, base);
	enum err_code rc = ostream_end(d->to);

	if (rc)
		o->err = d->to->err;
	return rc;
}

static const struct ostream_ops digest_ops = {
	.name = "digest",
	.write = digest_write,
	.flush = digest_flush,
	.end = digest_stream_end,
};

/* *wanted: whether there is anything to check. */
static enum err_code
read_fields(const struct headers *h, struct arena *a, struct digest_check *d,
    bool *wanted, struct err *err)
{
	struct str s;
	size_t f, i;

	for (f = 0; f < ARRAY_LEN(fields); f++) {
		enum err_code rc = headers_list(h, fields[f], a, &s, err);

		if (rc)
			return rc;
		if (!dictionary_parse(s, &d->expected[f]))
			return err_tell(err, ERR_BAD_HEADER,
			    "%.*s is not a dictionary of byte sequences, or "
			    "one is not as long as its digest",
			    STR_ARG(fields[f]));
		for (i = 0; i < ALGORITHMS; i++)
			d->wanted[i] |= d->expected[f].there[i];
	}
	*wanted = d->wanted[SHA_256] || d->wanted[SHA_512];
	return ERR_OK;
}

bool
digest_is_sent(const struct headers *h)
{
	return headers_has(h, fields[0]) || headers_has(h, fields[1]);
}

enum err_code
digest_check_new(const struct headers *h, struct arena *a, struct ostream *to,
    struct digest_check **out, struct err *err)
{
	struct digest_check *d;
	bool wanted = false;
	enum err_code rc;

	if (!digest_is_sent(h)) {
		*out = NULL;
		return ERR_OK;
	}
	d = ARENA_NEW(a, struct digest_check);
	if (!d)
		return err_nomem(err);
	rc = read_fields(h, a, d, &wanted, err);
	if (rc)
		return rc;
	ostream_init(&d->base, &digest_ops);
	d->to = to;
	sha256_init(&d->sha256);
	sha512_init(&d->sha512);
	*out = wanted ? d : NULL;
	return ERR_OK;
}

struct ostream *
digest_check_stream(struct digest_check *d)
{
	return &d->base;
}

enum err_code
digest_check_end(struct digest_check *d, struct err *err)
{
	unsigned char got[ALGORITHMS][DIGEST_MAX];
	size_t f, a;

	sha256_digest(&d->sha256, SHA256_DIGEST_SIZE, got[SHA_256]);
	sha512_digest(&d->sha512, SHA512_DIGEST_SIZE, got[SHA_512]);
	for (f = 0; f < ARRAY_LEN(fields); f++)
		for (a = 0; a < ALGORITHMS; a++)
			if (d->expected[f].there[a] &&
			    memcmp(d->expected[f].digest[a], got[a],
				algorithms[a].size))
				return err_tell(err, ERR_BAD_DIGEST,
				    "the content does not match %.*s %.*s",
				    STR_ARG(fields[f]),
				    STR_ARG(algorithms[a].name));
	return ERR_OK;
}
