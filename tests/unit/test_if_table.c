/* SPDX-License-Identifier: MIT */
/*
 * if_table.txt: what an If header means to a store with locks, asked before a
 * change and at the moment of it.
 */
#include "lib/test.h"

#include <stdio.h>

#include "dav/precondition.h"
#include "lib/locks.h"
#include "lib/tree.h"
#include "store/stores.h"

#define ROWS_MIN 200
#define FIELDS_MAX 4

static const char *table; /* the path of the file */

struct world {
	struct store *store;
	struct token tokens['Z' - 'A' + 1]; /* by letter */
	struct arena arena; /* of one row */
	struct err err;
};

static const struct {
	char letter;
	const char *path;
	enum depth depth;
	bool shared;
} locks[] = {
	{ 'D', "/d", DEPTH_INFINITY, false },
	{ 'K', "/k", DEPTH_0, false },
	{ 'F', "/f", DEPTH_0, false },
	{ 'P', "/sp ace", DEPTH_0, false },
	{ 'U', "/\xc3\xbc", DEPTH_0, false },
	{ 'S', "/s", DEPTH_0, true },
	{ 'T', "/s", DEPTH_0, true },
};

static void
world_init(struct world *w)
{
	size_t i;

	*w = (struct world){ 0 };
	assert_int_equal(mem_store_new(&w->store, NULL), ERR_OK);
	tree_make(w->store, "/d/ /d/f=1 /f=2 /k/ /k/f=3 /s=4 /u=5 /\xc3\xbc=6");
	for (i = 0; i < ARRAY_LEN(locks); i++) /* it makes "/sp ace" */
		w->tokens[locks[i].letter - 'A'] = lock_at(w->store,
		    locks[i].path, locks[i].depth, locks[i].shared, "");
}

/* ---- the table's shorthand */

/* {F}, {/f} or {9*text} */
static void
expand_braces(const struct world *w, struct str s, struct buf *out)
{
	size_t star = str_find(s, '*');
	struct resource res;
	uint64_t n;

	if (s.len == 1) {
		buf_put(out, str_from_c(w->tokens[s.ptr[0] - 'A'].text));
	} else if (s.ptr[0] == '/') {
		assert_int_equal(
		    store_stat(w->store, (struct rpath){ s }, &res, NULL),
		    ERR_OK);
		buf_put(out, resource_etag(&res));
	} else {
		assert_true(star < s.len);
		assert_true(str_to_u64(str_head(s, star), &n));
		while (n--)
			buf_put(out, str_skip(s, star + 1));
	}
}

static char
escaped(char c)
{
	if (c == 't')
		return '\t';
	return c == 'n' ? '\n' : c;
}

static void
expand(const struct world *w, struct str s, struct buf *out)
{
	while (s.len) {
		size_t end = str_find(s, '}');

		if (s.ptr[0] == '{') {
			assert_true(end < s.len);
			expand_braces(w, str_skip(str_head(s, end), 1), out);
			s = str_skip(s, end + 1);
		} else if (str_starts(s, STR("\\t")) ||
		    str_starts(s, STR("\\n")) || str_starts(s, STR("\\\\"))) {
			buf_putc(out, escaped(s.ptr[1]));
			s = str_skip(s, 2);
		} else {
			buf_putc(out, s.ptr[0]);
			s = str_skip(s, 1);
		}
	}
}

/* ---- a row */

static struct str
column(struct str *line)
{
	struct str s;

	assert_true(str_cut(line, '|', &s));
	return str_trim(s);
}

static size_t
split_fields(struct str value, struct header *out)
{
	size_t n = 0;
	bool more = true;

	while (more) {
		size_t end = str_find(value, '\n');

		assert_true(n < FIELDS_MAX);
		more = end < value.len;
		out[n].name = STR("If");
		out[n++].value = str_trim(str_head(value, end));
		value = str_skip(value, end + more);
	}
	return n;
}

/* What is submitted twice is submitted. */
static bool
was_seen(const struct lock_tokens *t, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (str_eq(t->v[i], t->v[n]))
			return true;
	return false;
}

/* As letters, where they have one; each once. */
static void
put_tokens(const struct world *w, const struct lock_tokens *t, struct buf *out)
{
	size_t i, k;

	for (i = 0; i < t->n; i++) {
		if (was_seen(t, i))
			continue;
		if (i)
			buf_putc(out, ' ');
		for (k = 0; k < ARRAY_LEN(w->tokens); k++)
			if (str_eq(t->v[i], str_from_c(w->tokens[k].text)))
				break;
		if (k < ARRAY_LEN(w->tokens))
			buf_putc(out, (char)('A' + k));
		else
			buf_put(out, t->v[i]);
	}
	if (!t->n)
		buf_putc(out, '-');
}

static const char *
verdict(enum err_code rc)
{
	if (rc == ERR_PRECONDITION)
		return "412";
	if (rc == ERR_BAD_HEADER)
		return "400";
	return rc ? err_name(rc) : "holds";
}

/*
 * The verdict, which must be the same inside the store; *p has the tokens.  A
 * lock whose token was not submitted is another matter.
 */
static const char *
judge(struct world *w, const struct exchange *x, struct precondition *p)
{
	const struct resource *now = NULL;
	struct resource res;
	enum err_code rc, inside;

	rc = precondition_parse(p, x, &w->err);
	if (rc) {
		*p = (struct precondition){ 0 };
		return verdict(rc);
	}
	if (store_stat(w->store, x->req->path, &res, NULL) == ERR_OK)
		now = &res;
	rc = precondition_check(p, now, &w->err);
	inside = store_allows(w->store, x->req->path, TOUCH_CONTENT,
	    precondition_guard(p, x->req->path), NULL);
	if (inside == ERR_LOCKED)
		inside = ERR_OK;
	return rc == inside ? verdict(rc) : "torn";
}

static bool
is_as_said(struct world *w, struct str line, unsigned number)
{
	struct header fields[FIELDS_MAX];
	struct request req = {
		.method = METHOD_PUT,
		.method_name = STR("PUT"),
		.origin = { STR("http"), STR("h"), STR("") },
		.headers.v = fields,
	};
	struct exchange x = {
		.req = &req,
		.store = w->store,
		.arena = &w->arena,
	};
	struct precondition p;
	struct buf value = { 0 };
	struct buf want = { 0 };
	struct buf got = { 0 };
	const char *said;
	bool same;

	expand(w, column(&line), &want);
	buf_putc(&want, ' ');
	req.path.s = column(&line);
	expand(w, column(&line), &want);
	expand(w, line, &value);
	req.headers.n = split_fields(buf_str(&value), fields);
	said = judge(w, &x, &p);
	buf_printf(&got, "%s ", said);
	put_tokens(w, &p.tokens, &got);
	same = str_eq(buf_str(&got), buf_str(&want));
	if (!same)
		print_error("line %u: got '%.*s', not '%.*s'\n", number,
		    STR_ARG(buf_str(&got)), STR_ARG(buf_str(&want)));
	arena_clear(&w->arena);
	buf_done(&value);
	buf_done(&want);
	buf_done(&got);
	return same;
}

static void
each_header_means_what_the_table_says(void **state)
{
	FILE *f = fopen(table, "re");
	struct world w;
	char text[4096];
	unsigned number = 0;
	unsigned rows = 0;
	unsigned wrong = 0;

	(void)state;
	assert_non_null(f);
	world_init(&w);
	while (fgets(text, sizeof(text), f)) {
		struct str line = str_from_c(text);

		number++;
		assert_true(str_ends(line, STR("\n")));
		line.len--;
		if (!line.len || line.ptr[0] == '#')
			continue;
		rows++;
		wrong += !is_as_said(&w, line, number);
	}
	(void)fclose(f);
	assert_int_equal(wrong, 0);
	assert_true(rows >= ROWS_MIN);
	arena_done(&w.arena);
	store_close(w.store);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_header_means_what_the_table_says),
	};

	if (argc != 2)
		return 2;
	table = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
