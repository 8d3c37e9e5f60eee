/* SPDX-License-Identifier: MIT */
/*
 * The head of a request: from what libmicrohttpd has parsed to struct request,
 * refusing what could be read in two ways (RFC 9112 s11).
 */
#ifndef SHEAF_SERVER_HEAD_H
#define SHEAF_SERVER_HEAD_H

#include <microhttpd.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "dav/exchange.h"
#include "server/live.h"

/* What libmicrohttpd gives the handler, and what it makes of it. */
struct head {
	struct str target; /* as sent; in the arena */
	struct str method, version; /* in the arena */
	size_t size; /* bytes of request line and header */
	bool http11;
	bool expects; /* 100-continue */
	/*
	 * The connection cannot be used again: where the next request begins is
	 * not sure.
	 */
	bool broken;
};

/*
 * Copies the header into the arena and reads method, target, origin and the
 * framing of the body.  trusted: the client is a proxy to be believed.  The
 * path is the root, and method_name set, whatever comes: good enough for
 * dav_fail().
 *
 * ERR_BAD_REQUEST, ERR_BAD_HEADER, ERR_BAD_PATH; ERR_HEADER_TOO_LARGE;
 * ERR_NOT_FOUND outside of the prefix; ERR_NOT_IMPLEMENTED for a transfer
 * coding; ERR_NOMEM.
 */
enum err_code
head_read(struct MHD_Connection *mc, const char *method, const char *url,
    const char *version, const struct live *live, bool trusted, struct arena *a,
    struct head *h, struct request *out, struct err *err) MUST_USE;

#endif
