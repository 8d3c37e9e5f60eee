/* SPDX-License-Identifier: MIT */
/*
 * The server: a store behind HTTP/1.1.
 *
 * One thread starts it, then calls server_tick() about once a second, and
 * server_reload() and server_stop() when it is told to.
 */
#ifndef SHEAF_SERVER_SERVER_H
#define SHEAF_SERVER_SERVER_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "server/config.h"
#include "store/store.h"

struct server;

/*
 * Listens, and serves at once.  Takes config over (it is left empty) and
 * borrows the store, which must outlive the server.
 *
 * ERR_BAD_REQUEST for a value that means nothing or is not allowed; others
 * when the system refused.  The sentence is in err->why.
 */
enum err_code server_start(struct config *c, struct store *store,
    struct server **out, struct err *err) MUST_USE;

/* "http://127.0.0.1:4918/": where it can be reached. */
void server_put_url(const struct server *s, struct buf *out);

/* Says something in the log. */
void server_say(struct server *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Shuts connections whose time is over, and forgets old batches. */
void server_tick(struct server *s);

/*
 * New values for what can change while it runs, and reopens the log.  Takes c
 * over.  When it fails all stays as it was.
 */
enum err_code
server_reload(struct server *s, struct config *c, struct err *err) MUST_USE;

/*
 * Stops accepting, and lets requests end.  To be called once; then
 * server_stopped() again and again, till it says true or patience is over.
 */
void server_stop(struct server *s);
bool server_stopped(struct server *s);

/*
 * Cuts the answers that are still being read, and frees.  False, and nothing
 * is freed, when a request is still at work: then only the end of the process
 * ends it.
 */
bool server_free(struct server *s) MUST_USE;

#endif
