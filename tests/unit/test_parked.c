/* SPDX-License-Identifier: MIT */
/* Parking, with a real libmicrohttpd and real sockets; what a client sees of it
 * is in tests/http/test_parked.py. */
#include "lib/test.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/alloc_fail.h"
#include "lib/descriptors.h"
#include "server/parked.h"

#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

struct bed {
	struct conns *cs;
	struct parked *p;
	struct MHD_Daemon *daemon;
	struct sockaddr_in at;
};

/* A client that sends just when it is asked, once more, whether it has. */
static atomic_int in_time = -1;
static atomic_int questions;

int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg);

int
__wrap_ioctl(int fd, unsigned long request, void *arg)
{
	if (atomic_fetch_sub(&questions, 1) == 1)
		assert_int_equal(send(atomic_load(&in_time), REQUEST,
				     sizeof(REQUEST) - 1, 0),
		    sizeof(REQUEST) - 1);
	return __real_ioctl(fd, request, arg);
}

static uint64_t
most(void *arg, const struct host *h)
{
	(void)arg;
	(void)h;
	return 8;
}

static void
connection(void *arg, struct MHD_Connection *mc, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *fd =
	    MHD_get_connection_info(mc, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *addr =
	    MHD_get_connection_info(mc, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct bed *b = arg;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = conns_add(b->cs, fd->connect_fd, addr->client_addr);
		if (*context && parked_begin(b->p, *context, false))
			*context = NULL;
	} else if (*context && !parked_add(b->p, *context)) {
		conns_remove(b->cs, *context);
	}
}

static enum MHD_Result
answer(void *arg, struct MHD_Connection *mc, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **context)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mc, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct MHD_Response *r;
	enum MHD_Result sent;

	(void)arg;
	(void)url;
	(void)method;
	(void)version;
	(void)upload;
	(void)upload_size;
	if (!info || !info->socket_context)
		return MHD_NO;
	if (!*context) {
		*context = info->socket_context;
		return MHD_YES;
	}
	r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	sent = MHD_queue_response(mc, MHD_HTTP_NO_CONTENT, r);
	MHD_destroy_response(r);
	return sent;
}

static void
completed(void *arg, struct MHD_Connection *mc, void **context,
    enum MHD_RequestTerminationCode how)
{
	struct conn *c = *context;

	(void)arg;
	(void)mc;
	(void)how;
	if (!c)
		return;
	c->taken += sizeof(REQUEST) - 1;
	(void)conn_enter(c, CONN_IDLE);
}

static bool
give(void *arg, int fd, const struct sockaddr_un *ticket)
{
	struct bed *b = arg;

	return MHD_add_connection(b->daemon, fd,
		   (const struct sockaddr *)ticket, sizeof(*ticket)) == MHD_YES;
}

static void
bed_init(struct bed *b)
{
	struct parked_spec spec = {
		.after = NSEC_PER_SEC,
		.most = most,
		.give = give,
		.arg = b,
	};
	socklen_t len = sizeof(b->at);
	struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	*b = (struct bed){ 0 };
	assert_int_equal(conns_new(&b->cs, NULL), ERR_OK);
	spec.conns = b->cs;
	assert_int_equal(parked_new(&spec, &b->p, NULL), ERR_OK);
	b->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD |
		MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO,
	    0, NULL, NULL, answer, b, MHD_OPTION_SOCK_ADDR, &any,
	    MHD_OPTION_CONNECTION_TIMEOUT, 1U, /**/
	    MHD_OPTION_NOTIFY_COMPLETED, completed, b, /**/
	    MHD_OPTION_NOTIFY_CONNECTION, connection, b, MHD_OPTION_END);
	assert_non_null(b->daemon);
	assert_int_equal(getsockname(MHD_get_daemon_info(
					 b->daemon, MHD_DAEMON_INFO_LISTEN_FD)
					 ->listen_fd,
			     (struct sockaddr *)&b->at, &len),
	    0);
	parked_start(b->p);
}

/* As the server does it. */
static void
bed_done(struct bed *b)
{
	parked_stop(b->p);
	MHD_stop_daemon(b->daemon);
	parked_free(b->p);
	conns_free(b->cs);
}

static int
client(const struct bed *b)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&b->at, sizeof(b->at)), 0);
	return fd;
}

/* Whether there is an answer; else the connection was closed. */
static bool
is_answered(int fd)
{
	char got[4096];
	ssize_t n = recv(fd, got, sizeof(got), 0);

	assert_true(n < 12 || !memcmp(got, "HTTP/1.1 204", 12));
	return n > 0;
}

static bool
ask(int fd)
{
	return send(fd, REQUEST, sizeof(REQUEST) - 1, MSG_NOSIGNAL) > 0 &&
	    is_answered(fd);
}

static void
wait_till_parked(struct bed *b, uint64_t times)
{
	int i;

	for (i = 0; i < 10000 && parked_came(b->p) < times; i++)
		(void)usleep(1000);
	assert_int_equal(parked_came(b->p), times);
}

static void
one_that_says_nothing_is_parked_and_served_when_it_speaks(void **state)
{
	struct bed b;
	int fd;

	(void)state;
	bed_init(&b);
	fd = client(&b);
	wait_till_parked(&b, 1); /* at once */
	assert_true(ask(fd));
	wait_till_parked(&b, 2); /* a second later */
	assert_true(ask(fd));
	assert_true(ask(fd)); /* one after the other, it is not */
	assert_int_equal(parked_came(b.p), 2);
	(void)close(fd);
	bed_done(&b);
}

static void
a_request_that_comes_just_then_is_served(void **state)
{
	int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		struct bed b;
		int fd;

		bed_init(&b);
		fd = client(&b);
		assert_true(ask(fd));
		atomic_store(&in_time, fd);
		atomic_store(&questions, n);
		assert_true(is_answered(fd)); /* a second later */
		(void)close(fd);
		bed_done(&b);
	}
}

static void
without_memory_there_is_no_parking_and_nothing_stays_open(void **state)
{
	struct parked_spec spec = { .most = most };
	struct parked *p = NULL;
	size_t before;
	enum err_code rc;
	unsigned long n;

	(void)state;
	assert_int_equal(conns_new(&spec.conns, NULL), ERR_OK);
	before = open_descriptors();
	for (n = 1;; n++) {
		alloc_fail_at(n);
		rc = parked_new(&spec, &p, NULL);
		if (!alloc_fail_stop())
			break;
		assert_int_equal(rc, ERR_NOMEM);
		assert_null(p);
		assert_int_equal(open_descriptors(), before);
	}
	assert_true(n > 1);
	assert_int_equal(rc, ERR_OK);
	parked_free(p);
	assert_int_equal(open_descriptors(), before);
	conns_free(spec.conns);
}

static void
without_memory_for_a_connection_it_alone_is_closed(void **state)
{
	unsigned long n;
	bool failed;

	(void)state;
	for (n = 1, failed = true; failed; n++) {
		struct bed b;
		bool served;
		int fd;

		bed_init(&b);
		alloc_fail_at(n);
		fd = client(&b);
		served = ask(fd);
		failed = alloc_fail_stop();
		assert_int_equal(served, !failed);
		(void)close(fd);
		fd = client(&b);
		assert_true(ask(fd));
		(void)close(fd);
		bed_done(&b);
	}
	assert_true(n > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    one_that_says_nothing_is_parked_and_served_when_it_speaks),
		cmocka_unit_test(a_request_that_comes_just_then_is_served),
		cmocka_unit_test(
		    without_memory_there_is_no_parking_and_nothing_stays_open),
		cmocka_unit_test(
		    without_memory_for_a_connection_it_alone_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
