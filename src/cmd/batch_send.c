/* SPDX-License-Identifier: MIT */
/* Sends chunk after chunk, until every operation has its result. */
#include <stdio.h>
#include <time.h>

#include <sys/random.h>

#include <nettle/sha2.h>

#include "base/clock.h"
#include "cmd/batch_impl.h"
#include "cmd/text.h"
#include "http/status.h"
#include "outcome/retry.h"

static unsigned
attempts_of(const struct batch *b)
{
	return b->f.o.attempts ? b->f.o.attempts : RETRY_ATTEMPTS;
}

/* ---- stopping */

static void
stop_for(struct batch *b, const char *why)
{
	if (b->stopped.len)
		return;
	buf_put(&b->stopped, str_from_c(why));
	if (buf_failed(&b->stopped))
		work_stop(b->f.work, "", NULL);
}

static void
cannot(struct batch *b, const char *what, const struct err *err)
{
	work_stop(b->f.work, what, err);
	stop_for(b, "it could not go on");
}

static bool
is_over(const struct batch *b)
{
	return b->stopped.len || work_interrupted(b->f.work);
}

/* ---- waiting */

/* False: interrupted. */
static bool
wait_until(struct batch *b, int64_t moment)
{
	const struct client_watch *w = work_watch(b->f.work);
	static const struct timespec nap = { 0, 20 * 1000 * 1000 };
	int64_t left = moment - clock_monotonic();

	if (left >= NSEC_PER_SEC)
		work_say(b->f.work, "waiting for %lld s",
		    (long long)((left + NSEC_PER_SEC - 1) / NSEC_PER_SEC));
	while (clock_monotonic() < moment) {
		if (w->stop(w->arg) != CLIENT_GO)
			return false;
		(void)nanosleep(&nap, NULL);
	}
	return true;
}

static void
delay(struct batch *b, unsigned attempt, int64_t wait)
{
	uint64_t random = 0;
	int64_t ns;

	if (getrandom(&random, sizeof(random), 0) < 0)
		random = (uint64_t)clock_now();
	ns = retry_delay(attempt + 1, wait, random);
	if (clock_monotonic() + ns > b->not_before)
		b->not_before = clock_monotonic() + ns;
}

/* ---- what a chunk comes to */

static void
settle_all(struct batch *b, struct batch_chunk *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		batch_settle(b, c->v[i], &c->items[i].v, &c->items[i]);
	c->n = 0;
}

static void
note_range(
    struct batch *b, enum journal_kind kind, uint64_t first, uint64_t last)
{
	const struct journal_line l = {
		.kind = kind, .first = first, .last = last, .retry_after = -1
	};

	batch_journal_put(&b->journal, &l);
}

/* Writes it into the journal: a line for each run of neighbours. */
static void
note_chunk(struct batch *b, enum journal_kind kind, const struct batch_chunk *c)
{
	uint64_t first, last;
	size_t i;

	if (!c->n)
		return;
	first = last = c->v[0]->at.index;
	for (i = 1; i < c->n; i++) {
		if (c->v[i]->at.index == last + 1) {
			last++;
			continue;
		}
		note_range(b, kind, first, last);
		first = last = c->v[i]->at.index;
	}
	note_range(b, kind, first, last);
}

/* Puts all of it back to be sent again; sent: it may have been done. */
static void
put_back(struct batch *b, struct batch_chunk *c, bool sent)
{
	struct batch_one *list = NULL;
	size_t i;

	for (i = c->n; i-- > 0;) {
		c->v[i]->before |= sent;
		c->v[i]->next = list;
		list = c->v[i];
	}
	c->n = 0;
	batch_unshift(b, list);
}

static const struct verdict no_answer = { .fate = FATE_UNKNOWN,
	.blame = BLAME_CUT,
	.wait = -1,
	.text = STR_INIT("an earlier request got no answer and may have been "
			 "carried out, and it was not sent again") };

/*
 * Settles all of it as not begun, and sends nothing more.  Unknown is what an
 * earlier request may have done, to which no answer came.
 */
static void
give_up(struct batch *b, struct batch_chunk *c, const char *why)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->v[i]->before)
			c->items[i].v = no_answer;
	b->leaving = true;
	settle_all(b, c);
	b->leaving = false;
	stop_for(b, why);
}

static bool
has_attempts(const struct batch *b, const struct batch_chunk *c)
{
	return c->n && c->v[0]->attempts < attempts_of(b);
}

static void
halve(uint64_t *most, uint64_t now)
{
	*most = now / 2 ? now / 2 : 1;
}

static void
on_too_large(struct batch *b, struct batch_chunk *c)
{
	size_t i;

	note_chunk(b, JOURNAL_BACK, c);
	if (b->whole || c->units < 2) {
		if (b->whole)
			work_refused(b->f.work);
		settle_all(b, c);
		return;
	}
	halve(&b->most, c->n);
	b->limit = b->most;
	if (b->most_bytes > c->body.len)
		b->most_bytes = c->body.len;
	work_say_more(b->f.work,
	    "%zu operations (%zu bytes) are too many for one request: "
	    "sending half as many",
	    c->n, c->body.len);
	for (i = 0; i < c->n; i++)
		c->v[i]->attempts--;
	put_back(b, c, false);
}

static void
on_slow(struct batch *b, struct batch_chunk *c)
{
	unsigned attempt = c->v[0]->attempts;
	bool may = c->wait <= BATCH_PATIENCE && has_attempts(b, c);
	size_t i;

	/* 503 does not prove that nothing was done. */
	for (i = 0; i < c->n; i++)
		may = may && c->items[i].again;
	note_chunk(b, JOURNAL_BACK, c);
	if (!may) {
		give_up(b, c,
		    "the server was too busy for the operations before it");
		return;
	}
	if (b->most > 16 && !b->whole)
		halve(&b->most, c->n);
	delay(b, attempt, c->wait);
	put_back(b, c, false);
}

static void
on_unreached(struct batch *b, struct batch_chunk *c)
{
	note_chunk(b, JOURNAL_BACK, c);
	if (!has_attempts(b, c)) {
		give_up(b, c, "the server was not reached");
		return;
	}
	delay(b, c->v[0]->attempts, -1);
	put_back(b, c, false);
}

static bool
is_broken(const struct batch_chunk *c)
{
	return c->items[0].v.blame == BLAME_PROTOCOL;
}

/* Sends again what may be sent twice; the others are unknown. */
static void
on_lost(struct batch *b, struct batch_chunk *c)
{
	struct batch_one *list = NULL, **end = &list;
	bool broken = is_broken(c), tired = !has_attempts(b, c);
	unsigned attempt = c->v[0]->attempts;
	size_t i;

	for (i = 0; i < c->n; i++) {
		struct batch_one *one = c->v[i];

		one->before = true;
		if (!c->items[i].again || tired ||
		    work_interrupted(b->f.work)) {
			batch_settle(b, one, &c->items[i].v, &c->items[i]);
			continue;
		}
		*end = one;
		end = &one->next;
	}
	c->n = 0;
	if (list)
		delay(b, attempt, -1);
	batch_unshift(b, list);
	if (broken)
		stop_for(b,
		    "the answer about the operations before it could "
		    "not be read");
	else if (tired)
		stop_for(b, "the request before it got no answer");
}

/* ---- the answer that says something */

static bool
is_cause(const struct bulk_item *it)
{
	return it->v.fate != FATE_DONE && it->v.status != 424;
}

/*
 * Whether a batch that is done as a whole or not at all, and was not, goes
 * again: if everything that was in its way may pass.
 */
static bool
whole_goes_again(const struct batch *b, const struct batch_chunk *c)
{
	bool some = false;
	size_t i;

	if (!has_attempts(b, c))
		return false;
	for (i = 0; i < c->n; i++) {
		if (!is_cause(&c->items[i]))
			continue;
		if (!c->items[i].again)
			return false;
		some = true;
	}
	return some;
}

static void
grow(struct batch *b, size_t n)
{
	/* After a chunk that went well: slowly back to the server's limit. */
	if (n >= b->most && b->most < b->limit)
		b->most += b->most / 8 + 1;
	if (b->most > b->limit)
		b->most = b->limit;
}

static void
on_answered(struct batch *b, struct batch_chunk *c)
{
	struct batch_one *list = NULL, **end = &list;
	bool refused = b->whole && c->status >= 400;
	/*
	 * Part of a dry run is not sent again: it would be judged without what
	 * stood before it.
	 */
	bool alone = !(b->whole && b->f.o.dry_run);
	bool all = refused && whole_goes_again(b, c);
	unsigned attempt = 0;
	int64_t wait = c->wait;
	size_t i, n = c->n;

	if (refused && !all)
		work_refused(b->f.work);
	for (i = 0; i < n; i++) {
		struct batch_one *one = c->v[i];
		struct bulk_item *it = &c->items[i];
		bool again = refused ? all : alone && it->again;

		if (it->v.wait > BATCH_PATIENCE ||
		    one->attempts >= attempts_of(b) ||
		    work_interrupted(b->f.work))
			again = false;
		if (!again) {
			batch_settle(b, one, &it->v, it);
			continue;
		}
		one->before |= it->v.fate == FATE_UNKNOWN;
		if (it->v.wait > wait)
			wait = it->v.wait;
		if (one->attempts > attempt)
			attempt = one->attempts;
		*end = one;
		end = &one->next;
	}
	c->n = 0;
	if (list)
		delay(b, attempt, wait);
	else
		grow(b, n);
	batch_unshift(b, list);
}

static void
say_odd(struct batch *b, const struct batch_chunk *c)
{
	struct buf text CLEANUP(buf_done) = { 0 };

	if (!c->odd)
		return;
	buf_put(&text, str_from_c(c->odd));
	if (c->match.odd.len) {
		BUF_LIT(&text, ": '");
		text_put_plain(&text, str_head(c->match.odd, 200));
		BUF_LIT(&text, "'");
	}
	buf_putc(&text, '\0');
	work_broken(
	    b->f.work, buf_failed(&text) ? "the answer is odd" : text.ptr);
	stop_for(b, "the answer to what came before it was not to be believed");
}

static void
finish(struct batch *b, struct batch_chunk *c)
{
	struct err err = { 0 };
	uint64_t limit = b->in.head.fail_on_errors;

	say_odd(b, c);
	switch (c->found) {
	case BULK_ANSWERED:
		on_answered(b, c);
		break;
	case BULK_TOO_LARGE:
		on_too_large(b, c);
		break;
	case BULK_SLOW:
		on_slow(b, c);
		break;
	case BULK_LOST:
		on_lost(b, c);
		break;
	case BULK_UNREACHED:
		on_unreached(b, c);
		break;
	case BULK_REFUSED:
		if (b->whole)
			work_refused(b->f.work);
		settle_all(b, c);
		break;
	case BULK_HOPELESS:
		note_chunk(b, JOURNAL_BACK, c);
		give_up(b, c, "the server did not take what came before it");
		break;
	case BULK_CANCELLED:
		note_chunk(b, JOURNAL_BACK, c);
		put_back(b, c, false);
		break;
	}
	if (limit && b->failures >= limit)
		stop_for(b, "so many had failed as failOnErrors says");
	if (batch_journal_sync(&b->journal, &err))
		cannot(b, "the journal", &err);
}

/* ---- one request */

struct sending {
	struct batch *b;
	struct batch_chunk *c;
	uint64_t sent;
};

static void
on_progress(void *arg, uint64_t sent, uint64_t received)
{
	(void)sent;
	(void)received;
	/* Only so that the bar is drawn: it counts operations. */
	work_progress(((struct sending *)arg)->b->f.work, 0);
}

static void
on_done(void *arg, const struct bulk_reply *r)
{
	struct sending *s = arg;
	struct batch_chunk *c = s->c;
	size_t i;

	c->found = bulk_judge(r, &c->match, &c->odd);
	c->status = r->status;
	c->wait = r->wait;
	/* What the verdicts point to is gone when this returns. */
	for (i = 0; i < c->n; i++) {
		struct verdict *v = &c->items[i].v;

		if (c->found == BULK_ANSWERED)
			v->text = batch_text(v->text);
		if (!arena_str(&c->a, v->text, &v->text) ||
		    !arena_str(&c->a, v->error, &v->error)) {
			v->text = v->error = str_of("", 0);
			work_stop(s->b->f.work, "", NULL);
		}
	}
}

/* Makes a request's key: the same for the same operations, else another. */
static bool
make_key(const struct batch *b, const struct batch_chunk *c, struct buf *out)
{
	struct sha256_ctx hash;
	uint8_t digest[8];
	size_t i;

	if (!b->ours)
		return true;
	sha256_init(&hash);
	sha256_update(&hash, c->body.len, (const uint8_t *)c->body.ptr);
	sha256_digest(&hash, sizeof(digest), digest);
	buf_put(out, b->key);
	buf_putc(out, '.');
	for (i = 0; i < sizeof(digest); i++)
		buf_printf(out, "%02x", digest[i]);
	return !buf_failed(out);
}

static void
send_chunk(struct batch *b, struct batch_chunk *c)
{
	struct sending s = { b, c, 0 };
	struct buf key CLEANUP(buf_done) = { 0 };
	struct bulk_spec spec = { .url = b->endpoint,
		.body = buf_str(&c->body),
		.content_type = b->in.head.shape == SHAPE_ACTIONS || b->lines
		    ? STR("application/x-ndjson")
		    : STR("application/json"),
		.keyed = b->ours,
		.match = &c->match,
		.progress = on_progress,
		.done = on_done,
		.arg = &s };
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < c->n; i++)
		c->v[i]->attempts++;
	note_chunk(b, JOURNAL_SENT, c);
	if (batch_journal_sync(&b->journal, &err)) {
		cannot(b, "the journal", &err);
		put_back(b, c, false);
		return;
	}
	if (!make_key(b, c, &key)) {
		cannot(b, "", NULL);
		put_back(b, c, false);
		return;
	}
	spec.key = buf_str(&key);
	if (bulk_start(b->f.s.client, &spec, &err)) {
		cannot(b, "", &err);
		put_back(b, c, false);
		return;
	}
	files_run(&b->f);
	finish(b, c);
}

/* ---- all of them */

/* Reads the rest, which is not sent, and tells of each operation. */
static void
leave_rest(struct batch *b)
{
	bool interrupted = !b->stopped.len;
	const struct verdict v = { .fate = FATE_LEFT,
		.blame = interrupted ? BLAME_INTERRUPT : BLAME_STATUS,
		.wait = -1,
		.text =
		    interrupted ? STR("interrupted") : buf_str(&b->stopped) };
	struct err err = { 0 };
	struct batch_one *one;

	if (!interrupted && (b->first || !b->read_all))
		work_say(b->f.work, "nothing more was sent: %.*s",
		    STR_ARG(buf_str(&b->stopped)));
	b->leaving = true;
	do {
		while ((one = batch_shift(b)))
			batch_settle(
			    b, one, one->before ? &no_answer : &v, NULL);
		b->whole = false;
		if (batch_fill(b, &err)) {
			work_stop(b->f.work, b->in.name, &err);
			return;
		}
	} while (b->first);
}

static bool
step(struct batch *b)
{
	struct batch_chunk c = { 0 };
	struct err err = { 0 };
	bool more = true;

	if (batch_fill(b, &err) || batch_chunk_take(b, &c, &err)) {
		cannot(b, b->in.name, &err);
		put_back(b, &c, false);
	} else if (!c.n) {
		more = b->first != NULL || !b->read_all;
	} else if (!wait_until(b, b->not_before)) {
		put_back(b, &c, false);
	} else {
		send_chunk(b, &c);
	}
	batch_chunk_done(&c);
	return more;
}

void
batch_run(struct batch *b)
{
	while (!is_over(b) && step(b))
		;
	leave_rest(b);
	if (b->journal.name && work_interrupted(b->f.work))
		work_say(b->f.work, "to go on: sheaf batch --resume %s",
		    b->journal.name);
}
