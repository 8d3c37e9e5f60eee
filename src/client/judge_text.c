/* SPDX-License-Identifier: MIT */
/*
 * The sentence of a verdict: what was found, beside its status and DAV:error.
 * What to do next is added where it is shown (cmd/trouble.c).
 */
#include <assert.h>

#include "client/judge.h"
#include "outcome/retry.h"

/* No more bytes than this are repeated of what a server says. */
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

/* Puts it on one line, though it may have been sent as several. */
static void
put_sentence(struct buf *b, struct str s)
{
	size_t n = s.len < SENTENCE_MAX ? s.len : SENTENCE_MAX;
	size_t i;

	/* It is not cut in the middle of a character. */
	while (n && n < s.len && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
		n--;
	for (i = 0; i < n; i++)
		buf_putc(
		    b, s.ptr[i] && strchr("\t\r\n", s.ptr[i]) ? ' ' : s.ptr[i]);
	if (n < s.len)
		BUF_LIT(b, "...");
}

/* A DAV:error is put into the verdict as it is, and not repeated here. */
static void
put_whole(struct buf *b, const struct evidence *e)
{
	if (!e->said.xml.len)
		put_sentence(b, e->said.sentence);
}

static void
put_tell(struct buf *b, const struct evidence *e, struct str before)
{
	if (e->m.tell.len)
		buf_put(b, before);
	put_sentence(b, e->m.tell);
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
	put_tell(b, e, STR(": "));
}

/* The target, or what was in its way. */
static void
put_target(struct buf *b, const struct evidence *e)
{
	bool other = !e->m.target_failed || e->m.target_status != e->m.status;

	if (other) {
		BUF_LIT(b, "because of ");
		put_sentence(b, e->m.href);
	} else if (e->m.property.len) {
		put_sentence(b, e->m.property);
		other = true;
	}
	put_tell(b, e, other ? STR(": ") : STR(""));
}

/* What a listing could not show: members, or a property of the target. */
static void
put_unseen(struct buf *b, const struct evidence *e)
{
	if (e->m.by_property)
		put_target(b, e);
	else
		put_members(b, e);
}

static void
put_redirect(struct buf *b, const struct evidence *e)
{
	if (!e->location.len) {
		BUF_LIT(
		    b, "it is elsewhere, and the server does not say where");
		return;
	}
	BUF_LIT(b, "it is at ");
	put_sentence(b, e->location);
}

static void
put_failure_here(struct buf *b, const struct evidence *e)
{
	const char *why = e->err && *e->err->why ? e->err->why : NULL;

	buf_put(b, str_from_c(why ? why : err_text(e->rc)));
}

/* Adds to a sentence of the table where that is, or what. */
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
		[FOUND_UNSEEN] = put_unseen,
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

	if (f == FOUND_MEMBERS || f == FOUND_ALL_MEMBERS || f == FOUND_UNSEEN)
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
	bool member = f == FOUND_UNSEEN || f == FOUND_TARGET ||
	    f == FOUND_TARGET_ACCESS || f == FOUND_MEMBERS ||
	    f == FOUND_ALL_MEMBERS;

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
