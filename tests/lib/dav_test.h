/* SPDX-License-Identifier: MIT */
/*
 * Requests, sent to a method as the server would, and what it replied.  Locks
 * are made in its store with lock_at() (lib/locks.h).
 */
#ifndef SHEAF_TESTS_DAV_TEST_H
#define SHEAF_TESTS_DAV_TEST_H

#include "lib/deny_store.h"
#include "lib/reply_mem.h"
#include "lib/tree.h"

struct dav_test {
	struct deny_store deny;
	struct store *store; /* what requests see */
	struct arena arena; /* new for each request */
	struct dav_settings set;
	struct origin origin;
	struct str user; /* who sends requests */
	struct reply_mem reply; /* of the last request */
	struct sink *outcomes; /* of a 207, instead of a body; NULL: none */
	struct keys *keys; /* NULL: there are none */
	const struct bulk_service *service; /* with it, endpoints are served */
	size_t slice; /* bytes of a body at a time; 0: it comes in two halves */
	size_t gone_after; /* bytes after which the client goes; 0: it stays */
	struct buf log; /* lines about failed members */
	unsigned long fail_alloc; /* for the next: this allocation fails */
	bool fails_on; /* and all after it, until the caller stops that */
	bool alloc_failed; /* it came to that */
	enum err_code ran; /* what the method returned at last */
	bool has_body_stream; /* it wanted the body */
	bool slow;
};

/* With the tree that `text` says (lib/tree.h). */
void dav_test_init(struct dav_test *t, const char *text);
void dav_test_done(struct dav_test *t);

/*
 * Sends a request and returns the status, or 0 when the answer was cut short,
 * or nobody is there to read it.
 * headers: lines "Name: value\n"; body: NULL for none.  What every reply must
 * be is asserted: an answer given once, no header twice, a 207 with a body.
 */
unsigned dav_send(struct dav_test *t, const char *method, const char *target,
    const char *headers, const char *body);

/* The value of a header of the reply. */
struct str dav_header(const struct dav_test *t, const char *name);

struct str dav_body(const struct dav_test *t);

/* Whether the body holds this. */
bool dav_says(const struct dav_test *t, const char *text);

/* How many times the body holds this. */
unsigned dav_count(const struct dav_test *t, const char *text);

#endif
