/* SPDX-License-Identifier: MIT */
#include "dav/op.h"
#include "dav/props.h"
#include "dav/tree.h"

/* The names of the request, each once, in two heaps of one array. */
struct names {
	struct prop *blamed; /* those that made it fail */
	size_t n_blamed;
	struct prop *others;
	size_t n_others;
};

static bool
is_protected(struct prop_name name)
{
	const struct live_prop *live = live_find(name);

	return live && (live->flags & LIVE_PROTECTED);
}

static bool
is_among(const struct prop *props, size_t n, struct prop_name name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (prop_name_eq(props[i].name, name))
			return true;
	return false;
}

static enum err_code
sort_names(const struct op *op, const struct proppatch_body *what,
    struct names *out, struct err *err)
{
	size_t i;

	out->blamed =
	    arena_array(op->arena, what->n_changes + 1, sizeof(*out->blamed));
	out->others =
	    arena_array(op->arena, what->n_changes + 1, sizeof(*out->others));
	if (!out->blamed || !out->others)
		return err_nomem(err);
	for (i = 0; i < what->n_changes; i++) {
		struct prop prop = { .name = what->changes[i].prop.name };

		if (is_among(out->blamed, out->n_blamed, prop.name) ||
		    is_among(out->others, out->n_others, prop.name))
			continue; /* a property stands once in a response */
		if (is_protected(prop.name))
			out->blamed[out->n_blamed++] = prop;
		else
			out->others[out->n_others++] = prop;
	}
	return ERR_OK;
}

/* Failures that are about properties and not about the resource. */
static bool
is_about_props(enum err_code rc)
{
	return rc == ERR_NO_SPACE || rc == ERR_QUOTA;
}

static struct propstat
propstat_of(enum err_code why, const struct prop *props, size_t n)
{
	return (struct propstat){ .status = err_status(why),
		.why = why,
		.props = props,
		.n_props = n };
}

/* why: what became of those to blame; ERR_OK when there are none. */
static enum err_code
put_outcome(struct rpath path, bool collection, enum err_code why,
    const struct names *names, struct sink *out)
{
	struct propstat stats[2];
	struct outcome o = {
		.path = path,
		.collection = collection,
		.status = err_status(why),
		.why = why,
		.propstats = stats,
	};
	enum err_code rest = names->n_blamed ? ERR_DEPENDENCY : why;

	if (names->n_blamed)
		stats[o.n_propstats++] =
		    propstat_of(why, names->blamed, names->n_blamed);
	if (names->n_others || !names->n_blamed)
		stats[o.n_propstats++] =
		    propstat_of(rest, names->others, names->n_others);
	return sink_put(out, &o);
}

enum err_code
op_proppatch(const struct op *op, struct rpath path,
    const struct proppatch_body *what, const struct guard *g, struct sink *out,
    struct err *err)
{
	struct names names = { 0 };
	struct resource res;
	enum err_code rc, why = ERR_PROTECTED;

	rc = op_may(op, ACCESS_WRITE, path, err);
	if (rc)
		return rc;
	rc = store_stat(op->store, path, &res, err);
	if (rc)
		return rc;
	/* Before a property is blamed. */
	rc = store_allows(op->store, path, TOUCH_CONTENT, g, err);
	if (rc)
		return rc;
	rc = sort_names(op, what, &names, err);
	if (rc)
		return rc;
	if (!names.n_blamed)
		why = store_patch(op->store, path, what->changes,
		    what->n_changes, g, op->batch, err);
	if (why && why != ERR_PROTECTED && !is_about_props(why))
		return why;
	rc = put_outcome(path, res.collection, why, &names, out);
	if (rc)
		return rc;
	return sink_end(out);
}
