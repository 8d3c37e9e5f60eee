/* SPDX-License-Identifier: MIT */
/* Where a batch goes, and how much of it at a time. */
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "cmd/batch_impl.h"
#include "http/url.h"
#include "outcome/retry.h"

/* Limits of a request where the server does not say them. */
#define SOME_OPERATIONS 100
#define SOME_REQUESTS 20 /* Microsoft Graph takes no more */
#define SOME_ACTIONS 1000
#define SOME_BYTES (UINT64_C(1) << 20)

/* The longest capabilities that are read, in bytes. */
#define OFFER_MAX ((size_t)256 << 10)

/* Our own limits of a request, for the memory that it takes. */
#define MOST_OPERATIONS 1000
#define MOST_BYTES (UINT64_C(8) << 20)

/* Those of a dry run, which goes in one request. */
#define DRY_OPERATIONS 100000
#define DRY_BYTES (UINT64_C(64) << 20)

struct asking {
	struct batch *b;
	struct buf body;
	struct call_end end;
	int64_t wait;
};

static enum err_code
on_head(void *arg, const struct answer_head *h, struct err *err)
{
	struct asking *a = arg;
	struct str value = { 0 };

	(void)err;
	a->wait = -1;
	if (!headers_one(&h->fields, STR("Retry-After"), &value, NULL) &&
	    value.len && !retry_after_parse(value, clock_now(), &a->wait))
		a->wait = -1;
	return ERR_OK;
}

static enum err_code
on_body(void *arg, struct str bytes, struct err *err)
{
	struct asking *a = arg;

	(void)err;
	buf_put(&a->body, bytes); /* more than OFFER_MAX fails, below */
	return ERR_OK;
}

static void
on_done(void *arg, const struct call_end *e)
{
	((struct asking *)arg)->end = *e;
}

static bool
ask_once(struct asking *a, struct str url)
{
	static const struct call_events events = {
		.head = on_head, .body = on_body, .done = on_done
	};
	static const struct header fields[] = {
		{ STR_INIT("Accept"), STR_INIT("application/json") },
	};
	const struct call_spec spec = { .method = "GET",
		.url = url,
		.fields = fields,
		.n_fields = ARRAY_LEN(fields),
		.events = &events,
		.arg = a };
	struct err err = { 0 };

	buf_clear(&a->body);
	a->end = (struct call_end){ 0 };
	if (client_call(a->b->f.s.client, &spec, &err)) {
		work_stop(a->b->f.work, "", &err);
		return false;
	}
	files_run(&a->b->f);
	return true;
}

static void
nap(struct batch *b, int64_t ns)
{
	const struct client_watch *w = work_watch(b->f.work);
	static const struct timespec tick = { 0, 20 * 1000 * 1000 };
	int64_t until = clock_monotonic() + ns;

	while (clock_monotonic() < until && w->stop(w->arg) == CLIENT_GO)
		(void)nanosleep(&tick, NULL);
}

/* Asks, and again as often as any request is sent again. */
static bool
ask(struct asking *a, struct str url)
{
	unsigned n,
	    most = a->b->f.o.attempts ? a->b->f.o.attempts : RETRY_ATTEMPTS;
	uint64_t random = 0;

	for (n = 1;; n++) {
		bool again;

		if (!ask_once(a, url))
			return false;
		again = a->end.rc == ERR_UNREACHABLE ||
		    a->end.rc == ERR_CUT_SHORT ||
		    (!a->end.rc &&
			retry_advise(a->end.status, STR("GET"), false) ==
			    RETRY_LATER);
		if (!again || n >= most || a->wait > BATCH_PATIENCE ||
		    work_interrupted(a->b->f.work))
			return true;
		(void)!getrandom(&random, sizeof(random), 0);
		nap(a->b, retry_delay(n + 1, a->wait, random));
	}
}

/* ---- what it comes to */

static bool
set_endpoint(struct batch *b, struct str url)
{
	struct err err = { 0 };

	b->endpoint = url;
	if (!url_parse(url, &b->endpoint_url, &err))
		return true;
	work_stop(b->f.work, "the URL of the endpoint", &err);
	return false;
}

static void
set_limits(struct batch *b, uint64_t operations, uint64_t bytes)
{
	b->limit = operations < MOST_OPERATIONS || b->whole ? operations
							    : MOST_OPERATIONS;
	b->limit_bytes = bytes < MOST_BYTES || b->whole ? bytes : MOST_BYTES;
	b->most = b->limit;
	b->most_bytes = b->limit_bytes;
	b->most_groups = b->most_in_group = UINT64_MAX;
}

/*
 * A dry run goes in one request.  As lines it may have DRY_OPERATIONS; a batch
 * that goes in one request anyway has the limits of a document.
 */
static void
set_dry_limits(struct batch *b, const struct bulk_offer *o)
{
	if (!b->f.o.dry_run || b->whole)
		return;
	b->whole = true;
	if (!b->lines) {
		set_limits(b, o->operations, b->limit_bytes);
		return;
	}
	set_limits(b,
	    o->stream_operations < DRY_OPERATIONS ? o->stream_operations
						  : DRY_OPERATIONS,
	    DRY_BYTES);
}

static bool
is_foreign(struct batch *b)
{
	static const uint64_t most[] = {
		[SHAPE_OPERATIONS] = SOME_OPERATIONS,
		[SHAPE_REQUESTS] = SOME_REQUESTS,
		[SHAPE_ACTIONS] = SOME_ACTIONS,
	};

	set_limits(b, b->whole ? UINT64_MAX : most[b->in.head.shape],
	    b->whole ? UINT64_MAX : SOME_BYTES);
	return set_endpoint(b, b->asked);
}

static bool
is_ours(struct batch *b, const struct bulk_offer *o)
{
	struct str url = b->asked;
	struct url base;

	b->ours = true;
	b->lines = o->stream_operations > 0;
	set_limits(
	    b, o->operations, o->json_bytes ? o->json_bytes : SOME_BYTES);
	set_dry_limits(b, o);
	if (o->groups)
		b->most_groups = o->groups;
	if (o->group_operations)
		b->most_in_group = o->group_operations;
	if (url_parse(url, &base, NULL) ||
	    url_resolve(&b->a, &base,
		o->endpoint.len ? o->endpoint : STR("/.sheaf/bulk"), &url,
		NULL)) {
		work_stop(
		    b->f.work, "the endpoint that the server names", NULL);
		return false;
	}
	return set_endpoint(b, url);
}

/* Makes the URL of the capabilities from the one that was named. */
static bool
offer_url(struct batch *b, struct str *out)
{
	struct str s = str_head(b->asked, str_find(b->asked, '?'));
	struct buf url CLEANUP(buf_done) = { 0 };

	if (str_ends(s, STR("/.sheaf/bulk")))
		s.len -= STR("bulk").len;
	buf_put(&url, s);
	if (!str_ends(s, STR("/")))
		buf_putc(&url, '/');
	if (!str_ends(s, STR("/.sheaf/")))
		BUF_LIT(&url, ".sheaf/");
	BUF_LIT(&url, "capabilities");
	return !buf_failed(&url) && arena_str(&b->a, buf_str(&url), out);
}

/* Tells why the question failed: nothing was done, so nothing is unknown. */
static bool
tell_failure(struct batch *b, const struct asking *a, int *code)
{
	const struct call_end *e = &a->end;
	bool access = e->status == 401 || e->status == 403 || e->status == 407;
	struct err err = e->err;

	if (e->rc == ERR_CANCELLED) {
		*code = EXIT_INTERRUPTED;
		return false;
	}
	if (!e->rc)
		(void)err_set(&err, ERR_BAD_ANSWER,
		    "asked for its limits, it answered %u%s", e->status,
		    access ? ": check who is logged in (--user)" : "");
	*code = e->rc == ERR_UNREACHABLE || e->rc == ERR_CUT_SHORT
	    ? EXIT_UNREACHABLE
	    : access ? EXIT_ACCESS
		     : EXIT_CANNOT;
	work_say(b->f.work, "%.*s: %s", STR_ARG(b->asked),
	    *err.why ? err.why : err_text(err.code));
	return false;
}

static bool
judge(struct batch *b, struct asking *a, int *code)
{
	struct bulk_offer o;
	const struct call_end *e = &a->end;
	bool none = e->status == 404 || e->status == 405 || e->status == 410 ||
	    e->status == 400 || e->status == 501 || e->status == 406;
	enum err_code rc = ERR_OK;

	if (!e->rc && e->status == 200)
		rc = buf_failed(&a->body);
	if (!e->rc && e->status == 200 && !rc)
		rc = bulk_offer_read(&b->a, buf_str(&a->body), &o, NULL);
	if (rc == ERR_NOMEM) { /* ours, and no answer of the server */
		work_stop(b->f.work, "", NULL);
		return false;
	}
	if (!e->rc && e->status == 200 && !rc)
		return is_ours(b, &o);
	/* It has no capabilities: then the URL is the endpoint itself. */
	if (!e->rc && (none || e->status == 200))
		return is_foreign(b);
	return tell_failure(b, a, code);
}

bool
batch_find_endpoint(struct batch *b, int *code)
{
	struct asking a = { .b = b, .wait = -1 };
	struct str url;
	bool ok;

	*code = EXIT_CANNOT;
	if (b->in.head.shape != SHAPE_OPERATIONS)
		return is_foreign(b);
	a.body.max = OFFER_MAX;
	if (!offer_url(b, &url)) {
		work_stop(b->f.work, "", NULL);
		return false;
	}
	ok = ask(&a, url) && judge(b, &a, code);
	buf_done(&a.body);
	return ok;
}
