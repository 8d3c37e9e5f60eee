/* SPDX-License-Identifier: MIT */
/*
 * Makes operations of what a saved 207 says has failed.  A member is sent again
 * only if it is within what the request was about.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/retry_impl.h"
#include "cmd/work_impl.h"
#include "outcome/retry.h"

struct saving {
	struct sink base;
	struct retrying *r;
	struct reader *reader;
	bool skip; /* it is not a 207, but a redirect, say */
	struct buf method, url, destination;
	char op[16];
	struct url base_url;
	struct arena a; /* of a member */
	uint64_t answers;
};

/* Finds the operation of the method, if it can be sent for members alone. */
static bool
set_op(struct saving *s, struct err *err)
{
	static const struct {
		const char *method, *op;
	} rows[] = { { "DELETE", "delete" }, { "COPY", "copy" },
		{ "MOVE", "move" }, { "PROPFIND", "propfind" } };
	struct str m = buf_str(&s->method);
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(m, str_from_c(rows[i].method))) {
			(void)snprintf(s->op, sizeof(s->op), "%s", rows[i].op);
			return true;
		}
	if (!m.len)
		(void)err_set(err, ERR_BAD_REQUEST,
		    "it does not say what it is the answer to: say --method "
		    "and --url");
	else
		(void)err_set(err, ERR_BAD_REQUEST,
		    "a %.*s cannot be sent again from its answer, which does "
		    "not hold what was sent: run it again",
		    STR_ARG(m));
	return false;
}

static enum err_code
check(struct saving *s, struct err *err)
{
	bool two;

	if (!set_op(s, err))
		return ERR_BAD_REQUEST;
	if (!s->url.len)
		return err_set(err, ERR_BAD_REQUEST,
		    "it does not say which URL was asked: say --url");
	if (url_parse(buf_str(&s->url), &s->base_url, err))
		return err_set(err, ERR_BAD_REQUEST, "%.*s is no URL: %s",
		    STR_ARG(buf_str(&s->url)),
		    err && *err->tell ? err->tell : "");
	two = !strcmp(s->op, "copy") || !strcmp(s->op, "move");
	if (two && !s->destination.len)
		return err_set(err, ERR_BAD_REQUEST,
		    "to send a %.*s again its destination has to be known: "
		    "say --destination",
		    STR_ARG(buf_str(&s->method)));
	return ERR_OK;
}

static struct work_item
item_of(const struct saving *s)
{
	return (struct work_item){ .op = s->op,
		.url = buf_str(&s->url),
		.destination = buf_str(&s->destination),
		.recursive = true };
}

/* Tells of the request as a whole that what became of it is not known. */
static void
tell_whole(struct saving *s, enum blame blame, const char *text)
{
	struct work_item item = item_of(s);
	struct verdict v = { .fate = FATE_UNKNOWN,
		.blame = blame,
		.status = 207,
		.wait = -1,
		.text = str_from_c(text) };

	work_done(s->r->f.work, &item, &v);
}

static const char *
fate_of(const struct outcome *o)
{
	if (o->told && o->told->partial)
		return "partial";
	return o->status < 200 || o->status == 202 || o->status == 207
	    ? "unknown"
	    : "failed";
}

static bool
succeeded(const struct outcome *o)
{
	return !outcome_is_failure(o) && !outcome_refused(o) &&
	    o->status >= 200 && o->status < 300 && o->status != 202;
}

static void
fill_line(const struct saving *s, const struct outcome *o, struct retry_line *l)
{
	int64_t ns;

	l->op = str_from_c(s->op);
	/* DELETE was to remove everything, and so each member with all in it.
	 */
	l->recursive = !strcmp(s->op, "delete") || str_ends(l->url, STR("/"));
	l->fate = str_from_c(fate_of(o));
	l->status = o->status;
	l->error = o->tell;
	l->retry_after = -1;
	if (o->told &&
	    retry_after_parse(o->told->retry_after, clock_now(), &ns))
		l->retry_after = ns / NSEC_PER_SEC;
}

static void
take_failed(struct saving *s, const struct outcome *o)
{
	struct work_item whole = item_of(s);
	struct retry_line l = { 0 };
	struct str href;

	if (!o->told || !o->told->href.len ||
	    url_resolve(&s->a, &s->base_url, o->told->href, &href, NULL) ||
	    !work_member_urls(&s->a, &whole, href, &l.url, &l.destination)) {
		tell_whole(s, BLAME_PROTOCOL,
		    "it names a resource that is not within what was asked "
		    "for, which is not touched");
		return;
	}
	fill_line(s, o, &l);
	retry_add(s->r, &l);
}

static enum err_code
saving_put(struct sink *base, const struct outcome *o)
{
	struct saving *s = CONTAINER_OF(base, struct saving, base);

	if (!succeeded(o))
		take_failed(s, o);
	arena_clear(&s->a);
	return work_interrupted(s->r->f.work) ? ERR_CANCELLED : ERR_OK;
}

static void
set(struct buf *b, struct str s, const char *instead)
{
	buf_clear(b);
	buf_put(b, s.len ? s : str_from_c(instead));
}

static enum err_code
saving_begin(void *arg, const struct answer_head *h, struct err *err)
{
	struct saving *s = arg;
	const struct options *o = &s->r->f.o;
	struct reader_spec spec = { .content_type = h->content_type };
	enum err_code rc;

	reader_free(s->reader);
	s->reader = NULL;
	s->skip = h->status && h->status != 207;
	if (s->skip)
		return ERR_OK;
	set(&s->method, h->method, o->method);
	set(&s->url, h->url, o->url);
	set(&s->destination, (struct str){ 0 }, o->destination);
	if (buf_failed(&s->method) || buf_failed(&s->url) ||
	    buf_failed(&s->destination))
		return err_nomem(err);
	rc = check(s, err);
	s->answers++;
	return rc ? rc : reader_new(&spec, &s->base, &s->reader, err);
}

static enum err_code
saving_body(void *arg, struct str bytes, struct err *err)
{
	struct saving *s = arg;

	(void)err;
	if (!s->skip)
		(void)ostream_write(reader_stream(s->reader), bytes);
	return ERR_OK;
}

static enum err_code
saving_end(void *arg, bool cut, struct err *err)
{
	struct saving *s = arg;
	struct reading reading;
	enum err_code rc;

	if (s->skip)
		return ERR_OK;
	rc = reader_end(s->reader, cut, &reading, err);
	if (rc)
		return rc;
	if (reading.end == ERR_CUT_SHORT)
		tell_whole(s, BLAME_CUT,
		    "the answer was cut short: what it does not say is not "
		    "known");
	else if (reading.end)
		tell_whole(s, BLAME_PROTOCOL, "the answer is malformed");
	else if (reading.contradicts)
		tell_whole(s, BLAME_CUT, "the answer contradicts itself");
	retry_flush(s->r);
	return ERR_OK;
}

static void
saving_done(struct saving *s)
{
	reader_free(s->reader);
	arena_done(&s->a);
	buf_done(&s->method);
	buf_done(&s->url);
	buf_done(&s->destination);
}

void
retry_saved(struct retrying *r, int fd, struct str head)
{
	static const struct sink_ops ops = { .name = "retry",
		.put = saving_put };
	static const struct saved_events events = { saving_begin, saving_body,
		saving_end };
	struct saving s CLEANUP(saving_done) = { .r = r };
	struct saved *saved = NULL;
	struct err err = { 0 };
	enum err_code rc;

	sink_init(&s.base, &ops);
	rc = saved_new(&events, &s, &saved, &err);
	if (!rc) {
		(void)ostream_write(saved_stream(saved), head);
		rc = fd_pour(fd, saved_stream(saved), &err);
	}
	if (!rc)
		rc = saved_end(saved, &err);
	saved_free(saved);
	if (rc && rc != ERR_CANCELLED)
		retry_refuse(r, &err);
	else if (!rc && !s.answers) {
		(void)err_set(
		    &err, ERR_BAD_ANSWER, "neither a retry file nor a 207");
		retry_refuse(r, &err);
	}
}
