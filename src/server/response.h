/* SPDX-License-Identifier: MIT */
/*
 * The answer to one HTTP request: what the method replied, kept until the I/O
 * thread has made a response of it.
 */
#ifndef SHEAF_SERVER_RESPONSE_H
#define SHEAF_SERVER_RESPONSE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "dav/exchange.h"
#include "server/body_out.h"
#include "server/spool.h"

enum response_kind {
	RESPONSE_NONE,
	RESPONSE_EMPTY,
	RESPONSE_CONTENT,
	RESPONSE_STREAM,
};

struct response_header {
	struct response_header *next;
	struct str name, value; /* with a NUL behind each */
};

/* What an answer needs to know of its request. */
struct response_spec {
	struct arena *arena; /* outlives it */
	struct spool_spec spool;
	bool negotiate; /* codings are on */
	enum coding coding; /* what the client accepts */
	bool head; /* leave the body out */
};

struct response {
	struct reply base;
	struct response_spec spec;
	enum response_kind kind;
	struct response_header *headers, **last;
	bool coded; /* a content coding was set by the method */
	bool negotiated; /* Vary: another client might get another coding */
	struct spool *spool; /* to write; NULL: no body, or a small one */
	struct spool *source; /* the same, to read */
	struct content *content;
	const struct segment *segs;
	size_t n_segs;
	struct body_out out; /* the end, which shelf_take() leaves as it was */
};

struct reply *
response_init(struct response *a, const struct response_spec *spec);

/*
 * The method has returned.  Whatever it did not end is cut short.  Before
 * this, and before any response_take(), a wake of the spool is the sign that
 * there is something to take; a small body has no spool.
 */
void response_finish(struct response *a);

/* Releases what is left of it; after response_finish(). */
void response_done(struct response *a);

/*
 * Where the bytes of a body come from.  It is asked from an I/O thread, for
 * bytes in order, and freed by it.
 */
struct response_source {
	struct spool *spool; /* or */
	struct content *content;
	const struct segment *segs;
	size_t n_segs;
	/* Of the segment that is being read. */
	size_t seg;
	uint64_t seg_at;
	bool cut; /* there is nothing, and should be */
};

/* Reads on; SPOOL_FAILED when the bytes cannot be had. */
enum spool_state response_read(
    struct response_source *s, char *out, size_t max, size_t *got) MUST_USE;

void response_source_done(struct response_source *s);

/*
 * What to send.  Either bytes (which live till the source is released), or a
 * descriptor and a range of it (the descriptor is the caller's), or what
 * response_read() gives.
 */
struct response_body {
	struct response_source source; /* the caller's to release */
	bool known; /* the length */
	uint64_t length;
	bool whole; /* it is all in bytes */
	struct str bytes;
	int fd; /* -1: none */
	uint64_t offset;
};

/*
 * Takes the body off an answer whose status is set.
 */
void response_take(struct response *a, struct response_body *out);

/* Whether the header stands in it. */
bool response_has(const struct response *a, struct str name);

/* Adds one more, when the method has set all of its own. */
enum err_code
response_add(struct response *a, struct str name, struct str value) MUST_USE;

/* The coding of the body, once response_take() was called. */
enum coding response_coding(const struct response *a);

/*
 * Appends the status and the headers as they go over the wire, and not yet the
 * empty line behind them.
 */
void response_put_head(const struct response *a, struct buf *out);

/*
 * Appends the whole answer as it goes over the wire, with Connection: close:
 * for when libmicrohttpd would not take it.  A body that does not lie in
 * memory is left out.
 */
void response_serialize(struct response *a, struct buf *out);

#endif
