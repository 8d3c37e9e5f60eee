/* SPDX-License-Identifier: MIT */
#include "lib/locks.h"

#include <stdlib.h>

#include "base/clock.h"
#include "lib/test.h"

#define LOCKS_MAX 32
#define LINE_MAX_LEN 128

struct token
lock_at(struct store *s, const char *path, enum depth depth, bool shared,
    const char *user)
{
	const struct lock_spec spec = {
		.shared = shared,
		.depth = depth,
		.user = str_from_c(user),
		.timeout = 3600 * NSEC_PER_SEC,
	};
	struct arena a CLEANUP(arena_done) = { 0 };
	struct err err = { 0 };
	struct token t = { "" };
	struct lock l;
	bool created;

	if (store_lock(s, (struct rpath){ str_from_c(path) }, &spec, NULL, &a,
		&l, &created, &err))
		fail_msg("no lock on %s: %s", path, err.why);
	assert_int_equal(l.token.len, sizeof(t.text) - 1);
	memcpy(t.text, l.token.ptr, l.token.len);
	return t;
}

const struct guard *
show(struct shown *h, const char *user, const struct token *a,
    const struct token *b)
{
	size_t n = 0;

	if (a)
		h->v[n++] = str_from_c(a->text);
	if (b)
		h->v[n++] = str_from_c(b->text);
	h->tokens = (struct lock_tokens){ str_from_c(user), h->v, n };
	h->guard = (struct guard){ .tokens = &h->tokens };
	return &h->guard;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

void
locks_put(struct store *s, const char *path, struct buf *out)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	char lines[LOCKS_MAX][LINE_MAX_LEN] = { "" };
	const struct lock *l;
	size_t n, i;

	assert_int_equal(store_locks(s, (struct rpath){ str_from_c(path) }, &a,
			     &l, &n, NULL),
	    ERR_OK);
	assert_true(n <= LOCKS_MAX);
	for (i = 0; i < n; i++) {
		struct buf line CLEANUP(buf_done) = { .max = LINE_MAX_LEN };

		buf_printf(&line, "%.*s=%c%c%s%.*s", STR_ARG(l[i].root.s),
		    l[i].shared ? 's' : 'x', l[i].depth ? 'i' : '0',
		    l[i].user.len ? "@" : "", STR_ARG(l[i].user));
		buf_putc(&line, '\0');
		assert_int_equal(buf_failed(&line), ERR_OK);
		memcpy(lines[i], line.ptr, line.len);
	}
	qsort(lines, n, sizeof(lines[0]), compare);
	for (i = 0; i < n; i++) {
		if (out->len)
			buf_putc(out, ' ');
		buf_put(out, str_from_c(lines[i]));
	}
}

void
locks_check(struct store *s, const char *path, const char *want,
    const char *file, int line)
{
	struct buf got CLEANUP(buf_done) = { 0 };

	locks_put(s, path, &got);
	assert_str_equal_at(buf_str(&got), str_from_c(want), file, line);
}
