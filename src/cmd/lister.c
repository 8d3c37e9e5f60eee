/* SPDX-License-Identifier: MIT */
#include "cmd/lister.h"

#include <stdlib.h>

#include "client/judge.h"
#include "cmd/text.h"
#include "http/status.h"
#include "wire/json_object.h"

/* So many members are held of a collection, where it cannot stream. */
#define ROWS_MAX ((size_t)1000000)

static void advance(struct lister *l);

/* ---- rows */

static bool
keep_row(struct arena *a, const struct row *from, struct row *to)
{
	*to = *from;
	return arena_str(a, from->e.href, &to->e.href) &&
	    arena_str(a, from->e.etag, &to->e.etag) &&
	    arena_str(a, from->e.type, &to->e.type) &&
	    arena_str(a, from->name, &to->name) &&
	    arena_str(a, from->why, &to->why);
}

static struct row *
new_row(struct listing *g)
{
	size_t cap = g->cap ? g->cap * 2 : 64;
	struct row *more;

	if (g->n < g->cap)
		return &g->rows[g->n++];
	more = reallocarray(g->rows, cap, sizeof(*more));
	if (!more)
		return NULL;
	g->rows = more;
	g->cap = cap;
	return &g->rows[g->n++];
}

static int
by_name(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;
	int c = str_cmp(x->name, y->name);

	/* Of two with one name the unknown one comes first, and is kept. */
	return c ? c : (int)y->e.unknown - (int)x->e.unknown;
}

/* Sorts the rows, and drops all but the first of each name. */
static void
sort_rows(struct listing *g)
{
	size_t i, n = 0;

	if (g->n)
		qsort(g->rows, g->n, sizeof(*g->rows), by_name);
	for (i = 0; i < g->n; i++)
		if (!n || !str_eq(g->rows[n - 1].name, g->rows[i].name))
			g->rows[n++] = g->rows[i];
	g->n = n;
}

/* ---- listings */

static struct listing *
listing_new(struct lister *l, struct str url, unsigned depth)
{
	struct listing *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->l = l;
	g->depth = depth;
	g->end = &g->children;
	if (!arena_str(&g->a, url, &g->url)) {
		free(g);
		return NULL;
	}
	g->base = g->url;
	g->item = (struct work_item){ .op = "propfind", .url = g->url };
	return g;
}

static void
listing_free(struct listing *g)
{
	free(g->rows);
	arena_done(&g->a);
	buf_done(&g->text);
	buf_done(&g->error);
	free(g);
}

/* Queues a collection in g, if those are listed; g->failed: no memory. */
static void
add_child(struct listing *g, struct row *r)
{
	struct listing *child;

	r->enter = g->l->recursive && r->e.collection && !r->e.unknown;
	if (!r->enter)
		return;
	child = listing_new(g->l, r->e.href, g->depth + 1);
	if (!child) {
		r->enter = false;
		g->failed = true;
		return;
	}
	*g->end = child;
	g->end = &child->next;
}

/* ---- what the answer says */

/* An href is the URL itself, directly in it, or neither. */
enum place { PLACE_SELF, PLACE_MEMBER, PLACE_STRAY };

static enum place
place_of(const struct listing *g, struct str href)
{
	struct url base, u;

	if (url_parse(g->base, &base, NULL) || url_parse(href, &u, NULL))
		return PLACE_STRAY;
	if (url_covers(&base, &u) && url_covers(&u, &base))
		return PLACE_SELF;
	if (url_parse(str_head(href, url_parent_len(href)), &u, NULL) ||
	    !url_covers(&base, &u) || !url_covers(&u, &base))
		return PLACE_STRAY;
	return PLACE_MEMBER;
}

static void
put_name(struct buf *b, struct str href, enum place place)
{
	struct url u;

	if (place == PLACE_STRAY || url_parse(href, &u, NULL))
		buf_put(b, href);
	else
		url_put_decoded(b, url_name(u.path));
	if (!b->len)
		buf_put(b, href.len ? STR("/") : STR("(no href)"));
}

/* Its turn has come while it is read: shows what is held, then what comes. */
static void
begin_to_stream(struct lister *l, struct listing *g)
{
	size_t i;

	g->streams = true;
	sort_rows(g);
	l->ops->stream_begin(l, g);
	for (i = 0; i < g->n; i++) {
		add_child(g, &g->rows[i]);
		l->ops->stream(l, g, &g->rows[i]);
	}
	g->n = 0;
}

/* Shows a member beyond those that are held, or drops it until asked again. */
static void
pass_over(struct listing *g, struct row *r)
{
	struct lister *l = g->l;

	if (!g->streams && l->head == g)
		begin_to_stream(l, g);
	if (!g->streams) {
		g->over = true;
		return;
	}
	add_child(g, r);
	l->ops->stream(l, g, r);
}

static enum err_code
take_row(struct listing *g, struct row *r, enum place place)
{
	struct lister *l = g->l;
	size_t most = l->ops->stream ? LISTER_HELD : ROWS_MAX;
	struct row *to;

	if (place == PLACE_SELF) {
		if (g->self_known)
			return ERR_OK;
		g->self_known = true;
		return keep_row(&g->a, r, &g->self) ? ERR_OK : ERR_NOMEM;
	}
	g->seen++;
	if (place == PLACE_STRAY) {
		r->e.unknown = true;
		r->e.collection = false;
		if (!r->why.len)
			r->why = STR("it is not in this collection");
	}
	if (g->streams || g->over || g->n >= most) {
		if (!l->ops->stream)
			return ERR_TOO_LARGE;
		pass_over(g, r);
		return ERR_OK;
	}
	to = new_row(g);
	return to && keep_row(&g->a, r, to) ? ERR_OK : ERR_NOMEM;
}

struct member_sink {
	struct sink base;
	struct listing *g;
	struct arena item;
	struct buf name;
};

static enum err_code
take_member(struct sink *base, const struct outcome *o)
{
	struct member_sink *s = CONTAINER_OF(base, struct member_sink, base);
	struct listing *g = s->g;
	struct row r = { 0 };
	enum place place;

	arena_clear(&s->item);
	buf_clear(&s->name);
	entry_read(&s->item, o, &r.e);
	place = place_of(g, r.e.href);
	put_name(&s->name, r.e.href, place);
	if (buf_failed(&s->name))
		return ERR_NOMEM;
	r.name = buf_str(&s->name);
	if (r.e.unknown)
		r.why = o->tell;
	/* The first LISTER_HELD were told of before it was asked for again. */
	if (r.e.unknown && place != PLACE_SELF && r.e.href.len &&
	    (!g->streams || g->seen >= LISTER_HELD) && !g->over)
		work_member(g->l->f->work, &g->item, o);
	return take_row(g, &r, place);
}

/* ---- asking */

struct request {
	struct member_sink sink;
	struct listing *g;
};

static void
ready(struct listing *g, const struct verdict *v)
{
	g->v = *v;
	buf_put(&g->text, v->text);
	buf_put(&g->error, v->error);
	g->v.etag = (struct str){ 0 };
	g->state = LISTING_READY;
}

static void
on_head(void *arg, const struct answer_head *h)
{
	struct request *q = arg;

	if (h->url.len && !arena_str(&q->g->a, h->url, &q->g->base))
		q->g->base = q->g->url;
}

static void
on_note(void *arg, struct str line)
{
	struct request *q = arg;

	work_say_more(q->g->l->f->work, "%.*s", STR_ARG(line));
}

static void
request_free(struct request *q)
{
	arena_done(&q->sink.item);
	buf_done(&q->sink.name);
	free(q);
}

static void
on_done(void *arg, const struct verdict *v)
{
	struct request *q = arg;
	struct listing *g = q->g;

	request_free(q);
	ready(g, v);
	advance(g->l);
}

static enum err_code
start(struct request *q, struct err *err)
{
	static const struct sink_ops ops = {
		.name = "lister",
		.put = take_member,
	};

	sink_init(&q->sink.base, &ops);
	return files_propfind(q->g->l->f,
	    (struct remote_spec){
		.url = q->g->url,
		.depth = DEPTH_1,
		.members = &q->sink.base,
		.head = on_head,
		.note = on_note,
		.done = on_done,
		.arg = q,
	    },
	    false, entry_names, n_entry_names, err);
}

static void
ask(struct listing *g)
{
	struct request *q = calloc(1, sizeof(*q));
	struct err err = { 0 };
	struct verdict v;
	enum err_code rc = q ? ERR_OK : err_nomem(&err);

	g->state = LISTING_ASKED;
	if (q) {
		q->g = g;
		q->sink.g = g;
		rc = start(q, &err);
	}
	if (!rc)
		return;
	if (q)
		request_free(q);
	v = files_failure(rc, &err);
	ready(g, &v);
}

/* Whether it is not to be asked for; then g is ready, and says why. */
static bool
is_refused(struct listing *g)
{
	struct verdict deep = files_refusal(STR(
	    "it is over 100 collections deep, which may be a loop; list it by "
	    "itself"));
	struct verdict left = {
		.fate = FATE_LEFT, .blame = BLAME_INTERRUPT, .wait = -1
	};

	if (work_interrupted(g->l->f->work))
		ready(g, &left);
	else if (g->depth > LISTER_DEPTH)
		ready(g, &deep);
	else
		return false;
	return true;
}

static void
ask_ahead(struct lister *l)
{
	struct listing *g = l->head;
	unsigned n;

	for (n = 0; g && n < l->ahead; n++, g = g->next)
		if (g->state == LISTING_WAITS && !is_refused(g))
			ask(g);
}

/* ---- turns */

/* There are too many to be held: asks again, to show them as they come. */
static void
ask_again(struct lister *l, struct listing *g)
{
	g->over = false;
	g->streams = true;
	g->self_known = false;
	g->seen = 0;
	g->n = 0;
	buf_clear(&g->text);
	buf_clear(&g->error);
	l->ops->stream_begin(l, g);
	ask(g);
}

static void
take_turn(struct lister *l, struct listing *g)
{
	size_t i;

	sort_rows(g);
	for (i = 0; i < g->n; i++)
		add_child(g, &g->rows[i]);
	l->head = g->next;
	*g->end = l->head;
	if (g->children)
		l->head = g->children;
	if (g->failed)
		work_stop(l->f->work, "the list", NULL);
	l->ops->turn(l, g);
}

static void
advance(struct lister *l)
{
	for (;;) {
		struct listing *g;

		if (l->ops->between)
			l->ops->between(l);
		ask_ahead(l);
		g = l->head;
		if (!g || g->state != LISTING_READY)
			return;
		if (g->over && !g->streams)
			ask_again(l, g);
		else
			take_turn(l, g);
	}
}

/* ---- for the command */

bool
lister_begin(struct lister *l)
{
	struct listing **end = &l->head;
	size_t i;

	l->ahead = l->f->o.jobs ? l->f->o.jobs * 2 : 8;
	for (i = 0; i < l->f->s.n_urls; i++) {
		*end = listing_new(l, l->f->s.urls[i], 0);
		if (!*end)
			return false;
		end = &(*end)->next;
	}
	return true;
}

void
lister_go(struct lister *l)
{
	advance(l);
}

void
lister_finish(struct lister *l, struct listing *g)
{
	g->v.text = buf_str(&g->text);
	g->v.error = buf_str(&g->error);
	work_done(l->f->work, &g->item, &g->v);
	listing_free(g);
}

void
lister_put_why(struct buf *b, const struct row *r)
{
	if (r->e.status) {
		buf_printf(b, "%u ", r->e.status);
		buf_put(b, status_reason(r->e.status));
	} else if (r->why.len) {
		text_put_plain(b, r->why);
	} else {
		BUF_LIT(b, "no status");
	}
}

void
lister_put_json(struct buf *b, const struct row *r)
{
	struct json_object o = json_begin(b);

	json_put_text(&o, "type", STR("entry"));
	json_put_text(&o, "url", r->e.href);
	json_put_text(&o, "name", r->name);
	if (r->e.unknown) {
		struct buf why CLEANUP(buf_done) = { 0 };

		lister_put_why(&why, r);
		json_put_true(&o, "unknown");
		if (r->e.status)
			json_put_number(&o, "status", r->e.status);
		json_put_text(&o, "error", buf_str(&why));
	} else if (r->e.collection) {
		json_put_true(&o, "collection");
	} else {
		json_put_false(&o, "collection");
	}
	if (r->e.has_size)
		json_put_number(&o, "size", r->e.size);
	if (r->e.has_time)
		json_put_date(&o, "modified", r->e.time);
	if (r->e.etag.len)
		json_put_text(&o, "etag", r->e.etag);
	if (r->e.type.len)
		json_put_text(&o, "contentType", r->e.type);
	json_end(&o);
}
