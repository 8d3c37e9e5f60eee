/* SPDX-License-Identifier: MIT */
#include "http/mime.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "http/scan.h"

#define FILE_MAX ((size_t)4 << 20)

struct row {
	struct str extension;
	struct str type;
};

/* Rows point into text, and are sorted by extension, each there once. */
struct mime {
	struct buf text;
	struct row *rows;
	size_t n;
};

void
mime_free(struct mime *m)
{
	if (!m)
		return;
	buf_done(&m->text);
	free(m->rows);
	free(m);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
take_word(struct str *line, struct str *word)
{
	size_t end = 0;

	while (line->len && is_space(line->ptr[0]))
		*line = str_skip(*line, 1);
	while (end < line->len && !is_space(line->ptr[end]))
		end++;
	*word = str_head(*line, end);
	*line = str_skip(*line, end);
	return word->len != 0;
}

/*
 * Writes a row for each extension in the table to rows, unless that is NULL;
 * returns how many there are.
 */
static size_t
read_lines(struct str text, struct row *rows)
{
	struct str line, type, extension;
	size_t n = 0;

	while (str_cut(&text, '\n', &line)) {
		line = str_head(line, str_find(line, '#'));
		/* A type that may not stand in a Content-Type is left out. */
		if (!take_word(&line, &type) || !scan_is_media_type(type))
			continue;
		while (take_word(&line, &extension)) {
			if (rows)
				rows[n] = (struct row){ extension, type };
			n++;
		}
	}
	return n;
}

static int
compare_extensions(struct str a, struct str b)
{
	size_t i, n = a.len < b.len ? a.len : b.len;

	for (i = 0; i < n; i++) {
		int order = (unsigned char)ascii_lower(a.ptr[i]) -
		    (unsigned char)ascii_lower(b.ptr[i]);

		if (order)
			return order;
	}
	return (a.len > b.len) - (a.len < b.len);
}

/* By extension; rows of the same extension in the order of the file. */
static int
compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = compare_extensions(x->extension, y->extension);

	if (order)
		return order;
	return (x->extension.ptr > y->extension.ptr) -
	    (x->extension.ptr < y->extension.ptr);
}

static void
sort_rows(struct mime *m)
{
	size_t i, kept = 0;

	if (!m->n)
		return;
	qsort(m->rows, m->n, sizeof(*m->rows), compare_rows);
	for (i = 1; i < m->n; i++)
		if (!str_eq_nocase(
			m->rows[i].extension, m->rows[kept].extension))
			m->rows[++kept] = m->rows[i];
	m->n = kept + 1;
}

/* Takes the text over, unless it returns NULL: no memory. */
static struct mime *
mime_new(const struct buf *text)
{
	size_t n = read_lines(buf_str(text), NULL);
	struct mime *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->rows = calloc(n + 1, sizeof(*m->rows));
	if (!m->rows) {
		free(m);
		return NULL;
	}
	m->text = *text;
	m->n = read_lines(buf_str(text), m->rows);
	sort_rows(m);
	return m;
}

enum err_code
mime_open(const char *file, struct mime **out, struct err *err)
{
	struct buf text CLEANUP(buf_done) = { .max = FILE_MAX };
	enum err_code rc = file_read(file, &text, err);
	struct mime *m;

	if (rc)
		return rc;
	m = mime_new(&text);
	if (!m)
		return err_nomem(err);
	text = (struct buf){ 0 };
	*out = m;
	return ERR_OK;
}

static int
find_extension(const void *key, const void *row)
{
	const struct str *extension = key;
	const struct row *r = row;

	return compare_extensions(*extension, r->extension);
}

struct str
mime_type(const struct mime *m, struct str name)
{
	size_t dot = str_rfind(name, '.');
	struct str extension = str_skip(name, dot + 1);
	const struct row *r = NULL;

	/* ".profile" is a name, not an extension. */
	if (m && dot > 0 && extension.len && m->n)
		r = bsearch(&extension, m->rows, m->n, sizeof(*m->rows),
		    find_extension);
	return r ? r->type : STR("application/octet-stream");
}
