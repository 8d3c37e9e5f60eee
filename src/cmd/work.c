/* SPDX-License-Identifier: MIT */
#include "cmd/work.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/text.h"
#include "cmd/work_impl.h"
#include "http/url.h"

/* Output is written when there is so much of it, or after so long. */
#define OUT_STEP ((size_t)32768)
#define OUT_EVERY (NSEC_PER_SEC / 5)

/* ---- output */

static void
write_line(struct work *w, struct str text)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	work_bar_erase(&w->bar);
	BUF_LIT(&b, "sheaf: ");
	buf_put(&b, text);
	buf_putc(&b, '\n');
	/* A failure is ignored: stderr may have been closed on purpose. */
	(void)!fd_write_all(STDERR_FILENO, buf_str(&b), NULL);
	if (buf_failed(&b))
		w->facts.cannot = true;
}

void
work_flush(struct work *w)
{
	struct str text = buf_str(&w->out);
	enum err_code failed = buf_failed(&w->out);

	w->flushed = clock_monotonic();
	if (text.len && w->out_is_terminal)
		work_bar_erase(&w->bar);
	if (!failed && !w->out_failed && text.len)
		failed = fd_write_all(STDOUT_FILENO, text, NULL);
	buf_clear(&w->out);
	if (!failed || w->out_failed)
		return;
	w->out_failed = true;
	w->facts.cannot = true;
	write_line(w, STR("cannot write to the output"));
}

static void
flush_if_long(struct work *w)
{
	if (w->out_is_terminal || w->out.len >= OUT_STEP || buf_failed(&w->out))
		work_flush(w);
}

void
work_line(struct work *w, struct str text)
{
	if (w->out_is_terminal && w->out.len)
		work_flush(w);
	write_line(w, text);
}

static void PRINTF_LIKE(2, 0) say(struct work *w, const char *fmt, va_list ap)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	char text[2048];

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		return;
	text_put_plain(&b, str_from_c(text));
	work_line(w, buf_str(&b));
}

void
work_say(struct work *w, const char *fmt, ...)
{
	va_list ap;

	if (w->quiet)
		return;
	va_start(ap, fmt);
	say(w, fmt, ap);
	va_end(ap);
}

void
work_say_more(struct work *w, const char *fmt, ...)
{
	va_list ap;

	if (!w->verbose || w->quiet)
		return;
	va_start(ap, fmt);
	say(w, fmt, ap);
	va_end(ap);
}

bool
work_json(const struct work *w)
{
	return w->json;
}

void
work_out(struct work *w, struct str text)
{
	buf_put(&w->out, text);
	flush_if_long(w);
}

void
work_batch(struct work *w, struct str url, struct str shape, struct str batch)
{
	w->file.header.url = url;
	w->file.header.shape = shape;
	w->file.header.batch = batch;
}

void
work_refused(struct work *w)
{
	w->facts.refused = true;
}

void
work_broken(struct work *w, const char *what)
{
	work_line(w, str_from_c(what));
	w->facts.blames[BLAME_PROTOCOL]++;
}

void
work_stop(struct work *w, const char *what, const struct err *err)
{
	const char *why = err && *err->why ? err->why
	    : err && *err->tell            ? err->tell
	    : err                          ? err_text(err->code)
					   : "out of memory";
	struct buf b CLEANUP(buf_done) = { 0 };

	text_put_plain(&b, str_from_c(what));
	if (*what)
		BUF_LIT(&b, ": ");
	text_put_plain(&b, str_from_c(why));
	work_line(w, buf_str(&b));
	w->facts.cannot = true;
}

/* ---- signals and the bar */

static void
poll_signals(struct work *w)
{
	while (work_signals_poll(&w->signals)) {
		w->facts.interrupted = true;
		work_bar_erase(&w->bar);
		if (w->signals.seen == 1)
			work_line(w,
			    STR("interrupted: what has begun is finished, the "
				"rest is left; once more stops at once"));
	}
}

bool
work_interrupted(struct work *w)
{
	poll_signals(w);
	return w->facts.interrupted || w->facts.cannot;
}

static enum client_stop
stop(void *arg)
{
	struct work *w = arg;
	int64_t now = clock_monotonic();

	poll_signals(w);
	if (now - w->flushed >= OUT_EVERY)
		work_flush(w);
	work_bar_draw(&w->bar, now);
	if (w->signals.seen > 1)
		return CLIENT_ABORT;
	return w->facts.interrupted || w->facts.cannot ? CLIENT_DRAIN
						       : CLIENT_GO;
}

const struct client_watch *
work_watch(struct work *w)
{
	return &w->watch;
}

void
work_expect(struct work *w, uint64_t items, uint64_t bytes)
{
	w->bar.items += items;
	w->bar.bytes += (int64_t)bytes;
}

void
work_progress(struct work *w, int64_t bytes)
{
	w->bar.bytes_done += bytes;
	work_bar_draw(&w->bar, clock_monotonic());
}

/* ---- items */

static void
put_key(struct buf *b, const struct work_item *i)
{
	buf_put(b, str_from_c(i->op));
	buf_putc(b, ' ');
	buf_put(b, i->url);
	buf_putc(b, ' ');
	buf_put(b, i->destination);
	buf_putc(b, ' ');
	buf_put(b, i->id);
}

static struct work_parent **
find_parent(struct work *w, const struct work_item *i)
{
	struct buf key CLEANUP(buf_done) = { 0 };
	struct work_parent **p;

	put_key(&key, i);
	for (p = &w->parents; *p; p = &(*p)->next)
		if (str_eq(buf_str(&(*p)->key), buf_str(&key)))
			break;
	return p;
}

static void
parent_free(struct work_parent *p)
{
	if (!p)
		return;
	buf_done(&p->key);
	buf_done(&p->members);
	buf_done(&p->error);
	buf_done(&p->text);
	free(p);
}

static struct work_parent *
parent_for(struct work *w, const struct work_item *i)
{
	struct work_parent **at = find_parent(w, i);
	struct work_parent *p = *at;

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	put_key(&p->key, i);
	p->id = ++w->ids;
	*at = p;
	return p;
}

/* Whether items of this op go into the retry file. */
static bool
for_retry(const struct work *w, const char *op)
{
	/* A question is asked again by running the command again. */
	return !w->o->dry_run && !w->file.failed &&
	    strcmp(op, "propfind") != 0 && strcmp(op, "cat") != 0;
}

static void
put_line(struct work *w, struct retry_line *l, const struct trouble *p)
{
	struct buf what CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };

	trouble_put_what(&what, &w->item, p);
	l->fate = str_from_c(fate_word(p->fate));
	l->status = p->status;
	l->error = buf_str(&what);
	if (p->wait >= 0)
		l->retry_after =
		    p->wait / NSEC_PER_SEC + (p->wait % NSEC_PER_SEC > 0);
	if (work_file_put(&w->file, l, &err))
		work_stop(w, "the retry file", &err);
}

static void
put_member_line(struct work *w, struct work_parent *parent,
    const struct work_item *i, struct str url, struct str destination,
    const struct trouble *p)
{
	struct work_item member = { .op = i->op,
		.url = url,
		.destination = destination,
		.lock_token = i->lock_token,
		.keep = i->keep,
		.recursive = i->recursive };
	char id[24], of[24];
	struct retry_line l;

	if (work_file_line(&w->item, &member, &l, NULL)) {
		work_stop(w, "", NULL);
		return;
	}
	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)++w->ids);
	(void)snprintf(of, sizeof(of), "%llu", (unsigned long long)parent->id);
	l.id = str_from_c(id);
	if (!strcmp(i->op, "delete"))
		l.member_of = str_from_c(of);
	put_line(w, &l, p);
}

/* Whether the operation can be sent again for one member alone. */
static bool
has_members(const char *op)
{
	return !strcmp(op, "delete") || !strcmp(op, "copy") ||
	    !strcmp(op, "move");
}

static bool
is_proven(const struct outcome *o)
{
	size_t i;

	for (i = 0; i < o->n_propstats; i++)
		if (o->propstats[i].status < 200 ||
		    o->propstats[i].status >= 300)
			return false;
	return o->status >= 200 && o->status < 300 && o->status != 202 &&
	    o->status != 207 && !(o->told && o->told->partial);
}

static bool
is_itself(const struct work_item *i, struct str href)
{
	struct url a, b;

	return !url_parse(i->url, &a, NULL) && !url_parse(href, &b, NULL) &&
	    url_same(&a, &b);
}

/* Keeps what the 207 says of the item itself until work_done(). */
static void
keep_self(struct work *w, struct work_parent *p, const struct trouble *t)
{
	p->self = true;
	p->status = t->status;
	buf_clear(&p->error);
	buf_put(&p->error, t->error);
	buf_clear(&p->text);
	buf_put(&p->text, t->text);
	if (buf_failed(&p->error) || buf_failed(&p->text))
		work_stop(w, "", NULL);
}

/* The verdict with what the 207 says of the item itself. */
static struct verdict
with_self(const struct verdict *v, const struct work_parent *p)
{
	struct verdict out = *v;

	if (!p || !p->self || v->fate == FATE_DONE)
		return out;
	if (!out.status || out.status == 207)
		out.status = p->status;
	if (!out.error.len)
		out.error = buf_str(&p->error);
	if (!out.text.len)
		out.text = buf_str(&p->text);
	return out;
}

void
work_member(struct work *w, const struct work_item *parent,
    const struct outcome *member)
{
	struct str url = member->told ? member->told->href : member->path.s;
	struct str from, to;
	struct work_parent *p;
	struct trouble trouble;

	if (is_proven(member))
		return;
	p = parent_for(w, parent);
	if (!p) {
		work_stop(w, "", NULL);
		return;
	}
	trouble = trouble_of(parent->op, member);
	if (!member->n_propstats && is_itself(parent, url)) {
		keep_self(w, p, &trouble);
		arena_clear(&w->item);
		return;
	}
	p->n++;
	w->members++;
	work_say_member(w, p, parent, url, member);
	if (parent->operation.len || !has_members(parent->op) ||
	    !work_member_urls(&w->item, parent, url, &from, &to))
		p->unmapped = true;
	else if (for_retry(w, parent->op))
		put_member_line(w, p, parent, from, to, &trouble);
	arena_clear(&w->item);
}

/*
 * Whether the item itself is left to do, beside its members.  Where only
 * members of a COPY or MOVE failed, it is not; a DELETE has to follow those of
 * its members.
 */
static bool
item_is_left(const struct work_item *i, const struct verdict *v,
    const struct work_parent *p)
{
	return v->fate != FATE_PARTIAL || !p || p->unmapped || p->self ||
	    !strcmp(i->op, "delete");
}

/* Puts the line of an operation of a batch, as it stands there. */
static void
put_operation_line(
    struct work *w, const struct work_item *i, const struct verdict *v)
{
	struct trouble trouble = work_trouble(i, v);
	struct retry_line l = { .id = i->id,
		.op = str_from_c(i->op),
		.url = i->url,
		.key = i->key,
		.operation = i->operation,
		.source = i->source,
		.retry_after = -1 };

	put_line(w, &l, &trouble);
}

static void
put_item_line(struct work *w, const struct work_item *i,
    const struct verdict *v, const struct work_parent *p)
{
	struct trouble trouble = work_trouble(i, v);
	struct retry_line l;
	char id[24];

	if (i->operation.len) {
		put_operation_line(w, i, v);
		return;
	}
	if (work_file_line(&w->item, i, &l, NULL)) {
		work_stop(w, "", NULL);
		return;
	}
	(void)snprintf(
	    id, sizeof(id), "%llu", (unsigned long long)(p ? p->id : ++w->ids));
	l.id = str_from_c(id);
	put_line(w, &l, &trouble);
}

void
work_done(struct work *w, const struct work_item *i, const struct verdict *v)
{
	struct work_parent **at = find_parent(w, i);
	struct work_parent *p = *at;
	struct verdict whole = with_self(v, p);

	exit_add(&w->facts, whole.fate, whole.blame);
	w->replayed += i->replayed;
	w->bytes += i->bytes;
	w->bar.items_done++;
	w->retryable += whole.fate != FATE_DONE && whole.retryable;
	work_say_item(w, i, &whole, p);
	flush_if_long(w);
	if (whole.fate != FATE_DONE && !i->kept && for_retry(w, i->op) &&
	    item_is_left(i, &whole, p))
		put_item_line(w, i, &whole, p);
	if (p)
		*at = p->next;
	parent_free(p);
	arena_clear(&w->item);
	work_bar_draw(&w->bar, clock_monotonic());
}

/* ---- begin and end */

/* Who it was done as: --user, or the name in front of the host of a URL. */
static void
find_user(struct work *w)
{
	const struct options *o = w->o;
	struct url u;
	size_t i;

	buf_put(&w->user, str_from_c(o->user));
	for (i = 0; !w->user.len && i < o->n_operands; i++)
		if (!url_parse(str_from_c(o->operands[i]), &u, NULL) &&
		    str_find(u.user, ':') == u.user.len)
			url_put_decoded(&w->user, u.user);
}

enum err_code
work_new(const struct options *o, const char *command, struct work **out,
    struct err *err)
{
	struct work *w = calloc(1, sizeof(*w));
	enum err_code rc;

	*out = NULL;
	if (!w)
		return err_nomem(err);
	w->o = o;
	w->json = o->json;
	w->quiet = o->quiet;
	w->verbose = o->verbose;
	w->out_is_terminal = isatty(STDOUT_FILENO) == 1;
	w->watch = (struct client_watch){ stop, w };
	buf_put(&w->command, str_from_c(command));
	work_bar_init(&w->bar, !w->quiet && isatty(STDERR_FILENO) == 1);
	work_file_init(&w->file, o->failed_out);
	w->file.header.command = buf_str(&w->command);
	find_user(w);
	w->file.header.user = buf_str(&w->user);
	/* A pipe that nobody reads is a failed write, and does not end us. */
	(void)signal(SIGPIPE, SIG_IGN);
	rc = buf_failed(&w->command) || buf_failed(&w->user)
	    ? err_nomem(err)
	    : work_signals_init(&w->signals, err);
	if (!rc && o->failed_out && !o->dry_run)
		rc = work_file_open(&w->file, err);
	if (rc) {
		work_free(w);
		return rc;
	}
	*out = w;
	return ERR_OK;
}

int
work_end(struct work *w)
{
	struct err err = { 0 };
	int code;

	if (!w)
		return EXIT_CANNOT;
	poll_signals(w);
	work_bar_erase(&w->bar);
	w->bar.on = false;
	if (work_file_close(&w->file, &err) && *err.why)
		work_stop(w, "the retry file", &err);
	code = (int)exit_code_of(&w->facts);
	work_say_summary(w, code);
	work_flush(w);
	return w->out_failed ? (int)exit_code_of(&w->facts) : code;
}

void
work_free(struct work *w)
{
	struct work_parent *p;

	if (!w)
		return;
	while ((p = w->parents)) {
		w->parents = p->next;
		parent_free(p);
	}
	work_bar_erase(&w->bar);
	work_file_done(&w->file);
	work_signals_done(&w->signals);
	arena_done(&w->item);
	buf_done(&w->out);
	buf_done(&w->command);
	buf_done(&w->user);
	free(w);
}
