/* SPDX-License-Identifier: MIT */
#include "cmd/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"

#define MAX_SECRET 1024

/* The terminal with its echo off; all zero but tty: nothing to restore. */
struct quiet {
	int tty, signals;
	bool silent, blocked;
	struct termios before;
	sigset_t mask;
};

static void
quiet_done(struct quiet *q)
{
	if (q->silent)
		(void)tcsetattr(q->tty, TCSAFLUSH, &q->before);
	fd_close(&q->tty);
	fd_close(&q->signals);
	if (q->blocked) /* signals that came meanwhile are delivered now */
		(void)sigprocmask(SIG_SETMASK, &q->mask, NULL);
}

static enum err_code
quiet_begin(struct quiet *q, struct err *err)
{
	static const int all[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	struct termios t;
	sigset_t set;
	size_t i;

	q->tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (q->tty < 0)
		return err_set(
		    err, ERR_NOT_FOUND, "there is no terminal to ask at");
	(void)sigemptyset(&set);
	for (i = 0; i < ARRAY_LEN(all); i++)
		(void)sigaddset(&set, all[i]);
	if (sigprocmask(SIG_BLOCK, &set, &q->mask))
		return err_os(err, "block signals");
	q->blocked = true;
	q->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (q->signals < 0)
		return err_os(err, "wait for signals");
	if (tcgetattr(q->tty, &q->before))
		return err_os(err, "ask the terminal");
	t = q->before;
	t.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	t.c_lflag |= ICANON;
	if (tcsetattr(q->tty, TCSAFLUSH, &t))
		return err_os(err, "set the terminal");
	q->silent = true;
	return ERR_OK;
}

/* Reads a line, which a terminal hands over whole. */
static enum err_code
read_line(const struct quiet *q, struct buf *out, struct err *err)
{
	char line[MAX_SECRET];
	struct pollfd fds[] = { { .fd = q->tty, .events = POLLIN },
		{ .fd = q->signals, .events = POLLIN } };
	struct str text;
	ssize_t n;

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return err_os(err, "wait for the terminal");
	if (fds[1].revents)
		return err_set(err, ERR_CANCELLED, "interrupted");
	n = read(q->tty, line, sizeof(line));
	if (n < 0)
		return err_os(err, "read from the terminal");
	text = str_of(line, (size_t)n);
	if (!n)
		return err_set(err, ERR_CANCELLED, "no password was given");
	if (!str_ends(text, STR("\n")))
		return err_set(err, ERR_TOO_LARGE, "that is too long");
	buf_put(out, str_head(text, text.len - 1));
	explicit_bzero(line, sizeof(line));
	return buf_failed(out) ? err_nomem(err) : ERR_OK;
}

enum err_code
prompt_secret(const char *question, struct buf *out, struct err *err)
{
	struct quiet q CLEANUP(quiet_done) = { .tty = -1, .signals = -1 };
	enum err_code rc = quiet_begin(&q, err);

	if (!rc)
		rc = fd_write_all(q.tty, str_from_c(question), err);
	if (!rc)
		rc = read_line(&q, out, err);
	if (q.silent)
		(void)!fd_write_all(q.tty, STR("\n"), NULL);
	return rc;
}
