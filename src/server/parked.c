/* SPDX-License-Identifier: MIT */
#include "server/parked.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/file.h"

#define EVENTS 64
/* So many came: it is worth the time to give their memory back. */
#define MANY 32

struct parked {
	struct conns *conns;
	_Atomic(struct MHD_Daemon *) daemon;
	int64_t after;
	int epoll, event;
	pthread_t thread;
	bool runs;
	atomic_bool stop;
	atomic_uint came; /* since memory was given back */
	unsigned came_before; /* the same, a tick ago */
};

/* ---- the thread */

/* Whether there is anything to be read but the end. */
static bool
has_bytes(int fd)
{
	int n = 0;

	return !ioctl(fd, FIONREAD, &n) && n > 0;
}

/* It is libmicrohttpd's again, or closed. */
static void
leave(struct parked *p, struct conn *c, uint32_t events)
{
	struct sockaddr_un ticket;
	int fd = c->fd;

	(void)epoll_ctl(p->epoll, EPOLL_CTL_DEL, fd, NULL);
	conn_ticket(c, &ticket);
	conns_remove(p->conns, c);
	if (events & (EPOLLERR | EPOLLHUP) || !has_bytes(fd)) {
		(void)close(fd);
		return;
	}
	/* When this fails it has closed the socket. */
	(void)MHD_add_connection(atomic_load(&p->daemon), fd,
	    (const struct sockaddr *)&ticket, sizeof(ticket));
}

static void *
run(void *arg)
{
	struct epoll_event events[EVENTS];
	struct parked *p = arg;
	int i, n;

	while (!atomic_load(&p->stop)) {
		n = epoll_wait(p->epoll, events, EVENTS, -1);
		for (i = 0; i < n; i++)
			if (events[i].data.ptr)
				leave(p, events[i].data.ptr, events[i].events);
	}
	return NULL;
}

/* ---- what others call */

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
	if (pthread_create(&p->thread, NULL, run, p))
		return err_set(err, ERR_NOMEM, "no thread could be started");
	p->runs = true;
	return ERR_OK;
}

enum err_code
parked_new(
    struct conns *conns, int64_t after, struct parked **out, struct err *err)
{
	struct parked *p = calloc(1, sizeof(*p));
	enum err_code rc;

	if (!p)
		return err_nomem(err);
	p->conns = conns;
	p->after = after;
	p->epoll = p->event = -1;
	rc = open_thread(p, err);
	if (rc)
		parked_free(p);
	else
		*out = p;
	return rc;
}

void
parked_start(struct parked *p, struct MHD_Daemon *daemon)
{
	atomic_store(&p->daemon, daemon);
}

bool
parked_add(struct parked *p, struct conn *c)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP };
	int was = c->fd, fd CLEANUP(fd_close) = -1;

	if (!p->after || !atomic_load(&p->daemon) || atomic_load(&p->stop) ||
	    !conn_only_waits(c, p->after))
		return false;
	fd = fcntl(was, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return false;
	e.data.ptr = c;
	conns_park(p->conns, c, fd);
	/* From here on it may be gone: whatever came has been seen. */
	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e)) {
		conns_unpark(p->conns, c, was);
		return false;
	}
	(void)fd_take(&fd);
	(void)atomic_fetch_add(&p->came, 1);
	return true;
}

/*
 * A wave of connections leaves holes between what stays, which malloc keeps to
 * itself.
 */
void
parked_tick(struct parked *p)
{
	unsigned came = atomic_load(&p->came);

	if (came >= MANY && came == p->came_before) {
#ifdef __GLIBC__
		(void)malloc_trim(0);
#endif
		(void)atomic_fetch_sub(&p->came, came);
		came = 0;
	}
	p->came_before = came;
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
	conns_close_parked(p->conns);
}

void
parked_free(struct parked *p)
{
	if (!p)
		return;
	parked_stop(p);
	fd_close(&p->event);
	fd_close(&p->epoll);
	free(p);
}
