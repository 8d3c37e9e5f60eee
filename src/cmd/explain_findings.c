/* SPDX-License-Identifier: MIT */
/* Sorts what a 207 says into groups as it comes, in bounded memory. */
#include <assert.h>
#include <stdlib.h>

#include "cmd/explain_impl.h"
#include "cmd/text.h"
#include "http/status.h"
#include "outcome/conditions.h"
#include "wire/error_said.h"
#include "wire/json_object.h"

/* Bytes of one string that are kept, and of JSON that are held back. */
#define KEPT_TEXT 1024
#define JSON_STEP 32768

static struct findings *
findings_of(struct sink *s)
{
	return CONTAINER_OF(s, struct findings, base);
}

/* ---- what became of a resource */

static enum fate
fate_of(const struct outcome *o, const struct propstat *refused)
{
	size_t i;

	if (o->told && o->told->partial)
		return FATE_PARTIAL;
	if (o->status < 200 || o->status == 202 || o->status == 207)
		return FATE_UNKNOWN;
	if (o->status >= 300)
		return FATE_FAILED;
	if (!refused)
		return FATE_DONE;
	for (i = 0; i < o->n_propstats; i++)
		if (o->propstats[i].status >= 200 &&
		    o->propstats[i].status < 300)
			return FATE_PARTIAL;
	return refused->status < 200 ? FATE_UNKNOWN : FATE_FAILED;
}

static void
count_missing(struct findings *f, const struct outcome *o)
{
	size_t i;

	for (i = 0; i < o->n_propstats; i++)
		if (o->propstats[i].status == 404)
			f->missing += o->propstats[i].n_props;
}

static void
count_status(struct findings *f, unsigned status, bool ok)
{
	size_t i;

	for (i = 0; i < f->n_statuses; i++)
		if (f->statuses[i].status == status && f->statuses[i].ok == ok)
			break;
	if (i == GROUPS_MAX) { /* the last one counts all others */
		i--;
		f->statuses[i].status = 0;
	} else if (i == f->n_statuses) {
		f->statuses[f->n_statuses++] =
		    (struct found_status){ .status = status, .ok = ok };
	}
	f->statuses[i].n++;
}

/* ---- what is said of it */

static void
begin_clause(struct buf *b)
{
	if (b->len)
		BUF_LIT(b, "; ");
}

static void
put_refused_names(struct buf *b, const struct outcome *o)
{
	size_t i, k;
	bool some = false;

	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		if ((ps->status >= 200 && ps->status < 300) ||
		    ps->status == 404)
			continue;
		for (k = 0; k < ps->n_props && b->len < KEPT_TEXT; k++) {
			if (some)
				BUF_LIT(b, ", ");
			some = true;
			buf_putc(b, '{');
			buf_put(b, ps->props[k].name.ns);
			buf_putc(b, '}');
			buf_put(b, ps->props[k].name.local);
		}
	}
}

/*
 * Puts what a DAV:error says of this resource alone: what its condition means
 * is said once for the group.
 */
static void
put_said(struct buf *b, const struct error_said *said, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (said[i].href.len) {
			begin_clause(b);
			BUF_LIT(b, "because of ");
			buf_put(b, said[i].href);
		}
		if (!condition_find(said[i].name) && said[i].text.len &&
		    !str_eq(said[i].name.local, STR("exception"))) {
			begin_clause(b);
			buf_put(b, said[i].text);
		}
	}
}

static void
put_says(struct buf *b, const struct outcome *o, struct str tell,
    const struct error_said *said, size_t n)
{
	put_refused_names(b, o);
	if (tell.len && !str_eq(tell, status_reason(o->status))) {
		begin_clause(b);
		buf_put(b, tell);
	}
	put_said(b, said, n);
	if (!o->told)
		return;
	if (o->told->location.len) {
		begin_clause(b);
		BUF_LIT(b, "now at ");
		buf_put(b, o->told->location);
	}
	if (o->told->caused_by.len) {
		begin_clause(b);
		BUF_LIT(b, "waited for ");
		buf_put(b, o->told->caused_by);
	}
	if (o->told->retry_after.len) {
		begin_clause(b);
		BUF_LIT(b, "Retry-After: ");
		buf_put(b, o->told->retry_after);
	}
}

/* ---- groups */

static bool
is_of_group(const struct found_group *g, const struct found_group *like)
{
	return g->fate == like->fate && g->status == like->status &&
	    g->props == like->props && !g->other &&
	    prop_name_eq(g->condition, like->condition);
}

/* Finds the group, or makes it; where there is no room, the last takes all. */
static struct found_group *
group_for(struct findings *f, const struct found_group *like)
{
	struct found_group *g;
	size_t i;

	for (i = 0; i < f->n_groups; i++)
		if (is_of_group(&f->groups[i], like))
			return &f->groups[i];
	if (f->n_groups == GROUPS_MAX)
		return &f->groups[GROUPS_MAX - 1];
	g = &f->groups[f->n_groups++];
	g->fate = like->fate;
	g->status = like->status;
	g->props = like->props;
	g->other = f->n_groups == GROUPS_MAX;
	g->wait = -1;
	if (!g->other &&
	    (!arena_str(&f->keep, like->condition.ns, &g->condition.ns) ||
		!arena_str(
		    &f->keep, like->condition.local, &g->condition.local) ||
		!arena_str(
		    &f->keep, str_head(like->error, 4 * KEPT_TEXT), &g->error)))
		return NULL;
	return g;
}

static bool
keep_found(struct findings *f, struct found_group *g, const struct found *one)
{
	struct found *to;

	g->n++;
	if (g->shown == GROUP_SHOWN)
		return true;
	to = &g->found[g->shown++];
	to->line = one->line;
	to->status = one->status;
	return arena_str(&f->keep, str_head(one->href, KEPT_TEXT), &to->href) &&
	    arena_str(&f->keep, str_head(one->says, KEPT_TEXT), &to->says);
}

/* ---- all of them, in a file that has no name */

struct record {
	uint64_t line;
	uint32_t group, href, says; /* lengths */
	uint32_t status;
};

static enum err_code
spool(struct findings *f, size_t group, const struct found *one)
{
	struct record r = { .line = one->line,
		.group = (uint32_t)group,
		.href = (uint32_t)one->href.len,
		.says = (uint32_t)one->says.len,
		.status = one->status };

	if (!f->all)
		return ERR_OK;
	if (fwrite(&r, sizeof(r), 1, f->all) != 1 ||
	    fwrite(one->href.ptr ? one->href.ptr : "", 1, r.href, f->all) !=
		r.href ||
	    fwrite(one->says.ptr ? one->says.ptr : "", 1, r.says, f->all) !=
		r.says)
		return ERR_OS;
	return ERR_OK;
}

static bool
read_text(FILE *from, size_t n, struct buf *into, struct str *out)
{
	char *at = buf_room(into, n + 1);

	if (!at || fread(at, 1, n, from) != n)
		return false;
	*out = str_of(at, n);
	return true;
}

enum err_code
findings_each(struct findings *f, size_t group,
    enum err_code (*each)(void *arg, const struct found *one), void *arg)
{
	struct buf href CLEANUP(buf_done) = { 0 },
			says CLEANUP(buf_done) = { 0 };
	struct record r;
	enum err_code rc = ERR_OK;

	rewind(f->all);
	while (!rc && fread(&r, sizeof(r), 1, f->all) == 1) {
		struct found one = { .line = r.line, .status = r.status };

		if (!read_text(f->all, r.href, &href, &one.href) ||
		    !read_text(f->all, r.says, &says, &one.says))
			return ERR_OS;
		if (r.group == group)
			rc = each(arg, &one);
	}
	(void)fseek(f->all, 0, SEEK_END);
	return rc;
}

/* ---- as JSON */

static enum err_code
put_json(struct findings *f, const struct outcome *o, enum fate fate,
    const struct found *one)
{
	struct trouble t = trouble_of(f->op, o);
	struct json_object j;

	if (fate == FATE_DONE && !f->o->all)
		return ERR_OK;
	j = json_begin(f->json);
	json_put_text(&j, "type", STR("result"));
	json_put_optional(&j, "href", o->told ? o->told->href : o->path.s);
	json_put_optional(&j, "id", o->told ? o->told->id : STR(""));
	if (one->status)
		json_put_number(&j, "status", one->status);
	json_put_text(&j, "fate", str_from_c(fate_word(fate)));
	t.fate = fate;
	t.status = one->status;
	if (fate != FATE_DONE)
		trouble_put_json(&j, &f->item, &t);
	if (one->says.len && fate != FATE_DONE)
		json_put_text(&j, "says", one->says);
	if (one->line)
		json_put_number(&j, "line", one->line);
	json_end(&j);
	buf_putc(f->json, '\n');
	if (buf_failed(f->json))
		return buf_failed(f->json);
	return f->flush && f->json->len > JSON_STEP ? f->flush(f->flush_arg)
						    : ERR_OK;
}

/* ---- the sink */

static enum err_code
put_failed(struct findings *f, const struct outcome *o,
    const struct propstat *refused, enum fate fate, struct found *one,
    size_t *group)
{
	struct error_said said[ERROR_SAID_MAX];
	struct buf says CLEANUP(buf_done) = { 0 };
	struct trouble t = trouble_of(f->op, o);
	struct found_group like = { .fate = fate, .error = t.error };
	struct found_group *g;
	size_t n = 0;

	like.props = refused && o->status < 300;
	like.status = like.props ? refused->status : o->status;
	one->status = like.status;
	if (t.error.len)
		(void)!error_said_read(&f->item, t.error, said, &n, NULL);
	if (n)
		like.condition = said[0].name;
	put_says(&says, o, t.text, said, n);
	if (buf_failed(&says) ||
	    !arena_str(
		&f->item, str_head(buf_str(&says), 4 * KEPT_TEXT), &one->says))
		return ERR_NOMEM;
	g = group_for(f, &like);
	if (!g || !keep_found(f, g, one))
		return ERR_NOMEM;
	if (t.wait > g->wait)
		g->wait = t.wait;
	*group = (size_t)(g - f->groups);
	return ERR_OK;
}

static void
count(struct findings *f, enum fate fate, unsigned status)
{
	f->total++;
	f->ok += fate == FATE_DONE;
	f->unknown += fate == FATE_UNKNOWN;
	f->failed += fate == FATE_FAILED || fate == FATE_PARTIAL;
	count_status(f, status, fate == FATE_DONE);
	exit_add(f->facts, fate,
	    fate == FATE_DONE          ? BLAME_NONE
		: fate != FATE_UNKNOWN ? BLAME_STATUS
		: status               ? BLAME_CUT
				       : BLAME_PROTOCOL);
}

static enum err_code
findings_put(struct sink *s, const struct outcome *o)
{
	struct findings *f = findings_of(s);
	const struct propstat *refused = outcome_refused(o);
	enum fate fate = fate_of(o, refused);
	struct found one = { .status = o->status };
	size_t group = GROUPS_MAX;
	enum err_code rc = ERR_OK;

	one.href = o->told ? o->told->href : o->path.s;
	if (!one.href.len && o->told)
		one.href = o->told->id;
	one.line = o->told ? o->told->line : 0;
	count_missing(f, o);
	if (fate != FATE_DONE)
		rc = put_failed(f, o, refused, fate, &one, &group);
	count(f, fate, one.status);
	if (!rc && f->json)
		rc = put_json(f, o, fate, &one);
	if (!rc)
		rc = spool(f, group, &one);
	arena_clear(&f->item);
	return rc;
}

static const struct sink_ops findings_ops = {
	.name = "explain",
	.put = findings_put,
};

enum err_code
findings_init(struct findings *f, const struct options *o, const char *op,
    struct exit_facts *facts, struct err *err)
{
	*f = (struct findings){ .o = o, .op = op, .facts = facts };
	sink_init(&f->base, &findings_ops);
	f->groups = calloc(GROUPS_MAX, sizeof(*f->groups));
	if (!f->groups)
		return err_nomem(err);
	if (!o->all || o->json)
		return ERR_OK;
	f->all = tmpfile();
	return f->all ? ERR_OK : err_os(err, "cannot make a temporary file");
}

void
findings_done(struct findings *f)
{
	free(f->groups);
	if (f->all)
		(void)fclose(f->all);
	arena_done(&f->keep);
	arena_done(&f->item);
}
