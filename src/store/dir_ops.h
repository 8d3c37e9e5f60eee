/* SPDX-License-Identifier: MIT */
/* The operations of the directory store: what impl.h asks of each store. */
#ifndef SHEAF_STORE_DIR_OPS_H
#define SHEAF_STORE_DIR_OPS_H

#include "store/impl.h"

enum err_code
dir_stat(struct store *, struct rpath, struct resource *, struct err *);
enum err_code
dir_walk(struct store *, struct rpath, const struct walk *, struct err *);
bool dir_walk_is_quick(struct store *, struct rpath);
enum err_code
dir_open(struct store *, struct rpath, struct content **, struct err *);
enum err_code dir_upload(struct store *, struct rpath,
    const struct upload_spec *, struct upload **, struct err *);
enum err_code dir_may_make(struct store *, struct rpath, struct err *) MUST_USE;
enum err_code dir_mkcol(struct store *, struct rpath, const struct guard *,
    struct store_batch *, struct err *);
enum err_code dir_remove(struct store *, struct rpath, const struct guard *,
    struct store_batch *, struct err *);
enum err_code dir_copy(struct store *, struct rpath, struct rpath, enum replace,
    const struct guard *, struct store_batch *, struct resource *, bool *,
    struct err *);
enum err_code dir_batch_begin(
    struct store *, struct rpath, struct store_batch **, struct err *);
enum err_code dir_batch_end(struct store *, struct store_batch *, struct err *);
enum err_code
dir_batch_flush(struct store *, struct store_batch *, struct err *);
enum err_code dir_recall(struct store *, struct str, struct arena *,
    struct recalled *, bool *, struct err *);
enum err_code dir_recall_any(struct store *, struct str, bool *, struct err *);
enum err_code dir_remember(struct store *, const struct record *, struct str,
    struct store_batch *, struct err *);
enum err_code
dir_rename(struct store *, struct rpath, struct rpath, enum replace,
    const struct guard *, struct store_batch *, bool *, struct err *);
enum err_code dir_allows(struct store *, struct rpath, enum touch,
    const struct guard *, struct err *);
enum err_code dir_lock(struct store *, struct rpath, const struct lock_spec *,
    const struct guard *, struct arena *, struct lock *, bool *, struct err *);
enum err_code
dir_lock_refresh(struct store *, struct rpath, const struct lock_tokens *,
    int64_t, const struct guard *, struct arena *, struct lock *, struct err *);
enum err_code dir_unlock(struct store *, struct rpath,
    const struct lock_tokens *, const struct guard *, struct err *);
bool dir_lock_is_quick(struct store *, struct rpath, bool known, bool alone);
enum err_code dir_locks(struct store *, struct rpath, struct arena *,
    const struct lock **, size_t *, struct err *);
enum err_code dir_locks_below(struct store *, struct rpath, struct arena *,
    const struct lock **, size_t *, struct err *) MUST_USE;
enum err_code
dir_patch(struct store *, struct rpath, const struct prop_change *, size_t,
    const struct guard *, struct store_batch *, struct err *);
bool dir_patch_is_quick(struct store *, struct rpath,
    const struct prop_change *, size_t, bool alone);
enum err_code dir_props(struct store *, const struct resource *, struct arena *,
    const struct prop **, size_t *, struct err *);
enum err_code
dir_space(struct store *, struct rpath, struct space *, struct err *);

#endif
