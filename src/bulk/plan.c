/* SPDX-License-Identifier: MIT */
#include "bulk/plan.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"

#define NONE SIZE_MAX

/*
 * What is deeper counts as this deep.  So more may wait than need to, but a
 * path of a million segments is cheap.
 */
#define DEEPEST 64

/* A list of units, in the pool. */
struct link {
	size_t unit;
	size_t next;
};

/*
 * A path that was touched, or that is above one.  What a write waits for need
 * not be known any more: who comes later waits for the write.
 */
struct node {
	struct str path;
	size_t parent, child, sibling;
	size_t writer; /* the last */
	size_t readers; /* since then */
};

struct unit {
	struct plan_unit items;
	size_t waits; /* for so many others */
	size_t waiting; /* those who wait for it */
	size_t seen; /* the last unit that was made to wait for it */
};

struct plan {
	struct unit *units;
	size_t n_units;
	size_t *heap; /* ready, the first on top */
	size_t n_heap;
	size_t left; /* not taken */
	size_t looks; /* plan_looks() */
	struct link *links;
	size_t n_links, room_links;
};

/* What is needed only while it is made. */
struct planning {
	struct plan *p;
	struct node *nodes;
	size_t n_nodes, room_nodes;
	size_t *slots; /* of nodes, by path */
	size_t n_slots; /* a power of two */
	size_t *unit_of; /* of each item */
	bool nomem;
};

static void
planning_done(struct planning *b)
{
	free(b->nodes);
	free(b->slots);
	free(b->unit_of);
}

/* ---- those that are ready */

static void
heap_add(struct plan *p, size_t unit)
{
	size_t i = p->n_heap++;

	while (i && p->heap[(i - 1) / 2] > unit) {
		p->heap[i] = p->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	p->heap[i] = unit;
}

static void
heap_take(struct plan *p)
{
	size_t last, i = 0, next;

	assert(p->n_heap);
	last = p->heap[--p->n_heap];
	for (next = 1; next < p->n_heap; next = 2 * i + 1) {
		if (next + 1 < p->n_heap && p->heap[next + 1] < p->heap[next])
			next++;
		if (p->heap[next] >= last)
			break;
		p->heap[i] = p->heap[next];
		i = next;
	}
	p->heap[i] = last;
}

/* ---- edges */

/* Puts a unit in front of a list. */
static void
link_add(struct planning *b, size_t *list, size_t unit)
{
	struct plan *p = b->p;

	if (p->n_links == p->room_links) {
		size_t room = p->room_links ? 2 * p->room_links : 256;
		struct link *links =
		    reallocarray(p->links, room, sizeof(*links));

		if (!links) {
			b->nomem = true;
			return;
		}
		p->links = links;
		p->room_links = room;
	}
	p->links[p->n_links] = (struct link){ unit, *list };
	*list = p->n_links++;
}

static void
wait_for(struct planning *b, size_t unit, size_t other)
{
	struct unit *o;

	b->p->looks++;
	if (other == NONE || other == unit)
		return;
	assert(other < unit);
	o = &b->p->units[other];
	if (o->seen == unit)
		return;
	o->seen = unit;
	b->p->units[unit].waits++;
	link_add(b, &o->waiting, unit);
}

static void
wait_for_node(struct planning *b, size_t unit, const struct node *n, bool write)
{
	size_t l;

	wait_for(b, unit, n->writer);
	if (!write)
		return;
	for (l = n->readers; l != NONE; l = b->p->links[l].next)
		wait_for(b, unit, b->p->links[l].unit);
}

/* ---- paths */

static size_t *
find_slot(const struct planning *b, struct str path)
{
	uint64_t h = str_hash(path);
	size_t i = (size_t)(h ^ (h >> 32)) & (b->n_slots - 1);

	while (b->slots[i] != NONE && !str_eq(b->nodes[b->slots[i]].path, path))
		i = (i + 1) & (b->n_slots - 1);
	return &b->slots[i];
}

static bool
grow(struct planning *b)
{
	size_t i, n_slots = b->n_slots ? 2 * b->n_slots : 512;
	struct node *nodes =
	    reallocarray(b->nodes, n_slots / 2, sizeof(*nodes));
	size_t *slots = nodes ? calloc(n_slots, sizeof(*slots)) : NULL;

	if (nodes)
		b->nodes = nodes;
	if (!slots) {
		b->nomem = true;
		return false;
	}
	free(b->slots);
	b->slots = slots;
	b->n_slots = n_slots;
	b->room_nodes = n_slots / 2;
	for (i = 0; i < n_slots; i++)
		slots[i] = NONE;
	for (i = 0; i < b->n_nodes; i++)
		*find_slot(b, b->nodes[i].path) = i;
	return true;
}

/* The node of a path whose parent is known, among its parent's children. */
static size_t
node_of(struct planning *b, struct str path, size_t parent)
{
	size_t *slot, i;

	if (b->n_nodes == b->room_nodes && !grow(b))
		return NONE;
	slot = find_slot(b, path);
	if (*slot != NONE)
		return *slot;
	i = b->n_nodes++;
	*slot = i;
	b->nodes[i] = (struct node){
		.path = path,
		.parent = parent,
		.child = NONE,
		.sibling = parent == NONE ? NONE : b->nodes[parent].child,
		.writer = NONE,
		.readers = NONE,
	};
	if (parent != NONE)
		b->nodes[parent].child = i;
	return i;
}

static size_t
next_below(const struct planning *b, size_t i, size_t root)
{
	if (b->nodes[i].child != NONE)
		return b->nodes[i].child;
	while (i != root && b->nodes[i].sibling == NONE)
		i = b->nodes[i].parent;
	return i == root ? NONE : b->nodes[i].sibling;
}

/* Waits for what touched anything below; a write stands for all of it. */
static void
touch_below(struct planning *b, size_t unit, size_t root, bool write)
{
	size_t i;

	for (i = next_below(b, root, root); i != NONE;
	     i = next_below(b, i, root)) {
		wait_for_node(b, unit, &b->nodes[i], write);
		if (write)
			b->nodes[i].writer = b->nodes[i].readers = NONE;
	}
}

static void
touch(struct planning *b, size_t unit, const struct plan_touch *t)
{
	struct str path = t->path.s;
	size_t end, depth, at = node_of(b, STR("/"), NONE);

	for (end = 1, depth = 0;
	     at != NONE && end < path.len && depth < DEEPEST; end++, depth++) {
		wait_for_node(b, unit, &b->nodes[at], t->write);
		end += str_find(str_skip(path, end), '/');
		at = node_of(b, str_head(path, end), at);
	}
	if (at == NONE)
		return;
	wait_for_node(b, unit, &b->nodes[at], t->write);
	touch_below(b, unit, at, t->write);
	if (t->write) {
		b->nodes[at].writer = unit;
		b->nodes[at].readers = NONE;
	} else {
		link_add(b, &b->nodes[at].readers, unit);
	}
}

/* ---- making it */

static void
find_units(struct planning *b, const struct plan_item *items, size_t n)
{
	struct plan *p = b->p;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!i || !items[i].joined)
			p->units[p->n_units++] = (struct unit){
				.items.first = i,
				.waiting = NONE,
				.seen = NONE,
			};
		p->units[p->n_units - 1].items.n++;
		b->unit_of[i] = p->n_units - 1;
	}
	p->left = p->n_units;
}

static void
find_edges(struct planning *b, const struct plan_item *items, size_t n)
{
	size_t i, k;

	for (i = 0; i < n && !b->nomem; i++) {
		for (k = 0; k < items[i].n_after; k++) {
			assert(items[i].after[k] < i);
			wait_for(
			    b, b->unit_of[i], b->unit_of[items[i].after[k]]);
		}
		for (k = 0; k < items[i].n_touches; k++)
			touch(b, b->unit_of[i], &items[i].touches[k]);
	}
}

enum err_code
plan_new(
    const struct plan_item *items, size_t n, struct plan **out, struct err *err)
{
	struct planning b CLEANUP(planning_done) = { 0 };
	struct plan *p = calloc(1, sizeof(*p));
	size_t i;

	if (!p)
		return err_nomem(err);
	b.p = p;
	p->units = calloc(n + 1, sizeof(*p->units));
	p->heap = calloc(n + 1, sizeof(*p->heap));
	b.unit_of = calloc(n + 1, sizeof(*b.unit_of));
	b.nomem = !p->units || !p->heap || !b.unit_of;
	if (!b.nomem) {
		find_units(&b, items, n);
		find_edges(&b, items, n);
	}
	if (b.nomem) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): b has CLEANUP */
		plan_free(p);
		return err_nomem(err);
	}
	for (i = 0; i < p->n_units; i++)
		if (!p->units[i].waits)
			heap_add(p, i);
	*out = p;
	return ERR_OK;
}

void
plan_free(struct plan *p)
{
	if (!p)
		return;
	free(p->units);
	free(p->heap);
	free(p->links);
	free(p);
}

/* ---- using it */

bool
plan_peek(const struct plan *p, struct plan_unit *out)
{
	if (!p->n_heap)
		return false;
	*out = p->units[p->heap[0]].items;
	return true;
}

void
plan_take(struct plan *p)
{
	heap_take(p);
	p->left--;
}

static size_t
unit_at(const struct plan *p, size_t first)
{
	size_t low = 0, high = p->n_units;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (p->units[middle].items.first <= first)
			low = middle;
		else
			high = middle;
	}
	return low;
}

void
plan_done(struct plan *p, const struct plan_unit *u)
{
	const struct unit *done = &p->units[unit_at(p, u->first)];
	size_t l;

	assert(done->items.first == u->first);
	for (l = done->waiting; l != NONE; l = p->links[l].next) {
		struct unit *other = &p->units[p->links[l].unit];

		assert(other->waits);
		if (!--other->waits)
			heap_add(p, p->links[l].unit);
	}
}

size_t
plan_looks(const struct plan *p)
{
	return p->looks;
}

bool
plan_is_empty(const struct plan *p)
{
	return !p->left;
}
