/* SPDX-License-Identifier: MIT */
/* Addresses to listen on, of clients, and networks of them. */
#ifndef SHEAF_SERVER_ADDRESS_H
#define SHEAF_SERVER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

/*
 * "127.0.0.1:4918", "[::1]:4918", "localhost:4918" or ":4918", every IPv4
 * address.  ERR_BAD_REQUEST, with what is wrong with it in err->why.
 */
enum err_code
address_parse(struct str s, struct address *out, struct err *err) MUST_USE;

/* Whether only this machine can reach it. */
bool address_is_loopback(const struct address *a);

/* "127.0.0.1:4918", "[::1]:4918" */
void address_put(struct buf *b, const struct address *a);

/*
 * An IPv6 address, or an IPv4 address mapped into it (RFC 4291 s2.5.5.2), so
 * that the two forms of one client are one.
 */
struct host {
	unsigned char bytes[16];
};

/* False for what is neither IPv4 nor IPv6. */
bool host_of(const struct sockaddr *sa, struct host *out) MUST_USE;

/* "127.0.0.1", "::1" */
void host_put(struct buf *b, const struct host *h);

struct network {
	struct host host;
	unsigned bits; /* 0..128 */
};

struct networks {
	struct network *v;
	size_t n;
};

/*
 * "10.0.0.0/8, ::1, 192.0.2.7": separated by commas or spaces; empty is none.
 * ERR_BAD_REQUEST as above, ERR_NOMEM.
 */
enum err_code
networks_parse(struct str s, struct networks *out, struct err *err) MUST_USE;

void networks_done(struct networks *n);

bool networks_have(const struct networks *n, const struct host *h);

#endif
