/* SPDX-License-Identifier: MIT */
/*
 * The fingerprints ("prints") of a batch and its items: a SHA-256 over what was
 * asked for, however it was written.  Made only where a key will be compared
 * with it.  The bytes of a body are hashed once: their sum stands for them in
 * the item's and the batch's.
 */
#include <stdlib.h>

#include "http/fingerprint.h"
#include "wire/batch_impl.h"
#include "wire/json_load.h"

/* ---- canonical JSON */

static int
dump(const char *bytes, size_t n, void *arg)
{
	struct buf *b = arg;

	buf_put(b, str_of(bytes, n));
	return buf_failed(b) ? -1 : 0;
}

/* Appends v with its names sorted and no white space; false: no memory. */
static bool
canonical(struct buf *b, const json_t *v)
{
	return !json_dump_callback(v, dump, b,
	    JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY |
		JSON_REAL_PRECISION(17));
}

/* ---- a SHA-256 */

static void
add(struct sha256_ctx *sha, struct str s)
{
	if (s.len)
		sha256_update(sha, s.len, (const uint8_t *)s.ptr);
}

/* As fingerprint_part(): the length comes first. */
static void
add_part(struct sha256_ctx *sha, struct str part)
{
	uint8_t length[4];
	size_t i;

	for (i = 0; i < sizeof(length); i++)
		length[i] = part.len >> (8 * i) & 255;
	sha256_update(sha, sizeof(length), length);
	add(sha, part);
}

static void
put_hex(struct sha256_ctx *sha, char out[BATCH_PRINT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[SHA256_DIGEST_SIZE];
	size_t i;

	sha256_digest(sha, sizeof(digest), digest);
	for (i = 0; i < sizeof(digest); i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
}

/* ---- of a body */

/* Whether the item's body needs a print. */
static bool
is_wanted(const struct batch_parser *p, const struct batch_item *it)
{
	return p->prints || it->idempotency_key.ptr;
}

/*
 * Writes the body in canonical form to p->text.  JSON that jansson cannot hold
 * (a number too large, a name that stands twice) is a body all the same: of
 * that the bytes are written.
 */
static enum err_code
note_json(struct batch_maker *m, struct batch_parser *p, struct err *err)
{
	const char *why;
	json_t *v;
	enum err_code rc = json_load_value(m->body_sent, &v, &why, err);

	if (rc)
		return rc;
	buf_clear(&p->text);
	if (!v)
		buf_put(&p->text, m->body_sent);
	else if (!canonical(&p->text, v))
		rc = err_nomem(err);
	json_decref(v);
	return !rc && buf_failed(&p->text) ? err_nomem(err) : rc;
}

enum err_code
batch_print_json(struct batch_maker *m, struct batch_parser *p, struct err *err)
{
	char text[BATCH_PRINT_SIZE];
	struct sha256_ctx c;
	enum err_code rc;

	if (!is_wanted(p, &m->item))
		return ERR_OK;
	rc = note_json(m, p, err);
	if (rc)
		return rc;
	sha256_init(&c);
	add(&c, STR("json "));
	add(&c, buf_str(&p->text));
	put_hex(&c, text);
	return arena_str(
		   m->arena, str_of(text, sizeof(text)), &m->item.body_print)
	    ? ERR_OK
	    : err_nomem(err);
}

enum err_code
batch_print_props(
    struct batch_maker *m, struct batch_parser *p, struct err *err)
{
	struct buf *b = &p->text;

	if (!is_wanted(p, &m->item))
		return ERR_OK;
	buf_clear(b);
	if ((m->props && !canonical(b, m->props)) ||
	    (m->remove && !canonical(b, m->remove)) ||
	    !arena_str(m->arena, buf_str(b), &m->item.body_print))
		return err_nomem(err);
	return ERR_OK;
}

enum err_code
batch_print_sum(const struct batch_parser *p, struct arena *a,
    struct batch_item *it, struct err *err)
{
	char sum[FINGERPRINT_SIZE];

	if (!is_wanted(p, it) || !it->body.len || it->body_print.len)
		return ERR_OK;
	return arena_str(a, fingerprint_sum(it->body, sum), &it->body_sum)
	    ? ERR_OK
	    : err_nomem(err);
}

/* ---- of the whole */

static int
by_name(const void *a, const void *b)
{
	const struct header *const *x = a, *const *y = b;

	return str_cmp((*x)->name, (*y)->name);
}

/* Adds headers, sorted: their order means nothing. */
static enum err_code
add_headers(struct batch_parser *p, const struct headers *h, struct err *err)
{
	const struct header **v;
	size_t i;

	v = arena_array(&p->window.arena, h->n + 1, sizeof(*v));
	if (!v)
		return err_nomem(err);
	for (i = 0; i < h->n; i++)
		v[i] = &h->v[i];
	qsort(v, h->n, sizeof(*v), by_name);
	for (i = 0; i < h->n; i++) {
		add_part(&p->sha, v[i]->name);
		add_part(&p->sha, v[i]->value);
	}
	add_part(&p->sha, STR(""));
	return ERR_OK;
}

/* Adds what the item's own print leaves out. */
static void
add_names(struct sha256_ctx *sha, const struct batch_item *it)
{
	size_t i;

	add_part(sha, it->id);
	add_part(sha, it->group);
	for (i = 0; i < it->n_depends_on; i++)
		add_part(sha, it->depends_on[i]);
	add_part(sha, STR(""));
	add_part(sha, it->idempotency_key);
}

enum err_code
batch_print(
    struct batch_parser *p, const struct batch_item *it, struct err *err)
{
	const char flags[] = { (char)it->op, it->has_overwrite, it->overwrite };
	const struct str parts[] = {
		str_of(flags, sizeof(flags)),
		it->method,
		it->url,
		it->destination,
		it->if_match,
		it->if_none_match,
		it->lock_token,
		it->depth,
		it->body_type,
		it->body_print,
		it->body_sum,
		it->bad ? str_from_c(it->bad->tell) : STR(""),
	};
	size_t i;

	if (p->prints < BATCH_PRINTS_ALL)
		return ERR_OK;
	add_names(&p->sha, it);
	for (i = 0; i < ARRAY_LEN(parts); i++)
		add_part(&p->sha, parts[i]);
	return add_headers(p, &it->headers, err);
}

void
batch_print_body(struct batch_parser *p, struct sha256_ctx *sha)
{
	char text[BATCH_PRINT_SIZE];

	if (p->prints < BATCH_PRINTS_ALL)
		return;
	put_hex(sha, text);
	add_part(&p->sha, str_of(text, sizeof(text)));
}

/* Wherever the head stood, it is added last. */
void
batch_print_end(struct batch_parser *p)
{
	if (p->prints < BATCH_PRINTS_ALL)
		return;
	add(&p->sha, buf_str(&p->head_canonical));
	put_hex(&p->sha, p->print);
}
