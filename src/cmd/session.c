/* SPDX-License-Identifier: MIT */
#include "cmd/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/commands.h"
#include "cmd/prompt.h"
#include "cmd/text.h"
#include "http/status.h"
#include "http/url.h"

/* An argument, without what is or might be a password in it. */
static void
put_operand(struct buf *b, const char *operand)
{
	struct str s = str_from_c(operand);
	const char *authority = strstr(operand, "://");
	size_t at = s.len, from;
	struct url u;

	if (authority) {
		from = (size_t)(authority - operand) + 3;
		if (url_parse(s, &u, NULL))
			at = str_rfind(s, '@');
		else if (u.user.len)
			at = from + u.user.len;
		if (at < s.len && at > from &&
		    memchr(operand + from, ':', at - from)) {
			text_put_plain(b, str_head(s, from));
			BUF_LIT(b, "...");
			s = str_skip(s, at);
		}
	}
	text_put_plain(b, s);
}

static bool
wrong(int *code, int with, const char *what, const char *why)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	put_operand(&b, what);
	(void)fprintf(stderr, "sheaf: %.*s%s%s\n", STR_ARG(buf_str(&b)),
	    *what ? ": " : "", why);
	*code = with;
	return false;
}

static bool
no_memory(int *code)
{
	return wrong(code, EXIT_CANNOT, "", err_text(ERR_NOMEM));
}

/* ---- URLs */

bool
session_is_url(const char *operand)
{
	const char *colon = strstr(operand, "://");
	const char *c = operand;

	while (colon && c < colon && (ascii_is_alpha(*c) || *c == '+'))
		c++;
	return colon && c == colon && c > operand;
}

/* A password is refused: everybody on the machine can see arguments. */
static bool
has_password(const char *url, struct str user, int *code)
{
	if (str_find(user, ':') == user.len)
		return false;
	return !wrong(code, EXIT_USAGE, url,
	    "there is a password in this URL, where everybody on this machine "
	    "can see it; leave it out, and put it into SHEAF_PASSWORD or a "
	    "netrc file, or type it when asked");
}

/* There is one user name for all: the option's, or that of the URLs. */
static bool
take_user(struct session *s, const char *url, struct str user, int *code)
{
	struct buf name CLEANUP(buf_done) = { 0 };
	bool same;

	if (!user.len)
		return true;
	url_put_decoded(&name, user);
	if (buf_failed(&name))
		return no_memory(code);
	same = str_eq(buf_str(&name), buf_str(&s->user));
	if (s->user.len && !same)
		return wrong(code, EXIT_USAGE, url,
		    "another user was named before; log in as one at a time");
	if (!same)
		buf_put(&s->user, buf_str(&name));
	return !buf_failed(&s->user) || no_memory(code);
}

static bool
take_url(struct session *s, const char *operand, struct str *out, int *code)
{
	struct err err = { 0 };
	struct url u;
	enum err_code rc = url_parse(str_from_c(operand), &u, &err);

	if (rc)
		return wrong(code, EXIT_USAGE, operand,
		    *err.why ? err.why : "this is no URL");
	if (has_password(operand, u.user, code) ||
	    !take_user(s, operand, u.user, code))
		return false;
	if (url_clean(&s->a, str_from_c(operand), out, &err))
		return no_memory(code);
	return true;
}

static bool
take_urls(struct session *s, const char *const *urls, size_t n, int *code)
{
	struct str *v = arena_array(&s->a, n + 1, sizeof(*v));
	size_t i;

	if (!v)
		return no_memory(code);
	for (i = 0; i < n; i++)
		if (!take_url(s, urls[i], &v[i], code))
			return false;
	s->urls = v;
	s->n_urls = n;
	return true;
}

/* ---- secrets */

static bool
take_token(struct session *s, int *code)
{
	const char *file = s->options->token_file;
	struct err err = { 0 };

	s->token.max = (size_t)64 * 1024;
	if (!file)
		buf_put(&s->token, str_from_c(getenv("SHEAF_TOKEN")));
	else if (file_read(file, &s->token, &err))
		return wrong(code, EXIT_CANNOT, "--token-file", err.why);
	while (
	    s->token.len && strchr("\r\n \t", s->token.ptr[s->token.len - 1]))
		s->token.len--;
	if (memchr(s->token.ptr ? s->token.ptr : "", '\n', s->token.len))
		return wrong(code, EXIT_USAGE, file ? file : "SHEAF_TOKEN",
		    "a token is one line");
	if (file && !s->token.len)
		return wrong(code, EXIT_USAGE, file, "there is no token in it");
	return true;
}

static void
say(const struct session *s, const char *text)
{
	if (s->work)
		work_say(s->work, "%s", text);
	else if (!s->options->quiet)
		(void)fprintf(stderr, "sheaf: %s\n", text);
}

static bool
give_password(void *arg, const char *user, const char *host, struct buf *out)
{
	const struct session *s = arg;
	const char *known = getenv("SHEAF_PASSWORD");
	struct err err = { 0 };
	char text[768];

	if (known) {
		buf_put(out, str_from_c(known));
		return !buf_failed(out);
	}
	(void)snprintf(
	    text, sizeof(text), "Password of %.200s at %.250s: ", user, host);
	if (!prompt_secret(text, out, &err))
		return true;
	if (err.code == ERR_CANCELLED)
		return false;
	(void)snprintf(text, sizeof(text),
	    "%.250s wants the password of %.100s, and %s; put it into "
	    "SHEAF_PASSWORD or a netrc file",
	    host, user, err.why);
	say(s, text);
	return false;
}

/* ---- talk */

static void
trace(void *arg, struct str line)
{
	const struct session *s = arg;

	if (s->work)
		work_say_more(s->work, "%.*s", STR_ARG(line));
	else
		(void)fprintf(stderr, "sheaf: %.*s\n", STR_ARG(line));
}

static void
tell_waiting(void *arg, struct str url, unsigned status, int64_t ns)
{
	const struct session *s = arg;
	struct str reason = status_reason(status);
	char text[512];

	if (ns < NSEC_PER_SEC)
		return;
	(void)snprintf(text, sizeof(text), "%.*s: %.*s; trying again in %lld s",
	    (int)(url.len < 300 ? url.len : 300), url.ptr,
	    status ? (int)reason.len : 9, status ? reason.ptr : "no answer",
	    (long long)((ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC));
	say(s, text);
}

static bool
proxy_ok(const char *proxy, int *code)
{
	struct str s = str_from_c(proxy);
	size_t at = str_rfind(s, '@');
	struct str user = str_head(s, at);
	size_t slashes = str_find(user, '/');

	if (at == s.len)
		return true;
	user = str_skip(user, slashes < user.len ? slashes : 0);
	if (str_find(user, ':') == user.len)
		return true;
	return wrong(code, EXIT_USAGE, "--proxy",
	    "there is a password in it, where everybody on this machine can "
	    "see it; put the URL into https_proxy in the environment");
}

static bool
make_client(struct session *s, int *code)
{
	const struct options *o = s->options;
	const struct client_options co = {
		.user = s->user.len ? s->user.ptr : NULL,
		.password = give_password,
		.password_arg = s,
		.token = s->token.len ? s->token.ptr : NULL,
		.netrc_file = o->netrc_file,
		.cacert = o->cacert,
		.cert = o->cert,
		.key = o->key,
		.proxy = o->proxy,
		.jobs = o->jobs,
		.attempts = o->attempts,
		.connect_timeout = o->connect_timeout,
		.stall_timeout = o->timeout,
		.trace = o->verbose ? trace : NULL,
		.trace_arg = s,
		.waiting = tell_waiting,
		.waiting_arg = s,
	};
	struct err err = { 0 };

	if (client_new(&co, &s->client, &err))
		return wrong(code, EXIT_CANNOT, "",
		    *err.why ? err.why : err_text(err.code));
	return true;
}

static void
end_text(struct buf *b)
{
	buf_putc(b, '\0');
	if (b->len)
		b->len--;
}

bool
session_begin(struct session *s, const struct options *o, struct work *work,
    const char *const *urls, size_t n, int *code)
{
	*s = (struct session){ .options = o, .work = work };
	if (o->proxy && !proxy_ok(o->proxy, code))
		return false;
	buf_put(&s->user, str_from_c(o->user));
	if (str_find(buf_str(&s->user), ':') < s->user.len)
		return wrong(code, EXIT_USAGE, "--user",
		    "a user name has no colon; the password is taken from "
		    "SHEAF_PASSWORD, a netrc file or the terminal");
	if (!take_urls(s, urls, n, code) || !take_token(s, code))
		return false;
	end_text(&s->user);
	end_text(&s->token);
	if (buf_failed(&s->user) || buf_failed(&s->token))
		return no_memory(code);
	return make_client(s, code);
}

void
session_done(struct session *s)
{
	client_free(s->client);
	if (s->token.ptr)
		explicit_bzero(s->token.ptr, s->token.cap);
	buf_done(&s->token);
	buf_done(&s->user);
	arena_done(&s->a);
	*s = (struct session){ 0 };
}
