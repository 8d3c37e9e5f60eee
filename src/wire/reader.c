/* SPDX-License-Identifier: MIT */
#include "wire/reader.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "wire/reader_impl.h"

/* Bytes that are held to tell the shape; more of one object is JSON. */
#define HELD_MAX ((size_t)1 << 20)

const struct reader_limits reader_default_limits = {
	.bytes = 0,
	.item = (size_t)4 << 20,
	.depth = 64,
};

void
reader_form_init(
    struct reader_form *f, const struct reader_form_ops *ops, struct reader *r)
{
	assert(ops->name);
	assert(ops->feed && ops->end && ops->place && ops->free);
	*f = (struct reader_form){ .ops = ops, .reader = r };
}

enum err_code
reader_put(struct reader *r, const struct outcome *o, struct err *err)
{
	enum err_code rc;

	assert(o->told);
	summary_add(&r->reading.read, o);
	rc = sink_put(r->to, o);
	if (rc)
		return err_set(
		    err, rc, "%s: %s", r->to->ops->name, err_text(rc));
	return ERR_OK;
}

static enum err_code
make_form(struct reader *r, struct err *err)
{
	switch (r->reading.shape) {
	case SHAPE_XML:
		return reader_xml_new(r, &r->form, err);
	case SHAPE_JSON:
	case SHAPE_NDJSON:
	case SHAPE_JSON_SEQ:
		return reader_json_new(r, &r->form, err);
	case SHAPE_UNKNOWN:
		break;
	}
	return err_tell(err, ERR_BAD_ANSWER,
	    "line 1, column 1: this is neither XML nor JSON");
}

static enum err_code
feed(struct reader *r, struct str bytes, struct err *err)
{
	enum err_code rc = r->form->ops->feed(r->form, bytes, err);

	r->form_failed = rc != ERR_OK;
	return rc;
}

/* Makes the form, now that the shape is known, and feeds it the first bytes. */
static enum err_code
feed_held(struct reader *r, struct err *err)
{
	enum err_code rc = buf_failed(&r->held);

	if (rc)
		return err_nomem(err);
	rc = make_form(r, err);
	if (!rc)
		rc = feed(r, buf_str(&r->held), err);
	buf_done(&r->held);
	return rc;
}

static enum err_code
hold(struct reader *r, struct str bytes, struct err *err)
{
	size_t most = r->limits.item < HELD_MAX ? r->limits.item : HELD_MAX;

	buf_put(&r->held, bytes);
	if (!sniff(&r->sniffer, buf_str(&r->held), r->held.len > most,
		&r->reading.shape))
		return buf_failed(&r->held) ? err_nomem(err) : ERR_OK;
	return feed_held(r, err);
}

/* As many of the bytes as are within the limit. */
static struct str
within_limit(const struct reader *r, struct str bytes)
{
	uint64_t left = r->limits.bytes - r->reading.bytes;

	if (!r->limits.bytes || bytes.len <= left)
		return bytes;
	return str_head(bytes, (size_t)left);
}

/* What comes before the limit of bytes is read; the rest is dropped. */
static enum err_code
reader_write(struct ostream *o, struct str bytes)
{
	struct reader *r = CONTAINER_OF(o, struct reader, stream);
	struct str fits = within_limit(r, bytes);
	enum err_code rc = ERR_OK;

	r->reading.bytes += fits.len;
	if (r->form)
		rc = feed(r, fits, &o->err);
	else
		rc = hold(r, fits, &o->err);
	if (!rc && fits.len < bytes.len)
		return err_set(&o->err, ERR_TOO_LARGE,
		    "the answer is over %" PRIu64 " bytes", r->limits.bytes);
	return rc;
}

static const struct ostream_ops reader_stream_ops = {
	.name = "207 reader",
	.write = reader_write,
};

/* Problem details are no 207, whatever the status: they name no items. */
static void
refuse_problem(struct reader *r)
{
	(void)err_tell(&r->stream.err, ERR_BAD_ANSWER,
	    "line 1, column 1: a problem (RFC 9457), not a multistatus");
	r->form_failed = true;
}

enum err_code
reader_new(const struct reader_spec *spec, struct sink *to, struct reader **out,
    struct err *err)
{
	struct reader *r = calloc(1, sizeof(*r));
	enum err_code rc = ERR_OK;

	if (!r)
		return err_nomem(err);
	ostream_init(&r->stream, &reader_stream_ops);
	r->limits = spec->limits ? *spec->limits : reader_default_limits;
	r->to = to;
	r->reading.shape = shape_of_type(spec->content_type);
	r->reading.line = 1;
	r->reading.column = 1;
	if (type_is_problem(spec->content_type))
		refuse_problem(r);
	else if (r->reading.shape != SHAPE_UNKNOWN)
		rc = make_form(r, err);
	if (rc) {
		reader_free(r);
		return rc;
	}
	*out = r;
	return ERR_OK;
}

struct ostream *
reader_stream(struct reader *r)
{
	return &r->stream;
}

/* Has the form put what it still holds, or say what is missing. */
static enum err_code
end_form(struct reader *r, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (!r->form && !r->form_failed && !r->stream.err.code &&
	    sniff(&r->sniffer, buf_str(&r->held), true, &r->reading.shape))
		rc = feed_held(r, err);
	if (rc || !r->form || r->form_failed)
		return rc;
	return r->form->ops->end(r->form, err);
}

/* Sets the reading's failure, with the place in front. */
static void
tell_place(struct reader *r, enum err_code code, const char *what)
{
	(void)err_tell(&r->reading.err, code,
	    "line %" PRIu64 ", column %" PRIu64 ": %s", r->reading.line,
	    r->reading.column, what);
}

/* Sets how the answer ended; rc, err: what the form said at its end. */
static void
judge(struct reader *r, bool cut, enum err_code rc, const struct err *err)
{
	struct reading *out = &r->reading;

	if (r->form)
		r->form->ops->place(r->form, &out->line, &out->column);
	out->end = rc;
	out->err = *err;
	if (r->stream.err.code) {
		out->end = r->stream.err.code;
		out->err = r->stream.err;
		if (!r->form_failed && !out->err.tell[0])
			tell_place(r, out->end, r->stream.err.why);
	} else if (!out->bytes && !cut) {
		out->end = ERR_BAD_ANSWER;
		tell_place(r, out->end, "there is no body");
	} else if (cut && rc != ERR_BAD_ANSWER && rc != ERR_TOO_LARGE) {
		out->end = ERR_CUT_SHORT;
		tell_place(r, out->end, "the connection broke here");
	}
}

/* A failure that is not the answer's: the sink's, or want of memory. */
static enum err_code
failed_here(struct reader *r, enum err_code rc)
{
	if (r->to->failed)
		return r->to->failed;
	if (rc == ERR_NOMEM || r->stream.err.code == ERR_NOMEM)
		return ERR_NOMEM;
	return ERR_OK;
}

enum err_code
reader_end(struct reader *r, bool cut, struct reading *out, struct err *err)
{
	struct err at_end = { 0 };
	enum err_code rc = end_form(r, &at_end);
	enum err_code here = failed_here(r, rc);

	if (!here)
		here = sink_end(r->to);
	if (here)
		return err_set(err, here, "reading a 207: %s", err_text(here));
	judge(r, cut, rc, &at_end);
	*out = r->reading;
	return ERR_OK;
}

void
reader_free(struct reader *r)
{
	if (!r)
		return;
	if (r->form)
		r->form->ops->free(r->form);
	buf_done(&r->held);
	free(r);
}
