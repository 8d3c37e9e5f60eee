/* SPDX-License-Identifier: MIT */
/* What was found in an answer, for people: failures first, then counts. */
#include <assert.h>

#include "cmd/explain_impl.h"
#include "cmd/text.h"
#include "http/status.h"
#include "outcome/conditions.h"

/* Rows that are printed in one table. */
#define ROWS 500

const char *
status_means(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} rows[] = {
#define MEANS(status, text) { status, text },
#include "cmd/meanings.def"
#undef MEANS
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "";
}

const char *
explain_shape_name(enum shape s)
{
	static const char *const names[] = {
		[SHAPE_UNKNOWN] = "unknown form",
		[SHAPE_XML] = "XML",
		[SHAPE_JSON] = "JSON",
		[SHAPE_NDJSON] = "NDJSON",
		[SHAPE_JSON_SEQ] = "JSON text sequence",
	};

	assert((size_t)s < ARRAY_LEN(names));
	return names[s];
}

static void
put_status(struct buf *b, unsigned status)
{
	if (!status) {
		BUF_LIT(b, "no status that could be read");
		return;
	}
	buf_printf(b, "%u ", status);
	buf_put(b, status_reason(status));
}

/* Has `to` fail where `from` did, of which a piece is missing. */
static void
carry(struct buf *to, const struct buf *from)
{
	if (buf_failed(from))
		to->failed = buf_failed(from);
}

/* ---- the headline */

static void
put_counts(struct buf *b, const struct findings *f)
{
	text_put_count(b, f->ok);
	BUF_LIT(b, " succeeded, ");
	text_put_count(b, f->failed);
	BUF_LIT(b, " failed");
	if (f->unknown) {
		BUF_LIT(b, ", ");
		text_put_count(b, f->unknown);
		BUF_LIT(b, " unknown");
	}
}

void
explain_put_what(struct buf *b, const struct answer_seen *a)
{
	text_put_plain(b, str_from_c(a->source));
	BUF_LIT(b, ": ");
	if (a->method.len || a->url.len) {
		BUF_LIT(b, "the answer to ");
		text_put_plain(b, a->method.len ? a->method : STR("a request"));
		if (a->url.len)
			buf_putc(b, ' ');
		text_put_plain(b, a->url);
		BUF_LIT(b, ": ");
	}
	put_status(b, a->status ? a->status : 207);
}

static void
put_headline(struct explain_out *out, const struct findings *f,
    const struct answer_seen *a)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	explain_put_what(&b, a);
	buf_printf(&b, " (%s), ", explain_shape_name(a->reading.shape));
	text_put_count(&b, f->total);
	buf_put(&b, f->total == 1 ? STR(" resource: ") : STR(" resources: "));
	put_counts(&b, f);
	buf_putc(&b, '.');
	tone_put(out->b, out->colours, TONE_STRONG, buf_str(&b));
	buf_putc(out->b, '\n');
	carry(out->b, &b);
}

static void
warn(struct explain_out *out, struct str text)
{
	tone_put(out->b, out->colours, TONE_DOUBT, text);
	buf_putc(out->b, '\n');
}

static void
put_end(struct explain_out *out, const struct reading *r)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (!r->end)
		return;
	buf_put(&b,
	    r->end == ERR_CUT_SHORT       ? STR("It was cut short: ")
		: r->end == ERR_TOO_LARGE ? STR("It is larger than the limit: ")
					  : STR("It is malformed: "));
	text_put_plain(&b,
	    str_from_c(*r->err.tell ? r->err.tell
		    : *r->err.why   ? r->err.why
				    : err_text(r->end)));
	BUF_LIT(&b,
	    ".\nWhat was read until there follows; what became of the rest is "
	    "not known.");
	warn(out, buf_str(&b));
	carry(out->b, &b);
}

static void
put_contradiction(struct explain_out *out, const struct reading *r)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (!r->contradicts)
		return;
	if (r->claims && r->claimed.total != 0) {
		BUF_LIT(&b, "It contradicts itself: its summary says ");
		text_put_count(&b, r->claimed.success);
		BUF_LIT(&b, " succeeded and ");
		text_put_count(&b, r->claimed.failed);
		BUF_LIT(&b, " failed, of ");
		text_put_count(&b, r->claimed.total);
		BUF_LIT(&b, ".");
	} else {
		BUF_LIT(&b,
		    "It contradicts itself: its summary is not what it "
		    "lists.");
	}
	BUF_LIT(&b, " Do not rely on what is not listed.");
	warn(out, buf_str(&b));
	carry(out->b, &b);
}

static void
put_description(struct explain_out *out, const struct reading *r)
{
	if (*r->description) {
		BUF_LIT(out->b, "The server says: ");
		text_put_plain(out->b, str_from_c(r->description));
		buf_putc(out->b, '\n');
	}
	if (*r->sync_token) {
		BUF_LIT(out->b, "Sync token: ");
		text_put_plain(out->b, str_from_c(r->sync_token));
		buf_putc(out->b, '\n');
	}
}

/* ---- a group */

static void
put_group_name(struct buf *b, const struct found_group *g)
{
	if (g->other) {
		BUF_LIT(b, "Failed in other ways");
	} else {
		put_status(b, g->status);
		if (g->condition.local.len) {
			BUF_LIT(b, ", ");
			if (!str_eq(g->condition.ns, DAV_NS)) {
				buf_putc(b, '{');
				text_put_plain(b, g->condition.ns);
				buf_putc(b, '}');
			} else {
				BUF_LIT(b, "DAV:");
			}
			text_put_plain(b, g->condition.local);
		}
		if (g->fate == FATE_PARTIAL && !g->props)
			BUF_LIT(b, ", done in part");
		if (g->props)
			BUF_LIT(b, " for properties");
	}
	BUF_LIT(b, ": ");
	text_put_count(b, g->n);
	buf_put(b, g->n == 1 ? STR(" resource") : STR(" resources"));
}

/* Says why it failed, what to do, and when, on a line each. */
static void
put_group_text(
    struct explain_out *out, struct findings *f, const struct found_group *g)
{
	const struct condition *c = condition_find(g->condition);
	struct buf b CLEANUP(buf_done) = { 0 };
	struct trouble t = { .op = f->op,
		.fate = g->fate == FATE_UNKNOWN ? FATE_UNKNOWN : FATE_FAILED,
		.blame = BLAME_STATUS,
		.status = g->status,
		.wait = g->wait,
		.error = g->error };

	if (g->other)
		return;
	text_put_sentence(&b,
	    str_from_c(c                       ? c->means
		    : *status_means(g->status) ? status_means(g->status)
		    : g->fate == FATE_UNKNOWN ? "what became of it is not known"
					      : ""));
	if (c)
		buf_printf(&b, " (%s)", c->source);
	if (b.len) {
		BUF_LIT(out->b, "  ");
		buf_put(out->b, buf_str(&b));
		buf_putc(out->b, '\n');
	}
	buf_clear(&b);
	trouble_put_todo(&b, &f->item, &t);
	if (b.len) {
		BUF_LIT(out->b, "  Next: ");
		buf_put(out->b, buf_str(&b));
		BUF_LIT(out->b, ".\n");
	}
	carry(out->b, &b);
	arena_clear(&f->item);
}

struct rows {
	struct explain_out *out;
	struct table *t;
	size_t n;
};

static const struct table_column found_columns[] = {
	{ .name = "" },
	{ .name = "", .cut = true },
	{ .name = "" },
};

static enum err_code
rows_begin(struct rows *r, struct explain_out *out)
{
	struct table_spec spec = { .columns = found_columns,
		.n = ARRAY_LEN(found_columns),
		.indent = 4,
		.width = out->width,
		.colours = out->colours };

	*r = (struct rows){ .out = out };
	return table_new(&spec, &r->t, NULL);
}

static void
rows_done(struct rows *r)
{
	table_free(r->t);
}

static enum err_code
rows_put(struct rows *r)
{
	enum err_code rc = table_put(r->t, r->out->b, NULL);

	r->n = 0;
	if (!rc)
		rc = buf_failed(r->out->b);
	return rc ? rc : r->out->flush(r->out->arg);
}

static enum err_code
rows_add(void *arg, const struct found *one)
{
	struct rows *r = arg;
	struct buf line CLEANUP(buf_done) = { 0 };
	struct str cells[3];
	enum err_code rc;

	if (one->line)
		buf_printf(&line, "line %llu", (unsigned long long)one->line);
	cells[0] = one->href.len ? one->href : STR("(no name)");
	cells[1] = one->says;
	cells[2] = buf_str(&line);
	carry(r->out->b, &line);
	rc = table_row(r->t, cells, TONE_PLAIN, NULL);
	if (!rc && ++r->n == ROWS)
		rc = rows_put(r);
	return rc;
}

static enum err_code
put_rows(struct explain_out *out, struct findings *f, size_t group)
{
	const struct found_group *g = &f->groups[group];
	struct rows r CLEANUP(rows_done) = { 0 };
	enum err_code rc = rows_begin(&r, out);
	size_t i;

	if (!rc && f->all)
		rc = findings_each(f, group, rows_add, &r);
	for (i = 0; !rc && !f->all && i < g->shown; i++)
		rc = rows_add(&r, &g->found[i]);
	if (!rc)
		rc = rows_put(&r);
	if (rc || f->all || g->n == g->shown)
		return rc;
	BUF_LIT(out->b, "    ... and ");
	text_put_count(out->b, g->n - g->shown);
	BUF_LIT(out->b, " more (--all shows them)\n");
	return ERR_OK;
}

static enum err_code
put_group(struct explain_out *out, struct findings *f, size_t group)
{
	const struct found_group *g = &f->groups[group];
	struct buf name CLEANUP(buf_done) = { 0 };

	buf_putc(out->b, '\n');
	put_group_name(&name, g);
	tone_put(out->b, out->colours,
	    g->fate == FATE_UNKNOWN ? TONE_DOUBT : TONE_BAD, buf_str(&name));
	buf_putc(out->b, '\n');
	put_group_text(out, f, g);
	return buf_failed(&name) ? buf_failed(&name) : put_rows(out, f, group);
}

/* The largest group that was not shown yet; n_groups: all were. */
static size_t
next_group(const struct findings *f, bool *shown)
{
	size_t i, best = f->n_groups;

	for (i = 0; i < f->n_groups; i++)
		if (!shown[i] &&
		    (best == f->n_groups || f->groups[i].n > f->groups[best].n))
			best = i;
	if (best < f->n_groups)
		shown[best] = true;
	return best;
}

/* ---- counts */

static const char *
status_advice(const struct findings *f, const struct found_status *s)
{
	return s->ok
	    ? ""
	    : advice_word(retry_advise(s->status, op_method(f->op), false));
}

static enum err_code
put_table(struct explain_out *out, const struct findings *f)
{
	static const struct table_column columns[] = { { .name = "STATUS" },
		{ .name = "COUNT", .right = true }, { .name = "RETRY" } };
	struct table_spec spec = { .columns = columns,
		.n = ARRAY_LEN(columns),
		.headings = true,
		.width = out->width,
		.colours = out->colours };
	struct table *t;
	enum err_code rc = table_new(&spec, &t, NULL);
	size_t i, pass;

	if (rc)
		return rc;
	for (pass = 0; pass < 2; pass++)
		for (i = 0; !rc && i < f->n_statuses; i++) {
			const struct found_status *s = &f->statuses[i];
			struct buf name CLEANUP(buf_done) = { 0 };
			struct buf n CLEANUP(buf_done) = { 0 };

			if (s->ok != (pass == 1))
				continue;
			put_status(&name, s->status);
			text_put_count(&n, s->n);
			rc = table_row(t,
			    (const struct str[]){ buf_str(&name), buf_str(&n),
				str_from_c(status_advice(f, s)) },
			    s->ok ? TONE_GOOD : TONE_BAD, NULL);
			carry(out->b, &name);
			carry(out->b, &n);
		}
	buf_putc(out->b, '\n');
	if (!rc)
		rc = table_put(t, out->b, NULL);
	table_free(t);
	return rc;
}

static enum err_code
put_succeeded(struct explain_out *out, struct findings *f)
{
	struct rows r CLEANUP(rows_done) = { 0 };
	enum err_code rc;

	if (!f->all || !f->ok)
		return ERR_OK;
	BUF_LIT(out->b, "\nSucceeded: ");
	text_put_count(out->b, f->ok);
	buf_putc(out->b, '\n');
	rc = rows_begin(&r, out);
	if (!rc)
		rc = findings_each(f, GROUPS_MAX, rows_add, &r);
	return rc ? rc : rows_put(&r);
}

enum err_code
explain_multistatus(
    struct explain_out *out, struct findings *f, const struct answer_seen *a)
{
	bool shown[GROUPS_MAX] = { false };
	enum err_code rc = ERR_OK;
	size_t g;

	put_headline(out, f, a);
	put_end(out, &a->reading);
	if (a->empty)
		warn(out,
		    STR("It does not mention what was asked for: what became "
			"of that is not known. Look at what is there."));
	put_contradiction(out, &a->reading);
	put_description(out, &a->reading);
	while (!rc && (g = next_group(f, shown)) < f->n_groups)
		rc = put_group(out, f, g);
	if (!rc)
		rc = put_succeeded(out, f);
	if (!rc && f->total)
		rc = put_table(out, f);
	if (f->missing) {
		text_put_count(out->b, f->missing);
		BUF_LIT(out->b,
		    " properties were asked for and are not there (404), "
		    "which is no failure.\n");
	}
	return rc ? rc : out->flush(out->arg);
}
