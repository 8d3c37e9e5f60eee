/* SPDX-License-Identifier: MIT */
/*
 * DAV:multistatus (RFC 4918 s13): a response for each operation, and for each
 * member that there is something to say of.  What the form has no element for
 * stands in elements of our namespace, as in what was told (wire/told.h).
 */
#include "http/href.h"
#include "wire/base64.h"
#include "wire/escape.h"
#include "wire/results_impl.h"
#include "wire/told.h"

/* <D:error>, with its namespace, for it stands on its own. */
static void
put_error(struct results *r, struct buf *b, const struct outcome *o)
{
	const struct cause cause = multistatus_cause(r->m, o);

	if (!err_condition(o->why))
		return;
	BUF_LIT(b, "<D:error xmlns:D=\"DAV:\">");
	condition_put(b, o->why, &cause);
	BUF_LIT(b, "</D:error>");
}

/* "NOT_FOUND" as "urn:sheaf:problem:not-found" */
static void
put_type(struct buf *b, enum err_code why)
{
	const char *name = err_name(why);

	BUF_LIT(b, "urn:sheaf:problem:");
	for (; *name; name++)
		buf_putc(b, *name == '_' ? '-' : ascii_lower(*name));
}

/* Where in r->text the strings of a struct told begin; end: of the last. */
struct pieces {
	size_t href, error, type, wait, more, end;
};

static struct str
piece(const struct buf *b, size_t from, size_t to)
{
	return str_of(b->ptr + from, to - from);
}

/* An element of our own, which needs no prefix. */
static void
put_ours(struct buf *b, const char *name, struct str text)
{
	buf_printf(b, "<%s xmlns=\"urn:sheaf:\">", name);
	xml_put_text(b, text);
	buf_printf(b, "</%s>", name);
}

static void
put_flag(struct buf *b, const char *name, bool is)
{
	if (is)
		buf_printf(b, "<%s xmlns=\"urn:sheaf:\"/>", name);
}

static void
put_count(struct buf *b, const char *name, uint64_t n)
{
	buf_printf(b, "<%s xmlns=\"urn:sheaf:\">", name);
	buf_put_u64(b, n);
	buf_printf(b, "</%s>", name);
}

static void
put_headers(struct buf *b, const struct headers *h)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		BUF_LIT(b, "<header xmlns=\"urn:sheaf:\" name=\"");
		xml_put_attr(b, h->v[i].name);
		BUF_LIT(b, "\">");
		xml_put_text(b, h->v[i].value);
		BUF_LIT(b, "</header>");
	}
}

/* Whether it has no control character but those that XML can hold. */
static bool
is_xml_text(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t' &&
		    s.ptr[i] != '\n' && s.ptr[i] != '\r')
			return false;
	return true;
}

/* Writes a body as text if XML can hold that, else in base64. */
static void
put_body(struct buf *b, const struct result *res, enum body_form form)
{
	if (form != BODY_BYTES && is_xml_text(res->body)) {
		put_ours(b, "body", res->body);
		return;
	}
	BUF_LIT(b, "<body xmlns=\"urn:sheaf:\" encoding=\"base64\">");
	base64_put(b, res->body);
	BUF_LIT(b, "</body>");
}

/* What JSON says of a result, and DAV:response has no element for. */
static void
put_more(struct buf *b, const struct result *res, enum body_form form)
{
	put_count(b, "index", res->index);
	put_flag(b, "retryable", result_is_retryable(res));
	put_flag(b, "replayed", res->replayed);
	put_flag(b, "not-attempted", res->not_attempted);
	put_headers(b, &res->headers);
	if (res->has_body && !res->body_omitted)
		put_body(b, res, form);
	put_flag(b, "body-omitted", res->body_omitted);
	if (res->members_omitted)
		put_count(b, "members-omitted", res->members_omitted);
}

/* res: NULL for a member. */
static struct pieces
make_pieces(struct results *r, const struct outcome *o, struct str url,
    const struct result *res, enum body_form form)
{
	int64_t wait = res ? results_wait(res) : -1;
	struct buf *b = &r->text;
	struct pieces p = { 0 };

	buf_clear(b);
	if (o->path.s.len)
		href_put(b, buf_str(&r->m->prefix), o->path, o->collection);
	else
		buf_put(b, url);
	p.error = b->len;
	put_error(r, b, o);
	p.type = b->len;
	if (o->why)
		put_type(b, o->why);
	p.wait = b->len;
	if (wait >= 0)
		buf_put_u64(b, (uint64_t)wait);
	p.more = b->len;
	if (res)
		put_more(b, res, form);
	p.end = b->len;
	return p;
}

/* False: there is a response with this href already, or memory ran out. */
static bool
is_new(struct results *r, struct str href)
{
	bool had = false;

	if (href.len && name_set_add(&r->hrefs, href, &had, NULL))
		r->m->push.out.failed = ERR_NOMEM;
	return !had && !buf_failed(&r->m->push.out);
}

/* The form of the body; it uses r->text, and so has to come first. */
static enum body_form
form_of(struct results *r, const struct result *res)
{
	enum body_form form = BODY_BYTES;

	if (res && res->has_body && results_body_form(r, res, &form))
		r->m->push.out.failed = ERR_NOMEM;
	return form;
}

static void
put_one(struct results *r, const struct outcome *o, struct str url,
    const struct result *res, struct told *told)
{
	struct pieces p = make_pieces(r, o, url, res, form_of(r, res));
	const struct buf *b = &r->text;
	struct outcome as_told = *o;
	bool fresh;

	if (buf_failed(b)) {
		r->m->push.out.failed = ERR_NOMEM;
		return;
	}
	told->href = piece(b, p.href, p.error);
	told->error = piece(b, p.error, p.type);
	told->problem_type = piece(b, p.type, p.wait);
	told->retry_after = piece(b, p.wait, p.more);
	told->more = piece(b, p.more, p.end);
	/* An operation's own result is never left out. */
	fresh = is_new(r, told->href);
	if (!fresh && !res)
		return;
	as_told.told = told;
	if (outcome_is_failure(o))
		as_told.tell = outcome_text(o);
	xml_form.put(r->m, &as_told);
	(void)pusher_flow(&r->m->push); /* it sticks */
}

static void
xml_results_put(struct results *r, const struct result *res)
{
	struct told told = {
		.id = res->id,
		.caused_by = res->caused_by,
		.partial = res->partial,
	};
	size_t i;

	put_one(r, &res->outcome, res->url, res, &told);
	for (i = 0; i < res->n_members; i++) {
		told = (struct told){ 0 };
		put_one(r, &res->members[i], STR(""), NULL, &told);
	}
}

static void
xml_results_begin(struct results *r)
{
	xml_form.begin(r->m);
}

static void
put_summary(struct results *r)
{
	const struct results_summary *s = &r->sum;
	struct buf *b = &r->m->push.out;

	put_ours(b, "batch-id", buf_str(&r->batch_id));
	BUF_LIT(b, "<summary xmlns=\"urn:sheaf:\">");
	put_count(b, "total", s->sum.total);
	put_count(b, "success", s->sum.success);
	put_count(b, "failed", s->sum.failed);
	put_count(b, "retryable", s->sum.retryable);
	put_count(b, "replayed", s->replayed);
	put_count(b, "not-attempted", s->not_attempted);
	if (s->retry_after >= 0)
		put_count(b, "retry-after", (uint64_t)s->retry_after);
	put_flag(b, "dry-run", s->dry_run);
	BUF_LIT(b, "</summary>\n");
}

/* A failure of the batch becomes the description of the whole document. */
static void
xml_results_end(struct results *r, const struct err *failed)
{
	struct buf *b = &r->m->push.out;

	if (failed) {
		BUF_LIT(b, "<D:responsedescription>");
		xml_put_text(b,
		    str_from_c(failed->tell[0] ? failed->tell
					       : err_text(failed->code)));
		BUF_LIT(b, "</D:responsedescription>\n");
	}
	put_summary(r);
	xml_form.end(r->m);
}

const struct results_form results_xml = {
	.begin = xml_results_begin,
	.put = xml_results_put,
	.end = xml_results_end,
};
