/* SPDX-License-Identifier: MIT */
/* `sheaf serve`: starts the server, and obeys signals. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cmd/commands.h"
#include "server/config.h"
#include "server/server.h"
#include "store/stores.h"

#define TICK 1 /* seconds */

static int
complain(enum err_code rc, struct str sentence)
{
	(void)fprintf(stderr, "sheaf: %.*s\n", STR_ARG(sentence));
	return rc == ERR_BAD_REQUEST ? EXIT_USAGE : EXIT_CANNOT;
}

static int
complain_err(const struct err *err)
{
	return complain(
	    err->code, str_from_c(*err->why ? err->why : err_text(err->code)));
}

static void
watched_signals(sigset_t *set)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	size_t i;

	(void)sigemptyset(set);
	for (i = 0; i < ARRAY_LEN(signals); i++)
		(void)sigaddset(set, signals[i]);
}

/* The next signal, or 0 when there was none for a tick. */
static int
next_signal(void)
{
	struct timespec tick = { .tv_sec = TICK };
	sigset_t set;
	int n;

	watched_signals(&set);
	n = sigtimedwait(&set, NULL, &tick);
	return n < 0 ? 0 : n;
}

static void
reload(struct server *s, const char *const *args)
{
	struct buf said CLEANUP(buf_done) = { 0 };
	struct config_asks asks;
	struct err err = { 0 };
	struct config c;

	if (config_load(&c, &asks, args, (const char *const *)environ, &said)) {
		config_done(&c);
		server_say(s, "the configuration stays as it was: %.*s",
		    STR_ARG(buf_str(&said)));
	} else if (server_reload(s, &c, &err)) {
		server_say(s, "the configuration stays as it was: %s",
		    *err.why ? err.why : err_text(err.code));
	} else {
		server_say(s, "the configuration was read again");
	}
}

/* Runs until SIGTERM or SIGINT. */
static void
run(struct server *s, const char *const *args)
{
	for (;;) {
		int n = next_signal();

		if (n == SIGHUP)
			reload(s, args);
		else if (n)
			return;
		server_tick(s);
	}
}

/*
 * Waits for requests to end.  Those that do not end in time end with the
 * process.  The store survives that: what was acknowledged is done, and an
 * upload that was not leaves nothing.
 */
static void
stop(struct server *s, struct store *store, int64_t patience)
{
	struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int64_t until = clock_monotonic() + patience;
	sigset_t set;

	watched_signals(&set);
	(void)sigdelset(&set, SIGHUP);
	server_stop(s);
	while (!server_stopped(s) && clock_monotonic() < until) {
		if (sigtimedwait(&set, NULL, &pause) > 0)
			break; /* a second signal: end at once */
		server_tick(s);
	}
	if (!server_free(s)) {
		(void)fputs(
		    "sheaf: some requests did not end in time\n", stderr);
		_exit(EXIT_OK);
	}
	store_close(store);
}

static int
announce(const struct server *s, const char *dir)
{
	struct buf out = { 0 };

	buf_printf(&out, "Sheaf serves %s at ", dir);
	server_put_url(s, &out);
	buf_putc(&out, '\n');
	return print_out(&out);
}

static int
serve(struct config *c, const char *const *args)
{
	struct dir_store_spec spec = {
		.dir = c->dir,
		.state = *c->state ? c->state : NULL,
		.relaxed = c->durability == DURABILITY_RELAXED,
	};
	char *dir = realpath(c->dir, NULL);
	int64_t patience = (int64_t)c->stop_timeout;
	struct store *store = NULL;
	struct server *s = NULL;
	struct err err = { 0 };
	int code;

	if (dir_store_open(&spec, &store, &err) ||
	    server_start(c, store, &s, &err)) {
		store_close(store);
		free(dir);
		return complain_err(&err);
	}
	code = announce(s, dir ? dir : spec.dir);
	free(dir);
	memory_drop_code();
	if (code == EXIT_OK)
		run(s, args);
	stop(s, store, patience);
	return code;
}

static int
print_config(const struct config *c)
{
	struct buf out = { 0 };

	config_print(c, &out);
	return print_out(&out);
}

/* Before any thread is started, so that all of them leave signals to us. */
static void
prepare_process(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	watched_signals(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	memory_be_small();
	/* What the loader read of the libraries is not needed any more. */
	memory_drop_code();
	dir_store_prepare();
}

int
cmd_serve(const char *const *args)
{
	struct buf said CLEANUP(buf_done) = { 0 };
	struct config_asks asks;
	struct config c;
	enum err_code rc;
	int code;

	rc = config_load(&c, &asks, args, (const char *const *)environ, &said);
	if (rc) {
		code = complain(rc, buf_str(&said));
	} else if (asks.help) {
		code = cmd_help((const char *const[]){ "serve", NULL });
	} else if (asks.print) {
		code = print_config(&c);
	} else {
		prepare_process();
		code = serve(&c, args);
	}
	config_done(&c);
	return code;
}
