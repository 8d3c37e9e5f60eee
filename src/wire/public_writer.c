/* SPDX-License-Identifier: MIT */
/* The public writer (include/sheaf/writer.h) over wire/multistatus.h. */
#include <stdlib.h>

#include "http/status.h"
#include "outcome/public.h"
#include "sheaf/writer.h"
#include "wire/multistatus.h"
#include "wire/public_outcome.h"
#include "wire/public_reader.h"

struct sheaf_writer {
	struct ostream to; /* the program's function */
	sheaf_write_fn *write;
	void *arg;
	struct sink *sink;
	struct arena arena; /* of the item in hand */
	bool ended;
};

static enum err_code
writer_stream_write(struct ostream *o, struct str bytes)
{
	struct sheaf_writer *w = CONTAINER_OF(o, struct sheaf_writer, to);

	return w->write(w->arg, bytes.ptr, bytes.len) ? ERR_CANCELLED : ERR_OK;
}

static const struct ostream_ops writer_stream_ops = {
	.name = "program",
	.write = writer_stream_write,
};

enum sheaf_result
sheaf_writer_new(const struct sheaf_writer_options *options,
    sheaf_write_fn *write, void *arg, struct sheaf_writer **out)
{
	struct sheaf_writer_options o = SHEAF_WRITER_OPTIONS_INIT;
	struct multistatus_spec spec = { 0 };
	struct sheaf_writer *w;

	*out = NULL;
	if (options && !public_struct(options, &o, sizeof(o)))
		return SHEAF_INVALID;
	spec.form = private_form(o.form);
	spec.minimal = o.minimal;
	if (!write || spec.form == FORM_COUNT)
		return SHEAF_INVALID;
	w = calloc(1, sizeof(*w));
	if (!w)
		return SHEAF_NOMEM;
	ostream_init(&w->to, &writer_stream_ops);
	w->write = write;
	w->arg = arg;
	if (multistatus_new(&spec, &w->to, &w->sink, NULL)) {
		sheaf_writer_free(w);
		return SHEAF_NOMEM;
	}
	*out = w;
	return SHEAF_OK;
}

void
sheaf_writer_free(struct sheaf_writer *writer)
{
	if (!writer)
		return;
	multistatus_free(writer->sink);
	arena_done(&writer->arena);
	free(writer);
}

enum sheaf_result
sheaf_writer_put(
    struct sheaf_writer *writer, const struct sheaf_outcome *outcome)
{
	struct sheaf_outcome given = SHEAF_OUTCOME_INIT;
	struct told told;
	struct outcome o;

	if (writer->ended || !public_struct(outcome, &given, sizeof(given)) ||
	    given.status > 599 || (given.status && given.status < 100))
		return SHEAF_INVALID;
	arena_clear(&writer->arena);
	if (!private_outcome(&writer->arena, &given, &told, &o))
		return SHEAF_NOMEM;
	return public_result(sink_put(writer->sink, &o));
}

int
sheaf_writer_item(void *writer, const struct sheaf_outcome *outcome)
{
	return (int)sheaf_writer_put(writer, outcome);
}

enum sheaf_result
sheaf_writer_end(struct sheaf_writer *writer)
{
	if (writer->ended)
		return SHEAF_INVALID;
	writer->ended = true;
	return public_result(sink_end(writer->sink));
}

const char *
sheaf_form_media_type(enum sheaf_form form)
{
	enum form f = private_form(form);

	/* Literals, which end in NUL. */
	return f == FORM_COUNT ? "" : form_media_type(f).ptr;
}

enum sheaf_result
sheaf_convert_fd(const struct sheaf_reader_options *from, int fd,
    const struct sheaf_writer_options *to, sheaf_write_fn *write, void *arg,
    struct sheaf_answer **out)
{
	struct sheaf_writer *w;
	struct sheaf_reader *r;
	enum sheaf_result rc = sheaf_writer_new(to, write, arg, &w);
	enum sheaf_result ended;

	if (out)
		*out = NULL;
	if (rc)
		return rc;
	rc = public_reader_new(from, NULL, NULL, w->sink, &r);
	if (!rc) {
		rc = public_read_fd(r, fd, out);
		sheaf_reader_free(r);
	}
	/* The new document is ended only if the one that was read is whole. */
	if (rc == SHEAF_OK || rc == SHEAF_PARTIAL || rc == SHEAF_CONTRADICTS) {
		ended = sheaf_writer_end(w);
		rc = ended ? ended : rc;
	}
	sheaf_writer_free(w);
	return rc;
}
