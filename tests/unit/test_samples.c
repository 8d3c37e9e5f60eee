/* SPDX-License-Identifier: MIT */
/*
 * tests/samples: every kept answer of five servers is read, and what is in it
 * is what another reader saw (tests/samples/expect).
 */
#include "lib/test.h"

#include <assert.h>

#include "base/file.h"
#include "wire/reader.h"
#include "wire/saved.h"

#define SAMPLES_MIN 200

static const char *folder; /* tests/samples */

/* One answer, on its way through the reader. */
struct sample {
	struct sink base;
	struct buf said; /* as expected.txt has it */
	struct reader *reader;
	struct buf body;
	bool begun;
};

static void
put_description(struct buf *b, struct str tell)
{
	if (tell.len) {
		BUF_LIT(b, "! ");
		buf_put(b, tell);
		BUF_LIT(b, "\n");
	}
}

static void
put_propstat(struct buf *b, const struct propstat *ps)
{
	size_t i;

	BUF_LIT(b, "  ");
	buf_put_u64(b, ps->status);
	for (i = 0; i < ps->n_props; i++) {
		BUF_LIT(b, " {");
		buf_put(b, ps->props[i].name.ns);
		BUF_LIT(b, "}");
		buf_put(b, ps->props[i].name.local);
	}
	BUF_LIT(b, "\n");
	put_description(b, ps->tell);
}

static enum err_code
sample_put(struct sink *base, const struct outcome *o)
{
	struct sample *s = CONTAINER_OF(base, struct sample, base);
	size_t i;

	assert_non_null(o->told);
	buf_put(&s->said, o->told->href);
	if (!o->n_propstats) {
		BUF_LIT(&s->said, " ");
		buf_put_u64(&s->said, o->status);
	}
	BUF_LIT(&s->said, "\n");
	put_description(&s->said, o->tell);
	for (i = 0; i < o->n_propstats; i++)
		put_propstat(&s->said, &o->propstats[i]);
	return ERR_OK;
}

/* ---- the saved answer */

static enum err_code
on_begin(void *arg, const struct answer_head *h, struct err *err)
{
	struct sample *s = arg;
	struct reader_spec spec = { .content_type = h->content_type };

	assert_false(s->begun);
	s->begun = true;
	BUF_LIT(&s->said, " ");
	buf_put_u64(&s->said, h->status);
	BUF_LIT(&s->said, "\n");
	return reader_new(&spec, &s->base, &s->reader, err);
}

static enum err_code
on_body(void *arg, struct str bytes, struct err *err)
{
	struct sample *s = arg;

	(void)err;
	buf_put(&s->body, bytes);
	(void)ostream_write(reader_stream(s->reader), bytes);
	return ERR_OK;
}

static bool
holds(struct str s, struct str part)
{
	while (s.len >= part.len && !str_starts(s, part))
		s = str_skip(s, 1);
	return s.len >= part.len;
}

static enum err_code
on_end(void *arg, bool cut, struct err *err)
{
	struct sample *s = arg;
	struct reading r;

	assert_int_equal(reader_end(s->reader, cut, &r, err), ERR_OK);
	if (!holds(buf_str(&s->body), STR(":multistatus")))
		BUF_LIT(&s->said, "end -\n");
	else if (!r.end)
		BUF_LIT(&s->said, "end whole\n");
	else
		buf_put(&s->said,
		    r.end == ERR_CUT_SHORT ? STR("end cut\n")
					   : STR("end malformed\n"));
	return ERR_OK;
}

/* What we see in an answer, in pieces of so many bytes. */
static void
read_sample(struct str name, struct str raw, size_t piece, struct buf *out)
{
	static const struct sink_ops ops = { .name = "samples",
		.put = sample_put };
	static const struct saved_events events = {
		.begin = on_begin, .body = on_body, .end = on_end
	};
	struct sample s = { 0 };
	struct saved *saved;
	struct err err = { 0 };

	sink_init(&s.base, &ops);
	BUF_LIT(out, "== ");
	buf_put(out, name);
	assert_int_equal(saved_new(&events, &s, &saved, &err), ERR_OK);
	for (; raw.len; raw = str_skip(raw, piece))
		assert_int_equal(
		    ostream_write(saved_stream(saved), str_head(raw, piece)),
		    ERR_OK);
	assert_int_equal(saved_end(saved, &err), ERR_OK);
	assert_true(s.begun);
	buf_put(out, buf_str(&s.said));
	saved_free(saved);
	reader_free(s.reader);
	buf_done(&s.said);
	buf_done(&s.body);
}

/* ---- expected.txt */

/* The text of one answer, from "==" to the next. */
static struct str
next_expected(struct str *rest)
{
	struct str whole = *rest;
	size_t n = 0;

	do
		n += str_find(str_skip(whole, n), '\n') + 1;
	while (n < whole.len && !str_starts(str_skip(whole, n), STR("== ")));
	*rest = str_skip(whole, n);
	return str_head(whole, n);
}

static struct str
name_of(struct str expected)
{
	struct str name = str_skip(expected, sizeof("== ") - 1);

	return str_head(name, str_find(name, ' '));
}

static void
read_all(size_t piece)
{
	struct buf expected = { 0 }, path = { 0 }, raw = { 0 }, got = { 0 };
	struct str rest;
	size_t n;

	buf_printf(&path, "%s/expected.txt", folder);
	buf_putc(&path, '\0');
	assert_int_equal(file_read(path.ptr, &expected, NULL), ERR_OK);
	rest = buf_str(&expected);
	for (n = 0; rest.len; n++) {
		struct str one = next_expected(&rest);

		buf_clear(&path);
		buf_printf(
		    &path, "%s/%.*s.http", folder, STR_ARG(name_of(one)));
		buf_putc(&path, '\0');
		buf_clear(&raw);
		assert_int_equal(file_read(path.ptr, &raw, NULL), ERR_OK);
		buf_clear(&got);
		read_sample(name_of(one), buf_str(&raw), piece, &got);
		buf_putc(&got, '\0');
		got.len--;
		if (!str_eq(buf_str(&got), one))
			fail_msg("read as:\n%s\nand not as:\n%.*s", got.ptr,
			    STR_ARG(one));
	}
	assert_in_range(n, SAMPLES_MIN, SIZE_MAX);
	buf_done(&expected);
	buf_done(&path);
	buf_done(&raw);
	buf_done(&got);
}

static void
test_every_kept_answer_is_read_as_another_reader_reads_it(void **state)
{
	(void)state;
	read_all(SIZE_MAX);
}

static void
test_it_does_not_matter_in_which_pieces_it_comes(void **state)
{
	(void)state;
	read_all(1);
	read_all(7);
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_every_kept_answer_is_read_as_another_reader_reads_it),
		cmocka_unit_test(
		    test_it_does_not_matter_in_which_pieces_it_comes),
	};

	assert(argc == 2);
	folder = argv[argc - 1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
