/* SPDX-License-Identifier: MIT */
/* The second half of an exchange: from the answer to the socket. */
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/exchange.h"
#include "server/past.h"

#define BLOCK ((size_t)32 * 1024)

/*
 * Sending a file of this size takes for as long as the client reads it.  A
 * client on our processor could read only while our thread does nothing, so the
 * thread may then move to another one: io_roam().
 */
#define LONG_FILE ((uint64_t)4 << 20)

/*
 * Cuts the answer, so that the client sees at once that no more will come.
 * Closing the connection is not enough: told of a failure right after it
 * resumed a connection, libmicrohttpd acts on it only at the next event of its
 * socket.  The shutdown is such an event.
 */
static ssize_t
cut(const struct exchange_state *e)
{
	(void)shutdown(e->conn->fd, SHUT_RDWR);
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t
read_body(void *arg, uint64_t at, char *out, size_t max)
{
	struct exchange_state *e = arg;
	size_t got = 0;

	(void)at;
	if (e->starved && !conn_enter(e->conn, CONN_SEND))
		return cut(e);
	e->starved = false;
	switch (response_read(&e->source, out, max, &got)) {
	case SPOOL_READ:
		e->sent += got;
		return (ssize_t)got;
	case SPOOL_END:
		return MHD_CONTENT_READER_END_OF_STREAM;
	case SPOOL_FAILED:
		return cut(e);
	case SPOOL_EMPTY:
		break;
	}
	e->starved = true;
	if (!conn_enter(e->conn, CONN_WORK))
		return cut(e);
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

/*
 * libmicrohttpd sends the header and a file by separate calls.  Corked, both
 * are in one segment less, which saves both sides more than the two calls cost.
 */
static void
cork(struct exchange_state *e, bool on)
{
	int value = on;

	e->corked = !setsockopt(e->conn->fd, IPPROTO_TCP, TCP_CORK, &value,
			sizeof(value)) &&
	    on;
}

void
answer_sent(struct exchange_state *e)
{
	if (e->corked)
		cork(e, false);
}

static struct MHD_Response *
make_response(struct exchange_state *e, const struct response_body *body)
{
	struct MHD_Response *r;

	if (body->fd >= 0) {
		cork(e, true);
		r = MHD_create_response_from_fd_at_offset64(
		    body->length, body->fd, body->offset);
		if (!r)
			(void)close(body->fd);
		return r;
	}
	(void)atomic_fetch_add(&e->holders, 1); /* body_done() drops it */
	if (body->whole)
		/*
		 * libmicrohttpd does not write there; its type does not say so.
		 */
		r = MHD_create_response_from_buffer_with_free_callback_cls(
		    body->bytes.len, (void *)(uintptr_t)body->bytes.ptr,
		    body_done, e);
	else
		r = MHD_create_response_from_callback(
		    body->known ? body->length : MHD_SIZE_UNKNOWN, BLOCK,
		    read_body, e, body_done);
	if (!r)
		exchange_drop(e);
	else if (!body->known &&
	    (e->answer.spec.head || e->answer.base.status == 304))
		/*
		 * Without this it would send the last chunk of a body that is
		 * not sent.
		 */
		(void)MHD_set_response_options(
		    r, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return r;
}

/*
 * libmicrohttpd always says how long the body is, and a 304 must not say
 * anything but what a 200 would have said (RFC 9110 s8.6): nothing where that
 * would have been a page, which is not made.
 */
static void
measure_unsent(struct exchange_state *e, struct response_body *body)
{
	struct resource r;

	if (e->answer.base.status != 304)
		return;
	body->whole = false;
	body->known = !store_stat(e->server->store, e->req.path, &r, NULL) &&
	    !r.collection;
	body->length = body->known ? r.length : 0;
}

/* What the server itself has to say in the header. */
static enum err_code
add_own_headers(struct exchange_state *e)
{
	struct response *a = &e->answer;
	enum coding coding = response_coding(a);
	enum err_code rc = ERR_OK;

	if (e->has_own_headers)
		return ERR_OK;
	e->has_own_headers = true;
	if (coding != CODING_IDENTITY)
		rc = response_add(
		    a, STR("Content-Encoding"), coding_name(coding));
	if (!rc && a->negotiated)
		rc = response_add(a, STR("Vary"), STR("Accept-Encoding"));
	if (!rc && a->base.status == 503 &&
	    !response_has(a, STR("Retry-After")))
		rc = response_add(a, STR("Retry-After"), STR("1"));
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
	    str_eq_nocase(h->name, STR("ETag"));
}

static char *
append(char *at, struct str s)
{
	if (s.len)
		memcpy(at, s.ptr, s.len);
	return at + s.len;
}

/*
 * The bytes of all our header lines, without the end of the last.  False: one
 * of them may not be sent.
 */
static bool
measure_lines(const struct exchange_state *e, size_t *out)
{
	const struct response_header *h;
	size_t n = strlen("Sun, 06 Nov 1994 08:49:37 GMT");

	for (h = e->answer.headers; h; h = h->next) {
		/* A value must not begin another line. */
		if (strcspn(h->value.ptr, "\r\n") != h->value.len)
			return false;
		if (!is_dropped(&e->answer, h))
			n += h->name.len + h->value.len + strlen("\r\n: ");
	}
	*out = n;
	return true;
}

static char *
put_lines(struct exchange_state *e, char *at)
{
	const struct response_header *h;

	at = append(at, date_http(&e->date, clock_seconds(clock_now())));
	for (h = e->answer.headers; h; h = h->next) {
		if (is_dropped(&e->answer, h))
			continue;
		at = append(at, STR("\r\n"));
		at = append(at, h->name);
		at = append(at, STR(": "));
		at = append(at, h->value);
	}
	return at;
}

/*
 * libmicrohttpd makes three allocations for each header that it is given, which
 * is most of what a small answer costs it.  So it is given one, Date, whose
 * value is long enough for the lines of all others.  It would refuse a value
 * with line ends: so the lines are written into its copy of the value.
 */
static bool
set_headers(struct exchange_state *e, struct MHD_Response *r)
{
	size_t size;
	char *room, *to;

	if (add_own_headers(e) || !measure_lines(e, &size))
		return false;
	room = arena_alloc(&e->arena, size + 1);
	if (!room)
		return false;
	memset(room, '-', size);
	if (MHD_add_response_header(r, "Date", room) != MHD_YES)
		return false;
	/* The value lies in the response, which nobody else has yet. */
	to = (char *)(uintptr_t)MHD_get_response_header(r, "Date");
	room = put_lines(e, to);
	assert(room == to + size && !*room);
	return !atomic_load(&e->server->stopping) ||
	    MHD_add_response_header(r, "Connection", "close") == MHD_YES;
}

enum MHD_Result
queue_answer(struct exchange_state *e)
{
	struct response_body body;
	struct MHD_Response *r;
	enum MHD_Result ok;

	e->stage = STAGE_SENT;
	if (e->past || !conn_enter(e->conn, CONN_SEND))
		return MHD_NO;
	response_take(&e->answer, &body);
	measure_unsent(e, &body);
	e->source = body.source;
	e->known = body.known;
	e->length = body.length;
	e->roams = body.fd >= 0 && body.length >= LONG_FILE;
	if (e->roams)
		io_roam(e->conn->io);
	conn_sends(
	    e->conn, body.fd, body.fd < 0 ? 0 : body.offset + body.length);
	r = make_response(e, &body);
	if (!r)
		return MHD_NO;
	ok = set_headers(e, r)
	    ? MHD_queue_response(e->mc, e->answer.base.status, r)
	    : MHD_NO;
	MHD_destroy_response(r);
	return ok;
}

/* ---- past libmicrohttpd */

static void
count_sent(void *arg, size_t n)
{
	struct exchange_state *e = arg;

	e->sent += n;
	conn_moved(e->conn, n);
}

static void
let_go_on(void *arg)
{
	struct exchange_state *e = arg;

	gate_wake(&e->gate);
}

/* A failure here is not one of the answer: that leaves later. */
void
answer_early(struct exchange_state *e)
{
	struct response *a = &e->answer;
	struct buf head CLEANUP(buf_done) = { 0 };
	struct past_spec spec = {
		.fd = e->conn->fd,
		.spool = a->source,
		.sent = count_sent,
		.over = let_go_on,
		.arg = e,
	};

	if (!e->head.http11 || !a->source || a->spec.head)
		return;
	if (add_own_headers(e))
		return;
	response_put_head(a, &head);
	BUF_LIT(
	    &head, "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
	spec.head = buf_str(&head);
	if (buf_failed(&head) ||
	    past_begin(e->server->past, &spec, &e->past, NULL))
		return;
	a->source = NULL;
	/*
	 * Only the watchdog judges it from now on: libmicrohttpd sees only what
	 * comes, not what leaves.
	 */
	(void)MHD_set_connection_option(
	    e->mc, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
}

void
answer_rest(struct exchange_state *e)
{
	(void)conn_enter(e->conn, CONN_SEND);
	past_await(e->past);
}

void
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

/* ---- the access log */

static struct str
header_or_none(const struct exchange_state *e, struct str name)
{
	struct str value = { 0 };

	if (headers_one(&e->req.headers, name, &value, NULL))
		return (struct str){ 0 };
	return value;
}

void
log_exchange(struct exchange_state *e, bool ok)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(e->mc, MHD_CONNECTION_INFO_HTTP_STATUS);
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
	else if (e->stage == STAGE_LINGER || e->past)
		r.status = e->answer.base.status;
	if (ok && e->known && !e->answer.spec.head)
		r.bytes = e->length;
	r.cut = !ok && e->stage != STAGE_LINGER;
	log_request(e->server->log, &r);
}
