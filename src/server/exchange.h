/* SPDX-License-Identifier: MIT */
/*
 * One HTTP exchange, from the request line to the last byte of the answer.
 *
 * libmicrohttpd calls from an I/O thread: exchange_target() with the request
 * line, exchange_handle() with the header, with each piece of the body, when
 * the request is whole, and whenever the connection is resumed, and
 * exchange_completed() at the end.  A slow method runs on a worker, with the
 * connection suspended till there is something to send; from then on both go
 * on side by side, the worker writing into a spool and the I/O thread reading.
 *
 * So an exchange is held by up to three: libmicrohttpd's request, the work,
 * and the response that reads the body.
 */
#ifndef SHEAF_SERVER_EXCHANGE_H
#define SHEAF_SERVER_EXCHANGE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "bulk/endpoints.h"
#include "bulk/run.h"
#include "dav/exchange.h"
#include "http/date.h"
#include "server/head.h"
#include "server/impl.h"
#include "server/response.h"
#include "server/workers.h"
#include "wire/dav_body.h"

enum stage {
	STAGE_HEAD, /* the header is to come */
	STAGE_BODY, /* the body */
	STAGE_PIECE, /* the same, but first a worker has its piece() */
	STAGE_WORK, /* a worker has it, or has had it */
	STAGE_SENT, /* the answer is libmicrohttpd's */
	STAGE_LINGER, /* it was sent past libmicrohttpd; we only read on */
};

/* Wakes a suspended connection, once for each time it waits. */
struct gate {
	pthread_mutex_t lock;
	struct MHD_Connection *mc;
	bool waiting;
};

struct exchange_state {
	/* What stays when it is put on a shelf. */
	struct exchange_state *next;
	struct live *live;
	struct arena arena;
	struct body_memos memos;
	struct date_memo date; /* of the field Date */
	/* Why there is no run(), or what came of it: cleared. */
	struct err err;

	/* And what is all zero again when it is taken off, up to `answer`. */
	atomic_uint holders;
	struct server *server;
	struct conn *conn;
	struct MHD_Connection *mc;
	struct gate gate;
	enum stage stage;

	uint64_t id;
	int64_t began, began_monotonic;
	struct head head;
	struct request req;
	struct exchange x;
	const struct method_ops *ops; /* NULL: begin() was not called */
	bool whole_first; /* HTTP/1.0: the length must be known */
	size_t header_size; /* with the request line and the empty one */
	uint64_t received, dropped; /* bytes of the body; those nobody took */

	struct response_source source; /* of the response */
	bool starved; /* it waits for the writer */
	bool known; /* the length */
	bool corked; /* the socket waits for full segments */
	bool roams; /* its I/O thread, until it is sent */
	uint64_t length, sent;
	struct work work;
	bool in_piece; /* the connection waits for piece(), not for an answer */
	bool had_piece;
	bool has_own_headers; /* the answer has those of the server itself */
	bool ready; /* there is something of the answer to be sent */
	struct past_answer *past; /* it leaves already, while the body comes */
	/* Of the body, before its piece(): it is no time of the client's. */
	int64_t spent;
	uint64_t moved;

	struct bulk_env bulk_env;
	struct bulk_service bulk; /* of an endpoint */

	struct response answer; /* but for what body_out_init() makes of it */
};

/* Suspends the connection; the next gate_wake(), from any thread, resumes it.
 */
void gate_suspend(struct gate *g);
void gate_wake(struct gate *g);

void exchange_drop(struct exchange_state *e);

/* Has dav_fail() answer what is in e->err, unless there is an answer. */
void answer_failure(struct exchange_state *e);

/* Runs the method; then, or when others have: whatever came of it is answered.
 */
void run_method(struct exchange_state *e);
void end_run(struct exchange_state *e);

/* Makes the work of it that runs the method. */
void exchange_work(struct exchange_state *e);

/* After this nothing is added to the answer. */
void finish_method(struct exchange_state *e);

/* ---- exchange_send.c */

/*
 * Gives the answer to libmicrohttpd, or has left already; MHD_NO has it close
 * the connection.
 */
enum MHD_Result queue_answer(struct exchange_state *e);

/* libmicrohttpd has sent it, or has given up. */
void answer_sent(struct exchange_state *e);

/*
 * Has what there is of the answer leave while the body is still coming, if its
 * form lets it: else it waits for queue_answer().  On a worker, with the
 * connection suspended.
 */
void answer_early(struct exchange_state *e);

/* The work is done: what is left is the client's to take. */
void answer_rest(struct exchange_state *e);

/*
 * Refuses while the body is still coming, which libmicrohttpd would not let
 * us.  It has written nothing yet, and writes nothing after: the rest of the
 * body is read for a while, so that the client gets to read this, and then the
 * connection is closed.
 */
void answer_past(struct exchange_state *e);

/* The line of the access log.  ok: all was sent. */
void log_exchange(struct exchange_state *e, bool ok);

#endif
