/* SPDX-License-Identifier: MIT */
#include "cmd/trouble.h"

#include <assert.h>

#include "base/clock.h"
#include "cmd/text.h"
#include "http/status.h"
#include "outcome/conditions.h"
#include "wire/error_said.h"

struct str
op_method(const char *op)
{
	static const struct {
		const char *op, *method;
	} rows[] = { { "copy", "COPY" }, { "create", "PUT" },
		{ "delete", "DELETE" }, { "get", "GET" }, { "lock", "LOCK" },
		{ "mkcol", "MKCOL" }, { "move", "MOVE" },
		{ "propfind", "PROPFIND" }, { "proppatch", "PROPPATCH" },
		{ "put", "PUT" }, { "read", "GET" }, { "unlock", "UNLOCK" },
		{ "update", "PUT" }, { "upsert", "PUT" } };
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].op, op))
			return str_from_c(rows[i].method);
	return str_from_c(op);
}

const char *
fate_word(enum fate f)
{
	static const char *const words[FATE_COUNT] = {
		[FATE_DONE] = "done",
		[FATE_FAILED] = "failed",
		[FATE_PARTIAL] = "partial",
		[FATE_UNKNOWN] = "unknown",
		[FATE_LEFT] = "left",
	};

	assert(f < FATE_COUNT);
	return words[f];
}

const char *
advice_word(enum retry_advice a)
{
	static const char *const words[RETRY_ADVICE_COUNT] = {
		[RETRY_NONE] = "none",
		[RETRY_LATER] = "later",
		[RETRY_WHEN_FREED] = "when-freed",
		[RETRY_WITH_CAUSE] = "with-cause",
		[RETRY_AFTER_CHANGE] = "after-change",
		[RETRY_NEVER] = "never",
		[RETRY_LOOK_FIRST] = "look-first",
	};

	assert(a < RETRY_ADVICE_COUNT);
	return words[a];
}

struct trouble
trouble_of(const char *op, const struct outcome *o)
{
	struct trouble p = { .op = op,
		.fate = o->status ? FATE_FAILED : FATE_UNKNOWN,
		.blame = o->status ? BLAME_STATUS : BLAME_PROTOCOL,
		.status = o->status,
		.wait = -1,
		.text = o->tell };
	size_t i;

	if (o->told) {
		p.error = o->told->error;
		if (!retry_after_parse(
			o->told->retry_after, clock_now(), &p.wait))
			p.wait = -1;
	}
	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		if (ps->status < 300 || p.error.len)
			continue;
		p.error = ps->error;
		if (!p.text.len)
			p.text = ps->tell;
	}
	return p;
}

static enum retry_advice
advice_of(const struct trouble *p)
{
	if (p->fate == FATE_DONE)
		return RETRY_NONE;
	if (p->fate == FATE_UNKNOWN)
		return RETRY_LOOK_FIRST;
	if (p->fate == FATE_LEFT)
		return RETRY_WITH_CAUSE;
	if (p->blame == BLAME_UNREACHABLE || p->blame == BLAME_INTERRUPT)
		return RETRY_LATER;
	if (!p->status)
		return RETRY_AFTER_CHANGE;
	return retry_advise(p->status, op_method(p->op), false);
}

/* ---- what happened */

/* "; " between two clauses, ": " behind the status. */
static void
next_clause(struct buf *b, size_t start, bool *first)
{
	if (b->len > start)
		buf_put(b, *first ? STR(": ") : STR("; "));
	*first = false;
}

static void
put_said(struct buf *b, const struct error_said *said)
{
	const struct condition *c = condition_find(said->name);

	if (c) {
		buf_put(b, str_from_c(c->means));
	} else if (said->text.len) {
		text_put_plain(b, said->text);
	} else {
		BUF_LIT(b, "the server says {");
		text_put_plain(b, said->name.ns);
		BUF_LIT(b, "}");
		text_put_plain(b, said->name.local);
	}
	if (said->href.len) {
		BUF_LIT(b, " (");
		text_put_plain(b, said->href);
		BUF_LIT(b, ")");
	}
}

static bool
says_status(struct str text, unsigned status)
{
	struct str reason = status_reason(status);

	return str_eq_nocase(text, reason) ||
	    (text.len >= 3 && ascii_is_digit(text.ptr[0]) &&
		ascii_is_digit(text.ptr[1]) && ascii_is_digit(text.ptr[2]));
}

static bool
begins_with_status(struct str text)
{
	return text.len >= 3 && ascii_is_digit(text.ptr[0]) &&
	    ascii_is_digit(text.ptr[1]) && ascii_is_digit(text.ptr[2]);
}

void
trouble_put_what(struct buf *b, struct arena *a, const struct trouble *p)
{
	struct error_said said[ERROR_SAID_MAX];
	size_t i, n = 0, start = b->len;
	bool first = true;

	if (p->error.len)
		(void)!error_said_read(a, p->error, said, &n, NULL);
	if (p->status && !begins_with_status(p->text)) {
		buf_printf(b, "%u ", p->status);
		buf_put(b, status_reason(p->status));
	} else if (begins_with_status(p->text)) {
		text_put_plain(b, p->text);
	}
	if (p->text.len && !says_status(p->text, p->status)) {
		next_clause(b, start, &first);
		text_put_plain(b, p->text);
	}
	for (i = 0; i < n; i++) {
		/* SabreDAV's class names tell nobody anything. */
		if (str_eq(said[i].name.local, STR("exception")))
			continue;
		next_clause(b, start, &first);
		put_said(b, &said[i]);
	}
	if (b->len == start)
		BUF_LIT(b, "no reason was given");
}

/* The first condition's name, as "{DAV:}lock-token-submitted", or nothing. */
static void
put_condition(struct buf *b, struct arena *a, const struct trouble *p)
{
	struct error_said said[ERROR_SAID_MAX];
	size_t n = 0;

	if (!p->error.len)
		return;
	(void)!error_said_read(a, p->error, said, &n, NULL);
	if (!n)
		return;
	buf_putc(b, '{');
	buf_put(b, said[0].name.ns);
	buf_putc(b, '}');
	buf_put(b, said[0].name.local);
}

/* ---- what to do next */

static const char *
todo_of_status(const char *op, unsigned status)
{
	static const struct {
		const char *op;
		unsigned status;
		const char *text;
	} rows[] = {
#define TODO(op, status, text) { op, status, text },
#include "cmd/todo.def"
#undef TODO
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status &&
		    (!*rows[i].op || !strcmp(rows[i].op, op)))
			return rows[i].text;
	return NULL;
}

static const char *
todo_of_blame(enum blame blame)
{
	static const char *const texts[BLAME_COUNT] = {
		[BLAME_PROTOCOL] =
		    "look at what is there (sheaf ls) before you do it again; "
		    "sheaf lint shows what is wrong with the answer",
		[BLAME_CUT] = "look at what is there (sheaf ls), or let sheaf "
			      "retry do so",
		[BLAME_UNREACHABLE] =
		    "check the name and the port, and whether the server is up",
		[BLAME_DIGEST] =
		    "transfer it again; if it fails again the copy on the "
		    "server is damaged",
	};

	assert(blame < BLAME_COUNT);
	return texts[blame];
}

static const char *
todo_of_condition(struct arena *a, const struct trouble *p)
{
	struct error_said said[ERROR_SAID_MAX];
	size_t i, n = 0;

	if (p->error.len)
		(void)!error_said_read(a, p->error, said, &n, NULL);
	for (i = 0; i < n; i++) {
		const struct condition *c = condition_find(said[i].name);

		if (c)
			return c->todo;
	}
	return NULL;
}

static const char *
find_todo(struct arena *a, const struct trouble *p)
{
	const char *text = NULL;

	if (p->fate == FATE_FAILED || p->fate == FATE_PARTIAL)
		text = todo_of_condition(a, p);
	if (!text)
		text = todo_of_blame(p->blame);
	if (!text && p->fate == FATE_FAILED && p->status)
		text = todo_of_status(p->op, p->status);
	if (text || p->blame == BLAME_LOCAL || p->blame == BLAME_INTERRUPT ||
	    p->fate == FATE_PARTIAL)
		return text;
	return retry_advice_text(advice_of(p));
}

void
trouble_put_todo(struct buf *b, struct arena *a, const struct trouble *p)
{
	const char *text = find_todo(a, p);

	if (text)
		buf_put(b, str_from_c(text));
	if (p->wait <= 0)
		return;
	buf_put(b, text ? STR("; ") : STR(""));
	BUF_LIT(b, "the server asks to wait ");
	text_put_wait(b, p->wait);
}

void
trouble_put(struct buf *b, struct arena *a, const struct trouble *p)
{
	struct buf part CLEANUP(buf_done) = { 0 };

	trouble_put_what(&part, a, p);
	buf_put(b, buf_str(&part));
	if (part.len && !strchr(".!?", part.ptr[part.len - 1]))
		buf_putc(b, '.');
	buf_clear(&part);
	trouble_put_todo(&part, a, p);
	if (part.len)
		buf_putc(b, ' ');
	text_put_sentence(b, buf_str(&part));
	if (buf_failed(&part))
		b->failed = buf_failed(&part);
}

void
trouble_put_json(
    struct json_object *o, struct arena *a, const struct trouble *p)
{
	struct buf part CLEANUP(buf_done) = { 0 };

	trouble_put_what(&part, a, p);
	json_put_optional(o, "error", buf_str(&part));
	buf_clear(&part);
	put_condition(&part, a, p);
	json_put_optional(o, "condition", buf_str(&part));
	buf_clear(&part);
	trouble_put_todo(&part, a, p);
	json_put_optional(o, "next", buf_str(&part));
	json_put_text(o, "retry", str_from_c(advice_word(advice_of(p))));
	if (p->wait >= 0)
		json_put_number(o, "retryAfter",
		    (uint64_t)(p->wait / NSEC_PER_SEC +
			(p->wait % NSEC_PER_SEC > 0)));
	if (buf_failed(&part))
		o->b->failed = buf_failed(&part);
}
