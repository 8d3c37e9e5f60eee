/* SPDX-License-Identifier: MIT */
/*
 * The draft from within.
 *
 * A tree of nodes stands for what is not as the base has it.  A node is a
 * resource; it hangs in a slot, which is a name in another node.  What has no
 * slot is as in the base.  So a collection of the base is moved with all that
 * is below it by hanging one node elsewhere, and what nobody touched costs
 * nothing.
 *
 *   draft_tree.c     nodes and slots
 *   draft_find.c     what a path leads to, and what the base has behind it
 *   draft_ask.c      conditions and locks
 *   draft_read.c     bytes, properties, space
 *   draft_walk.c     walks: members that are ours, and those of the base
 *   draft_upload.c   new bytes
 *   draft_change.c   all other changes
 *   draft_records.c  what was done under which key
 *   draft_edits.c    the shortest list of edits that comes to the same
 *   draft_apply.c    a draft as the base of another one
 *   draft_store.c    the table; draft_new(), draft_apply()
 */
#ifndef SHEAF_STORE_DRAFT_IMPL_H
#define SHEAF_STORE_DRAFT_IMPL_H

#include "store/draft.h"
#include "store/impl.h"
#include "store/mem_props.h"

/* Bytes that were staged, shared by counting. */
struct staged {
	unsigned owners;
	struct upload *inner;
	struct resource res; /* once it is settled */
};

struct draft_slot;

struct draft_node {
	unsigned owners; /* its slot, and walks that are in it */
	/* What the base has at `base`, but for what is said below. */
	bool through;
	/* Where its members are that have no slot; empty: there are none. */
	struct rpath base;
	/* Not of what is through, but for the id of one with own_props. */
	struct resource res;
	bool own_props;
	bool in_ids;
	struct mem_props *props;
	int64_t
	    touched; /* when a member last came or went; 0: as in the base */
	/* The bytes of a new file; without, those of source. */
	struct staged *file;
	struct rpath source; /* in the base */
	char *bytes; /* of base or source */
	struct draft_slot *slot; /* NULL: the root, or it hangs nowhere */
	struct draft_slot *first, *last;
	struct draft_node *next; /* in a bucket of ids, or of what is freed */
};

struct draft_slot {
	struct draft_slot *next, *prev;
	struct draft_slot *chain; /* in a bucket of the table */
	struct draft_node *dir;
	struct draft_node *node; /* NULL: nothing is mapped here */
	uint64_t hash;
	uint64_t seq; /* in the order in which they came */
	/* The base has something here, and whether that is a collection. */
	bool hides, hides_collection;
	size_t len;
	char name[];
};

/* Where a walk is in a node's slots: it stays right whatever comes or goes. */
struct draft_cursor {
	struct draft_cursor *up;
	const struct draft_node *dir;
	struct draft_slot *next;
	uint64_t seen; /* the seq of the last one it gave */
};

#define DRAFT_BUCKETS ((size_t)1024)

struct draft_drop;
struct draft_record;

struct draft {
	struct store base;
	struct store *under;
	struct draft_spec spec;
	struct draft_node *root;
	struct draft_slot **table;
	size_t n_buckets, n_slots;
	uint64_t last_seq;
	uint64_t n_changes; /* goes up with each */
	struct draft_cursor *cursors;
	struct draft_node *ids[DRAFT_BUCKETS]; /* of those with own_props */
	struct draft_drop *drops;
	struct draft_record *records, *last_record;
	size_t n_records;
	uint64_t mark; /* of ids and entity tags made here */
	uint64_t last_id;
	int64_t last_time;
};

static inline struct draft *
draft_of(struct store *s)
{
	return CONTAINER_OF(s, struct draft, base);
}

/* ---- draft_tree.c */

/* One that hangs nowhere, for its caller.  NULL: no memory. */
struct draft_node *draft_node_new(void);

/* The same for what the base has at path. */
struct draft_node *draft_node_through(struct rpath path);

/* With an id, and for a file an entity tag, of its own, made now. */
void draft_node_name(struct draft *d, struct draft_node *n, bool collection);

static inline struct draft_node *
draft_node_ref(struct draft_node *n)
{
	n->owners++;
	return n;
}

void draft_node_unref(struct draft *d, struct draft_node *n); /* NULL is fine */

/* For CLEANUP(): a node that did not get a place, with its draft. */
struct draft_loose {
	struct draft *d;
	struct draft_node *node;
};
void draft_loose_done(struct draft_loose *l);

/* Takes over the set.  What is through needs its id in res. */
void draft_node_set_props(
    struct draft *d, struct draft_node *n, struct mem_props *set);

/* The node with this id that has its own properties, or NULL. */
struct draft_node *
draft_node_by_id(const struct draft *d, const struct resource_id *id);

/* Whether it is where the base has it, but for what became of its parent. */
bool draft_node_is_natural(const struct draft_node *n);

struct draft_slot *draft_slot_find(
    const struct draft *d, const struct draft_node *dir, struct str name);

/* Hangs nowhere yet.  ERR_TOO_LARGE past the limit. */
enum err_code draft_slot_new(struct draft *d, struct str name,
    struct draft_slot **out, struct err *err) MUST_USE;
void
draft_slot_link(struct draft *d, struct draft_node *dir, struct draft_slot *s);

/* Out of its collection, and freed with what hangs in it. */
void draft_slot_remove(struct draft *d, struct draft_slot *s);

/* Hangs a node in it, which it takes over, in the place of any other. */
void
draft_slot_put(struct draft *d, struct draft_slot *s, struct draft_node *n);

/*
 * Nothing is mapped there any more.  Where the base has nothing either, the
 * slot goes.
 */
void draft_slot_clear(struct draft *d, struct draft_slot *s);

void draft_cursor_begin(
    struct draft *d, struct draft_cursor *c, const struct draft_node *dir);
struct draft_slot *draft_cursor_next(struct draft_cursor *c);
void draft_cursor_end(struct draft *d, struct draft_cursor *c);

/* A moment later than any it gave before. */
int64_t draft_tick(struct draft *d);

/* As it was made: nothing differs from the base. */
void draft_forget(struct draft *d);

/* ---- draft_find.c */

/* What a path leads to. */
struct draft_spot {
	struct rpath asked;
	struct rpath path; /* free of links */
	bool link; /* the name itself is one; only where it is not followed */
	struct draft_node *dir; /* the last node on the way to it; root: none */
	struct rpath dir_path;
	struct draft_slot *slot; /* its own, or NULL */
	struct draft_node *node; /* its own, or NULL */
	struct rpath base; /* where there is no slot: what is behind it */
	bool mapped;
	struct resource res; /* where it is mapped */
};

enum draft_follow { DRAFT_FOLLOW, DRAFT_NO_FOLLOW };

/* Not mapped is no failure.  What it points to is in the arena. */
enum err_code draft_find(struct draft *d, struct arena *a, struct rpath path,
    enum draft_follow follow, struct draft_spot *out, struct err *err) MUST_USE;

/* ERR_NOT_FOUND where nothing is mapped. */
enum err_code
draft_find_mapped(struct draft *d, struct arena *a, struct rpath path,
    enum draft_follow follow, struct draft_spot *out, struct err *err) MUST_USE;

/* ERR_FORBIDDEN when it is a link, which is changed by what it leads to. */
enum err_code
draft_not_a_link(const struct draft_spot *s, struct err *err) MUST_USE;

/* A look without links, for a path that has none. */
enum err_code draft_look(struct draft *d, struct arena *a, struct rpath path,
    struct draft_spot *out, struct err *err) MUST_USE;

enum err_code draft_node_stat(struct draft *d, const struct draft_node *n,
    struct resource *out, struct err *err) MUST_USE;

/* ERR_NO_PARENT and what the base has against the name. */
enum err_code draft_may_make(struct draft *d, struct arena *a,
    const struct draft_spot *s, struct err *err) MUST_USE;

/* Whether anything is mapped below it. */
enum err_code draft_has_members(struct draft *d, const struct draft_spot *s,
    bool *out, struct err *err) MUST_USE;

/* A collection of the base that it is in, or will be. */
struct rpath draft_near(const struct draft_spot *s);

/* A slot for what is, or will be, at a spot: nothing is changed yet. */
struct draft_place {
	struct draft *d;
	struct draft_node *dir;
	struct draft_slot *slot;
	bool fresh; /* it is not linked yet */
};

enum err_code draft_place_make(struct draft *d, const struct draft_spot *s,
    struct draft_place *out, struct err *err) MUST_USE;

/*
 * The same for what is mapped there, with a node in it that is as the base has
 * it; for the root, only the node.
 */
enum err_code draft_place_node(struct draft *d, const struct draft_spot *s,
    struct draft_node **out, struct err *err) MUST_USE;

void draft_place_put(struct draft_place *p, struct draft_node *n);
void draft_place_clear(struct draft_place *p);
void draft_place_done(struct draft_place *p);

/* ---- draft_ask.c */

/* from: the source of a copy or rename, else NULL. */
enum err_code draft_ask_guard(struct draft *d, const struct draft_spot *s,
    const struct resource *from, const struct guard *g,
    struct err *err) MUST_USE;
enum err_code draft_ask_locks(struct draft *d, const struct draft_spot *s,
    enum touch touch, const struct guard *g, struct err *err) MUST_USE;
enum err_code draft_ask(struct draft *d, const struct draft_spot *s,
    enum touch touch, const struct guard *g, struct err *err) MUST_USE;

/*
 * For all that is below s, or comes there with what `with` has (NULL: nothing).
 * ERR_MEMBER_LOCKED.
 */
enum err_code draft_ask_below(struct draft *d, const struct draft_spot *s,
    const struct draft_spot *with, const struct guard *g,
    struct err *err) MUST_USE;

/* Locks that went: all below a path, and with_root those at it. */
struct draft_drop {
	struct draft_drop *next;
	bool with_root;
	size_t len;
	char path[];
};

static inline struct rpath
draft_drop_path(const struct draft_drop *drop)
{
	return (struct rpath){ str_of(drop->path, drop->len) };
}

/* *out stays NULL where there are no such locks. */
enum err_code draft_drop_new(struct draft *d, struct rpath path, bool with_root,
    struct draft_drop **out, struct err *err) MUST_USE;
void draft_drop_keep(struct draft *d, struct draft_drop **drop);
void draft_drop_done(struct draft_drop **drop); /* for CLEANUP() */

enum err_code draft_op_allows(struct store *s, struct rpath path,
    enum touch touch, const struct guard *g, struct err *err) MUST_USE;
enum err_code
draft_op_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err) MUST_USE;
enum err_code
draft_op_locks_below(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err) MUST_USE;

/* ---- draft_read.c */

/* The dead properties of what is at s: a set of the caller's. */
enum err_code draft_props_at(struct draft *d, const struct draft_spot *s,
    struct mem_props **out, struct err *err) MUST_USE;
void draft_props_done(struct mem_props **set); /* for CLEANUP() */

enum err_code draft_op_open(struct store *s, struct rpath path,
    struct content **out, struct err *err) MUST_USE;
enum err_code
draft_op_props(struct store *s, const struct resource *r, struct arena *a,
    const struct prop **out, size_t *n, struct err *err) MUST_USE;
enum err_code draft_op_space(struct store *s, struct rpath path,
    struct space *out, struct err *err) MUST_USE;

/* ---- draft_walk.c */

enum err_code draft_op_walk(struct store *s, struct rpath root,
    const struct walk *w, struct err *err) MUST_USE;

/* ---- draft_upload.c */

void staged_unref(struct staged *f); /* NULL is fine */

/* What a draft's own store_stage() gave. */
struct staged *draft_upload_staged(struct upload *u);

/* A node with these bytes and properties, both of which it shares. */
enum err_code draft_node_file(struct draft *d, struct staged *file,
    struct mem_props *props, struct draft_node **out, struct err *err) MUST_USE;

/* A copy of the bytes at `from`, for a place at `to`. */
enum err_code draft_copy_bytes(struct draft *d, const struct draft_spot *from,
    const struct draft_spot *to, struct mem_props *props,
    struct draft_node **out, struct err *err) MUST_USE;

enum err_code draft_op_upload(struct store *s, struct rpath path,
    const struct upload_spec *spec, struct upload **out,
    struct err *err) MUST_USE;
enum err_code draft_op_stage(struct store *s, struct rpath near,
    const struct upload_spec *spec, struct upload **out,
    struct err *err) MUST_USE;

/* ---- draft_change.c */

enum err_code draft_op_mkcol(struct store *s, struct rpath path,
    const struct guard *g, struct store_batch *b, struct err *err) MUST_USE;
enum err_code draft_op_remove(struct store *s, struct rpath path,
    const struct guard *g, struct store_batch *b, struct err *err) MUST_USE;
enum err_code draft_op_copy(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err) MUST_USE;
enum err_code draft_op_rename(struct store *s, struct rpath from,
    struct rpath to, enum replace replace, const struct guard *g,
    struct store_batch *b, bool *created, struct err *err) MUST_USE;
enum err_code draft_op_patch(struct store *s, struct rpath path,
    const struct prop_change *changes, size_t n, const struct guard *g,
    struct store_batch *b, struct err *err) MUST_USE;

/* ---- draft_records.c */

struct draft_record {
	struct draft_record *next;
	struct record record; /* begins: and nobody said that it is done */
	bool created;
	struct rpath path;
	struct resource made; /* its etag counts */
	struct buf result;
	char bytes[]; /* key, print, path */
};

/* *out is NULL where r is. */
enum err_code draft_record_new(struct draft *d, const struct record *r,
    struct rpath path, struct draft_record **out, struct err *err) MUST_USE;
void draft_record_done(struct draft_record **r); /* for CLEANUP() */

/* made: what is there now; NULL: nothing.  *r may be NULL, and is then. */
void draft_record_keep(struct draft *d, struct draft_record **r, bool created,
    const struct resource *made);
void draft_records_forget(struct draft *d);

enum err_code draft_op_recall(struct store *s, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err) MUST_USE;
enum err_code draft_op_remember(struct store *s, const struct record *r,
    struct str result, struct store_batch *b, struct err *err) MUST_USE;

/* ---- draft_edits.c */

/* In the arena, but for what belongs to the draft's nodes. */
enum err_code draft_edits(struct draft *d, struct arena *a, struct edit **out,
    size_t *n, struct err *err) MUST_USE;

/* ---- draft_apply.c */

enum err_code draft_op_claim(struct store *s, struct rpath root,
    struct store_claim **out, struct err *err) MUST_USE;
void draft_op_claim_end(struct store *s, struct store_claim *c);
enum err_code draft_op_apply(struct store *s, struct store_claim *c,
    struct edit *edits, size_t n, struct err *err) MUST_USE;

#endif
