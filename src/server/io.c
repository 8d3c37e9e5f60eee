/* SPDX-License-Identifier: MIT */
/*
 * The threads that move bytes, each with a libmicrohttpd of its own.
 *
 * Only the first one listens.  Of all that wait at one socket the system wakes
 * every one, which is a sixth of the time of a MOVE by a new connection, and
 * leaves it to chance who gets how many.  What would make the first have more
 * than another goes on with that one.
 */
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/impl.h"
#include "server/parked.h"

/* What libmicrohttpd keeps beside a header in a connection's memory. */
#define POOL_EXTRA 8192
#define IO_STACK ((size_t)512 * 1024)

static struct io *
least(struct server *s)
{
	struct io *io = s->io;
	unsigned i;

	for (i = 1; i < s->n_io; i++)
		if (atomic_load(&s->io[i].n) < atomic_load(&io->n))
			io = &s->io[i];
	return io;
}

bool
io_give(void *server, int fd, const struct sockaddr_un *ticket)
{
	struct io *io = least(server);

	(void)atomic_fetch_add(&io->n, 1);
	/* When this fails it has closed the socket. */
	if (MHD_add_connection(io->daemon, fd, (const struct sockaddr *)ticket,
		sizeof(*ticket)) == MHD_YES)
		return true;
	(void)atomic_fetch_sub(&io->n, 1);
	return false;
}

/* ---- what libmicrohttpd calls for each connection */

/* What is of a local address was here before. */
static enum MHD_Result
admit(void *arg, const struct sockaddr *sa, socklen_t len)
{
	struct server *s = ((struct io *)arg)->server;
	const struct host *of = NULL;
	struct host h;

	(void)len;
	if (sa->sa_family == AF_UNIX)
		return MHD_YES;
	if (host_of(sa, &h) && server_most(s, &h))
		of = &h;
	return conns_admit(s->conns, of, s->connections) ? MHD_YES : MHD_NO;
}

/* Whether it goes on elsewhere. */
static bool
pass(struct io *io, struct conn *c)
{
	struct server *s = io->server;

	return !c->returned &&
	    atomic_load(&io->n) > atomic_load(&least(s)->n) + 1 &&
	    parked_pass(s->parked, c);
}

/* NULL: it stays with nobody; libmicrohttpd closes what it has of it. */
static struct conn *
begin(struct io *io, int fd, const struct sockaddr *sa)
{
	struct server *s = io->server;
	struct conn *c = conns_add(s->conns, fd, sa);

	if (sa->sa_family != AF_UNIX)
		(void)atomic_fetch_add(&io->n, 1);
	if (c && (parked_begin(s->parked, c) || pass(io, c)))
		c = NULL;
	if (!c)
		(void)atomic_fetch_sub(&io->n, 1);
	return c;
}

static void
end(struct io *io, struct conn *c)
{
	struct server *s = io->server;

	(void)atomic_fetch_sub(&io->n, 1);
	if (!parked_add(s->parked, c))
		conns_remove(s->conns, c);
}

static void
connection(void *arg, struct MHD_Connection *mc, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *fd =
	    MHD_get_connection_info(mc, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *addr =
	    MHD_get_connection_info(mc, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	switch (what) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		if (fd && addr)
			*context =
			    begin(arg, fd->connect_fd, addr->client_addr);
		break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		if (*context)
			end(arg, *context);
		*context = NULL;
		break;
	}
}

/* Targets stay as they were sent: href_decode() is the one that decodes. */
static size_t
keep_encoded(void *arg, struct MHD_Connection *mc, char *text)
{
	(void)arg;
	(void)mc;
	return strlen(text);
}

/* ---- starting and stopping */

static unsigned
threads_of(const struct config *c)
{
	long n = c->threads ? (long)c->threads : sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 1)
		n = 1;
	if ((uint64_t)n > c->connections)
		n = (long)c->connections;
	return n > IO_MAX ? IO_MAX : (unsigned)n;
}

/*
 * The limit is ours, in admit().  Where libmicrohttpd 0.9.75 meets its own with
 * a connection that was given to it, it keeps a lock for good.  A connection is
 * there twice while it goes or comes.
 */
static unsigned
never_reached(const struct config *c)
{
	return 2 * (unsigned)c->connections + 64;
}

/* Without a listening socket: it only gets what it is given. */
static struct MHD_Daemon *
start_one(struct io *io, int listener)
{
	struct server *s = io->server;
	const struct config *c = &s->live->config;
	struct MHD_OptionItem listening[] = {
		{ MHD_OPTION_LISTEN_SOCKET, listener, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD |
	    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO;

	if (listener < 0)
		flags |= MHD_USE_NO_LISTEN_SOCKET;
	return MHD_start_daemon(flags, 0, admit, io, exchange_handle, s, /**/
	    MHD_OPTION_ARRAY, listener < 0 ? &listening[1] : listening, /**/
	    MHD_OPTION_THREAD_STACK_SIZE, IO_STACK, /**/
	    MHD_OPTION_CONNECTION_LIMIT, never_reached(c), /**/
	    MHD_OPTION_CONNECTION_TIMEOUT, s->park_seconds, /**/
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)c->max_header + POOL_EXTRA, /**/
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL, /**/
	    MHD_OPTION_URI_LOG_CALLBACK, exchange_target, s, /**/
	    MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, s, /**/
	    MHD_OPTION_NOTIFY_CONNECTION, connection, io, MHD_OPTION_END);
}

enum err_code
io_start(struct server *s, struct err *err)
{
	unsigned i;

	s->n_io = threads_of(&s->live->config);
	/* The listener last: it may give connections to the others. */
	for (i = s->n_io; i-- > 0;) {
		s->io[i].server = s;
		s->io[i].daemon = start_one(&s->io[i], i ? -1 : s->listener);
		if (!s->io[i].daemon) {
			io_stop(s);
			return err_set(
			    err, ERR_INTERNAL, "libmicrohttpd would not start");
		}
	}
	s->listener = -1;
	return ERR_OK;
}

/* The one that listens first: it may still give connections to the others. */
void
io_stop(struct server *s)
{
	unsigned i;

	for (i = 0; i < s->n_io; i++)
		if (s->io[i].daemon)
			MHD_stop_daemon(s->io[i].daemon);
}

int
io_listener(const struct server *s)
{
	return MHD_get_daemon_info(s->io[0].daemon, MHD_DAEMON_INFO_LISTEN_FD)
	    ->listen_fd;
}
