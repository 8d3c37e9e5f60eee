/* SPDX-License-Identifier: MIT */
/* The memory store from within. */
#ifndef SHEAF_STORE_MEM_IMPL_H
#define SHEAF_STORE_MEM_IMPL_H

#include <assert.h>
#include <pthread.h>

#include "store/impl.h"
#include "store/mem_tree.h"

/* One lock for all: this store is for tests and dry runs. */
struct mem_store {
	struct store base;
	pthread_mutex_t lock;
	struct mem_tree tree;
	uint64_t last_version;
};

static inline struct mem_store *
mem_lock(struct store *s)
{
	struct mem_store *m = CONTAINER_OF(s, struct mem_store, base);
	int failed = pthread_mutex_lock(&m->lock);

	assert(!failed);
	(void)failed;
	return m;
}

static inline void
mem_unlock(struct mem_store *m)
{
	(void)pthread_mutex_unlock(&m->lock);
}

/* For CLEANUP(). */
static inline void
mem_unlock_at_end(struct mem_store **m)
{
	mem_unlock(*m);
}

enum err_code mem_walk(struct store *s, struct rpath root, const struct walk *w,
    struct err *err) MUST_USE;

#endif
