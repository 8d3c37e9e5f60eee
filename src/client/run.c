/* SPDX-License-Identifier: MIT */
/* Calls under way, and what becomes of one when an attempt ends. */
#include <sys/random.h>

#include "base/clock.h"
#include "client/client_impl.h"
#include "outcome/retry.h"

/* How often stop() is asked, and stalls are looked for. */
#define TICK_MS 50

/* How often a parked call looks whether the trial is over, in ns. */
#define TRIAL_TICK (10 * 1000 * 1000)

/* Tells the caller how the call ended, and frees it.  err may be NULL. */
static void
call_end(struct call *call, enum err_code rc, const struct err *err)
{
	struct call_end e = { .rc = rc,
		.status = call->now.status,
		.attempts = call->attempts,
		.uncertain_before = call->uncertain_before,
		.sent = call->now.sent,
		.unproven = call->now.unproven };

	if (err)
		e.err = *err;
	e.err.code = rc;
	if (rc)
		trace_text(call->client, "! %s %s: %s", call->method,
		    call->origin->key, *e.err.why ? e.err.why : err_text(rc));
	call->events->done(call->arg, &e);
	call_free(call);
}

static void
call_cancel(struct call *call)
{
	struct err err = { 0 };

	call_end(call, err_set(&err, ERR_CANCELLED, "interrupted"), &err);
}

/* ---- slots */

static void
slot_finish(struct slot *s, enum err_code rc, const struct err *err)
{
	struct call *call = s->call;

	s->call = NULL;
	s->waiting = false;
	call_end(call, rc, err);
}

void
slot_close(struct client *c, struct slot *s)
{
	if (s->call && s->call->origin->trial == s->call)
		s->call->origin->trial = NULL;
	if (!s->easy)
		return;
	(void)c->curl.multi_remove_handle(c->multi, s->easy);
	c->curl.easy_cleanup(s->easy);
	s->easy = NULL;
}

/*
 * Whether another call is trying the password.  If none is and one has to, this
 * call becomes the trial.
 */
static bool
must_wait_for_trial(struct call *call)
{
	struct server_origin *o = call->origin;

	if (call->client->o.token || !o->has_password || o->tried ||
	    o->proven || o->rejected)
		return false;
	if (o->trial && o->trial != call)
		return true;
	o->trial = call;
	return false;
}

/* Starts a transfer, unless it has to wait for the trial of another call. */
static void
slot_begin(struct client *c, struct slot *s)
{
	struct err err = { 0 };
	enum err_code rc;

	s->waiting = s->parked = must_wait_for_trial(s->call);
	if (s->parked) {
		s->call->wake = clock_monotonic() + TRIAL_TICK;
		return;
	}
	s->easy = c->curl.easy_init();
	rc = s->easy ? call_begin(s->call, s->easy, &err) : err_nomem(&err);
	if (!rc && c->curl.multi_add_handle(c->multi, s->easy) != CURLM_OK)
		rc = err_nomem(&err);
	if (!rc)
		return;
	slot_close(c, s);
	slot_finish(s, rc, &err);
}

static void
slot_attempt(struct client *c, struct slot *s)
{
	s->call->attempts++;
	slot_begin(c, s);
}

static uint64_t
random_bits(void)
{
	uint64_t bits = 0;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) < 0)
		bits = (uint64_t)clock_monotonic();
	return bits;
}

/* Whether an attempt may have been carried out though no answer says so. */
static bool
is_lost(const struct attempt *now)
{
	return now->sent &&
	    (now->awaiting || now->status == 502 || now->status == 504 ||
		!now->head_whole || now->status < 300);
}

static void
slot_wait(struct client *c, struct slot *s)
{
	struct call *call = s->call;
	int64_t delay = retry_delay(
	    call->attempts + 1, call->now.retry_after, random_bits());

	if (is_lost(&call->now))
		call->uncertain_before = true;
	call->now.sent = false;
	s->waiting = true;
	call->wake = clock_monotonic() + delay;
	if (c->o.waiting)
		c->o.waiting(c->o.waiting_arg, str_from_c(call->url),
		    call->now.status, delay);
}

static enum err_code
slot_redirect(struct client *c, struct slot *s, struct err *err)
{
	struct call *call = s->call;
	enum err_code rc =
	    server_origin_find(c, call->target, &call->origin, err);

	if (rc)
		return rc;
	call->redirects++;
	call->url = call->target;
	call->logged_in = false;
	slot_begin(c, s);
	return ERR_OK;
}

/* The time in which a person typed a password counts for no stall. */
static void
forgive(struct client *c, int64_t ns)
{
	unsigned i;

	for (i = 0; i < c->n_slots; i++)
		if (c->slots[i].call)
			c->slots[i].call->now.moved += ns;
}

static enum err_code
slot_login(struct client *c, struct slot *s, struct err *err)
{
	struct call *call = s->call;
	int64_t took;
	bool has = server_origin_ask(c, call->origin, &took);
	enum err_code rc;

	forgive(c, took);
	if (has || call->origin->negotiates) {
		slot_begin(c, s);
		return ERR_OK;
	}
	call->now.use = USE_DELIVER;
	rc = answer_deliver(call, err);
	slot_finish(s, rc, err);
	return ERR_OK;
}

/* The head is whole and judged; body and body_err: how reading the rest went.
 */
static void
slot_answered(struct client *c, struct slot *s, enum err_code body,
    const struct err *body_err)
{
	struct call *call = s->call;
	struct err err = { 0 };
	enum err_code rc = ERR_OK;

	switch (call->now.use) {
	case USE_REPEAT:
		slot_wait(c, s);
		return;
	case USE_REDIRECT:
		rc = slot_redirect(c, s, &err);
		break;
	case USE_LOGIN:
		rc = slot_login(c, s, &err);
		break;
	case USE_UNKNOWN:
	case USE_DELIVER:
		rc = answer_deliver(call, &err);
		if (rc)
			slot_finish(s, rc, &err);
		else
			slot_finish(s, body, body_err);
		return;
	}
	if (rc)
		slot_finish(s, rc, &err);
}

/* Whether an attempt that got no answer, or half of one, is made again. */
static bool
may_repeat(const struct call *call, enum err_code rc, CURLcode code)
{
	if (call->now.delivered || !failure_may_pass(code) ||
	    call->attempts >= call->client->o.attempts)
		return false;
	if (rc == ERR_UNREACHABLE)
		return !call->uncertain_before || !call->once;
	return rc == ERR_CUT_SHORT && call->idempotent && !call->once;
}

/* Learns from an attempt whether the password is taken, and how to send it. */
static void
learn(struct call *call, CURL *easy)
{
	struct server_origin *o = call->origin;
	long offered = 0;

	if (call->now.status >= 200 && call->now.authorized) {
		o->proven |= call->now.status != 401;
		o->rejected |= call->now.status == 401 && !o->proven &&
		    call->logged_in && o->has_password;
	}
	if (o->trial == call && call->now.status >= 200 && call->logged_in)
		o->tried = true;
	if (call->now.status == 401 || !call->origin->has_password)
		return;
	if (!call->client->curl.easy_getinfo(
		easy, CURLINFO_HTTPAUTH_AVAIL, &offered) &&
	    offered == (long)CURLAUTH_BASIC)
		call->origin->basic = true;
}

/* Finds out whether nothing but the connection's end marked the body's end. */
static void
find_end(struct call *call, CURL *easy)
{
	const struct headers *h = &call->head.fields;
	long version = 0;

	if (call->now.use != USE_DELIVER || !call->now.got_body)
		return;
	if (call->client->curl.easy_getinfo(
		easy, CURLINFO_HTTP_VERSION, &version) ||
	    version >= CURL_HTTP_VERSION_2_0)
		return;
	call->now.unproven = !headers_has(h, STR("Content-Length")) &&
	    !headers_has(h, STR("Transfer-Encoding"));
}

static void
slot_ended(struct client *c, struct slot *s, CURLcode code)
{
	struct call *call = s->call;
	struct err err = { 0 };
	enum err_code rc = ERR_OK;

	learn(call, s->easy);
	if (!code)
		find_end(call, s->easy);
	slot_close(c, s);
	if (call->now.failed) {
		err = call->now.err;
		slot_finish(s, call->now.failed, &err);
		return;
	}
	if (call->now.head_whole && call->now.status >= 200 &&
	    call->now.use == USE_UNKNOWN)
		rc = answer_judge(call, &err);
	if (rc) {
		slot_finish(s, rc, &err);
		return;
	}
	if (code && call->now.use <= USE_DELIVER) {
		rc = failure_of(call, code, &err);
		if (may_repeat(call, rc, code)) {
			slot_wait(c, s);
			return;
		}
	} else if (call->now.use == USE_UNKNOWN) {
		rc = err_set(&err, ERR_BAD_ANSWER, "%s: the answer is no HTTP",
		    call->origin->key);
	}
	if (call->now.use == USE_UNKNOWN)
		slot_finish(s, rc, &err);
	else
		slot_answered(c, s, rc, &err);
}

/* ---- running */

static struct slot *
slot_of(struct client *c, const CURL *easy)
{
	unsigned i;

	for (i = 0; i < c->n_slots; i++)
		if (c->slots[i].easy == easy)
			return &c->slots[i];
	return NULL;
}

static bool
take_ended(struct client *c)
{
	const CURLMsg *m;
	bool some = false;
	int left;

	while ((m = c->curl.multi_info_read(c->multi, &left))) {
		struct slot *s = slot_of(c, m->easy_handle);

		if (m->msg != CURLMSG_DONE || !s)
			continue;
		slot_ended(c, s, m->data.result); /* m is gone then */
		some = true;
	}
	return some;
}

static bool
stalls(const struct client *c, const struct slot *s, int64_t now)
{
	return s->call && !s->waiting && s->call->now.sent &&
	    now - s->call->now.moved > c->o.stall_timeout;
}

/* Begins calls that have waited enough, and ends those that stand still. */
static bool
look_at_slots(struct client *c)
{
	int64_t now = clock_monotonic();
	bool some = false;
	unsigned i;

	for (i = 0; i < c->n_slots; i++) {
		struct slot *s = &c->slots[i];

		if (s->call && s->waiting && now >= s->call->wake) {
			if (s->parked)
				slot_begin(c, s);
			else
				slot_attempt(c, s);
			some = some || !s->waiting;
		} else if (stalls(c, s, now)) {
			s->call->now.stalled = true;
			slot_ended(c, s, CURLE_OPERATION_TIMEDOUT);
			some = true;
		}
	}
	return some;
}

static struct call *
queue_take(struct client *c, struct call **at)
{
	struct call *call = *at;

	*at = call->next;
	if (!call->next)
		c->last = at;
	call->next = NULL;
	return call;
}

static bool
start_some(struct client *c)
{
	bool some = false;
	unsigned i;

	for (i = 0; i < c->n_slots && c->first; i++) {
		if (c->slots[i].call)
			continue;
		c->slots[i].call = queue_take(c, &c->first);
		if (c->slots[i].call->wake)
			c->slots[i].waiting = true;
		else
			slot_attempt(c, &c->slots[i]);
		some = true;
	}
	return some;
}

/*
 * Ends calls of the queue; all: those that follow, too.  A call that done()
 * adds meanwhile is not ended until stop() was asked again.
 */
static bool
cancel_queued(struct client *c, bool all)
{
	struct call *gone = NULL, **tail = &gone, **at = &c->first;
	struct call *call;

	while (*at) {
		if (!all && (*at)->follows) {
			at = &(*at)->next;
			continue;
		}
		*tail = queue_take(c, at);
		tail = &(*tail)->next;
	}
	if (!gone)
		return false;
	while ((call = gone)) {
		gone = call->next;
		call_cancel(call);
	}
	return true;
}

/* Ends calls in slots; all: not only those that wait. */
static bool
cancel_slots(struct client *c, bool all)
{
	struct err err = { 0 };
	bool some = false;
	unsigned i;

	(void)err_set(&err, ERR_CANCELLED, "interrupted");
	for (i = 0; i < c->n_slots; i++) {
		struct slot *s = &c->slots[i];

		if (!s->call || (!s->waiting && !all))
			continue;
		slot_close(c, s);
		slot_finish(s, ERR_CANCELLED, &err);
		some = true;
	}
	return some;
}

static bool
busy(const struct client *c)
{
	unsigned i;

	for (i = 0; i < c->n_slots; i++)
		if (c->slots[i].call)
			return true;
	return c->first != NULL;
}

static bool
obey(struct client *c, const struct client_watch *w)
{
	enum client_stop stop = w && w->stop ? w->stop(w->arg) : CLIENT_GO;
	bool all = stop == CLIENT_ABORT;
	bool slots;

	if (stop == CLIENT_GO)
		return false;
	slots = cancel_slots(c, all);
	return cancel_queued(c, all) || slots;
}

void
client_run(struct client *c, const struct client_watch *w)
{
	int running;

	while (busy(c)) {
		bool some = obey(c, w);

		some = start_some(c) || some;
		(void)c->curl.multi_perform(c->multi, &running);
		some = take_ended(c) || some;
		some = look_at_slots(c) || some;
		if (!some && busy(c))
			(void)c->curl.multi_poll(
			    c->multi, NULL, 0, TICK_MS, NULL);
	}
}
