/* SPDX-License-Identifier: MIT */
/*
 * Connections between requests, outside of libmicrohttpd.
 *
 * libmicrohttpd keeps max-header and more for each connection as long as it
 * lives, all of it touched with the first request: 10,000 connections that say
 * nothing would hold 400 MB.  So its time-out of a connection that has no
 * request is short (park-after), and when that makes it let go, the socket
 * comes here: a few hundred bytes, in an epoll set of ours.  When the client
 * says something or leaves, libmicrohttpd gets the socket back as a new one.
 * The time-outs and the limits of conns.h hold on, as if nothing had been.
 *
 * Nothing is lost: a connection of which libmicrohttpd has read what is not yet
 * a request never comes here.  parked_add() compares what the kernel has given
 * out with what the requests so far took.
 */
#ifndef SHEAF_SERVER_PARKED_H
#define SHEAF_SERVER_PARKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "server/conns.h"

struct MHD_Daemon;
struct parked;

/*
 * Borrows conns, which must outlive it.  after is libmicrohttpd's time-out of a
 * connection without a request; 0: none shall be parked.
 */
enum err_code parked_new(struct conns *conns, int64_t after,
    struct parked **out, struct err *err) MUST_USE;

/* Who gets connections back.  None is parked before that was said. */
void parked_start(struct parked *p, struct MHD_Daemon *daemon);

/*
 * libmicrohttpd is about to close the connection's socket.  Whether it was
 * taken over, because there is nothing wrong with it but that it waited.
 * False: it is to be removed.
 */
bool parked_add(struct parked *p, struct conn *c);

/* Once a second: gives memory back to the system after many have come. */
void parked_tick(struct parked *p);

/* Takes no more, and closes those there are.  Before the daemon is stopped. */
void parked_stop(struct parked *p);
void parked_free(struct parked *p); /* NULL is fine */

#endif
