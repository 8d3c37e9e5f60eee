/* SPDX-License-Identifier: MIT */
/* What was found, in words: what happened, to what, and what to do next. */
#include <assert.h>

#include "client/judge.h"
#include "http/status.h"
#include "outcome/conditions.h"
#include "outcome/retry.h"

/* Of what a server says, no more than this is repeated. */
#define SENTENCE_MAX ((size_t)300)

static const struct {
	enum fate fate;
	enum blame blame;
	const char *text;
} findings[FOUND_COUNT] = {
#define FINDING(name, fate, blame, text) \
	[FOUND_##name] = { FATE_##fate, BLAME_##blame, text },
#include "client/judge.def"
#undef FINDING
};

/* What to do about a status; the first that fits.  Of any method: "". */
static const struct {
	unsigned status;
	const char *method;
	const char *todo;
} advice[] = {
	{ 401, "", "log in: --user NAME, netrc, or SHEAF_TOKEN" },
	{ 403, "COPY", "the source and the destination may overlap" },
	{ 403, "MOVE", "the source and the destination may overlap" },
	{ 403, "", "ask who runs the server for access" },
	{ 404, "", "check the URL" },
	{ 405, "MKCOL", "something is there already" },
	{ 405, "PROPFIND", "this may be no WebDAV server" },
	{ 405, "", "the server does not allow it there" },
	{ 407, "", "the proxy wants a user and a password in its URL" },
	{ 409, "UNLOCK",
	    "no lock of this token is there; sheaf stat lists "
	    "the locks" },
	{ 409, "",
	    "the collection above may be missing; make it with "
	    "sheaf mkdir -p" },
	{ 412, "UNLOCK",
	    "no lock of this token is there; sheaf stat lists "
	    "the locks" },
	{ 412, "LOCK", "no lock of this token is there" },
	{ 412, "",
	    "it is there already, or has changed; look, and then give "
	    "--force or another --if-match" },
	{ 413, "", "it is larger than the server takes" },
	{ 415, "", "the server does not know this type of body" },
	{ 423, "",
	    "wait until it is unlocked, or give its token with "
	    "--lock-token" },
	{ 424, "", "see to what it waited for first" },
	{ 502, "COPY", "the server may be unable to reach the destination" },
	{ 502, "MOVE", "the server may be unable to reach the destination" },
	{ 507, "", "make room there first" },
};

static const char *
advice_for(unsigned status, struct str method)
{
	enum retry_advice a = retry_advise(status, method, false);
	size_t i;

	for (i = 0; i < ARRAY_LEN(advice); i++)
		if (advice[i].status == status &&
		    (!*advice[i].method ||
			str_eq(str_from_c(advice[i].method), method)))
			return advice[i].todo;
	if (a == RETRY_LATER || a == RETRY_WHEN_FREED)
		return retry_advice_text(a);
	return status >= 500 ? "ask who runs the server to look into its log"
			     : "";
}

/* A status, and what was said with it. */
struct saying {
	unsigned status;
	struct prop_name condition;
	struct str href; /* of what is to blame, or empty */
	struct str sentence;
};

static void
put_status(struct buf *b, unsigned status)
{
	buf_printf(b, "%u", status);
	if (status_reason(status).len) {
		buf_putc(b, ' ');
		buf_put(b, status_reason(status));
	}
}

/* One line of it, though it may have been sent as several. */
static void
put_sentence(struct buf *b, struct str s)
{
	size_t n = s.len < SENTENCE_MAX ? s.len : SENTENCE_MAX;
	size_t i;

	/* Not in the middle of a character. */
	while (n && n < s.len && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
		n--;
	for (i = 0; i < n; i++)
		buf_putc(
		    b, s.ptr[i] && strchr("\t\r\n", s.ptr[i]) ? ' ' : s.ptr[i]);
	if (n < s.len)
		BUF_LIT(b, "...");
}

/*
 * "423 Locked: a lock is in the way (http://h/a): wait".  Of a condition that
 * we know the table says it; else the server does.
 */
static void
put_saying(struct buf *b, const struct saying *s, struct str method)
{
	const struct condition *c =
	    s->condition.local.len ? condition_find(s->condition) : NULL;
	const char *todo = c ? c->todo : advice_for(s->status, method);

	put_status(b, s->status);
	if (c) {
		BUF_LIT(b, ": ");
		buf_put(b, str_from_c(c->means));
	} else if (s->sentence.len) {
		BUF_LIT(b, ": ");
		put_sentence(b, s->sentence);
	}
	if (s->condition.local.len) {
		BUF_LIT(b, " (");
		put_sentence(b, s->condition.local);
		buf_putc(b, ')');
	}
	if (s->href.len) {
		BUF_LIT(b, ", because of ");
		put_sentence(b, s->href);
	}
	if (todo && *todo) {
		BUF_LIT(b, "; ");
		buf_put(b, str_from_c(todo));
	}
}

static void
put_whole(struct buf *b, const struct evidence *e)
{
	struct saying s = {
		.status = e->status,
		.condition = e->said.condition,
		.href = e->said.href,
		.sentence = e->said.sentence,
	};

	put_saying(b, &s, e->method);
}

/* What was said of a member, or of the target by a 207. */
static void
put_member(struct buf *b, const struct evidence *e)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct mentioned *m = &e->m;
	struct error_read said = { 0 };
	struct saying s = { .status = m->status, .sentence = m->tell };

	if (m->error.len &&
	    !error_read(&a, STR("application/xml"), m->error, &said, NULL)) {
		s.condition = said.condition;
		s.href = said.href;
		if (!s.sentence.len)
			s.sentence = said.sentence;
	}
	put_saying(b, &s, e->method);
}

static void
put_members(struct buf *b, const struct evidence *e)
{
	const struct mentioned *m = &e->m;

	buf_put_u64(b, m->failed);
	buf_put(b,
	    m->failed == 1 ? STR(" member failed, ")
			   : STR(" members failed, such as "));
	put_sentence(b, m->href);
	BUF_LIT(b, ": ");
	put_member(b, e);
}

/* The target, or what was in its way. */
static void
put_target(struct buf *b, const struct evidence *e)
{
	if (!e->m.target_failed || e->m.target_status != e->m.status) {
		put_sentence(b, e->m.href);
		BUF_LIT(b, ": ");
	}
	put_member(b, e);
}

static void
put_redirect(struct buf *b, const struct evidence *e)
{
	put_status(b, e->status);
	if (!e->location.len) {
		BUF_LIT(b,
		    ": it is elsewhere, and the server does not say "
		    "where");
		return;
	}
	BUF_LIT(b, ": use ");
	put_sentence(b, e->location);
}

static void
put_failure_here(struct buf *b, const struct evidence *e)
{
	const char *why = e->err && *e->err->why ? e->err->why : NULL;

	buf_put(b, str_from_c(why ? why : err_text(e->rc)));
}

/* Behind a sentence of the table: where, or what. */
static void
put_detail(struct buf *b, const struct evidence *e, enum finding f)
{
	struct str detail = { 0 };

	if (f == FOUND_FOREIGN || f == FOUND_UNREAD)
		detail = e->m.odd;
	else if (f == FOUND_UNASKED)
		detail = e->m.unasked;
	else if (e->was_read && (f == FOUND_CUT || f == FOUND_MALFORMED))
		detail = str_from_c(e->reading.err.tell);
	else if (f == FOUND_CUT || f == FOUND_NO_ANSWER || f == FOUND_MALFORMED)
		detail = str_from_c(e->err ? e->err->why : NULL);
	else if (f == FOUND_NO_LAST_WORD || f == FOUND_AFTER_LOST) {
		BUF_LIT(b, ": ");
		put_status(b, e->status);
	}
	if (!detail.len)
		return;
	BUF_LIT(b, ": ");
	put_sentence(b, detail);
}

static void
put_text(struct buf *b, const struct evidence *e, enum finding f)
{
	static void (*const composed[FOUND_COUNT])(
	    struct buf * b, const struct evidence *e) = {
		[FOUND_STATUS] = put_whole,
		[FOUND_ACCESS] = put_whole,
		[FOUND_REDIRECT] = put_redirect,
		[FOUND_TARGET] = put_target,
		[FOUND_TARGET_ACCESS] = put_target,
		[FOUND_ALL_MEMBERS] = put_members,
		[FOUND_MEMBERS] = put_members,
		[FOUND_UNREACHABLE] = put_failure_here,
		[FOUND_LOCAL] = put_failure_here,
		[FOUND_NOT_SENT] = put_failure_here,
	};

	if (composed[f]) {
		composed[f](b, e);
		return;
	}
	buf_put(b, str_from_c(findings[f].text));
	put_detail(b, e, f);
}

static bool
is_retryable(const struct evidence *e, const struct verdict *v, enum finding f)
{
	enum retry_advice a = retry_advise(v->status, e->method, false);

	if (f == FOUND_MEMBERS || f == FOUND_ALL_MEMBERS)
		return e->m.retryable;
	if (v->fate == FATE_LEFT || v->blame == BLAME_UNREACHABLE)
		return true;
	if (v->fate == FATE_UNKNOWN)
		return v->blame == BLAME_CUT &&
		    (method_rules(e->method) & RULE_SAFE);
	return v->fate == FATE_FAILED && v->blame == BLAME_STATUS &&
	    (a == RETRY_LATER || a == RETRY_WHEN_FREED);
}

void
judge(const struct evidence *e, struct buf *text, struct verdict *v)
{
	enum finding f = judge_find(e);
	bool member = f == FOUND_TARGET || f == FOUND_TARGET_ACCESS ||
	    f == FOUND_MEMBERS || f == FOUND_ALL_MEMBERS;

	assert(f < FOUND_COUNT);
	*v = (struct verdict){
		.fate = findings[f].fate,
		.blame = findings[f].blame,
		.status = member ? e->m.status : e->status,
		.wait = member && e->m.wait > e->wait ? e->m.wait : e->wait,
		.error = member ? e->m.error : e->said.xml,
	};
	if (v->fate == FATE_DONE)
		v->etag = e->etag;
	v->retryable = is_retryable(e, v, f);
	put_text(text, e, f);
	if (!buf_failed(text))
		v->text = buf_str(text);
}
