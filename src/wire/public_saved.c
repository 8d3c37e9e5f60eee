/* SPDX-License-Identifier: MIT */
/* The public reader of saved answers (include/sheaf/saved.h). */
#include "sheaf/saved.h"

#include <stdlib.h>

#include "outcome/public.h"
#include "wire/public_outcome.h"
#include "wire/saved.h"

struct sheaf_saved {
	struct saved *saved;
	struct sheaf_saved_events events;
	void *arg;
	struct sheaf_reader_options options;
	struct arena kept; /* options.content_type */
	struct sheaf_reader *reader; /* of the answer in hand, or NULL */
	struct arena arena; /* the head in hand */
	enum sheaf_result worst;
	enum sheaf_result failed; /* what ended it */
	struct err err;
	bool ended;
};

/* What the program is told, when reading on is no use. */
static enum err_code
give_up(struct sheaf_saved *s, enum sheaf_result why)
{
	s->failed = why;
	return why == SHEAF_NOMEM ? ERR_NOMEM : ERR_CANCELLED;
}

static bool
copy_head(
    struct sheaf_saved *s, const struct answer_head *h, struct sheaf_head *out)
{
	struct str again;

	/* One that contradicts itself says nothing. */
	if (headers_one(&h->fields, STR("retry-after"), &again, NULL))
		again = STR("");
	arena_clear(&s->arena);
	out->status = h->status;
	out->method = public_text(&s->arena, h->method);
	out->url = public_text(&s->arena, h->url);
	out->content_type = public_text(&s->arena, h->content_type);
	out->retry_after = public_text(&s->arena, again);
	return out->method && out->url && out->content_type && out->retry_after;
}

static enum err_code
on_begin(void *arg, const struct answer_head *h, struct err *err)
{
	struct sheaf_saved *s = arg;
	struct sheaf_reader_options o = s->options;
	enum sheaf_result rc;
	struct sheaf_head head;

	(void)err;
	if (!copy_head(s, h, &head))
		return give_up(s, SHEAF_NOMEM);
	if (s->events.begin && s->events.begin(s->arg, &head))
		return give_up(s, SHEAF_STOPPED);
	if (*head.content_type)
		o.content_type = head.content_type;
	rc = sheaf_reader_new(&o, s->events.item, s->arg, &s->reader);
	return rc ? give_up(s, rc) : ERR_OK;
}

static enum err_code
on_body(void *arg, struct str bytes, struct err *err)
{
	struct sheaf_saved *s = arg;
	enum sheaf_result rc =
	    sheaf_reader_feed(s->reader, bytes.ptr, bytes.len);

	(void)err;
	/* What is wrong with one answer is no failure of the others. */
	if (rc == SHEAF_NOMEM || rc == SHEAF_STOPPED)
		return give_up(s, rc);
	return ERR_OK;
}

static enum err_code
on_end(void *arg, bool cut, struct err *err)
{
	struct sheaf_saved *s = arg;
	struct sheaf_answer *a;
	enum sheaf_result rc = sheaf_reader_end(s->reader, cut, &a);
	int stop = 0;

	(void)err;
	sheaf_reader_free(s->reader);
	s->reader = NULL;
	if (a && s->events.end)
		stop = s->events.end(s->arg, a);
	sheaf_answer_free(a);
	if (rc == SHEAF_NOMEM || rc == SHEAF_STOPPED)
		return give_up(s, rc);
	if (rc > s->worst)
		s->worst = rc;
	return stop ? give_up(s, SHEAF_STOPPED) : ERR_OK;
}

static const struct saved_events saved_events = {
	.begin = on_begin,
	.body = on_body,
	.end = on_end,
};

static enum sheaf_result
fill(struct sheaf_saved *s, const struct sheaf_reader_options *options,
    const struct sheaf_saved_events *events)
{
	struct reader_limits limits;

	if (!reader_options(options, &s->options, &limits) ||
	    (events && !public_struct(events, &s->events, sizeof(*events))))
		return SHEAF_INVALID;
	s->options.content_type =
	    public_text(&s->kept, str_from_c(s->options.content_type));
	if (!s->options.content_type ||
	    saved_new(&saved_events, s, &s->saved, NULL))
		return SHEAF_NOMEM;
	return SHEAF_OK;
}

enum sheaf_result
sheaf_saved_new(const struct sheaf_reader_options *options,
    const struct sheaf_saved_events *events, void *arg,
    struct sheaf_saved **out)
{
	struct sheaf_saved *s = calloc(1, sizeof(*s));
	enum sheaf_result rc;

	*out = NULL;
	if (!s)
		return SHEAF_NOMEM;
	s->arg = arg;
	rc = fill(s, options, events);
	if (rc)
		sheaf_saved_free(s);
	else
		*out = s;
	return rc;
}

void
sheaf_saved_free(struct sheaf_saved *saved)
{
	if (!saved)
		return;
	saved_free(saved->saved);
	sheaf_reader_free(saved->reader);
	arena_done(&saved->arena);
	arena_done(&saved->kept);
	free(saved);
}

/* What the program stopped, or what there was no memory for, comes first. */
static enum sheaf_result
result_of(const struct sheaf_saved *s, enum err_code rc)
{
	return s->failed ? s->failed : public_result(rc);
}

enum sheaf_result
sheaf_saved_feed(struct sheaf_saved *saved, const void *bytes, size_t n)
{
	struct ostream *to = saved_stream(saved->saved);

	if (saved->ended)
		return SHEAF_INVALID;
	if (ostream_write(to, str_of(bytes, n)))
		saved->err = to->err;
	return result_of(saved, to->err.code);
}

enum sheaf_result
sheaf_saved_end(struct sheaf_saved *saved)
{
	enum sheaf_result rc;

	if (saved->ended)
		return SHEAF_INVALID;
	saved->ended = true;
	rc = result_of(saved, saved_end(saved->saved, &saved->err));
	return rc ? rc : saved->worst;
}

const char *
sheaf_saved_message(const struct sheaf_saved *saved)
{
	const struct err *err = &saved->err;

	if (saved->failed)
		return sheaf_result_text(saved->failed);
	return err->tell[0] ? err->tell : err->code ? err_text(err->code) : "";
}
