/* SPDX-License-Identifier: MIT */
/* The client and its calls until they begin. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "client/client_impl.h"
#include "http/scan.h"
#include "outcome/retry.h"

/* ---- the client */

static enum err_code
read_netrc(struct client *c, struct err *err)
{
	const char *home = getenv("HOME");
	struct buf name CLEANUP(buf_done) = { 0 };

	c->netrc.max = (size_t)1024 * 1024;
	if (c->o.netrc_file)
		return file_read(c->o.netrc_file, &c->netrc, err);
	if (!home)
		return ERR_OK;
	buf_put(&name, str_from_c(home));
	buf_put(&name, STR("/.netrc"));
	buf_putc(&name, '\0');
	if (buf_failed(&name))
		return err_nomem(err);
	if (file_read(name.ptr, &c->netrc, NULL)) /* there is none */
		buf_clear(&c->netrc);
	return ERR_OK;
}

static void
set_defaults(struct client_options *o)
{
	if (!o->jobs)
		o->jobs = CLIENT_JOBS;
	if (o->jobs > CLIENT_MAX_JOBS)
		o->jobs = CLIENT_MAX_JOBS;
	if (!o->attempts)
		o->attempts = RETRY_ATTEMPTS;
	if (!o->connect_timeout)
		o->connect_timeout = CLIENT_CONNECT_TIMEOUT;
	if (!o->stall_timeout)
		o->stall_timeout = CLIENT_STALL_TIMEOUT;
}

static enum err_code
client_init(struct client *c, struct err *err)
{
	c->last = &c->first;
	c->slots = calloc(c->o.jobs, sizeof(*c->slots));
	if (!c->slots)
		return err_nomem(err);
	c->n_slots = c->o.jobs;
	c->multi = c->curl.multi_init();
	if (!c->multi)
		return err_nomem(err);
	if (c->curl.multi_setopt(c->multi, CURLMOPT_MAXCONNECTS,
		(long)c->n_slots + 4) != CURLM_OK)
		return err_nomem(err);
	return read_netrc(c, err);
}

enum err_code
client_new(
    const struct client_options *options, struct client **out, struct err *err)
{
	struct curl_calls curl;
	struct client *c;
	enum err_code rc;

	rc = curl_calls_load(&curl, err);
	if (rc)
		return rc;
	if (curl.global_init(CURL_GLOBAL_DEFAULT))
		return err_nomem(err);
	c = calloc(1, sizeof(*c));
	if (!c) {
		curl.global_cleanup();
		return err_nomem(err);
	}
	c->curl = curl;
	c->o = *options;
	set_defaults(&c->o);
	rc = client_init(c, err);
	if (rc)
		client_free(c);
	else
		*out = c;
	return rc;
}

void
call_free(struct call *call)
{
	call->client->curl.slist_free_all(call->fields);
	buf_done(&call->head_text);
	arena_done(&call->head_arena);
	arena_done(&call->a);
	free(call);
}

void
client_free(struct client *c)
{
	struct call *call;
	unsigned i;

	if (!c)
		return;
	while ((call = c->first)) {
		c->first = call->next;
		call_free(call);
	}
	for (i = 0; c->slots && i < c->n_slots; i++) {
		struct slot *s = &c->slots[i];

		slot_close(c, s);
		if (s->call)
			call_free(s->call);
	}
	free(c->slots);
	if (c->multi)
		(void)c->curl.multi_cleanup(c->multi);
	if (c->netrc.ptr)
		explicit_bzero(c->netrc.ptr, c->netrc.cap);
	buf_done(&c->netrc);
	server_origins_done(c);
	arena_done(&c->a);
	c->curl.global_cleanup();
	free(c);
}

/* ---- a call */

static bool
is_secret(struct str name)
{
	return str_eq_nocase(name, STR("Authorization")) ||
	    str_eq_nocase(name, STR("Cookie"));
}

static bool
has_controls(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t')
			return true;
	return false;
}

/*
 * Adds a line for libcurl: "Name: value"; "Name;" sends the field without a
 * value; "Name:" has libcurl leave out a field of its own.
 */
static enum err_code
add_line(struct call *call, const char *line, struct err *err)
{
	struct curl_slist *list =
	    call->client->curl.slist_append(call->fields, line);

	if (!list)
		return err_nomem(err);
	call->fields = list;
	return ERR_OK;
}

static enum err_code
add_field(struct call *call, const struct header *h, struct err *err)
{
	struct buf line CLEANUP(buf_done) = { 0 };

	if (!scan_is_token(h->name) || has_controls(h->value))
		return err_set(err, ERR_BAD_REQUEST,
		    "'%.*s' is no header field", STR_ARG(h->name));
	buf_put(&line, h->name);
	if (h->value.len) {
		buf_put(&line, STR(": "));
		buf_put(&line, h->value);
	} else {
		buf_putc(&line, ';');
	}
	buf_putc(&line, '\0');
	if (buf_failed(&line))
		return err_nomem(err);
	call->secrets = call->secrets || is_secret(h->name);
	return add_line(call, line.ptr, err);
}

/*
 * A short body is sent without Expect: to ask whether it is wanted takes a
 * round trip, and a second where the server never answers 100 Continue.
 */
static enum err_code
add_expect(struct call *call, struct err *err)
{
	if (call_body_size(call) > CLIENT_MAX_UNASKED)
		return ERR_OK; /* libcurl asks by itself */
	return add_line(call, "Expect:", err);
}

static enum err_code
call_fill(struct call *call, const struct call_spec *spec, struct err *err)
{
	struct str url, method = str_from_c(spec->method);
	enum err_code rc = ERR_OK;
	size_t i;

	call->idempotent = spec->keyed || method_is_idempotent(method);
	call->once = spec->once;
	call->follows = spec->follows;
	call->wake = spec->delay > 0 ? clock_monotonic() + spec->delay : 0;
	call->identity = spec->identity;
	call->file = spec->file;
	call->events = spec->events;
	call->arg = spec->arg;
	call->head_text.max = CLIENT_MAX_HEAD;
	if (!arena_str(&call->a, method, &method) ||
	    !arena_str(&call->a, spec->url, &url) ||
	    !arena_str(&call->a, spec->body, &call->body))
		return err_nomem(err);
	call->method = method.ptr;
	call->url = url.ptr;
	if (!scan_is_token(method) || strlen(call->url) != url.len)
		return err_set(
		    err, ERR_BAD_REQUEST, "'%.100s' is no URL", call->url);
	for (i = 0; !rc && i < spec->n_fields; i++)
		rc = add_field(call, &spec->fields[i], err);
	if (!rc)
		rc = add_expect(call, err);
	if (!rc)
		rc = server_origin_find(
		    call->client, call->url, &call->origin, err);
	return rc;
}

enum err_code
client_call(struct client *c, const struct call_spec *spec, struct err *err)
{
	struct call *call = calloc(1, sizeof(*call));
	enum err_code rc;

	if (!call)
		return err_nomem(err);
	call->client = c;
	rc = call_fill(call, spec, err);
	if (rc) {
		call_free(call);
		return rc;
	}
	*c->last = call;
	c->last = &call->next;
	return ERR_OK;
}
