/* SPDX-License-Identifier: MIT */
/* One attempt of a call: the options of its libcurl handle, and callbacks. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "client/client_impl.h"

/* ---- callbacks of libcurl; arg is the call */

static void
moved(struct call *call)
{
	call->now.moved = clock_monotonic();
}

static void
fail(struct call *call, enum err_code rc, const struct err *err)
{
	call->now.failed = rc;
	call->now.err = *err;
	call->now.err.code = rc;
}

static size_t
on_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct call *call = arg;
	struct err err = { 0 };
	enum err_code rc = answer_line(call, str_of(bytes, size * n), &err);

	moved(call);
	if (!rc)
		return size * n;
	fail(call, rc, &err);
	return 0;
}

static enum err_code
take_body(struct call *call, struct str bytes, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (call->now.use == USE_UNKNOWN)
		rc = answer_judge(call, err);
	if (rc)
		return rc;
	if (call->now.use != USE_DELIVER) {
		call->now.ignored += bytes.len;
		return ERR_OK;
	}
	call->now.got_body = true;
	rc = answer_deliver(call, err);
	if (!rc && call->events->body)
		rc = call->events->body(call->arg, bytes, err);
	return rc;
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct call *call = arg;
	struct err err = { 0 };
	enum err_code rc = take_body(call, str_of(bytes, size * n), &err);

	moved(call);
	if (rc)
		fail(call, rc, &err);
	return rc || call->now.ignored > CLIENT_MAX_IGNORED ? 0 : size * n;
}

uint64_t
call_body_size(const struct call *call)
{
	return call->file ? call->file->size : call->body.len;
}

static size_t
read_file(struct call *call, char *out, size_t max)
{
	const struct call_file *f = call->file;
	uint64_t left = f->size - call->now.at;
	struct err err = { 0 };
	enum err_code rc;
	size_t got = 0;

	if (max > left)
		max = (size_t)left;
	rc = fd_read_at(f->fd, f->offset + call->now.at, out, max, &got, &err);
	if (!rc && got < max)
		rc = err_set(
		    &err, ERR_IO, "the file became shorter while it was sent");
	if (!rc)
		return got;
	fail(call, rc, &err);
	return CURL_READFUNC_ABORT;
}

static size_t
on_read(char *out, size_t size, size_t n, void *arg)
{
	struct call *call = arg;
	struct str left;
	size_t got;

	if (call->file) {
		got = read_file(call, out, size * n);
		if (got == CURL_READFUNC_ABORT)
			return got;
	} else {
		left = str_head(
		    str_skip(call->body, (size_t)call->now.at), size * n);
		got = left.len;
		if (got)
			memcpy(out, left.ptr, got);
	}
	call->now.at += got;
	return got;
}

static int
on_seek(void *arg, curl_off_t offset, int origin)
{
	struct call *call = arg;

	if (origin != SEEK_SET || offset < 0 ||
	    (uint64_t)offset > call_body_size(call))
		return CURL_SEEKFUNC_FAIL;
	call->now.at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int
on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
    curl_off_t up)
{
	struct call *call = arg;

	(void)down_all;
	(void)up_all;
	if ((uint64_t)up == call->now.sent_bytes &&
	    (uint64_t)down == call->now.got_bytes)
		return 0;
	call->now.sent_bytes = (uint64_t)up;
	call->now.got_bytes = (uint64_t)down;
	moved(call);
	if (call->events->progress)
		call->events->progress(
		    call->arg, call->now.sent_bytes, call->now.got_bytes);
	return 0;
}

/*
 * Sees each head that is sent.  libcurl sends a request again by itself when a
 * connection that was kept turns out to be dead: then the first may have been
 * carried out.
 */
static int
on_debug(CURL *easy, curl_infotype type, char *bytes, size_t n, void *arg)
{
	struct call *call = arg;
	struct str method = str_from_c(call->method);
	struct str text = str_of(bytes, n);

	(void)easy;
	if (type != CURLINFO_HEADER_OUT)
		return 0;
	if (!str_starts(text, method) || str_skip(text, method.len).len == 0 ||
	    text.ptr[method.len] != ' ')
		return 0;
	if (call->now.awaiting)
		call->uncertain_before = true;
	call->now.sent = call->now.awaiting = true;
	call->now.authorized =
	    memmem(bytes, n, "\r\nAuthorization:", 16) != NULL;
	moved(call);
	trace_request(call);
	return 0;
}

/*
 * Asked before each request.  Refuses to have libcurl send one again by itself
 * (see on_debug()), where the call may not be repeated.
 */
static int
on_prereq(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct call *call = arg;
	struct err err = { 0 };

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	if (!call->now.awaiting || (call->idempotent && !call->once))
		return CURL_PREREQFUNC_OK;
	fail(call,
	    err_set(&err, ERR_CUT_SHORT,
		"the server closed the connection and did not answer"),
	    &err);
	return CURL_PREREQFUNC_ABORT;
}

/* ---- options */

/* Keeps the first failure of many settings. */
struct setup {
	const struct curl_calls *curl;
	CURL *easy;
	CURLcode code;
};

#define SET(s, option, value)                                      \
	do {                                                       \
		if (!(s)->code)                                    \
			(s)->code = (s)->curl->easy_setopt(        \
			    (s)->easy, CURLOPT_##option, (value)); \
	} while (0)

static void
set_callbacks(struct setup *s, struct call *call)
{
	SET(s, HEADERFUNCTION, on_header);
	SET(s, HEADERDATA, call);
	SET(s, WRITEFUNCTION, on_body);
	SET(s, WRITEDATA, call);
	SET(s, READFUNCTION, on_read);
	SET(s, READDATA, call);
	SET(s, SEEKFUNCTION, on_seek);
	SET(s, SEEKDATA, call);
	SET(s, XFERINFOFUNCTION, on_progress);
	SET(s, XFERINFODATA, call);
	SET(s, NOPROGRESS, 0L);
	SET(s, DEBUGFUNCTION, on_debug);
	SET(s, DEBUGDATA, call);
	SET(s, VERBOSE, 1L);
	SET(s, PREREQFUNCTION, on_prereq);
	SET(s, PREREQDATA, call);
	SET(s, ERRORBUFFER, call->now.said);
	SET(s, PRIVATE, call);
}

static void
set_request(struct setup *s, const struct call *call)
{
	struct str method = str_from_c(call->method);
	bool puts = str_eq(method, STR("PUT")) || str_eq(method, STR("POST"));

	SET(s, URL, call->url);
	SET(s, PATH_AS_IS, 1L);
	SET(s, HTTPHEADER, call->fields);
	SET(s, USERAGENT, "sheaf/" SHEAF_VERSION);
	if (str_eq(method, STR("HEAD"))) {
		SET(s, NOBODY, 1L);
		return;
	}
	if (call->file || call->body.len || puts) {
		SET(s, UPLOAD, 1L);
		SET(s, INFILESIZE_LARGE, (curl_off_t)call_body_size(call));
	}
	SET(s, CUSTOMREQUEST, call->method);
}

static void
set_transport(struct setup *s, const struct call *call)
{
	const struct client_options *o = &call->client->o;

	SET(s, PROTOCOLS_STR, "http,https");
	SET(s, HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(s, NOSIGNAL, 1L);
	SET(s, SUPPRESS_CONNECT_HEADERS, 1L);
	SET(s, BUFFERSIZE, 128L * 1024);
	SET(s, UPLOAD_BUFFERSIZE, 128L * 1024);
	SET(s, CONNECTTIMEOUT_MS, (long)(o->connect_timeout / 1000000));
	SET(s, ACCEPT_ENCODING, call->identity ? NULL : "");
	/*
	 * What may not be repeated gets a new connection: a kept one that is
	 * dead by now would leave open whether the request arrived.
	 */
	SET(s, FRESH_CONNECT, call->idempotent ? 0L : 1L);
	SET(s, PROXY, o->proxy);
	SET(s, PROXYAUTH, (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST));
	if (o->cacert)
		SET(s, CAINFO, o->cacert);
	if (o->cert) {
		SET(s, SSLCERT, o->cert);
		SET(s, SSLKEY, o->key ? o->key : o->cert);
	}
}

/*
 * libcurl keeps the password back until the server wants it, unless that is
 * known to take nothing but Basic.  CURLAUTH_DIGEST alone is never set: libcurl
 * would send an empty PUT to be challenged, which a server that does not
 * challenge would carry out.
 */
static void
set_credentials(struct setup *s, struct call *call)
{
	struct server_origin *o = call->origin;

	if (call->client->o.token) {
		SET(s, HTTPAUTH, (long)CURLAUTH_BEARER);
		SET(s, XOAUTH2_BEARER, call->client->o.token);
		return;
	}
	if (o->has_password && !o->rejected) {
		buf_putc(&o->user, '\0');
		buf_putc(&o->password, '\0');
		if (buf_failed(&o->user) || buf_failed(&o->password)) {
			s->code = CURLE_OUT_OF_MEMORY;
			return;
		}
		o->user.len--;
		o->password.len--;
		call->logged_in = true;
		SET(s, USERNAME, o->user.ptr);
		SET(s, PASSWORD, o->password.ptr);
		SET(s, HTTPAUTH,
		    (long)(o->basic ? CURLAUTH_BASIC
				    : CURLAUTH_BASIC | CURLAUTH_DIGEST));
	} else if (o->negotiates && !o->has_password) {
		call->logged_in = true;
		SET(s, USERPWD, ":");
		SET(s, HTTPAUTH, (long)(CURLAUTH_NEGOTIATE | CURLAUTH_DIGEST));
	}
}

enum err_code
call_begin(struct call *call, CURL *easy, struct err *err)
{
	struct setup s = { .curl = &call->client->curl, .easy = easy };

	call->now =
	    (struct attempt){ .moved = clock_monotonic(), .retry_after = -1 };
	buf_clear(&call->head_text);
	set_callbacks(&s, call);
	set_request(&s, call);
	set_transport(&s, call);
	set_credentials(&s, call);
	if (s.code == CURLE_OUT_OF_MEMORY)
		return err_nomem(err);
	if (s.code)
		return err_set(err, ERR_INTERNAL, "libcurl: %s",
		    call->client->curl.easy_strerror(s.code));
	return ERR_OK;
}
