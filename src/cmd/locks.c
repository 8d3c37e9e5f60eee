/* SPDX-License-Identifier: MIT */
/*
 * `sheaf locks`: lists or breaks the locks in the state of a directory.  A
 * server may be running: its next request sees what was broken here.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "store/state.h"
#include "store/stores.h"
#include "wire/json_object.h"
#include "wire/xml.h"

/* Output is written when there is so much. */
#define OUT_STEP ((size_t)65536)

/* No column is wider than this; a longer cell moves the rest of its line. */
#define MAX_WIDTH ((size_t)40)

struct locks_args {
	bool breaks;
	struct dir_store_spec where; /* dir, state */
	const char *const *targets; /* tokens and paths */
};

static int
complain(const char *what, const struct err *err)
{
	const char *why = *err->why ? err->why : err_text(err->code);

	(void)fprintf(stderr, "sheaf: %s%s%s\n", what, *what ? ": " : "", why);
	return EXIT_CANNOT;
}

/* ---- the cells of a line */

enum column {
	COL_PATH,
	COL_SCOPE,
	COL_DEPTH,
	COL_OWNER,
	COL_USER,
	COL_LEFT,
	COL_TOKEN,
	COL_COUNT
};

static const char *const headings[COL_COUNT] = { "PATH", "SCOPE", "DEPTH",
	"OWNER", "USER", "LEFT", "TOKEN" };

/* Shows control characters as numbers. */
static void
put_plain(struct buf *out, struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		/* U+0080 to U+009F, as UTF-8 has them */
		bool c1 = c == 0xc2 && i + 1 < s.len &&
		    (unsigned char)s.ptr[i + 1] < 0xa0;

		if (c1)
			buf_printf(
			    out, "\\xc2\\x%02x", (unsigned char)s.ptr[++i]);
		else if (c < 0x20 || c == 0x7f || c == '\\')
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, s.ptr[i]);
	}
}

static enum err_code
pass_element(void *arg, const struct xml_element *e, struct err *err)
{
	(void)arg;
	(void)e;
	(void)err;
	return ERR_OK;
}

static enum err_code
take_text(void *arg, struct str text, struct err *err)
{
	(void)err;
	buf_put(arg, text);
	return ERR_OK;
}

/* Puts the text of the element; each run of white space is one space. */
static void
put_owner(struct buf *out, struct str owner)
{
	static const struct xml_limits limits = { (size_t)1 << 20, 64 };
	static const struct xml_events events = { .open = pass_element,
		.text = take_text };
	struct buf text CLEANUP(buf_done) = { 0 };
	struct xml *x;
	struct str word, rest;
	size_t i, before = out->len;

	if (!owner.len || xml_new(&limits, &events, &text, &x, NULL))
		return;
	if (!xml_feed(x, owner, NULL))
		(void)!xml_end(x, NULL);
	xml_free(x);
	for (i = 0; i < text.len; i++)
		if (strchr("\t\r\n", text.ptr[i]))
			text.ptr[i] = ' ';
	for (rest = buf_str(&text); str_cut(&rest, ' ', &word);) {
		if (word.len && out->len > before)
			buf_putc(out, ' ');
		buf_put(out, word);
	}
}

/* Puts a time in two units at most: "1h5m", "2d", "45s". */
static void
put_left(struct buf *out, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		char name;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;
	int64_t rest;

	while (i + 1 < ARRAY_LEN(units) && seconds < units[i].seconds)
		i++;
	buf_printf(out, "%lld%c", (long long)(seconds / units[i].seconds),
	    units[i].name);
	rest = seconds % units[i].seconds;
	if (++i < ARRAY_LEN(units) && rest >= units[i].seconds)
		buf_printf(out, "%lld%c", (long long)(rest / units[i].seconds),
		    units[i].name);
}

static int64_t
seconds_left(const struct lock *l)
{
	int64_t left = clock_seconds(l->expires - clock_now());

	return left > 0 ? left : 0;
}

static struct str
scope_name(const struct lock *l)
{
	return l->shared ? STR("shared") : STR("exclusive");
}

static struct str
depth_name(const struct lock *l)
{
	return l->depth == DEPTH_INFINITY ? STR("infinity") : STR("0");
}

/* Puts the cells of a lock; "-" is an empty one. */
static void
fill_cells(struct buf cells[COL_COUNT], const struct lock *l)
{
	struct buf owner CLEANUP(buf_done) = { 0 };
	size_t i;

	for (i = 0; i < COL_COUNT; i++)
		buf_clear(&cells[i]);
	put_owner(&owner, l->owner);
	put_plain(&cells[COL_PATH], l->root.s);
	buf_put(&cells[COL_SCOPE], scope_name(l));
	buf_put(&cells[COL_DEPTH], depth_name(l));
	put_plain(&cells[COL_OWNER], buf_str(&owner));
	put_plain(&cells[COL_USER], l->user);
	put_left(&cells[COL_LEFT], seconds_left(l));
	put_plain(&cells[COL_TOKEN], l->token);
	for (i = 0; i < COL_COUNT; i++)
		if (!cells[i].len)
			buf_putc(&cells[i], '-');
}

/* ---- the list */

struct listing {
	struct buf out;
	struct buf cells[COL_COUNT];
	size_t widths[COL_COUNT];
	bool some;
	bool broken; /* the output does not take any more */
};

static void
listing_done(struct listing *l)
{
	size_t i;

	for (i = 0; i < COL_COUNT; i++)
		buf_done(&l->cells[i]);
	buf_done(&l->out);
}

/* The number of characters, if it is UTF-8. */
static size_t
width(struct str s)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < s.len; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

static enum err_code
measure(void *arg, const struct lock *l, struct err *err)
{
	struct listing *list = arg;
	size_t i;

	(void)err;
	fill_cells(list->cells, l);
	for (i = 0; i < COL_COUNT; i++) {
		size_t w = width(buf_str(&list->cells[i]));

		if (w > list->widths[i])
			list->widths[i] = w < MAX_WIDTH ? w : MAX_WIDTH;
	}
	return ERR_OK;
}

/* Ends a line. */
static enum err_code
flush(struct listing *list, size_t from)
{
	buf_putc(&list->out, '\n');
	if (list->out.len < from && !buf_failed(&list->out))
		return ERR_OK;
	list->broken = print_out(&list->out) != EXIT_OK;
	return list->broken ? ERR_OS : ERR_OK;
}

static void
put_cell(struct listing *list, size_t column, struct str text)
{
	size_t w = width(text);

	buf_put(&list->out, text);
	if (column + 1 == COL_COUNT)
		return;
	for (; w < list->widths[column]; w++)
		buf_putc(&list->out, ' ');
	BUF_LIT(&list->out, "  ");
}

static enum err_code
put_row(void *arg, const struct lock *l, struct err *err)
{
	struct listing *list = arg;
	size_t i;

	(void)err;
	if (!list->some) {
		for (i = 0; i < COL_COUNT; i++)
			put_cell(list, i, str_from_c(headings[i]));
		buf_putc(&list->out, '\n');
	}
	list->some = true;
	fill_cells(list->cells, l);
	for (i = 0; i < COL_COUNT; i++)
		put_cell(list, i, buf_str(&list->cells[i]));
	return flush(list, OUT_STEP);
}

static enum err_code
put_json(void *arg, const struct lock *l, struct err *err)
{
	struct listing *list = arg;
	struct json_object o = json_begin(&list->out);
	struct buf owner CLEANUP(buf_done) = { 0 };

	(void)err;
	put_owner(&owner, l->owner);
	json_put_text(&o, "path", l->root.s);
	json_put_text(&o, "scope", scope_name(l));
	json_put_text(&o, "depth", depth_name(l));
	json_put_text(&o, "owner", buf_str(&owner));
	json_put_text(&o, "user", l->user);
	json_put_date(&o, "expires", clock_seconds(l->expires));
	json_put_number(&o, "seconds_left", (uint64_t)seconds_left(l));
	json_put_text(&o, "token", l->token);
	json_end(&o);
	return flush(list, OUT_STEP);
}

typedef enum err_code (*visit_fn)(
    void *arg, const struct lock *l, struct err *err);

/* Visits the locks at a path, and then those below it. */
static enum err_code
each_lock(struct state *s, struct rpath path, visit_fn visit, void *arg,
    struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *locks;
	size_t n;
	size_t i;
	enum err_code rc = state_locks_at(s, path, &a, &locks, &n, err);

	for (i = 0; !rc && i < n; i++)
		rc = visit(arg, &locks[i], err);
	return rc ? rc : state_locks_below(s, path, visit, arg, err);
}

static int
list_locks(struct state *s, bool json)
{
	struct listing list CLEANUP(listing_done) = { 0 };
	struct err err = { 0 };
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < COL_COUNT; i++)
		list.widths[i] = strlen(headings[i]);
	if (!json)
		rc = each_lock(s, RPATH_ROOT, measure, &list, &err);
	if (!rc)
		rc = each_lock(
		    s, RPATH_ROOT, json ? put_json : put_row, &list, &err);
	if (list.broken) /* and it has been said */
		return EXIT_CANNOT;
	return rc ? complain("", &err) : print_out(&list.out);
}

/* ---- breaking */

struct breaking {
	struct arena a;
	const struct lock **found;
	size_t n, cap;
};

/* Notes a lock to break: none is removed while the state is being read. */
static enum err_code
note(void *arg, const struct lock *l, struct err *err)
{
	struct breaking *b = arg;
	struct lock *copy = ARENA_NEW(&b->a, struct lock);

	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 16;
		const struct lock **more =
		    arena_array(&b->a, cap, sizeof(*more));

		if (!more)
			return err_nomem(err);
		if (b->n)
			memcpy(more, b->found, b->n * sizeof(*more));
		b->found = more;
		b->cap = cap;
	}
	if (!copy || !arena_str(&b->a, l->root.s, &copy->root.s) ||
	    !arena_str(&b->a, l->token, &copy->token))
		return err_nomem(err);
	b->found[b->n++] = copy;
	return ERR_OK;
}

static int
say_broken(struct str token, struct str path)
{
	struct buf out = { 0 };

	BUF_LIT(&out, "broke ");
	put_plain(&out, token);
	if (path.len) {
		BUF_LIT(&out, " of ");
		put_plain(&out, path);
	}
	buf_putc(&out, '\n');
	return print_out(&out);
}

/* The token without the "<>" that Lock-Token has. */
static struct str
bare_token(const char *arg)
{
	struct str token = str_from_c(arg);

	if (token.len < 2 || arg[0] != '<' || arg[token.len - 1] != '>')
		return token;
	return str_head(str_skip(token, 1), token.len - 2);
}

static int
break_token(struct state *s, const char *arg)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct str token = bare_token(arg);
	struct err err = { 0 };
	struct rpath root;
	uint64_t number;
	enum err_code rc = state_lock_find(s, token, &a, &root, &err);

	if (!rc)
		rc = state_lock_remove(s, root, token, &number, &err);
	if (rc == ERR_LOCK_TOKEN) {
		(void)fprintf(stderr,
		    "sheaf: there is no lock of token '%.*s'\n",
		    STR_ARG(token));
		return EXIT_CANNOT;
	}
	return rc ? complain(arg, &err) : say_broken(token, (struct str){ 0 });
}

/* Breaks the noted locks; one that is gone by now is no failure. */
static int
break_noted(struct state *s, const struct breaking *b)
{
	int code = EXIT_OK;
	size_t i;

	for (i = 0; i < b->n; i++) {
		const struct lock *l = b->found[i];
		struct err err = { 0 };
		uint64_t number; /* SQLite has waited for it */
		enum err_code rc =
		    state_lock_remove(s, l->root, l->token, &number, &err);
		int said = EXIT_OK;

		if (!rc)
			said = say_broken(l->token, l->root.s);
		else if (rc != ERR_LOCK_TOKEN)
			said = complain(l->token.ptr, &err);
		if (said != EXIT_OK)
			code = said;
	}
	return code;
}

static int
break_path(struct state *s, const char *name)
{
	struct breaking b = { 0 };
	struct str rest = str_from_c(name);
	struct rpath path;
	struct err err = { 0 };
	enum err_code rc;
	int code;

	while (rest.len && rest.ptr[0] == '/')
		rest = str_skip(rest, 1);
	while (rest.len && rest.ptr[rest.len - 1] == '/')
		rest = str_head(rest, rest.len - 1);
	rc = rpath_join(&b.a, RPATH_ROOT, rest, &path, &err);
	if (!rc)
		rc = each_lock(s, path, note, &b, &err);
	if (rc) {
		code = complain(name, &err);
	} else if (!b.n) {
		(void)fprintf(
		    stderr, "sheaf: there is no lock at or below '%s'\n", name);
		code = EXIT_CANNOT;
	} else {
		code = break_noted(s, &b);
	}
	arena_done(&b.a);
	return code;
}

/* Breaks all targets, whether or not the others can be. */
static int
break_locks(struct state *s, const char *const *targets)
{
	int code = EXIT_OK;

	for (; *targets; targets++) {
		int one = **targets == '/' ? break_path(s, *targets)
					   : break_token(s, *targets);

		if (one != EXIT_OK)
			code = one;
	}
	return code;
}

/* ---- arguments */

static bool
looks_like_token(const char *arg)
{
	return str_starts(bare_token(arg), STR("urn:"));
}

/*
 * The first operand is DIR, unless it is a token or --state is given: so a path
 * is never taken for a directory, nor a directory for a path.
 */
static bool
read_operands(struct locks_args *a, const struct options *o)
{
	const char *const *at = o->operands;

	a->where.state = o->state;
	a->breaks = *at && !strcmp(*at, "break");
	if (a->breaks)
		at++;
	a->where.dir = ".";
	if (*at && !o->state && !looks_like_token(*at))
		a->where.dir = *at++;
	a->targets = at;
	if (a->breaks && o->json) {
		(void)fputs("sheaf: --json is for the list; see 'sheaf help "
			    "locks'\n",
		    stderr);
		return false;
	}
	if (a->breaks)
		return options_operands(
		    o, "locks", (size_t)(at - o->operands) + 1, SIZE_MAX);
	return options_operands(o, "locks", 0, (size_t)(at - o->operands));
}

int
cmd_locks(const char *const *args)
{
	struct locks_args a = { 0 };
	struct state *s = NULL;
	struct err err = { 0 };
	struct options o;
	int code;

	if (!options_begin("locks", args, &o, &code))
		return code;
	if (!read_operands(&a, &o))
		code = EXIT_USAGE;
	else if (dir_store_look(&a.where, &s, &err))
		code = complain("", &err);
	else
		code = a.breaks ? break_locks(s, a.targets)
				: list_locks(s, o.json);
	state_close(s);
	options_done(&o);
	return code;
}
