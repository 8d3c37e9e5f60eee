/* SPDX-License-Identifier: MIT */
#include "client/upload.h"

#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "client/remote.h"
#include "outcome/retry.h"

#define STEP ((size_t)64 * 1024)

struct upload {
	struct client *client;
	struct upload_spec spec;
	struct arena a;
	struct call_file file;
	struct stat before;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char digest_field[80]; /* "sha-256=:...:" */
	char time_field[24];
	unsigned tries; /* PUTs so far */
	uint64_t counted; /* bytes that spec.progress was told of */
	/* Of the last PUT, to which no answer came; its strings are in a. */
	struct verdict lost;
	/* What is there now, by a HEAD or GET. */
	unsigned status; /* 0: not known */
	struct str etag;
	uint64_t size; /* if has_size */
	bool has_size;
	/* Of a GET: what its body was. */
	struct sha256_ctx there;
	uint64_t there_size;
};

static enum err_code put(struct upload *u, struct err *err) MUST_USE;

static void
upload_free(struct upload *u)
{
	fd_close(&u->file.fd);
	arena_done(&u->a);
	free(u);
}

/* ---- the file */

static enum err_code
hash_file(struct upload *u, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	char *bytes = buf_room(&b, STEP);
	struct sha256_ctx ctx;
	char text[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE)];
	uint64_t at = 0;
	size_t n;

	if (!bytes)
		return err_nomem(err);
	sha256_init(&ctx);
	do {
		enum err_code rc =
		    fd_read_at(u->file.fd, at, bytes, STEP, &n, err);

		if (rc)
			return rc;
		sha256_update(&ctx, n, (const uint8_t *)bytes);
		at += n;
	} while (n == STEP);
	if (at != u->file.size)
		return err_set(err, ERR_IO, "it changes while it is read");
	sha256_digest(&ctx, sizeof(u->digest), u->digest);
	base64_encode_raw(text, sizeof(u->digest), u->digest);
	(void)snprintf(u->digest_field, sizeof(u->digest_field),
	    "sha-256=:%.*s:", (int)sizeof(text), text);
	return ERR_OK;
}

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Whether the file has changed, so that a mixture may have been sent. */
static bool
has_changed(const struct upload *u)
{
	struct stat now;

	return fstat(u->file.fd, &now) || now.st_size != u->before.st_size ||
	    !same_time(now.st_mtim, u->before.st_mtim);
}

/* ---- the end */

static void
finish(struct upload *u, const struct verdict *v)
{
	u->spec.done(u->spec.arg, v, u->file.size);
	upload_free(u);
}

static void
finish_with(
    struct upload *u, enum fate fate, enum blame blame, const char *text)
{
	struct verdict v = u->lost;

	v.fate = fate;
	v.blame = blame;
	v.text = str_from_c(text);
	v.retryable = fate == FATE_UNKNOWN;
	if (fate == FATE_DONE) {
		v.status = u->status;
		v.etag = u->etag;
		v.retryable = false;
	}
	finish(u, &v);
}

static void
finish_local(struct upload *u, enum err_code rc, const struct err *err)
{
	finish_with(
	    u, FATE_UNKNOWN, BLAME_LOCAL, *err->why ? err->why : err_text(rc));
}

/* Sends it again, which is safe: it is known not to have arrived. */
static void
put_again(struct upload *u)
{
	struct err err = { 0 };
	enum err_code rc;

	if (u->tries >= RETRY_ATTEMPTS) {
		finish(u, &u->lost);
		return;
	}
	rc = put(u, &err);
	if (rc)
		finish_local(u, rc, &err);
}

/* ---- looking at what is there */

static enum err_code
on_there_bytes(void *arg, struct str bytes, struct err *err)
{
	struct upload *u = arg;

	(void)err;
	if (u->status != 200)
		return ERR_OK;
	sha256_update(&u->there, bytes.len, (const uint8_t *)bytes.ptr);
	u->there_size += bytes.len;
	return ERR_OK;
}

static enum err_code
on_there_head(void *arg, const struct answer_head *h, struct err *err)
{
	struct upload *u = arg;
	struct str value = { 0 };

	u->status = h->status;
	u->has_size = false;
	if (!headers_one(&h->fields, STR("Content-Length"), &value, NULL))
		u->has_size = str_to_u64(value, &u->size);
	u->etag = value = (struct str){ 0 };
	if (!headers_one(&h->fields, STR("ETag"), &value, NULL) &&
	    !arena_str(&u->a, value, &u->etag))
		return err_nomem(err);
	return ERR_OK;
}

static void
on_compared(void *arg, const struct call_end *end)
{
	struct upload *u = arg;
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(&u->there, sizeof(digest), digest);
	if (end->rc || u->status != 200)
		finish(u, &u->lost);
	else if (u->there_size == u->file.size &&
	    !memcmp(digest, u->digest, sizeof(digest)))
		finish_with(u, FATE_DONE, BLAME_NONE,
		    "no answer came, but what is there is what was sent");
	else if (u->spec.force)
		put_again(u);
	else
		finish_with(u, FATE_UNKNOWN, BLAME_CUT,
		    "no answer came, and something else is there now: look at "
		    "it; --force overwrites it");
}

static enum err_code
look(struct upload *u, const char *method, const struct call_events *events,
    struct err *err)
{
	const struct call_spec call = {
		.method = method,
		.url = u->spec.url,
		.identity = true,
		.follows = true,
		.events = events,
		.arg = u,
	};

	return client_call(u->client, &call, err);
}

/* The size is right: a GET says whether the bytes are. */
static void
compare(struct upload *u)
{
	static const struct call_events events = { .head = on_there_head,
		.body = on_there_bytes,
		.done = on_compared };
	struct err err = { 0 };

	sha256_init(&u->there);
	u->there_size = 0;
	if (look(u, "GET", &events, &err))
		finish(u, &u->lost);
}

static void
on_looked(void *arg, const struct call_end *end)
{
	struct upload *u = arg;
	bool absent = u->status == 404 || u->status == 410;
	bool is_old = u->spec.if_match.len && u->etag.len &&
	    str_eq(u->etag, u->spec.if_match);
	bool differs = u->has_size && u->size != u->file.size;

	if (end->rc || (u->status != 200 && !absent))
		finish(u, &u->lost);
	else if (absent || is_old || (differs && u->spec.force))
		put_again(u);
	else if (!differs)
		compare(u);
	else
		finish_with(u, FATE_UNKNOWN, BLAME_CUT,
		    "no answer came, and what is there now is not as long as "
		    "what was sent: look at it; --force overwrites it");
}

/* Whether the file may have arrived though no answer says so. */
static bool
is_lost(const struct verdict *v)
{
	if (v->fate == FATE_UNKNOWN)
		return v->blame == BLAME_CUT && v->status < 200;
	return v->status == 502 || v->status == 504;
}

static bool
keep_verdict(struct upload *u, const struct verdict *v)
{
	u->lost = *v;
	return arena_str(&u->a, v->text, &u->lost.text) &&
	    arena_str(&u->a, v->error, &u->lost.error) &&
	    arena_str(&u->a, v->etag, &u->lost.etag);
}

static void
look_first(struct upload *u, const struct verdict *v)
{
	static const struct call_events events = { .head = on_there_head,
		.done = on_looked };
	struct err err = { 0 };

	u->status = 0;
	if (!keep_verdict(u, v) || look(u, "HEAD", &events, &err))
		finish(u, v);
}

/* ---- the request */

/* What is there may not be overwritten, as our look or the server says. */
static void
tell_precondition(struct upload *u, const struct verdict *v)
{
	struct verdict mine = *v;

	mine.text = u->spec.if_match.len
	    ? STR("it has been changed since: that version is there no more")
	    : STR("there is something already, and it may be somebody "
		  "else's");
	finish(u, &mine);
}

static void
on_done(void *arg, const struct verdict *v)
{
	struct upload *u = arg;

	if (v->fate == FATE_DONE && has_changed(u)) {
		(void)!keep_verdict(u, v);
		finish_with(u, FATE_UNKNOWN, BLAME_LOCAL,
		    "the file changed while it was sent: what is there may be "
		    "a mixture; put it again with --force");
	} else if (is_lost(v)) {
		look_first(u, v);
	} else if (v->status == 412 && v->fate == FATE_FAILED) {
		tell_precondition(u, v);
	} else {
		finish(u, v);
	}
}

static void
on_progress(void *arg, uint64_t sent, uint64_t received)
{
	struct upload *u = arg;
	int64_t more = (int64_t)(sent - u->counted);

	(void)received;
	u->counted = sent;
	if (more && u->spec.progress)
		u->spec.progress(u->spec.arg, more);
}

static enum err_code
put(struct upload *u, struct err *err)
{
	const struct header fields[] = {
		{ STR("Repr-Digest"), str_from_c(u->digest_field) },
		{ STR("X-OC-Mtime"), str_from_c(u->time_field) },
	};
	const struct upload_spec *s = &u->spec;
	const struct remote_spec spec = {
		.method = "PUT",
		.url = s->url,
		.if_match = s->if_match,
		.if_none_match = s->if_match.len || s->force
		    ? ((struct str){ 0 })
		    : STR("*"),
		.lock_token = s->lock_token,
		.fields = fields,
		.n_fields = s->no_time ? 1 : 2,
		.content_type = s->content_type,
		.file = &u->file,
		.once = true,
		.follows = true,
		.progress = on_progress,
		.done = on_done,
		.arg = u,
	};

	u->tries++;
	return remote_start(u->client, &spec, err);
}

/* ---- looking before anything is sent */

static void
refuse(struct upload *u)
{
	const struct verdict v = { .fate = FATE_FAILED,
		.blame = BLAME_STATUS,
		.status = 412,
		.wait = -1,
		.etag = u->etag };

	tell_precondition(u, &v);
}

static bool
may_overwrite(const struct upload *u)
{
	struct str want = u->spec.if_match;

	return want.len && (str_eq(want, STR("*")) || str_eq(want, u->etag));
}

static void
first_put(struct upload *u)
{
	struct err err = { 0 };
	enum err_code rc = put(u, &err);

	u->lost.wait = -1;
	if (rc)
		finish_with(u, FATE_FAILED, BLAME_LOCAL,
		    *err.why ? err.why : err_text(rc));
}

static void
on_first_head(void *arg, const struct answer_head *h)
{
	struct err err = { 0 };

	if (on_there_head(arg, h, &err))
		((struct upload *)arg)->etag = (struct str){ 0 };
}

static void
on_first_look(void *arg, const struct verdict *v)
{
	static const unsigned mute[] = { 400, 401, 403, 405, 501 };
	struct upload *u = arg;
	size_t i;

	if (v->fate == FATE_DONE) {
		if (may_overwrite(u))
			first_put(u);
		else
			refuse(u);
		return;
	}
	if (v->status == 404 || v->status == 410) {
		if (u->spec.if_match.len)
			refuse(u);
		else
			first_put(u);
		return;
	}
	/* HEAD is not allowed: then the condition has to do. */
	for (i = 0; i < ARRAY_LEN(mute); i++)
		if (v->fate == FATE_FAILED && v->status == mute[i]) {
			first_put(u);
			return;
		}
	finish(u, v);
}

static enum err_code
first_look(struct upload *u, struct err *err)
{
	const struct remote_spec spec = { .method = "HEAD",
		.url = u->spec.url,
		.head = on_first_head,
		.done = on_first_look,
		.arg = u };

	if (u->spec.force || u->spec.fresh)
		return put(u, err);
	return remote_start(u->client, &spec, err);
}

static enum err_code
begin(struct upload *u, const struct upload_spec *spec, struct err *err)
{
	enum err_code rc;

	u->spec = *spec;
	if (!arena_str(&u->a, spec->url, &u->spec.url) ||
	    !arena_str(&u->a, spec->content_type, &u->spec.content_type) ||
	    !arena_str(&u->a, spec->if_match, &u->spec.if_match) ||
	    !arena_str(&u->a, spec->lock_token, &u->spec.lock_token))
		return err_nomem(err);
	if (fstat(u->file.fd, &u->before))
		return err_os(err, "look at it");
	if (!S_ISREG(u->before.st_mode))
		return err_set(err, ERR_OS, "it is not a plain file");
	u->file.size = (uint64_t)u->before.st_size;
	(void)snprintf(u->time_field, sizeof(u->time_field), "%lld",
	    (long long)u->before.st_mtim.tv_sec);
	rc = hash_file(u, err);
	return rc ? rc : first_look(u, err);
}

enum err_code
upload_start(struct client *c, const struct upload_spec *spec, struct err *err)
{
	struct upload *u = calloc(1, sizeof(*u));
	int fd = spec->fd;
	enum err_code rc;

	if (!u) {
		fd_close(&fd);
		return err_nomem(err);
	}
	u->client = c;
	u->file.fd = fd;
	rc = begin(u, spec, err);
	if (rc)
		upload_free(u);
	return rc;
}
