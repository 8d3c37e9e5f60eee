/* SPDX-License-Identifier: MIT */
#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "http/date.h"
#include "wire/json_object.h"

struct log {
	pthread_mutex_t lock;
	int fd; /* -1: none */
	enum config_log_format form;
	atomic_bool on; /* there is one */
};

/* ---- a line */

/* What a quoted field of the common format may hold (as Apache escapes it). */
static void
put_quoted(struct buf *b, struct str s)
{
	size_t i;

	buf_putc(b, '"');
	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < ' ' || c > '~') {
			buf_printf(b, "\\x%02x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			buf_putc(b, '\\');
		buf_putc(b, (char)c);
	}
	buf_putc(b, '"');
}

/* "[21/Nov/2026:01:43:21 +0000]" */
static void
put_time(struct buf *b, int64_t ns)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct utc u = utc_from_seconds(clock_seconds(ns));

	buf_printf(b, "[%02d/%.3s/%04d:%02d:%02d:%02d +0000]", u.day,
	    months + 3 * (u.month - 1), u.year, u.hour, u.minute, u.second);
}

static void
put_field(struct buf *b, struct str s)
{
	if (s.len)
		put_quoted(b, s);
	else
		BUF_LIT(b, "\"-\"");
}

static void
put_common(struct buf *b, const struct log_request *r, bool combined)
{
	struct buf line CLEANUP(buf_done) = { 0 };

	buf_put(b, r->host.len ? r->host : STR("-"));
	BUF_LIT(b, " - ");
	buf_put(b, r->user.len ? r->user : STR("-"));
	buf_putc(b, ' ');
	put_time(b, r->began);
	buf_put(&line, r->method);
	buf_putc(&line, ' ');
	buf_put(&line, r->target);
	buf_putc(&line, ' ');
	buf_put(&line, r->version);
	buf_putc(b, ' ');
	put_quoted(b, buf_str(&line));
	buf_putc(b, ' ');
	buf_put_u64(b, r->status);
	buf_putc(b, ' ');
	buf_put_u64(b, r->bytes);
	if (combined) {
		buf_putc(b, ' ');
		put_field(b, r->referer);
		buf_putc(b, ' ');
		put_field(b, r->agent);
	}
}

static void
put_json(struct buf *b, const struct log_request *r)
{
	struct json_object o = json_begin(b);

	json_put_text(&o, "type", STR("request"));
	json_put_date(&o, "time", clock_seconds(r->began));
	json_put_number(&o, "request", r->id);
	json_put_text(&o, "host", r->host);
	if (r->user.len)
		json_put_text(&o, "user", r->user);
	json_put_text(&o, "method", r->method);
	json_put_text(&o, "target", r->target);
	json_put_text(&o, "version", r->version);
	json_put_number(&o, "status", r->status);
	json_put_number(&o, "bytes", r->bytes);
	json_put_ms(&o, "ms", r->took);
	if (r->cut)
		json_put_true(&o, "cut");
	if (r->referer.len)
		json_put_text(&o, "referer", r->referer);
	if (r->agent.len)
		json_put_text(&o, "agent", r->agent);
	json_end(&o);
}

static void
put_request(
    struct buf *b, enum config_log_format f, const struct log_request *r)
{
	switch (f) {
	case LOG_COMMON:
		put_common(b, r, false);
		break;
	case LOG_COMBINED:
		put_common(b, r, true);
		break;
	case LOG_JSON:
		put_json(b, r);
		break;
	}
	buf_putc(b, '\n');
}

static void
put_json_event(struct buf *b, uint64_t id, struct str line)
{
	struct json_object o = json_begin(b);

	json_put_text(&o, "type", STR("event"));
	json_put_date(&o, "time", clock_seconds(clock_now()));
	if (id)
		json_put_number(&o, "request", id);
	json_put_text(&o, "text", line);
	json_end(&o);
}

static void
put_plain_event(struct buf *b, uint64_t id, struct str line)
{
	date_put_rfc3339(b, clock_seconds(clock_now()));
	BUF_LIT(b, " sheaf: ");
	if (id) {
		buf_putc(b, '#');
		buf_put_u64(b, id);
		buf_putc(b, ' ');
	}
	for (; line.len; line = str_skip(line, 1)) {
		unsigned char c = (unsigned char)line.ptr[0];

		if (c < ' ' || c > '~')
			buf_printf(b, "\\x%02x", c);
		else
			buf_putc(b, (char)c);
	}
}

static void
put_event(struct buf *b, enum config_log_format f, uint64_t id, struct str line)
{
	if (f == LOG_JSON)
		put_json_event(b, id, line);
	else
		put_plain_event(b, id, line);
	buf_putc(b, '\n');
}

/* ---- the log */

/* A log that cannot be written must not stop what it is about. */
static void
write_line(int fd, const struct buf *b)
{
	if (fd >= 0 && !buf_failed(b) && fd_write_all(fd, buf_str(b), NULL))
		return;
}

static enum err_code
open_file(const char *file, int *fd, struct err *err)
{
	*fd = -1;
	if (!*file)
		return ERR_OK;
	if (!strcmp(file, "-"))
		*fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		*fd =
		    open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (*fd < 0)
		return err_os(err, "open the access log '%s'", file);
	return ERR_OK;
}

enum err_code
log_open(const char *file, enum config_log_format f, struct log **out,
    struct err *err)
{
	struct log *l = calloc(1, sizeof(*l));
	enum err_code rc;

	if (!l)
		return err_nomem(err);
	rc = open_file(file, &l->fd, err);
	if (rc) {
		free(l);
		return rc;
	}
	(void)pthread_mutex_init(&l->lock, NULL);
	l->form = f;
	atomic_init(&l->on, l->fd >= 0);
	*out = l;
	return ERR_OK;
}

enum err_code
log_reopen(
    struct log *l, const char *file, enum config_log_format f, struct err *err)
{
	enum err_code rc;
	int fd, was;

	rc = open_file(file, &fd, err);
	if (rc)
		return rc;
	(void)pthread_mutex_lock(&l->lock);
	was = l->fd;
	l->fd = fd;
	l->form = f;
	atomic_store(&l->on, fd >= 0);
	(void)pthread_mutex_unlock(&l->lock);
	fd_close(&was);
	return ERR_OK;
}

bool
log_is_on(const struct log *l)
{
	return atomic_load(&l->on);
}

void
log_request(struct log *l, const struct log_request *r)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	/* Locked, so that a reopening does not close it under the write. */
	(void)pthread_mutex_lock(&l->lock);
	if (l->fd >= 0) {
		put_request(&b, l->form, r);
		write_line(l->fd, &b);
	}
	(void)pthread_mutex_unlock(&l->lock);
}

void
log_line(struct log *l, uint64_t id, struct str line)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	enum config_log_format form;

	(void)pthread_mutex_lock(&l->lock);
	form = l->form;
	(void)pthread_mutex_unlock(&l->lock);
	put_event(&b, form, id, line);
	write_line(STDERR_FILENO, &b);
}

void
log_say(struct log *l, uint64_t id, const char *fmt, ...)
{
	char line[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	log_line(l, id, str_from_c(line));
}

void
log_close(struct log *l)
{
	if (!l)
		return;
	fd_close(&l->fd);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}
