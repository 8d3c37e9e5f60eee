/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "dav/op.h"
#include "dav/props.h"
#include "dav/tree.h"

/*
 * A property that is asked for; looked up in the table once, not once a member.
 */
struct field {
	struct prop_name name;
	const struct live_prop *live; /* NULL: it can only be a dead one */
	bool asked; /* by name: when it is not there, that is said */
	struct live_memory mem; /* of its value; serves all members */
};

/* The propstats of one member. */
struct page {
	struct prop *found; /* room for every field and every dead property */
	size_t n_found;
	struct prop *missing; /* room for every field */
	size_t n_missing;
	/* 200, 404, and one for each property that failed by itself */
	struct propstat *stats;
	size_t n_stats;
};

struct finding {
	const struct op *op;
	const struct propfind *q;
	struct rpath root;
	struct sink *out;
	struct halt halt;
	struct field *fields;
	size_t n_fields;
	bool any_dead; /* what clients have set may be among the answers */
	struct prop *found; /* for a member without dead properties */
	struct prop *missing;
	struct prop *failed;
	struct propstat *stats;
	struct arena item; /* the dead properties and locks of one member */
	struct err why; /* of one member; here, since to zero it costs much */
	struct buf last; /* the collection visited last */
};

static bool
is_listed(const struct finding *f, struct prop_name name)
{
	size_t i;

	for (i = 0; i < f->n_fields; i++)
		if (prop_name_eq(f->fields[i].name, name))
			return true;
	return false;
}

static void
add_field(struct finding *f, struct prop_name name,
    const struct live_prop *live, bool asked)
{
	f->fields[f->n_fields++] = (struct field){
		.name = name,
		.live = live,
		.asked = asked,
	};
}

/* Adds the rows that an allprop or a propname means. */
static void
add_rows(struct finding *f, unsigned flags)
{
	const struct live_prop *rows;
	size_t i, n;

	rows = live_rows(&n);
	for (i = 0; i < n; i++)
		if ((rows[i].flags & flags) == flags)
			add_field(f, rows[i].name, &rows[i], false);
}

/* Adds those of DAV:prop; or those of DAV:include that are not there yet. */
static void
add_names(struct finding *f)
{
	const struct propfind_body *what = f->q->what;
	size_t i;

	for (i = 0; i < what->n_names; i++)
		if (what->kind == PROPFIND_SOME ||
		    !is_listed(f, what->names[i]))
			add_field(
			    f, what->names[i], live_find(what->names[i]), true);
}

/* Whether no client can have set it. */
static bool
is_ours(const struct field *field)
{
	return field->live && field->live->flags & LIVE_PROTECTED;
}

/*
 * Whether any dead property is asked for.  Many clients ask for live ones only,
 * and need not wait for the others to be read.
 */
static bool
may_be_dead(const struct finding *f)
{
	size_t i;

	for (i = 0; i < f->n_fields; i++)
		if (!is_ours(&f->fields[i]))
			return true;
	return f->q->what->kind != PROPFIND_SOME;
}

static enum err_code
resolve(struct finding *f)
{
	struct arena *a = f->op->arena;
	size_t n;

	if (f->q->what->n_names > OP_PROPS_MAX)
		return err_tell(f->halt.err, ERR_TOO_LARGE,
		    "more than %d properties in one PROPFIND", OP_PROPS_MAX);
	(void)live_rows(&n);
	if (f->q->what->kind == PROPFIND_SOME)
		n = 0;
	n += f->q->what->n_names;
	f->fields = arena_array(a, n, sizeof(*f->fields));
	f->found = arena_array(a, n, sizeof(*f->found));
	f->missing = arena_array(a, n, sizeof(*f->missing));
	f->failed = arena_array(a, n, sizeof(*f->failed));
	f->stats = arena_array(a, n + 2, sizeof(*f->stats));
	if (!f->fields || !f->found || !f->missing || !f->failed || !f->stats)
		return halt(&f->halt, ERR_NOMEM, NULL);
	switch (f->q->what->kind) {
	case PROPFIND_ALL:
		add_rows(f, LIVE_ALLPROP);
		add_names(f);
		break;
	case PROPFIND_NAMES:
		add_rows(f, 0);
		break;
	case PROPFIND_SOME:
		add_names(f);
		break;
	}
	f->any_dead = may_be_dead(f);
	return ERR_OK;
}

static void
finding_done(struct finding *f)
{
	size_t i;

	for (i = 0; i < f->n_fields; i++)
		buf_done(&f->fields[i].mem.text);
	arena_done(&f->item);
	buf_done(&f->last);
}

static const struct prop *
find_dead(const struct prop *dead, size_t n, struct prop_name name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (prop_name_eq(dead[i].name, name))
			return &dead[i];
	return NULL;
}

/* What a client has set comes before what we would say ourselves. */
static enum err_code
field_get(struct field *field, const struct subject *s, const struct prop *dead,
    size_t n_dead, struct prop *out)
{
	const struct prop *set = NULL;

	if (n_dead && !is_ours(field))
		set = find_dead(dead, n_dead, field->name);
	if (set) {
		*out = *set;
		return ERR_OK;
	}
	*out = (struct prop){ .name = field->name };
	if (!field->live)
		return ERR_NOT_FOUND;
	return live_get(field->live, s, &field->mem, out);
}

/* Adds a property with a status of its own. */
static void
add_failed(
    struct finding *f, struct page *p, struct prop_name name, enum err_code why)
{
	struct prop *prop = &f->failed[p->n_stats];

	*prop = (struct prop){ .name = name };
	p->stats[p->n_stats++] = (struct propstat){
		.status = err_status(why),
		.why = why,
		.props = prop,
		.n_props = 1,
	};
}

static enum err_code
add_fields(struct finding *f, struct page *p, const struct subject *s,
    const struct prop *dead, size_t n_dead)
{
	size_t i;

	for (i = 0; i < f->n_fields; i++) {
		struct field *field = &f->fields[i];
		enum err_code rc =
		    field_get(field, s, dead, n_dead, &p->found[p->n_found]);

		if (rc == ERR_OK)
			p->n_found++;
		else if (rc == ERR_NOT_FOUND && field->asked)
			p->missing[p->n_missing++] =
			    (struct prop){ .name = field->name };
		else if (rc != ERR_NOT_FOUND && err_stops(rc))
			return halt(&f->halt, rc, NULL);
		else if (rc != ERR_NOT_FOUND)
			add_failed(f, p, field->name, rc);
	}
	return ERR_OK;
}

/* allprop and propname: adds the dead ones that are no fields. */
static void
add_dead(
    struct finding *f, struct page *p, const struct prop *dead, size_t n_dead)
{
	size_t i;

	if (f->q->what->kind == PROPFIND_SOME)
		return;
	for (i = 0; i < n_dead; i++)
		if (!is_listed(f, dead[i].name))
			p->found[p->n_found++] = dead[i];
}

/* propname: drops values (RFC 4918 s9.1). */
static void
drop_values(struct page *p)
{
	size_t i;

	for (i = 0; i < p->n_found; i++)
		p->found[i] = (struct prop){ .name = p->found[i].name };
}

static enum err_code
put_page(struct finding *f, const struct member *m, struct page *p)
{
	struct outcome o = {
		.path = m->path,
		.collection = m->res.collection,
		.status = 200,
	};

	/* A response has a propstat, even of nothing (RFC 4918 s14.24). */
	if (p->n_found || (!p->n_missing && !p->n_stats))
		p->stats[p->n_stats++] = (struct propstat){
			.status = 200,
			.props = p->found,
			.n_props = p->n_found,
		};
	if (p->n_missing)
		p->stats[p->n_stats++] = (struct propstat){
			.status = err_status(ERR_NOT_FOUND),
			.why = ERR_NOT_FOUND,
			.props = p->missing,
			.n_props = p->n_missing,
		};
	/* As resolve() made room for. */
	assert(p->n_missing <= f->n_fields && p->n_stats <= f->n_fields + 2);
	o.propstats = p->stats;
	o.n_propstats = p->n_stats;
	return sink_put(f->out, &o);
}

/* Puts a member that failed as f->why says, and clears that. */
static enum err_code
put_why(struct finding *f, const struct member *m, enum err_code rc)
{
	rc = put_failed(f->out, m->path, m->res.collection, rc, &f->why);
	f->why = (struct err){ 0 };
	return rc;
}

static enum err_code
describe(struct finding *f, const struct member *m)
{
	const struct subject s = { f->op, m->path, &m->res, m->maybe_locked,
		&f->item };
	struct page p = {
		.found = f->found,
		.missing = f->missing,
		.stats = f->stats,
	};
	const struct prop *dead = NULL;
	size_t n_dead = 0;
	enum err_code rc;

	arena_clear(&f->item);
	if (f->any_dead && m->res.has_props) {
		rc = store_props(
		    f->op->store, &m->res, &f->item, &dead, &n_dead, &f->why);
		if (rc && rc != ERR_NOT_FOUND)
			return rc == ERR_NOMEM || err_stops(rc)
			    ? halt(&f->halt, rc, &f->why)
			    : put_why(f, m, rc);
		if (rc) { /* it went in the meantime */
			f->why = (struct err){ 0 };
			n_dead = 0;
		}
	}
	if (n_dead) {
		p.found = arena_array(
		    &f->item, f->n_fields + n_dead, sizeof(*p.found));
		if (!p.found)
			return halt(&f->halt, ERR_NOMEM, NULL);
	}
	rc = add_fields(f, &p, &s, dead, n_dead);
	if (rc)
		return rc;
	add_dead(f, &p, dead, n_dead);
	if (f->q->what->kind == PROPFIND_NAMES)
		drop_values(&p);
	return put_page(f, m, &p);
}

/*
 * A collection comes a second time when the reading of its members broke off.
 * It has had its response, and an href stands once in an answer (RFC 4918
 * s14.24): cutting the answer short is the one way left to say that members
 * are missing.
 */
static enum err_code
came_before(struct finding *f, const struct member *m, bool *again)
{
	struct rpath last = { buf_str(&f->last) };

	*again = false;
	if (!m->res.collection)
		return ERR_OK;
	*again = m->failed && last.s.len && rpath_covers(m->path, last);
	buf_clear(&f->last);
	buf_put(&f->last, m->path.s);
	return buf_failed(&f->last);
}

static enum err_code
find_one(void *arg, const struct member *m, bool *prune)
{
	struct finding *f = arg;
	bool is_root = rpath_eq(m->path, f->root);
	enum err_code rc;
	bool again;

	(void)prune;
	rc = came_before(f, m, &again);
	if (rc)
		return halt(&f->halt, rc, NULL);
	if (m->failed && (again || is_root || err_stops(m->failed)))
		return halt(&f->halt, m->failed, m->err);
	if (m->failed)
		return put_failed(
		    f->out, m->path, m->res.collection, m->failed, m->err);
	if (is_root && f->q->noroot)
		return ERR_OK;
	rc = op_may(f->op, ACCESS_READ, m->path, &f->why);
	if (rc)
		return is_root ? halt(&f->halt, rc, &f->why)
			       : put_why(f, m, rc);
	return describe(f, m);
}

/* Visits the known root as the walk would, which would ask for it once more. */
static enum err_code
find_root(struct finding *f)
{
	const struct member m = {
		.path = f->root,
		.res = *f->q->known,
		.maybe_locked = true,
	};
	bool prune = false;
	enum err_code rc = find_one(f, &m, &prune);

	if (rc && !f->halt.set && f->halt.err)
		f->halt.err->code = rc;
	return rc;
}

enum err_code
op_propfind(const struct op *op, struct rpath root, const struct propfind *q,
    struct sink *out, struct err *err)
{
	struct finding f CLEANUP(finding_done) = {
		.op = op,
		.q = q,
		.root = root,
		.out = out,
		.halt = { .err = err },
	};
	const struct walk walk = {
		.depth = q->depth,
		.order = WALK_LOOK,
		.at_once = q->at_once,
		.visit = find_one,
		.arg = &f,
	};
	enum err_code rc;

	rc = resolve(&f);
	/* Dead properties may be many, and are not kept in memory. */
	if (!rc && q->at_once && f.any_dead)
		rc = ERR_BUSY;
	if (rc)
		return rc;
	rc = q->known && q->depth == DEPTH_0
	    ? find_root(&f)
	    : walk_tree(op, root, &walk, &f.halt);
	if (rc)
		return rc;
	return sink_end(out);
}
