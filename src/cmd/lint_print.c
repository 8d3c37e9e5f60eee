/* SPDX-License-Identifier: MIT */
#include "cmd/lint_print.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/table.h"
#include "cmd/text.h"

/* So many findings of a rule are shown on a terminal. */
#define SHOWN 20

/* Output is written when it has so many bytes. */
#define KEPT ((size_t)64 * 1024)

bool
lint_print_begin(struct lint_printer *p, const char *format)
{
	bool terminal = isatty(STDOUT_FILENO) == 1;

	*p = (struct lint_printer){ .format = LINT_TEXT };
	if (!format || !strcmp(format, "text"))
		p->format = terminal ? LINT_PRETTY : LINT_TEXT;
	else if (!strcmp(format, "json"))
		p->format = LINT_JSON;
	else if (!strcmp(format, "sarif"))
		p->format = LINT_SARIF;
	else
		return false;
	p->colours = text_colours(STDOUT_FILENO);
	p->width = text_width(STDOUT_FILENO);
	if (p->format == LINT_SARIF)
		lint_put_sarif_begin(&p->out);
	return true;
}

unsigned
lint_print_limit(const struct lint_printer *p)
{
	return p->format == LINT_TEXT || p->format == LINT_PRETTY ? SHOWN : 0;
}

static void
flush(struct lint_printer *p)
{
	if (p->broken)
		buf_clear(&p->out);
	else if (print_out(&p->out) != EXIT_OK)
		p->broken = true;
}

static struct str
name_of(const struct lint_source *from)
{
	return from->file.len ? from->file : STR("-");
}

static const char *
severity_word(const struct lint_finding *f)
{
	return f->severity == LINT_ERROR ? "error" : "warning";
}

/* ---- on a terminal */

static void
put_heading(struct lint_printer *p, const struct lint_source *from)
{
	struct buf name = { 0 };

	if (p->headed)
		return;
	p->headed = true;
	if (p->some)
		buf_putc(&p->out, '\n');
	text_put_plain(&name, name_of(from));
	if (from->answer.len) {
		BUF_LIT(&name, "  ");
		text_put_plain(&name, from->answer);
	}
	tone_put(&p->out, p->colours, TONE_STRONG, buf_str(&name));
	buf_putc(&p->out, '\n');
	buf_done(&name);
}

static void
end_line(struct lint_printer *p, unsigned indent, struct buf *line)
{
	buf_printf(&p->out, "%*s", (int)indent, "");
	tone_put(&p->out, p->colours, TONE_FAINT, buf_str(line));
	buf_putc(&p->out, '\n');
	buf_clear(line);
}

/* Puts a paragraph in lines that fit, each behind so many spaces. */
static void
put_wrapped(struct lint_printer *p, unsigned indent, struct str text)
{
	unsigned width = p->width > indent + 20 ? p->width : 80;
	struct buf line = { 0 };
	struct str word;

	while (str_cut(&text, ' ', &word)) {
		if (line.len && indent + line.len + 1 + word.len > width)
			end_line(p, indent, &line);
		if (line.len)
			buf_putc(&line, ' ');
		buf_put(&line, word);
	}
	end_line(p, indent, &line);
	buf_done(&line);
}

static void
put_todo(struct lint_printer *p, const struct lint_finding *f)
{
	struct buf text = { 0 };

	if (p->told[f->rule])
		return;
	p->told[f->rule] = true;
	buf_put(&text, f->todo);
	if (*f->source)
		buf_printf(&text, " (%s)", f->source);
	put_wrapped(p, 10, buf_str(&text));
	buf_done(&text);
}

static void
put_pretty(struct lint_printer *p, const struct lint_source *from,
    const struct lint_finding *f)
{
	struct buf place = { 0 };
	enum tone tone = f->severity == LINT_ERROR ? TONE_BAD : TONE_DOUBT;

	put_heading(p, from);
	if (f->line)
		lint_put_place(&place, from, f);
	else
		buf_put(&place,
		    *lint_rules[f->rule].id == 'H' ? STR("head")
						   : STR("whole"));
	buf_printf(&p->out, "%8.*s  ", STR_ARG(buf_str(&place)));
	tone_put(&p->out, p->colours, tone, str_from_c(severity_word(f)));
	buf_printf(&p->out, "%s %s  ", f->severity == LINT_ERROR ? "  " : "",
	    lint_rules[f->rule].id);
	text_put_plain(&p->out, f->found);
	if (f->pointer.len) {
		BUF_LIT(&p->out, " at ");
		text_put_plain(&p->out, f->pointer);
	}
	buf_putc(&p->out, '\n');
	put_todo(p, f);
	buf_done(&place);
}

/* ---- all forms */

void
lint_print(struct lint_printer *p, const struct lint_source *from,
    const struct lint_finding *f)
{
	switch (p->format) {
	case LINT_TEXT:
		lint_put_text(&p->out, from, f);
		break;
	case LINT_PRETTY:
		put_pretty(p, from, f);
		break;
	case LINT_JSON:
		lint_put_json(&p->out, from, f);
		break;
	case LINT_SARIF:
		lint_put_sarif(&p->out, !p->some, from, f);
		break;
	}
	p->some = true;
	if (p->out.len >= KEPT)
		flush(p);
}

static void
put_more(struct lint_printer *p, const struct lint_source *from,
    enum lint_rule rule, uint64_t more)
{
	if (p->format != LINT_TEXT)
		BUF_LIT(&p->out, "          ");
	lint_put_more(
	    &p->out, p->format == LINT_TEXT ? from : NULL, rule, more);
}

void
lint_print_report(struct lint_printer *p, const struct lint_source *from,
    const struct lint_report *r, unsigned per_rule)
{
	size_t i;

	for (i = 0; per_rule && i < LINT_COUNT; i++)
		if (r->of_rule[i] > per_rule)
			put_more(p, from, (enum lint_rule)i,
			    r->of_rule[i] - per_rule);
	p->headed = false;
	memset(p->told, 0, sizeof(p->told));
	if (p->format != LINT_SARIF)
		flush(p);
}

void
lint_print_end(
    struct lint_printer *p, const struct lint_totals *t, bool complete)
{
	if (p->format == LINT_JSON)
		lint_put_json_summary(&p->out, t);
	if (p->format == LINT_SARIF)
		lint_put_sarif_end(&p->out, complete);
	flush(p);
	buf_done(&p->out);
}
