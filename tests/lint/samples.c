/* SPDX-License-Identifier: MIT */
#include "samples.h"

#include "base/file.h"
#include "lib/test.h"
#include "wire/lint_request.h"

static struct str
column(struct str *line)
{
	size_t bar = str_find(*line, '|');
	struct str s = str_trim(str_head(*line, bar));

	*line = str_skip(*line, bar + 1);
	return str_eq(s, STR("-")) ? STR("") : s;
}

static struct str
read_file(struct samples *s, const char *dir, struct str name)
{
	struct buf path = { 0 }, bytes = { 0 };
	struct str copy;

	buf_printf(&path, "%s/%.*s", dir, STR_ARG(name));
	buf_putc(&path, '\0');
	assert_int_equal(file_read(path.ptr, &bytes, NULL), ERR_OK);
	assert_true(arena_str(&s->a, buf_str(&bytes), &copy));
	buf_done(&path);
	buf_done(&bytes);
	return copy;
}

static void
read_row(struct samples *s, const char *dir, struct str line)
{
	struct sample *row = &s->v[s->n++];

	row->name = column(&line);
	row->method = column(&line);
	row->url = column(&line);
	row->request = column(&line);
	row->want = column(&line);
	row->bytes = read_file(s, dir, row->name);
	if (row->request.len)
		assert_int_equal(
		    lint_request_read(&s->a, read_file(s, dir, row->request),
			&row->operations, &row->n_operations, NULL),
		    ERR_OK);
}

void
samples_read(struct samples *s, const char *dir)
{
	struct buf path = { 0 };
	struct str rest, line;

	buf_printf(&path, "%s/samples.txt", dir);
	buf_putc(&path, '\0');
	assert_int_equal(file_read(path.ptr, &s->table, NULL), ERR_OK);
	buf_done(&path);
	rest = buf_str(&s->table);
	while (str_cut(&rest, '\n', &line)) {
		if (!line.len || line.ptr[0] == '#')
			continue;
		assert_true(s->n < ARRAY_LEN(s->v));
		read_row(s, dir, line);
	}
	assert_true(s->n > 0);
}

void
samples_done(struct samples *s)
{
	arena_done(&s->a);
	buf_done(&s->table);
}

enum err_code
sample_run(const struct sample *s, struct lint_run *r)
{
	r->method = s->method;
	r->url = s->url;
	r->operations = s->operations;
	r->n_operations = s->n_operations;
	return lint_run_file(r, s->bytes);
}
