/* SPDX-License-Identifier: MIT */
#include "lib/reply_mem.h"

#include "lib/test.h"

static struct reply_mem *
from_reply(struct reply *r)
{
	return CONTAINER_OF(r, struct reply_mem, base);
}

static enum err_code
mem_header(struct reply *base, struct str name, struct str value)
{
	struct reply_mem *r = from_reply(base);

	assert_true(name.len);
	assert_int_equal(str_find(value, '\n'), value.len);
	buf_put(&r->headers, name);
	BUF_LIT(&r->headers, ": ");
	buf_put(&r->headers, value);
	buf_putc(&r->headers, '\n');
	return buf_failed(&r->headers);
}

static enum err_code
mem_stream(struct reply *base, unsigned status, struct ostream **out)
{
	struct reply_mem *r = from_reply(base);

	(void)status;
	r->streamed = true;
	*out = &r->stream;
	return ERR_OK;
}

static enum err_code
mem_content(struct reply *base, unsigned status, struct content *c,
    const struct segment *segs, size_t n)
{
	struct reply_mem *r = from_reply(base);
	enum err_code rc = ERR_OK;
	size_t i;

	(void)status;
	for (i = 0; i < n && !rc; i++) {
		size_t got = 0;
		char *to;

		if (segs[i].text.ptr) {
			buf_put(&r->body, segs[i].text);
			continue;
		}
		to = buf_room(&r->body, (size_t)segs[i].length);
		if (to)
			rc = content_read(c, segs[i].offset, to,
			    (size_t)segs[i].length, &got, NULL);
		r->body.len += got;
	}
	content_free(c);
	if (!rc)
		rc = buf_failed(&r->body);
	if (rc)
		buf_clear(&r->body);
	r->ended = !rc;
	return rc;
}

static enum err_code
mem_empty(struct reply *base, unsigned status)
{
	(void)status;
	from_reply(base)->ended = true;
	return ERR_OK;
}

static void
mem_forget(struct reply *base)
{
	buf_clear(&from_reply(base)->headers);
}

static enum err_code
stream_write(struct ostream *o, struct str bytes)
{
	struct reply_mem *r = CONTAINER_OF(o, struct reply_mem, stream);

	assert_false(r->ended);
	return ostream_write(&r->to_body.base, bytes);
}

static enum err_code
stream_flush(struct ostream *o)
{
	struct reply_mem *r = CONTAINER_OF(o, struct reply_mem, stream);

	assert_false(r->ended);
	r->flushed = r->body.len;
	return ERR_OK;
}

static enum err_code
stream_end(struct ostream *o)
{
	struct reply_mem *r = CONTAINER_OF(o, struct reply_mem, stream);

	assert_false(r->ended);
	r->ended = true;
	return ERR_OK;
}

static enum err_code
mem_outcomes(struct reply *base, unsigned status, struct sink **out)
{
	struct reply_mem *r = from_reply(base);

	assert_int_equal(status, 207);
	*out = r->outcomes;
	r->ended = true;
	return ERR_OK;
}

struct reply *
reply_mem_init(struct reply_mem *r)
{
	return reply_mem_init_with(r, NULL);
}

struct reply *
reply_mem_init_with(struct reply_mem *r, struct sink *outcomes)
{
	static const struct reply_ops ops = {
		.header = mem_header,
		.stream = mem_stream,
		.content = mem_content,
		.empty = mem_empty,
		.forget = mem_forget,
	};
	static const struct reply_ops with_outcomes = {
		.header = mem_header,
		.stream = mem_stream,
		.content = mem_content,
		.outcomes = mem_outcomes,
		.empty = mem_empty,
		.forget = mem_forget,
	};
	static const struct ostream_ops stream_ops = {
		.name = "reply",
		.write = stream_write,
		.flush = stream_flush,
		.end = stream_end,
	};

	*r = (struct reply_mem){ .outcomes = outcomes };
	reply_init(&r->base, outcomes ? &with_outcomes : &ops);
	ostream_init(&r->stream, &stream_ops);
	(void)buf_ostream_init(&r->to_body, &r->body);
	return &r->base;
}

void
reply_mem_done(struct reply_mem *r)
{
	buf_done(&r->headers);
	buf_done(&r->body);
}

/* The value of the next header of that name in *rest. */
static bool
next_header(struct str *rest, struct str name, struct str *value)
{
	struct str line;

	while (str_cut(rest, '\n', &line)) {
		size_t colon = str_find(line, ':');

		if (!str_eq_nocase(str_head(line, colon), name))
			continue;
		*value = str_trim(str_skip(line, colon + 1));
		return true;
	}
	return false;
}

struct str
reply_mem_header(const struct reply_mem *r, struct str name)
{
	struct str rest = buf_str(&r->headers);
	struct str value = { 0 };

	if (rest.len)
		(void)next_header(&rest, name, &value);
	return value;
}

unsigned
reply_mem_count(const struct reply_mem *r, struct str name)
{
	struct str rest = buf_str(&r->headers);
	struct str value;
	unsigned n = 0;

	while (rest.len && next_header(&rest, name, &value))
		n++;
	return n;
}
