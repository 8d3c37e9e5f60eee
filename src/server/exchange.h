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
	STAGE_HEAD, /* the header has not come yet */
	STAGE_BODY, /* the body has not come, or not all of it */
	STAGE_PIECE, /* as STAGE_BODY, but a worker is in piece() now */
	STAGE_WORK, /* the request is whole; a worker has it, or had it */
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
	/* What an exchange keeps when it is put on a shelf. */
	struct exchange_state *next;
	struct live *live;
	struct arena arena;
	struct body_memos memos;
	struct date_memo date; /* of the field Date */
	/*
	 * Why run() is not called, or what it returned. shelf_take() clears it.
	 */
	struct err err;

	/*
	 * The rest is all zero when an exchange is taken off a shelf, but for
	 * the end of `answer`.
	 */
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
	bool whole_first; /* HTTP/1.0: answer only when its length is known */
	size_t header_size; /* of request line, fields, and empty line */
	uint64_t received, dropped; /* bytes of the body; of them, not wanted */

	struct response_source source; /* of the bytes of the answer */
	bool starved; /* the response waits for the writer */
	bool known; /* `length` is known */
	bool corked; /* TCP_CORK is set on the socket */
	bool roams; /* io_roam() was called for it */
	uint64_t length, sent; /* bytes of the answer's body */
	struct work work;
	bool in_piece; /* the connection waits for piece(), not for an answer */
	bool had_piece; /* piece() has run: run() is not refused as busy */
	bool has_own_headers; /* add_own_headers() was called */
	bool ready; /* there is something of the answer to be sent */
	struct past_answer *past; /* its answer leaves while the body comes */
	/*
	 * Time and bytes of CONN_BODY before piece(), to go on from after it.
	 */
	int64_t spent;
	uint64_t moved;

	struct bulk_env bulk_env;
	struct bulk_service bulk; /* for an endpoint of the bulk API */

	struct response answer;
};

/* Suspends the connection; the next gate_wake(), from any thread, resumes it.
 */
void gate_suspend(struct gate *g);
void gate_wake(struct gate *g);
bool gate_waits(struct gate *g); /* it is suspended, and not woken yet */

void exchange_drop(struct exchange_state *e);

/*
 * Has dav_fail() word e->err as the answer, unless there is one already; then
 * it is only logged.
 */
void answer_failure(struct exchange_state *e);

/*
 * run_method() calls run(), then end_run(). end_run() answers whatever came of
 * it; for a method that something else has run.
 */
void run_method(struct exchange_state *e);
void end_run(struct exchange_state *e);

/* Calls the method's end(), and closes the answer: nothing is added to it. */
void finish_method(struct exchange_state *e);

/* How much of the body is still to come; UINT64_MAX: that is not known. */
uint64_t body_left(const struct exchange_state *e);

/* ---- exchange_work.c */

/* Has a worker run piece(), with the connection suspended. */
enum MHD_Result start_piece(struct exchange_state *e);

/*
 * Goes on with the body after a piece.  False: the piece is not done.
 * libmicrohttpd may call although the connection is suspended, with what it has
 * read of a chunked body.
 */
bool end_piece(struct exchange_state *e);

/* Makes e->work ready for workers_add(): it will run the method. */
void exchange_work(struct exchange_state *e);

/* ---- exchange_send.c */

/*
 * Gives the answer to libmicrohttpd, unless it has left past it already.
 * MHD_NO closes the connection.
 */
enum MHD_Result queue_answer(struct exchange_state *e);

/* libmicrohttpd has sent the answer, or has given up. */
void answer_sent(struct exchange_state *e);

/*
 * Has the answer leave while the body is still coming, if its form allows that;
 * otherwise it waits for queue_answer().  Called on a worker, with the
 * connection suspended.
 */
void answer_early(struct exchange_state *e);

/*
 * For an answer that answer_early() began: run() is over, and what is left is
 * for the client to take.
 */
void answer_rest(struct exchange_state *e);

/*
 * Sends a refusal while the body is still coming, which libmicrohttpd cannot
 * do, by writing to the socket itself: libmicrohttpd has written nothing yet,
 * and writes nothing after it.  The rest of the body is read for a while, so
 * that the client gets to read the answer, and then the connection is closed.
 */
void answer_past(struct exchange_state *e);

/* Writes the line of the access log.  ok: all of the answer was sent. */
void log_exchange(struct exchange_state *e, bool ok);

#endif
