/* SPDX-License-Identifier: MIT */
#include "store/suite.h"

#include <stdlib.h>

void
check_outcome(const char *call, enum err_code rc, const struct err *err,
    enum err_code want, const char *file, int line)
{
	if (rc == want && err->code == rc)
		return;
	print_error("%s\ngot  %s (%s: %s)\nwant %s\n", call, err_name(rc),
	    err_name(err->code), err->why, err_name(want));
	_fail(file, line);
}

enum err_code
put(struct store *s, const char *path, struct str bytes, const struct guard *g,
    bool *created, struct err *err)
{
	const struct upload_spec spec = { .length = bytes.len, .soon = !g };
	struct upload *u;
	enum err_code rc = store_upload(s, at(path), &spec, &u, err);

	if (rc)
		return rc;
	(void)ostream_write(upload_stream(u), str_head(bytes, bytes.len / 2));
	(void)ostream_write(upload_stream(u), str_skip(bytes, bytes.len / 2));
	rc = upload_commit(u, g, NULL, NULL, created, err);
	upload_free(u);
	return rc;
}

void
must_put(struct store *s, const char *path, const char *text)
{
	assert_ok(put(s, path, str_from_c(text), NULL, NULL, err));
}

void
must_mkcol(struct store *s, const char *path)
{
	assert_ok(store_mkcol(s, at(path), NULL, NULL, err));
}

struct resource
must_stat(struct store *s, const char *path)
{
	struct resource r;

	assert_ok(store_stat(s, at(path), &r, err));
	return r;
}

void
must_have(struct store *s, const char *path, const char *text)
{
	size_t len = strlen(text);
	char *bytes = calloc(1, len + 2);
	struct content *c;
	size_t got;

	assert_non_null(bytes);
	assert_ok(store_open(s, at(path), &c, err));
	assert_int_equal(content_resource(c)->length, len);
	assert_ok(content_read(c, 0, bytes, len + 1, &got, err));
	assert_str_equal(str_of(bytes, got), str_from_c(text));
	content_free(c);
	free(bytes);
}

void
must_lack(struct store *s, const char *path)
{
	struct resource r;

	assert_fails(store_stat(s, at(path), &r, err), ERR_NOT_FOUND);
}

void
must_set_prop(
    struct store *s, const char *path, const char *name, const char *value)
{
	const struct prop_change c = {
		.prop = {
			.name = { STR("urn:t"), str_from_c(name) },
			.form = PROP_TEXT,
			.value = str_from_c(value),
		},
	};

	assert_ok(store_patch(s, at(path), &c, 1, NULL, NULL, err));
}

void
must_have_props(struct store *s, const char *path, const char *want)
{
	struct resource r = must_stat(s, path);
	struct arena a = { 0 };
	struct buf text = { 0 };
	const struct prop *props;
	size_t n, i;

	assert_ok(store_props(s, &r, &a, &props, &n, err));
	for (i = 0; i < n; i++)
		buf_printf(&text, "%.*s=%.*s;", STR_ARG(props[i].name.local),
		    STR_ARG(props[i].value));
	assert_str_equal(buf_str(&text), str_from_c(want));
	assert_true(r.has_props || !n);
	buf_done(&text);
	arena_done(&a);
}

/* ---- walks */

#define MAX_LINES 4096

struct lines {
	char *line[MAX_LINES];
	size_t n;
};

static enum err_code
note(void *arg, const struct member *m, bool *prune)
{
	struct lines *l = arg;
	struct buf b = { 0 };

	(void)prune;
	assert_true(l->n < MAX_LINES);
	buf_put(&b, m->path.s);
	if (m->res.collection && !rpath_is_root(m->path))
		buf_putc(&b, '/');
	if (m->failed)
		buf_printf(&b, " %s", err_name(m->failed));
	buf_putc(&b, '\n');
	buf_putc(&b, '\0');
	assert_int_equal(buf_failed(&b), ERR_OK);
	l->line[l->n++] = b.ptr;
	return ERR_OK;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *
walk_text(
    struct store *s, const char *root, enum depth depth, enum walk_order order)
{
	static struct buf text;
	static struct lines l;
	const struct walk w = {
		.depth = depth,
		.order = order,
		.visit = note,
		.arg = &l,
	};
	size_t i;

	buf_clear(&text);
	l.n = 0;
	assert_ok(store_walk(s, at(root), &w, err));
	qsort(l.line, l.n, sizeof(*l.line), by_text);
	for (i = 0; i < l.n; i++) {
		buf_put(&text, str_from_c(l.line[i]));
		free(l.line[i]);
	}
	buf_putc(&text, '\0');
	assert_int_equal(buf_failed(&text), ERR_OK);
	return text.ptr;
}

static enum err_code
remove_it(void *arg, const struct member *m, bool *prune)
{
	(void)prune;
	if (!rpath_is_root(m->path))
		assert_ok(store_remove(arg, m->path, NULL, NULL, err));
	return ERR_OK;
}

void
must_clear(struct store *s)
{
	const struct walk w = {
		.depth = DEPTH_INFINITY,
		.order = WALK_UP,
		.visit = remove_it,
		.arg = s,
	};

	assert_ok(store_walk(s, at("/"), &w, err));
}

/* ---- guards */

static enum err_code
probe_check(void *arg, const struct guarded *at, struct err *err)
{
	struct probe *p = arg;

	p->asked++;
	p->mapped = at->now != NULL;
	if (at->now)
		p->now = *at->now;
	p->comes = at->from != NULL;
	if (at->from)
		p->from = *at->from;
	return p->say ? err_set(err, p->say, "the guard said so") : ERR_OK;
}

struct guard
probe_guard(struct probe *p)
{
	return (struct guard){ .check = probe_check, .arg = p };
}
