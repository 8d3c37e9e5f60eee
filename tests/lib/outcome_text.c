/* SPDX-License-Identifier: MIT */
#include "lib/outcome_text.h"

#include "http/href.h"

static void
put_name(struct buf *b, struct prop_name n)
{
	buf_putc(b, '{');
	buf_put(b, n.ns);
	buf_putc(b, '}');
	buf_put(b, n.local);
}

static void
put_prop(struct buf *b, const struct prop *p)
{
	size_t i;

	buf_putc(b, ' ');
	put_name(b, p->name);
	switch (p->form) {
	case PROP_EMPTY:
		break;
	case PROP_TEXT:
		BUF_LIT(b, "=\"");
		buf_put(b, p->value);
		buf_putc(b, '"');
		break;
	case PROP_NUMBER:
		BUF_LIT(b, "=#");
		buf_put_u64(b, p->number);
		break;
	case PROP_NAMES:
		BUF_LIT(b, "=[");
		for (i = 0; i < p->n_names; i++)
			put_name(b, p->names[i]);
		buf_putc(b, ']');
		break;
	case PROP_HREF:
		BUF_LIT(b, "=@");
		buf_put(b, p->value);
		break;
	case PROP_XML:
		buf_putc(b, '=');
		buf_put(b, p->value);
		break;
	case PROP_LOCKS:
	case PROP_LOCK_KINDS:
		BUF_LIT(b, "=locks");
		break;
	}
}

static void
put_field(struct buf *b, const char *name, struct str value)
{
	if (!value.len)
		return;
	buf_printf(b, " %s=", name);
	buf_put(b, value);
}

static void
put_told(struct buf *b, const struct told *t)
{
	put_field(b, "error", t->error);
	put_field(b, "id", t->id);
	put_field(b, "op", t->op);
	put_field(b, "type", t->problem_type);
	put_field(b, "location", t->location);
	put_field(b, "retry", t->retry_after);
	put_field(b, "by", t->caused_by);
	if (t->partial)
		BUF_LIT(b, " partial");
}

void
outcome_text_put(struct buf *b, const struct outcome *o)
{
	size_t i, k;

	if (o->told)
		buf_put(b, o->told->href);
	else
		href_put(b, STR(""), o->path, o->collection);
	buf_putc(b, ' ');
	buf_put_u64(b, o->status);
	put_field(b, "tell", o->tell);
	if (o->told)
		put_told(b, o->told);
	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		if (!i)
			buf_putc(b, ' ');
		buf_putc(b, '{');
		buf_put_u64(b, ps->status);
		for (k = 0; k < ps->n_props; k++)
			put_prop(b, &ps->props[k]);
		put_field(b, "tell", ps->tell);
		put_field(b, "error", ps->error);
		buf_putc(b, '}');
	}
	buf_putc(b, '\n');
}

static enum err_code
text_sink_put(struct sink *s, const struct outcome *o)
{
	struct text_sink *t = CONTAINER_OF(s, struct text_sink, base);

	if (t->places && o->told)
		buf_printf(t->to, "@%llu:%llu ",
		    (unsigned long long)o->told->line,
		    (unsigned long long)o->told->column);
	outcome_text_put(t->to, o);
	return buf_failed(t->to);
}

static enum err_code
text_sink_end(struct sink *s)
{
	CONTAINER_OF(s, struct text_sink, base)->ended = true;
	return ERR_OK;
}

static const struct sink_ops text_sink_ops = {
	.name = "text",
	.put = text_sink_put,
	.end = text_sink_end,
};

struct sink *
text_sink_init(struct text_sink *s, struct buf *to)
{
	*s = (struct text_sink){ .to = to };
	sink_init(&s->base, &text_sink_ops);
	return &s->base;
}
