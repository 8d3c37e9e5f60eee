/* SPDX-License-Identifier: MIT */
/*
 * The sockets that are listened at: one for each I/O thread, all of one
 * address.
 *
 * The kernel gives a new connection to the thread of the processor that it came
 * to.  That is where its client runs, if it is on this machine, or which serves
 * its queue of the network card.  The thread stays on that processor (io.c), so
 * all connections of a client are with one thread.  Spread evenly over the
 * threads, they would wake each other across processors, which doubles the
 * price of a small request.
 */
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/file.h"
#include "base/thread.h"
#include "server/impl.h"

static enum err_code
check_open(const struct config *c, const struct address *a, struct err *err)
{
	if (c->anonymous || address_is_loopback(a))
		return ERR_OK;
	return err_set(err, ERR_BAD_REQUEST,
	    "listen: '%s' lets others connect, and there are no passwords; "
	    "use 127.0.0.1, or say --anonymous to let all of them read and "
	    "change everything",
	    c->listen);
}

/* -1: see errno.  Where the port is 0, *a gets the one that was chosen. */
static int
bound(struct address *a, bool shared)
{
	int one = 1,
	    fd CLEANUP(fd_close) = socket(
		a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* Best effort: the server works without them, too. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	/*
	 * accept() gives a connection when its first bytes have come, or after
	 * a second.  One that it gave before would be parked, and then made
	 * again.
	 */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof(one));
	if (shared &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)))
		return -1;
	if (bind(fd, (const struct sockaddr *)&a->sa, a->len) ||
	    getsockname(fd, (struct sockaddr *)&a->sa, &a->len))
		return -1;
	return fd_take(&fd);
}

/*
 * Whether no other server listens there: with SO_REUSEPORT two would share the
 * address without a word.
 */
static bool
is_free(struct address a)
{
	int fd CLEANUP(fd_close) = bound(&a, false);

	return fd >= 0;
}

/* Best effort: without it the kernel spreads connections by their addresses. */
static void
choose_by_processor(int fd, unsigned n)
{
	struct sock_filter number_of_socket[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    (uint32_t)(SKF_AD_OFF + SKF_AD_CPU)),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_fprog program = {
		.len = ARRAY_LEN(number_of_socket),
		.filter = number_of_socket,
	};

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
	    sizeof(program));
}

static unsigned
threads_of(const struct config *c)
{
	uint64_t n = c->threads ? c->threads : thread_processors();

	if (n > c->connections)
		n = c->connections;
	return n > IO_MAX ? IO_MAX : (unsigned)n;
}

static bool
listen_all(struct server *s)
{
	unsigned i;

	if (s->n_io > 1 && !is_free(s->address))
		return false;
	for (i = 0; i < s->n_io; i++) {
		struct io *io = &s->io[i];

		io->listener = bound(&s->address, s->n_io > 1);
		if (io->listener < 0 || listen(io->listener, SOMAXCONN))
			return false;
	}
	if (s->n_io > 1)
		choose_by_processor(s->io[0].listener, s->n_io);
	return true;
}

enum err_code
io_listen(struct server *s, struct err *err)
{
	const struct config *c = &s->live->config;
	enum err_code rc =
	    address_parse(str_from_c(c->listen), &s->address, err);
	unsigned i;

	if (!rc)
		rc = check_open(c, &s->address, err);
	if (rc)
		return rc;
	s->n_io = threads_of(c);
	for (i = 0; i < s->n_io; i++)
		s->io[i].listener = -1;
	if (!listen_all(s))
		return err_os(err, "listen on '%s'", c->listen);
	/* Made now: there may be no descriptor left when it is needed. */
	s->deaf = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return s->deaf < 0 ? err_os(err, "make a socket") : ERR_OK;
}
