/* SPDX-License-Identifier: MIT */
/* The properties of one resource. */
#include <stdlib.h>

#include "cmd/files.h"

/* So many properties are kept: more than any server has. */
#define PROPS_MAX ((size_t)4096)

struct asking {
	struct sink base;
	struct files *f;
	struct arena a;
	struct told_prop *v;
	size_t n, cap;
	props_fn done;
	void *arg;
};

static bool
grow(struct asking *q)
{
	size_t cap = q->cap ? q->cap * 2 : 32;
	struct told_prop *v = arena_array(&q->a, cap, sizeof(*v));

	if (!v)
		return false;
	if (q->n)
		memcpy(v, q->v, q->n * sizeof(*v));
	q->v = v;
	q->cap = cap;
	return true;
}

/* Keeps the value as text: local names, the digits of a number. */
static bool
keep_value(struct asking *q, const struct prop *p, struct str *out)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	size_t i;

	if (p->form == PROP_NUMBER)
		buf_put_u64(&b, p->number);
	else if (p->form == PROP_NAMES)
		for (i = 0; i < p->n_names; i++) {
			if (i)
				BUF_LIT(&b, ", ");
			buf_put(&b, p->names[i].local);
		}
	else
		buf_put(&b, p->value);
	return !buf_failed(&b) && arena_str(&q->a, buf_str(&b), out);
}

static bool
keep(struct asking *q, const struct propstat *ps, const struct prop *p)
{
	struct told_prop *to;

	if (q->n == q->cap && !grow(q))
		return false;
	to = &q->v[q->n];
	*to = (struct told_prop){ .status = ps->status,
		.xml = p->form == PROP_XML };
	if (!arena_str(&q->a, p->name.ns, &to->name.ns) ||
	    !arena_str(&q->a, p->name.local, &to->name.local) ||
	    !keep_value(q, p, &to->value) ||
	    !arena_str(&q->a, ps->tell, &to->tell))
		return false;
	q->n++;
	return true;
}

static enum err_code
take_member(struct sink *base, const struct outcome *o)
{
	struct asking *q = CONTAINER_OF(base, struct asking, base);
	size_t i, j;

	for (i = 0; i < o->n_propstats; i++)
		for (j = 0; j < o->propstats[i].n_props; j++) {
			const struct propstat *ps = &o->propstats[i];

			if (q->n == PROPS_MAX)
				return ERR_TOO_LARGE;
			if (!keep(q, ps, &ps->props[j]))
				return ERR_NOMEM;
		}
	return ERR_OK;
}

static void
finish(struct asking *q, const struct verdict *v)
{
	q->done(q->arg, q->v, q->n, v);
	arena_done(&q->a);
	free(q);
}

static void
asked(void *arg, const struct verdict *v)
{
	finish(arg, v);
}

static enum err_code
start(struct asking *q, struct str url, bool all, const struct prop_name *names,
    size_t n, struct err *err)
{
	static const struct sink_ops ops = {
		.name = "props",
		.put = take_member,
	};

	sink_init(&q->base, &ops);
	return files_propfind(q->f,
	    (struct remote_spec){
		.url = url,
		.depth = DEPTH_0,
		.members = &q->base,
		.done = asked,
		.arg = q,
	    },
	    all, names, n, err);
}

void
props_ask(struct files *f, struct str url, bool all,
    const struct prop_name *names, size_t n, props_fn done, void *arg)
{
	struct asking *q = calloc(1, sizeof(*q));
	struct err err = { 0 };
	struct verdict v;
	enum err_code rc;

	if (!q) {
		v = files_failure(ERR_NOMEM, NULL);
		done(arg, NULL, 0, &v);
		return;
	}
	*q = (struct asking){ .f = f, .done = done, .arg = arg };
	rc = start(q, url, all, names, n, &err);
	if (!rc)
		return;
	v = files_failure(rc, &err);
	finish(q, &v);
}
