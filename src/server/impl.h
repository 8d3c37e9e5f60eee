/* SPDX-License-Identifier: MIT */
/* What the parts of the server share. */
#ifndef SHEAF_SERVER_IMPL_H
#define SHEAF_SERVER_IMPL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bulk/run.h"
#include "server/address.h"
#include "server/conns.h"
#include "server/live.h"
#include "server/log.h"
#include "server/server.h"
#include "server/shelf.h"
#include "server/workers.h"

struct jobs;
struct parked;
struct past;
struct users;

struct server;

#define IO_MAX 256

/* An I/O thread: one of libmicrohttpd's, with a listener of its own. */
struct io {
	struct server *server;
	int listener; /* -1: none, or the daemon owns it */
	struct MHD_Daemon *daemon;
	_Atomic pid_t thread; /* 0: settle() has not run yet */
	_Atomic unsigned n; /* connections it has, or will get from io_give() */
	unsigned roams; /* io_roam() calls not ended; only the thread uses it */
};

struct server {
	struct io io[IO_MAX];
	unsigned n_io;
	cpu_set_t processors; /* we may run on; only the main thread uses it */
	struct store *store;
	struct workers *workers;
	struct past *past; /* answers that begin before their body is over */
	struct keys *keys; /* idempotency keys that are in use */
	struct users *users; /* whose batches are being run */
	struct jobs *jobs; /* asynchronous batches */
	/* What they run with: of the configuration there was at the start. */
	struct live *jobs_live;
	struct bulk_env jobs_env;
	uint64_t connections; /* at most */
	struct conns *conns;
	struct parked *parked; /* connections that wait for a request */
	unsigned idle_seconds; /* libmicrohttpd's time-out within a request, */
	unsigned park_seconds; /* and between requests */
	struct log *log;
	struct address address; /* the one it listens on */
	int deaf; /* a socket nobody can connect to: io_close_listeners() */
	atomic_bool stopping;
	_Atomic uint64_t requests; /* so far; the last one's id */
	/*
	 * For rest(): the requests so far a tick ago; ticks with work since all
	 * memory was given back; ticks without work in a row.
	 */
	uint64_t came_before;
	unsigned untrimmed, quiet;
	pthread_mutex_t lock;
	struct live *live; /* under the lock */
	struct shelf shelves[SHELVES];
};

/* How many connections of an address are served at a time. */
uint64_t server_most(void *server, const struct host *h);

/* Lends a worker; struct bulk_env says what for. */
bool server_spawn(void *server, void (*fn)(void *arg), void *arg);

/* ---- listen.c: where they listen */

/* Listens at the address of the configuration, once for each I/O thread. */
enum err_code io_listen(struct server *s, struct err *err) MUST_USE;

/* ---- io.c: the threads that move bytes */

enum err_code io_start(struct server *s, struct err *err) MUST_USE;
void io_stop(struct server *s);

/*
 * Lets the calling thread, which is io's, run on any processor, until
 * io_roam_end() was called as often.
 */
void io_roam(struct io *io);
void io_roam_end(struct io *io);

/*
 * To be called once a second: puts the threads in their places again where the
 * processors that we may run on have changed.
 */
void io_tick(struct server *s);

/* Lets nobody in any more; who waits in the queue of the kernel is refused. */
void io_close_listeners(struct server *s);

/*
 * Gives a socket to the thread of the processor that its client is at, or to
 * another where that one has many more than others; see struct parked_spec.
 */
bool io_give(void *server, int fd, const struct sockaddr_un *ticket);

/* ---- exchange.c: what libmicrohttpd calls for each request */

void *exchange_target(void *server, const char *uri, struct MHD_Connection *mc);

enum MHD_Result exchange_handle(void *server, struct MHD_Connection *mc,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **context);

void exchange_completed(void *server, struct MHD_Connection *mc, void **context,
    enum MHD_RequestTerminationCode how);

#endif
