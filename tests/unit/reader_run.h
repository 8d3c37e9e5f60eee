/* SPDX-License-Identifier: MIT */
/* Reads a 207 and writes down in words what it came to. */
#ifndef SHEAF_TESTS_READER_RUN_H
#define SHEAF_TESTS_READER_RUN_H

#include "lib/test.h"

#include "base/buf.h"
#include "wire/reader.h"

/* Writes down what it is given, in words. */
struct scribe {
	struct sink base;
	struct buf text;
};

static inline void
put_word(struct buf *b, const char *name, struct str value)
{
	if (value.len)
		buf_printf(b, " %s=%.*s", name, STR_ARG(value));
}

static inline void
put_prop(struct buf *b, const struct prop *p)
{
	size_t i;

	buf_printf(
	    b, " {%.*s}%.*s", STR_ARG(p->name.ns), STR_ARG(p->name.local));
	switch (p->form) {
	case PROP_TEXT:
		buf_printf(b, "=%.*s", STR_ARG(p->value));
		break;
	case PROP_XML:
		buf_printf(b, ":%.*s", STR_ARG(p->value));
		break;
	case PROP_NUMBER:
		buf_printf(b, "#%llu", (unsigned long long)p->number);
		break;
	case PROP_NAMES:
		for (i = 0; i < p->n_names; i++)
			buf_printf(b, "+%.*s", STR_ARG(p->names[i].local));
		break;
	case PROP_EMPTY:
	case PROP_HREF:
	case PROP_LOCKS:
	case PROP_LOCK_KINDS:
		break;
	}
}

static inline void
put_propstats(struct buf *b, const struct outcome *o)
{
	size_t i, k;

	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		buf_printf(b, " [%u", ps->status);
		for (k = 0; k < ps->n_props; k++)
			put_prop(b, &ps->props[k]);
		put_word(b, "error", ps->error);
		put_word(b, "tell", ps->tell);
		buf_putc(b, ']');
	}
}

static inline enum err_code
scribe_put(struct sink *s, const struct outcome *o)
{
	struct scribe *w = CONTAINER_OF(s, struct scribe, base);
	const struct told *t = o->told;
	struct buf *b = &w->text;

	buf_printf(b, "%u", o->status);
	put_word(b, "href", t->href);
	put_word(b, "id", t->id);
	put_word(b, "op", t->op);
	put_word(b, "tell", o->tell);
	put_word(b, "error", t->error);
	put_word(b, "type", t->problem_type);
	put_word(b, "location", t->location);
	put_word(b, "after", t->retry_after);
	put_word(b, "cause", t->caused_by);
	if (t->partial)
		BUF_LIT(b, " partial");
	put_propstats(b, o);
	BUF_LIT(b, "\n");
	return ERR_OK;
}

static inline struct sink *
scribe_init(struct scribe *w)
{
	static const struct sink_ops ops = { .name = "scribe",
		.put = scribe_put };

	*w = (struct scribe){ 0 };
	sink_init(&w->base, &ops);
	return &w->base;
}

/* Reads text in pieces of step bytes. */
static inline enum err_code
run(struct sink *to, const char *type, struct str text, size_t step,
    struct reading *out, struct err *err)
{
	const struct reader_spec spec = { .content_type = str_from_c(type) };
	struct reader *r;
	enum err_code rc = reader_new(&spec, to, &r, err);

	if (rc)
		return rc;
	while (text.len) {
		(void)ostream_write(reader_stream(r), str_head(text, step));
		text = str_skip(text, step);
	}
	rc = reader_end(r, false, out, err);
	reader_free(r);
	return rc;
}

static const size_t step_sizes[] = { SIZE_MAX, 1, 2, 5 };

static inline void
assert_read(const char *type, const char *text, const char *want,
    enum err_code end, const char *tell)
{
	size_t k;

	for (k = 0; k < ARRAY_LEN(step_sizes); k++) {
		struct reading r = { 0 };
		struct scribe w;

		assert_int_equal(run(scribe_init(&w), type, str_from_c(text),
				     step_sizes[k], &r, NULL),
		    ERR_OK);
		if (!str_eq(buf_str(&w.text), str_from_c(want)) ||
		    r.end != end || !strstr(r.err.tell, tell))
			fail_msg("of %s\nwas read\n%.*swant\n%send %s: %s",
			    text, STR_ARG(buf_str(&w.text)), want,
			    err_name(r.end), r.err.tell);
		buf_done(&w.text);
	}
}

#endif
