/* SPDX-License-Identifier: MIT */
/* `sheaf lint`: checks answers in files, from standard input, and of URLs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/commands.h"
#include "cmd/lint_print.h"
#include "cmd/options.h"
#include "cmd/session.h"
#include "cmd/text.h"
#include "http/scan.h"
#include "http/status.h"
#include "wire/lint_request.h"

/* The longest bulk request (--request) that is read. */
#define REQUEST_MAX ((size_t)256 * 1024 * 1024)

struct linting {
	const struct options *o;
	struct lint_printer print;
	struct arena a; /* of the operations */
	const struct lint_operation *operations;
	size_t n_operations;
	/* The input in hand. */
	struct lint_source from;
	struct buf answer; /* from.answer's text */
	struct lint *lint; /* of the answer in hand; NULL: it is no 207 */
	bool in_head; /* the head of a response in a file is being read */
	uint64_t head_lines; /* lines of that head so far */
	size_t line_len; /* bytes of the line that has not ended */
	/* Of all inputs. */
	struct lint_totals totals;
	bool cannot; /* an input cannot be read */
	bool no_207; /* an answer is no 207, though it was said to be one */
	bool refused; /* a URL answers 401, 403 or 407 */
	bool failed; /* a URL answers with another failing status */
	bool unreachable; /* a URL does not answer */
};

static const char *
name_of(const struct linting *l)
{
	return l->from.file.len ? l->from.file.ptr : "standard input";
}

/* Says something of the input on stderr; control characters as numbers. */
static void
say(const struct linting *l, struct str what)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	text_put_plain(&b, str_from_c(name_of(l)));
	BUF_LIT(&b, ": ");
	text_put_plain(&b, what);
	(void)fprintf(stderr, "sheaf: %.*s\n", STR_ARG(buf_str(&b)));
}

static void
complain(const struct linting *l, const char *what)
{
	say(l, str_from_c(what));
}

static void
complain_err(const struct linting *l, const struct err *err)
{
	const char *why = err->tell[0] ? err->tell : err->why;

	complain(l, *why ? why : err_text(err->code));
}

/* ---- an answer */

static void
on_found(void *arg, const struct lint_finding *f)
{
	struct linting *l = arg;

	lint_print(&l->print, &l->from, f);
}

/* Whether to check the answer: one with a failing status is no 207 at all. */
static bool
is_checked(struct linting *l, const struct answer_head *h)
{
	struct str reason = status_reason(h->status);
	char said[128];

	if (!h->status || (h->status >= 200 && h->status < 300))
		return true;
	(void)snprintf(said, sizeof(said), "the answer is %u %.*s, and no 207",
	    h->status, STR_ARG(reason));
	complain(l, said);
	if (!l->from.is_url)
		l->no_207 = true;
	else if (h->status == 401 || h->status == 403 || h->status == 407)
		l->refused = true;
	else
		l->failed = true;
	return false;
}

/* Finds what to call the answer, of which an archive has many. */
static void
name_answer(struct linting *l, const struct answer_head *h)
{
	buf_clear(&l->answer);
	if (h->method.len && h->url.len && !l->from.is_url)
		buf_printf(&l->answer, "%.*s %.*s", STR_ARG(h->method),
		    STR_ARG(h->url));
	l->from.answer = l->answer.len ? buf_str(&l->answer) : STR("");
}

static enum err_code
on_begin(void *arg, const struct answer_head *h, struct err *err)
{
	struct linting *l = arg;
	struct lint_spec spec = { .head = h,
		.method = str_from_c(l->o->method),
		.url = str_from_c(l->o->url),
		.operations = l->operations,
		.n_operations = l->n_operations,
		.per_rule = lint_print_limit(&l->print),
		.found = on_found,
		.arg = l };

	if (l->from.is_url) {
		spec.url = l->from.file;
		if (!spec.method.len)
			spec.method = STR("PROPFIND");
	}
	name_answer(l, h);
	l->in_head = false;
	l->from.line = l->head_lines;
	if (!is_checked(l, h))
		return ERR_OK;
	return lint_new(&spec, &l->lint, err);
}

static enum err_code
on_body(void *arg, struct str bytes, struct err *err)
{
	struct linting *l = arg;
	enum err_code rc = ERR_OK;

	if (l->lint)
		rc = ostream_write(lint_stream(l->lint), bytes);
	return rc ? err_nomem(err) : ERR_OK;
}

static void
add_report(struct linting *l, const struct lint_report *r)
{
	l->totals.answers++;
	l->totals.items += r->items;
	l->totals.errors += r->errors;
	l->totals.warnings += r->warnings;
	lint_print_report(&l->print, &l->from, r, lint_print_limit(&l->print));
	if (r->err.code) {
		complain_err(l, &r->err);
		l->cannot = true;
	}
	if (r->once_gave_up)
		complain(l,
		    "there are too many hrefs or ids to see whether each "
		    "stands once");
}

static enum err_code
on_end(void *arg, bool cut, struct err *err)
{
	struct linting *l = arg;
	struct lint_report r;
	enum err_code rc;

	if (!l->lint)
		return ERR_OK;
	rc = lint_end(l->lint, cut, &r, err);
	lint_free(l->lint);
	l->lint = NULL;
	if (!rc)
		add_report(l, &r);
	return rc;
}

static const struct saved_events saved_events = {
	.begin = on_begin,
	.body = on_body,
	.end = on_end,
};

/* ---- files */

/*
 * Hands a head on line by line, to know in which line of the file the body
 * begins: on_begin() is called at the empty line, or behind it.
 */
static void
feed_piece(struct linting *l, struct ostream *to, struct str bytes)
{
	while (l->in_head && bytes.len) {
		size_t end = str_find(bytes, '\n');
		bool ends = end < bytes.len;
		bool empty = ends && l->line_len + end <= 1; /* or CR alone */

		l->head_lines += empty;
		(void)ostream_write(to, str_head(bytes, end + 1));
		l->head_lines += ends && !empty;
		l->line_len = ends ? 0 : l->line_len + end;
		bytes = str_skip(bytes, end + 1);
	}
	/* A failure sticks; saved_end() gives it. */
	(void)ostream_write(to, bytes);
}

static enum err_code
feed(struct linting *l, int fd, struct ostream *to, struct err *err)
{
	bool first = true;
	char piece[4096];

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, "cannot be read");
		if (!n)
			return ERR_OK;
		if (first)
			l->in_head = n >= 5 && !memcmp(piece, "HTTP/", 5);
		first = false;
		feed_piece(l, to, str_of(piece, (size_t)n));
	}
}

static enum err_code
check_fd(struct linting *l, int fd, struct err *err)
{
	struct saved *s;
	enum err_code rc = saved_new(&saved_events, l, &s, err);

	if (rc)
		return rc;
	rc = feed(l, fd, saved_stream(s), err);
	if (!rc)
		rc = saved_end(s, err);
	saved_free(s);
	lint_free(l->lint);
	l->lint = NULL;
	return rc;
}

static void
check_file(struct linting *l, const char *name)
{
	bool is_stdin = !strcmp(name, "-");
	int fd CLEANUP(fd_close) = -1;
	struct err err = { 0 };
	enum err_code rc;

	l->from = (struct lint_source){ 0 };
	l->head_lines = 0;
	l->line_len = 0;
	if (!is_stdin) {
		l->from.file = str_from_c(name);
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			complain(l, strerror(errno));
			l->cannot = true;
			return;
		}
	}
	rc = check_fd(l, is_stdin ? STDIN_FILENO : fd, &err);
	if (!rc)
		return;
	complain_err(l, &err);
	if (rc == ERR_BAD_ANSWER)
		l->no_207 = true;
	else
		l->cannot = true;
}

/* ---- URLs */

static void
on_done(void *arg, const struct call_end *e)
{
	struct linting *l = arg;
	struct err err = { 0 };

	if (l->lint && (!e->rc || e->rc == ERR_CUT_SHORT)) {
		if (on_end(l, e->rc != ERR_OK, &err)) {
			complain_err(l, &err);
			l->cannot = true;
		}
		return;
	}
	if (!e->rc)
		return;
	complain_err(l, &e->err);
	if (e->rc == ERR_UNREACHABLE)
		l->unreachable = true;
	else
		l->cannot = true;
}

static const struct call_events call_events = {
	.head = on_begin,
	.body = on_body,
	.done = on_done,
};

static void
ask(struct linting *l, struct session *s, struct str url)
{
	const char *depth = l->o->depth ? l->o->depth : "1";
	const struct header fields[] = {
		{ STR("Depth"),
		    strcmp(depth, "inf") != 0 ? str_from_c(depth)
					      : STR("infinity") },
	};
	const struct call_spec spec = {
		.method = l->o->method ? l->o->method : "PROPFIND",
		.url = url,
		.fields = fields,
		.n_fields = ARRAY_LEN(fields),
		.events = &call_events,
		.arg = l,
	};
	struct err err = { 0 };

	l->from = (struct lint_source){ .file = url, .is_url = true };
	l->head_lines = 0;
	if (client_call(s->client, &spec, &err)) {
		complain_err(l, &err);
		l->cannot = true;
		return;
	}
	client_run(s->client, NULL);
	lint_free(l->lint);
	l->lint = NULL;
}

/* ---- arguments */

static int
wrong(const char *what, const char *arg)
{
	(void)fprintf(
	    stderr, "sheaf: %s '%s'; see 'sheaf help lint'\n", what, arg);
	return EXIT_USAGE;
}

/* Whether a URL may be asked with this method: it changes nothing. */
static bool
is_safe(const char *method)
{
	static const char *const safe[] = { "GET", "HEAD", "OPTIONS",
		"PROPFIND", "REPORT", "SEARCH" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(safe); i++)
		if (!strcmp(method, safe[i]))
			return true;
	return false;
}

static int
read_request(struct linting *l, const char *name)
{
	struct buf bytes CLEANUP(buf_done) = { .max = REQUEST_MAX };
	struct err err = { 0 };

	if (!file_read(name, &bytes, &err) &&
	    !lint_request_read(
		&l->a, buf_str(&bytes), &l->operations, &l->n_operations, &err))
		return EXIT_OK;
	l->from = (struct lint_source){ .file = str_from_c(name) };
	complain_err(l, &err);
	return EXIT_CANNOT;
}

static size_t
find_urls(const struct options *o, const char **urls)
{
	size_t i, n = 0;

	for (i = 0; i < o->n_operands; i++)
		if (session_is_url(o->operands[i]))
			urls[n++] = o->operands[i];
	return n;
}

static int
check_args(const struct options *o, size_t n_urls)
{
	if (o->method && !scan_is_token(str_from_c(o->method)))
		return wrong("this is no method:", o->method);
	if (o->method && n_urls && !is_safe(o->method))
		return wrong("a URL is not asked with a method that may change "
			     "something:",
		    o->method);
	return EXIT_OK;
}

/* ---- the end */

static void
say_totals(const struct linting *l)
{
	const struct lint_totals *t = &l->totals;

	if (!t->answers)
		return;
	(void)fprintf(stderr,
	    "sheaf: %llu error%s and %llu warning%s in %llu answer%s (%llu "
	    "item%s)\n",
	    (unsigned long long)t->errors, t->errors == 1 ? "" : "s",
	    (unsigned long long)t->warnings, t->warnings == 1 ? "" : "s",
	    (unsigned long long)t->answers, t->answers == 1 ? "" : "s",
	    (unsigned long long)t->items, t->items == 1 ? "" : "s");
}

/* docs/design/exit-codes.md */
static int
exit_code(const struct linting *l)
{
	if (l->cannot || l->print.broken)
		return EXIT_CANNOT;
	if (l->totals.errors || l->no_207)
		return EXIT_PROTOCOL;
	if (l->refused && !l->failed && !l->unreachable && !l->totals.answers)
		return EXIT_ACCESS;
	if (l->unreachable && !l->failed && !l->refused && !l->totals.answers)
		return EXIT_UNREACHABLE;
	if (!l->failed && !l->refused && !l->unreachable)
		return EXIT_OK;
	return l->totals.answers ? EXIT_SOME_FAILED : EXIT_ALL_FAILED;
}

static void
check_all(struct linting *l, struct session *s)
{
	const struct options *o = l->o;
	size_t i, url = 0;

	if (!o->n_operands)
		check_file(l, "-");
	for (i = 0; i < o->n_operands; i++) {
		if (session_is_url(o->operands[i]) && url < s->n_urls)
			ask(l, s, s->urls[url++]);
		else
			check_file(l, o->operands[i]);
	}
}

static int
run(struct linting *l, const char **urls)
{
	struct session s CLEANUP(session_done) = { 0 };
	size_t n_urls = find_urls(l->o, urls);
	int code = check_args(l->o, n_urls);

	if (!lint_print_begin(&l->print, l->o->format))
		return wrong("there is no format", l->o->format);
	if (code == EXIT_OK && l->o->request)
		code = read_request(l, l->o->request);
	if (code == EXIT_OK && n_urls &&
	    !session_begin(&s, l->o, NULL, urls, n_urls, &code))
		return code;
	if (code != EXIT_OK)
		return code;
	check_all(l, &s);
	lint_print_end(&l->print, &l->totals, !l->cannot && !l->unreachable);
	say_totals(l);
	return exit_code(l);
}

int
cmd_lint(const char *const *args)
{
	struct options o = { 0 };
	struct linting l = { .o = &o };
	const char **urls;
	int code = EXIT_OK;

	if (!options_begin("lint", args, &o, &code))
		return code;
	if (!options_sources(&o, "lint")) {
		options_done(&o);
		return EXIT_USAGE;
	}
	urls = arena_array(&l.a, o.n_operands + 1, sizeof(*urls));
	code = urls ? run(&l, urls) : EXIT_CANNOT;
	buf_done(&l.print.out);
	buf_done(&l.answer);
	arena_done(&l.a);
	options_done(&o);
	return code;
}
