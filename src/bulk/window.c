/* SPDX-License-Identifier: MIT */
/* All items of a window: their names, and what they touch. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bulk/check.h"

/*
 * Bytes of arena that most tasks need; so a task rarely runs short once its
 * operation is done.  All tasks are in memory at once.
 */
#define TASK_BLOCK ((size_t)256)

enum err_code
wrong(const struct task *t, struct err *err, const char *field,
    const char *what, ...)
{
	struct str id = str_head(t->item->id, 48);
	unsigned long long index = t->item->index;
	char text[160], said[24];
	va_list args;
	int n = snprintf(said, sizeof(said), "%llu", index);

	va_start(args, what);
	(void)vsnprintf(text, sizeof(text), what, args);
	va_end(args);
	if (n > 0 && str_eq(t->item->id, str_of(said, (size_t)n)))
		return err_tell(err, ERR_BAD_REQUEST, "/operations/%llu/%s: %s",
		    index, field, text);
	return err_tell(err, ERR_BAD_REQUEST, "/operations/%llu/%s: %s (%.*s)",
	    index, field, text, STR_ARG(id));
}

enum err_code
add_after(struct checking *c, struct task *t, const struct task *other,
    struct err *err)
{
	/* dependsOn, and four references. */
	size_t *v = t->after;
	size_t i = (size_t)(other - c->v);

	if (!v)
		v = arena_array(
		    &t->arena, t->item->n_depends_on + 4, sizeof(*v));
	if (!v)
		return err_nomem(err);
	assert(t->n_after < t->item->n_depends_on + 4);
	v[t->n_after++] = i;
	t->after = v;
	return ERR_OK;
}

/* ---- names */

static enum err_code
take_id(struct checking *c, struct task *t, struct err *err)
{
	struct str id = t->item->id;
	const struct task *other;
	void **value;

	if (past_find(&c->r->past, id))
		return wrong(t, err, "id", "stood there before");
	value = names_add(&c->ids, id);
	if (!value)
		return err_nomem(err);
	other = *value;
	if (other)
		return wrong(t, err, "id", "is that of operation %llu, too",
		    (unsigned long long)other->item->index);
	*value = t;
	return ERR_OK;
}

static enum err_code
take_group(struct checking *c, struct task *t, struct err *err)
{
	void **value;

	if (!t->item->group.len)
		return ERR_OK;
	value = names_add(&c->later_groups, t->item->group);
	if (!value)
		return err_nomem(err);
	if (!*value)
		*value = t;
	return ERR_OK;
}

/* An item's failure is that of the whole batch, or in a stream its own. */
static enum err_code
blame(struct checking *c, struct task *t, enum err_code rc, struct err *why,
    struct err *err)
{
	if (!rc)
		return ERR_OK;
	if (!c->r->spec.stream || rc == ERR_NOMEM) {
		if (err)
			*err = *why;
		return rc;
	}
	*t->err = *why;
	t->err->code = rc;
	*why = (struct err){ 0 }; /* for the next */
	task_failed(c->r, t);
	return ERR_OK;
}

static enum err_code
take_names(struct checking *c, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < c->n && !rc; i++) {
		struct task *t = &c->v[i];

		rc = take_id(c, t, &why);
		if (!rc)
			rc = take_group(c, t, &why);
		/* What the parser found is said first. */
		if (!rc && t->item->bad) {
			why = *t->item->bad;
			rc = why.code;
		}
		rc = blame(c, t, rc, &why, err);
	}
	return rc;
}

/* ---- all of it */

static void
checking_done(struct checking *c)
{
	names_done(&c->ids);
	names_done(&c->keys);
	buf_done(&c->user);
	names_done(&c->groups);
	names_done(&c->later_groups);
	free(c->adrift);
	free(c->spots);
}

static enum err_code
check_each(struct checking *c,
    enum err_code (*check)(struct checking *c, struct task *t, struct err *err),
    struct err *err)
{
	struct err why = { 0 };
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < c->n && !rc; i++) {
		struct task *t = &c->v[i];

		if (t->state == TASK_DONE)
			continue;
		rc = check(c, t, &why);
		rc = blame(c, t, rc, &why, err);
	}
	return rc;
}

static enum err_code
check_all(struct checking *c, struct err *err)
{
	enum err_code rc = take_names(c, err);

	if (!rc)
		rc = check_each(c, check_item, err);
	if (!rc)
		rc = find_spots(c, err);
	return rc ? rc : check_each(c, find_touches, err);
}

static enum err_code
check_hrefs(struct checking *c, struct err *err)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		struct task *t = &c->v[i], *other;
		void **value = names_add(&c->r->hrefs, t->path.s);

		if (!value)
			return err_nomem(err);
		other = *value;
		if (other)
			return err_tell(err, ERR_NOT_ACCEPTABLE,
			    "operations %llu and %llu are about %.*s, and XML "
			    "cannot tell them apart; accept application/json",
			    (unsigned long long)other->item->index,
			    (unsigned long long)t->item->index,
			    STR_ARG(str_head(t->path.s, 80)));
		*value = t;
	}
	return ERR_OK;
}

enum err_code
check_window(struct bulk_run *r, const struct batch_head *head,
    const struct batch_window *w, struct err *err)
{
	struct checking c CLEANUP(checking_done) = {
		.r = r,
		.head = head,
		.n = w->n,
		.big = r->taking_big,
	};
	enum err_code rc;
	size_t i;

	r->head = head;
	r->tasks = c.v = calloc(w->n + 1, sizeof(*c.v));
	r->errs = calloc(w->n + 1, sizeof(*r->errs));
	if (!c.v || !r->errs)
		return err_nomem(err);
	r->n = w->n;
	r->n_put = 0;
	for (i = 0; i < w->n; i++) {
		c.v[i].item = &w->v[i];
		c.v[i].err = &r->errs[i];
		c.v[i].arena.block = TASK_BLOCK;
	}
	rc = check_all(&c, err);
	return rc || !r->spec.hrefs_once ? rc : check_hrefs(&c, err);
}

void
tasks_free(struct bulk_run *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		arena_done(&r->tasks[i].arena);
		buf_done(&r->tasks[i].body);
		item_free(r, &r->tasks[i]);
	}
	names_done(&r->hrefs);
	free(r->tasks);
	free(r->errs);
	r->tasks = NULL;
	r->errs = NULL;
	r->n = r->n_put = 0;
}

static struct rpath
common(struct rpath a, struct rpath b)
{
	while (!rpath_covers(a, b))
		a = rpath_parent(a);
	return a;
}

struct rpath
tasks_root(const struct task *v, size_t n, bool *any)
{
	struct rpath root = RPATH_ROOT;
	size_t i, k;

	*any = false;
	for (i = 0; i < n; i++)
		for (k = 0; k < v[i].n_touches; k++) {
			const struct plan_touch *t = &v[i].touches[k];

			if (!t->write)
				continue;
			root = *any ? common(root, t->path) : t->path;
			*any = true;
		}
	return root;
}
