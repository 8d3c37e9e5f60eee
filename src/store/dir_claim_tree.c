/* SPDX-License-Identifier: MIT */
/* Claims to trees, and the paths that they go by. */
#include <stdlib.h>

#include "store/dir_apply.h"

/* Nothing leads there: *path is what its parent leads to, with its name. */
static enum err_code
resolve_above(const struct dir_store *ds, struct rpath path, struct arena *a,
    struct rpath *out, struct err *err)
{
	struct rpath above = path;
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct err why;
	enum err_code rc;

	do {
		above = rpath_parent(above);
		place_done(&p);
		why = (struct err){ 0 };
		rc = place_find(ds, above, FOLLOW_YES, &p, &why);
	} while (rc == ERR_NOT_FOUND && !rpath_is_root(above));
	if (rc && err)
		*err = why;
	return rc ? rc
		  : rpath_join(a, p.path, rpath_below(above, path), out, err);
}

enum err_code
dir_resolve(struct store *s, struct rpath path, struct arena *a,
    struct rpath *out, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct err why = { 0 };
	enum err_code rc = place_find(dir_of(s), path, FOLLOW_YES, &p, &why);

	if (rc == ERR_NOT_FOUND)
		return resolve_above(dir_of(s), path, a, out, err);
	if (rc && err)
		*err = why;
	if (rc)
		return rc;
	return arena_str(a, p.path.s, &out->s) ? ERR_OK : err_nomem(err);
}

enum err_code
dir_claim(struct store *s, struct rpath root, struct store_claim **out,
    struct err *err)
{
	struct dir_claim *c = calloc(1, sizeof(*c) + root.s.len);

	if (!c)
		return err_nomem(err);
	memcpy(c->bytes, root.s.ptr, root.s.len);
	c->root.s = str_of(c->bytes, root.s.len);
	c->base.store = s;
	hold_tree(dir_of(s), c->root, &c->hold);
	*out = &c->base;
	return ERR_OK;
}

void
dir_claim_end(struct store *s, struct store_claim *base)
{
	struct dir_claim *c = dir_claim_of(base);
	struct dir_store *ds = dir_of(s);

	hold_done(&c->hold);
	while (c->left) {
		struct left *l = c->left;

		c->left = l->next;
		dir_remove_tree(ds, staging_now(ds), l->name);
		free(l);
	}
	free(c);
}
