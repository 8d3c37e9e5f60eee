/* SPDX-License-Identifier: MIT */
/* The memory store from within. */
#ifndef SHEAF_STORE_MEM_IMPL_H
#define SHEAF_STORE_MEM_IMPL_H

#include <assert.h>
#include <pthread.h>

#include "store/impl.h"
#include "store/mem_locks.h"
#include "store/mem_records.h"
#include "store/mem_tree.h"

/* One mutex for all: this store is for tests and dry runs. */
struct mem_store {
	struct store base;
	pthread_mutex_t mutex;
	struct mem_tree tree;
	struct mem_locks locks;
	struct mem_records records;
	struct mem_claim *claims;
	pthread_cond_t unclaimed; /* one of them has ended */
	uint64_t last_version;
};

struct mem_upload {
	struct upload base;
	struct buf_ostream stream;
	struct buf bytes;
	struct mem_store *m;
	struct upload_spec spec;
	struct mem_node *node; /* of one that was staged, once it is settled */
	struct rpath path; /* in name; empty: it was staged */
	char name[];
};

static inline struct mem_store *
mem_enter(struct store *s)
{
	struct mem_store *m = CONTAINER_OF(s, struct mem_store, base);
	int failed = pthread_mutex_lock(&m->mutex);

	assert(!failed);
	(void)failed;
	return m;
}

/* For a change of path, or of all below it: waits while others claim it. */
struct mem_store *
mem_enter_change(struct store *s, struct rpath path, bool tree);

/* For a change of both trees. */
struct mem_store *
mem_enter_changes(struct store *s, struct rpath one, struct rpath other);

static inline void
mem_leave(struct mem_store *m)
{
	(void)pthread_mutex_unlock(&m->mutex);
}

/* For CLEANUP(). */
static inline void
mem_leave_at_end(struct mem_store **m)
{
	mem_leave(*m);
}

/* A new entity tag, for new bytes.  blob may be NULL: none. */
void
mem_set_bytes(struct mem_store *m, struct mem_node *n, struct mem_blob *blob);

/*
 * Asks the condition of g about path, where now is (NULL: nothing), and from is
 * to come to it (NULL: none).
 */
enum err_code mem_ask_guard(const struct mem_store *m, struct rpath path,
    const struct mem_node *now, const struct mem_node *from,
    const struct guard *g, struct err *err) MUST_USE;

/* Asks for the tokens that a change of path needs.  ERR_LOCKED. */
enum err_code mem_ask_locks(const struct mem_store *m, struct rpath path,
    const struct mem_node *now, enum touch touch, const struct guard *g,
    struct err *err) MUST_USE;

/* Both. */
enum err_code mem_ask(const struct mem_store *m, struct rpath path,
    const struct mem_node *now, enum touch touch, const struct guard *g,
    struct err *err) MUST_USE;

/* For all that is below path, or comes there, if any.  ERR_MEMBER_LOCKED. */
enum err_code mem_ask_below(const struct mem_store *m, struct rpath path,
    bool members, const struct guard *g, struct err *err) MUST_USE;

/* The table's rows about locks, as store.h has them. */
enum err_code mem_op_allows(struct store *s, struct rpath path,
    enum touch touch, const struct guard *g, struct err *err) MUST_USE;
enum err_code mem_op_lock(struct store *s, struct rpath path,
    const struct lock_spec *spec, const struct guard *g, struct arena *a,
    struct lock *out, bool *created, struct err *err) MUST_USE;
enum err_code mem_op_refresh(struct store *s, struct rpath path,
    const struct lock_tokens *t, int64_t timeout, const struct guard *g,
    struct arena *a, struct lock *out, struct err *err) MUST_USE;
enum err_code
mem_op_unlock(struct store *s, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct err *err) MUST_USE;
enum err_code mem_op_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err) MUST_USE;

enum err_code
mem_op_locks_below(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err) MUST_USE;

/* Out of what was written to u, which is empty then. */
enum err_code mem_upload_blob(
    struct mem_upload *u, struct mem_blob **out, struct err *err) MUST_USE;

/* The bytes of n. */
enum err_code mem_content_new(struct mem_store *m, const struct mem_node *n,
    struct content **out, struct err *err) MUST_USE;

/* mem_apply.c */
enum err_code mem_resolve(struct store *s, struct rpath path, struct arena *a,
    struct rpath *out, struct err *err) MUST_USE;
enum err_code mem_claim(struct store *s, struct rpath root,
    struct store_claim **out, struct err *err) MUST_USE;
void mem_claim_end(struct store *s, struct store_claim *base);
enum err_code
mem_stage(struct store *s, struct rpath near, const struct upload_spec *spec,
    struct upload **out, struct err *err) MUST_USE;
enum err_code mem_apply(struct store *s, struct store_claim *c,
    struct edit *edits, size_t n, struct err *err) MUST_USE;

enum err_code mem_walk(struct store *s, struct rpath root, const struct walk *w,
    struct err *err) MUST_USE;

#endif
