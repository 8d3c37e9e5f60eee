/* SPDX-License-Identifier: MIT */
/*
 * The threads that move bytes, each with a libmicrohttpd of its own.
 *
 * All of them listen at one socket, and the system would wake each of them for
 * a connection that only one gets.  libmicrohttpd cannot be told to wait for it
 * as EPOLLEXCLUSIVE does, so we say it for it, in its epoll set.  Then the
 * first that waits is woken, and who has more connections than another gets in
 * line behind the others.  Where that cannot be said all are woken, as ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
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

/* ---- listening */

static int
listener_of(const struct io *io)
{
	return MHD_get_daemon_info(io->daemon, MHD_DAEMON_INFO_LISTEN_FD)
	    ->listen_fd;
}

static int
set_of(const struct io *io)
{
	return MHD_get_daemon_info(io->daemon, MHD_DAEMON_INFO_EPOLL_FD)
	    ->epoll_fd;
}

/* The number behind a word of a line, of which *at is the rest. */
static bool
take_number(char **at, const char *word, int base, uint64_t *out)
{
	char *from = strstr(*at, word);

	if (!from)
		return false;
	errno = 0;
	*out = strtoull(from + strlen(word), at, base);
	return !errno;
}

/* How fd is watched in an epoll set, as proc(5) shows it. */
static bool
find_watch(int set, int fd, struct epoll_event *out)
{
	char name[48];
	char line[160];
	bool found = false;
	FILE *f;

	(void)snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", set);
	f = fopen(name, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		char *at = line;
		uint64_t of, events, data;

		found = take_number(&at, "tfd:", 10, &of) &&
		    of == (uint64_t)fd &&
		    take_number(&at, "events:", 16, &events) &&
		    take_number(&at, "data:", 16, &data);
		if (found)
			*out = (struct epoll_event){ (uint32_t)events,
				{ .u64 = data } };
	}
	(void)fclose(f);
	return found;
}

/* Behind the others, if there are more that listen so. */
static void
get_in_line(struct io *io)
{
	struct epoll_event alone = io->listens;
	int fd = listener_of(io), set = set_of(io);

	alone.events = EPOLLIN | EPOLLEXCLUSIVE;
	/* It fails when we do not listen any more. */
	if (!epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) &&
	    epoll_ctl(set, EPOLL_CTL_ADD, fd, &alone))
		(void)epoll_ctl(set, EPOLL_CTL_ADD, fd, &io->listens);
}

/* With one more than another has it stays, for what it needs is at hand. */
static void
take_turns(struct io *io)
{
	if (atomic_load(&io->in_line) &&
	    atomic_load(&io->n) > atomic_load(&least(io->server)->n) + 1)
		get_in_line(io);
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

/* NULL: it stays with nobody; libmicrohttpd closes what it has of it. */
static struct conn *
begin(struct io *io, int fd, const struct sockaddr *sa)
{
	struct server *s = io->server;
	struct conn *c = conns_add(s->conns, fd, sa);

	if (sa->sa_family != AF_UNIX) {
		(void)atomic_fetch_add(&io->n, 1);
		take_turns(io);
	}
	if (c && parked_begin(s->parked, c))
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

/* NULL: the listener is still the caller's. */
static struct MHD_Daemon *
start_one(struct io *io, int listener)
{
	struct server *s = io->server;
	const struct config *c = &s->live->config;

	return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD |
		MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO,
	    0, admit, io, exchange_handle, s, /**/
	    MHD_OPTION_LISTEN_SOCKET, listener, /**/
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

/* Each closes a descriptor of its own. */
static bool
start_all(struct server *s)
{
	unsigned i;

	for (i = 0; i < s->n_io; i++) {
		struct io *io = &s->io[i];
		int fd CLEANUP(fd_close) =
		    fcntl(s->listener, F_DUPFD_CLOEXEC, 0);

		io->server = s;
		io->daemon = fd < 0 ? NULL : start_one(io, fd);
		if (!io->daemon)
			return false;
		(void)fd_take(&fd);
	}
	return true;
}

enum err_code
io_start(struct server *s, struct err *err)
{
	unsigned i;

	s->n_io = threads_of(&s->live->config);
	if (!start_all(s)) {
		io_stop(s);
		return err_set(
		    err, ERR_INTERNAL, "libmicrohttpd would not start");
	}
	fd_close(&s->listener);
	for (i = 0; s->n_io > 1 && i < s->n_io; i++) {
		struct io *io = &s->io[i];

		if (!find_watch(set_of(io), listener_of(io), &io->listens))
			continue;
		get_in_line(io);
		atomic_store(&io->in_line, true);
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

/*
 * MHD_quiesce_daemon() is for this, but takes the listener from the epoll sets
 * when its threads may do so, too, and aborts if it comes second.  So a socket
 * that nobody can connect to takes the listener's place: what is closed leaves
 * the sets by itself.
 */
void
io_close_listeners(struct server *s)
{
	unsigned i;

	for (i = 0; i < s->n_io; i++)
		(void)dup3(s->deaf, listener_of(&s->io[i]), O_CLOEXEC);
}
