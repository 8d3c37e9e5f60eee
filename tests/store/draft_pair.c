/* SPDX-License-Identifier: MIT */
#include "store/draft_pair.h"

#include <stdio.h>

static char paths[PATHS_MAX][8];
static size_t n_paths;

static void
make_paths(void)
{
	static const char names[] = "abcde";
	size_t i, from, to;
	int deep;

	(void)snprintf(paths[n_paths++], sizeof(paths[0]), "/");
	for (deep = 0, from = 0; deep < 3; deep++, from = to)
		for (to = n_paths, i = from; i < to; i++) {
			const char *c;

			for (c = names; *c; c++)
				(void)snprintf(paths[n_paths++],
				    sizeof(paths[0]), "%.6s/%c",
				    i ? paths[i] : "", *c);
		}
	assert_int_equal(n_paths, PATHS_MAX);
}

const char *
path_at(size_t i)
{
	if (!n_paths)
		make_paths();
	assert_true(i < n_paths);
	return paths[i];
}

void
pair_failed(const struct pair *p, const char *what, const char *path,
    const char *a, const char *b)
{
	fail_msg("seed %llu, %s %s:\nplain %s\ndraft %s",
	    (unsigned long long)p->seed, what, path, a, b);
}

/* ---- pictures */

static void
put_content(struct store *s, const char *path, struct buf *out)
{
	char bytes[64];
	struct content *c;
	size_t got;

	assert_ok(store_open(s, at(path), &c, err));
	assert_ok(content_read(c, 0, bytes, sizeof(bytes), &got, err));
	assert_int_equal(content_resource(c)->length, got);
	buf_put(out, str_of(bytes, got));
	content_free(c);
}

static void
put_props(struct store *s, const struct resource *r, struct buf *out)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct prop *p;
	size_t n, i;

	assert_ok(store_props(s, r, &a, &p, &n, err));
	assert_true(r->has_props || !n);
	for (i = 0; i < n; i++)
		buf_printf(out, " %.*s:%.*s", STR_ARG(p[i].name.local),
		    STR_ARG(p[i].value));
}

bool
same_id(const struct resource *a, const struct resource *b)
{
	return !memcmp(&a->id, &b->id, sizeof(a->id));
}

/* What is at each path, and whether it is what was there before. */
static void
put_one(struct side *side, size_t i, struct buf *out)
{
	struct resource r = { 0 };
	struct resource *was = &side->seen[i];
	enum err_code rc = store_stat(side->s, at(path_at(i)), &r, NULL);

	if (rc == ERR_NOT_FOUND) {
		side->is_seen[i] = false;
		return;
	}
	assert_int_equal(rc, ERR_OK);
	buf_printf(out, "%s%s ", path_at(i), r.collection ? "/" : "=");
	if (!r.collection)
		put_content(side->s, path_at(i), out);
	put_props(side->s, &r, out);
	if (side->is_seen[i])
		buf_printf(out, " %s%s", same_id(was, &r) ? "" : "another ",
		    str_eq(resource_etag(was), resource_etag(&r)) ? ""
								  : "changed");
	buf_putc(out, ' ');
	locks_put(side->s, path_at(i), out);
	buf_putc(out, '\n');
	side->seen[i] = r;
	side->is_seen[i] = true;
}

static void
put_keys(struct side *side, struct buf *out)
{
	int i;

	for (i = 0; i < KEYS; i++) {
		struct arena a CLEANUP(arena_done) = { 0 };
		struct recalled r = { 0 };
		bool found = false;
		char key[8];

		(void)snprintf(key, sizeof(key), "k%d", i);
		assert_ok(store_recall(
		    side->s, str_from_c(key), &a, &r, &found, err));
		if (found)
			buf_printf(out, "%s: %.*s %s%s%s%.*s\n", key,
			    STR_ARG(r.path.s), r.begun ? "begun " : "",
			    r.created ? "created " : "",
			    r.etag.len ? "etag " : "", STR_ARG(r.result));
	}
}

void
put_picture(struct side *side, struct buf *out)
{
	size_t i;

	buf_clear(out);
	for (i = 0; i < PATHS_MAX; i++)
		put_one(side, i, out);
	put_keys(side, out);
	buf_put(out,
	    str_from_c(walk_text(side->s, "/", DEPTH_INFINITY, WALK_DOWN)));
	buf_put(
	    out, str_from_c(walk_text(side->s, "/", DEPTH_INFINITY, WALK_UP)));
	buf_putc(out, '\0');
	assert_int_equal(buf_failed(out), ERR_OK);
}

void
compare_pictures(struct pair *p, const char *when)
{
	struct buf a CLEANUP(buf_done) = { 0 };
	struct buf b CLEANUP(buf_done) = { 0 };

	put_picture(&p->plain, &a);
	put_picture(&p->draft, &b);
	if (strcmp(a.ptr, b.ptr))
		pair_failed(p, "picture", when, a.ptr, b.ptr);
}

void
put_base(struct store *s, struct buf *out)
{
	size_t i;

	buf_clear(out);
	for (i = 0; i < PATHS_MAX; i++) {
		struct resource r;

		if (store_stat(s, at(path_at(i)), &r, NULL))
			continue;
		buf_printf(out, "%s %.*s %lld\n", path_at(i),
		    STR_ARG(resource_etag(&r)), (long long)r.modified);
		buf_put(out, str_of((char *)r.id.bytes, sizeof(r.id.bytes)));
		put_props(s, &r, out);
		locks_put(s, path_at(i), out);
	}
	assert_int_equal(buf_failed(out), ERR_OK);
}
