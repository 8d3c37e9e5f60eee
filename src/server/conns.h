/* SPDX-License-Identifier: MIT */
/*
 * The connections there are, what each is waiting for, and since when.
 *
 * libmicrohttpd knows one time-out: no byte moved.  A client that sends a byte
 * a minute never meets it.  So a watchdog looks at all connections once a
 * second and shuts the socket of each whose time is over; libmicrohttpd sees
 * that as the client's closing, and all is released as ever.
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
	CONN_HEADER, /* the request line is there */
	CONN_BODY, /* the header is */
	CONN_BOTH, /* the same, and the answer has begun */
	CONN_WORK, /* the request is, and we are at work: no limit */
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
	struct peer *peer; /* its address; NULL: has none */
	struct io *io; /* whose thread it is with */
	int fd; /* libmicrohttpd's, or ours: under the lock of the table */
	bool parked; /* the same; see parked.h */
	bool returned; /* it was parked before */
	bool has_host;
	struct host host;
	_Atomic uint64_t state; /* phase and when it began, in one word */
	_Atomic uint64_t moved; /* bytes of the body so far; see conn_moved() */
	/* Its I/O thread's: bytes that the requests so far took of the socket,
	 * and whether that is not known, as one had a body in chunks. */
	uint64_t taken;
	bool uncounted;
	/* The file that an answer is sent from, and where that ends; 0, as at
	 * the beginning of each phase: of none. */
	_Atomic int file;
	_Atomic uint64_t file_end;
	struct soon soon;
	bool begun; /* ours, in parked.c: a request has begun to come */
	/* Under the lock: whether it is in line for a place of its address, and
	 * behind whom; whether it has been called. */
	bool waits, called;
	struct conn *behind, **before;
	/* The watchdog's: what it saw when it first met this state, or moved.
	 */
	uint64_t seen_state, seen_moved;
	int64_t seen_at;
};

struct conns;

enum err_code conns_new(struct conns **out, struct err *err) MUST_USE;
void conns_free(struct conns *cs); /* when it is empty; NULL is fine */

/*
 * Whether there may be one more, of max.  An address may have three times as
 * many as are left: so however many it opens, others find a place.  h: NULL for
 * one that may have all.
 */
bool conns_admit(struct conns *cs, const struct host *h, uint64_t max);

/* NULL when memory ran out.  With a ticket for an address it goes on as that.
 */
struct conn *conns_add(struct conns *cs, int fd, const struct sockaddr *sa);
void conns_remove(struct conns *cs, struct conn *c);

/*
 * Enters a phase, at its beginning.  False when the watchdog has shut the
 * connection: nothing more is to be done for it.
 */
bool conn_enter(struct conn *c, enum conn_phase phase);

/*
 * Enters a phase in which some time was spent before, and bytes of the body
 * were moved: as if it had not been left.
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

/* It goes on with a descriptor of ours, or with libmicrohttpd's after all. */
void conns_park(struct conns *cs, struct conn *c, int fd);
void conns_unpark(struct conns *cs, struct conn *c, int fd);

/*
 * ---- places (conns_places.c)
 *
 * Of an address at most so many connections are served at a time (0: all);
 * those that are parked are not.  Who has said something and finds no place
 * gets in line, and is called when it is its turn.
 */

/* How one is called: call() is to have conns_go() called for it, soon, by
 * another thread; the lock of the table is held. */
void conns_on_call(
    struct conns *cs, void (*call)(void *arg, struct conn *c), void *arg);

/* Whether there is one for a new connection, before those that wait. */
bool conns_has_place(struct conns *cs, const struct conn *c, uint64_t most);

/*
 * True: a parked one has its place and is out of the table; the ticket is what
 * conns_add() needs to make the same connection again.  False: it is in line.
 */
bool conns_go(struct conns *cs, struct conn *c, uint64_t most,
    struct sockaddr_un *ticket);

/* It will not be made again. */
void conns_lost(struct conns *cs, const struct sockaddr_un *ticket);

/* Once a second: looks whether places were lost on the way, and asks how many
 * there are, which may have changed. */
void conns_look(struct conns *cs,
    uint64_t (*most)(void *arg, const struct host *h), void *arg);

/* Closes and forgets those that are parked. */
void conns_close_parked(struct conns *cs);

/* Shuts the connections whose time is over. */
void conns_watch(struct conns *cs, const struct config *limits);

/*
 * Shuts those that are between requests, or all.  Returns how many
 * connections are left that were not.
 */
size_t conns_shut(struct conns *cs, bool all);

/* So many are open now. */
size_t conns_open(struct conns *cs);

#endif
