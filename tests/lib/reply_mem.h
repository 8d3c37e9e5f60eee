/* SPDX-License-Identifier: MIT */
/* A reply that keeps what it is given, and checks how it is used. */
#ifndef SHEAF_TESTS_REPLY_MEM_H
#define SHEAF_TESTS_REPLY_MEM_H

#include "dav/exchange.h"

struct reply_mem {
	struct reply base;
	struct buf headers; /* lines of "Name: value" */
	struct buf body;
	struct buf_ostream to_body;
	struct ostream stream; /* in front of it, to see its end */
	bool streamed;
	size_t flushed; /* bytes of the body that were flushed before its end */
	bool ended; /* the body is whole; also without one */
	struct sink *outcomes; /* where they went; NULL: it has no such place */
};

struct reply *reply_mem_init(struct reply_mem *r);
/* The same, for a reply that wants the outcomes of a 207 as they are. */
struct reply *reply_mem_init_with(struct reply_mem *r, struct sink *outcomes);

void reply_mem_done(struct reply_mem *r);

/* The value of a header, or the empty string; names match in any case. */
struct str reply_mem_header(const struct reply_mem *r, struct str name);

/* How many headers of that name there are. */
unsigned reply_mem_count(const struct reply_mem *r, struct str name);

#endif
