/* SPDX-License-Identifier: MIT */
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "bulk/jobs.h"
#include "dav/keys.h"
#include "server/impl.h"
#include "server/parked.h"
#include "server/past.h"

/*
 * Ticks of work after which memory is given back; ticks without any after which
 * code is.
 */
#define BUSY_TICKS 4
#define QUIET_TICKS 5
/* Descriptors beside connections: files being sent and received, the store. */
#define EXTRA_FDS 1024

/* The configuration in force, held for the caller. */
static struct live *
server_live(struct server *s)
{
	struct live *l;

	(void)pthread_mutex_lock(&s->lock);
	l = live_hold(s->live);
	(void)pthread_mutex_unlock(&s->lock);
	return l;
}

struct errand {
	struct work work;
	void (*fn)(void *arg);
	void *arg;
};

static void
run_errand(struct work *w)
{
	struct errand *r = CONTAINER_OF(w, struct errand, work);
	struct errand it = *r;

	free(r);
	it.fn(it.arg);
}

bool
server_spawn(void *server, void (*fn)(void *arg), void *arg)
{
	struct errand *r = malloc(sizeof(*r));
	struct server *s = server;

	if (!r)
		return false;
	*r = (struct errand){ { .run = run_errand }, fn, arg };
	if (workers_lend(s->workers, &r->work))
		return true;
	free(r);
	return false;
}

uint64_t
server_most(void *server, const struct host *h)
{
	struct live *live = server_live(server);
	uint64_t most =
	    networks_have(&live->trusted, h) ? 0 : live->config.per_address;

	live_drop(live);
	return most;
}

/* ---- jobs */

static void
say_failed_item(void *arg, struct str line)
{
	struct server *s = arg;

	log_line(s->log, 0, line);
}

/* In the state directory, which the store has made. */
static void
put_jobs_dir(const struct config *c, struct buf *b)
{
	if (*c->state) {
		buf_put(b, str_from_c(c->state));
	} else {
		buf_put(b, str_from_c(c->dir));
		BUF_LIT(b, "/.sheaf");
	}
	BUF_LIT(b, "/jobs");
	buf_putc(b, '\0');
}

static enum err_code
open_jobs(struct server *s, struct err *err)
{
	struct buf dir CLEANUP(buf_done) = { 0 };

	s->jobs_live = live_hold(s->live);
	s->jobs_env = (struct bulk_env){
		.store = s->store,
		.set = &s->jobs_live->set,
		.limits = &s->jobs_live->limits,
		.keys = s->keys,
		.users = s->users,
		.spawn = server_spawn,
		.spawn_ctx = s,
		.failures = { .line = say_failed_item, .arg = s },
	};
	put_jobs_dir(&s->live->config, &dir);
	if (buf_failed(&dir))
		return err_nomem(err);
	return jobs_open(dir.ptr, &s->jobs_env, &s->jobs, err);
}

/* ---- starting */

/* Raises the limit of descriptors as far as we may: connections need them. */
static void
raise_fd_limit(struct server *s)
{
	rlim_t need = s->connections + EXTRA_FDS;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur < need)
		log_say(s->log, 0,
		    "only %llu open files are allowed, which is few for %llu "
		    "connections (ulimit -n)",
		    (unsigned long long)r.rlim_cur,
		    (unsigned long long)s->connections);
}

static void
release(struct server *s)
{
	unsigned i;

	jobs_close(s->jobs);
	workers_free(s->workers);
	past_free(s->past);
	keys_free(s->keys);
	users_free(s->users);
	parked_free(s->parked);
	conns_free(s->conns);
	log_close(s->log);
	live_drop(s->jobs_live);
	live_drop(s->live);
	shelves_done(s->shelves);
	for (i = 0; i < s->n_io; i++)
		fd_close(&s->io[i].listener);
	fd_close(&s->deaf);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static unsigned
in_seconds(uint64_t nsec)
{
	return (unsigned)((nsec + NSEC_PER_SEC - 1) / NSEC_PER_SEC);
}

static enum err_code
open_parked(struct server *s, struct err *err)
{
	const struct config *c = &s->live->config;
	struct parked_spec spec = {
		.conns = s->conns,
		.most = server_most,
		.give = io_give,
		.arg = s,
	};

	s->idle_seconds = s->park_seconds = in_seconds(c->idle_timeout);
	if (in_seconds(c->park_after) < s->idle_seconds) {
		s->park_seconds = in_seconds(c->park_after);
		spec.after = s->park_seconds * NSEC_PER_SEC;
	}
	return parked_new(&spec, &s->parked, err);
}

static enum err_code
start(struct server *s, struct err *err)
{
	const struct config *c = &s->live->config;
	enum err_code rc;

	s->connections = c->connections;
	rc = log_open(
	    c->access_log, (enum config_log_format)c->log_format, &s->log, err);
	if (!rc)
		rc = conns_new(&s->conns, err);
	if (!rc)
		rc = open_parked(s, err);
	if (!rc)
		rc = workers_new(c->workers, c->queue, &s->workers, err);
	if (!rc)
		rc = past_new(&s->past, err);
	if (!rc)
		rc = io_listen(s, err);
	if (!rc)
		rc = open_jobs(s, err);
	if (rc)
		return rc;
	raise_fd_limit(s);
	rc = io_start(s, err);
	if (!rc)
		parked_start(s->parked);
	return rc;
}

enum err_code
server_start(
    struct config *c, struct store *store, struct server **out, struct err *err)
{
	struct server *s = calloc(1, sizeof(*s));
	enum err_code rc;

	if (!s) {
		config_done(c);
		return err_nomem(err);
	}
	s->deaf = -1;
	s->store = store;
	(void)pthread_mutex_init(&s->lock, NULL);
	shelves_init(s->shelves);
	rc = live_new(c, &s->live, err);
	if (!rc)
		shelves_set(s->shelves, s->live);
	if (!rc)
		rc = keys_new(&s->keys, err);
	if (!rc)
		rc = users_new(&s->users, err);
	if (!rc)
		rc = start(s, err);
	if (rc) {
		release(s);
		return rc;
	}
	*out = s;
	return ERR_OK;
}

void
server_put_url(const struct server *s, struct buf *out)
{
	BUF_LIT(out, "http://");
	address_put(out, &s->address);
	buf_put(out, s->live->prefix);
	buf_putc(out, '/');
}

void
server_say(struct server *s, const char *fmt, ...)
{
	char line[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	log_line(s->log, 0, str_from_c(line));
}

/* ---- running */

/*
 * Gives memory back to the system: free memory between what stays, which malloc
 * keeps to itself, and pages of code.  That is done when nothing comes any
 * more, and now and then while there is work, so that one kind of work does not
 * keep what another needed.  Code goes a while later than the rest: the next
 * client would wait for each page of it to be read again.
 */
static void
rest(struct server *s)
{
	uint64_t came = atomic_load(&s->requests) + parked_came(s->parked);
	bool busy = came != s->came_before || shelves_active(s->shelves);
	bool again;

	s->came_before = came;
	s->quiet = busy ? 0 : s->quiet + 1;
	s->untrimmed += busy;
	again = busy && s->untrimmed % BUSY_TICKS == 0;
	if (!s->untrimmed)
		return;
	if (again || s->quiet == 1)
		memory_trim();
	if (again || s->quiet == QUIET_TICKS)
		memory_drop_code();
	if (s->quiet == QUIET_TICKS)
		s->untrimmed = 0;
}

void
server_tick(struct server *s)
{
	struct live *live = server_live(s);

	conns_watch(s->conns, &live->config);
	live_drop(live);
	parked_tick(s->parked);
	jobs_tick(s->jobs);
	io_tick(s);
	rest(s);
}

static void
say_what_needs_a_restart(
    struct server *s, const struct config *now, const struct config *wanted)
{
	size_t i;

	for (i = 0; i < config_n_options; i++)
		if (!config_options[i].reload &&
		    config_differs(now, wanted, &config_options[i]))
			log_say(s->log, 0, "a new value of %s needs a restart",
			    config_options[i].flag);
}

enum err_code
server_reload(struct server *s, struct config *c, struct err *err)
{
	struct live *live = NULL, *was;
	enum err_code rc = live_new(c, &live, err);

	if (!rc)
		rc = log_reopen(s->log, live->config.access_log,
		    (enum config_log_format)live->config.log_format, err);
	if (rc) {
		live_drop(live);
		return rc;
	}
	say_what_needs_a_restart(s, &s->live->config, &live->config);
	(void)pthread_mutex_lock(&s->lock);
	was = s->live;
	s->live = live;
	(void)pthread_mutex_unlock(&s->lock);
	shelves_set(s->shelves, live);
	live_drop(was);
	return ERR_OK;
}

/* ---- stopping */

void
server_stop(struct server *s)
{
	atomic_store(&s->stopping, true);
	io_close_listeners(s);
	(void)conns_shut(s->conns, false);
}

bool
server_stopped(struct server *s)
{
	return conns_shut(s->conns, false) == 0 && !shelves_active(s->shelves);
}

bool
server_free(struct server *s)
{
	int tries;

	/*
	 * libmicrohttpd must not be stopped with a connection suspended.  With
	 * all sockets shut, each answer that is being read fails, and its
	 * writer with it, as soon as it is touched.
	 */
	(void)conns_shut(s->conns, true);
	for (tries = 0; tries < 50 && shelves_active(s->shelves); tries++)
		(void)usleep(20 * 1000);
	if (shelves_active(s->shelves))
		return false;
	parked_stop(s->parked);
	io_stop(s);
	release(s);
	return true;
}
