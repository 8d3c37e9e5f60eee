/* SPDX-License-Identifier: MIT */
/* One look at what is at a URL. */
#include <stdlib.h>

#include "cmd/files.h"

struct looking {
	struct sink base;
	struct files *f;
	struct arena a;
	struct url url;
	struct entry entry;
	bool found;
	bool at_url; /* the href of the entry is the URL */
	look_fn done;
	void *arg;
};

static void
looking_free(struct looking *l)
{
	arena_done(&l->a);
	free(l);
}

/*
 * Takes the resource at the URL, where the answer has several; or any, for a
 * redirect may have led elsewhere.
 */
static enum err_code
take_member(struct sink *base, const struct outcome *o)
{
	struct looking *l = CONTAINER_OF(base, struct looking, base);
	struct entry e;
	struct url u;
	bool at_url;

	if (!o->told || url_parse(o->told->href, &u, NULL))
		return ERR_OK;
	at_url = url_covers(&l->url, &u) && url_covers(&u, &l->url);
	if (l->found && !at_url)
		return ERR_OK;
	entry_read(&l->a, o, &e);
	if (!arena_str(&l->a, e.href, &e.href) ||
	    !arena_str(&l->a, e.etag, &e.etag) ||
	    !arena_str(&l->a, e.type, &e.type))
		return ERR_NOMEM;
	/* A collection, where the answer says both: more could be lost. */
	if (l->found && l->at_url && at_url && l->entry.collection)
		e.collection = true;
	l->entry = e;
	l->found = true;
	l->at_url = at_url;
	return ERR_OK;
}

static void
say_note(void *arg, struct str line)
{
	struct looking *l = arg;

	work_say_more(l->f->work, "%.*s", STR_ARG(line));
}

static void
looked(void *arg, const struct verdict *v)
{
	struct looking *l = arg;

	l->done(l->arg, l->found ? &l->entry : NULL, v);
	looking_free(l);
}

static enum err_code
start(struct looking *l, struct str url, struct err *err)
{
	static const struct sink_ops ops = {
		.name = "look",
		.put = take_member,
	};

	sink_init(&l->base, &ops);
	if (!arena_str(&l->a, url, &url))
		return err_nomem(err);
	if (url_parse(url, &l->url, err))
		return ERR_BAD_REQUEST;
	return files_propfind(l->f,
	    (struct remote_spec){
		.url = url,
		.depth = DEPTH_0,
		.members = &l->base,
		.note = say_note,
		.done = looked,
		.arg = l,
	    },
	    false, entry_names, n_entry_names, err);
}

void
look(struct files *f, struct str url, look_fn done, void *arg)
{
	struct looking *l = calloc(1, sizeof(*l));
	struct err err = { 0 };
	struct verdict v;
	enum err_code rc;

	if (!l) {
		v = files_failure(ERR_NOMEM, NULL);
		done(arg, NULL, &v);
		return;
	}
	*l = (struct looking){ .f = f, .done = done, .arg = arg };
	rc = start(l, url, &err);
	if (!rc)
		return;
	looking_free(l);
	v = files_failure(rc, &err);
	done(arg, NULL, &v);
}
