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
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/head.h"
#include "server/impl.h"
#include "server/response.h"

/*
 * How much of a body that nobody wants is read, so that the client, who is
 * still sending, gets to see the answer and the connection can be kept.
 */
#define DRAIN_MAX ((uint64_t)1 << 20)

#define BLOCK ((size_t)32 * 1024)

enum stage {
	STAGE_HEAD, /* the header is to come */
	STAGE_BODY, /* the body */
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
	atomic_uint holders;
	struct server *server;
	struct live *live;
	struct conn *conn;
	struct MHD_Connection *mc;
	struct arena arena;
	struct gate gate;
	enum stage stage;

	uint64_t id;
	int64_t began, began_monotonic;
	struct head head;
	struct request req;
	struct exchange x;
	const struct method_ops *ops; /* NULL: begin() was not called */
	struct response answer;
	bool whole_first; /* HTTP/1.0: the length must be known */
	struct err err; /* why there is no run(), or what came of it */
	uint64_t received, dropped; /* bytes of the body; those nobody took */

	struct response_source source; /* of the response */
	bool starved; /* it waits for the writer */
	bool known; /* the length */
	uint64_t length, sent;
	struct work work;
};

/* ---- the gate */

static void
gate_suspend(struct gate *g)
{
	(void)pthread_mutex_lock(&g->lock);
	MHD_suspend_connection(g->mc);
	g->waiting = true;
	(void)pthread_mutex_unlock(&g->lock);
}

/* A suspended connection lives, so it is safe to resume outside the lock. */
static void
gate_wake(struct gate *g)
{
	bool waiting;

	(void)pthread_mutex_lock(&g->lock);
	waiting = g->waiting;
	g->waiting = false;
	(void)pthread_mutex_unlock(&g->lock);
	if (waiting)
		MHD_resume_connection(g->mc);
}

/* ---- life */

static void
say_failed_member(void *arg, struct str line)
{
	struct exchange_state *e = arg;

	log_line(e->server->log, e->id, line);
}

static void
spool_woke(void *arg)
{
	struct exchange_state *e = arg;

	if (!e->whole_first)
		gate_wake(&e->gate);
}

static struct exchange_state *
exchange_new(struct server *s, struct MHD_Connection *mc)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mc, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct exchange_state *e;

	if (!info || !info->socket_context)
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	(void)pthread_mutex_init(&e->gate.lock, NULL);
	e->gate.mc = e->mc = mc;
	atomic_init(&e->holders, 1);
	e->server = s;
	e->live = server_live(s);
	e->conn = info->socket_context;
	e->id = atomic_fetch_add(&s->requests, 1) + 1;
	e->began = clock_now();
	e->began_monotonic = clock_monotonic();
	(void)atomic_fetch_add(&s->active, 1);
	return e;
}

static void
exchange_drop(struct exchange_state *e)
{
	struct server *s = e->server;

	if (atomic_fetch_sub(&e->holders, 1) != 1)
		return;
	response_done(&e->answer);
	response_source_done(&e->source);
	live_drop(e->live);
	arena_done(&e->arena);
	(void)pthread_mutex_destroy(&e->gate.lock);
	free(e);
	(void)atomic_fetch_sub(&s->active, 1);
}

static bool
gave_answer(const struct exchange_state *e)
{
	return e->answer.base.status != 0;
}

/* ---- running the method */

static void
say_error(struct exchange_state *e)
{
	unsigned status = err_status(e->err.code);

	/* What the client did wrong is its own affair, and in the access log.
	 */
	if (status < 500 && !gave_answer(e))
		return;
	if (e->err.code == ERR_CLIENT_GONE)
		return;
	log_say(e->server->log, e->id, "%.*s %.*s: %s%s: %s",
	    STR_ARG(e->head.method), STR_ARG(e->head.target),
	    gave_answer(e) ? "the answer was cut: " : "", err_text(e->err.code),
	    e->err.why);
}

static void
answer_failure(struct exchange_state *e)
{
	struct err second = { 0 };

	say_error(e);
	if (gave_answer(e))
		return;
	second.code = dav_fail(&e->x, &e->err);
	if (second.code && !gave_answer(e) &&
	    reply_empty(&e->answer.base, err_status(e->err.code)))
		e->answer.base.status = 500; /* with nothing else in it */
}

/* After this nothing is added to the answer. */
static void
finish_method(struct exchange_state *e)
{
	if (e->ops && e->ops->end)
		e->ops->end(&e->x);
	e->ops = NULL;
	response_finish(&e->answer);
}

static void
run_method(struct exchange_state *e)
{
	if (!e->err.code)
		e->err.code = e->ops->run(&e->x, &e->err);
	if (!e->err.code && !gave_answer(e))
		(void)err_set(&e->err, ERR_INTERNAL, "no answer was given");
	if (e->err.code)
		answer_failure(e);
	finish_method(e);
}

static void
run_work(struct work *w)
{
	struct exchange_state *e = CONTAINER_OF(w, struct exchange_state, work);

	run_method(e);
	gate_wake(&e->gate);
	exchange_drop(e);
}

/* ---- the response */

static ssize_t
read_body(void *arg, uint64_t at, char *out, size_t max)
{
	struct exchange_state *e = arg;
	size_t got = 0;

	(void)at;
	if (e->starved && !conn_enter(e->conn, CONN_SEND))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	e->starved = false;
	switch (response_read(&e->source, out, max, &got)) {
	case SPOOL_READ:
		e->sent += got;
		return (ssize_t)got;
	case SPOOL_END:
		return MHD_CONTENT_READER_END_OF_STREAM;
	case SPOOL_FAILED:
		return MHD_CONTENT_READER_END_WITH_ERROR;
	case SPOOL_EMPTY:
		break;
	}
	e->starved = true;
	if (!conn_enter(e->conn, CONN_WORK))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	gate_suspend(&e->gate);
	if (!spool_wait(e->source.spool))
		gate_wake(&e->gate);
	return 0;
}

static void
body_done(void *arg)
{
	struct exchange_state *e = arg;

	response_source_done(&e->source);
	exchange_drop(e);
}

static struct MHD_Response *
make_response(struct exchange_state *e, const struct response_body *body)
{
	struct MHD_Response *r;

	if (body->fd >= 0) {
		r = MHD_create_response_from_fd_at_offset64(
		    body->length, body->fd, body->offset);
		if (!r)
			(void)close(body->fd);
		return r;
	}
	(void)atomic_fetch_add(&e->holders, 1); /* body_done() drops it */
	if (body->whole)
		/* It does not write there, though its type would let it. */
		r = MHD_create_response_from_buffer_with_free_callback_cls(
		    body->bytes.len, (void *)(uintptr_t)body->bytes.ptr,
		    body_done, e);
	else
		r = MHD_create_response_from_callback(
		    body->known ? body->length : MHD_SIZE_UNKNOWN, BLOCK,
		    read_body, e, body_done);
	if (!r)
		exchange_drop(e);
	else if (!body->known && e->answer.spec.head)
		/* It would send the last chunk of a body that is not there. */
		(void)MHD_set_response_options(
		    r, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return r;
}

/*
 * libmicrohttpd always says how long the body is, and a 304 must not say
 * anything but what a 200 would have said (RFC 9110 s8.6).
 */
static void
measure_unsent(struct exchange_state *e, struct response_body *body)
{
	struct resource r;

	if (e->answer.base.status != 304 ||
	    store_stat(e->server->store, e->req.path, &r, NULL))
		return;
	body->length = r.length;
	body->whole = false;
}

/* What the server itself has to say in the header. */
static enum err_code
add_own_headers(struct exchange_state *e)
{
	struct response *a = &e->answer;
	enum coding coding = response_coding(a);
	enum err_code rc = ERR_OK;

	if (coding != CODING_IDENTITY)
		rc = response_add(
		    a, STR("Content-Encoding"), coding_name(coding));
	if (!rc && a->negotiated)
		rc = response_add(a, STR("Vary"), STR("Accept-Encoding"));
	if (!rc && a->base.status == 503 &&
	    !response_has(a, STR("Retry-After")))
		rc = response_add(a, STR("Retry-After"), STR("1"));
	if (!rc && atomic_load(&e->server->stopping))
		rc = response_add(a, STR("Connection"), STR("close"));
	return rc;
}

/*
 * An entity tag is one of the bytes as they are sent (RFC 9110 s8.8.3.3), and
 * those of a coded body are made anew each time.
 */
static bool
is_dropped(const struct response *a, const struct response_header *h)
{
	return response_coding(a) != CODING_IDENTITY &&
	    str_eq_nocase(str_from_c(h->name), STR("ETag"));
}

static bool
set_headers(struct exchange_state *e, struct MHD_Response *r)
{
	const struct response_header *h;

	if (add_own_headers(e))
		return false;
	for (h = e->answer.headers; h; h = h->next)
		if (!is_dropped(&e->answer, h) &&
		    MHD_add_response_header(r, h->name, h->value) != MHD_YES)
			return false;
	return true;
}

/* MHD_NO has libmicrohttpd close the connection. */
static enum MHD_Result
queue_answer(struct exchange_state *e)
{
	struct response_body body;
	struct MHD_Response *r;
	enum MHD_Result ok;

	e->stage = STAGE_SENT;
	if (!conn_enter(e->conn, CONN_SEND))
		return MHD_NO;
	response_take(&e->answer, &body);
	measure_unsent(e, &body);
	e->source = body.source;
	e->known = body.known;
	e->length = body.length;
	r = make_response(e, &body);
	if (!r)
		return MHD_NO;
	ok = set_headers(e, r)
	    ? MHD_queue_response(e->mc, e->answer.base.status, r)
	    : MHD_NO;
	MHD_destroy_response(r);
	return ok;
}

/*
 * Answers while the body is still coming, which libmicrohttpd would not let
 * us.  It has written nothing yet, and writes nothing after: the rest of the
 * body is read for a while, so that the client gets to read this, and then the
 * connection is closed.
 */
static void
answer_past(struct exchange_state *e)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	answer_failure(e);
	finish_method(e);
	e->stage = STAGE_LINGER;
	if (add_own_headers(e))
		return;
	response_serialize(&e->answer, &b);
	if (buf_failed(&b) || !conn_enter(e->conn, CONN_LINGER))
		return;
	(void)!send(e->conn->fd, b.ptr, b.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)shutdown(e->conn->fd, SHUT_WR);
}

/* ---- the request */

static enum err_code
start_answer(struct exchange_state *e, struct err *err)
{
	const struct config *c = &e->live->config;
	struct str accept = { 0 };
	struct response_spec spec = {
		.arena = &e->arena,
		.spool = {
			.dir = live_spool_dir(),
			.max = c->max_spool,
			.wake = spool_woke,
			.arg = e,
		},
		.negotiate = c->compression,
		.head = e->req.method == METHOD_HEAD,
	};
	enum err_code rc = headers_list(
	    &e->req.headers, STR("Accept-Encoding"), &e->arena, &accept, err);

	if (c->compression)
		spec.coding = coding_choose(accept);
	e->x = (struct exchange){
		.req = &e->req,
		.reply = response_init(&e->answer, &spec),
		.store = e->server->store,
		.set = &e->live->set,
		.failures = { .line = say_failed_member, .arg = e },
		.arena = &e->arena,
	};
	return rc;
}

static enum err_code
begin_method(struct exchange_state *e, struct err *err)
{
	enum err_code rc;

	e->ops = dav_method(e->req.method);
	rc = e->ops->begin(&e->x, err);
	if (!rc && e->req.has_body && !e->x.body)
		rc = err_tell(err, ERR_MEDIA_TYPE, "%.*s takes no body here",
		    STR_ARG(e->head.method));
	return rc;
}

/* How much of the body is still to come, as far as is known. */
static uint64_t
body_left(const struct exchange_state *e)
{
	return e->req.has_length ? e->req.length - e->received : UINT64_MAX;
}

static bool
is_refused(const struct exchange_state *e)
{
	return e->err.code || gave_answer(e);
}

/* There will be no run(): whether that must be said before the body is over. */
static bool
must_hurry(const struct exchange_state *e)
{
	return is_refused(e) && body_left(e) > DRAIN_MAX &&
	    (e->req.has_length || e->dropped > DRAIN_MAX);
}

static enum MHD_Result
handle_head(struct exchange_state *e, const char *method, const char *url,
    const char *version)
{
	const struct live *live = e->live;
	bool trusted =
	    e->conn->has_host && networks_have(&live->trusted, &e->conn->host);
	enum err_code rc, start;

	e->stage = STAGE_BODY;
	if (!conn_enter(e->conn, CONN_BODY))
		return MHD_NO;
	e->err.code = head_read(e->mc, method, url, version, live, trusted,
	    &e->arena, &e->head, &e->req, &e->err);
	start = start_answer(e, e->err.code ? NULL : &e->err);
	if (!e->err.code)
		e->err.code = start;
	if (!e->err.code && e->head.size > live->config.max_header) {
		rc = reply_empty(&e->answer.base, 431);
		e->head.broken = true;
		if (rc)
			e->err.code = rc;
	} else if (!e->err.code) {
		e->err.code = begin_method(e, &e->err);
	}
	if (is_refused(e) && (e->head.broken || e->head.expects)) {
		/* Said before the body, it closes the connection. */
		if (e->err.code)
			answer_failure(e);
		finish_method(e);
		return queue_answer(e);
	}
	if (e->req.has_body && must_hurry(e))
		answer_past(e);
	return MHD_YES;
}

static void
handle_body(struct exchange_state *e, struct str bytes)
{
	conn_moved(e->conn, bytes.len);
	e->received += bytes.len;
	if (e->stage == STAGE_LINGER)
		return;
	if (is_refused(e)) {
		e->dropped += bytes.len;
	} else if (ostream_write(e->x.body, bytes)) {
		e->err = e->x.body->err;
	}
	if (must_hurry(e))
		answer_past(e);
}

static void
start_work(struct exchange_state *e)
{
	e->stage = STAGE_WORK;
	if (!conn_enter(e->conn, CONN_WORK))
		return; /* it is shut, and will be closed */
	e->whole_first = !e->head.http11;
	e->work.run = run_work;
	(void)atomic_fetch_add(&e->holders, 1);
	gate_suspend(&e->gate);
	if (workers_add(e->server->workers, &e->work))
		return;
	(void)err_set(&e->err, ERR_BUSY,
	    "all workers are busy and as many "
	    "requests as may are waiting");
	answer_failure(e);
	finish_method(e);
	gate_wake(&e->gate);
	exchange_drop(e);
}

static enum MHD_Result
handle_whole(struct exchange_state *e)
{
	if (!is_refused(e) && e->x.slow) {
		start_work(e);
		return MHD_YES;
	}
	if (gave_answer(e))
		finish_method(e);
	else
		run_method(e);
	return queue_answer(e);
}

/* ---- what libmicrohttpd calls */

void *
exchange_target(void *server, const char *uri, struct MHD_Connection *mc)
{
	struct exchange_state *e = exchange_new(server, mc);

	if (!e)
		return NULL;
	(void)conn_enter(e->conn, CONN_HEADER);
	if (!arena_str(&e->arena, str_from_c(uri), &e->head.target)) {
		exchange_drop(e);
		return NULL;
	}
	return e;
}

enum MHD_Result
exchange_handle(void *server, struct MHD_Connection *mc, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **context)
{
	struct exchange_state *e = *context;
	size_t size = *upload_size;

	(void)server;
	(void)mc;
	if (!e)
		return MHD_NO; /* no memory for it */
	*upload_size = 0;
	switch (e->stage) {
	case STAGE_HEAD:
		return handle_head(e, method, url, version);
	case STAGE_BODY:
		if (!size)
			return handle_whole(e);
		handle_body(e, str_of(upload, size));
		return MHD_YES;
	case STAGE_WORK:
		return queue_answer(e);
	case STAGE_LINGER:
		if (size)
			return MHD_YES;
		break;
	case STAGE_SENT:
		break;
	}
	return MHD_NO;
}

static struct str
header_or_none(const struct exchange_state *e, struct str name)
{
	struct str value = { 0 };

	if (headers_one(&e->req.headers, name, &value, NULL))
		return (struct str){ 0 };
	return value;
}

static void
log_exchange(struct exchange_state *e, enum MHD_RequestTerminationCode how)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(e->mc, MHD_CONNECTION_INFO_HTTP_STATUS);
	bool ok = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
	struct buf host CLEANUP(buf_done) = { 0 };
	struct log_request r = {
		.id = e->id,
		.began = e->began,
		.took = clock_monotonic() - e->began_monotonic,
		.user = e->req.caller.user,
		.method = e->head.method,
		.target = e->head.target,
		.version = e->head.version,
		.bytes = e->sent,
		.referer = header_or_none(e, STR("Referer")),
		.agent = header_or_none(e, STR("User-Agent")),
	};

	if (e->conn->has_host)
		host_put(&host, &e->conn->host);
	r.host = buf_str(&host);
	if (info) /* libmicrohttpd answers some requests by itself */
		r.status = info->http_status;
	else if (e->stage == STAGE_LINGER)
		r.status = e->answer.base.status;
	if (ok && e->known && !e->answer.spec.head)
		r.bytes = e->length;
	r.cut = !ok && e->stage != STAGE_LINGER;
	log_request(e->server->log, &r);
}

void
exchange_completed(void *server, struct MHD_Connection *mc, void **context,
    enum MHD_RequestTerminationCode how)
{
	struct exchange_state *e = *context;

	(void)server;
	(void)mc;
	*context = NULL;
	if (!e)
		return;
	log_exchange(e, how);
	/* Cut short before it was whole: nobody else has it. */
	if (e->stage == STAGE_HEAD || e->stage == STAGE_BODY)
		finish_method(e);
	(void)conn_enter(e->conn, CONN_IDLE);
	exchange_drop(e);
}
