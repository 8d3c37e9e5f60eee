/* SPDX-License-Identifier: MIT */
/*
 * The threads that move bytes, each with a libmicrohttpd of its own, which
 * listens at a socket of its own (listen.c).
 */
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "server/impl.h"
#include "server/parked.h"

/* What libmicrohttpd keeps beside a header in a connection's memory. */
#define POOL_EXTRA 8192
#define IO_STACK ((size_t)512 * 1024)

#define MORE_THAN_LEAST 8 /* connections */

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

/*
 * Whether a thread has many more connections than the least loaded one.  All
 * may come to one processor, as where a network card has but one queue.  A few
 * more do no harm, and are served where their client is.
 */
static bool
is_crowded(struct io *io)
{
	return atomic_load(&io->n) >
	    atomic_load(&least(io->server)->n) + MORE_THAN_LEAST;
}

/*
 * The thread of the processor that bytes from the client last came to, by the
 * same rule as in choose_by_processor() of listen.c.
 */
static struct io *
with_its_client(struct server *s, int fd)
{
	int processor;
	socklen_t size = sizeof(processor);

	if (getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &processor, &size) ||
	    processor < 0)
		return least(s);
	return &s->io[(unsigned)processor % s->n_io];
}

/* The thread that is to have it; counts it there. */
static struct io *
choose(struct server *s, int fd)
{
	struct io *io = with_its_client(s, fd);

	(void)atomic_fetch_add(&io->n, 1);
	if (!is_crowded(io))
		return io;
	(void)atomic_fetch_sub(&io->n, 1);
	io = least(s);
	(void)atomic_fetch_add(&io->n, 1);
	return io;
}

bool
io_give(void *server, int fd, const struct sockaddr_un *ticket)
{
	struct io *io = choose(server, fd);

	/* When this fails it has closed the socket. */
	if (MHD_add_connection(io->daemon, fd, (const struct sockaddr *)ticket,
		sizeof(*ticket)) == MHD_YES)
		return true;
	(void)atomic_fetch_sub(&io->n, 1);
	return false;
}

/* ---- what libmicrohttpd calls for each connection */

/* A local address is a ticket: that connection was admitted before. */
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

/*
 * Puts an I/O thread where it belongs: on the processor for which the kernel
 * gives it connections (listen.c), and from which it would be moved when there
 * is much to do.  The thread is made by libmicrohttpd, so it does this itself,
 * and sets its name, when its first connection comes.
 */
static void
settle(struct io *io)
{
	struct server *s = io->server;
	unsigned i = (unsigned)(io - s->io);
	char name[16];

	if (atomic_load_explicit(&io->thread, memory_order_relaxed))
		return;
	(void)snprintf(name, sizeof(name), "io-%u", i);
	thread_name(name);
	if (s->n_io > 1)
		thread_stay(0, i, s->n_io);
	atomic_store(&io->thread, gettid());
}

void
io_roam(struct io *io)
{
	if (!io->roams++)
		thread_roam();
}

void
io_roam_end(struct io *io)
{
	struct server *s = io->server;

	/*
	 * By its number, not for itself: when the server stops, it is the
	 * stopping thread that calls this.
	 */
	if (!--io->roams && s->n_io > 1)
		thread_stay(
		    atomic_load(&io->thread), (unsigned)(io - s->io), s->n_io);
}

void
io_tick(struct server *s)
{
	unsigned i;

	if (!thread_processors_changed(&s->processors))
		return;
	for (i = 0; s->n_io > 1 && i < s->n_io; i++) {
		pid_t thread = atomic_load(&s->io[i].thread);

		if (thread)
			thread_stay(thread, i, s->n_io);
	}
}

/*
 * NULL: it was parked, given away, or there is no memory: libmicrohttpd closes
 * what it has of it.
 */
static struct conn *
begin(struct io *io, int fd, const struct sockaddr *sa)
{
	struct server *s = io->server;
	struct conn *c = conns_add(s->conns, fd, sa);

	if (c)
		c->io = io;
	settle(io);
	if (sa->sa_family != AF_UNIX)
		(void)atomic_fetch_add(&io->n, 1);
	if (c && parked_begin(s->parked, c, is_crowded(io)))
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

/*
 * A limit for libmicrohttpd that is never reached; ours is in admit().  When
 * libmicrohttpd 0.9.75 meets its limit with a connection that was given to it,
 * it keeps a lock for ever.  A connection is counted twice while it goes or
 * comes.
 */
static unsigned
never_reached(const struct config *c)
{
	return 2 * (unsigned)c->connections + 64;
}

static bool
start_one(struct io *io)
{
	struct server *s = io->server;
	const struct config *c = &s->live->config;

	io->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD |
		MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO,
	    0, admit, io, exchange_handle, s, /**/
	    MHD_OPTION_LISTEN_SOCKET, io->listener, /**/
	    MHD_OPTION_THREAD_STACK_SIZE, IO_STACK, /**/
	    MHD_OPTION_CONNECTION_LIMIT, never_reached(c), /**/
	    MHD_OPTION_CONNECTION_TIMEOUT, s->park_seconds, /**/
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)c->max_header + POOL_EXTRA, /**/
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL, /**/
	    MHD_OPTION_URI_LOG_CALLBACK, exchange_target, s, /**/
	    MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, s, /**/
	    MHD_OPTION_NOTIFY_CONNECTION, connection, io, MHD_OPTION_END);
	if (io->daemon)
		(void)fd_take(&io->listener);
	return io->daemon != NULL;
}

enum err_code
io_start(struct server *s, struct err *err)
{
	unsigned i;

	(void)thread_processors_changed(&s->processors);
	for (i = 0; i < s->n_io; i++) {
		s->io[i].server = s;
		if (start_one(&s->io[i]))
			continue;
		io_stop(s);
		return err_set(
		    err, ERR_INTERNAL, "libmicrohttpd would not start");
	}
	return ERR_OK;
}

void
io_stop(struct server *s)
{
	unsigned i;

	for (i = 0; i < s->n_io && s->io[i].daemon; i++)
		MHD_stop_daemon(s->io[i].daemon);
}

static int
listener_of(const struct io *io)
{
	return MHD_get_daemon_info(io->daemon, MHD_DAEMON_INFO_LISTEN_FD)
	    ->listen_fd;
}

/*
 * MHD_quiesce_daemon() is meant for this.  But it takes the listener out of the
 * epoll sets while its threads may do so, too, and aborts if it comes second.
 * So a socket that nobody can connect to takes the place of the listener, which
 * the kernel takes out of the sets when its descriptor is closed.
 */
void
io_close_listeners(struct server *s)
{
	unsigned i;

	for (i = 0; i < s->n_io; i++)
		(void)dup3(s->deaf, listener_of(&s->io[i]), O_CLOEXEC);
}
