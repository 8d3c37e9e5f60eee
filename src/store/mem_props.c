/* SPDX-License-Identifier: MIT */
#include "store/mem_props.h"

#include <assert.h>
#include <stdlib.h>

#include "store/store.h"

struct mem_props {
	unsigned owners;
	struct arena arena;
	struct prop *props; /* sorted by name */
	size_t n;
};

static int
by_name(const void *a, const void *b)
{
	const struct prop *x = a;
	const struct prop *y = b;
	int order = str_cmp(x->name.ns, y->name.ns);

	return order ? order : str_cmp(x->name.local, y->name.local);
}

static bool
copy_prop(struct arena *a, const struct prop *from, struct prop *to)
{
	*to = (struct prop){ .form = from->form };
	return arena_str(a, from->name.ns, &to->name.ns) &&
	    arena_str(a, from->name.local, &to->name.local) &&
	    arena_str(a, from->value, &to->value);
}

static size_t
find(const struct mem_props *set, struct prop_name name)
{
	size_t i = 0;

	while (i < set->n && !prop_name_eq(set->props[i].name, name))
		i++;
	return i;
}

static void
apply(struct mem_props *set, const struct prop_change *c)
{
	size_t i = find(set, c->prop.name);

	if (!c->remove) {
		set->props[i] = c->prop;
		set->n += i == set->n;
	} else if (i < set->n) {
		set->props[i] = set->props[--set->n];
	}
}

static uint64_t
size_of(const struct mem_props *set)
{
	uint64_t size = 0;
	size_t i;

	for (i = 0; i < set->n; i++)
		size += set->props[i].name.ns.len +
		    set->props[i].name.local.len + set->props[i].value.len;
	return size;
}

/* Until here the new set borrowed the bytes of the old one and the changes. */
static enum err_code
settle(struct mem_props *set, struct err *err)
{
	size_t i;

	if (size_of(set) > STORE_PROPS_MAX)
		return err_tell(err, ERR_TOO_LARGE,
		    "the properties of one resource may hold %zu bytes",
		    STORE_PROPS_MAX);
	for (i = 0; i < set->n; i++) {
		const struct prop borrowed = set->props[i];

		if (!copy_prop(&set->arena, &borrowed, &set->props[i]))
			return err_nomem(err);
	}
	if (set->n)
		qsort(set->props, set->n, sizeof(*set->props), by_name);
	return ERR_OK;
}

enum err_code
mem_props_change(const struct mem_props *now, const struct prop_change *changes,
    size_t n, struct mem_props **out, struct err *err)
{
	size_t had = now ? now->n : 0;
	struct mem_props *set = calloc(1, sizeof(*set));
	enum err_code rc;
	size_t i;

	if (!set)
		return err_nomem(err);
	set->owners = 1;
	set->props = arena_array(&set->arena, had + n, sizeof(*set->props));
	if (!set->props) {
		mem_props_unref(set);
		return err_nomem(err);
	}
	for (i = 0; i < had; i++)
		set->props[set->n++] = now->props[i];
	for (i = 0; i < n; i++)
		apply(set, &changes[i]);
	rc = settle(set, err);
	if (rc || !set->n) {
		mem_props_unref(set);
		set = NULL;
	}
	if (!rc)
		*out = set;
	return rc;
}

enum err_code
mem_props_list(const struct mem_props *set, struct arena *a,
    const struct prop **out, size_t *n, struct err *err)
{
	size_t count = set ? set->n : 0;
	struct prop *list = arena_array(a, count, sizeof(*list));
	size_t i;

	if (!list)
		return err_nomem(err);
	for (i = 0; i < count; i++)
		if (!copy_prop(a, &set->props[i], &list[i]))
			return err_nomem(err);
	*out = list;
	*n = count;
	return ERR_OK;
}

struct mem_props *
mem_props_ref(struct mem_props *set)
{
	if (set)
		set->owners++;
	return set;
}

void
mem_props_unref(struct mem_props *set)
{
	if (!set)
		return;
	assert(set->owners);
	if (--set->owners)
		return;
	arena_done(&set->arena);
	free(set);
}
