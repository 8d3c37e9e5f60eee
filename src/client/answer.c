/* SPDX-License-Identifier: MIT */
/* The head of an answer is collected and read, and its use is decided. */
#include "base/clock.h"
#include "client/client_impl.h"
#include "http/scan.h"
#include "http/url.h"
#include "outcome/retry.h"

/* 207 of "HTTP/1.1 207 Multi-Status"; 0: it is no status line. */
static unsigned
status_of(struct str line)
{
	size_t at = str_find(line, ' ');
	uint64_t status;
	struct str digits;

	if (!str_starts(line, STR("HTTP/")))
		return 0;
	digits = str_head(str_skip(line, at + 1), 3);
	if (digits.len != 3 || !str_to_u64(digits, &status) || status < 100)
		return 0;
	return (unsigned)status;
}

static void
start_head(struct call *call, unsigned status)
{
	buf_clear(&call->head_text);
	call->now.status = status;
	call->now.head_whole = false;
	if (status >= 200)
		call->now.awaiting = false;
}

enum err_code
answer_line(struct call *call, struct str line, struct err *err)
{
	unsigned status = status_of(line);

	if (status && !call->now.delivered) {
		start_head(call, status);
		return ERR_OK;
	}
	if (call->now.head_whole) /* a trailer */
		return ERR_OK;
	if (!str_trim(line).len || str_eq(line, STR("\r\n")) ||
	    str_eq(line, STR("\n"))) {
		call->now.head_whole = true;
		trace_answer(call);
		return ERR_OK;
	}
	buf_put(&call->head_text, line);
	if (buf_failed(&call->head_text) == ERR_TOO_LARGE)
		return err_set(err, ERR_BAD_ANSWER,
		    "the header of the answer is over %zu bytes",
		    CLIENT_MAX_HEAD);
	return buf_failed(&call->head_text) ? err_nomem(err) : ERR_OK;
}

static size_t
count_lines(struct str text)
{
	size_t n = 0, i;

	for (i = 0; i < text.len; i++)
		n += text.ptr[i] == '\n';
	return n + 1;
}

/* Joins a line that begins with white space to the one before. */
static void
unfold(struct buf *text)
{
	size_t i;

	for (i = 0; i + 1 < text->len; i++) {
		if (text->ptr[i] != '\n')
			continue;
		if (text->ptr[i + 1] != ' ' && text->ptr[i + 1] != '\t')
			continue;
		text->ptr[i] = ' ';
		if (i && text->ptr[i - 1] == '\r')
			text->ptr[i - 1] = ' ';
	}
}

static enum err_code
read_fields(struct call *call, struct err *err)
{
	struct arena *a = &call->head_arena;
	struct headers *h = &call->head.fields;
	struct header *v;
	struct str text, line;

	arena_clear(a);
	unfold(&call->head_text);
	if (!arena_str(a, buf_str(&call->head_text), &text))
		return err_nomem(err);
	v = arena_array(a, count_lines(text), sizeof(*v));
	if (!v)
		return err_nomem(err);
	*h = (struct headers){ .v = v };
	while (str_cut(&text, '\n', &line)) {
		size_t colon = str_find(line, ':');

		if (line.len && line.ptr[line.len - 1] == '\r')
			line = str_head(line, line.len - 1);
		if (!colon || colon == line.len)
			continue;
		v[h->n++] = (struct header){ str_trim(str_head(line, colon)),
			str_trim(str_skip(line, colon + 1)) };
	}
	return ERR_OK;
}

/* The value of the first field of that name; empty: there is none. */
static struct str
field(const struct call *call, struct str name)
{
	const struct headers *h = &call->head.fields;
	size_t i;

	for (i = 0; i < h->n; i++)
		if (str_eq_nocase(h->v[i].name, name))
			return h->v[i].value;
	return (struct str){ 0 };
}

/* An answer that says twice how long it is is not believed (RFC 9112 s6.3). */
static enum err_code
check_framing(const struct call *call, struct err *err)
{
	const struct headers *h = &call->head.fields;
	struct str length;

	if (headers_one(h, STR("Content-Length"), &length, err))
		return err_set(err, ERR_BAD_ANSWER,
		    "the answer has two lengths (Content-Length)");
	if (length.len && headers_has(h, STR("Transfer-Encoding")))
		return err_set(err, ERR_BAD_ANSWER,
		    "the answer has both a Content-Length and a "
		    "Transfer-Encoding");
	return ERR_OK;
}

static bool
may_redirect(const struct call *call)
{
	static const char *const methods[] = { "GET", "HEAD", "OPTIONS",
		"PROPFIND", "REPORT" };
	unsigned status = call->now.status;
	bool reads = str_eq(str_from_c(call->method), STR("GET")) ||
	    str_eq(str_from_c(call->method), STR("HEAD"));
	size_t i;

	if (status != 301 && status != 302 && status != 307 && status != 308 &&
	    !(status == 303 && reads))
		return false;
	if (call->redirects >= CLIENT_REDIRECTS)
		return false;
	for (i = 0; i < ARRAY_LEN(methods); i++)
		if (!strcmp(call->method, methods[i]))
			return true;
	return false;
}

/*
 * Whether a redirect may lead there: to another origin only without
 * credentials, and never from https to http.
 */
static bool
may_leave(const struct call *call, const struct server_origin *to)
{
	const struct client_options *o = &call->client->o;

	if (to == call->origin)
		return true;
	if (str_starts(str_from_c(call->origin->key), STR("https:")) &&
	    !str_starts(str_from_c(to->key), STR("https:")))
		return false;
	return !o->user && !o->token && !o->cert && !call->secrets;
}

static enum err_code
judge_redirect(struct call *call, struct err *err)
{
	struct str location = field(call, STR("Location"));
	struct server_origin *to;
	struct url base;
	struct str url, copy;
	enum err_code rc = url_parse(str_from_c(call->url), &base, NULL);

	if (!rc)
		rc = url_resolve(&call->a, &base, location, &url, NULL);
	if (!rc && !arena_str(&call->a, url, &copy))
		rc = ERR_NOMEM;
	if (!rc)
		rc = server_origin_find(call->client, copy.ptr, &to, NULL);
	if (rc == ERR_NOMEM)
		return err_nomem(err);
	if (rc || !may_leave(call, to))
		return ERR_OK; /* then the redirect is the answer */
	call->target = copy.ptr;
	call->now.use = USE_REDIRECT;
	return ERR_OK;
}

/* Whether a challenge of that scheme is among those of the answer. */
static bool
challenges_with(const struct call *call, struct str scheme)
{
	const struct headers *h = &call->head.fields;
	struct str rest, one;
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (!str_eq_nocase(h->v[i].name, STR("WWW-Authenticate")))
			continue;
		for (rest = h->v[i].value; scan_member(&rest, &one);)
			if (str_starts_nocase(one, scheme))
				return true;
	}
	return false;
}

static void
judge_login(struct call *call)
{
	struct server_origin *o = call->origin;
	const struct client_options *opts = &call->client->o;

	if (opts->token || call->logged_in || o->rejected)
		return;
	o->basic = challenges_with(call, STR("Basic")) &&
	    !challenges_with(call, STR("Digest"));
	if (o->has_password || (o->user.len && !o->asked && opts->password)) {
		call->now.use = USE_LOGIN;
	} else if (challenges_with(call, STR("Negotiate"))) {
		o->negotiates = true;
		call->now.use = USE_LOGIN;
	}
}

static void
judge_repeat(struct call *call)
{
	const struct str method = str_from_c(call->method);
	const bool lost = call->now.status == 502 || call->now.status == 504;

	if (retry_advise(call->now.status, method, call->idempotent) !=
	    RETRY_LATER)
		return;
	if (!call->idempotent || call->attempts >= call->client->o.attempts)
		return;
	if ((lost && call->once) || call->now.retry_after > RETRY_CAP)
		return;
	call->now.use = USE_REPEAT;
}

enum err_code
answer_judge(struct call *call, struct err *err)
{
	enum err_code rc = read_fields(call, err);

	if (!rc)
		rc = check_framing(call, err);
	if (rc)
		return rc;
	call->now.use = USE_DELIVER;
	call->now.retry_after = -1;
	(void)!retry_after_parse(field(call, STR("Retry-After")), clock_now(),
	    &call->now.retry_after);
	if (may_redirect(call))
		return judge_redirect(call, err);
	if (call->now.status == 401)
		judge_login(call);
	else
		judge_repeat(call);
	return ERR_OK;
}

enum err_code
answer_deliver(struct call *call, struct err *err)
{
	struct answer_head *h = &call->head;

	if (call->now.delivered)
		return ERR_OK;
	call->now.delivered = true;
	h->status = call->now.status;
	h->method = str_from_c(call->method);
	h->url = str_from_c(call->url);
	h->content_type = field(call, STR("Content-Type"));
	if (!call->events->head)
		return ERR_OK;
	return call->events->head(call->arg, h, err);
}
