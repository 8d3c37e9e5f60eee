/* SPDX-License-Identifier: MIT */
/*
 * docs/lint-rules.md is made of the table of rules and of the samples:
 * docs_lint DIRECTORY DOCUMENT fails where it is not what they give, and
 * docs_lint DIRECTORY DOCUMENT --write writes it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "samples.h"

static const char intro[] =
    "# What `sheaf lint` checks\n"
    "\n"
    "A 207 (Multi-Status) says what became of each of several resources. Who\n"
    "reads one wrongly, or is sent a wrong one, takes failures for success. "
    "These\n"
    "are the rules that `sheaf lint` holds an answer against: **H** its "
    "header, **X** its\n"
    "XML ([RFC 4918](https://www.rfc-editor.org/rfc/rfc4918)), **J** its "
    "JSON, **S** what it carries.\n"
    "\n"
    "    sheaf lint answer.xml                      # the body alone\n"
    "    curl -si -X DELETE URL | sheaf lint --method DELETE --url URL -\n"
    "    sheaf lint https://dav.example.com/        # asked with PROPFIND\n"
    "    sheaf lint --request batch.json answer.json\n"
    "    sheaf lint --format sarif *.http > lint.sarif\n"
    "\n"
    "It ends with 8 where there is an error, and with 0 where there are none, "
    "or\n"
    "warnings only. What depends on the request (its method, its URL, the ids "
    "of a\n"
    "bulk request) is judged only where it is known.\n"
    "\n"
    "This page is made of the table of rules and of the samples of the tests\n"
    "(tests/lint/); a test fails where it says anything else.\n"
    "\n";

static const struct sample *
find_sample(const struct samples *s, const char *id, const char *kind)
{
	struct buf name = { 0 };
	const struct sample *found = NULL;
	size_t i;

	buf_printf(&name, "%s-%s.", id, kind);
	for (i = 0; !found && i < s->n; i++)
		if (str_starts(s->v[i].name, buf_str(&name)))
			found = &s->v[i];
	buf_done(&name);
	return found;
}

static const char *
severity_text(const struct lint_rule_row *r)
{
	if (r->severity == LINT_WARNING)
		return "warning";
	return r->also_warns ? "error, milder cases a warning" : "error";
}

static void
put_list(struct buf *b)
{
	size_t i;

	BUF_LIT(b, "| id | | in a good 207 |\n|---|---|---|\n");
	for (i = 0; i < LINT_COUNT; i++) {
		struct str id = str_from_c(lint_rules[i].id);

		buf_printf(b, "| [%.*s](#", STR_ARG(id));
		buf_putc(b, ascii_lower(id.ptr[0]));
		buf_printf(b, "%s) | %s | %s |\n", id.ptr + 1,
		    severity_text(&lint_rules[i]), lint_rules[i].title);
	}
}

static const char *
language(struct str name)
{
	if (str_ends(name, STR(".http")))
		return "http";
	return str_ends(name, STR(".xml")) ? "xml" : "json";
}

static void
put_sample(struct buf *b, const struct sample *s)
{
	if (s->method.len || s->url.len || s->request.len) {
		BUF_LIT(b, "The answer to ");
		buf_put(b, s->method.len ? s->method : STR("a request"));
		if (s->url.len)
			buf_printf(b, " %.*s", STR_ARG(s->url));
		if (s->request.len)
			BUF_LIT(b,
			    " with the operations a, b, which depends "
			    "on a, and c");
		BUF_LIT(b, ":\n\n");
	}
	buf_printf(b, "```%s\n%.*s", language(s->name), STR_ARG(s->bytes));
	if (!str_ends(s->bytes, STR("\n")))
		buf_putc(b, '\n');
	BUF_LIT(b, "```\n\n");
}

/* The findings of a failing sample, one a line. */
static bool
put_findings(struct buf *b, const struct sample *s)
{
	struct lint_run r = { 0 };
	struct str places, sentences, place, sentence;

	if (sample_run(s, &r))
		return false;
	places = buf_str(&r.said);
	sentences = buf_str(&r.sentences);
	while (str_cut(&places, '\n', &place) &&
	    str_cut(&sentences, '\n', &sentence) && place.len) {
		place = str_skip(place, 7); /* "X105 E " */
		place = str_head(place, str_find(place, ' '));
		BUF_LIT(b, "- ");
		if (!str_eq(place, STR("0:0")))
			buf_printf(b, "%.*s: ", STR_ARG(place));
		buf_put(b, sentence);
		buf_putc(b, '\n');
	}
	buf_putc(b, '\n');
	lint_run_done(&r);
	return true;
}

/* Words in which nothing is markup. */
static void
put_words(struct buf *b, const char *words)
{
	for (; *words; words++) {
		if (*words == '<' || *words == '*' || *words == '_')
			buf_putc(b, '\\');
		buf_putc(b, *words);
	}
}

static bool
put_rule(struct buf *b, const struct samples *s, const struct lint_rule_row *r)
{
	const struct sample *fail = find_sample(s, r->id, "fail");
	const struct sample *pass = find_sample(s, r->id, "pass");

	if (!fail || !pass)
		return false;
	buf_printf(b, "\n## %s\n\n", r->id);
	BUF_LIT(b, "**In a good 207:** ");
	put_words(b, r->title);
	buf_printf(b, " (%s", severity_text(r));
	if (*r->source)
		buf_printf(b, "; %s", r->source);
	BUF_LIT(b, "). ");
	put_words(b, r->why);
	BUF_LIT(b, "\n\n");
	put_sample(b, fail);
	if (!put_findings(b, fail))
		return false;
	put_words(b, r->help);
	BUF_LIT(b, "\n\n");
	put_sample(b, pass);
	b->len--; /* one empty line between sections */
	return true;
}

static bool
make(struct buf *b, const struct samples *s)
{
	size_t i;

	buf_put(b, str_from_c(intro));
	put_list(b);
	for (i = 0; i < LINT_COUNT; i++)
		if (!put_rule(b, s, &lint_rules[i]))
			return false;
	return !buf_failed(b);
}

static int
write_document(const char *name, const struct buf *b)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	bool ok = fd >= 0 && !fd_write_all(fd, buf_str(b), NULL);

	fd_close(&fd);
	return ok ? 0 : 1;
}

static int
compare(const char *name, const struct buf *b)
{
	struct buf is = { 0 };
	int code = 0;

	if (file_read(name, &is, NULL) || !str_eq(buf_str(&is), buf_str(b))) {
		(void)fprintf(stderr,
		    "%s is not what the rules and samples give: run this with "
		    "--write behind it\n",
		    name);
		code = 1;
	}
	buf_done(&is);
	return code;
}

int
main(int argc, char **argv)
{
	static struct samples s;
	struct buf b = { 0 };
	int code = 1;

	if (argc < 3)
		return 2;
	samples_read(&s, argv[1]);
	if (make(&b, &s))
		code = argc > 3 ? write_document(argv[2], &b)
				: compare(argv[2], &b);
	samples_done(&s);
	buf_done(&b);
	return code;
}
