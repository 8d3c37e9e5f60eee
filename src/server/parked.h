/* SPDX-License-Identifier: MIT */
/*
 * Connections between requests, outside of libmicrohttpd.
 *
 * libmicrohttpd keeps max-header and more for each connection as long as it
 * lives, all of it touched with the first request: 10,000 connections that say
 * nothing would hold 350 MB.  So its time-out of a connection that has no
 * request is short (park-after), and when that makes it let go, the socket
 * comes here: a few hundred bytes, in an epoll set of ours.  When a line has
 * come, libmicrohttpd gets the socket back as a new one.  So do new connections
 * that have not said so much yet (the system keeps them back for a second, till
 * they have said something), and those of an address of which as many are
 * served as may be: they wait in line till others are parked or gone.  The
 * time-outs and the limits of conns.h hold on, as if nothing had been.
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

struct parked;
struct sockaddr_un;

struct parked_spec {
	struct conns *conns; /* borrowed; must outlive it */
	/* libmicrohttpd's time-out of a connection without a request; 0: none
	 * is parked then. */
	int64_t after;
	/* How many of an address libmicrohttpd may have; 0: any number. */
	uint64_t (*most)(void *arg, const struct host *h);
	/* Gives a socket to libmicrohttpd, or closes it and returns false. */
	bool (*give)(void *arg, int fd, const struct sockaddr_un *ticket);
	void *arg;
};

enum err_code parked_new(const struct parked_spec *spec, struct parked **out,
    struct err *err) MUST_USE;

/* From now on give() may be called.  None is parked before. */
void parked_start(struct parked *p);

/*
 * libmicrohttpd has a new connection.  Whether it was taken over: libmicrohttpd
 * then finds its socket closed.  elsewhere: it is to be given to another
 * thread, if it can be, whatever has come.
 */
bool parked_begin(struct parked *p, struct conn *c, bool elsewhere);

/*
 * libmicrohttpd is about to close the connection's socket.  Whether it was
 * taken over, because there is nothing wrong with it but that it waited.
 * False: it is to be removed.
 */
bool parked_add(struct parked *p, struct conn *c);

/* Once a second; see conns_look(). */
void parked_tick(struct parked *p);

/* How many have been taken over, since the start. */
uint64_t parked_came(struct parked *p);

/* Takes no more, and closes those there are.  Before the daemon is stopped. */
void parked_stop(struct parked *p);
void parked_free(struct parked *p); /* NULL is fine */

#endif
