/* SPDX-License-Identifier: MIT */
/* `sheaf stat`: shows all that a server says of a resource. */
#include <stdlib.h>
#include <unistd.h>

#include "cmd/files.h"
#include "cmd/table.h"
#include "cmd/text.h"
#include "http/status.h"
#include "wire/json_object.h"
#include "wire/locks_read.h"
#include "wire/xml_tree.h"

/* Properties that DAV:allprop leaves out. */
static const struct prop_name asked[] = {
	{ STR_INIT("DAV:"), STR_INIT("quota-available-bytes") },
	{ STR_INIT("DAV:"), STR_INIT("quota-used-bytes") },
	{ STR_INIT("DAV:"), STR_INIT("lockdiscovery") },
	{ STR_INIT("DAV:"), STR_INIT("supportedlock") },
};

struct one {
	struct all *all;
	struct str url;
	struct work_item item;
	struct buf out; /* held until those before it are shown */
	struct verdict v;
	struct buf text, error; /* of v */
	bool done;
};

struct all {
	struct files f;
	struct one *v;
	size_t n, shown;
};

/* ---- values in words */

static void
put_lock(struct buf *b, const struct told_lock *l)
{
	buf_put(b, l->shared ? STR("shared") : STR("exclusive"));
	buf_put(b, l->deep ? STR(", with all below it") : STR(", it alone"));
	if (l->owner.len) {
		BUF_LIT(b, ", of ");
		text_put_plain(b, l->owner);
	}
	if (l->seconds)
		buf_printf(b, ", for %llu s", (unsigned long long)l->seconds);
	BUF_LIT(b, ", ");
	text_put_plain(b, l->token);
}

/* Puts a line for each lock; false: the value cannot be read. */
static bool
put_locks(struct buf *b, struct arena *a, struct str xml)
{
	const struct told_lock *locks;
	size_t i, n;

	if (locks_read(a, xml, &locks, &n, NULL))
		return false;
	if (!n)
		BUF_LIT(b, "none");
	for (i = 0; i < n; i++) {
		if (i)
			BUF_LIT(b, "; ");
		put_lock(b, &locks[i]);
	}
	return true;
}

/* Puts the scopes of write locks, "exclusive, shared"; false: unreadable. */
static bool
put_lock_kinds(struct buf *b, struct arena *a, struct str xml)
{
	const struct xml_node *entry, *scope;
	struct xml_node *root;

	if (xml_tree_read(a, xml, &root, NULL))
		return false;
	for (entry = root->child; entry; entry = entry->next) {
		scope = xml_tree_dav(entry, "lockscope");
		if (!scope || !scope->child)
			continue;
		if (entry != root->child)
			BUF_LIT(b, ", ");
		text_put_plain(b, scope->child->name.local);
	}
	return true;
}

static void
put_value(struct buf *b, struct arena *a, const struct told_prop *p)
{
	bool dav = str_eq(p->name.ns, DAV_NS);
	bool locks = dav && str_eq(p->name.local, STR("lockdiscovery"));
	bool kinds = dav && str_eq(p->name.local, STR("supportedlock"));
	uint64_t n;

	if (p->status / 100 != 2) {
		buf_printf(b, "%u ", p->status);
		buf_put(b, status_reason(p->status));
		return;
	}
	if ((locks || kinds) && !p->value.len) {
		BUF_LIT(b, "none");
		return;
	}
	if (p->xml && locks && put_locks(b, a, p->value))
		return;
	if (p->xml && kinds && put_lock_kinds(b, a, p->value))
		return;
	text_put_plain(b, p->value);
	if (!p->xml && str_ends(p->name.local, STR("-bytes")) &&
	    str_to_u64(p->value, &n)) {
		BUF_LIT(b, " (");
		text_put_size(b, n);
		buf_putc(b, ')');
	}
}

/* Puts a name, without "{DAV:}". */
static void
put_name(struct buf *b, struct prop_name name)
{
	if (!str_eq(name.ns, DAV_NS)) {
		buf_putc(b, '{');
		text_put_plain(b, name.ns);
		buf_putc(b, '}');
	}
	text_put_plain(b, name.local);
}

/* ---- the table, and JSON */

/* A property with 404 is left out: it was only asked for. */
static bool
is_shown(const struct told_prop *p)
{
	return p->status != 404;
}

static int
by_name(const void *a, const void *b)
{
	const struct told_prop *const *x = a;
	const struct told_prop *const *y = b;
	bool x_dav = str_eq((*x)->name.ns, DAV_NS);
	bool y_dav = str_eq((*y)->name.ns, DAV_NS);
	int c;

	if (x_dav != y_dav)
		return x_dav ? -1 : 1;
	c = str_cmp((*x)->name.ns, (*y)->name.ns);
	return c ? c : str_cmp((*x)->name.local, (*y)->name.local);
}

static enum err_code
put_row(struct table *t, const struct told_prop *p, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct buf name CLEANUP(buf_done) = { 0 };
	struct buf value CLEANUP(buf_done) = { 0 };
	bool ok = p->status / 100 == 2;

	put_name(&name, p->name);
	put_value(&value, &a, p);
	return table_row(t,
	    (const struct str[]){ buf_str(&name), buf_str(&value) },
	    ok ? TONE_PLAIN : TONE_BAD, err);
}

static enum err_code
put_table(struct one *s, const struct told_prop *const *v, size_t n)
{
	static const struct table_column columns[] = { { .name = "PROPERTY" },
		{ .name = "VALUE" } };
	const struct table_spec spec = {
		.columns = columns,
		.n = ARRAY_LEN(columns),
		.indent = 2,
		.width = text_width(STDOUT_FILENO),
		.colours = text_colours(STDOUT_FILENO),
	};
	struct table *t;
	struct err err = { 0 };
	enum err_code rc = table_new(&spec, &t, &err);
	size_t i;

	if (rc)
		return rc;
	text_put_plain(&s->out, s->url);
	buf_putc(&s->out, '\n');
	for (i = 0; !rc && i < n; i++)
		rc = put_row(t, v[i], &err);
	if (!rc)
		rc = table_put(t, &s->out, &err);
	table_free(t);
	return rc;
}

static void
put_json(struct one *s, const struct told_prop *const *v, size_t n)
{
	struct buf props CLEANUP(buf_done) = { 0 };
	struct json_object o = json_begin(&s->out);
	size_t i;

	for (i = 0; i < n; i++) {
		struct buf name CLEANUP(buf_done) = { 0 };
		struct json_object p;

		if (i)
			buf_putc(&props, ',');
		p = json_begin(&props);
		buf_putc(&name, '{');
		buf_put(&name, v[i]->name.ns);
		buf_putc(&name, '}');
		buf_put(&name, v[i]->name.local);
		json_put_text(&p, "name", buf_str(&name));
		json_put_number(&p, "status", v[i]->status);
		if (v[i]->status / 100 == 2)
			json_put_text(
			    &p, v[i]->xml ? "xml" : "value", v[i]->value);
		json_end(&p);
	}
	json_put_text(&o, "type", STR("entry"));
	json_put_text(&o, "url", s->url);
	json_put_array(&o, "properties", buf_str(&props));
	json_end(&o);
	buf_putc(&s->out, '\n');
}

/* ---- the course of it */

/* Shows the resources that are there, in the order of the operands. */
static void
show(struct all *all)
{
	while (all->shown < all->n && all->v[all->shown].done) {
		struct one *s = &all->v[all->shown++];

		work_out(all->f.work, buf_str(&s->out));
		s->v.text = buf_str(&s->text);
		s->v.error = buf_str(&s->error);
		work_done(all->f.work, &s->item, &s->v);
		buf_done(&s->out);
		buf_done(&s->text);
		buf_done(&s->error);
	}
}

static enum err_code
put_all(struct one *s, const struct told_prop *props, size_t n)
{
	const struct told_prop **v = calloc(n + 1, sizeof(*v));
	enum err_code rc = v ? ERR_OK : ERR_NOMEM;
	size_t i, shown = 0;

	if (rc)
		return rc;
	for (i = 0; i < n; i++)
		if (is_shown(&props[i]))
			v[shown++] = &props[i];
	qsort(v, shown, sizeof(*v), by_name);
	if (work_json(s->all->f.work))
		put_json(s, v, shown);
	else
		rc = put_table(s, v, shown);
	free(v);
	return rc ? rc : buf_failed(&s->out);
}

static void
told(
    void *arg, const struct told_prop *props, size_t n, const struct verdict *v)
{
	struct one *s = arg;
	enum err_code rc = ERR_OK;

	s->v = *v;
	buf_put(&s->text, v->text);
	buf_put(&s->error, v->error);
	s->v.etag = (struct str){ 0 };
	if (n)
		rc = put_all(s, props, n);
	if (rc)
		work_stop(s->all->f.work, "stat", NULL);
	s->done = true;
	show(s->all);
}

int
cmd_stat(const char *const *args)
{
	static const struct files_shape shape = { 1, SIZE_MAX, 0, 0 };
	struct all all = { 0 };
	int code;
	size_t i;

	if (!files_begin(&all.f, "stat", args, &shape, &code))
		return files_refuse(&all.f, code);
	all.n = all.f.s.n_urls;
	all.v = files_array(&all.f, all.n, sizeof(*all.v));
	for (i = 0; all.v && i < all.n; i++) {
		struct one *s = &all.v[i];

		s->all = &all;
		s->url = all.f.s.urls[i];
		s->item = (struct work_item){ .op = "propfind", .url = s->url };
	}
	for (i = 0; all.v && i < all.n; i++)
		props_ask(&all.f, all.v[i].url, true, asked, ARRAY_LEN(asked),
		    told, &all.v[i]);
	files_run(&all.f);
	return all.v ? files_end(&all.f) : files_cannot(&all.f);
}
