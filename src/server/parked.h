/* SPDX-License-Identifier: MIT */
/*
 * Connections between requests, outside of libmicrohttpd.
 *
 * libmicrohttpd keeps max-header and more for each connection as long as it
 * lives, all of it touched with the first request: 10,000 connections that say
 * nothing would hold 350 MB.  So its time-out between requests is short
 * (park-after), and when it lets go for that reason, the socket comes here: a
 * few hundred bytes, in an epoll set of ours.  When the first line of a request
 * has come, libmicrohttpd gets the socket back as a new connection.
 *
 * New connections that have not sent a line come here, too (the kernel holds
 * them back for up to a second, until they have sent something), and those of
 * an address of which as many are served as may be: they wait in line until
 * others are parked or gone.  The time-outs and limits of conns.h apply to all
 * of them as if they had not been parked.
 *
 * Nothing is lost: a connection is not parked if libmicrohttpd has read
 * anything that is not yet a request.  parked_add() sees that by comparing what
 * the kernel has handed out with what the requests so far took.
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
	/*
	 * libmicrohttpd's time-out between requests, in ns; 0: none is parked
	 * after it.
	 */
	int64_t after;
	/*
	 * How many connections of an address libmicrohttpd may have; 0: any
	 * number.
	 */
	uint64_t (*most)(void *arg, const struct host *h);
	/* Gives a socket to libmicrohttpd, or closes it and returns false. */
	bool (*give)(void *arg, int fd, const struct sockaddr_un *ticket);
	void *arg;
};

enum err_code parked_new(const struct parked_spec *spec, struct parked **out,
    struct err *err) MUST_USE;

/* From now on connections are parked, and give() may be called. */
void parked_start(struct parked *p);

/*
 * To be called when libmicrohttpd has a new connection.  True: it was taken
 * over, and libmicrohttpd finds its socket closed.  elsewhere: it is to be
 * given to another thread if it can be, whatever has come.
 */
bool parked_begin(struct parked *p, struct conn *c, bool elsewhere);

/*
 * To be called when libmicrohttpd is about to close the connection's socket.
 * True: it was taken over, since it only waited too long.  False: it is to be
 * removed.
 */
bool parked_add(struct parked *p, struct conn *c);

/* Once a second; see conns_look(). */
void parked_tick(struct parked *p);

/* How many have been taken over since the start. */
uint64_t parked_came(struct parked *p);

/*
 * Takes over no more, and closes those it has; to be called before
 * libmicrohttpd is stopped.
 */
void parked_stop(struct parked *p);
void parked_free(struct parked *p); /* NULL is fine */

#endif
