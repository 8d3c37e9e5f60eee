/* SPDX-License-Identifier: MIT */
/*
 * What the server writes down: a line for each request, to a file or stderr,
 * and what else happened, to stderr.  A line is one write(2), so that lines of
 * many threads, and of many processes, stay whole.
 */
#ifndef SHEAF_SERVER_LOG_H
#define SHEAF_SERVER_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "server/config.h"

/* One request, over. */
struct log_request {
	uint64_t id;
	int64_t began; /* ns since 1970 */
	int64_t took; /* ns */
	struct str host; /* of the client */
	struct str user; /* empty: nobody in particular */
	struct str method, target, version; /* as sent */
	unsigned status; /* 0: closed without an answer */
	uint64_t bytes; /* of the body that was sent */
	bool cut; /* the answer did not get to its end */
	struct str referer, agent;
};

struct log;

/*
 * file is as the option access-log; it is copied.  ERR_OS and others when it
 * cannot be opened.
 */
enum err_code log_open(const char *file, enum config_log_format f,
    struct log **out, struct err *err) MUST_USE;

/* The same again: after a rotation, or with other values. */
enum err_code log_reopen(struct log *l, const char *file,
    enum config_log_format f, struct err *err) MUST_USE;

/* Whether there is a file: without one, log_request() does nothing. */
bool log_is_on(const struct log *l);

void log_request(struct log *l, const struct log_request *r);

/*
 * Something that happened, for people: to stderr with the time, and the
 * request it belongs to unless id is 0.  In the form json it is an object,
 * too.  Bytes that are not printable are escaped.
 */
void log_line(struct log *l, uint64_t id, struct str line);
void
log_say(struct log *l, uint64_t id, const char *fmt, ...) PRINTF_LIKE(3, 4);

void log_close(struct log *l); /* NULL is fine */

#endif
