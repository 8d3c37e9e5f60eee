/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a 207 in JSON: however they come, the outcomes are the same;
 * what is cut is never whole; what is put can be written and read again, and is
 * then what it was.  The first byte picks the form.
 */
#include "fuzz.h"

#include "wire/multistatus.h"
#include "wire/reader.h"

static const char *const types[] = { "application/json", "application/x-ndjson",
	"application/json-seq" };

/* Writes down what it is given, but for the place. */
struct scribe {
	struct sink base;
	struct buf text;
	struct sink *next; /* is given it too; or NULL */
	uint64_t n;
};

static void
put_word(struct buf *b, struct str s)
{
	buf_printf(b, "%zu ", s.len);
	buf_put(b, s);
}

static void
put_props(struct buf *b, const struct propstat *ps)
{
	size_t i;

	for (i = 0; i < ps->n_props; i++) {
		const struct prop *p = &ps->props[i];

		put_word(b, p->name.ns);
		put_word(b, p->name.local);
		buf_printf(b, "f%d %llu %zu ", (int)p->form,
		    (unsigned long long)p->number, p->n_names);
		put_word(b, p->value);
	}
}

static enum err_code
scribe_put(struct sink *s, const struct outcome *o)
{
	struct scribe *w = CONTAINER_OF(s, struct scribe, base);
	const struct told *t = o->told;
	struct buf *b = &w->text;
	size_t i;

	MUST(t->line && t->column);
	MUST(o->status <= 999);
	w->n++;
	buf_printf(b, "\n%u %d %d ", o->status, o->collection, t->partial);
	put_word(b, o->tell);
	put_word(b, t->href);
	put_word(b, t->id);
	put_word(b, t->op);
	put_word(b, t->error);
	put_word(b, t->problem_type);
	put_word(b, t->location);
	put_word(b, t->retry_after);
	put_word(b, t->caused_by);
	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		buf_printf(b, "[%u ", ps->status);
		put_word(b, ps->error);
		put_word(b, ps->tell);
		put_props(b, ps);
	}
	return w->next ? sink_put(w->next, o) : ERR_OK;
}

static enum err_code
scribe_end(struct sink *s)
{
	struct scribe *w = CONTAINER_OF(s, struct scribe, base);

	return w->next ? sink_end(w->next) : ERR_OK;
}

static const struct sink_ops scribe_ops = {
	.name = "scribe",
	.put = scribe_put,
	.end = scribe_end,
};

static void
read_it(struct scribe *w, struct sink *next, const char *type, struct str text,
    size_t step, struct reading *out)
{
	static const struct reader_limits limits = { .item = 4096,
		.depth = 40 };
	const struct reader_spec spec = { str_from_c(type), &limits };
	struct reader *r;

	*w = (struct scribe){ .next = next };
	sink_init(&w->base, &scribe_ops);
	MUST(!reader_new(&spec, &w->base, &r, NULL));
	while (text.len) {
		(void)ostream_write(reader_stream(r), str_head(text, step));
		text = str_skip(text, step);
	}
	MUST(!reader_end(r, false, out, NULL));
	MUST(out->read.total == w->n);
	MUST(out->end == ERR_OK || out->err.tell[0]);
	reader_free(r);
}

/*
 * Written by us and read again, twice: what the first form cannot tell apart
 * (a status of 600 and more is kept, an unread one is 0) must not change again.
 */
static void
check_round(enum form form, const char *type, const char *from, struct str text)
{
	const struct multistatus_spec spec = { .form = form };
	struct buf out[2] = { { 0 }, { 0 } };
	struct scribe w[3];
	struct reading r;
	int i;

	for (i = 0; i < 2; i++) {
		struct buf_ostream o;
		struct sink *s;

		MUST(!multistatus_new(
		    &spec, buf_ostream_init(&o, &out[i]), &s, NULL));
		read_it(&w[i], s, i ? type : from, i ? buf_str(&out[0]) : text,
		    SIZE_MAX, &r);
		MUST(!i || r.end == ERR_OK);
		MUST(!i || !r.contradicts);
		multistatus_free(s);
	}
	read_it(&w[2], NULL, type, buf_str(&out[1]), SIZE_MAX, &r);
	MUST(w[0].n == w[1].n);
	MUST(str_eq(buf_str(&w[1].text), buf_str(&w[2].text)));
	for (i = 0; i < 3; i++)
		buf_done(&w[i].text);
	buf_done(&out[0]);
	buf_done(&out[1]);
}

static void
check_cut(const char *type, struct str text, struct str all)
{
	struct str less = str_head(text, text.len - 1 - text.len / 4);
	struct scribe w;
	struct reading r;

	read_it(&w, NULL, type, less, 11, &r);
	MUST(r.end != ERR_OK);
	MUST(str_starts(all, buf_str(&w.text)) || !w.n);
	buf_done(&w.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scribe whole, bytes;
	struct reading a, b;
	const char *type;
	struct str text;

	if (size < 2 || size > 1 << 14)
		return 0;
	type = types[data[0] % 3];
	text = fuzz_str(data + 1, size - 1);
	read_it(&whole, NULL, type, text, SIZE_MAX, &a);
	read_it(&bytes, NULL, type, text, 1, &b);
	MUST(str_eq(buf_str(&whole.text), buf_str(&bytes.text)));
	MUST(a.end == b.end && a.contradicts == b.contradicts);
	MUST(a.line == b.line && a.column == b.column);
	MUST(!strcmp(a.err.tell, b.err.tell));
	if (a.end == ERR_OK && data[0] % 3 == 0 &&
	    (text.ptr[text.len - 1] == '}' || text.ptr[text.len - 1] == ']'))
		check_cut(type, text, buf_str(&whole.text));
	buf_done(&whole.text);
	buf_done(&bytes.text);
	if (!(data[0] & 0x80)) {
		check_round(FORM_JSON, types[0], type, text);
		check_round(FORM_NDJSON, types[1], type, text);
	}
	return 0;
}
