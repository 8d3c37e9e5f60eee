/* SPDX-License-Identifier: MIT */
/*
 * The connections there are, what each is waiting for, and since when.
 *
 * libmicrohttpd knows one time-out: no byte moved for so long.  A client that
 * sends a byte a minute never meets it.  So a watchdog looks at all connections
 * once a second and shuts the socket of each whose time is over; to
 * libmicrohttpd that looks as if the client had closed, and all is released as
 * usual.
 */
#ifndef SHEAF_SERVER_CONNS_H
#define SHEAF_SERVER_CONNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "server/address.h"
#include "server/config.h"
#include "server/soon.h"

struct io;
struct sockaddr_un;
struct peer;

enum conn_phase {
	CONN_NEW, /* no request yet */
	CONN_IDLE, /* between requests */
	CONN_HEADER, /* the request line has come, the header has not */
	CONN_BODY, /* the header has come, the body has not */
	CONN_BOTH, /* as CONN_BODY, and the answer leaves already */
	CONN_WORK, /* we are at work for it: no limit */
	CONN_SEND, /* the client is to take the answer */
	CONN_LINGER, /* answered and to be closed; it may still be sending */
	CONN_DEAD, /* shut by the watchdog */
};

/*
 * One connection.  Its I/O thread sets the phase; the watchdog reads it, and
 * may only make it CONN_DEAD.
 */
struct conn {
	struct conn *next, **link;
	struct peer *peer; /* of its address; NULL: it has none */
	struct io *io; /* the thread that it was given to */
	int fd; /* libmicrohttpd's, or ours: under the lock of the table */
	bool parked; /* under the same lock; see parked.h */
	bool returned; /* it was parked before */
	bool has_host;
	struct host host;
	_Atomic uint64_t state; /* phase and when it began, in one word */
	_Atomic uint64_t moved; /* bytes of the body so far; see conn_moved() */
	/*
	 * Only its I/O thread uses these: bytes that the requests so far took
	 * from the socket; and whether that is not known, since the body of one
	 * was chunked.
	 */
	uint64_t taken;
	bool uncounted;
	/*
	 * The file that libmicrohttpd sends the answer from, and where in it
	 * the answer ends; 0, as at the beginning of each phase: no file.
	 */
	_Atomic int file;
	_Atomic uint64_t file_end;
	struct soon soon;
	bool begun; /* parked.c only: a request has begun to come */
	/*
	 * Under the lock: whether it is in line for a place of its address, and
	 * its neighbours there; whether its turn has come (places_call()).
	 */
	bool waits, called;
	struct conn *behind, **before;
	/*
	 * Only the watchdog uses these: what it saw when it first met this
	 * state, or when bytes had moved since.
	 */
	uint64_t seen_state, seen_moved;
	int64_t seen_at;
};

struct conns;

enum err_code conns_new(struct conns **out, struct err *err) MUST_USE;
void conns_free(struct conns *cs); /* when it is empty; NULL is fine */

/*
 * Whether one more connection may be taken, when at most max may be open.  An
 * address may have three times as many as are still free: so however many it
 * opens, others find room.  h: NULL for an address without that limit.
 */
bool conns_admit(struct conns *cs, const struct host *h, uint64_t max);

/*
 * NULL when memory ran out.  Where sa is a ticket, the connection goes on as
 * the one that the ticket was made of.
 */
struct conn *conns_add(struct conns *cs, int fd, const struct sockaddr *sa);
void conns_remove(struct conns *cs, struct conn *c);

/*
 * Enters a phase, at its beginning.  False when the watchdog has shut the
 * connection: nothing more is to be done for it.
 */
bool conn_enter(struct conn *c, enum conn_phase phase);

/*
 * Goes back to a phase that it left after `spent` ns and `moved` bytes of the
 * body, as if it had not been left.
 */
bool conn_reenter(
    struct conn *c, enum conn_phase phase, int64_t spent, uint64_t moved);

/* How long it has been in its phase, and the bytes of the body since. */
int64_t conn_spent(const struct conn *c);
uint64_t conn_bytes(const struct conn *c);

/* Counts bytes of the body, and in CONN_BOTH those of the answer as well. */
void conn_moved(struct conn *c, size_t n);

/*
 * In CONN_SEND, once it is entered: libmicrohttpd sends the answer from this
 * file, up to end; 0: it does not.  The file stays open till the phase is left.
 */
void conn_sends(struct conn *c, int file, uint64_t end);

/*
 * Whether nothing has come since the last request, as long ago as that, or
 * nearly.  What ends with its answer waited for nothing.
 */
bool conn_only_waits(const struct conn *c, int64_t since);

/*
 * From now on its socket is fd, a descriptor of ours; or, where parking it
 * failed, again libmicrohttpd's.
 */
void conns_park(struct conns *cs, struct conn *c, int fd);
void conns_unpark(struct conns *cs, struct conn *c, int fd);

/*
 * ---- places (conns_places.c)
 *
 * Of each address at most so many connections are served at a time (0: any
 * number); parked ones do not count.  A connection that has begun a request and
 * finds no place gets in line, and is called when it is its turn.
 */

/*
 * call() is called for each whose turn has come, with the table locked.  It has
 * another thread call conns_go() for it soon.
 */
void conns_on_call(
    struct conns *cs, void (*call)(void *arg, struct conn *c), void *arg);

/*
 * Whether there is a place for a new connection, of `most`: not while others
 * are in line.
 */
bool conns_has_place(struct conns *cs, const struct conn *c, uint64_t most);

/*
 * True: the parked connection has a place, and has left the table; conns_add()
 * takes the ticket to make it again.  False: it is in line.
 */
bool conns_go(struct conns *cs, struct conn *c, uint64_t most,
    struct sockaddr_un *ticket);

/* The connection of the ticket could not be made again: its place is free. */
void conns_lost(struct conns *cs, const struct sockaddr_un *ticket);

/*
 * To be called once a second: frees the places of connections that never came
 * back to conns_add(), and asks how many places an address has, since a new
 * configuration may have changed that.
 */
void conns_look(struct conns *cs,
    uint64_t (*most)(void *arg, const struct host *h), void *arg);

/* Closes and forgets those that are parked. */
void conns_close_parked(struct conns *cs);

/* Shuts the connections whose time is over. */
void conns_watch(struct conns *cs, const struct config *limits);

/*
 * Shuts the connections between requests, or all.  Returns how many were not
 * shut.
 */
size_t conns_shut(struct conns *cs, bool all);

/* How many there are now, parked ones included. */
size_t conns_open(struct conns *cs);

#endif
