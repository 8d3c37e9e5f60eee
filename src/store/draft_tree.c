/* SPDX-License-Identifier: MIT */
/*
 * The nodes of a draft and the slots that they hang in.  Slots are found by
 * their collection and name in one table; a collection knows its own in the
 * order in which they came, for walks.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/draft_impl.h"

#define BUCKETS_AT_FIRST ((size_t)64)

int64_t
draft_tick(struct draft *d)
{
	int64_t now = clock_now();

	d->last_time = now > d->last_time ? now : d->last_time + 1;
	return d->last_time;
}

/* ---- nodes */

struct draft_node *
draft_node_new(void)
{
	struct draft_node *n = calloc(1, sizeof(*n));

	if (n)
		n->owners = 1;
	return n;
}

struct draft_node *
draft_node_through(struct rpath path)
{
	struct draft_node *n = draft_node_new();
	char *copy = n ? strndup(path.s.ptr, path.s.len) : NULL;

	if (!copy) {
		free(n);
		return NULL;
	}
	n->through = true;
	n->bytes = copy;
	n->base.s = str_of(copy, path.s.len);
	return n;
}

void
draft_node_name(struct draft *d, struct draft_node *n, bool collection)
{
	int len;

	n->res.collection = collection;
	n->res.created = n->res.modified = draft_tick(d);
	d->last_id++;
	memcpy(n->res.id.bytes, &d->mark, sizeof(d->mark));
	memcpy(
	    n->res.id.bytes + sizeof(d->mark), &d->last_id, sizeof(d->last_id));
	if (collection)
		return;
	len = snprintf(n->res.etag, sizeof(n->res.etag), "\"d%llx-%llx\"",
	    (unsigned long long)d->mark, (unsigned long long)d->last_id);
	assert(len > 0 && len < ETAG_MAX);
	n->res.etag_len = (unsigned)len;
}

static struct draft_node **
bucket(struct draft *d, const struct resource_id *id)
{
	uint64_t half[2];

	memcpy(half, id->bytes, sizeof(half));
	return &d->ids[(half[0] ^ half[1]) % DRAFT_BUCKETS];
}

struct draft_node *
draft_node_by_id(const struct draft *d, const struct resource_id *id)
{
	uint64_t half[2];
	struct draft_node *n;

	memcpy(half, id->bytes, sizeof(half));
	n = d->ids[(half[0] ^ half[1]) % DRAFT_BUCKETS];
	while (n && memcmp(&n->res.id, id, sizeof(*id)))
		n = n->next;
	return n;
}

static void
leave_ids(struct draft *d, struct draft_node *n)
{
	struct draft_node **at = bucket(d, &n->res.id);

	if (!n->in_ids)
		return;
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	n->in_ids = false;
}

void
draft_node_set_props(
    struct draft *d, struct draft_node *n, struct mem_props *set)
{
	struct draft_node **first = bucket(d, &n->res.id);

	mem_props_unref(n->props);
	n->props = set;
	n->own_props = true;
	d->n_changes++;
	if (n->in_ids)
		return;
	n->next = *first;
	*first = n;
	n->in_ids = true;
}

static void
node_free(struct draft *d, struct draft_node *n)
{
	assert(!n->first);
	leave_ids(d, n);
	mem_props_unref(n->props);
	staged_unref(n->file);
	free(n->bytes);
	free(n);
}

static void unlink_slot(struct draft *d, struct draft_slot *s);

/* With all that hangs in it; without recursion: trees may be deep. */
void
draft_node_unref(struct draft *d, struct draft_node *n)
{
	struct draft_node *doomed = n;

	if (!n || --n->owners)
		return;
	leave_ids(d, n);
	n->next = NULL;
	while ((n = doomed)) {
		struct draft_slot *s;

		doomed = n->next;
		while ((s = n->first)) {
			/* What was freed was taken out of the list first. */
			/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): so */
			struct draft_node *below = s->node;

			unlink_slot(d, s);
			free(s);
			if (!below)
				continue;
			below->slot = NULL;
			if (--below->owners)
				continue;
			leave_ids(d, below);
			below->next = doomed;
			doomed = below;
		}
		node_free(d, n);
	}
}

void
draft_loose_done(struct draft_loose *l)
{
	draft_node_unref(l->d, l->node);
}

bool
draft_node_is_natural(const struct draft_node *n)
{
	const struct draft_slot *s = n->slot;
	struct rpath base = n->base;
	struct rpath dir;

	if (!s)
		return true;
	dir = s->dir->base;
	return n->through && dir.s.len && !rpath_is_root(base) &&
	    rpath_eq(rpath_parent(base), dir) &&
	    str_eq(rpath_name(base), str_of(s->name, s->len));
}

/* ---- slots */

/* FNV-1a of the name, from where the collection's address begins it. */
static uint64_t
hash_of(const struct draft_node *dir, struct str name)
{
	return str_hash(name) ^
	    (uint64_t)(uintptr_t)dir * UINT64_C(0x9e3779b97f4a7c15);
}

static size_t
index_of(const struct draft *d, uint64_t hash)
{
	return (size_t)(hash >> 20 ^ hash) & (d->n_buckets - 1);
}

struct draft_slot *
draft_slot_find(
    const struct draft *d, const struct draft_node *dir, struct str name)
{
	uint64_t hash = hash_of(dir, name);
	struct draft_slot *s;

	if (!d->n_buckets || !dir->first)
		return NULL;
	for (s = d->table[index_of(d, hash)]; s; s = s->chain)
		if (s->hash == hash && s->dir == dir &&
		    str_eq(str_of(s->name, s->len), name))
			return s;
	return NULL;
}

/* Without memory it stays as it is, and the chains grow. */
static void
grow(struct draft *d)
{
	size_t was = d->n_buckets;
	size_t n = was ? was * 2 : BUCKETS_AT_FIRST;
	struct draft_slot **table;
	size_t i;

	if (d->n_slots < was)
		return;
	table = calloc(n, sizeof(struct draft_slot *));
	if (!table)
		return;
	d->n_buckets = n;
	for (i = 0; i < was; i++)
		while (d->table[i]) {
			struct draft_slot *s = d->table[i];
			size_t to = index_of(d, s->hash);

			d->table[i] = s->chain;
			s->chain = table[to];
			table[to] = s;
		}
	free(d->table);
	d->table = table;
}

enum err_code
draft_slot_new(
    struct draft *d, struct str name, struct draft_slot **out, struct err *err)
{
	struct draft_slot *s;

	if (d->n_slots >= d->spec.max_changed)
		return err_tell(err, ERR_TOO_LARGE,
		    "what is done at once may change %zu resources",
		    d->spec.max_changed);
	grow(d);
	s = calloc(1, sizeof(*s) + name.len);
	if (!s || !d->n_buckets) {
		free(s);
		return err_nomem(err);
	}
	memcpy(s->name, name.ptr, name.len);
	s->len = name.len;
	*out = s;
	return ERR_OK;
}

void
draft_slot_link(struct draft *d, struct draft_node *dir, struct draft_slot *s)
{
	struct draft_slot **first;

	s->dir = dir;
	s->hash = hash_of(dir, str_of(s->name, s->len));
	s->seq = ++d->last_seq;
	first = &d->table[index_of(d, s->hash)];
	s->chain = *first;
	*first = s;
	s->prev = dir->last;
	*(dir->last ? &dir->last->next : &dir->first) = s;
	dir->last = s;
	d->n_slots++;
}

static void
unlink_slot(struct draft *d, struct draft_slot *s)
{
	struct draft_slot **at = &d->table[index_of(d, s->hash)];
	struct draft_cursor *c;

	while (*at != s)
		at = &(*at)->chain;
	*at = s->chain;
	for (c = d->cursors; c; c = c->up)
		if (c->next == s)
			c->next = s->next;
	*(s->prev ? &s->prev->next : &s->dir->first) = s->next;
	*(s->next ? &s->next->prev : &s->dir->last) = s->prev;
	d->n_slots--;
}

void
draft_slot_put(struct draft *d, struct draft_slot *s, struct draft_node *n)
{
	struct draft_node *old = s->node;

	s->node = n;
	if (n)
		n->slot = s;
	if (old && old->slot == s)
		old->slot = NULL;
	draft_node_unref(d, old);
	d->n_changes++;
}

void
draft_slot_remove(struct draft *d, struct draft_slot *s)
{
	draft_slot_put(d, s, NULL);
	unlink_slot(d, s);
	free(s);
}

void
draft_slot_clear(struct draft *d, struct draft_slot *s)
{
	if (s->hides)
		draft_slot_put(d, s, NULL);
	else
		draft_slot_remove(d, s);
}

/* ---- cursors */

void
draft_cursor_begin(
    struct draft *d, struct draft_cursor *c, const struct draft_node *dir)
{
	*c = (struct draft_cursor){ d->cursors, dir, dir->first, 0 };
	d->cursors = c;
}

/* Those that came while the last one was looked at, too. */
struct draft_slot *
draft_cursor_next(struct draft_cursor *c)
{
	struct draft_slot *s = c->next;

	if (!s) {
		s = c->dir->last;
		while (s && s->prev && s->prev->seq > c->seen)
			s = s->prev;
	}
	if (!s || s->seq <= c->seen)
		return NULL;
	c->next = s->next;
	c->seen = s->seq;
	return s;
}

void
draft_cursor_end(struct draft *d, struct draft_cursor *c)
{
	assert(d->cursors == c);
	d->cursors = c->up;
}

void
draft_forget(struct draft *d)
{
	struct draft_node *root = d->root;

	while (root->first)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): taken out */
		draft_slot_remove(d, root->first);
	leave_ids(d, root);
	mem_props_unref(root->props);
	root->props = NULL;
	root->own_props = false;
	root->touched = 0;
	while (d->drops) {
		struct draft_drop *drop = d->drops;

		d->drops = drop->next;
		draft_drop_done(&drop);
	}
	draft_records_forget(d);
}
