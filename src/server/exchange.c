/* SPDX-License-Identifier: MIT */
/* The first half of an exchange: from the request line to the method's end. */
#include "server/exchange.h"

#include <assert.h>

#include "base/clock.h"
#include "dav/keys.h"
#include "server/past.h"

/*
 * How much of a body that nobody wants is read, so that the client, who is
 * still sending, gets to see the answer and the connection can be kept.
 */
#define DRAIN_MAX ((uint64_t)1 << 20)

/* The watchdog looks once a second: seconds within which it is sure to. */
#define WATCHED_WITHIN 3

/* ---- the gate */

void
gate_suspend(struct gate *g)
{
	(void)pthread_mutex_lock(&g->lock);
	MHD_suspend_connection(g->mc);
	g->waiting = true;
	(void)pthread_mutex_unlock(&g->lock);
}

/* A suspended connection lives, so it is safe to resume outside the lock. */
void
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

bool
gate_waits(struct gate *g)
{
	bool waiting;

	(void)pthread_mutex_lock(&g->lock);
	waiting = g->waiting;
	(void)pthread_mutex_unlock(&g->lock);
	return waiting;
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

	e->ready = true;
	if (e->past)
		past_wake(e->past);
	else if (!e->whole_first && !e->in_piece)
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
	e = shelf_take(s->shelves);
	if (!e)
		return NULL;
	(void)pthread_mutex_init(&e->gate.lock, NULL);
	e->gate.mc = e->mc = mc;
	atomic_init(&e->holders, 1);
	e->server = s;
	e->conn = info->socket_context;
	e->id = atomic_fetch_add(&s->requests, 1) + 1;
	e->began = clock_now();
	e->began_monotonic = clock_monotonic();
	soon_came(&e->conn->soon, e->began_monotonic);
	return e;
}

void
exchange_drop(struct exchange_state *e)
{
	struct server *s = e->server;

	if (atomic_fetch_sub(&e->holders, 1) != 1)
		return;
	assert(!e->ops); /* what begin() made was released */
	response_done(&e->answer);
	response_source_done(&e->source);
	(void)pthread_mutex_destroy(&e->gate.lock);
	shelf_put(s->shelves, e);
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

void
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

void
finish_method(struct exchange_state *e)
{
	if (e->ops && e->ops->end)
		e->ops->end(&e->x);
	e->ops = NULL;
	response_finish(&e->answer);
}

void
end_run(struct exchange_state *e)
{
	if (!e->err.code && !gave_answer(e))
		(void)err_set(&e->err, ERR_INTERNAL, "no answer was given");
	if (e->err.code)
		answer_failure(e);
	finish_method(e);
}

void
run_method(struct exchange_state *e)
{
	if (!e->err.code)
		e->err.code = e->ops->run(&e->x, &e->err);
	end_run(e);
}

/* ---- the request */

uint64_t
body_left(const struct exchange_state *e)
{
	return e->req.has_length ? e->req.length - e->received : UINT64_MAX;
}

/* Whether this is the only connection, so that waiting here delays nobody. */
static bool
is_alone(struct exchange *x)
{
	const struct exchange_state *e =
	    CONTAINER_OF(x, struct exchange_state, x);

	return conns_open(e->server->conns) == 1;
}

static enum err_code
start_answer(struct exchange_state *e, struct err *err)
{
	const struct config *c = &e->live->config;
	struct str accept = { 0 };
	struct response_spec spec = {
		.arena = &e->arena,
		.spool = {
			.dir = e->live->spool_dir,
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
		.memos = &e->memos,
		.alone = is_alone,
		.keys = e->server->keys,
	};
	return rc;
}

/* ---- endpoints */

static void
start_bulk(struct exchange_state *e)
{
	struct server *s = e->server;

	e->bulk_env = (struct bulk_env){
		.store = s->store,
		.set = &e->live->set,
		.limits = &e->live->limits,
		.keys = e->x.keys,
		.users = s->users,
		.spawn = server_spawn,
		.spawn_ctx = s,
		.failures = e->x.failures,
	};
	e->bulk = (struct bulk_service){
		.env = &e->bulk_env,
		.jobs = s->jobs,
		.always_200 = e->live->config.bulk_status == BULK_ALWAYS_200,
		.version = STR(SHEAF_VERSION),
	};
	e->x.service = &e->bulk;
}

static enum err_code
begin_method(struct exchange_state *e, struct err *err)
{
	enum err_code rc;

	e->ops = bulk_endpoint(&e->req);
	if (e->ops)
		start_bulk(e);
	else
		e->ops = keyed_method(&e->req, dav_method(e->req.method));
	rc = e->ops->begin(&e->x, err);
	if (!rc && e->req.has_body && !e->x.body)
		rc = err_tell(err, ERR_MEDIA_TYPE, "%.*s takes no body here",
		    STR_ARG(e->head.method));
	return rc;
}

/*
 * Whether run() will not be called.  An answer that piece() began goes on with
 * the body, and is none.
 */
static bool
is_refused(const struct exchange_state *e)
{
	return e->err.code || (gave_answer(e) && !(e->ops && e->ops->piece));
}

/*
 * Whether a refusal must be sent before the body is over, since too much of it
 * is still to come.
 */
static bool
must_hurry(const struct exchange_state *e)
{
	return is_refused(e) && body_left(e) > DRAIN_MAX &&
	    (e->req.has_length || e->dropped > DRAIN_MAX);
}

/*
 * The time-out is short between requests, so that libmicrohttpd gives the
 * connection back to be parked: parked.h.
 */
static void
set_timeout(struct exchange_state *e, unsigned seconds, unsigned was)
{
	if (seconds != was)
		(void)MHD_set_connection_option(
		    e->mc, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

/*
 * A header that does not end is left to the watchdog, which answers 408.  Were
 * libmicrohttpd's time-out no longer than the watchdog's, it would close the
 * connection without a word.
 */
static unsigned
header_seconds(const struct exchange_state *e)
{
	uint64_t header = e->live->config.header_timeout / NSEC_PER_SEC;
	unsigned least = (unsigned)header + WATCHED_WITHIN;
	unsigned idle = e->server->idle_seconds;

	return least > idle ? least : idle;
}

static enum MHD_Result
handle_head(struct exchange_state *e, const char *method, const char *url,
    const char *version)
{
	const union MHD_ConnectionInfo *size = MHD_get_connection_info(
	    e->mc, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	const struct live *live = e->live;
	bool trusted =
	    e->conn->has_host && networks_have(&live->trusted, &e->conn->host);
	enum err_code start;

	e->stage = STAGE_BODY;
	e->header_size = size ? size->header_size : 0;
	if (!conn_enter(e->conn, CONN_WORK))
		return MHD_NO;
	set_timeout(e, e->server->idle_seconds, header_seconds(e));
	e->err.code = head_read(e->mc, method, url, version, live, trusted,
	    &e->arena, &e->head, &e->req, &e->err);
	start = start_answer(e, e->err.code ? NULL : &e->err);
	if (!e->err.code)
		e->err.code = start;
	if (!e->err.code)
		e->err.code = begin_method(e, &e->err);
	if (is_refused(e) && (e->head.broken || e->head.expects)) {
		/* An answer before the body closes the connection. */
		if (e->err.code)
			answer_failure(e);
		finish_method(e);
		return queue_answer(e);
	}
	if (!conn_enter(e->conn, CONN_BODY))
		return MHD_NO;
	if (e->req.has_body && must_hurry(e))
		answer_past(e);
	return MHD_YES;
}

/*
 * Whether it failed after its answer began: all that can be done is to close.
 */
static bool
is_spoiled(const struct exchange_state *e)
{
	return e->err.code && gave_answer(e);
}

static enum MHD_Result
handle_body(struct exchange_state *e, struct str bytes)
{
	conn_moved(e->conn, bytes.len);
	e->received += bytes.len;
	if (is_refused(e)) {
		e->dropped += bytes.len;
	} else if (ostream_write(e->x.body, bytes)) {
		e->err = e->x.body->err;
	}
	if (is_spoiled(e)) {
		say_error(e);
		return MHD_NO;
	}
	if (must_hurry(e))
		answer_past(e);
	else if (e->x.full && !e->err.code && e->ops->piece)
		return start_piece(e);
	return MHD_YES;
}

static enum MHD_Result
start_work(struct exchange_state *e)
{
	e->stage = STAGE_WORK;
	e->whole_first = !e->head.http11;
	exchange_work(e);
	(void)atomic_fetch_add(&e->holders, 1);
	gate_suspend(&e->gate);
	if (e->had_piece ? workers_add_more(e->server->workers, &e->work)
			 : workers_add(e->server->workers, &e->work))
		return MHD_YES;
	(void)err_set(&e->err, ERR_BUSY,
	    "all workers are busy and as many "
	    "requests as may are waiting");
	answer_failure(e);
	finish_method(e);
	gate_wake(&e->gate);
	exchange_drop(e);
	return MHD_YES;
}

/* False: that would have had to wait; nothing was done. */
static bool
run_at_once(struct exchange_state *e)
{
	enum err_code rc = ERR_OK;

	if (!e->ops->at_once || !e->ops->at_once(&e->x, &rc, &e->err))
		return false;
	e->err.code = rc;
	end_run(e);
	return true;
}

static enum MHD_Result
handle_whole(struct exchange_state *e)
{
	/*
	 * MHD_NO: the watchdog has shut it; exchange_completed() releases it.
	 */
	if (!conn_enter(e->conn, CONN_WORK))
		return MHD_NO;
	if (!is_refused(e) && e->x.slow)
		return run_at_once(e) ? queue_answer(e) : start_work(e);
	if (gave_answer(e) && !e->err.code)
		finish_method(e);
	else
		run_method(e);
	return queue_answer(e);
}

/*
 * Counts what the request took from the socket.  Where that cannot be known the
 * connection is never parked.
 */
static void
count_taken(struct exchange_state *e)
{
	struct conn *c = e->conn;

	c->taken += e->header_size + e->received;
	c->uncounted |= e->req.has_body && !e->req.has_length;
	if (!c->uncounted)
		set_timeout(
		    e, e->server->park_seconds, e->server->idle_seconds);
}

/*
 * Not beside other connections; and not a client that had to wait for the disk:
 * it is served fastest on the processor of the kernel threads that write for
 * us, which soon_wait() would keep from running there.
 */
static bool
is_worth_awaiting(const struct exchange_state *e)
{
	return conns_open(e->server->conns) == 1 &&
	    !(e->x.slow && e->live->config.durability == DURABILITY_STRICT);
}

/* ---- what libmicrohttpd calls */

void *
exchange_target(void *server, const char *uri, struct MHD_Connection *mc)
{
	struct exchange_state *e = exchange_new(server, mc);

	if (!e)
		return NULL;
	(void)conn_enter(e->conn, CONN_HEADER);
	set_timeout(e, header_seconds(e), e->server->park_seconds);
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
	if (e->stage == STAGE_PIECE && !end_piece(e))
		return MHD_YES;
	*upload_size = 0;
	switch (e->stage) {
	case STAGE_HEAD:
		return handle_head(e, method, url, version);
	case STAGE_BODY:
		if (!size)
			return handle_whole(e);
		return handle_body(e, str_of(upload, size));
	case STAGE_PIECE: /* not here */
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

void
exchange_completed(void *server, struct MHD_Connection *mc, void **context,
    enum MHD_RequestTerminationCode how)
{
	struct exchange_state *e = *context;
	struct conn *c;
	bool awaited;
	bool ok = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;

	(void)server;
	(void)mc;
	*context = NULL;
	if (!e)
		return;
	answer_sent(e);
	if (e->past)
		ok = past_end(e->past);
	if (log_is_on(e->server->log))
		log_exchange(e, ok);
	/*
	 * It ended before the request was whole: finish_method() was not
	 * called.
	 */
	if (e->stage == STAGE_HEAD || e->stage == STAGE_BODY ||
	    e->stage == STAGE_PIECE)
		finish_method(e);
	if (ok)
		count_taken(e);
	if (e->roams)
		io_roam_end(e->conn->io);
	c = e->conn;
	awaited = ok && is_worth_awaiting(e);
	(void)conn_enter(c, CONN_IDLE);
	exchange_drop(e);
	if (awaited)
		soon_wait(&c->soon, c->fd);
	else
		soon_pass(&c->soon);
}
