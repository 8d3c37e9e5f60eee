/* SPDX-License-Identifier: MIT */
/*
 * A server's worth of the bulk API over a store in memory, and one batch in
 * each of its forms: what it answers is held against what is there.
 */
#ifndef SHEAF_TESTS_BULK_SERVED_H
#define SHEAF_TESTS_BULK_SERVED_H

#include <jansson.h>

#include "bulk/endpoints_impl.h"
#include "lib/dav_test.h"
#include "lib/tmpdir.h"

struct bulk_served {
	struct dav_test t;
	struct store *faulty; /* what is served: a fault store */
	struct batch_limits limits;
	struct bulk_env env;
	struct bulk_service service;
	struct tmpdir dir; /* of jobs, once there are any */
};

void served_make(struct bulk_served *w);
void served_done(struct bulk_served *w);

/* Makes room for jobs, or takes up those that were left. */
void served_open_jobs(struct bulk_served *w);

/* The key that the batch is sent with. */
#define SERVED_KEY "Idempotency-Key: k\n"

/* The trees before and after the batch. */
#define SERVED_BEFORE "/c/ /c/1=x /d/ /g=old /j.json=[] /m=old /o/"
#define SERVED_AFTER                                                        \
	"/c/ /c/1=x /d/ /d/p.txt=posted /j.json=[1] /k/ /k/1=x /n=new /o/ " \
	"/o/m=old"

struct served_form {
	const char *type;
	void (*put)(struct buf *b, size_t pad);
};

#define SERVED_FORMS 3 /* JSON, NDJSON, multipart */
extern const struct served_form served_forms[SERVED_FORMS];

/* The batch as text; pad: bytes that mean nothing, somewhere in it. */
struct buf served_body(const struct served_form *f, size_t pad);

/* Posts it with these header lines; returns the status. */
unsigned served_post(struct bulk_served *w, const struct served_form *f,
    const char *headers, size_t pad);

/* The body of the last answer; the caller's. */
json_t *served_json(const struct bulk_served *w);

/*
 * Fails the test unless what the results say was done is done.  whole: each
 * operation must be told of.
 */
void served_check(struct bulk_served *w, const json_t *results, bool whole);

/* The same for an answer; a failure of the whole means that nothing was done.
 */
void served_check_answer(struct bulk_served *w, unsigned status);

/*
 * Sends it again under the same key, with nothing failing: each operation must
 * be done once.
 */
void served_check_again(struct bulk_served *w, const struct served_form *f);

#endif
