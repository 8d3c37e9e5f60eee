/* SPDX-License-Identifier: MIT */
#include "http/fingerprint.h"

static void
add(struct fingerprint *f, struct str bytes)
{
	if (bytes.len)
		sha256_update(
		    &f->sha256, bytes.len, (const uint8_t *)bytes.ptr);
}

static enum err_code
fingerprint_write(struct ostream *o, struct str bytes)
{
	struct fingerprint *f = CONTAINER_OF(o, struct fingerprint, base);
	enum err_code rc = f->to ? ostream_write(f->to, bytes) : ERR_OK;

	if (rc) {
		o->err = f->to->err;
		return rc;
	}
	if (!bytes.len)
		return ERR_OK;
	if (!f->has_body)
		sha256_init(&f->body);
	f->has_body = true;
	sha256_update(&f->body, bytes.len, (const uint8_t *)bytes.ptr);
	return ERR_OK;
}

static enum err_code
fingerprint_flush(struct ostream *o)
{
	struct fingerprint *f = CONTAINER_OF(o, struct fingerprint, base);
	enum err_code rc = f->to ? ostream_flush(f->to) : ERR_OK;

	if (rc)
		o->err = f->to->err;
	return rc;
}

void
fingerprint_init(struct fingerprint *f)
{
	static const struct ostream_ops ops = {
		.name = "fingerprint",
		.write = fingerprint_write,
		.flush = fingerprint_flush,
	};

	*f = (struct fingerprint){ 0 };
	ostream_init(&f->base, &ops);
	sha256_init(&f->sha256);
}

void
fingerprint_part(struct fingerprint *f, struct str part)
{
	char length[8];
	size_t i;

	for (i = 0; i < sizeof(length); i++)
		length[i] = (char)(part.len >> (8 * i) & 255);
	add(f, str_of(length, sizeof(length)));
	add(f, part);
}

struct ostream *
fingerprint_stream(struct fingerprint *f, struct ostream *to)
{
	f->to = to;
	return &f->base;
}

void
fingerprint_body(struct fingerprint *f, struct str sum)
{
	fingerprint_part(f, sum);
}

struct str
fingerprint_sum(struct str bytes, char out[FINGERPRINT_SIZE])
{
	struct sha256_ctx c;

	sha256_init(&c);
	sha256_update(&c, bytes.len, (const uint8_t *)bytes.ptr);
	sha256_digest(&c, FINGERPRINT_SIZE, (uint8_t *)out);
	return str_of(out, FINGERPRINT_SIZE);
}

struct str
fingerprint_end(struct fingerprint *f, char out[FINGERPRINT_SIZE])
{
	char sum[FINGERPRINT_SIZE];

	if (f->has_body) {
		sha256_digest(&f->body, sizeof(sum), (uint8_t *)sum);
		fingerprint_part(f, str_of(sum, sizeof(sum)));
	}
	sha256_digest(&f->sha256, FINGERPRINT_SIZE, (uint8_t *)out);
	return str_of(out, FINGERPRINT_SIZE);
}
