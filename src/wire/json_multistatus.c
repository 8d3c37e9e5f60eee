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

/* "{DAV:}getetag" */
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

/* The properties that could be read, as ,"props":{...} */
static void
put_props(struct multistatus *m, const struct outcome *o)
{
	struct buf *b = &m->push.out;
	bool any = false;
	size_t i, k;

	BUF_LIT(b, ",\"props\":{");
	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		for (k = 0; !status_failed(ps->status) && k < ps->n_props;
		     k++) {
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

/* Those that could not, with their status, as ,"propErrors":{...} */
static void
put_prop_errors(struct multistatus *m, const struct outcome *o)
{
	struct buf *b = &m->push.out;
	bool any = false;
	size_t i, k;

	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		if (m->minimal && ps->status == 404)
			continue;
		for (k = 0; status_failed(ps->status) && k < ps->n_props; k++) {
			if (any)
				buf_putc(b, ',');
			else
				BUF_LIT(b, ",\"propErrors\":{");
			any = true;
			put_name(b, ps->props[k].name);
			buf_putc(b, ':');
			buf_put_u64(b, ps->status);
		}
	}
	if (any)
		buf_putc(b, '}');
}

/* "Locked: someone else has it", or the phrase alone. */
static void
put_error(struct multistatus *m, const struct outcome *o)
{
	const struct cause cause = multistatus_cause(m, o);
	struct buf *b = &m->push.out;
	struct str reason = status_reason(o->status);
	struct str text = outcome_text(o);

	BUF_LIT(b, ",\"error\":\"");
	json_put_chars(b, reason);
	if (!str_eq(reason, text)) {
		BUF_LIT(b, ": ");
		json_put_chars(b, text);
	}
	BUF_LIT(b, "\",\"retryable\":");
	buf_put(b, status_is_retryable(o->status) ? STR("true") : STR("false"));
	BUF_LIT(b, ",\"problem\":");
	problem_put(b, o->why, o->status, STR(""), &cause);
}

bool
json_skips(const struct multistatus *m, const struct outcome *o)
{
	return m->minimal && !outcome_is_failure(o) && !o->n_propstats;
}

void
json_put_result(struct multistatus *m, const struct outcome *o)
{
	struct buf *b = &m->push.out;

	BUF_LIT(b, "\"index\":");
	buf_put_u64(b, m->sum.total - 1);
	BUF_LIT(b, ",\"status\":");
	buf_put_u64(b, o->status);
	BUF_LIT(b, ",\"href\":\"");
	multistatus_put_href(m, o);
	buf_putc(b, '"');
	if (outcome_is_failure(o)) {
		put_error(m, o);
	} else {
		BUF_LIT(b, ",\"message\":");
		json_put_string(b, outcome_text(o));
	}
	if (o->n_propstats) {
		put_props(m, o);
		put_prop_errors(m, o);
	}
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
	/* One request that ran: these three are for bulk. */
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
