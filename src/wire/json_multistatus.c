/* SPDX-License-Identifier: MIT */
/*
 * {"results": [...], "summary": {...}}.  Written as it comes, so the summary
 * stands last; a JSON library would want the whole answer in memory.
 */
#include "wire/json_multistatus.h"

#include "http/status.h"
#include "wire/active_lock.h"
#include "wire/escape.h"
#include "wire/problem.h"
#include "wire/told.h"

/* Appends "{DAV:}getetag". */
static void
put_name(struct buf *b, struct prop_name n)
{
	BUF_LIT(b, "\"{");
	json_put_chars(b, n.ns);
	buf_putc(b, '}');
	json_put_chars(b, n.local);
	buf_putc(b, '"');
}

static void
put_names(struct buf *b, const struct prop *p)
{
	size_t i;

	buf_putc(b, '[');
	for (i = 0; i < p->n_names; i++) {
		if (i)
			buf_putc(b, ',');
		put_name(b, p->names[i]);
	}
	buf_putc(b, ']');
}

static void
put_locks(struct multistatus *m, const struct prop *p)
{
	struct buf *b = &m->push.out;
	size_t i;

	buf_putc(b, '[');
	for (i = 0; i < p->n_locks; i++) {
		if (i)
			buf_putc(b, ',');
		json_put_active_lock(b, buf_str(&m->prefix), &p->locks[i]);
	}
	buf_putc(b, ']');
}

/* Whether it is a live property that is a number (s15.4, RFC 4331) in text. */
static bool
is_count(const struct prop *p)
{
	static const struct str names[] = {
		STR_INIT("getcontentlength"),
		STR_INIT("quota-available-bytes"),
		STR_INIT("quota-used-bytes"),
	};
	uint64_t n;
	size_t i;

	if (!str_eq(p->name.ns, DAV_NS) || !str_to_u64(p->value, &n) ||
	    (p->value.ptr[0] == '0' && p->value.len > 1))
		return false;
	for (i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(p->name.local, names[i]))
			return true;
	return false;
}

static void
put_prop_text(struct buf *b, const struct prop *p)
{
	if (is_count(p))
		buf_put(b, p->value);
	else
		json_put_string(b, p->value);
}

static void
put_value(struct multistatus *m, const struct prop *p)
{
	struct buf *b = &m->push.out;

	switch (p->form) {
	case PROP_EMPTY:
		BUF_LIT(b, "null");
		break;
	case PROP_NUMBER:
		buf_put_u64(b, p->number);
		break;
	case PROP_NAMES:
		put_names(b, p);
		break;
	case PROP_TEXT:
		put_prop_text(b, p);
		break;
	case PROP_HREF:
	case PROP_XML:
		json_put_string(b, p->value);
		break;
	case PROP_LOCKS:
		put_locks(m, p);
		break;
	case PROP_LOCK_KINDS:
		json_put_lock_kinds(b);
		break;
	}
}

/*
 * Whether to leave a property out: a name stands once in an object (RFC 7493
 * s2.3), and what was told may have it twice.  Then the first counts.
 */
static bool
stood_before(struct multistatus *m, const struct outcome *o, struct prop_name n)
{
	struct buf *key = &m->key;
	bool had = false;

	if (!o->told)
		return false;
	buf_clear(key);
	put_name(key, n);
	if (buf_failed(key) ||
	    name_set_add(&m->names, buf_str(key), &had, NULL))
		m->push.out.failed = ERR_NOMEM;
	return had;
}

static bool
is_read(const struct propstat *ps)
{
	return ps->status / 100 == 2;
}

/* Appends the properties that could be read, as ,"props":{...} */
static void
put_props(struct multistatus *m, const struct outcome *o)
{
	struct buf *b = &m->push.out;
	bool any = false;
	size_t i, k;

	name_set_clear(&m->names);
	BUF_LIT(b, ",\"props\":{");
	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		for (k = 0; is_read(ps) && k < ps->n_props; k++) {
			if (stood_before(m, o, ps->props[k].name))
				continue;
			if (any)
				buf_putc(b, ',');
			any = true;
			put_name(b, ps->props[k].name);
			buf_putc(b, ':');
			put_value(m, &ps->props[k]);
			(void)pusher_flow(&m->push); /* it sticks */
		}
	}
	buf_putc(b, '}');
}

/* Appends those that could not, with their status, as ,"propErrors":{...} */
static void
put_prop_errors(struct multistatus *m, const struct outcome *o)
{
	struct buf *b = &m->push.out;
	bool any = false;
	size_t i, k;

	name_set_clear(&m->names);
	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		if (m->minimal && ps->status == 404)
			continue;
		for (k = 0; !is_read(ps) && k < ps->n_props; k++) {
			if (stood_before(m, o, ps->props[k].name))
				continue;
			buf_put(b, any ? STR(",") : STR(",\"propErrors\":{"));
			any = true;
			put_name(b, ps->props[k].name);
			buf_putc(b, ':');
			buf_put_u64(b, told_written_status(ps->status));
		}
	}
	if (any)
		buf_putc(b, '}');
}

void
json_put_sentence(struct buf *b, unsigned status, struct str text)
{
	struct str reason = status_reason(status);

	BUF_LIT(b, ",\"error\":\"");
	json_put_chars(b, reason);
	if (!str_eq(reason, text)) {
		BUF_LIT(b, ": ");
		json_put_chars(b, text);
	}
	buf_putc(b, '"');
}

static void
put_retryable(struct buf *b, unsigned status)
{
	BUF_LIT(b, ",\"retryable\":");
	buf_put(b, status_is_retryable(status) ? STR("true") : STR("false"));
}

static void
put_error(struct multistatus *m, const struct outcome *o)
{
	const struct cause cause = multistatus_cause(m, o);
	struct buf *b = &m->push.out;

	json_put_sentence(b, o->status, outcome_text(o));
	put_retryable(b, o->status);
	BUF_LIT(b, ",\"problem\":");
	problem_put(b, o->why, o->status, STR(""), &cause);
}

static void
put_message(struct buf *b, const struct outcome *o)
{
	BUF_LIT(b, ",\"message\":");
	json_put_string(b, outcome_text(o));
}

/* ---- what was told: wire/told.h */

static void
put_text(struct buf *b, struct str name, struct str text)
{
	if (!text.len)
		return;
	buf_put(b, name);
	json_put_string(b, text);
}

/* Appends ,"problem":{...}, which has room for the whole DAV:error as well. */
static void
put_told_problem(struct buf *b, const struct outcome *o)
{
	const struct told *t = o->told;
	unsigned status = told_written_status(o->status);

	BUF_LIT(b, ",\"problem\":{\"type\":");
	json_put_string(
	    b, t->problem_type.len ? t->problem_type : STR("about:blank"));
	BUF_LIT(b, ",\"title\":");
	json_put_string(b, status_reason(status));
	BUF_LIT(b, ",\"status\":");
	buf_put_u64(b, status);
	put_text(b, STR(",\"davError\":"), t->error);
	buf_putc(b, '}');
}

static void
put_told_error(struct buf *b, const struct outcome *o)
{
	unsigned status = told_written_status(o->status);
	struct str text = o->tell.len ? o->tell : status_reason(status);

	if (told_is_unread(o->status) && !o->tell.len)
		text = TOLD_UNREAD_TEXT;
	json_put_sentence(b, status, text);
	put_retryable(b, o->status);
	put_told_problem(b, o);
}

/* Appends seconds as a number, a date or whatever was sent as a string. */
static void
put_retry_after(struct buf *b, struct str value)
{
	uint64_t seconds;

	if (!value.len)
		return;
	BUF_LIT(b, ",\"retryAfter\":");
	if (str_to_u64(value, &seconds))
		buf_put_u64(b, seconds);
	else
		json_put_string(b, value);
}

static void
put_told(struct multistatus *m, const struct outcome *o)
{
	const struct told *t = o->told;
	struct buf *b = &m->push.out;

	if (told_is_unread(o->status))
		BUF_LIT(b, ",\"unknown\":true");
	put_text(b, STR(",\"id\":"), t->id);
	put_text(b, STR(",\"op\":"), t->op);
	put_text(b, STR(",\"href\":"), t->href);
	put_text(b, STR(",\"location\":"), t->location);
	if (outcome_is_failure(o))
		put_told_error(b, o);
	else
		put_message(b, o);
	if (!outcome_is_failure(o)) /* a success has no problem */
		put_text(b, STR(",\"davError\":"), t->error);
	put_retry_after(b, t->retry_after);
	put_text(b, STR(",\"causedBy\":"), t->caused_by);
	if (t->partial)
		BUF_LIT(b, ",\"partial\":true");
}

/* Whether "props" and "propErrors" cannot say all of a propstat. */
static bool
says_more(const struct propstat *ps)
{
	return ps->error.len || ps->tell.len || told_is_unread(ps->status) ||
	    (is_read(ps) && ps->status != 200) || !ps->n_props;
}

static void
put_set(struct buf *b, const struct propstat *ps)
{
	size_t k;

	BUF_LIT(b, "{\"status\":");
	buf_put_u64(b, told_written_status(ps->status));
	if (told_is_unread(ps->status))
		BUF_LIT(b, ",\"unknown\":true");
	BUF_LIT(b, ",\"names\":[");
	for (k = 0; k < ps->n_props; k++) {
		if (k)
			buf_putc(b, ',');
		put_name(b, ps->props[k].name);
	}
	buf_putc(b, ']');
	put_text(b, STR(",\"davError\":"), ps->error);
	put_text(b, STR(",\"message\":"), ps->tell);
	buf_putc(b, '}');
}

/* ,"propstats":[...] of those whose properties stand in the others too. */
static void
put_sets(struct multistatus *m, const struct outcome *o)
{
	struct buf *b = &m->push.out;
	bool any = false;
	size_t i;

	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		if (!says_more(ps) || (m->minimal && ps->status == 404))
			continue;
		buf_put(b, any ? STR(",") : STR(",\"propstats\":["));
		any = true;
		put_set(b, ps);
		(void)pusher_flow(&m->push); /* it sticks */
	}
	if (any)
		buf_putc(b, ']');
}

static void
put_ours(struct multistatus *m, const struct outcome *o)
{
	struct buf *b = &m->push.out;

	BUF_LIT(b, ",\"href\":\"");
	multistatus_put_href(m, o);
	buf_putc(b, '"');
	if (outcome_is_failure(o))
		put_error(m, o);
	else
		put_message(b, o);
}

bool
json_skips(const struct multistatus *m, const struct outcome *o)
{
	return m->minimal && !outcome_is_failure(o) && !o->n_propstats;
}

void
json_put_propstats(struct multistatus *m, const struct outcome *o)
{
	put_props(m, o);
	put_prop_errors(m, o);
}

void
json_put_result(struct multistatus *m, const struct outcome *o)
{
	struct buf *b = &m->push.out;

	BUF_LIT(b, "\"index\":");
	buf_put_u64(b, m->sum.total - 1);
	BUF_LIT(b, ",\"status\":");
	buf_put_u64(b, o->told ? told_written_status(o->status) : o->status);
	if (o->told)
		put_told(m, o);
	else
		put_ours(m, o);
	if (o->n_propstats)
		json_put_propstats(m, o);
	if (o->told)
		put_sets(m, o);
}

static void
put_count(struct buf *b, struct str name, uint64_t n)
{
	buf_put(b, name);
	buf_put_u64(b, n);
}

void
json_put_summary(struct multistatus *m)
{
	struct buf *b = &m->push.out;

	put_count(b, STR("\"total\":"), m->sum.total);
	put_count(b, STR(",\"success\":"), m->sum.success);
	put_count(b, STR(",\"failed\":"), m->sum.failed);
	put_count(b, STR(",\"retryable\":"), m->sum.retryable);
	/*
	 * These mean something for batches only; here one request was carried
	 * out.
	 */
	put_count(b, STR(",\"replayed\":"), 0);
	put_count(b, STR(",\"notAttempted\":"), 0);
	BUF_LIT(b, ",\"dryRun\":false");
}

static void
json_begin(struct multistatus *m)
{
	BUF_LIT(&m->push.out, "{\"results\":[\n");
}

static void
json_put(struct multistatus *m, const struct outcome *o)
{
	if (json_skips(m, o))
		return;
	if (m->any)
		BUF_LIT(&m->push.out, ",\n");
	m->any = true;
	buf_putc(&m->push.out, '{');
	json_put_result(m, o);
	buf_putc(&m->push.out, '}');
}

static void
json_end(struct multistatus *m)
{
	BUF_LIT(&m->push.out, "\n],\"summary\":{");
	json_put_summary(m);
	BUF_LIT(&m->push.out, "}}\n");
}

const struct form_ops json_form = {
	.media_type = STR_INIT("application/json"),
	.escape = json_put_chars,
	.begin = json_begin,
	.put = json_put,
	.end = json_end,
};
