/* SPDX-License-Identifier: MIT */
#include "server/parked.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"

#define EVENTS 64
/* With so many bytes a connection is given on, though the line goes on. */
#define LINE_MAX 1024 /* bytes */
/* Edge-triggered: a line that came in part is looked at when more comes. */
#define WATCHED (EPOLLIN | EPOLLRDHUP | EPOLLET)

struct parked {
	struct parked_spec spec;
	int epoll, event;
	int ended; /* a socket whose other end is closed: parked_begin() */
	pthread_t thread;
	bool runs;
	atomic_bool starts, stop; /* between them it takes connections */
	_Atomic uint64_t came; /* connections, so far */
};

/* ---- the thread */

enum came {
	CAME_NOTHING,
	CAME_END, /* and nothing before it */
	CAME_PART, /* of a line */
	CAME_LINE, /* of a request */
};

static enum came
look_at_socket(int fd)
{
	char text[LINE_MAX];
	ssize_t n = recv(fd, text, sizeof(text), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CAME_NOTHING;
	if (n <= 0)
		return CAME_END;
	if (n == sizeof(text) || memchr(text, '\n', (size_t)n))
		return CAME_LINE;
	return CAME_PART;
}

/* How many of its address may be served at a time. */
static uint64_t
most(struct parked *p, const struct conn *c)
{
	return c->has_host ? p->spec.most(p->spec.arg, &c->host) : 0;
}

static void
forget(struct parked *p, struct conn *c)
{
	int fd = c->fd;

	(void)epoll_ctl(p->epoll, EPOLL_CTL_DEL, fd, NULL);
	conns_remove(p->spec.conns, c);
	(void)close(fd);
}

static void
give(struct parked *p, int fd, const struct sockaddr_un *ticket)
{
	int one = 1;

	/*
	 * libmicrohttpd takes it for a local socket, and so does not set this.
	 */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!p->spec.give(p->spec.arg, fd, ticket))
		conns_lost(p->spec.conns, ticket);
}

/* Gives it back to libmicrohttpd, unless it has to wait for a place. */
static void
leave(struct parked *p, struct conn *c)
{
	struct sockaddr_un ticket;
	int fd = c->fd;

	if (!conns_go(p->spec.conns, c, most(p, c), &ticket))
		return;
	(void)epoll_ctl(p->epoll, EPOLL_CTL_DEL, fd, NULL);
	give(p, fd, &ticket);
}

/*
 * Its turn has come: has the thread attend() to it, by a new event for what it
 * has sent.
 */
static void
call(void *arg, struct conn *c)
{
	struct epoll_event e = { .events = WATCHED, .data.ptr = c };
	struct parked *p = arg;

	(void)epoll_ctl(p->epoll, EPOLL_CTL_MOD, c->fd, &e);
}

/*
 * A request that has begun may take as long as one of a new connection.  What
 * the client said before it ended is still answered.
 */
static void
attend(struct parked *p, struct conn *c, uint32_t events)
{
	bool ends = events & EPOLLRDHUP;
	enum came came =
	    events & (EPOLLERR | EPOLLHUP) ? CAME_END : look_at_socket(c->fd);

	if (came == CAME_END) {
		forget(p, c);
		return;
	}
	if (came == CAME_NOTHING)
		return;
	if (!c->begun)
		(void)conn_enter(c, CONN_NEW);
	c->begun = true;
	if (came == CAME_PART && !ends)
		return;
	leave(p, c);
}

static void *
run(void *arg)
{
	struct epoll_event events[EVENTS];
	struct parked *p = arg;
	int i, n;

	thread_name("parked");
	while (!atomic_load(&p->stop)) {
		n = epoll_wait(p->epoll, events, EVENTS, -1);
		for (i = 0; i < n; i++)
			if (events[i].data.ptr)
				attend(p, events[i].data.ptr, events[i].events);
	}
	return NULL;
}

/* ---- what others call */

static enum err_code
open_ended(struct parked *p, struct err *err)
{
	int pair[2];

	if (socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return err_os(err, "make a socket");
	p->ended = pair[0];
	(void)close(pair[1]);
	return ERR_OK;
}

static enum err_code
open_thread(struct parked *p, struct err *err)
{
	struct epoll_event e = { .events = EPOLLIN };

	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0)
		return err_os(err, "make an epoll set");
	p->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->event < 0 || epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->event, &e))
		return err_os(err, "make an eventfd");
	if (thread_start(&p->thread, 0, run, p))
		return err_set(err, ERR_NOMEM, "no thread could be started");
	p->runs = true;
	return ERR_OK;
}

enum err_code
parked_new(const struct parked_spec *spec, struct parked **out, struct err *err)
{
	struct parked *p = calloc(1, sizeof(*p));
	enum err_code rc;

	if (!p)
		return err_nomem(err);
	p->spec = *spec;
	p->epoll = p->event = p->ended = -1;
	conns_on_call(spec->conns, call, p);
	rc = open_ended(p, err);
	if (!rc)
		rc = open_thread(p, err);
	if (rc)
		parked_free(p);
	else
		*out = p;
	return rc;
}

void
parked_start(struct parked *p)
{
	atomic_store(&p->starts, true);
}

static bool
takes(const struct parked *p)
{
	return atomic_load(&p->starts) && !atomic_load(&p->stop);
}

/*
 * Once true, the connection may be gone already: the thread may have seen what
 * came, and acted on it.
 */
static bool
take_over(struct parked *p, struct conn *c)
{
	struct epoll_event e = { .events = WATCHED, .data.ptr = c };
	int was = c->fd, fd CLEANUP(fd_close) = -1;

	if (!takes(p))
		return false;
	fd = fcntl(was, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return false;
	conns_park(p->spec.conns, c, fd);
	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e)) {
		conns_unpark(p->spec.conns, c, was);
		return false;
	}
	(void)fd_take(&fd);
	(void)atomic_fetch_add(&p->came, 1);
	return true;
}

bool
parked_begin(struct parked *p, struct conn *c, bool elsewhere)
{
	bool has_place;
	int fd = c->fd;

	if (c->returned)
		return false;
	has_place = conns_has_place(p->spec.conns, c, most(p, c));
	if (has_place && !elsewhere && look_at_socket(fd) == CAME_LINE)
		return false;
	if (take_over(p, c)) {
		(void)dup3(p->ended, fd, O_CLOEXEC);
		return true;
	}
	if (!has_place)
		(void)shutdown(fd, SHUT_RDWR);
	return false;
}

bool
parked_add(struct parked *p, struct conn *c)
{
	return p->spec.after && conn_only_waits(c, p->spec.after) &&
	    take_over(p, c);
}

void
parked_tick(struct parked *p)
{
	conns_look(p->spec.conns, p->spec.most, p->spec.arg);
}

uint64_t
parked_came(struct parked *p)
{
	return atomic_load(&p->came);
}

void
parked_stop(struct parked *p)
{
	const uint64_t one = 1;

	if (!p->runs)
		return;
	atomic_store(&p->stop, true);
	(void)!write(p->event, &one, sizeof(one));
	(void)pthread_join(p->thread, NULL);
	p->runs = false;
	conns_close_parked(p->spec.conns);
}

void
parked_free(struct parked *p)
{
	if (!p)
		return;
	parked_stop(p);
	fd_close(&p->event);
	fd_close(&p->epoll);
	fd_close(&p->ended);
	free(p);
}
