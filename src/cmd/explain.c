/* SPDX-License-Identifier: MIT */
/*
 * `sheaf explain`: reads a 207 that somebody else wrote (a file, standard
 * input, or what a URL answers) and says what became of what.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/explain_impl.h"
#include "cmd/session.h"
#include "cmd/text.h"
#include "wire/dav_request.h"
#include "wire/error_read.h"

/* So many bytes are kept of a body, for what is no 207. */
#define BODY_KEPT 65536

/* One run of the command. */
struct explaining {
	struct options o;
	const char *source; /* the one that is read */
	struct exit_facts facts;
	struct explain_out out;
	struct buf text;
	/* The answer that is read. */
	bool begun;
	struct findings found;
	struct reader *reader; /* NULL: it is not read as a 207 */
	struct answer_seen seen;
	struct buf method, url, type, body, op;
	uint64_t answers; /* of this source */
};

static void
complain(const char *source, const struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	text_put_plain(&b, str_from_c(source));
	BUF_LIT(&b, ": ");
	text_put_plain(&b,
	    str_from_c(*err->tell ? err->tell
		    : *err->why   ? err->why
				  : err_text(err->code)));
	(void)fprintf(stderr, "sheaf: %.*s\n", STR_ARG(buf_str(&b)));
}

static enum err_code
flush(void *arg)
{
	struct explaining *x = arg;

	if (print_out(&x->text) == EXIT_OK)
		return ERR_OK;
	x->facts.cannot = true;
	return ERR_CLIENT_GONE;
}

/* ---- one answer */

static void
answer_done(struct explaining *x)
{
	reader_free(x->reader);
	x->reader = NULL;
	findings_done(&x->found);
	x->found = (struct findings){ 0 };
	x->begun = false;
}

/* Finds the commands' word for the method, for which there may be advice. */
static void
set_op(struct explaining *x)
{
	size_t i;

	buf_clear(&x->op);
	buf_put(&x->op, buf_str(&x->method));
	for (i = 0; i < x->op.len; i++)
		x->op.ptr[i] = ascii_lower(x->op.ptr[i]);
	buf_putc(&x->op, '\0');
}

static void
set_text(struct buf *b, struct str s, const char *instead)
{
	buf_clear(b);
	buf_put(b, s.len ? s : str_from_c(instead));
}

static int64_t
wait_of(const struct answer_head *h)
{
	struct str value;
	int64_t ns;

	if (headers_one(&h->fields, STR("Retry-After"), &value, NULL) ||
	    !retry_after_parse(value, clock_now(), &ns))
		return -1;
	return ns;
}

static enum err_code
answer_begin(void *arg, const struct answer_head *h, struct err *err)
{
	struct explaining *x = arg;
	struct reader_spec spec = { .content_type = h->content_type };
	enum err_code rc;

	set_text(&x->method, h->method, x->o.method);
	set_text(&x->url, h->url, x->o.url);
	set_text(&x->type, h->content_type, NULL);
	set_op(x);
	buf_clear(&x->body);
	if (buf_failed(&x->method) || buf_failed(&x->url) ||
	    buf_failed(&x->type) || buf_failed(&x->op))
		return err_nomem(err);
	x->seen = (struct answer_seen){ .source = x->source,
		.status = h->status,
		.wait = wait_of(h),
		.method = buf_str(&x->method),
		.url = buf_str(&x->url),
		.content_type = buf_str(&x->type) };
	x->answers++;
	x->begun = true;
	rc = findings_init(&x->found, &x->o, x->op.ptr, &x->facts, err);
	if (!rc)
		rc = reader_new(&spec, &x->found.base, &x->reader, err);
	if (x->o.json) {
		x->found.json = &x->text;
		x->found.flush = flush;
		x->found.flush_arg = x;
	}
	return rc;
}

static enum err_code
answer_body(void *arg, struct str bytes, struct err *err)
{
	struct explaining *x = arg;

	if (x->body.len < BODY_KEPT)
		buf_put(&x->body, str_head(bytes, BODY_KEPT - x->body.len));
	(void)ostream_write(reader_stream(x->reader), bytes);
	if (x->found.base.failed)
		return err_set(err, x->found.base.failed, "%s",
		    err_text(x->found.base.failed));
	return buf_failed(&x->body) ? err_nomem(err) : ERR_OK;
}

/* Counts an answer that is no 207, by its status. */
static void
add_single(struct explaining *x)
{
	unsigned s = x->seen.status;
	bool denied = s == 401 || s == 403 || s == 407;

	if (s == 202)
		exit_add(&x->facts, FATE_UNKNOWN, BLAME_CUT);
	else if (s >= 200 && s < 300)
		exit_add(&x->facts, FATE_DONE, BLAME_NONE);
	else
		exit_add(&x->facts, FATE_FAILED,
		    denied ? BLAME_ACCESS : BLAME_STATUS);
}

/*
 * Whether a 207 lacks what it has to mention: its target; only a report or a
 * search may find nothing.
 */
static bool
mentions_nothing(const struct explaining *x)
{
	return !x->found.total && !x->seen.reading.end &&
	    !str_eq(x->seen.method, STR("REPORT")) &&
	    !str_eq(x->seen.method, STR("SEARCH"));
}

/* Counts what is wrong with the answer as a whole. */
static void
add_reading(struct explaining *x)
{
	const struct reading *r = &x->seen.reading;

	x->seen.empty = mentions_nothing(x);
	if (x->seen.empty)
		exit_add(&x->facts, FATE_UNKNOWN, BLAME_CUT);

	if (r->end == ERR_CUT_SHORT || (!r->end && r->contradicts))
		exit_add(&x->facts, FATE_UNKNOWN, BLAME_CUT);
	else if (r->end)
		exit_add(&x->facts, FATE_UNKNOWN, BLAME_PROTOCOL);
}

static bool
body_is_error(struct explaining *x)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct error_read e;

	return !error_read(
		   &a, x->seen.content_type, buf_str(&x->body), &e, NULL) &&
	    (e.condition.local.len || e.sentence.len || e.problem_type.len);
}

/*
 * Whether it is a 207, or looks like one: bulk APIs answer with 200, or with
 * 422 where nothing was applied.  A failure whose body is malformed is none.
 */
static bool
is_multistatus(struct explaining *x)
{
	const struct reading *r = &x->seen.reading;

	if (x->seen.status == 207)
		return true;
	if (x->found.total ||
	    (!r->end && r->shape != SHAPE_UNKNOWN && x->seen.status < 300))
		return true;
	return !x->seen.status && !body_is_error(x);
}

static enum err_code
answer_end(void *arg, bool cut, struct err *err)
{
	struct explaining *x = arg;
	enum err_code rc = reader_end(x->reader, cut, &x->seen.reading, err);
	bool multistatus;

	if (rc)
		return rc;
	x->seen.body = buf_str(&x->body);
	multistatus = is_multistatus(x);
	if (multistatus)
		add_reading(x);
	else
		add_single(x);
	if (x->o.json)
		explain_json_answer(&x->text, &x->found, &x->seen, multistatus);
	if (x->o.json)
		rc = flush(x);
	else if (multistatus)
		rc = explain_multistatus(&x->out, &x->found, &x->seen);
	else
		rc = explain_single(&x->out, &x->found, &x->seen);
	answer_done(x);
	return rc && err ? err_set(err, rc, "%s", err_text(rc)) : rc;
}

/* ---- from a file */

static void
explain_file(struct explaining *x, const char *name)
{
	static const struct saved_events events = { answer_begin, answer_body,
		answer_end };
	int fd CLEANUP(fd_close) = -1;
	struct saved *s = NULL;
	struct err err = { 0 };
	enum err_code rc;

	fd = strcmp(name, "-") != 0 ? open(name, O_RDONLY | O_CLOEXEC)
				    : dup(STDIN_FILENO);
	if (fd < 0)
		rc = err_os(&err, "cannot read it");
	else
		rc = saved_new(&events, x, &s, &err);
	if (!rc)
		rc = fd_pour(fd, saved_stream(s), &err);
	if (!rc)
		rc = saved_end(s, &err);
	saved_free(s);
	if (x->begun)
		answer_done(x);
	if (!rc)
		return;
	complain(x->source, &err);
	if (rc == ERR_BAD_ANSWER)
		exit_add(&x->facts, FATE_UNKNOWN, BLAME_PROTOCOL);
	else
		x->facts.cannot = true;
}

/* ---- from a URL */

struct asking {
	struct explaining *x;
	struct str url;
	struct buf method;
};

static enum err_code
url_head(void *arg, const struct answer_head *h, struct err *err)
{
	struct asking *a = arg;
	struct answer_head with = *h;

	with.method = buf_str(&a->method);
	with.url = a->url;
	return answer_begin(a->x, &with, err);
}

static enum err_code
url_body(void *arg, struct str bytes, struct err *err)
{
	struct asking *a = arg;

	return answer_body(a->x, bytes, err);
}

static void
url_done(void *arg, const struct call_end *e)
{
	struct asking *a = arg;
	struct explaining *x = a->x;
	struct err err = e->err;
	enum err_code rc = e->rc;

	if (x->begun && (!rc || rc == ERR_CUT_SHORT))
		rc = answer_end(x, rc != ERR_OK, &err);
	if (x->begun)
		answer_done(x);
	if (!rc)
		return;
	complain(x->source, &err);
	if (rc == ERR_NOMEM || rc == ERR_CLIENT_GONE)
		x->facts.cannot = true;
	else
		exit_add(&x->facts,
		    rc == ERR_UNREACHABLE ? FATE_FAILED : FATE_UNKNOWN,
		    rc == ERR_UNREACHABLE      ? BLAME_UNREACHABLE
			: rc == ERR_BAD_ANSWER ? BLAME_PROTOCOL
					       : BLAME_CUT);
}

static bool
is_safe(const char *method)
{
	static const char *const safe[] = { "GET", "HEAD", "OPTIONS",
		"PROPFIND" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(safe); i++)
		if (!strcmp(safe[i], method))
			return true;
	return false;
}

static const char *
depth_value(const struct options *o)
{
	if (!o->depth)
		return "1";
	return strcmp(o->depth, "inf") != 0 ? o->depth : "infinity";
}

static enum client_stop
never(void *arg)
{
	(void)arg;
	return CLIENT_GO;
}

static void
ask(struct explaining *x, struct session *s, struct asking *a)
{
	static const struct call_events events = {
		.head = url_head, .body = url_body, .done = url_done
	};
	static const struct client_watch watch = { never, NULL };
	const char *method = x->o.method ? x->o.method : "PROPFIND";
	bool propfind = !strcmp(method, "PROPFIND");
	struct buf body CLEANUP(buf_done) = { 0 };
	const struct header fields[] = {
		{ STR("Depth"), str_from_c(depth_value(&x->o)) },
		{ STR("Content-Type"), dav_request_media_type() },
	};
	struct call_spec spec = {
		.method = method, .url = a->url, .events = &events, .arg = a
	};
	struct err err = { 0 };

	set_text(&a->method, str_from_c(method), NULL);
	if (propfind) {
		propfind_request_put(&body, true, NULL, 0);
		spec.fields = fields;
		spec.n_fields = ARRAY_LEN(fields);
		spec.body = buf_str(&body);
	}
	if (buf_failed(&body) || buf_failed(&a->method) ||
	    client_call(s->client, &spec, &err)) {
		complain(x->source, &err);
		x->facts.cannot = true;
		return;
	}
	client_run(s->client, &watch);
}

/* Whether the arguments are right. */
static bool
explain_url(struct explaining *x, const char *operand)
{
	struct session s = { 0 };
	struct asking a = { .x = x };
	int code = EXIT_OK;

	if (x->o.method && !is_safe(x->o.method)) {
		(void)fprintf(stderr,
		    "sheaf: --method %s: to look at a URL only GET, HEAD, "
		    "OPTIONS and PROPFIND are sent, which change nothing\n",
		    x->o.method);
		x->facts.usage = true;
		return false;
	}
	if (!session_begin(&s, &x->o, NULL, &operand, 1, &code)) {
		session_done(&s);
		x->facts.usage |= code == EXIT_USAGE;
		x->facts.cannot |= code != EXIT_USAGE;
		return false;
	}
	a.url = s.urls[0];
	ask(x, &s, &a);
	buf_done(&a.method);
	session_done(&s);
	return true;
}

/* ---- the command */

static void
explain_one(struct explaining *x, const char *operand)
{
	x->source = strcmp(operand, "-") != 0 ? operand : "standard input";
	x->answers = 0;
	if (!session_is_url(operand)) {
		explain_file(x, operand);
		return;
	}
	(void)explain_url(x, operand);
}

static void
explaining_done(struct explaining *x)
{
	if (x->begun)
		answer_done(x);
	buf_done(&x->text);
	buf_done(&x->method);
	buf_done(&x->url);
	buf_done(&x->type);
	buf_done(&x->body);
	buf_done(&x->op);
	options_done(&x->o);
}

int
cmd_explain(const char *const *args)
{
	struct explaining x CLEANUP(explaining_done) = { 0 };
	int code;
	size_t i;

	if (!options_begin("explain", args, &x.o, &code))
		return code;
	if (!options_sources(&x.o, "explain"))
		return EXIT_USAGE;
	x.out = (struct explain_out){ .b = &x.text,
		.colours = text_colours(STDOUT_FILENO),
		.width = text_width(STDOUT_FILENO),
		.flush = flush,
		.arg = &x };
	if (!x.o.n_operands)
		explain_one(&x, "-");
	for (i = 0; i < x.o.n_operands && !x.facts.cannot; i++) {
		if (i && !x.o.json)
			buf_putc(&x.text, '\n');
		explain_one(&x, x.o.operands[i]);
	}
	(void)!flush(&x);
	return (int)exit_code_of(&x.facts);
}
