/* SPDX-License-Identifier: MIT */
/*
 * The tree of the memory store.  A node is kept by its parent and by whoever
 * holds a reference; one that has left the tree has no parent and no members.
 * The caller serialises all access.
 */
#ifndef SHEAF_STORE_MEM_TREE_H
#define SHEAF_STORE_MEM_TREE_H

#include "store/mem_props.h"
#include "store/store.h"

/* Bytes of a file: never changed, shared by counting. */
struct mem_blob {
	unsigned owners;
	size_t len;
	char *bytes;
};

struct mem_node {
	unsigned owners;
	struct resource res; /* has_props is filled in by mem_node_stat() */
	struct mem_node *parent;
	char *name; /* NUL-terminated; "" for the root */
	struct mem_node **members; /* sorted by name */
	size_t n_members, cap;
	struct mem_blob *blob; /* NULL: no bytes */
	struct mem_props *props;
	struct mem_node *next_id; /* in a bucket of ids */
};

#define MEM_BUCKETS ((size_t)1024)

/* All zero but root; mem_tree_init() makes that. */
struct mem_tree {
	struct mem_node *root;
	struct mem_node *ids[MEM_BUCKETS];
	uint64_t last_id;
	int64_t last_time;
};

enum err_code mem_tree_init(struct mem_tree *t, struct err *err) MUST_USE;
void mem_tree_done(struct mem_tree *t);

/* ERR_NOT_FOUND. */
enum err_code mem_tree_find(const struct mem_tree *t, struct rpath path,
    struct mem_node **out, struct err *err) MUST_USE;

/* The node with this id, or NULL. */
struct mem_node *
mem_tree_by_id(const struct mem_tree *t, const struct resource_id *id);

/* Whether a resource may be made there.  ERR_NO_PARENT, ERR_NAME_TOO_LONG. */
enum err_code mem_tree_may_make(
    const struct mem_tree *t, struct rpath path, struct err *err) MUST_USE;

/* A new resource in the place of path's, if any.  ERR_NOMEM: no change. */
enum err_code mem_tree_make(struct mem_tree *t, struct rpath path,
    bool collection, struct mem_node **out, struct err *err) MUST_USE;

/* Puts a node of the tree in the place of path's, if any. */
enum err_code mem_tree_move(struct mem_tree *t, struct mem_node *node,
    struct rpath path, struct err *err) MUST_USE;

/* Takes a node and all below it out of the tree. */
void mem_tree_remove(struct mem_tree *t, struct mem_node *node);

/* ---- in steps, each of which can be taken back, for changes made at once */

/* A resource that is in no collection yet. */
enum err_code mem_tree_spare(struct mem_tree *t, bool collection,
    struct mem_node **out, struct err *err) MUST_USE;

/* Takes a node with all below it out of its collection; it lives on. */
void mem_tree_detach(struct mem_node *node);

/*
 * Puts such a node to path, where nothing is; *name is its name, for which it
 * gives the one it had.  ERR_NO_PARENT, ERR_NAME_TOO_LONG, ERR_EXISTS.
 */
enum err_code mem_tree_attach(struct mem_tree *t, struct mem_node *node,
    struct rpath path, char **name, struct err *err) MUST_USE;

/* Takes back a detaching, when all that came later has been taken back. */
void mem_tree_reattach(struct mem_node *dir, struct mem_node *node);

/* The members of the collection have changed. */
void mem_tree_touch(struct mem_tree *t, struct mem_node *dir);

/* The end of one that is in no collection, and of all below it. */
void mem_tree_drop(struct mem_tree *t, struct mem_node *node);

/* The first member behind `name`, or NULL. */
struct mem_node *mem_node_next(const struct mem_node *dir, struct str name);

struct resource mem_node_stat(const struct mem_node *n);

struct mem_node *mem_node_ref(struct mem_node *n);
void mem_node_unref(struct mem_node *n); /* NULL is fine */

struct mem_blob *mem_blob_ref(struct mem_blob *b); /* NULL is fine */
void mem_blob_unref(struct mem_blob *b); /* NULL is fine */

#endif
