/* SPDX-License-Identifier: MIT */
/* The store that fails on demand from within. */
#ifndef SHEAF_STORE_FAULT_IMPL_H
#define SHEAF_STORE_FAULT_IMPL_H

#include <pthread.h>

#include "store/impl.h"

struct fault_store {
	struct store base;
	struct store *inner;
	pthread_mutex_t lock; /* guards what follows */
	unsigned left; /* calls until the one that fails; 0: none will */
	enum err_code code;
	bool fired;
	bool anywhere; /* else only at path */
	struct buf path;
	enum err_code spoiled; /* what walks report of spoiled_path */
	struct buf spoiled_path;
};

static inline struct fault_store *
fault_of(struct store *s)
{
	return CONTAINER_OF(s, struct fault_store, base);
}

/* Counts a call for path; what it is to fail with. */
enum err_code
fault_call(struct fault_store *f, struct rpath path, struct err *err) MUST_USE;

/* fault_files.c: contents and uploads that count as well */
enum err_code fault_open(struct store *s, struct rpath path,
    struct content **out, struct err *err) MUST_USE;
enum err_code
fault_upload(struct store *s, struct rpath path, const struct upload_spec *spec,
    struct upload **out, struct err *err) MUST_USE;
enum err_code
fault_stage(struct store *s, struct rpath near, const struct upload_spec *spec,
    struct upload **out, struct err *err) MUST_USE;

/* The one that the inner store knows. */
struct upload *fault_upload_inner(struct upload *u);

#endif
