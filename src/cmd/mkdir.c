/* SPDX-License-Identifier: MIT */
/*
 * `sheaf mkdir`.  With -p the collection itself is tried first, and those above
 * it only where the server says that they are missing: users may not be allowed
 * to look at what is far above.
 */
#include "cmd/files.h"

struct making {
	struct files *f;
	struct str url; /* with a slash */
	struct str at; /* the one in hand: url, or above it */
	bool went_up; /* at was just reached from below */
	struct work_item item;
};

static void make(struct making *m);

static void
finish(struct making *m, const struct verdict *v)
{
	struct buf text CLEANUP(buf_done) = { 0 };
	struct verdict said = *v;

	if (m->at.len != m->url.len) {
		BUF_LIT(&text, "the collection above, ");
		buf_put(&text, m->at);
		BUF_LIT(&text, ", could not be made");
		if (v->text.len) {
			BUF_LIT(&text, ": ");
			buf_put(&text, v->text);
		}
		if (!buf_failed(&text))
			said.text = buf_str(&text);
	}
	work_done(m->f->work, &m->item, &said);
}

/* The collection is there: goes on to the next one below, or ends. */
static void
descend(struct making *m, const struct verdict *v)
{
	size_t at = m->at.len;

	if (at >= m->url.len) {
		finish(m, v);
		return;
	}
	at += str_find(str_skip(m->url, at), '/') + 1;
	m->at = str_head(m->url, at);
	m->went_up = false;
	make(m);
}

static void
looked(void *arg, const struct entry *e, const struct verdict *v)
{
	struct making *m = arg;
	struct verdict in_the_way = files_refusal(
	    STR("something that is not a collection is there already"));

	if (!e || v->fate != FATE_DONE)
		finish(m, v);
	else if (!e->collection)
		finish(m, &in_the_way);
	else
		descend(m, v);
}

/* Goes on to the collection above; false: there is none to be made. */
static bool
ascend(struct making *m)
{
	size_t above = url_parent_len(m->at);
	struct url u;

	if (above >= m->at.len || url_parse(m->at, &u, NULL) || u.path.len <= 1)
		return false;
	m->at = str_head(m->at, above);
	m->went_up = true;
	make(m);
	return true;
}

static void
made(void *arg, const struct verdict *v)
{
	struct making *m = arg;
	bool parents = m->f->o.parents;
	bool done = v->fate == FATE_DONE;
	/* RFC 4918 s9.3.1 has 201; any other 2xx may be a page of a proxy. */
	bool doubtful = done && v->status != 201 && v->status != 207;

	if (doubtful || (parents && v->status == 405)) {
		look(m->f, m->at, looked, m);
	} else if (done) {
		if (m->at.len != m->url.len)
			work_say_more(m->f->work, "made %.*s", STR_ARG(m->at));
		descend(m, v);
	} else if (!parents || (v->status != 409 && v->status != 404) ||
	    (m->at.len < m->url.len && !m->went_up) || !ascend(m)) {
		finish(m, v);
	}
}

static void
make(struct making *m)
{
	change_quietly(m->f, &m->item,
	    (struct remote_spec){
		.method = "MKCOL",
		.url = m->at,
		.lock_token = m->item.lock_token,
	    },
	    made, m);
}

/* ---- what would be done */

static void
looked_only(void *arg, const struct entry *e, const struct verdict *v)
{
	struct making *m = arg;
	struct verdict there = files_refusal(STR("something is there already"));
	struct verdict not_asked = *v;
	size_t above;

	if (v->fate != FATE_DONE && v->status == 404) {
		files_would(m->f, "make", m->at, (struct str){ 0 });
		above = url_parent_len(m->at);
		if (m->f->o.parents && above < m->at.len) {
			m->at = str_head(m->at, above);
			look(m->f, m->at, looked_only, m);
		}
	} else if (v->fate != FATE_DONE) {
		files_not_begun(&not_asked);
		finish(m, &not_asked);
	} else if (e &&
	    (!e->collection || (m->at.len == m->url.len && !m->f->o.parents))) {
		finish(m, &there);
	}
}

int
cmd_mkdir(const char *const *args)
{
	static const struct files_shape shape = { 1, SIZE_MAX, 0, 0 };
	struct files f = { 0 };
	struct making *all;
	int code;
	size_t i;

	if (!files_begin(&f, "mkdir", args, &shape, &code))
		return files_refuse(&f, code);
	all = files_array(&f, f.s.n_urls, sizeof(*all));
	for (i = 0; all && i < f.s.n_urls; i++) {
		struct making *m = &all[i];

		m->f = &f;
		m->url = m->at = files_slash(&f, f.s.urls[i]);
		m->item = (struct work_item){
			.op = "mkcol",
			.url = m->url,
			.lock_token = files_token(&f),
			.recursive = f.o.parents,
		};
		if (f.o.dry_run)
			look(&f, m->at, looked_only, m);
		else
			make(m);
	}
	files_run(&f);
	return all ? files_end(&f) : files_cannot(&f);
}
