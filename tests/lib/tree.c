/* SPDX-License-Identifier: MIT */
#include "lib/tree.h"

#include <stdlib.h>

#include "lib/test.h"

#define LINES_MAX 1280
#define LINE_MAX_LEN 256

struct rpath
at(const char *path)
{
	return (struct rpath){ str_from_c(path) };
}

static void
make_file(struct store *s, struct rpath path, struct str bytes)
{
	const struct upload_spec spec = { 0 };
	struct upload *u = NULL;

	assert_int_equal(store_upload(s, path, &spec, &u, NULL), ERR_OK);
	assert_int_equal(ostream_write(upload_stream(u), bytes), ERR_OK);
	assert_int_equal(
	    upload_commit(u, NULL, NULL, NULL, NULL, NULL), ERR_OK);
	upload_free(u);
}

void
tree_make(struct store *s, const char *text)
{
	struct str rest = str_from_c(text);
	struct str word;

	while (str_cut(&rest, ' ', &word)) {
		size_t sign = str_find(word, '=');
		struct rpath path = { str_head(word, sign) };

		if (!word.len)
			continue;
		if (!str_ends(path.s, STR("/"))) {
			make_file(s, path, str_skip(word, sign + 1));
			continue;
		}
		path.s.len--;
		assert_int_equal(
		    store_mkcol(s, path, NULL, NULL, NULL), ERR_OK);
	}
}

struct listing {
	struct store *store;
	char lines[LINES_MAX][LINE_MAX_LEN];
	size_t n;
};

static void
add_bytes(struct store *s, struct rpath path, struct buf *line)
{
	struct content *c = NULL;
	char bytes[LINE_MAX_LEN];
	size_t got;

	assert_int_equal(store_open(s, path, &c, NULL), ERR_OK);
	assert_int_equal(
	    content_read(c, 0, bytes, sizeof(bytes), &got, NULL), ERR_OK);
	content_free(c);
	if (got)
		buf_putc(line, '=');
	buf_put(line, str_of(bytes, got));
}

static enum err_code
list_one(void *arg, const struct member *m, bool *prune)
{
	struct listing *l = arg;
	struct buf line = { 0 };

	(void)prune;
	assert_true(!m->failed || m->failed == ERR_LOOP);
	if (rpath_is_root(m->path))
		return ERR_OK;
	buf_put(&line, m->path.s);
	if (m->failed)
		buf_putc(&line, '@');
	else if (m->res.collection)
		buf_putc(&line, '/');
	else
		add_bytes(l->store, m->path, &line);
	buf_putc(&line, '\0');
	assert_true(l->n < LINES_MAX && line.len <= LINE_MAX_LEN);
	memcpy(l->lines[l->n++], line.ptr, line.len);
	buf_done(&line);
	return ERR_OK;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

void
tree_put(struct store *s, const char *root, struct buf *out)
{
	struct listing *l = calloc(1, sizeof(*l));
	const struct walk walk = {
		.depth = DEPTH_INFINITY,
		.order = WALK_DOWN,
		.visit = list_one,
		.arg = l,
	};
	size_t i;
	enum err_code rc;

	assert_non_null(l);
	l->store = s;
	rc = store_walk(s, at(root), &walk, NULL);
	assert_true(rc == ERR_OK || rc == ERR_NOT_FOUND);
	qsort(l->lines, l->n, sizeof(l->lines[0]), compare);
	for (i = 0; i < l->n; i++) {
		if (out->len)
			buf_putc(out, ' ');
		buf_put(out, str_from_c(l->lines[i]));
	}
	free(l);
}

void
tree_check(struct store *s, const char *want, const char *file, int line)
{
	struct buf got = { 0 };

	tree_put(s, "/", &got);
	assert_str_equal_at(buf_str(&got), str_from_c(want), file, line);
	buf_done(&got);
}
