/* SPDX-License-Identifier: MIT */
/* What locks of others make of DELETE, COPY, MOVE and the rest. */
#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "lib/locks.h"
#include "lib/op_test.h"
#include "store/stores.h"

enum what { END, DELETE, COPY, MOVE, MOVE_APART };

struct row {
	const char *what;
	enum what op;
	const char *from, *to;
	struct {
		const char *path;
		enum depth depth;
		enum { OTHERS, OURS, SHARED_OTHERS, SHARED_OURS } whose;
	} locks[3];
	enum err_code rc;
	const char *said; /* "/d/a 423 about /d"; after a failure: "/d" */
	const char *left; /* NULL: as it was */
};

#define LOCKS_MAX 3

struct locked_test {
	struct op_test t;
	struct token tokens[LOCKS_MAX];
	struct str shown[LOCKS_MAX];
	struct lock_tokens submitted;
};

static void
begin(struct locked_test *l, const char *tree, const struct row *r)
{
	size_t i;

	*l = (struct locked_test){ 0 };
	op_test_init(&l->t, tree);
	l->submitted.v = l->shown;
	for (i = 0; i < LOCKS_MAX && r->locks[i].path; i++) {
		l->tokens[i] = lock_at(l->t.deny.inner, r->locks[i].path,
		    r->locks[i].depth, r->locks[i].whose >= SHARED_OTHERS, "");
		if (r->locks[i].whose == OURS ||
		    r->locks[i].whose == SHARED_OURS)
			l->shown[l->submitted.n++] =
			    str_from_c(l->tokens[i].text);
	}
	l->t.op.tokens = &l->submitted;
	l->t.deny.no_rename = r->op == MOVE_APART;
}

static enum err_code
run(struct locked_test *l, const struct row *r, struct sink *out,
    struct err *err)
{
	const struct guard g = { .tokens = &l->submitted };
	const struct transfer tr = {
		.from = at(r->from),
		.to = at(r->to ? r->to : r->from),
		.overwrite = true,
		.guard = &g,
	};
	bool created;

	if (r->op == DELETE)
		return op_delete(&l->t.op, tr.from, &g, out, err);
	return (r->op == COPY ? op_copy : op_move)(
	    &l->t.op, &tr, out, &created, err);
}

/* Every failure here is one of locks. */
static void
put_said(struct locked_test *l, enum err_code rc, const struct err *err,
    struct buf *b)
{
	size_t i;

	if (rc)
		buf_put(b, str_from_c(err->about));
	for (i = 0; i < l->t.out.n; i++) {
		const struct outcome *o = &l->t.out.items[i];

		assert_int_equal(o->status, 423);
		buf_printf(b, "%s%.*s%s", b->len ? " " : "", STR_ARG(o->path.s),
		    o->collection ? "/" : "");
		if (!str_eq(o->about.s, o->path.s))
			buf_printf(b, "<%.*s", STR_ARG(o->about.s));
	}
}

static void
check_row(const char *tree, const struct row *r)
{
	struct locked_test l;
	struct buf said = { 0 };
	struct buf left = { 0 };
	struct err err = { 0 };
	enum err_code rc;

	begin(&l, tree, r);
	rc = run(&l, r, op_test_sink(&l.t), &err);
	put_said(&l, rc, &err, &said);
	tree_put(l.t.deny.inner, "/", &left);
	if (rc != r->rc || !str_eq(buf_str(&said), str_from_c(r->said)) ||
	    !str_eq(buf_str(&left), str_from_c(r->left ? r->left : tree)))
		fail_msg("%s: %s, said '%.*s', left '%.*s'", r->what,
		    err_text(rc), STR_ARG(buf_str(&said)),
		    STR_ARG(buf_str(&left)));
	assert_int_equal(l.t.out.ended, rc == ERR_OK);
	buf_done(&said);
	buf_done(&left);
	op_test_done(&l.t);
}

static void
check_rows(const char *tree, const struct row *rows)
{
	for (; rows->op != END; rows++)
		check_row(tree, rows);
}

#define DELETE_TREE "/d/ /d/a/ /d/a/1=x /d/a/k/ /d/a/k/2=y /d/b=z /e=w"

static void
a_delete_leaves_what_others_have_locked(void **state)
{
	static const struct row rows[] = {
		{ "a leaf", DELETE, "/d", NULL, { { "/d/a/1", 0, OTHERS } },
		    ERR_OK, "/d/a/1", "/d/ /d/a/ /d/a/1=x /e=w" },
		{ "our own leaf", DELETE, "/d", NULL, { { "/d/a/1", 0, OURS } },
		    ERR_OK, "", "/e=w" },
		{ "two leaves, one ours", DELETE, "/d", NULL,
		    { { "/d/a/1", 0, OURS }, { "/d/b", 0, OTHERS } }, ERR_OK,
		    "/d/b", "/d/ /d/b=z /e=w" },
		{ "two leaves", DELETE, "/d", NULL,
		    { { "/d/a/1", 0, OTHERS }, { "/d/b", 0, OTHERS } }, ERR_OK,
		    "/d/a/1 /d/b", "/d/ /d/a/ /d/a/1=x /d/b=z /e=w" },
		{ "the root", DELETE, "/d", NULL,
		    { { "/d", DEPTH_INFINITY, OTHERS } }, ERR_LOCKED, "/d",
		    NULL },
		{ "the root alone", DELETE, "/d", NULL,
		    { { "/d", DEPTH_0, OTHERS } }, ERR_LOCKED, "/d", NULL },
		{ "our own root", DELETE, "/d", NULL,
		    { { "/d", DEPTH_INFINITY, OURS } }, ERR_OK, "", "/e=w" },
		{ "what it is in", DELETE, "/d", NULL,
		    { { "/", DEPTH_0, OTHERS } }, ERR_LOCKED, "/", NULL },
		{ "what it is in, deeply", DELETE, "/e", NULL,
		    { { "/", DEPTH_INFINITY, OTHERS } }, ERR_LOCKED, "/",
		    NULL },
		{ "what it is in, by us", DELETE, "/d", NULL,
		    { { "/", DEPTH_0, OURS } }, ERR_OK, "", "/e=w" },
		{ "a file", DELETE, "/e", NULL, { { "/e", 0, OTHERS } },
		    ERR_LOCKED, "/e", NULL },
		{ "a collection and all in it: named once", DELETE, "/d", NULL,
		    { { "/d/a", DEPTH_INFINITY, OTHERS } }, ERR_OK, "/d/a/",
		    "/d/ /d/a/ /d/a/1=x /d/a/k/ /d/a/k/2=y /e=w" },
		{ "the names in a collection: its members", DELETE, "/d", NULL,
		    { { "/d/a", DEPTH_0, OTHERS } }, ERR_OK,
		    "/d/a/1</d/a /d/a/k/</d/a",
		    "/d/ /d/a/ /d/a/1=x /d/a/k/ /e=w" },
		{ "an inner collection", DELETE, "/d", NULL,
		    { { "/d/a/k", DEPTH_INFINITY, OTHERS } }, ERR_OK, "/d/a/k/",
		    "/d/ /d/a/ /d/a/k/ /d/a/k/2=y /e=w" },
		{ "ours around another's", DELETE, "/d", NULL,
		    { { "/d", DEPTH_0, OURS }, { "/d/b", 0, OTHERS } }, ERR_OK,
		    "/d/b", "/d/ /d/b=z /e=w" },
		{ "shared: one token is enough", DELETE, "/d", NULL,
		    { { "/d/b", 0, SHARED_OTHERS },
			{ "/d/b", 0, SHARED_OURS } },
		    ERR_OK, "", "/e=w" },
		{ "shared, and none is ours", DELETE, "/d", NULL,
		    { { "/d/b", 0, SHARED_OTHERS },
			{ "/d/b", 0, SHARED_OTHERS } },
		    ERR_OK, "/d/b", "/d/ /d/b=z /e=w" },
		{ "nested: theirs within our shared one", DELETE, "/d", NULL,
		    { { "/d", DEPTH_INFINITY, SHARED_OURS },
			{ "/d/a/k", DEPTH_INFINITY, SHARED_OTHERS } },
		    ERR_OK, "", "/e=w" },
		{ .op = END },
	};

	(void)state;
	check_rows(DELETE_TREE, rows);
}

#define TREE                                            \
	"/a/ /a/k/ /a/k/z=3 /a/old/ /a/old/y=5 /a/x=4 " \
	"/s/ /s/e/ /s/k/ /s/k/z=7 /s/x=2"

static void
a_copy_leaves_what_others_have_locked_where_it_goes(void **state)
{
	static const struct row rows[] = {
		{ "the source does not matter", COPY, "/s", "/n",
		    { { "/s", DEPTH_INFINITY, OTHERS } }, ERR_OK, "",
		    "/a/ /a/k/ /a/k/z=3 /a/old/ /a/old/y=5 /a/x=4 "
		    "/n/ /n/e/ /n/k/ /n/k/z=7 /n/x=2 "
		    "/s/ /s/e/ /s/k/ /s/k/z=7 /s/x=2" },
		{ "a locked member stays, all else comes", COPY, "/s", "/a",
		    { { "/a/x", 0, OTHERS } }, ERR_OK, "/a/x",
		    "/a/ /a/e/ /a/k/ /a/k/z=7 /a/x=4 "
		    "/s/ /s/e/ /s/k/ /s/k/z=7 /s/x=2" },
		{ "ours is overwritten", COPY, "/s", "/a",
		    { { "/a/x", 0, OURS } }, ERR_OK, "",
		    "/a/ /a/e/ /a/k/ /a/k/z=7 /a/x=2 "
		    "/s/ /s/e/ /s/k/ /s/k/z=7 /s/x=2" },
		{ "a locked collection stays as it was", COPY, "/s", "/a",
		    { { "/a/k", DEPTH_INFINITY, OTHERS } }, ERR_OK, "/a/k/",
		    "/a/ /a/e/ /a/k/ /a/k/z=3 /a/x=2 "
		    "/s/ /s/e/ /s/k/ /s/k/z=7 /s/x=2" },
		{ "an old member is not purged", COPY, "/s", "/a",
		    { { "/a/old/y", 0, OTHERS } }, ERR_OK, "/a/old/y",
		    "/a/ /a/e/ /a/k/ /a/k/z=7 /a/old/ /a/old/y=5 /a/x=2 "
		    "/s/ /s/e/ /s/k/ /s/k/z=7 /s/x=2" },
		{ "an old collection is not purged", COPY, "/s", "/a",
		    { { "/a/old", DEPTH_INFINITY, OTHERS } }, ERR_OK, "/a/old/",
		    "/a/ /a/e/ /a/k/ /a/k/z=7 /a/old/ /a/old/y=5 /a/x=2 "
		    "/s/ /s/e/ /s/k/ /s/k/z=7 /s/x=2" },
		{ "the destination", COPY, "/s", "/a",
		    { { "/a", DEPTH_INFINITY, OTHERS } }, ERR_LOCKED, "/a",
		    NULL },
		{ "into a locked collection", COPY, "/s", "/a/n",
		    { { "/a", DEPTH_0, OTHERS } }, ERR_LOCKED, "/a", NULL },
		{ "into our locked collection", COPY, "/s/x", "/a/n",
		    { { "/a", DEPTH_0, OURS } }, ERR_OK, "",
		    "/a/ /a/k/ /a/k/z=3 /a/n=2 /a/old/ /a/old/y=5 /a/x=4 "
		    "/s/ /s/e/ /s/k/ /s/k/z=7 /s/x=2" },
		{ "over a member whose name is locked", COPY, "/s/x", "/a/x",
		    { { "/a", DEPTH_0, OTHERS } }, ERR_OK, "",
		    "/a/ /a/k/ /a/k/z=3 /a/old/ /a/old/y=5 /a/x=2 "
		    "/s/ /s/e/ /s/k/ /s/k/z=7 /s/x=2" },
		{ "a file over a collection with a locked member", COPY, "/s/x",
		    "/a", { { "/a/old/y", 0, OTHERS } }, ERR_MEMBER_LOCKED,
		    "/a/old/y", NULL },
		{ .op = END },
	};

	(void)state;
	check_rows(TREE, rows);
}

static void
a_move_leaves_what_others_have_locked(void **state)
{
	static const struct row rows[] = {
		{ "a leaf", MOVE, "/s", "/n", { { "/s/k/z", 0, OTHERS } },
		    ERR_OK, "/s/k/z",
		    "/a/ /a/k/ /a/k/z=3 /a/old/ /a/old/y=5 /a/x=4 "
		    "/n/ /n/e/ /n/k/ /n/x=2 /s/ /s/k/ /s/k/z=7" },
		{ "a collection with all in it", MOVE, "/s", "/n",
		    { { "/s/k", DEPTH_INFINITY, OTHERS } }, ERR_OK, "/s/k/",
		    "/a/ /a/k/ /a/k/z=3 /a/old/ /a/old/y=5 /a/x=4 "
		    "/n/ /n/e/ /n/x=2 /s/ /s/k/ /s/k/z=7" },
		{ "a collection alone", MOVE, "/s", "/n",
		    { { "/s/k", DEPTH_0, OTHERS } }, ERR_OK, "/s/k/",
		    "/a/ /a/k/ /a/k/z=3 /a/old/ /a/old/y=5 /a/x=4 "
		    "/n/ /n/e/ /n/x=2 /s/ /s/k/ /s/k/z=7" },
		{ "ours goes", MOVE, "/s", "/n", { { "/s/k/z", 0, OURS } },
		    ERR_OK, "",
		    "/a/ /a/k/ /a/k/z=3 /a/old/ /a/old/y=5 /a/x=4 "
		    "/n/ /n/e/ /n/k/ /n/k/z=7 /n/x=2" },
		{ "the source", MOVE, "/s", "/n",
		    { { "/s", DEPTH_INFINITY, OTHERS } }, ERR_LOCKED, "/s",
		    NULL },
		{ "the source alone", MOVE, "/s", "/n",
		    { { "/s", DEPTH_0, OTHERS } }, ERR_LOCKED, "/s", NULL },
		{ "what it leaves", MOVE, "/s/x", "/n",
		    { { "/s", DEPTH_0, OTHERS } }, ERR_LOCKED, "/s", NULL },
		{ "what it comes to", MOVE, "/s", "/a/n",
		    { { "/a", DEPTH_0, OTHERS } }, ERR_LOCKED, "/a", NULL },
		{ "what it replaces", MOVE, "/s", "/a",
		    { { "/a", DEPTH_INFINITY, OTHERS } }, ERR_LOCKED, "/a",
		    NULL },
		{ "the name of what it replaces", MOVE, "/s/x", "/a/x",
		    { { "/a", DEPTH_0, OTHERS } }, ERR_LOCKED, "/a", NULL },
		{ "both ends ours", MOVE, "/s", "/a",
		    { { "/s", DEPTH_INFINITY, OURS },
			{ "/a", DEPTH_INFINITY, OURS } },
		    ERR_OK, "", "/a/ /a/e/ /a/k/ /a/k/z=7 /a/x=2" },
		{ "one end ours", MOVE, "/s", "/a",
		    { { "/s", DEPTH_INFINITY, OURS },
			{ "/a", DEPTH_INFINITY, OTHERS } },
		    ERR_LOCKED, "/a", NULL },
		{ "an old member stays, all else comes", MOVE, "/s", "/a",
		    { { "/a/old/y", 0, OTHERS } }, ERR_OK, "/a/old/y",
		    "/a/ /a/e/ /a/k/ /a/k/z=7 /a/old/ /a/old/y=5 /a/x=2" },
		{ "one in its place stays, and so what would replace it", MOVE,
		    "/s", "/a", { { "/a/k/z", 0, OTHERS } }, ERR_OK, "/a/k/z",
		    "/a/ /a/e/ /a/k/ /a/k/z=3 /a/x=2 /s/ /s/k/ /s/k/z=7" },
		{ "on both sides", MOVE, "/s", "/a",
		    { { "/a/old", DEPTH_INFINITY, OTHERS },
			{ "/s/x", 0, OTHERS } },
		    ERR_OK, "/a/old/ /s/x",
		    "/a/ /a/e/ /a/k/ /a/k/z=7 /a/old/ /a/old/y=5 /a/x=4 "
		    "/s/ /s/x=2" },
		{ "a file over a collection with a locked member", MOVE, "/s/x",
		    "/a", { { "/a/old/y", 0, OTHERS } }, ERR_MEMBER_LOCKED,
		    "/a/old/y", NULL },
		{ "apart: it is never in both places", MOVE_APART, "/s", "/n",
		    { { "/s/k/z", 0, OTHERS } }, ERR_OK, "/s/k/z",
		    "/a/ /a/k/ /a/k/z=3 /a/old/ /a/old/y=5 /a/x=4 "
		    "/n/ /n/e/ /n/k/ /n/x=2 /s/ /s/k/ /s/k/z=7" },
		{ "apart: a collection is not begun", MOVE_APART, "/s", "/n",
		    { { "/s/k", DEPTH_0, OTHERS } }, ERR_OK, "/s/k/",
		    "/a/ /a/k/ /a/k/z=3 /a/old/ /a/old/y=5 /a/x=4 "
		    "/n/ /n/e/ /n/x=2 /s/ /s/k/ /s/k/z=7" },
		{ "apart: ours goes", MOVE_APART, "/s", "/n",
		    { { "/s/k", DEPTH_INFINITY, OURS } }, ERR_OK, "",
		    "/a/ /a/k/ /a/k/z=3 /a/old/ /a/old/y=5 /a/x=4 "
		    "/n/ /n/e/ /n/k/ /n/k/z=7 /n/x=2" },
		{ "apart: one in its place", MOVE_APART, "/s", "/a",
		    { { "/a/x", 0, OTHERS } }, ERR_OK, "/a/x",
		    "/a/ /a/e/ /a/k/ /a/k/z=7 /a/x=4 /s/ /s/x=2" },
		{ .op = END },
	};

	(void)state;
	check_rows(TREE, rows);
}

/* An id, which a copy would not have. */
static struct resource_id
id_of(struct store *s, const char *path)
{
	struct resource res;

	assert_int_equal(store_stat(s, at(path), &res, NULL), ERR_OK);
	return res.id;
}

static void
what_a_move_leaves_and_takes_is_itself(void **state)
{
	static const struct row row = { "", MOVE, "/s", "/n",
		{ { "/s/k/z", 0, OTHERS } }, ERR_OK, "/s/k/z", NULL };
	static const char *const moved[][2] = {
		{ "/s/e", "/n/e" },
		{ "/s/x", "/n/x" },
		{ "/s/k/m", "/n/k/m" },
		{ "/s/k/m/f", "/n/k/m/f" },
		{ "/s/k/z", "/s/k/z" },
		{ "/s/k", "/s/k" },
		{ "/s", "/s" },
	};
	struct resource_id ids[ARRAY_LEN(moved)], now;
	struct locked_test l;
	size_t i;

	(void)state;
	begin(&l, TREE " /s/k/m/ /s/k/m/f=f", &row);
	for (i = 0; i < ARRAY_LEN(moved); i++)
		ids[i] = id_of(l.t.deny.inner, moved[i][0]);
	assert_int_equal(run(&l, &row, op_test_sink(&l.t), NULL), ERR_OK);
	assert_str_equal(op_test_said(&l.t), STR("/s/k/z 423"));
	for (i = 0; i < ARRAY_LEN(moved); i++) {
		now = id_of(l.t.deny.inner, moved[i][1]);
		assert_memory_equal(&now, &ids[i], sizeof(now));
	}
	assert_locks(l.t.deny.inner, "/s/k/z", "/s/k/z=x0");
	op_test_done(&l.t);
}

static void
locks_go_with_what_goes_and_stay_with_what_stays(void **state)
{
	static const struct row row = { "", DELETE, "/d", NULL,
		{ { "/d/a", DEPTH_0, OURS }, { "/d/a/1", 0, OURS },
		    { "/d/b", 0, OTHERS } },
		ERR_OK, "", NULL };
	struct locked_test l;

	(void)state;
	begin(&l, DELETE_TREE, &row);
	assert_int_equal(run(&l, &row, op_test_sink(&l.t), NULL), ERR_OK);
	assert_locks(l.t.deny.inner, "/d/a", "");
	assert_locks(l.t.deny.inner, "/d/a/1", "");
	assert_locks(l.t.deny.inner, "/d/b", "/d/b=x0");
	op_test_done(&l.t);
}

static void
a_token_of_another_user_is_none(void **state)
{
	struct locked_test l;
	static const struct row row = { .op = DELETE, .from = "/e" };
	struct token token;

	(void)state;
	begin(&l, DELETE_TREE, &row);
	token = lock_at(l.t.deny.inner, "/e", DEPTH_0, false, "ann");
	l.shown[0] = str_from_c(token.text);
	l.submitted = (struct lock_tokens){ STR("bob"), l.shown, 1 };
	assert_int_equal(run(&l, &row, op_test_sink(&l.t), NULL), ERR_LOCKED);
	l.submitted.user = STR("ann");
	assert_int_equal(run(&l, &row, op_test_sink(&l.t), NULL), ERR_OK);
	op_test_done(&l.t);
}

static void
one_resource_is_changed_or_not(void **state)
{
	static const struct prop_change changes[] = {
		{ false,
		    { .name = { STR_INIT("urn:x"), STR_INIT("p") },
			.form = PROP_TEXT,
			.value = STR_INIT("v") } },
	};
	static const struct prop_change protected[] = {
		{ true, { .name = { STR_INIT("DAV:"), STR_INIT("getetag") } } },
	};
	const struct proppatch_body set = { changes, 1 };
	const struct proppatch_body bad = { protected, 1 };
	static const struct row row = { .op = DELETE,
		.from = "/e",
		.locks = { { "/e", 0, OTHERS }, { "/d", DEPTH_0, OTHERS } } };
	struct locked_test l;
	struct err err = { 0 };

	(void)state;
	begin(&l, DELETE_TREE, &row);
	assert_int_equal(op_proppatch(&l.t.op, at("/e"), &set, NULL,
			     op_test_sink(&l.t), &err),
	    ERR_LOCKED);
	assert_string_equal(err.about, "/e");
	/* The lock is told of, and not the property. */
	assert_int_equal(op_proppatch(&l.t.op, at("/e"), &bad, NULL,
			     op_test_sink(&l.t), &err),
	    ERR_LOCKED);
	assert_int_equal(op_mkcol(&l.t.op, at("/d/n"), NULL, &err), ERR_LOCKED);
	assert_string_equal(err.about, "/d");
	assert_int_equal(op_mkcol(&l.t.op, at("/d/a/n"), NULL, &err), ERR_OK);
	assert_int_equal(op_proppatch(&l.t.op, at("/d/b"), &set, NULL,
			     op_test_sink(&l.t), &err),
	    ERR_OK);
	op_test_done(&l.t);
}

/* ---- with failures */

static const struct row hard[] = {
	{ "delete", DELETE, "/s", NULL, { { "/s/k/z", 0, OTHERS } }, ERR_OK,
	    NULL, NULL },
	{ "delete deep", DELETE, "/s", NULL,
	    { { "/s/k", DEPTH_INFINITY, OTHERS } }, ERR_OK, NULL, NULL },
	{ "copy", COPY, "/s", "/a",
	    { { "/a/x", 0, OTHERS }, { "/a/old/y", 0, OTHERS } }, ERR_OK, NULL,
	    NULL },
	{ "move", MOVE, "/s", "/a",
	    { { "/s/k/z", 0, OTHERS }, { "/a/old/y", 0, OTHERS } }, ERR_OK,
	    NULL, NULL },
	{ "move apart", MOVE_APART, "/s", "/a",
	    { { "/s/k/z", 0, OTHERS }, { "/a/old/y", 0, OTHERS } }, ERR_OK,
	    NULL, NULL },
};

static bool
is_there(struct store *s, const char *path)
{
	struct resource res;

	return store_stat(s, at(path), &res, NULL) == ERR_OK;
}

/*
 * Nothing locked was removed; no file of the source is lost to a MOVE; and
 * what still is where it should not be has been told of.
 */
static void
is_truthful(const struct row *r, struct locked_test *l, enum err_code rc)
{
	struct store *s = l->t.deny.inner;
	size_t i;

	for (i = 0; i < LOCKS_MAX && r->locks[i].path; i++)
		assert_true(is_there(s, r->locks[i].path));
	assert_true(rc || l->t.out.n);
	if (r->op == MOVE || r->op == MOVE_APART) {
		assert_true(is_there(s, "/s/x") || is_there(s, "/a/x"));
		assert_true(is_there(s, "/s/k/z"));
		if (!rc && is_there(s, "/s/x"))
			assert_true(op_test_named(&l->t, at("/s/x")) ||
			    op_test_named(&l->t, at("/a/x")) ||
			    op_test_named(&l->t, at("/s")));
	}
	if (r->op == DELETE && !rc && is_there(s, "/s/x"))
		assert_true(op_test_named(&l->t, at("/s/x")) ||
		    op_test_named(&l->t, at("/s")));
}

static void
every_failing_allocation_is_survived_and_told(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(hard); i++) {
		unsigned long n;
		bool fired;

		for (n = 1, fired = true; fired; n++) {
			struct locked_test l;
			enum err_code rc;

			begin(&l, TREE, &hard[i]);
			(void)op_test_sink(&l.t);
			alloc_fail_at(n);
			rc = run(&l, &hard[i], &l.t.out.base, NULL);
			fired = alloc_fail_stop();
			if (!fired)
				assert_int_equal(rc, ERR_OK);
			is_truthful(&hard[i], &l, rc);
			op_test_done(&l.t);
		}
		assert_true(n > 5);
	}
}

static void
every_failing_call_of_the_store_is_told(void **state)
{
	static const enum err_code codes[] = { ERR_IO, ERR_NOMEM, ERR_LOCKED };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(hard) * ARRAY_LEN(codes); i++) {
		const struct row *r = &hard[i / ARRAY_LEN(codes)];
		unsigned n;
		bool fired;

		for (n = 1, fired = true; fired; n++) {
			struct locked_test l;
			struct store *faulty;
			enum err_code rc;

			begin(&l, TREE, r);
			assert_int_equal(
			    fault_store_new(l.t.store, &faulty, NULL), ERR_OK);
			l.t.store = l.t.op.store = faulty;
			fault_store_fail(
			    faulty, n, codes[i % ARRAY_LEN(codes)], NULL);
			rc = run(&l, r, op_test_sink(&l.t), NULL);
			fired = fault_store_fired(faulty);
			is_truthful(r, &l, rc);
			op_test_done(&l.t);
		}
		assert_true(n > 5);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delete_leaves_what_others_have_locked),
		cmocka_unit_test(
		    a_copy_leaves_what_others_have_locked_where_it_goes),
		cmocka_unit_test(a_move_leaves_what_others_have_locked),
		cmocka_unit_test(what_a_move_leaves_and_takes_is_itself),
		cmocka_unit_test(
		    locks_go_with_what_goes_and_stay_with_what_stays),
		cmocka_unit_test(a_token_of_another_user_is_none),
		cmocka_unit_test(one_resource_is_changed_or_not),
		cmocka_unit_test(every_failing_allocation_is_survived_and_told),
		cmocka_unit_test(every_failing_call_of_the_store_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
