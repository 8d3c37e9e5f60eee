/* SPDX-License-Identifier: MIT */
/*
 * `sheaf get`: fetches files, or with -r collections with all that is in them.
 * What is to be done is a queue: of a tree, what was listed and is not fetched
 * yet.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "client/download.h"
#include "cmd/files.h"

#define JOBS 4

struct getting {
	struct files f;
	struct node *first, **last;
	unsigned under_way, window;
	bool dest_is_dir;
	bool failed; /* something was not done */
};

/* A URL to fetch or, if list, to ask what is in it. */
struct node {
	struct node *next;
	struct getting *g;
	struct arena a;
	struct str url, path; /* path: NUL-terminated */
	bool list;
	/* Used where list is set: */
	struct sink members;
	struct arena item;
	struct url base;
	bool collection, file; /* what the URL itself turned out to be */
	bool made; /* the directory here was */
};

static void pump(struct getting *g);

static void
node_free(struct node *n)
{
	arena_done(&n->item);
	arena_done(&n->a);
	free(n);
}

static struct node *
node_new(struct getting *g, struct str url, struct str path, bool list)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->g = g;
	n->list = list;
	if (arena_str(&n->a, url, &n->url) && arena_str(&n->a, path, &n->path))
		return n;
	node_free(n);
	return NULL;
}

/* Files go to the front: to list collections would make the queue longer. */
static void
push(struct getting *g, struct node *n)
{
	if (!n) {
		work_stop(g->f.work, "", NULL);
		return;
	}
	work_expect(g->f.work, 1, 0);
	if (!n->list) {
		n->next = g->first;
		g->first = n;
		if (!n->next)
			g->last = &n->next;
	} else {
		*g->last = n;
		g->last = &n->next;
	}
}

static void
tell(struct getting *g, const struct work_item *item, const struct verdict *v)
{
	g->failed = g->failed || v->fate != FATE_DONE;
	work_done(g->f.work, item, v);
}

static void
tell_node(struct node *n, const struct verdict *v, uint64_t bytes)
{
	const struct work_item item = { .op = "get",
		.url = n->url,
		.file = n->path,
		.bytes = bytes,
		.recursive = n->list };

	tell(n->g, &item, v);
	node_free(n);
}

static void
tell_failure(struct node *n, enum err_code rc, const struct err *err)
{
	struct verdict v = files_failure(rc, err);

	tell_node(n, &v, 0);
}

/* ---- a file */

static void
on_progress(void *arg, int64_t bytes)
{
	struct node *n = arg;

	work_progress(n->g->f.work, bytes);
}

static void
on_size(void *arg, uint64_t bytes)
{
	struct node *n = arg;

	work_expect(n->g->f.work, 0, bytes);
}

static void
on_fetched(void *arg, const struct download_end *e)
{
	struct node *n = arg;
	struct getting *g = n->g;

	g->under_way--;
	tell_node(n, &e->v, e->bytes);
	pump(g);
}

static void
fetch(struct node *n)
{
	struct getting *g = n->g;
	const struct download_spec spec = { .url = n->url,
		.file = n->path.ptr,
		.force = g->f.o.force,
		.no_collection = true,
		.attempts = g->f.o.attempts,
		.progress = on_progress,
		.size = on_size,
		.done = on_fetched,
		.arg = n };
	struct verdict would = { .fate = FATE_DONE, .wait = -1 };
	struct err err = { 0 };
	enum err_code rc;

	if (g->f.o.dry_run) {
		files_would(&g->f, "get", n->url, n->path);
		tell_node(n, &would, 0);
		return;
	}
	rc = download_start(g->f.s.client, &spec, &err);
	if (rc)
		tell_failure(n, rc, &err);
	else
		g->under_way++;
}

/* ---- a listing */

/* Puts where a member goes; false: its name cannot be that of a file here. */
static bool
put_member_path(const struct node *n, struct str url, struct buf *path)
{
	struct url u;
	size_t before;

	if (url_parse(url, &u, NULL))
		return false;
	buf_put(path, n->path);
	if (!str_ends(n->path, STR("/")))
		buf_putc(path, '/');
	before = path->len;
	url_put_decoded(path, url_name(u.path));
	return buf_failed(path) ||
	    rpath_segment_ok(str_skip(buf_str(path), before));
}

/* Tells the work of a member that is not fetched. */
static void
tell_member(struct node *n, struct str url, enum fate fate, enum blame blame,
    unsigned status, struct str why)
{
	struct buf path CLEANUP(buf_done) = { 0 };
	bool named = put_member_path(n, url, &path);
	const struct verdict v = { .fate = fate,
		.blame = blame,
		.status = status,
		.wait = -1,
		.text = why };
	const struct work_item item = { .op = "get",
		.url = url,
		.file = named ? buf_str(&path) : ((struct str){ 0 }),
		.recursive = str_ends(url, STR("/")) };

	work_expect(n->g->f.work, 1, 0);
	tell(n->g, &item, &v);
}

static bool
make_dir(struct node *n, struct err *err)
{
	struct stat st;

	if (n->made || n->g->f.o.dry_run)
		return true;
	n->made = !mkdir(n->path.ptr, 0777) ||
	    (errno == EEXIST && !stat(n->path.ptr, &st) && S_ISDIR(st.st_mode));
	if (!n->made)
		(void)err_os(err, "make the directory '%s'", n->path.ptr);
	return n->made;
}

/* Queues a member; its name is the server's, and may be anything. */
static void
add_member(struct node *n, const struct entry *e)
{
	struct buf path CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };

	if (!put_member_path(n, e->href, &path)) {
		tell_member(n, e->href, FATE_FAILED, BLAME_LOCAL, 0,
		    STR("its name cannot be that of a file here"));
		return;
	}
	if (!make_dir(n, &err)) {
		tell_member(n, e->href, FATE_FAILED, BLAME_LOCAL, 0,
		    str_from_c(err.why));
		return;
	}
	if (buf_failed(&path))
		push(n->g, NULL);
	else
		push(n->g,
		    node_new(n->g, e->href, buf_str(&path), e->collection));
}

static enum err_code
put_member(struct sink *s, const struct outcome *o)
{
	struct node *n = CONTAINER_OF(s, struct node, members);
	struct url u, above;
	struct entry e;
	bool ours;

	arena_clear(&n->item);
	entry_read(&n->item, o, &e);
	ours = e.href.len && !url_parse(e.href, &u, NULL);
	if (ours && url_same(&u, &n->base)) {
		n->collection = n->collection || e.collection;
		n->file = !e.unknown && !n->collection;
		return ERR_OK;
	}
	if (e.unknown) {
		tell_member(
		    n, e.href, FATE_UNKNOWN, BLAME_STATUS, e.status, o->tell);
		return ERR_OK;
	}
	if (!ours ||
	    url_parse(str_head(e.href, url_parent_len(e.href)), &above, NULL) ||
	    !url_same(&above, &n->base)) {
		tell_member(n, e.href, FATE_UNKNOWN, BLAME_PROTOCOL, 0,
		    STR("it is not a member of what was listed"));
		return ERR_OK;
	}
	add_member(n, &e);
	return ERR_OK;
}

static const struct sink_ops member_ops = { .name = "get", .put = put_member };

/* Keeps the URL that answered: after a redirect hrefs are below that. */
static void
on_head(void *arg, const struct answer_head *h)
{
	struct node *n = arg;
	struct str url;

	if (arena_str(&n->a, h->url, &url))
		(void)!url_parse(url, &n->base, NULL);
}

static void
on_listed(void *arg, const struct verdict *v)
{
	struct node *n = arg;
	struct getting *g = n->g;
	struct err err = { 0 };

	g->under_way--;
	if (v->fate == FATE_DONE && n->file) {
		n->list = false;
		fetch(n);
	} else if (v->fate == FATE_DONE && !make_dir(n, &err)) {
		tell_failure(n, ERR_OS, &err);
	} else {
		tell_node(n, v, 0);
	}
	pump(g);
}

static void
list(struct node *n)
{
	struct getting *g = n->g;
	struct remote_spec spec = { .url = n->url,
		.depth = DEPTH_1,
		.members = &n->members,
		.head = on_head,
		.done = on_listed,
		.arg = n };
	struct err err = { 0 };
	enum err_code rc;

	sink_init(&n->members, &member_ops);
	rc = url_parse(n->url, &n->base, &err);
	if (!rc)
		rc = files_propfind(
		    &g->f, spec, false, entry_names, n_entry_names, &err);
	if (rc)
		tell_failure(n, rc, &err);
	else
		g->under_way++;
}

/* ---- the queue */

static void
pump(struct getting *g)
{
	const struct verdict left = {
		.fate = FATE_LEFT, .blame = BLAME_INTERRUPT, .wait = -1
	};
	struct node *n;

	while (g->first && g->under_way < g->window) {
		n = g->first;
		g->first = n->next;
		if (!g->first)
			g->last = &g->first;
		n->next = NULL;
		if (work_interrupted(g->f.work))
			tell_node(n, &left, 0);
		else if (n->list)
			list(n);
		else
			fetch(n);
	}
}

/* ---- the operands */

/* Puts where a URL goes: DEST, or under its name in DEST; false: no name. */
static bool
put_place(struct getting *g, struct buf *b, struct str url, struct str dest)
{
	struct url u;
	struct str name;
	size_t before;

	buf_put(b, dest);
	if (!g->dest_is_dir)
		return true;
	while (b->len > 1 && b->ptr[b->len - 1] == '/')
		b->len--;
	if (url_parse(url, &u, NULL))
		return false;
	name = url_name(u.path);
	if (!name.len) /* the root: what is in it */
		return true;
	if (!str_ends(buf_str(b), STR("/")))
		buf_putc(b, '/');
	before = b->len;
	url_put_decoded(b, name);
	return buf_failed(b) || rpath_segment_ok(str_skip(buf_str(b), before));
}

static void
refuse(struct getting *g, struct str url, struct str path, const char *why)
{
	const struct verdict v = files_refusal(str_from_c(why));
	const struct work_item item = { .op = "get", .url = url, .file = path };

	work_expect(g->f.work, 1, 0);
	tell(g, &item, &v);
}

static void
add_operand(struct getting *g, struct str url, struct str dest)
{
	struct buf path CLEANUP(buf_done) = { 0 };
	bool named = put_place(g, &path, url, dest);

	if (buf_failed(&path))
		push(g, NULL);
	else if (!named)
		refuse(g, url, dest, "its name cannot be that of a file here");
	else if (!g->f.o.recursive && str_ends(url, STR("/")))
		refuse(g, url, buf_str(&path),
		    "it is a collection; -r takes it with all that is in it");
	else
		push(g, node_new(g, url, buf_str(&path), g->f.o.recursive));
}

static void
run(struct getting *g)
{
	do {
		pump(g);
		files_run(&g->f);
	} while (g->first);
}

static void
start(struct getting *g)
{
	g->last = &g->first;
	g->window = g->f.o.jobs ? g->f.o.jobs : JOBS;
}

bool
get_tree(const struct files *f, const struct files_tree *t)
{
	struct getting g = { .f = files_for_tree(f, t) };
	struct node *n = node_new(&g, t->url, t->path, true);

	start(&g);
	push(&g, n);
	run(&g);
	return n && !g.failed;
}

static int
get(struct getting *g)
{
	const char *where = g->f.o.operands[g->f.o.n_operands - 1];
	struct str dest = str_from_c(where);
	struct stat st;
	size_t i;

	g->dest_is_dir = !stat(where, &st) && S_ISDIR(st.st_mode);
	if (!g->dest_is_dir && (g->f.s.n_urls > 1 || str_ends(dest, STR("/"))))
		return files_wrong(&g->f, "'%s' is not a directory", where);
	start(g);
	for (i = g->f.s.n_urls; i--;)
		add_operand(g, g->f.s.urls[i], dest);
	run(g);
	return EXIT_OK;
}

int
cmd_get(const char *const *args)
{
	static const struct files_shape shape = {
		.least = 2, .most = SIZE_MAX, .others = 1
	};
	struct getting g = { 0 };
	int code;
	bool begun = files_begin(&g.f, "get", args, &shape, &code);

	if (begun)
		code = get(&g);
	if (begun && code == EXIT_OK)
		return files_end(&g.f);
	return files_refuse(&g.f, code);
}
