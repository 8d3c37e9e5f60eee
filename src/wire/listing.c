/* SPDX-License-Identifier: MIT */
#include "wire/listing.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "http/date.h"
#include "http/href.h"
#include "http/status.h"
#include "wire/escape.h"
#include "wire/pusher.h"

struct listing {
	struct sink base;
	struct pusher push;
	struct buf prefix; /* of links, escaped */
	struct rpath root;
	bool begun;
	uint64_t shown;
	uint64_t failed;
};

/* Nothing is fetched from elsewhere, and it is readable without the style. */
static const struct str style =
    STR_INIT(":root{color-scheme:light dark}"
	     "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;"
	     "margin:2rem auto;padding:0 1rem}"
	     "h1{font-size:1.4rem;font-weight:600;overflow-wrap:anywhere}"
	     "a{color:LinkText;text-decoration:none}"
	     "a:hover,a:focus{text-decoration:underline}"
	     "table{width:100%;border-collapse:collapse}"
	     "th{text-align:left;font-weight:600}"
	     "th,td{padding:.3rem .6rem;border-bottom:1px solid #8884;"
	     "vertical-align:top}"
	     "tbody tr:hover{background:#8881}"
	     "td:first-child{overflow-wrap:anywhere}"
	     ".n{text-align:right}"
	     ".n,.t{white-space:nowrap;font-variant-numeric:tabular-nums}"
	     ".bad{color:#b00020}"
	     ".note{opacity:.75}"
	     "@media(prefers-color-scheme:dark){.bad{color:#ff8a80}}"
	     "@media(max-width:34rem){.t{display:none}}");

/* ---- pieces of the page, which is well-formed as XML too */

static void
put_link(struct listing *l, struct rpath path, bool collection)
{
	BUF_LIT(&l->push.out, "<a href=\"");
	href_put(&l->push.out, buf_str(&l->prefix), path, collection);
	BUF_LIT(&l->push.out, "\">");
}

/* Writes "/ a / b", of which all but the last are links. */
static void
put_trail(struct listing *l)
{
	struct buf *b = &l->push.out;
	struct str s = l->root.s;
	size_t at = 1;

	if (rpath_is_root(l->root)) {
		buf_putc(b, '/');
		return;
	}
	put_link(l, RPATH_ROOT, true);
	BUF_LIT(b, "/</a>");
	while (at < s.len) {
		size_t end = at + str_find(str_skip(s, at), '/');
		struct str name = str_of(s.ptr + at, end - at);

		buf_putc(b, ' ');
		if (end < s.len)
			put_link(l, (struct rpath){ str_head(s, end) }, true);
		xml_put_attr(b, name);
		if (end < s.len)
			BUF_LIT(b, "</a> /");
		at = end + 1;
	}
}

static void
put_head(struct listing *l)
{
	struct buf *b = &l->push.out;

	BUF_LIT(b,
	    "<!DOCTYPE html>\n<html lang=\"en\"><head>"
	    "<meta charset=\"utf-8\"/><meta name=\"viewport\" "
	    "content=\"width=device-width,initial-scale=1\"/><title>");
	xml_put_attr(b, l->root.s);
	BUF_LIT(b, "</title><style>");
	buf_put(b, style);
	BUF_LIT(b, "</style></head>\n<body><main><h1>");
	put_trail(l);
	BUF_LIT(b,
	    "</h1>\n<table><thead><tr><th scope=\"col\">Name</th>"
	    "<th scope=\"col\" class=\"n\">Size</th>"
	    "<th scope=\"col\" class=\"t\">Modified (UTC)</th></tr></thead>\n"
	    "<tbody>\n");
}

static void
begin(struct listing *l)
{
	if (l->begun)
		return;
	l->begun = true;
	put_head(l);
	if (rpath_is_root(l->root))
		return;
	BUF_LIT(&l->push.out, "<tr><td>");
	put_link(l, rpath_parent(l->root), true);
	BUF_LIT(
	    &l->push.out, "../</a></td><td></td><td class=\"t\"></td></tr>\n");
}

static void
put_name_cell(struct listing *l, const struct outcome *o)
{
	struct buf *b = &l->push.out;

	BUF_LIT(b, "<td>");
	put_link(l, o->path, o->collection);
	xml_put_attr(b, rpath_name(o->path));
	if (o->collection)
		buf_putc(b, '/');
	BUF_LIT(b, "</a></td>");
}

/* Writes "999 B", "1.0 KiB", "16 EiB": three digits are enough to compare. */
static void
put_size(struct buf *b, uint64_t n)
{
	static const char units[][4] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB",
		"EiB" };
	uint64_t tenths = 0;
	size_t unit = 0;

	while (n >= 1024) {
		tenths = n % 1024 * 10 / 1024;
		n /= 1024;
		unit++;
	}
	buf_put_u64(b, n);
	if (unit && n < 10) {
		buf_putc(b, '.');
		buf_put_u64(b, tenths);
	}
	buf_putc(b, ' ');
	buf_put(b, str_from_c(units[unit]));
}

static void
put_size_cell(struct buf *b, const struct prop *length)
{
	if (!length || length->form != PROP_NUMBER) {
		BUF_LIT(b, "<td></td>");
		return;
	}
	BUF_LIT(b, "<td class=\"n\" title=\"");
	buf_put_u64(b, length->number);
	BUF_LIT(b, " bytes\">");
	put_size(b, length->number);
	BUF_LIT(b, "</td>");
}

/* Writes "2026-11-21 01:02", which sorts and aligns; or the date as it came. */
static void
put_date_cell(struct buf *b, const struct prop *modified)
{
	struct str text = modified ? modified->value : STR("");
	int64_t seconds;

	BUF_LIT(b, "<td class=\"t\">");
	if (date_parse_http(text, &seconds)) {
		struct utc u = utc_from_seconds(seconds);

		BUF_LIT(b, "<time datetime=\"");
		date_put_rfc3339(b, seconds);
		buf_printf(b, "\">%04d-%02d-%02d %02d:%02d</time>", u.year,
		    u.month, u.day, u.hour, u.minute);
	} else {
		xml_put_attr(b, text);
	}
	BUF_LIT(b, "</td>");
}

/* Writes "403 Forbidden: not allowed". */
static void
put_failure(struct buf *b, const struct outcome *o)
{
	struct str reason = status_reason(o->status);
	struct str text = outcome_text(o);

	buf_put_u64(b, o->status);
	buf_putc(b, ' ');
	xml_put_attr(b, reason);
	if (!str_eq(reason, text)) {
		BUF_LIT(b, ": ");
		xml_put_attr(b, text);
	}
}

/* ---- the sink */

static const struct prop *
find_dav(const struct outcome *o, struct str local)
{
	const struct prop_name name = { DAV_NS, local };
	size_t i, k;

	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		for (k = 0; ps->status == 200 && k < ps->n_props; k++)
			if (prop_name_eq(ps->props[k].name, name))
				return &ps->props[k];
	}
	return NULL;
}

/*
 * The collection itself is no row, but where the list of its members could not
 * be read to its end the page says so.
 */
static void
put_root(struct listing *l, const struct outcome *o)
{
	if (!outcome_is_failure(o))
		return;
	l->failed++;
	BUF_LIT(&l->push.out,
	    "<tr class=\"bad\"><td colspan=\"3\">"
	    "The list is not complete: ");
	put_failure(&l->push.out, o);
	BUF_LIT(&l->push.out, "</td></tr>\n");
}

static void
put_row(struct listing *l, const struct outcome *o)
{
	struct buf *b = &l->push.out;
	bool failed = outcome_is_failure(o);

	l->shown++;
	l->failed += failed;
	buf_put(b, failed ? STR("<tr class=\"bad\">") : STR("<tr>"));
	put_name_cell(l, o);
	if (failed) {
		BUF_LIT(b, "<td colspan=\"2\">");
		put_failure(b, o);
		BUF_LIT(b, "</td>");
	} else {
		put_size_cell(b, find_dav(o, STR("getcontentlength")));
		put_date_cell(b, find_dav(o, STR("getlastmodified")));
	}
	BUF_LIT(b, "</tr>\n");
}

static enum err_code
listing_put(struct sink *s, const struct outcome *o)
{
	struct listing *l = CONTAINER_OF(s, struct listing, base);

	begin(l);
	if (rpath_eq(o->path, l->root))
		put_root(l, o);
	else
		put_row(l, o);
	return pusher_flow(&l->push);
}

static enum err_code
listing_end(struct sink *s)
{
	struct listing *l = CONTAINER_OF(s, struct listing, base);
	struct buf *b = &l->push.out;

	begin(l);
	if (!l->shown && !l->failed)
		BUF_LIT(b,
		    "<tr><td colspan=\"3\" class=\"note\">"
		    "This collection is empty.</td></tr>\n");
	BUF_LIT(b, "</tbody></table>\n<p class=\"note\">");
	buf_put_u64(b, l->shown);
	buf_put(b, l->shown == 1 ? STR(" member") : STR(" members"));
	if (l->failed) {
		BUF_LIT(b, ", <strong class=\"bad\">");
		buf_put_u64(b, l->failed);
		BUF_LIT(b, " could not be read</strong>");
	}
	BUF_LIT(b, "</p></main></body></html>\n");
	return pusher_flush(&l->push);
}

static const struct sink_ops listing_ops = {
	.name = "listing",
	.put = listing_put,
	.end = listing_end,
};

enum err_code
listing_new(struct str prefix, struct rpath root, struct ostream *to,
    struct sink **out, struct err *err)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (!l)
		return err_nomem(err);
	sink_init(&l->base, &listing_ops);
	l->root = root;
	xml_put_attr(&l->prefix, prefix);
	if (!pusher_init(&l->push, to) || buf_failed(&l->prefix)) {
		listing_free(&l->base);
		return err_nomem(err);
	}
	*out = &l->base;
	return ERR_OK;
}

void
listing_free(struct sink *s)
{
	struct listing *l;

	if (!s)
		return;
	l = CONTAINER_OF(s, struct listing, base);
	pusher_done(&l->push);
	buf_done(&l->prefix);
	free(l);
}
