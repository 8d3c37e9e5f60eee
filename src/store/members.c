/* SPDX-License-Identifier: MIT */
#include "store/members.h"

#include <assert.h>

#include "store/impl.h"

bool
member_is_collection(const struct member_files *m, size_t i)
{
	return m->collections && m->collections[i];
}

bool
member_is_below(struct str name, struct str collection)
{
	return collection.len && name.len > collection.len &&
	    name.ptr[collection.len] == '/' && str_starts(name, collection);
}

static enum err_code
member_failed(const struct member_files *m, size_t i, enum err_code rc,
    const struct err *why)
{
	return rc ? m->failed(m->arg, i, rc, why) : ERR_OK;
}

enum err_code
store_copy_members(struct store *s, const struct member_files *m, bool itself,
    struct rpath to, enum replace replace, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	bool done[MEMBERS_MAX] = { false };
	bool done_itself = false;
	struct str failed = { 0 };
	enum err_code rc = ERR_OK;
	size_t i;

	assert(m->n <= MEMBERS_MAX);
	if (s->ops->copy_members)
		s->ops->copy_members(
		    s, m, itself, to, g, b, &done_itself, done);
	if (itself && !done_itself)
		rc = store_copy(s, m->in, to, replace, g, b, NULL, NULL, err);
	for (i = 0; !rc && i < m->n; i++) {
		struct err why = { 0 };
		struct rpath from, at;

		if (done[i] || member_is_below(m->names[i], failed))
			continue;
		arena_clear(&a);
		rc = rpath_join(&a, m->in, m->names[i], &from, &why);
		if (!rc)
			rc = rpath_join(&a, to, m->names[i], &at, &why);
		if (!rc)
			rc = s->ops->copy(
			    s, from, at, replace, g, b, NULL, NULL, &why);
		if (rc && member_is_collection(m, i))
			failed = m->names[i];
		rc = member_failed(m, i, rc, &why);
	}
	return rc;
}

enum err_code
store_remove_members(struct store *s, const struct member_files *m,
    bool *itself, const struct guard *g, struct store_batch *b)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	bool done[MEMBERS_MAX] = { false };
	bool gone = false;
	bool kept = false;
	enum err_code rc = ERR_OK;
	size_t i;

	assert(m->n <= MEMBERS_MAX);
	if (s->ops->remove_members)
		s->ops->remove_members(s, m, itself, g, b, &gone, done);
	for (i = 0; !rc && i < m->n; i++) {
		struct err why = { 0 };
		struct rpath path;

		if (done[i])
			continue;
		arena_clear(&a);
		rc = rpath_join(&a, m->in, m->names[i], &path, &why);
		if (!rc)
			rc = store_remove(s, path, g, b, &why);
		kept = kept || rc;
		rc = member_failed(m, i, rc, &why);
	}
	if (itself && !rc && !kept && !gone)
		gone = store_remove(s, m->in, g, b, NULL) == ERR_OK;
	if (itself)
		*itself = gone;
	return rc;
}

struct crew_share *
store_helpers(struct store *s)
{
	return s->ops->copy_members ? &s->helpers : NULL;
}

unsigned
store_changers(const struct store *s)
{
	return s->changers;
}
