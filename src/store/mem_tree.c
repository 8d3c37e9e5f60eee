/* SPDX-License-Identifier: MIT */
#include "store/mem_tree.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

#define NAME_LIMIT 255 /* as file systems have it */

static struct str
name_of(const struct mem_node *n)
{
	return str_from_c(n->name);
}

/* The number of members whose name sorts before `name`. */
static size_t
rank(const struct mem_node *dir, struct str name)
{
	size_t low = 0;
	size_t high = dir->n_members;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (str_cmp(name_of(dir->members[mid]), name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct mem_node *
member(const struct mem_node *dir, struct str name)
{
	size_t at = rank(dir, name);

	if (at < dir->n_members && str_eq(name_of(dir->members[at]), name))
		return dir->members[at];
	return NULL;
}

struct mem_node *
mem_node_next(const struct mem_node *dir, struct str name)
{
	size_t at = rank(dir, name);

	if (at < dir->n_members && str_eq(name_of(dir->members[at]), name))
		at++;
	return at < dir->n_members ? dir->members[at] : NULL;
}

struct resource
mem_node_stat(const struct mem_node *n)
{
	struct resource r = n->res;

	r.has_props = n->props != NULL;
	return r;
}

struct mem_blob *
mem_blob_ref(struct mem_blob *b)
{
	if (b)
		b->owners++;
	return b;
}

void
mem_blob_unref(struct mem_blob *b)
{
	if (!b || --b->owners)
		return;
	free(b->bytes);
	free(b);
}

struct mem_node *
mem_node_ref(struct mem_node *n)
{
	n->owners++;
	return n;
}

void
mem_node_unref(struct mem_node *n)
{
	if (!n || --n->owners)
		return;
	assert(!n->n_members);
	mem_blob_unref(n->blob);
	mem_props_unref(n->props);
	free(n->members);
	free(n->name);
	free(n);
}

/* A moment later than any it gave before. */
static int64_t
tick(struct mem_tree *t)
{
	int64_t now = clock_now();

	t->last_time = now > t->last_time ? now : t->last_time + 1;
	return t->last_time;
}

static uint64_t
id_number(const struct resource_id *id)
{
	uint64_t n;

	memcpy(&n, id->bytes, sizeof(n));
	return n;
}

static struct mem_node **
bucket(struct mem_tree *t, const struct resource_id *id)
{
	return &t->ids[id_number(id) % MEM_BUCKETS];
}

struct mem_node *
mem_tree_by_id(const struct mem_tree *t, const struct resource_id *id)
{
	struct mem_node *n = t->ids[id_number(id) % MEM_BUCKETS];

	while (n && memcmp(&n->res.id, id, sizeof(*id)))
		n = n->next_id;
	return n;
}

static struct mem_node *
node_new(struct mem_tree *t, bool collection, struct str name)
{
	struct mem_node *n = calloc(1, sizeof(*n));
	struct mem_node **first;

	if (!n)
		return NULL;
	n->name = strndup(name.ptr ? name.ptr : "", name.len);
	if (!n->name) {
		free(n);
		return NULL;
	}
	n->owners = 1;
	n->res.collection = collection;
	n->res.created = n->res.modified = tick(t);
	t->last_id++;
	memcpy(n->res.id.bytes, &t->last_id, sizeof(t->last_id));
	first = bucket(t, &n->res.id);
	n->next_id = *first;
	*first = n;
	return n;
}

/* Out of the table of ids, and one owner less. */
static void
node_drop(struct mem_tree *t, struct mem_node *n)
{
	struct mem_node **at = bucket(t, &n->res.id);

	while (*at != n)
		at = &(*at)->next_id;
	*at = n->next_id;
	n->parent = NULL;
	mem_node_unref(n);
}

enum err_code
mem_tree_init(struct mem_tree *t, struct err *err)
{
	*t = (struct mem_tree){ 0 };
	t->root = node_new(t, true, STR(""));
	return t->root ? ERR_OK : err_nomem(err);
}

static struct mem_node *
lookup(const struct mem_tree *t, struct rpath path)
{
	struct str rest = str_skip(path.s, 1);
	struct mem_node *n = t->root;
	struct str name;

	while (n && rest.len && str_cut(&rest, '/', &name))
		n = member(n, name);
	return n;
}

enum err_code
mem_tree_find(const struct mem_tree *t, struct rpath path,
    struct mem_node **out, struct err *err)
{
	struct mem_node *n = lookup(t, path);

	if (!n)
		return err_set(err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(path.s));
	*out = n;
	return ERR_OK;
}

/* Where path's resource may be made, or NULL, and *rc says why not. */
static struct mem_node *
find_parent(const struct mem_tree *t, struct rpath path, enum err_code *rc,
    struct err *err)
{
	struct mem_node *dir = lookup(t, rpath_parent(path));

	if (!dir || !dir->res.collection)
		*rc = err_set(err, ERR_NO_PARENT, "no collection for '%.*s'",
		    STR_ARG(path.s));
	else if (rpath_name(path).len > NAME_LIMIT)
		*rc = err_tell(err, ERR_NAME_TOO_LONG,
		    "a name may have %d bytes", NAME_LIMIT);
	else
		return dir;
	return NULL;
}

enum err_code
mem_tree_may_make(const struct mem_tree *t, struct rpath path, struct err *err)
{
	enum err_code rc = ERR_OK;

	(void)find_parent(t, path, &rc, err);
	return rc;
}

/* Room for one more, so that joining cannot fail. */
static bool
reserve(struct mem_node *dir)
{
	size_t cap = dir->cap ? dir->cap * 2 : 4;
	struct mem_node **members;

	if (dir->n_members < dir->cap)
		return true;
	members = reallocarray(dir->members, cap, sizeof(struct mem_node *));
	if (!members)
		return false;
	dir->members = members;
	dir->cap = cap;
	return true;
}

static void
join(struct mem_node *dir, struct mem_node *n)
{
	size_t at = rank(dir, name_of(n));

	assert(dir->n_members < dir->cap);
	memmove(dir->members + at + 1, dir->members + at,
	    (dir->n_members - at) * sizeof(struct mem_node *));
	dir->members[at] = n;
	dir->n_members++;
	n->parent = dir;
}

static void
leave(struct mem_node *n)
{
	struct mem_node *dir = n->parent;
	size_t at = rank(dir, name_of(n));

	assert(at < dir->n_members && dir->members[at] == n);
	dir->n_members--;
	memmove(dir->members + at, dir->members + at + 1,
	    (dir->n_members - at) * sizeof(struct mem_node *));
	n->parent = NULL;
}

/* Leaf by leaf, without recursion: trees may be deep. */
static void
release(struct mem_tree *t, struct mem_node *top)
{
	struct mem_node *n = top;

	while (n) {
		struct mem_node *up = n == top ? NULL : n->parent;

		if (n->n_members) {
			n = n->members[n->n_members - 1];
			continue;
		}
		if (up)
			leave(n);
		node_drop(t, n);
		n = up;
	}
}

void
mem_tree_remove(struct mem_tree *t, struct mem_node *node)
{
	node->parent->res.modified = tick(t);
	leave(node);
	release(t, node);
}

enum err_code
mem_tree_spare(
    struct mem_tree *t, bool collection, struct mem_node **out, struct err *err)
{
	struct mem_node *n = node_new(t, collection, STR(""));

	if (!n)
		return err_nomem(err);
	*out = n;
	return ERR_OK;
}

void
mem_tree_detach(struct mem_node *node)
{
	leave(node);
}

enum err_code
mem_tree_attach(struct mem_tree *t, struct mem_node *node, struct rpath path,
    char **name, struct err *err)
{
	enum err_code rc = ERR_OK;
	struct mem_node *dir = find_parent(t, path, &rc, err);
	char *was = node->name;

	if (!dir)
		return rc;
	if (member(dir, rpath_name(path)))
		return err_set(err, ERR_EXISTS, "'%.*s'", STR_ARG(path.s));
	if (!reserve(dir))
		return err_nomem(err);
	node->name = *name;
	*name = was;
	join(dir, node);
	return ERR_OK;
}

void
mem_tree_reattach(struct mem_node *dir, struct mem_node *node)
{
	join(dir, node);
}

void
mem_tree_touch(struct mem_tree *t, struct mem_node *dir)
{
	dir->res.modified = tick(t);
}

void
mem_tree_drop(struct mem_tree *t, struct mem_node *node)
{
	assert(!node->parent);
	release(t, node);
}

void
mem_tree_done(struct mem_tree *t)
{
	if (t->root)
		release(t, t->root);
	t->root = NULL;
}

/* The room in dir is reserved already. */
static void
take_place(struct mem_tree *t, struct mem_node *dir, struct mem_node *n)
{
	struct mem_node *old = member(dir, name_of(n));

	if (old)
		leave(old);
	join(dir, n);
	if (old)
		release(t, old);
	dir->res.modified = tick(t);
}

enum err_code
mem_tree_make(struct mem_tree *t, struct rpath path, bool collection,
    struct mem_node **out, struct err *err)
{
	enum err_code rc = ERR_OK;
	struct mem_node *dir = find_parent(t, path, &rc, err);
	struct mem_node *n;

	if (!dir)
		return rc;
	if (!reserve(dir))
		return err_nomem(err);
	n = node_new(t, collection, rpath_name(path));
	if (!n)
		return err_nomem(err);
	take_place(t, dir, n);
	*out = n;
	return ERR_OK;
}

enum err_code
mem_tree_move(struct mem_tree *t, struct mem_node *node, struct rpath path,
    struct err *err)
{
	struct str name = rpath_name(path);
	enum err_code rc = ERR_OK;
	struct mem_node *dir = find_parent(t, path, &rc, err);
	char *copy;

	if (!dir)
		return rc;
	copy = strndup(name.ptr, name.len);
	if (!copy || !reserve(dir)) {
		free(copy);
		return err_nomem(err);
	}
	node->parent->res.modified = tick(t);
	leave(node);
	free(node->name);
	node->name = copy;
	take_place(t, dir, node);
	return ERR_OK;
}
