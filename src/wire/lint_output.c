/* SPDX-License-Identifier: MIT */
#include "wire/lint_output.h"

#include "base/plain.h"
#include "http/url.h"
#include "wire/escape.h"
#include "wire/json_object.h"

static struct str
severity_word(enum lint_severity s)
{
	return s == LINT_ERROR ? STR("error") : STR("warning");
}

/* The finding's line in the file, not in the body. */
static uint64_t
file_line(const struct lint_source *from, const struct lint_finding *f)
{
	return f->line ? f->line + from->line : 0;
}

static struct str
name_of(const struct lint_source *from)
{
	return from->file.len ? from->file : STR("-");
}

/* ---- text */

void
lint_put_place(
    struct buf *b, const struct lint_source *from, const struct lint_finding *f)
{
	buf_put_u64(b, file_line(from, f));
	buf_putc(b, ':');
	buf_put_u64(b, f->column);
}

void
lint_put_text(
    struct buf *b, const struct lint_source *from, const struct lint_finding *f)
{
	text_put_plain(b, name_of(from));
	if (f->line && !from->answer.len) {
		buf_putc(b, ':');
		lint_put_place(b, from, f);
	}
	buf_printf(b, ": %.*s %s: ", STR_ARG(severity_word(f->severity)),
	    lint_rules[f->rule].id);
	if (from->answer.len) {
		text_put_plain(b, from->answer);
		BUF_LIT(b, ": ");
		if (f->line) {
			lint_put_place(b, from, f);
			BUF_LIT(b, " of the body: ");
		}
	}
	text_put_plain(b, f->found);
	if (f->pointer.len) {
		BUF_LIT(b, " at ");
		text_put_plain(b, f->pointer);
	}
	if (*f->source)
		buf_printf(b, " (%s)", f->source);
	BUF_LIT(b, ". ");
	text_put_plain(b, f->todo);
	buf_putc(b, '\n');
}

void
lint_put_more(struct buf *b, const struct lint_source *from,
    enum lint_rule rule, uint64_t more)
{
	if (from) {
		text_put_plain(b, name_of(from));
		BUF_LIT(b, ": ");
	}
	BUF_LIT(b, "and ");
	text_put_count(b, more);
	buf_printf(b, " more of %s\n", lint_rules[rule].id);
}

/* ---- JSON */

void
lint_put_json(
    struct buf *b, const struct lint_source *from, const struct lint_finding *f)
{
	struct json_object o = json_begin(b);

	json_put_text(&o, "type", STR("finding"));
	json_put_text(&o, "file", name_of(from));
	if (from->answer.len)
		json_put_text(&o, "answer", from->answer);
	json_put_text(&o, "rule", str_from_c(lint_rules[f->rule].id));
	json_put_text(&o, "severity", severity_word(f->severity));
	if (f->line) {
		json_put_number(&o, "line", file_line(from, f));
		json_put_number(&o, "column", f->column);
	}
	if (f->pointer.ptr)
		json_put_text(&o, "pointer", f->pointer);
	json_put_text(&o, "found", f->found);
	json_put_text(&o, "todo", f->todo);
	if (*f->source)
		json_put_text(&o, "source", str_from_c(f->source));
	json_end(&o);
	buf_putc(b, '\n');
}

void
lint_put_json_summary(struct buf *b, const struct lint_totals *t)
{
	struct json_object o = json_begin(b);

	json_put_text(&o, "type", STR("summary"));
	json_put_number(&o, "answers", t->answers);
	json_put_number(&o, "items", t->items);
	json_put_number(&o, "errors", t->errors);
	json_put_number(&o, "warnings", t->warnings);
	json_end(&o);
	buf_putc(b, '\n');
}

/* ---- SARIF */

static void
put_member(struct buf *b, struct str name, struct str value)
{
	json_put_string(b, name);
	buf_putc(b, ':');
	json_put_string(b, value);
}

/* "name":{"text":"value"} */
static void
put_text(struct buf *b, struct str name, struct str value)
{
	json_put_string(b, name);
	BUF_LIT(b, ":{");
	put_member(b, STR("text"), value);
	buf_putc(b, '}');
}

static void
put_rule(struct buf *b, const struct lint_rule_row *r)
{
	buf_putc(b, '{');
	put_member(b, STR("id"), str_from_c(r->id));
	buf_putc(b, ',');
	put_text(b, STR("shortDescription"), str_from_c(r->title));
	buf_putc(b, ',');
	put_text(b, STR("fullDescription"), str_from_c(r->why));
	buf_putc(b, ',');
	put_text(b, STR("help"), str_from_c(r->help));
	BUF_LIT(b, ",\"defaultConfiguration\":{");
	put_member(b, STR("level"), severity_word(r->severity));
	buf_putc(b, '}');
	if (*r->source) {
		BUF_LIT(b, ",\"properties\":{");
		put_member(b, STR("source"), str_from_c(r->source));
		buf_putc(b, '}');
	}
	buf_putc(b, '}');
}

void
lint_put_sarif_begin(struct buf *b)
{
	size_t i;

	BUF_LIT(b,
	    "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\","
	    "\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{"
	    "\"name\":\"sheaf\",\"version\":\"" SHEAF_VERSION
	    "\",\"rules\":[\n");
	for (i = 0; i < LINT_COUNT; i++) {
		put_rule(b, &lint_rules[i]);
		buf_put(b, i + 1 < LINT_COUNT ? STR(",\n") : STR("\n"));
	}
	BUF_LIT(b, "]}},\"columnKind\":\"unicodeCodePoints\",\"results\":[\n");
}

/* A file's name as a relative reference (SARIF s3.4.3). */
static void
put_uri(struct buf *b, const struct lint_source *from)
{
	struct str rest = from->file, segment;
	bool first = true;

	if (!from->file.len || from->is_url) {
		buf_put(b, from->file.len ? from->file : STR("stdin"));
		return;
	}
	if (*from->file.ptr == '/')
		BUF_LIT(b, "file://");
	while (str_cut(&rest, '/', &segment)) {
		if (!first)
			buf_putc(b, '/');
		first = false;
		url_put_segment(b, segment);
	}
}

static void
put_location(
    struct buf *b, const struct lint_source *from, const struct lint_finding *f)
{
	struct buf uri = { 0 };

	put_uri(&uri, from);
	BUF_LIT(b,
	    "\"locations\":[{\"physicalLocation\":{"
	    "\"artifactLocation\":{");
	put_member(b, STR("uri"), buf_str(&uri));
	buf_putc(b, '}');
	if (f->line && !from->answer.len) {
		BUF_LIT(b, ",\"region\":{\"startLine\":");
		buf_put_u64(b, file_line(from, f));
		BUF_LIT(b, ",\"startColumn\":");
		buf_put_u64(b, f->column);
		buf_putc(b, '}');
	}
	buf_putc(b, '}');
	if (f->pointer.len) {
		BUF_LIT(b, ",\"logicalLocations\":[{");
		put_member(b, STR("fullyQualifiedName"), f->pointer);
		BUF_LIT(b, "}]");
	}
	BUF_LIT(b, "}]");
	if (buf_failed(&uri))
		b->failed = buf_failed(&uri);
	buf_done(&uri);
}

void
lint_put_sarif(struct buf *b, bool first, const struct lint_source *from,
    const struct lint_finding *f)
{
	if (!first)
		BUF_LIT(b, ",\n");
	buf_putc(b, '{');
	put_member(b, STR("ruleId"), str_from_c(lint_rules[f->rule].id));
	BUF_LIT(b, ",\"ruleIndex\":");
	buf_put_u64(b, f->rule);
	buf_putc(b, ',');
	put_member(b, STR("level"), severity_word(f->severity));
	buf_putc(b, ',');
	put_text(b, STR("message"), f->found);
	buf_putc(b, ',');
	put_location(b, from, f);
	if (from->answer.len) {
		BUF_LIT(b, ",\"properties\":{");
		put_member(b, STR("answer"), from->answer);
		if (f->line) {
			BUF_LIT(b, ",\"bodyLine\":");
			buf_put_u64(b, f->line);
			BUF_LIT(b, ",\"bodyColumn\":");
			buf_put_u64(b, f->column);
		}
		buf_putc(b, '}');
	}
	buf_putc(b, '}');
}

void
lint_put_sarif_end(struct buf *b, bool complete)
{
	BUF_LIT(b, "\n],\"invocations\":[{\"executionSuccessful\":");
	buf_put(b, complete ? STR("true") : STR("false"));
	BUF_LIT(b, "}]}]}\n");
}
