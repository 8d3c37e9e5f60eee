/* SPDX-License-Identifier: MIT */
/*
 * Answers that begin while the body of their request is still coming: one
 * thread sends them past libmicrohttpd, which would send nothing before the
 * body is over.
 *
 * Each is sent as its spool fills and as its client takes it, in chunks, and
 * waits for neither: what the client does not read stays in the spool.  So one
 * that reads nothing before it has sent everything is served as well.
 */
#ifndef SHEAF_SERVER_PAST_H
#define SHEAF_SERVER_PAST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "server/spool.h"

struct past; /* the thread */
struct past_answer;

enum err_code past_new(struct past **out, struct err *err) MUST_USE;

/* When each answer was ended.  NULL is fine. */
void past_free(struct past *p);

struct past_spec {
	int fd; /* a socket that stays open till past_end() */
	/*
	 * Its side that reads, which has been woken; taken over by a
	 * past_begin() that succeeds.  From then on a wake of the spool is to
	 * be passed on to past_wake().
	 */
	struct spool *spool;
	struct str head; /* what goes before the chunks; copied */
	/* Both from the thread, and never after past_end(). */
	void (*sent)(void *arg, size_t n); /* so many bytes of the spool */
	void (*over)(void *arg); /* once, after past_await() */
	void *arg;
};

/* ERR_NOMEM, or what the system says: then nothing was sent. */
enum err_code past_begin(struct past *p, const struct past_spec *spec,
    struct past_answer **out, struct err *err) MUST_USE;

void past_wake(struct past_answer *a);

/*
 * over() is called when the last chunk was handed to the socket or never can
 * be, maybe at once.  In both cases the socket is then shut.
 */
void past_await(struct past_answer *a);

/* Ends it, sent or not, and releases it.  True: all of it was sent. */
bool past_end(struct past_answer *a);

#endif
