/* SPDX-License-Identifier: MIT */
/*
 * DAV:multistatus (RFC 4918 s13): a response for each operation, and for each
 * member that there is something to say of.  What the form has no element for
 * stands in elements of our namespace, as in what was told (wire/told.h).
 */
#include "http/href.h"
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

/* What the pieces of a struct told are, all in one buffer. */
struct pieces {
	size_t href, error, type, wait, end;
};

static struct str
piece(const struct buf *b, size_t from, size_t to)
{
	return str_of(b->ptr + from, to - from);
}

static struct pieces
make_pieces(
    struct results *r, const struct outcome *o, struct str url, int64_t wait)
{
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
	p.end = b->len;
	return p;
}

/* False: it was told of already, or memory ran out. */
static bool
is_new(struct results *r, struct str href)
{
	bool had = false;

	if (href.len && name_set_add(&r->hrefs, href, &had, NULL))
		r->m->push.out.failed = ERR_NOMEM;
	return !had && !buf_failed(&r->m->push.out);
}

static void
put_one(struct results *r, const struct outcome *o, struct str url,
    int64_t wait, struct told *told)
{
	struct pieces p = make_pieces(r, o, url, wait);
	const struct buf *b = &r->text;
	struct outcome as_told = *o;

	if (buf_failed(b)) {
		r->m->push.out.failed = ERR_NOMEM;
		return;
	}
	told->href = piece(b, p.href, p.error);
	told->error = piece(b, p.error, p.type);
	told->problem_type = piece(b, p.type, p.wait);
	told->retry_after = piece(b, p.wait, p.end);
	if (!is_new(r, told->href))
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

	put_one(r, &res->outcome, res->url, results_wait(res), &told);
	for (i = 0; i < res->n_members; i++) {
		told = (struct told){ 0 };
		put_one(r, &res->members[i], STR(""), -1, &told);
	}
}

static void
xml_results_begin(struct results *r)
{
	xml_form.begin(r->m);
}

/* Its failure, if any, is the document's: DAV has one sentence for all. */
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
	xml_form.end(r->m);
}

const struct results_form results_xml = {
	.begin = xml_results_begin,
	.put = xml_results_put,
	.end = xml_results_end,
};
