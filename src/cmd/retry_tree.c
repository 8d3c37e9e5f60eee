/* SPDX-License-Identifier: MIT */
/*
 * A collection whose members could not all be deleted is deleted only if it
 * holds nothing but collections by now: somebody may have put files there
 * since.
 */
#include <stdlib.h>

#include "cmd/retry_impl.h"

/* Collections that are looked into; a tree with more is left alone. */
#define MOST 1000

/* What was found in the collection and below it. */
struct tree_look {
	struct retry_one *o;
	unsigned under_way, asked; /* requests */
	bool file; /* a file was found */
	bool unclear; /* some of it could not be seen */
	bool gone; /* the collection itself is */
};

struct child {
	struct child *next;
	struct str url;
};

/* A collection that is looked into. */
struct tree_step {
	struct sink base;
	struct tree_look *t;
	struct arena a;
	struct url url;
	struct child *children;
	bool top;
};

static void look_into(struct tree_look *t, struct str url, bool top);

static void
decide(struct tree_look *t)
{
	struct retry_one *o = t->o;
	struct verdict v = {
		.fate = FATE_FAILED, .blame = BLAME_STATUS, .wait = -1
	};

	if (t->gone) {
		v.fate = FATE_DONE;
		v.blame = BLAME_NONE;
		retry_over(o, &v, true);
	} else if (t->file || t->unclear) {
		v.text = t->file
		    ? STR("there are other files in it now; sheaf rm -r "
			  "removes it with them")
		    : STR("what is in it now could not be seen; sheaf rm -r "
			  "removes it whatever that is");
		retry_over(o, &v, true);
	} else {
		retry_send(o);
	}
	free(t);
}

static enum err_code
take_member(struct sink *base, const struct outcome *o)
{
	struct tree_step *s = CONTAINER_OF(base, struct tree_step, base);
	struct child *c;
	struct entry e;
	struct url u;

	if (!o->told || url_parse(o->told->href, &u, NULL)) {
		s->t->unclear = true;
		return ERR_OK;
	}
	if (url_same(&u, &s->url))
		return ERR_OK;
	entry_read(&s->a, o, &e);
	if (e.unknown || !url_covers(&s->url, &u)) {
		s->t->unclear = true;
		return ERR_OK;
	}
	if (!e.collection) {
		s->t->file = true;
		return ERR_OK;
	}
	c = ARENA_NEW(&s->a, struct child);
	if (!c || !arena_str(&s->a, e.href, &c->url))
		return ERR_NOMEM;
	c->next = s->children;
	s->children = c;
	return ERR_OK;
}

static void
step_free(struct tree_step *s)
{
	arena_done(&s->a);
	free(s);
}

static void
looked(void *arg, const struct verdict *v)
{
	struct tree_step *s = arg;
	struct tree_look *t = s->t;
	const struct child *c;

	if (v->status == 404 || v->status == 410)
		t->gone |= s->top;
	else if (v->fate != FATE_DONE)
		t->unclear = true;
	for (c = s->children; c && !t->file && !t->unclear; c = c->next)
		look_into(t, c->url, false);
	step_free(s);
	if (!--t->under_way)
		decide(t);
}

static enum err_code
start(struct tree_step *s, struct str url, struct err *err)
{
	static const struct sink_ops ops = { .name = "tree",
		.put = take_member };

	sink_init(&s->base, &ops);
	if (!arena_str(&s->a, url, &url))
		return err_nomem(err);
	if (url_parse(url, &s->url, err))
		return ERR_BAD_REQUEST;
	return files_propfind(&s->t->o->r->f,
	    (struct remote_spec){
		.url = url,
		.depth = DEPTH_1,
		.members = &s->base,
		.done = looked,
		.arg = s,
	    },
	    false, entry_names, n_entry_names, err);
}

static void
look_into(struct tree_look *t, struct str url, bool top)
{
	struct tree_step *s = NULL;

	if (t->asked++ < MOST)
		s = calloc(1, sizeof(*s));
	if (!s) {
		t->unclear = true;
		return;
	}
	s->t = t;
	s->top = top;
	t->under_way++;
	if (!start(s, url, NULL))
		return;
	t->under_way--;
	t->unclear = true;
	step_free(s);
}

void
retry_delete_tree(struct retry_one *o)
{
	struct tree_look *t = calloc(1, sizeof(*t));
	struct verdict v = files_failure(ERR_NOMEM, NULL);

	if (!t) {
		retry_over(o, &v, true);
		return;
	}
	t->o = o;
	look_into(t, o->l.url, true);
	if (!t->under_way)
		decide(t);
}
