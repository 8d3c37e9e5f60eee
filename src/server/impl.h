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

struct server {
	struct MHD_Daemon *daemon;
	struct store *store;
	struct workers *workers;
	struct past *past; /* answers that begin before their body is over */
	struct keys *keys; /* idempotency keys that are in use */
	struct users *users; /* whose batches are being run */
	struct jobs *jobs; /* asynchronous batches */
	/* What they run with: of the configuration there was at the start. */
	struct live *jobs_live;
	struct bulk_env jobs_env;
	uint64_t connections; /* there may be */
	struct conns *conns;
	struct parked *parked; /* connections that wait for a request */
	unsigned idle_seconds; /* libmicrohttpd's time-out within a request */
	unsigned park_seconds; /* and between requests */
	struct log *log;
	struct address address; /* the one it listens on */
	int listener; /* -1: libmicrohttpd has it */
	int deaf; /* what takes its place in the end */
	atomic_bool stopping;
	_Atomic uint64_t requests; /* so far; the last one's id */
	/* The tick's: what had come a tick ago, and ticks with work since
	 * memory was given back. */
	uint64_t came_before;
	unsigned untrimmed;
	pthread_mutex_t lock;
	struct live *live; /* under the lock */
	struct shelf shelves[SHELVES];
};

/* The configuration in force, held for the caller. */
struct live *server_live(struct server *s);

/* Lends a worker; struct bulk_env says what for. */
bool server_spawn(void *server, void (*fn)(void *arg), void *arg);

/* ---- exchange.c: what libmicrohttpd calls for each request */

void *exchange_target(void *server, const char *uri, struct MHD_Connection *mc);

enum MHD_Result exchange_handle(void *server, struct MHD_Connection *mc,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **context);

void exchange_completed(void *server, struct MHD_Connection *mc, void **context,
    enum MHD_RequestTerminationCode how);

#endif
