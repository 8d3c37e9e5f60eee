/* SPDX-License-Identifier: MIT */
#include "server/past.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/thread.h"

#define BLOCK ((size_t)32 * 1024)
#define FRAME ((size_t)20) /* room for the line before a chunk */
#define EVENTS 64
/* Blocks of one answer, before another one's turn. */
#define TURN 16

struct past_answer {
	struct past *p;
	pthread_mutex_t lock;

	/* Under its lock. */
	struct past_spec spec;
	struct buf head;
	struct str left; /* of head, or of the block: not sent yet */
	size_t payload; /* how many bytes of it are of the spool */
	bool last; /* nothing comes after `left` */
	bool over, whole;
	bool awaited;

	/* The spool is empty, and will wake us: till then it is not read. */
	atomic_bool asleep;

	/* Under the lock of the thread. */
	struct past_answer *next;
	bool queued, ended;

	char block[FRAME + BLOCK + 2];
};

struct past {
	pthread_t thread;
	int epoll, event;

	pthread_mutex_t lock;
	struct past_answer *first, **last; /* the queue */
	size_t queued;
	bool stop;
};

/* ---- one answer; its lock is held */

static void
be_over(struct past_answer *a, bool whole)
{
	if (a->over)
		return;
	a->over = true;
	a->whole = whole;
	spool_abandon(a->spec.spool);
	a->spec.spool = NULL;
	/* libmicrohttpd is to see the end, too, whatever it waits for. */
	(void)shutdown(a->spec.fd, SHUT_RDWR);
	if (a->awaited)
		a->spec.over(a->spec.arg);
}

static void
put_chunk(struct past_answer *a, size_t n)
{
	char line[FRAME + 1];
	int len = snprintf(line, sizeof(line), "%zx\r\n", n);

	assert(len > 0 && (size_t)len <= FRAME);
	memcpy(a->block + FRAME - len, line, (size_t)len);
	memcpy(a->block + FRAME + n, "\r\n", 2);
	a->left = str_of(a->block + FRAME - len, (size_t)len + n + 2);
	a->payload = n;
}

/* Puts the next chunk into `left`; false: there is none now. */
static bool
fill(struct past_answer *a)
{
	size_t got = 0;

	if (atomic_load(&a->asleep))
		return false;
	for (;;)
		switch (
		    spool_read(a->spec.spool, a->block + FRAME, BLOCK, &got)) {
		case SPOOL_READ:
			put_chunk(a, got);
			return true;
		case SPOOL_EMPTY:
			atomic_store(&a->asleep, true);
			if (spool_wait(a->spec.spool))
				return false;
			atomic_store(&a->asleep, false);
			break;
		case SPOOL_END:
			a->left = STR("0\r\n\r\n");
			a->payload = 0;
			a->last = true;
			return true;
		case SPOOL_FAILED:
			be_over(a, false);
			return false;
		}
}

/* Sends what is left; true: all of it. */
static bool
send_left(struct past_answer *a)
{
	while (a->left.len) {
		ssize_t n = send(a->spec.fd, a->left.ptr, a->left.len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				be_over(a, false);
			return false;
		}
		a->left = str_skip(a->left, (size_t)n);
	}
	if (a->payload)
		a->spec.sent(a->spec.arg, a->payload);
	a->payload = 0;
	return true;
}

/* Sends what there is, or so much of it that it is another's turn: true. */
static bool
pump(struct past_answer *a)
{
	int i;

	for (i = 0; i < TURN && !a->over; i++) {
		if (!send_left(a))
			return false;
		if (a->last)
			be_over(a, true);
		else if (!fill(a))
			return false;
	}
	return !a->over;
}

/* ---- the queue */

static void
enqueue(struct past_answer *a, bool ended)
{
	struct past *p = a->p;
	const uint64_t one = 1;
	bool wake;

	(void)pthread_mutex_lock(&p->lock);
	wake = !p->first;
	a->ended = a->ended || ended;
	if (!a->queued) {
		a->queued = true;
		a->next = NULL;
		*p->last = a;
		p->last = &a->next;
		p->queued++;
	}
	/* Not after the unlocking: a may be freed then, and p soon after. */
	if (wake)
		(void)!write(p->event, &one, sizeof(one));
	(void)pthread_mutex_unlock(&p->lock);
}

static struct past_answer *
dequeue(struct past *p, bool *ended)
{
	struct past_answer *a;

	(void)pthread_mutex_lock(&p->lock);
	a = p->first;
	if (a) {
		p->first = a->next;
		if (!p->first)
			p->last = &p->first;
		p->queued--;
		a->queued = false;
		*ended = a->ended;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return a;
}

/* ---- the thread */

static void
answer_free(struct past_answer *a)
{
	buf_done(&a->head);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Sends what there is.  gone: the connection is broken. */
static void
look_at(struct past_answer *a, bool gone)
{
	bool more;

	(void)pthread_mutex_lock(&a->lock);
	if (gone)
		be_over(a, false);
	more = pump(a);
	(void)pthread_mutex_unlock(&a->lock);
	if (more)
		enqueue(a, false);
}

/* Serves n of the queue; those that come back to it have their turn later. */
static void
serve_queue(struct past *p, size_t n)
{
	struct past_answer *a;
	bool ended = false;

	while (n-- && (a = dequeue(p, &ended)))
		if (ended)
			answer_free(a);
		else
			look_at(a, false);
}

static size_t
queued(struct past *p, bool *stop)
{
	size_t n;

	(void)pthread_mutex_lock(&p->lock);
	n = p->queued;
	*stop = p->stop;
	(void)pthread_mutex_unlock(&p->lock);
	return n;
}

/*
 * What is queued is served after the events, so that an answer that has ended
 * is not freed while an event of it is still to be looked at.
 */
static void *
run(void *arg)
{
	struct epoll_event events[EVENTS];
	struct past *p = arg;
	bool stop = false;
	uint64_t times;
	size_t waiting;
	int i, n;

	thread_name("early-answers");
	for (;;) {
		waiting = queued(p, &stop);
		if (!waiting && stop)
			return NULL;
		n = epoll_wait(p->epoll, events, EVENTS, waiting ? 0 : -1);
		for (i = 0; i < n; i++)
			if (events[i].data.ptr)
				look_at(events[i].data.ptr,
				    events[i].events & (EPOLLERR | EPOLLHUP));
			else
				(void)!read(p->event, &times, sizeof(times));
		serve_queue(p, waiting);
	}
}

/* ---- what others call */

static enum err_code
open_thread(struct past *p, struct err *err)
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
	return ERR_OK;
}

static void
close_thread(struct past *p)
{
	fd_close(&p->event);
	fd_close(&p->epoll);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

enum err_code
past_new(struct past **out, struct err *err)
{
	struct past *p = calloc(1, sizeof(*p));
	enum err_code rc;

	if (!p)
		return err_nomem(err);
	p->epoll = p->event = -1;
	p->last = &p->first;
	(void)pthread_mutex_init(&p->lock, NULL);
	rc = open_thread(p, err);
	if (rc)
		close_thread(p);
	else
		*out = p;
	return rc;
}

void
past_free(struct past *p)
{
	const uint64_t one = 1;

	if (!p)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->stop = true;
	(void)!write(p->event, &one, sizeof(one));
	(void)pthread_mutex_unlock(&p->lock);
	(void)pthread_join(p->thread, NULL);
	assert(!p->first);
	close_thread(p);
}

enum err_code
past_begin(struct past *p, const struct past_spec *spec,
    struct past_answer **out, struct err *err)
{
	struct past_answer *a = calloc(1, sizeof(*a));
	struct epoll_event e = { .events = EPOLLOUT | EPOLLET };
	int one = 1;

	if (!a)
		return err_nomem(err);
	(void)pthread_mutex_init(&a->lock, NULL);
	a->p = p;
	a->spec = *spec;
	buf_put(&a->head, spec->head);
	a->left = buf_str(&a->head);
	if (buf_failed(&a->head)) {
		answer_free(a);
		return err_nomem(err);
	}
	/* A line is to leave at once, though more may come.  A comfort. */
	(void)setsockopt(spec->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* The socket can take something, so this is the first look at it. */
	*out = a;
	e.data.ptr = a;
	if (!epoll_ctl(p->epoll, EPOLL_CTL_ADD, spec->fd, &e))
		return ERR_OK;
	*out = NULL;
	answer_free(a);
	return err_os(err, "watch a socket");
}

void
past_wake(struct past_answer *a)
{
	atomic_store(&a->asleep, false);
	enqueue(a, false);
}

void
past_await(struct past_answer *a)
{
	(void)pthread_mutex_lock(&a->lock);
	a->awaited = true;
	if (a->over)
		a->spec.over(a->spec.arg);
	(void)pthread_mutex_unlock(&a->lock);
}

bool
past_end(struct past_answer *a)
{
	bool whole;

	(void)pthread_mutex_lock(&a->lock);
	(void)epoll_ctl(a->p->epoll, EPOLL_CTL_DEL, a->spec.fd, NULL);
	a->awaited = false;
	whole = a->whole;
	be_over(a, false);
	(void)pthread_mutex_unlock(&a->lock);
	enqueue(a, true);
	return whole;
}
