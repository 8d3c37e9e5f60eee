/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/work_impl.h"

static bool
is_ignored(int signal)
{
	struct sigaction sa;

	return !sigaction(signal, NULL, &sa) && sa.sa_handler == SIG_IGN;
}

enum err_code
work_signals_init(struct work_signals *s, struct err *err)
{
	static const int signals[] = { SIGINT, SIGTERM };
	size_t i;

	s->fd = -1;
	s->seen = 0;
	(void)sigemptyset(&s->watched);
	for (i = 0; i < ARRAY_LEN(signals); i++)
		if (!is_ignored(signals[i]))
			(void)sigaddset(&s->watched, signals[i]);
	if (pthread_sigmask(SIG_BLOCK, &s->watched, &s->before))
		return err_os(err, "block signals");
	s->fd = signalfd(-1, &s->watched, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->fd < 0) {
		enum err_code rc = err_os(err, "signalfd");

		(void)pthread_sigmask(SIG_SETMASK, &s->before, NULL);
		return rc;
	}
	return ERR_OK;
}

bool
work_signals_poll(struct work_signals *s)
{
	struct signalfd_siginfo info;

	if (s->fd < 0 ||
	    read(s->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	s->seen++;
	/* The next signal ends the process, whatever it does. */
	if (s->seen == 2)
		(void)pthread_sigmask(SIG_SETMASK, &s->before, NULL);
	return true;
}

void
work_signals_done(struct work_signals *s)
{
	if (s->fd < 0)
		return;
	fd_close(&s->fd);
	(void)pthread_sigmask(SIG_SETMASK, &s->before, NULL);
}
