/* SPDX-License-Identifier: MIT */
/*
 * Makes calls and says how they ended, a line each, so that tests can see the
 * client without a command in front of it:
 *
 *	fetch [NAME=VALUE...] METHOD URL [METHOD URL...]
 *
 * Names: user, token, netrc, cacert, proxy, jobs, attempts, connect, stall
 *(ms), body, file, field, password, keyed, once, identity, stop (ms, then
 *drain).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "client/client.h"

struct fetch {
	struct client_options o;
	struct call_spec spec;
	struct call_file file;
	struct header field;
	const char *password;
	int64_t stop_at;
	bool abort;
	unsigned n;
};

struct one {
	unsigned number;
	unsigned status;
	uint64_t bytes;
	struct buf text;
};

static enum err_code
on_head(void *arg, const struct answer_head *h, struct err *err)
{
	struct one *o = arg;

	(void)err;
	o->status = h->status;
	printf("%u head %u %zu %.*s\n", o->number, h->status, h->fields.n,
	    STR_ARG(h->url));
	return ERR_OK;
}

static enum err_code
on_body(void *arg, struct str bytes, struct err *err)
{
	struct one *o = arg;

	(void)err;
	o->bytes += bytes.len;
	buf_put(&o->text, str_head(bytes, 60));
	return ERR_OK;
}

static void
on_done(void *arg, const struct call_end *e)
{
	struct one *o = arg;

	printf("%u done %s status=%u attempts=%u uncertain=%d sent=%d "
	       "bytes=%llu text=%.*s why=%s\n",
	    o->number, e->rc ? err_name(e->rc) : "OK", e->status, e->attempts,
	    e->uncertain_before, e->sent, (unsigned long long)o->bytes,
	    (int)(o->text.len < 60 ? o->text.len : 60),
	    o->text.ptr ? o->text.ptr : "", e->err.why);
	buf_done(&o->text);
	free(o);
}

static const struct call_events events = {
	.head = on_head, .body = on_body, .done = on_done
};

static bool
give_password(void *arg, const char *user, const char *host, struct buf *out)
{
	const struct fetch *f = arg;

	printf("asked %s %s\n", user, host);
	buf_put(out, str_from_c(f->password));
	return f->password != NULL;
}

static void
say(void *arg, struct str line)
{
	(void)arg;
	printf("trace %.*s\n", STR_ARG(line));
}

static void
wait_for(void *arg, struct str url, unsigned status, int64_t ns)
{
	(void)arg;
	(void)url;
	printf("wait %u %lld\n", status, (long long)(ns / 1000000));
}

static enum client_stop
stop(void *arg)
{
	const struct fetch *f = arg;

	if (!f->stop_at || clock_monotonic() < f->stop_at)
		return CLIENT_GO;
	return f->abort ? CLIENT_ABORT : CLIENT_DRAIN;
}

static int64_t
ms(const char *value)
{
	return strtoll(value, NULL, 10) * 1000000;
}

static void
set_file(struct fetch *f, const char *name)
{
	struct stat st;

	f->file.fd = open(name, O_RDONLY | O_CLOEXEC);
	if (f->file.fd < 0 || fstat(f->file.fd, &st) < 0)
		exit(2);
	f->file.size = (uint64_t)st.st_size;
	f->spec.file = &f->file;
}

static void
set_field(struct fetch *f, const char *text)
{
	struct str s = str_from_c(text);
	size_t colon = str_find(s, ':');

	f->field = (struct header){ str_head(s, colon),
		str_trim(str_skip(s, colon + 1)) };
	f->spec.fields = &f->field;
	f->spec.n_fields = 1;
}

static bool
set_text(struct fetch *f, struct str name, const char *value)
{
	const struct {
		struct str name;
		const char **to;
	} texts[] = {
		{ STR("user"), &f->o.user },
		{ STR("token"), &f->o.token },
		{ STR("netrc"), &f->o.netrc_file },
		{ STR("cacert"), &f->o.cacert },
		{ STR("cert"), &f->o.cert },
		{ STR("proxy"), &f->o.proxy },
		{ STR("password"), &f->password },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (str_eq(texts[i].name, name)) {
			*texts[i].to = value;
			return true;
		}
	return false;
}

static void
set(struct fetch *f, struct str name, const char *value)
{
	if (set_text(f, name, value))
		return;
	if (str_eq(name, STR("jobs")))
		f->o.jobs = (unsigned)strtoul(value, NULL, 10);
	else if (str_eq(name, STR("attempts")))
		f->o.attempts = (unsigned)strtoul(value, NULL, 10);
	else if (str_eq(name, STR("connect")))
		f->o.connect_timeout = ms(value);
	else if (str_eq(name, STR("stall")))
		f->o.stall_timeout = ms(value);
	else if (str_eq(name, STR("body")))
		f->spec.body = str_from_c(value);
	else if (str_eq(name, STR("file")))
		set_file(f, value);
	else if (str_eq(name, STR("field")))
		set_field(f, value);
	else if (str_eq(name, STR("keyed")))
		f->spec.keyed = true;
	else if (str_eq(name, STR("once")))
		f->spec.once = true;
	else if (str_eq(name, STR("identity")))
		f->spec.identity = true;
	else if (str_eq(name, STR("trace")))
		f->o.trace = say;
	else if (str_eq(name, STR("stop")) || str_eq(name, STR("abort"))) {
		f->stop_at = clock_monotonic() + ms(value);
		f->abort = str_eq(name, STR("abort"));
	} else {
		exit(2);
	}
}

static void
start(struct fetch *f, struct client *c, const char *method, const char *url)
{
	struct one *o = calloc(1, sizeof(*o));
	struct err err = { 0 };

	if (!o)
		exit(1);
	o->number = f->n++;
	f->spec.method = method;
	f->spec.url = str_from_c(url);
	f->spec.events = &events;
	f->spec.arg = o;
	if (client_call(c, &f->spec, &err)) {
		printf("%u refused %s why=%s\n", o->number, err_name(err.code),
		    err.why);
		free(o);
	}
}

int
main(int argc, char **argv)
{
	struct fetch f = { .file = { .fd = -1 } };
	const struct client_watch watch = { stop, &f };
	struct client *c;
	struct err err = { 0 };
	int i;

	f.o.password = give_password;
	f.o.password_arg = &f;
	f.o.waiting = wait_for;
	for (i = 1; i < argc && strchr(argv[i], '='); i++) {
		struct str arg = str_from_c(argv[i]);
		size_t eq = str_find(arg, '=');

		set(&f, str_head(arg, eq), argv[i] + eq + 1);
	}
	if (client_new(&f.o, &c, &err)) {
		printf("cannot: %s\n", err.why);
		return 1;
	}
	for (; i + 1 < argc; i += 2)
		start(&f, c, argv[i], argv[i + 1]);
	client_run(c, &watch);
	client_free(c);
	fd_close(&f.file.fd);
	return fflush(stdout) ? 1 : 0;
}
