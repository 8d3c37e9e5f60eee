/* SPDX-License-Identifier: MIT */
/* `sheaf rm`: looks before each DELETE, and refuses collections without -r. */
#include "cmd/files.h"

struct removal {
	struct files *f;
	struct str url;
};

static void
send_delete(struct removal *r, const struct entry *e, struct str url)
{
	struct options *o = &r->f->o;
	struct work_item item = {
		.op = "delete",
		.url = url,
		.if_match = str_from_c(o->if_match),
		.lock_token = files_token(r->f),
		.recursive = e->collection,
	};

	change(r->f, &item,
	    (struct remote_spec){
		.method = "DELETE",
		.url = url,
		.if_match = item.if_match,
		.lock_token = item.lock_token,
	    },
	    NULL, NULL);
}

static void
refuse(struct removal *r, const struct verdict *v)
{
	struct work_item item = { .op = "delete",
		.url = r->url,
		.if_match = str_from_c(r->f->o.if_match),
		.lock_token = files_token(r->f),
		.recursive = r->f->o.recursive };

	work_done(r->f->work, &item, v);
}

static void
looked(void *arg, const struct entry *e, const struct verdict *v)
{
	struct removal *r = arg;
	struct verdict is_collection = files_refusal(
	    STR("it is a collection; -r removes it with all that is in it"));
	struct verdict no_kind = files_refusal(
	    STR("the server does not say whether it is a collection; -r "
		"removes it, and all that may be in it"));
	struct verdict not_asked = *v;
	struct str url = r->url;

	if (!e || v->fate != FATE_DONE) {
		files_not_begun(&not_asked);
		refuse(r, &not_asked);
		return;
	}
	if (e->collection && !r->f->o.recursive) {
		refuse(r, &is_collection);
		return;
	}
	if (!e->collection && !e->kind_told && !r->f->o.recursive) {
		refuse(r, &no_kind);
		return;
	}
	if (e->collection)
		url = files_slash(r->f, url);
	if (r->f->o.dry_run)
		files_would(r->f, "delete", url, (struct str){ 0 });
	else
		send_delete(r, e, url);
}

int
cmd_rm(const char *const *args)
{
	static const struct files_shape shape = { 1, SIZE_MAX, 0, 0 };
	struct files f = { 0 };
	struct removal *all;
	int code;
	size_t i;

	if (!files_begin(&f, "rm", args, &shape, &code))
		return files_refuse(&f, code);
	all = files_array(&f, f.s.n_urls, sizeof(*all));
	for (i = 0; all && i < f.s.n_urls; i++) {
		all[i] = (struct removal){ &f, f.s.urls[i] };
		look(&f, f.s.urls[i], looked, &all[i]);
	}
	files_run(&f);
	return all ? files_end(&f) : files_cannot(&f);
}
