/* SPDX-License-Identifier: MIT */
/* What became of items, in words and as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/text.h"
#include "cmd/work_impl.h"
#include "http/status.h"
#include "wire/json_object.h"

/* From so many items on there is a summary even if all went well. */
#define MANY 20

/* "put a.txt to https://h/a.txt" */
static void
put_subject(struct buf *b, const struct work_item *i)
{
	bool up = !strcmp(i->op, "put");

	if (i->id.len) {
		text_put_plain(b, i->id);
		BUF_LIT(b, ": ");
	}
	buf_put(b, str_from_c(i->op));
	buf_putc(b, ' ');
	if (up && i->file.len) {
		text_put_plain(b, i->file);
		BUF_LIT(b, " to ");
	}
	text_put_plain(b, i->url);
	if (i->destination.len || (!up && i->file.len)) {
		BUF_LIT(b, " to ");
		text_put_plain(
		    b, i->destination.len ? i->destination : i->file);
	}
}

struct trouble
work_trouble(const struct work_item *i, const struct verdict *v)
{
	return (struct trouble){ .op = i->op,
		.fate = v->fate,
		.blame = v->blame,
		.status = v->status,
		.wait = v->wait,
		.text = v->text,
		.error = v->error };
}

/* The trouble without the status 207, which says nothing to people. */
static struct trouble
trouble_shown(const struct work_item *i, const struct verdict *v)
{
	struct trouble p = work_trouble(i, v);

	if (p.status == 207)
		p.status = 0;
	return p;
}

/* ---- for people */

static void
put_fate(struct buf *b, enum fate fate)
{
	static const char *const words[FATE_COUNT] = {
		[FATE_DONE] = "",
		[FATE_FAILED] = "",
		[FATE_PARTIAL] = "done in part: ",
		[FATE_UNKNOWN] = "outcome unknown: ",
		[FATE_LEFT] = "not begun: ",
	};

	buf_put(b, str_from_c(words[fate]));
}

static void
put_members(struct buf *b, uint64_t n)
{
	text_put_count(b, n);
	buf_put(b,
	    n == 1 ? STR(" member failed, see above.")
		   : STR(" members failed, see above."));
}

static void
say_done(struct work *w, const struct work_item *i, const struct verdict *v)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	put_subject(&b, i);
	BUF_LIT(&b, ": ");
	if (v->status) {
		buf_printf(&b, "%u ", v->status);
		buf_put(&b, status_reason(v->status));
	} else {
		BUF_LIT(&b, "done");
	}
	work_line(w, buf_str(&b));
}

static void
say_not_done(struct work *w, const struct work_item *i, const struct verdict *v,
    const struct work_parent *parent)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct trouble p = trouble_shown(i, v);

	put_subject(&b, i);
	BUF_LIT(&b, ": ");
	put_fate(&b, v->fate);
	if (parent && parent->n && !v->text.len && !p.status)
		put_members(&b, parent->n);
	else
		trouble_put(&b, &w->item, &p);
	work_line(w, buf_str(&b));
}

/* ---- as JSON */

static void
put_result(struct work *w, const struct work_item *i, const struct verdict *v,
    const struct work_parent *parent)
{
	struct json_object o = json_begin(&w->out);
	struct trouble p = work_trouble(i, v);

	json_put_text(&o, "type", STR("result"));
	json_put_optional(&o, "id", i->id);
	json_put_text(&o, "op", str_from_c(i->op));
	json_put_optional(&o, "url", i->url);
	json_put_optional(&o, "destination", i->destination);
	json_put_optional(&o, "file", i->file);
	if (v->status)
		json_put_number(&o, "status", v->status);
	json_put_text(&o, "fate", str_from_c(fate_word(v->fate)));
	json_put_optional(&o, "etag", v->etag);
	if (i->bytes)
		json_put_number(&o, "bytes", i->bytes);
	if (i->replayed)
		json_put_true(&o, "replayed");
	if (i->answer.len)
		json_put_raw(&o, "answer", i->answer);
	if (i->answer_omitted)
		json_put_true(&o, "answerOmitted");
	if (v->fate != FATE_DONE) {
		trouble_put_json(&o, &w->item, &p);
		if (v->retryable)
			json_put_true(&o, "retryable");
		else
			json_put_false(&o, "retryable");
	}
	if (parent && parent->n) {
		json_put_number(&o, "membersFailed", parent->n);
		json_put_array(&o, "members", buf_str(&parent->members));
	}
	json_end(&o);
	buf_putc(&w->out, '\n');
}

void
work_say_item(struct work *w, const struct work_item *i,
    const struct verdict *v, const struct work_parent *parent)
{
	if (w->json)
		put_result(w, i, v, parent);
	else if (v->fate != FATE_DONE &&
	    (w->verbose || (v->blame != BLAME_INTERRUPT && !i->mute)))
		say_not_done(w, i, v, parent);
	else if (w->verbose)
		say_done(w, i, v);
}

/* ---- members */

/* The properties that failed, by status: "{urn:x}a, {urn:x}b: 403 ..." */
static void
put_props(
    struct buf *b, struct arena *a, const char *op, const struct outcome *o)
{
	size_t i, k;
	bool some = false;

	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];
		struct trouble p = { .op = op,
			.fate = FATE_FAILED,
			.status = ps->status,
			.wait = -1,
			.text = ps->tell,
			.error = ps->error };

		if (ps->status >= 200 && ps->status < 300)
			continue;
		if (some)
			BUF_LIT(b, "; ");
		some = true;
		for (k = 0; k < ps->n_props; k++) {
			buf_put(b, k ? STR(", {") : STR("{"));
			text_put_plain(b, ps->props[k].name.ns);
			buf_putc(b, '}');
			text_put_plain(b, ps->props[k].name.local);
		}
		BUF_LIT(b, ": ");
		trouble_put_what(b, a, &p);
	}
}

static void
put_member_json(struct work *w, struct work_parent *parent, struct str url,
    const struct outcome *o, const struct trouble *p)
{
	struct json_object j;

	if (parent->n > WORK_MEMBERS_SHOWN)
		return;
	if (parent->members.len)
		buf_putc(&parent->members, ',');
	j = json_begin(&parent->members);
	json_put_text(&j, "url", url);
	if (o->status)
		json_put_number(&j, "status", o->status);
	json_put_text(&j, "fate", str_from_c(fate_word(p->fate)));
	trouble_put_json(&j, &w->item, p);
	json_end(&j);
}

void
work_say_member(struct work *w, struct work_parent *parent,
    const struct work_item *i, struct str url, const struct outcome *o)
{
	struct trouble p = trouble_of(i->op, o);
	struct buf b CLEANUP(buf_done) = { 0 };

	if (w->json) {
		put_member_json(w, parent, url, o, &p);
		return;
	}
	buf_put(&b, str_from_c(i->op));
	buf_putc(&b, ' ');
	text_put_plain(&b, url.len ? url : i->url);
	if (!url.len)
		buf_printf(&b, ": a member without a name (line %llu)",
		    (unsigned long long)(o->told ? o->told->line : 0));
	BUF_LIT(&b, ": ");
	put_fate(&b, p.fate);
	if (o->n_propstats)
		put_props(&b, &w->item, i->op, o);
	else
		trouble_put(&b, &w->item, &p);
	work_line(w, buf_str(&b));
}

/* ---- the summary */

static void
put_part(struct buf *b, uint64_t n, const char *what)
{
	if (!n)
		return;
	if (b->len)
		BUF_LIT(b, ", ");
	text_put_count(b, n);
	buf_printf(b, " %s", what);
}

static void
say_counts(struct work *w)
{
	const struct exit_facts *f = &w->facts;
	struct buf b CLEANUP(buf_done) = { 0 };
	bool all = f->fates[FATE_DONE] == f->total;

	if (f->total < 2 || w->quiet || (all && f->total < MANY && !w->verbose))
		return;
	text_put_count(&b, f->fates[FATE_DONE]);
	BUF_LIT(&b, " done");
	put_part(&b, f->fates[FATE_FAILED], "failed");
	put_part(&b, f->fates[FATE_PARTIAL], "done in part");
	put_part(&b, f->fates[FATE_UNKNOWN], "unknown");
	put_part(&b, f->fates[FATE_LEFT], "not begun");
	work_line(w, buf_str(&b));
}

static void
put_summary(struct work *w, int code)
{
	const struct exit_facts *f = &w->facts;
	struct json_object o = json_begin(&w->out);
	unsigned i;

	json_put_text(&o, "type", STR("summary"));
	json_put_number(&o, "total", f->total);
	for (i = 0; i < FATE_COUNT; i++)
		json_put_number(&o, fate_word((enum fate)i), f->fates[i]);
	json_put_number(&o, "membersFailed", w->members);
	json_put_number(&o, "retryable", w->retryable);
	if (w->replayed)
		json_put_number(&o, "replayed", w->replayed);
	if (w->bytes)
		json_put_number(&o, "bytes", w->bytes);
	if (w->file.lines && !w->file.failed)
		json_put_text(&o, "retryFile", str_from_c(w->file.name));
	json_put_number(&o, "exit", (uint64_t)code);
	json_end(&o);
	buf_putc(&w->out, '\n');
}

void
work_refuse(int code)
{
	struct work *none = calloc(1, sizeof(*none));

	if (!none)
		return;
	put_summary(none, code);
	if (!buf_failed(&none->out))
		(void)!fd_write_all(STDOUT_FILENO, buf_str(&none->out), NULL);
	buf_done(&none->out);
	free(none);
}

void
work_say_summary(struct work *w, int code)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (w->json)
		put_summary(w, code);
	else
		say_counts(w);
	if (!w->file.lines || w->file.failed)
		return;
	BUF_LIT(&b, "what was not done is in ");
	text_put_plain(&b, str_from_c(w->file.name));
	BUF_LIT(&b, "; to go on: sheaf retry ");
	if (w->file.header.user.len) {
		BUF_LIT(&b, "--user ");
		text_put_word(&b, w->file.header.user);
		buf_putc(&b, ' ');
	}
	text_put_word(&b, str_from_c(w->file.name));
	work_line(w, buf_str(&b));
}
