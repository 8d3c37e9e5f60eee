/* SPDX-License-Identifier: MIT */
#include "wire/saved.h"

#include <stdlib.h>

#include "wire/saved_impl.h"

/* White space in front of an archive's first name. */
#define MOST_SPACE ((size_t)4096)

struct saved {
	struct ostream stream;
	const struct saved_events *events;
	void *arg;
	struct buf held; /* until it is known what it is */
	bool known;
	struct saved_form *form; /* NULL: the bare body */
};

enum guess { GUESS_MORE, GUESS_BARE, GUESS_HTTP, GUESS_HAR };

/* Whether s begins with the word, or is yet too short to say. */
static enum guess
begins(struct str s, struct str word, enum guess then)
{
	if (str_starts(s, word))
		return then;
	return str_starts(word, s) ? GUESS_MORE : GUESS_BARE;
}

static struct str
skip_space(struct str s)
{
	while (s.len && strchr(" \t\r\n", s.ptr[0]) && s.ptr[0])
		s = str_skip(s, 1);
	return s;
}

/* {"log": ... */
static enum guess
guess_har(struct str s)
{
	const struct str mark = STR("\xef\xbb\xbf");

	if (str_starts(s, mark))
		s = str_skip(s, mark.len);
	else if (str_starts(mark, s))
		return GUESS_MORE;
	s = skip_space(s);
	if (!s.len)
		return GUESS_MORE;
	if (s.ptr[0] != '{')
		return GUESS_BARE;
	return begins(skip_space(str_skip(s, 1)), STR("\"log\""), GUESS_HAR);
}

static enum guess
guess(struct str held, bool last)
{
	enum guess g = begins(held, STR("HTTP/"), GUESS_HTTP);

	if (g == GUESS_BARE)
		g = guess_har(held);
	if (g == GUESS_MORE && (last || held.len > MOST_SPACE))
		g = GUESS_BARE;
	return g;
}

static enum err_code
start(struct saved *s, enum guess g, struct err *err)
{
	const struct answer_head none = { 0 };

	s->known = true;
	if (g == GUESS_HTTP)
		return saved_http_new(s->events, s->arg, &s->form, err);
	if (g == GUESS_HAR)
		return saved_har_new(s->events, s->arg, &s->form, err);
	return s->events->begin(s->arg, &none, err);
}

static enum err_code
feed(struct saved *s, struct str bytes, struct err *err)
{
	if (!bytes.len)
		return ERR_OK;
	if (s->form)
		return s->form->ops->feed(s->form, bytes, err);
	return s->events->body(s->arg, bytes, err);
}

/* Once it is known what it is, what was held is fed. */
static enum err_code
decide(struct saved *s, bool last, struct err *err)
{
	enum guess g = guess(buf_str(&s->held), last);
	enum err_code rc;

	if (g == GUESS_MORE)
		return ERR_OK;
	rc = start(s, g, err);
	if (!rc)
		rc = feed(s, buf_str(&s->held), err);
	buf_done(&s->held);
	return rc;
}

static enum err_code
saved_write(struct ostream *o, struct str bytes)
{
	struct saved *s = CONTAINER_OF(o, struct saved, stream);

	if (s->known)
		return feed(s, bytes, &o->err);
	buf_put(&s->held, bytes);
	if (buf_failed(&s->held))
		return err_nomem(&o->err);
	return decide(s, false, &o->err);
}

static const struct ostream_ops saved_ops = {
	.name = "saved answer",
	.write = saved_write,
};

enum err_code
saved_new(const struct saved_events *events, void *arg, struct saved **out,
    struct err *err)
{
	struct saved *s = calloc(1, sizeof(*s));

	if (!s)
		return err_nomem(err);
	ostream_init(&s->stream, &saved_ops);
	s->events = events;
	s->arg = arg;
	*out = s;
	return ERR_OK;
}

struct ostream *
saved_stream(struct saved *s)
{
	return &s->stream;
}

enum err_code
saved_end(struct saved *s, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (s->stream.err.code) {
		if (err)
			*err = s->stream.err;
		return s->stream.err.code;
	}
	if (!s->known)
		rc = decide(s, true, err);
	if (rc)
		return rc;
	if (s->form)
		return s->form->ops->end(s->form, err);
	return s->events->end(s->arg, false, err);
}

void
saved_free(struct saved *s)
{
	if (!s)
		return;
	if (s->form)
		s->form->ops->free(s->form);
	buf_done(&s->held);
	free(s);
}
