/* SPDX-License-Identifier: MIT */
/* An answer that is no 207, for people; and any answer as a line of JSON. */
#include "cmd/explain_impl.h"
#include "cmd/text.h"
#include "outcome/conditions.h"
#include "wire/error_read.h"
#include "wire/json_object.h"

/* ---- an answer that is no 207 */

static void
put_body_says(struct explain_out *out, struct findings *f,
    const struct answer_seen *a, struct error_read *e)
{
	if (error_read(&f->item, a->content_type, a->body, e, NULL))
		out->b->failed = ERR_NOMEM;
	if (e->sentence.len) {
		BUF_LIT(out->b, "  The server says: ");
		text_put_plain(out->b, e->sentence);
		buf_putc(out->b, '\n');
	}
	if (e->problem_type.len) {
		BUF_LIT(out->b, "  Problem type: ");
		text_put_plain(out->b, e->problem_type);
		buf_putc(out->b, '\n');
	}
}

static void
put_condition(struct explain_out *out, const struct error_read *e)
{
	const struct condition *c = condition_find(e->condition);

	if (!e->condition.local.len)
		return;
	BUF_LIT(out->b, "  {");
	text_put_plain(out->b, e->condition.ns);
	buf_putc(out->b, '}');
	text_put_plain(out->b, e->condition.local);
	if (c) {
		BUF_LIT(out->b, ": ");
		buf_put(out->b, str_from_c(c->means));
		buf_printf(out->b, " (%s)", c->source);
	}
	if (e->href.len) {
		BUF_LIT(out->b, ", because of ");
		text_put_plain(out->b, e->href);
	}
	buf_putc(out->b, '\n');
}

static void
put_single_headline(struct explain_out *out, const struct answer_seen *a)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (a->status) {
		explain_put_what(&b, a);
	} else {
		text_put_plain(&b, str_from_c(a->source));
		BUF_LIT(&b, ": an error, without its status");
	}
	BUF_LIT(&b, ", for the request as a whole.");
	tone_put(out->b, out->colours, TONE_STRONG, buf_str(&b));
	buf_putc(out->b, '\n');
	if (buf_failed(&b))
		out->b->failed = buf_failed(&b);
	buf_clear(&b);
	text_put_sentence(&b, str_from_c(status_means(a->status)));
	if (!b.len)
		return;
	BUF_LIT(out->b, "  ");
	buf_put(out->b, buf_str(&b));
	buf_putc(out->b, '\n');
}

enum err_code
explain_single(
    struct explain_out *out, struct findings *f, const struct answer_seen *a)
{
	struct buf todo CLEANUP(buf_done) = { 0 };
	struct error_read e = { 0 };
	struct trouble t = { .op = f->op,
		.fate = FATE_FAILED,
		.blame = BLAME_STATUS,
		.status = a->status,
		.wait = a->wait };
	bool ok = a->status >= 200 && a->status < 300 && a->status != 202;

	put_single_headline(out, a);
	put_body_says(out, f, a, &e);
	put_condition(out, &e);
	t.error = e.xml;
	if (!ok)
		trouble_put_todo(&todo, &f->item, &t);
	if (todo.len) {
		BUF_LIT(out->b, "  Next: ");
		buf_put(out->b, buf_str(&todo));
		BUF_LIT(out->b, ".\n");
	}
	arena_clear(&f->item);
	if (buf_failed(&todo))
		return buf_failed(&todo);
	return out->flush(out->arg);
}

/* ---- as JSON */

static void
put_reading(
    struct json_object *j, const struct findings *f, const struct reading *r)
{
	json_put_text(j, "form", str_from_c(explain_shape_name(r->shape)));
	json_put_number(j, "total", f->total);
	json_put_number(j, "success", f->ok);
	json_put_number(j, "failed", f->failed);
	json_put_number(j, "unknown", f->unknown);
	if (r->end) {
		json_put_text(j, "end",
		    r->end == ERR_CUT_SHORT ? STR("cut short")
					    : STR("malformed"));
		json_put_optional(j, "endError", str_from_c(r->err.tell));
		json_put_number(j, "line", r->line);
		json_put_number(j, "column", r->column);
	} else {
		json_put_text(j, "end", STR("whole"));
	}
	if (r->contradicts)
		json_put_true(j, "contradicts");
	json_put_optional(j, "description", str_from_c(r->description));
	json_put_optional(j, "syncToken", str_from_c(r->sync_token));
}

static void
put_single(struct json_object *j, const struct answer_seen *a)
{
	struct arena arena CLEANUP(arena_done) = { 0 };
	struct error_read e;
	struct buf name CLEANUP(buf_done) = { 0 };

	if (error_read(&arena, a->content_type, a->body, &e, NULL))
		return;
	if (e.condition.local.len) {
		buf_putc(&name, '{');
		buf_put(&name, e.condition.ns);
		buf_putc(&name, '}');
		buf_put(&name, e.condition.local);
		json_put_text(j, "condition", buf_str(&name));
	}
	json_put_optional(j, "error", e.sentence);
	json_put_optional(j, "problemType", e.problem_type);
}

void
explain_json_answer(struct buf *b, const struct findings *f,
    const struct answer_seen *a, bool multistatus)
{
	struct json_object j = json_begin(b);

	json_put_text(&j, "type", STR("summary"));
	json_put_text(&j, "source", str_from_c(a->source));
	if (a->status)
		json_put_number(&j, "status", a->status);
	json_put_optional(&j, "method", a->method);
	json_put_optional(&j, "url", a->url);
	if (multistatus && a->empty)
		json_put_true(&j, "mentionsNothing");
	if (multistatus)
		put_reading(&j, f, &a->reading);
	else
		put_single(&j, a);
	json_end(&j);
	buf_putc(b, '\n');
}
