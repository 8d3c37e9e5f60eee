/* SPDX-License-Identifier: MIT */
/*
 * Records in memory (store.h).  What a change needs is allocated before it is
 * made, so that it cannot fail afterwards.  The caller serialises all access.
 */
#ifndef SHEAF_STORE_MEM_RECORDS_H
#define SHEAF_STORE_MEM_RECORDS_H

#include "store/store.h"

struct mem_record;

#define MEM_RECORD_BUCKETS ((size_t)256)

/* All zero is an empty one. */
struct mem_records {
	struct mem_record *bucket[MEM_RECORD_BUCKETS];
};

void mem_records_done(struct mem_records *all);

/* Of a change at path; *out is NULL where r is. */
enum err_code mem_record_new(const struct record *r, struct rpath path,
    struct mem_record **out, struct err *err) MUST_USE;

/* What store_remember() would tell it, for one that is not kept yet. */
enum err_code mem_record_set_result(
    struct mem_record *m, struct str result, struct err *err) MUST_USE;

/* For CLEANUP(); fine with NULL. */
void mem_record_done(struct mem_record **r);

/*
 * The change is made: *r, which may be NULL, is remembered, and NULL then.
 * made: what is there now; NULL: nothing.
 */
void mem_record_keep(struct mem_records *all, struct mem_record **r,
    bool created, const struct resource *made);

/* As store_recall() and store_remember(). */
enum err_code
mem_records_recall(struct mem_records *all, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err) MUST_USE;
enum err_code mem_records_remember(struct mem_records *all,
    const struct record *r, struct str result, struct err *err) MUST_USE;

#endif
