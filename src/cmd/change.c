/* SPDX-License-Identifier: MIT */
/* One request that changes something. */
#include <stdlib.h>

#include "client/judge.h"
#include "cmd/files.h"

struct changing {
	struct sink base;
	struct files *f;
	struct work_item item;
	unsigned rules;
	bool quiet; /* the work is not told of members */
	bool mute; /* nor of the verdict */
	change_fn after;
	void *arg;
	/* The caller's event of that name. */
	void (*lock)(void *arg, const struct told_lock *l);
};

/* Whether o is of the item itself: then its verdict says the same. */
static bool
is_target(const struct changing *c, const struct outcome *o)
{
	struct url item, u;

	return o->told && !url_parse(c->item.url, &item, NULL) &&
	    !url_parse(o->told->href, &u, NULL) && url_covers(&item, &u) &&
	    url_covers(&u, &item);
}

static enum err_code
take_member(struct sink *base, const struct outcome *o)
{
	struct changing *c = CONTAINER_OF(base, struct changing, base);

	/* One without an href cannot be named; the verdict mentions it. */
	if (!c->quiet && o->told && o->told->href.len && !is_target(c, o) &&
	    mention_of(c->rules, o, NULL, NULL, NULL) != MENTION_DONE)
		work_member(c->f->work, &c->item, o);
	return ERR_OK;
}

static void
pass_lock(void *arg, const struct told_lock *l)
{
	struct changing *c = arg;

	if (c->lock)
		c->lock(c->arg, l);
}

static void
say_note(void *arg, struct str line)
{
	struct changing *c = arg;

	work_say_more(c->f->work, "%.*s", STR_ARG(line));
}

static void
finish(struct changing *c, const struct verdict *v)
{
	if (!c->mute)
		work_done(c->f->work, &c->item, v);
	if (c->after)
		c->after(c->arg, v);
	free(c);
}

static void
changed(void *arg, const struct verdict *v)
{
	finish(arg, v);
}

static void
send(struct files *f, const struct work_item *item, struct remote_spec spec,
    const struct changing *how)
{
	static const struct sink_ops ops = {
		.name = "change",
		.put = take_member,
	};
	struct changing *c = calloc(1, sizeof(*c));
	struct err err = { 0 };
	struct verdict v;
	enum err_code rc;

	if (!c) {
		v = files_failure(ERR_NOMEM, NULL);
		if (!how->mute)
			work_done(f->work, item, &v);
		if (how->after)
			how->after(how->arg, &v);
		return;
	}
	*c = *how;
	c->f = f;
	c->item = *item;
	c->rules = method_rules(str_from_c(spec.method));
	c->lock = spec.lock;
	sink_init(&c->base, &ops);
	spec.members = &c->base;
	spec.lock = pass_lock;
	spec.note = say_note;
	spec.done = changed;
	spec.arg = c;
	rc = remote_start(f->s.client, &spec, &err);
	if (!rc)
		return;
	v = files_failure(rc, &err);
	finish(c, &v);
}

void
change(struct files *f, const struct work_item *item, struct remote_spec spec,
    change_fn after, void *arg)
{
	send(f, item, spec, &(struct changing){ .after = after, .arg = arg });
}

void
change_members(struct files *f, const struct work_item *item,
    struct remote_spec spec, change_fn after, void *arg)
{
	send(f, item, spec,
	    &(struct changing){ .mute = true, .after = after, .arg = arg });
}

void
change_quietly(struct files *f, const struct work_item *item,
    struct remote_spec spec, change_fn after, void *arg)
{
	send(f, item, spec,
	    &(struct changing){
		.quiet = true, .mute = true, .after = after, .arg = arg });
}
