/* SPDX-License-Identifier: MIT */
/*
 * DAV:multistatus (RFC 4918 s13, s14).  The root declares the one prefix D; a
 * property of another namespace declares its own, x, on itself.
 */
#include "http/status.h"
#include "wire/active_lock.h"
#include "wire/escape.h"
#include "wire/multistatus_impl.h"
#include "wire/told.h"
#include "wire/xml.h"

/* The prefix that a name of this namespace is written with. */
static inline struct str
prefix_of(struct str ns)
{
	if (str_eq(ns, DAV_NS))
		return STR("D:");
	if (!ns.len)
		return STR("");
	/* No other prefix may be bound to it (XML Namespaces s3). */
	return str_eq(ns, XML_NS) ? STR("xml:") : STR("x:");
}

static inline char *
copy(char *at, struct str s)
{
	memcpy(at, s.ptr, s.len);
	return at + s.len;
}

/* Copies names by hand: most are short, and a call would cost more. */
static inline char *
copy_name(char *at, struct str s)
{
	if (s.len < 4 || s.len > 16)
		return copy(at, s);
	if (s.len < 8) {
		memcpy(at, s.ptr, 4);
		memcpy(at + s.len - 4, s.ptr + s.len - 4, 4);
		return at + s.len;
	}
	memcpy(at, s.ptr, 8);
	memcpy(at + s.len - 8, s.ptr + s.len - 8, 8);
	return at + s.len;
}

/* A literal where a call for each would be much of what a listing costs. */
static ALWAYS_INLINE void
put_lit(struct buf *b, struct str s)
{
	char *at = buf_room(b, s.len);

	if (at)
		b->len = (size_t)(copy(at, s) - b->ptr);
}

/* open, prefix, name, close: a listing is made of little else. */
static ALWAYS_INLINE void
put_tag(struct buf *b, struct str open, struct str prefix, struct str local,
    struct str close)
{
	char *at = buf_room(b, open.len + prefix.len + local.len + close.len);

	if (!at)
		return;
	at = copy(at, open);
	at = copy(at, prefix);
	at = copy_name(at, local);
	at = copy(at, close);
	b->len = (size_t)(at - b->ptr);
}

/* Appends "<x:name>", with a declaration of its namespace, or "<x:name/>". */
static void
put_foreign_start(struct buf *b, struct prop_name n, struct str close)
{
	struct str prefix = prefix_of(n.ns);

	if (!str_eq(prefix, STR("x:"))) {
		put_tag(b, STR("<"), prefix, n.local, close);
		return;
	}
	put_tag(b, STR("<"), prefix, n.local, STR(" xmlns:x=\""));
	xml_put_attr(b, n.ns);
	buf_putc(b, '"');
	buf_put(b, close);
}

/* Appends "<D:name>" or "<D:name/>". */
static ALWAYS_INLINE void
put_start(struct buf *b, struct prop_name n, struct str close)
{
	if (str_eq(n.ns, DAV_NS))
		put_tag(b, STR("<"), STR("D:"), n.local, close);
	else
		put_foreign_start(b, n, close);
}

static ALWAYS_INLINE void
put_stop(struct buf *b, struct prop_name n)
{
	if (str_eq(n.ns, DAV_NS))
		put_tag(b, STR("</"), STR("D:"), n.local, STR(">"));
	else
		put_tag(b, STR("</"), prefix_of(n.ns), n.local, STR(">"));
}

static void
put_value(struct multistatus *m, const struct prop *p)
{
	struct buf *b = &m->push.out;
	size_t i;

	switch (p->form) {
	case PROP_TEXT:
		xml_put_text(b, p->value);
		break;
	case PROP_NUMBER:
		buf_put_u64(b, p->number);
		break;
	case PROP_NAMES:
		for (i = 0; i < p->n_names; i++)
			put_start(b, p->names[i], STR("/>"));
		break;
	case PROP_HREF:
		BUF_LIT(b, "<D:href>");
		xml_put_text(b, p->value);
		BUF_LIT(b, "</D:href>");
		break;
	case PROP_LOCKS:
		for (i = 0; i < p->n_locks; i++)
			xml_put_active_lock(
			    b, buf_str(&m->prefix), &p->locks[i]);
		break;
	case PROP_LOCK_KINDS:
		xml_put_lock_kinds(b);
		break;
	case PROP_EMPTY:
	case PROP_XML:
		break;
	}
}

static bool
is_empty(const struct prop *p)
{
	return p->form == PROP_EMPTY ||
	    (p->form == PROP_TEXT && !p->value.len) ||
	    (p->form == PROP_NAMES && !p->n_names) ||
	    (p->form == PROP_LOCKS && !p->n_locks);
}

static void
put_prop(struct multistatus *m, const struct prop *p)
{
	struct buf *b = &m->push.out;

	if (p->form == PROP_XML) {
		buf_put(b, p->value);
		return;
	}
	if (is_empty(p)) {
		put_start(b, p->name, STR("/>"));
		return;
	}
	put_start(b, p->name, STR(">"));
	put_value(m, p);
	put_stop(b, p->name);
}

/* Appends a status as three digits; one that was told may have fewer. */
static void
put_status(struct buf *b, unsigned status)
{
	BUF_LIT(b, "<D:status>HTTP/1.1 ");
	if (status < 100)
		buf_put(b, status < 10 ? STR("00") : STR("0"));
	buf_put_u64(b, status);
	buf_putc(b, ' ');
	buf_put(b, status_reason(status));
	BUF_LIT(b, "</D:status>");
}

/* Appends a status that was told, or what stands for one that was not read. */
static void
put_told_status(struct buf *b, unsigned status)
{
	put_status(b, told_written_status(status));
}

static void
put_error(struct multistatus *m, enum err_code why, const struct outcome *o)
{
	const struct cause cause = multistatus_cause(m, o);
	struct buf *b = &m->push.out;

	if (!err_condition(why))
		return;
	BUF_LIT(b, "<D:error>");
	condition_put(b, why, &cause);
	BUF_LIT(b, "</D:error>");
}

static void
put_description(struct buf *b, struct str text)
{
	BUF_LIT(b, "<D:responsedescription>");
	xml_put_text(b, text);
	BUF_LIT(b, "</D:responsedescription>");
}

/* Appends an element of our own; without a prefix, as no other is in it. */
static void
put_ours(struct buf *b, const char *name, struct str text)
{
	if (!text.len)
		return;
	buf_printf(b, "<%s xmlns=\"urn:sheaf:\">", name);
	xml_put_text(b, text);
	buf_printf(b, "</%s>", name);
}

/*
 * Appends a propstat in the order of s14.22; its error is an element already.
 */
static void
put_told_set(struct buf *b, const struct propstat *ps)
{
	put_told_status(b, ps->status);
	buf_put(b, ps->error);
	if (ps->tell.len)
		put_description(b, ps->tell);
	if (told_is_unread(ps->status))
		BUF_LIT(b, "<unknown xmlns=\"urn:sheaf:\"/>");
}

static void
put_propstat(
    struct multistatus *m, const struct propstat *ps, const struct outcome *o)
{
	struct buf *b = &m->push.out;
	size_t i;

	put_lit(b, STR("<D:propstat><D:prop>"));
	for (i = 0; i < ps->n_props; i++) {
		put_prop(m, &ps->props[i]);
		(void)pusher_flow(&m->push); /* it sticks */
	}
	if (ps->status == 200 && !ps->why && !o->told) {
		put_lit(b,
		    STR("</D:prop><D:status>HTTP/1.1 200 OK</D:status>"
			"</D:propstat>"));
		return;
	}
	put_lit(b, STR("</D:prop>"));
	if (o->told) {
		put_told_set(b, ps);
		BUF_LIT(b, "</D:propstat>");
		return;
	}
	put_status(b, ps->status);
	/*
	 * A 404 has none: each response would say that a property is not there.
	 */
	if (ps->why && ps->status != 404) {
		put_error(m, ps->why, o);
		put_description(b, str_from_c(err_text(ps->why)));
	}
	BUF_LIT(b, "</D:propstat>");
}

/* A response must not be left without any (RFC 8144 s2.1). */
static void
put_propstats(struct multistatus *m, const struct outcome *o)
{
	static const struct propstat nothing = { .status = 200 };
	bool any = false;
	size_t i;

	for (i = 0; i < o->n_propstats; i++) {
		if (m->minimal && o->propstats[i].status == 404)
			continue;
		put_propstat(m, &o->propstats[i], o);
		any = true;
	}
	if (!any)
		put_propstat(m, &nothing, o);
}

/*
 * s14.24 has propstats or a status.  Where the one contradicts the other the
 * status stays: it is what decides.
 */
static bool
tells_propstats(const struct outcome *o)
{
	return o->n_propstats && o->status == outcome_propstats_status(o);
}

static void
put_told_href(struct multistatus *m, const struct outcome *o)
{
	struct buf *b = &m->push.out;

	if (o->told->href.len) {
		multistatus_put_href(m, o);
		return;
	}
	buf_put(b, TOLD_MADE_UP_HREF);
	buf_put_u64(b, m->sum.total - 1);
}

/* Appends in the order of s14.24, then what that has no elements for. */
static void
put_told(struct multistatus *m, const struct outcome *o)
{
	const struct told *t = o->told;
	struct buf *b = &m->push.out;

	BUF_LIT(b, "<D:response><D:href>");
	put_told_href(m, o);
	BUF_LIT(b, "</D:href>");
	if (tells_propstats(o))
		put_propstats(m, o);
	else
		put_told_status(b, o->status);
	buf_put(b, t->error);
	if (o->tell.len)
		put_description(b, o->tell);
	if (t->location.len) {
		BUF_LIT(b, "<D:location><D:href>");
		xml_put_text(b, t->location);
		BUF_LIT(b, "</D:href></D:location>");
	}
	put_ours(b, "id", t->id);
	put_ours(b, "op", t->op);
	put_ours(b, "retry-after", t->retry_after);
	put_ours(b, "caused-by", t->caused_by);
	put_ours(b, "problem-type", t->problem_type);
	if (t->partial)
		BUF_LIT(b, "<partial xmlns=\"urn:sheaf:\"/>");
	buf_put(b, t->more);
	if (told_is_unread(o->status) && !tells_propstats(o))
		BUF_LIT(b, "<unknown xmlns=\"urn:sheaf:\"/>");
	BUF_LIT(b, "</D:response>\n");
}

static void
xml_begin(struct multistatus *m)
{
	BUF_LIT(&m->push.out,
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<D:multistatus xmlns:D=\"DAV:\">\n");
}

static void
xml_put(struct multistatus *m, const struct outcome *o)
{
	struct buf *b = &m->push.out;

	if (o->told) {
		put_told(m, o);
		return;
	}
	put_lit(b, STR("<D:response><D:href>"));
	multistatus_put_href(m, o);
	put_lit(b, STR("</D:href>"));
	if (o->n_propstats)
		put_propstats(m, o);
	else
		put_status(b, o->status);
	if (outcome_is_failure(o) && !o->n_propstats) {
		put_error(m, o->why, o);
		put_description(b, outcome_text(o));
	}
	put_lit(b, STR("</D:response>\n"));
}

static void
xml_end_document(struct multistatus *m)
{
	BUF_LIT(&m->push.out, "</D:multistatus>\n");
}

const struct form_ops xml_form = {
	.media_type = STR_INIT("application/xml; charset=utf-8"),
	.escape = xml_put_attr,
	.begin = xml_begin,
	.put = xml_put,
	.end = xml_end_document,
};
