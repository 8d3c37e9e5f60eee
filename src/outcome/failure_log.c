/* SPDX-License-Identifier: MIT */
#include "outcome/failure_log.h"

#include "http/href.h"

/*
 * Appends printable ASCII as it is, all else as \xNN: a sentence may quote what
 * a client sent, and that must neither end the line nor drive a terminal.
 */
static void
put_visible(struct buf *b, struct str text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c >= ' ' && c <= '~' && c != '\\')
			buf_putc(b, (char)c);
		else
			buf_printf(b, "\\x%02x", c);
	}
}

/* Appends what names the outcome; of one that was told also its id will do. */
static void
put_subject(struct buf *b, const struct outcome *o)
{
	if (!o->told)
		href_put(b, STR(""), o->path, o->collection);
	else if (o->told->href.len)
		put_visible(b, o->told->href);
	else if (o->told->id.len)
		put_visible(b, o->told->id);
	else
		buf_printf(b, "(unnamed, line %llu)",
		    (unsigned long long)o->told->line);
}

static enum err_code
failure_log_put(struct sink *s, const struct outcome *o)
{
	struct failure_log *f = CONTAINER_OF(s, struct failure_log, base);

	if (!outcome_is_failure(o))
		return ERR_OK;
	buf_clear(&f->line);
	put_visible(&f->line, f->what);
	buf_putc(&f->line, ' ');
	put_subject(&f->line, o);
	BUF_LIT(&f->line, ": ");
	buf_put_u64(&f->line, o->status);
	buf_putc(&f->line, ' ');
	put_visible(&f->line, outcome_text(o));
	if (buf_failed(&f->line))
		return buf_failed(&f->line);
	f->to.line(f->to.arg, buf_str(&f->line));
	return ERR_OK;
}

static const struct sink_ops failure_log_ops = {
	.name = "failure log",
	.put = failure_log_put,
};

struct sink *
failure_log_init(struct failure_log *f, struct str what, struct log_lines to)
{
	*f = (struct failure_log){ .what = what, .to = to };
	sink_init(&f->base, &failure_log_ops);
	return &f->base;
}

void
failure_log_done(struct failure_log *f)
{
	buf_done(&f->line);
}
