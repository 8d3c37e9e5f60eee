/* SPDX-License-Identifier: MIT */
#include "client/download.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "client/judge.h"
#include "client/part.h"
#include "http/date.h"
#include "http/digest.h"
#include "http/scan.h"
#include "outcome/retry.h"

/* So many bytes are read of an answer that is a failure. */
#define MAX_SAID ((size_t)64 * 1024)

/* An ostream that drops what it takes: a digest check needs one behind it. */
static enum err_code
drop(struct ostream *o, struct str bytes)
{
	(void)o;
	(void)bytes;
	return ERR_OK;
}

static const struct ostream_ops drop_ops = { .name = "drop", .write = drop };

struct download {
	struct client *client;
	struct download_spec spec;
	struct arena a;
	struct part part; /* without a file: size, etag and total alone */
	bool to_file;
	unsigned tries; /* requests so far */
	/* Of the version that is fetched. */
	struct digest_check *whole; /* over all of it, or NULL */
	int64_t mtime; /* ns since 1970; -1: not said */
	/* Of this request. */
	uint64_t asked_from; /* the offset of its first byte */
	bool asked_range; /* with Range */
	bool again; /* this answer is of no use: ask for all of it */
	bool takes; /* the body is bytes of the resource */
	uint64_t counted; /* bytes that spec.progress was told of */
	struct digest_check *piece; /* over this answer's body, or NULL */
	struct ostream nowhere;
	struct buf said; /* the body of a failure */
	struct evidence e;
	struct err err;
};

static enum err_code ask(struct download *d, struct err *err) MUST_USE;

static void
download_free(struct download *d)
{
	part_done(&d->part);
	buf_done(&d->said);
	arena_done(&d->a);
	free(d);
}

/* ---- the head */

static struct str
field(struct download *d, const struct answer_head *h, struct str name)
{
	struct str value, kept = { 0 };

	if (!headers_one(&h->fields, name, &value, NULL))
		(void)!arena_str(&d->a, value, &kept);
	return kept;
}

static bool
is_strong(struct str etag)
{
	return etag.len > 2 && etag.ptr[0] == '"' &&
	    str_find(etag, '\n') == etag.len;
}

/* Reads "bytes 0-99/200"; has_total: there was no '*' behind the slash. */
static bool
content_range(struct str s, uint64_t *from, bool *has_total, uint64_t *total)
{
	struct str range, first;

	if (!str_starts_nocase(s, STR("bytes ")))
		return false;
	s = str_trim(str_skip(s, 6));
	if (!str_cut(&s, '/', &range) || !str_cut(&range, '-', &first) ||
	    !str_to_u64(first, from))
		return false;
	*has_total = str_to_u64(s, total);
	return *has_total || str_eq(s, STR("*"));
}

/*
 * Writes the value of a Digest field (RFC 3230) as that of a Repr-Digest, which
 * says the same in another form.
 */
static void
add_old_digest(struct download *d, struct str value, struct header *out)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct str one, name, text, copy;

	while (scan_member(&value, &one)) {
		if (!scan_pair(one, &name, &text))
			continue;
		if (!str_eq_nocase(name, STR("sha-256")) &&
		    !str_eq_nocase(name, STR("sha-512")))
			continue;
		if (b.len)
			buf_put(&b, STR(", "));
		buf_put(&b,
		    str_eq_nocase(name, STR("sha-256")) ? STR("sha-256=:")
							: STR("sha-512=:"));
		buf_put(&b, text);
		buf_putc(&b, ':');
	}
	if (!buf_failed(&b) && arena_str(&d->a, buf_str(&b), &copy))
		out->value = copy;
}

/* NULL: no digest that could be compared.  A field without sense is as none. */
static struct digest_check *
check_of(struct download *d, struct str name, struct str value)
{
	struct header h = { name, value };
	struct headers one = { .v = &h, .n = 1 };
	struct digest_check *check = NULL;

	if (!value.len ||
	    digest_check_new(&one, &d->a, &d->nowhere, &check, NULL))
		return NULL;
	return check;
}

/* Adds to d->whole the bytes that are in the file from earlier. */
static enum err_code
feed_part(struct download *d, struct err *err)
{
	char bytes[4096];
	uint64_t at = 0;
	size_t n;

	while (d->whole && at < d->part.size) {
		size_t want = sizeof(bytes) < d->part.size - at
		    ? sizeof(bytes)
		    : (size_t)(d->part.size - at);
		enum err_code rc =
		    fd_read_at(d->part.fd, at, bytes, want, &n, err);

		if (rc)
			return rc;
		if (!n)
			return err_set(err, ERR_IO, "the part became shorter");
		(void)ostream_write(
		    digest_check_stream(d->whole), str_of(bytes, n));
		at += n;
	}
	return ERR_OK;
}

static enum err_code
take_digests(struct download *d, const struct answer_head *h, bool partial,
    struct err *err)
{
	struct header old = { STR("Repr-Digest"), { 0 } };
	struct str repr = field(d, h, STR("Repr-Digest"));

	d->piece = check_of(
	    d, STR("Content-Digest"), field(d, h, STR("Content-Digest")));
	if (partial && d->whole)
		return ERR_OK; /* it has had every byte so far */
	if (!repr.len) {
		add_old_digest(d, field(d, h, STR("Digest")), &old);
		repr = old.value;
	}
	d->whole = check_of(d, STR("Repr-Digest"), repr);
	/* Bytes that spec.take() has had cannot be read again for a digest. */
	if (partial && !d->to_file)
		d->whole = NULL;
	return partial ? feed_part(d, err) : ERR_OK;
}

static void
tell_progress(struct download *d)
{
	int64_t more = (int64_t)(d->part.size - d->counted);

	d->counted = d->part.size;
	if (more && d->spec.progress)
		d->spec.progress(d->spec.arg, more);
}

static void
tell_size(struct download *d)
{
	if (d->part.has_total && d->spec.size)
		d->spec.size(d->spec.arg, d->part.total);
}

/* 200: all of it comes. */
static enum err_code
begin_whole(struct download *d, const struct answer_head *h, struct err *err)
{
	struct str etag = d->e.etag, length;
	uint64_t total = 0;
	bool has_total;
	enum err_code rc = ERR_OK;

	length = field(d, h, STR("Content-Length"));
	has_total = str_to_u64(length, &total);
	if (!is_strong(etag))
		etag = (struct str){ 0 };
	if (d->to_file) {
		rc = part_restart(&d->part, etag, has_total, total, err);
	} else if (d->part.size) {
		return err_set(err, ERR_CUT_SHORT,
		    "it broke off and has changed since: the first %llu "
		    "bytes are of another version",
		    (unsigned long long)d->part.size);
	} else {
		buf_clear(&d->part.etag);
		buf_put(&d->part.etag, etag);
		d->part.has_total = has_total;
		d->part.total = total;
	}
	tell_progress(d);
	tell_size(d);
	return rc ? rc : take_digests(d, h, false, err);
}

/* 206: the rest comes; or, if it is not what was asked for, asks for all. */
static enum err_code
begin_rest(struct download *d, const struct answer_head *h, struct err *err)
{
	uint64_t from = 0, total = 0;
	bool has_total = false;
	struct str etag = d->e.etag;
	bool fits = content_range(
	    field(d, h, STR("Content-Range")), &from, &has_total, &total);

	if (!d->asked_range)
		return err_set(err, ERR_BAD_ANSWER,
		    "the server sent a part of it that was not asked for");
	fits = fits && from == d->asked_from &&
	    str_eq(etag, buf_str(&d->part.etag)) && /* RFC 9110 s15.3.7 */
	    (!has_total || !d->part.has_total || total == d->part.total);
	if (!fits) {
		d->again = true;
		d->takes = false;
		return ERR_OK;
	}
	if (from != d->part.size)
		d->whole = NULL;
	d->part.size = from;
	if (has_total) {
		d->part.has_total = true;
		d->part.total = total;
	}
	tell_progress(d);
	tell_size(d);
	return take_digests(d, h, true, err);
}

static enum err_code
on_head(void *arg, const struct answer_head *h, struct err *err)
{
	struct download *d = arg;
	int64_t seconds;

	d->e.status = h->status;
	d->e.etag = field(d, h, STR("ETag"));
	d->e.location = field(d, h, STR("Location"));
	(void)!retry_after_parse(
	    field(d, h, STR("Retry-After")), clock_now(), &d->e.wait);
	if (h->status == 416 && d->asked_range)
		d->again = true;
	if (h->status != 200 && h->status != 206)
		return ERR_OK;
	if (d->spec.no_collection && str_ends(h->url, STR("/")) &&
	    !str_ends(d->spec.url, STR("/")))
		return err_set(err, ERR_IS_COLLECTION,
		    "it is a collection; -r takes it with all that is in it");
	d->mtime = -1;
	if (date_parse_http(field(d, h, STR("Last-Modified")), &seconds) &&
	    seconds >= 0 && seconds < INT64_MAX / NSEC_PER_SEC)
		d->mtime = seconds * NSEC_PER_SEC;
	d->takes = true;
	return h->status == 200 ? begin_whole(d, h, err)
				: begin_rest(d, h, err);
}

/* ---- the body */

static enum err_code
on_body(void *arg, struct str bytes, struct err *err)
{
	struct download *d = arg;
	enum err_code rc;

	if (!d->takes) {
		if (d->said.len < MAX_SAID)
			buf_put(
			    &d->said, str_head(bytes, MAX_SAID - d->said.len));
		return ERR_OK;
	}
	if (d->part.has_total && bytes.len > d->part.total - d->part.size)
		return err_set(err, ERR_BAD_ANSWER,
		    "the server sends more than it announced");
	if (d->to_file) {
		rc = part_write(&d->part, bytes, err);
	} else {
		rc = d->spec.take(d->spec.arg, bytes, err);
		d->part.size += bytes.len;
	}
	if (rc)
		return rc;
	if (d->whole)
		(void)ostream_write(digest_check_stream(d->whole), bytes);
	if (d->piece)
		(void)ostream_write(digest_check_stream(d->piece), bytes);
	tell_progress(d);
	return ERR_OK;
}

/* ---- the end */

/*
 * Whether to ask again: what is there can be resumed, or replaced, which bytes
 * that spec.take() has had cannot.
 */
static bool
may_go_on(const struct download *d)
{
	if (d->tries >= (d->spec.attempts ? d->spec.attempts : RETRY_ATTEMPTS))
		return false;
	return d->to_file || !d->part.size || d->part.etag.len;
}

/* text: instead of what judge() finds, with this fate and blame; or NULL. */
static void
finish(struct download *d, enum fate fate, enum blame blame, const char *text)
{
	struct buf sentence CLEANUP(buf_done) = { 0 };
	struct download_end end = { .bytes = d->part.size };

	d->e.err = &d->err;
	judge(&d->e, &sentence, &end.v);
	if (text) {
		end.v.fate = fate;
		end.v.blame = blame;
		end.v.text = str_from_c(text);
		end.v.retryable = false;
	}
	d->spec.done(d->spec.arg, &end);
	download_free(d);
}

/* The bytes are not those that were announced: they do not get the name. */
static void
finish_digest(struct download *d)
{
	char text[512];

	part_spoil(&d->part);
	(void)snprintf(text, sizeof(text),
	    "%s; what came is kept in '%.250s' to be looked at", d->err.why,
	    d->to_file ? d->part.part.ptr : "");
	if (d->to_file)
		finish(d, FATE_FAILED, BLAME_DIGEST, text);
	else
		finish(d, FATE_FAILED, BLAME_DIGEST, d->err.why);
}

static enum err_code
check_digests(struct download *d, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (d->piece)
		rc = digest_check_end(d->piece, err);
	if (!rc && d->whole)
		rc = digest_check_end(d->whole, err);
	if (rc)
		(void)err_set(err, rc,
		    "the bytes are not those that the server announced (%s)",
		    d->whole ? "Repr-Digest" : "Content-Digest");
	return rc;
}

static void
finish_whole(struct download *d, bool unproven)
{
	enum err_code rc = check_digests(d, &d->err);

	if (rc) {
		finish_digest(d);
		return;
	}
	if (d->part.has_total && d->part.size != d->part.total) {
		finish(d, FATE_UNKNOWN, BLAME_CUT,
		    "the answer ended before all of it had come; run the "
		    "command again to go on");
		return;
	}
	if (unproven && !d->part.has_total && !d->whole && !d->piece) {
		part_spoil(&d->part);
		finish(d, FATE_UNKNOWN, BLAME_CUT,
		    "the server did not say how long it is, and closed the "
		    "connection: it may be cut short, and was not kept under "
		    "its name");
		return;
	}
	if (d->to_file)
		rc = part_place(&d->part, d->mtime, &d->err);
	if (rc)
		finish(d, FATE_FAILED, BLAME_LOCAL, d->err.why);
	else
		finish(d, FATE_DONE, BLAME_NONE, NULL);
}

/* Asks for the rest; false: that could not be begun, and d->e.rc says why. */
static bool
go_on(struct download *d)
{
	struct err err = { 0 };
	enum err_code rc = ask(d, &err);

	if (!rc)
		return true;
	d->e.rc = rc;
	d->err = err;
	return false;
}

static void
finish_local(struct download *d)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s",
	    *d->err.why ? d->err.why : err_text(d->err.code));
	d->e.status = 0; /* the answer is not to blame */
	finish(d, FATE_FAILED, BLAME_LOCAL, text);
}

static bool
is_remote_failure(enum err_code rc)
{
	return rc == ERR_CUT_SHORT || rc == ERR_UNREACHABLE ||
	    rc == ERR_BAD_ANSWER || rc == ERR_CANCELLED;
}

static void
finish_failed(struct download *d)
{
	struct str type = { 0 };

	if (d->e.rc && !is_remote_failure(d->e.rc)) {
		finish_local(d);
		return;
	}
	if (!d->e.rc && !buf_failed(&d->said))
		(void)!error_read(
		    &d->a, type, buf_str(&d->said), &d->e.said, NULL);
	finish(d, FATE_FAILED, BLAME_STATUS, NULL);
}

static void
on_done(void *arg, const struct call_end *end)
{
	struct download *d = arg;
	bool broke = end->rc == ERR_CUT_SHORT && d->takes;

	d->e.rc = end->rc;
	d->err = end->err;
	d->e.attempts += end->attempts;
	d->e.status = end->status;
	if (!end->rc && d->again && d->tries < RETRY_ATTEMPTS) {
		buf_clear(&d->part.etag); /* then it asks for all of it */
		if (go_on(d))
			return;
	} else if (broke && may_go_on(d)) {
		if (go_on(d))
			return;
	}
	if (!d->e.rc && d->takes)
		finish_whole(d, end->unproven);
	else
		finish_failed(d);
}

/* ---- the request */

static const struct call_events events = {
	.head = on_head, .body = on_body, .done = on_done
};

/*
 * The offset to ask from; 0: ask for all.  Where all bytes are there the last
 * one is asked for again, so that the answer is 206 and not 416.
 */
static uint64_t
from_where(const struct download *d)
{
	const struct part *p = &d->part;

	if (!p->etag.len || !p->size)
		return 0;
	if (p->has_total && p->size >= p->total)
		return d->to_file ? p->total - 1 : 0;
	return p->size;
}

static enum err_code
ask(struct download *d, struct err *err)
{
	char range[40];
	struct header fields[3] = { { STR("Want-Repr-Digest"),
	    STR("sha-256=10, sha-512=3") } };
	struct call_spec call = {
		.method = "GET",
		.url = d->spec.url,
		.fields = fields,
		.n_fields = 1,
		.identity = true,
		.events = &events,
		.arg = d,
	};

	d->asked_from = from_where(d);
	d->asked_range = d->asked_from > 0;
	d->again = d->takes = false;
	d->piece = NULL;
	d->e.wait = -1;
	buf_clear(&d->said);
	if (d->asked_range) {
		(void)snprintf(range, sizeof(range), "bytes=%llu-",
		    (unsigned long long)d->asked_from);
		fields[1] = (struct header){ STR("Range"), str_from_c(range) };
		fields[2] =
		    (struct header){ STR("If-Range"), buf_str(&d->part.etag) };
		call.n_fields = 3;
	}
	/* It has begun: see struct call_spec. */
	call.follows = d->tries > 0;
	if (d->tries > 0)
		call.delay =
		    retry_delay(d->tries + 1, -1, (uint64_t)clock_monotonic());
	d->tries++;
	return client_call(d->client, &call, err);
}

static enum err_code
begin(struct download *d, const struct download_spec *spec, struct err *err)
{
	struct str file;
	enum err_code rc;

	d->spec = *spec;
	if (!arena_str(&d->a, spec->url, &d->spec.url))
		return err_nomem(err);
	if (!spec->file)
		return ask(d, err);
	if (!arena_str(&d->a, str_from_c(spec->file), &file))
		return err_nomem(err);
	d->spec.file = file.ptr;
	d->to_file = true;
	rc = part_open(&d->part, file.ptr, d->spec.url, spec->force, err);
	return rc ? rc : ask(d, err);
}

enum err_code
download_start(
    struct client *c, const struct download_spec *spec, struct err *err)
{
	struct download *d = calloc(1, sizeof(*d));
	enum err_code rc;

	if (!d)
		return err_nomem(err);
	d->client = c;
	d->part = PART_NONE;
	d->mtime = -1;
	d->e.method = STR("GET");
	ostream_init(&d->nowhere, &drop_ops);
	rc = begin(d, spec, err);
	if (rc)
		download_free(d);
	return rc;
}
