/* SPDX-License-Identifier: MIT */
/*
 * An answer to PROPFIND and its like, of arbitrary bytes: it says the same
 * however the bytes come, a part of it says no more than the whole, and what
 * was read can be written and read again.
 */
#include "fuzz.h"

#include "lib/read_run.h"
#include "lib/xml_check.h"
#include "outcome/tee.h"
#include "wire/multistatus.h"

static const struct reader_limits limits = { .item = 2000, .depth = 12 };

/* Leaves out what the writer leaves out: propstats that do not decide. */
struct settled {
	struct sink base;
	struct sink *to;
};

static enum err_code
settled_put(struct sink *s, const struct outcome *o)
{
	struct settled *t = CONTAINER_OF(s, struct settled, base);
	struct outcome copy = *o;
	size_t i, k;

	if (o->status != outcome_propstats_status(o))
		copy.n_propstats = 0;
	for (i = 0; i < o->n_propstats; i++)
		for (k = 0; k < o->propstats[i].n_props; k++)
			if (o->propstats[i].props[k].form == PROP_XML)
				MUST(!xml_problem(
				    o->propstats[i].props[k].value));
	if (o->told->error.len)
		MUST(!xml_problem(o->told->error));
	MUST(o->told->line && o->told->column);
	return sink_put(t->to, &copy);
}

static enum err_code
settled_end(struct sink *s)
{
	return sink_end(CONTAINER_OF(s, struct settled, base)->to);
}

static const struct sink_ops settled_ops = {
	.name = "settled",
	.put = settled_put,
	.end = settled_end,
};

/* Reads into text and into a document of our own. */
static void
read_and_write(struct str body, struct buf *said, struct buf *document)
{
	const struct multistatus_spec form = { FORM_XML, STR(""), false };
	const struct reader_spec spec = { STR("text/xml"), &limits };
	struct settled settled;
	struct text_sink text;
	struct buf_ostream stream;
	struct reading reading;
	struct reader *r;
	struct sink *writer;
	struct tee tee;

	MUST(!multistatus_new(
	    &form, buf_ostream_init(&stream, document), &writer, NULL));
	settled.to = tee_init(&tee);
	sink_init(&settled.base, &settled_ops);
	tee_add(&tee, text_sink_init(&text, said), TEE_MUST);
	tee_add(&tee, writer, TEE_MUST);
	MUST(!reader_new(&spec, &settled.base, &r, NULL));
	(void)ostream_write(reader_stream(r), body);
	MUST(!reader_end(r, false, &reading, NULL));
	MUST(reading.read.success + reading.read.failed == reading.read.total);
	reader_free(r);
	multistatus_free(writer);
}

static void
check_again(struct str body)
{
	struct read_run again = { 0 };
	struct buf said = { 0 };
	struct buf document = { 0 };

	read_and_write(body, &said, &document);
	MUST(!xml_problem(buf_str(&document)));
	read_207(&again, buf_str(&document),
	    (struct read_how){ .type = "application/xml" });
	MUST(again.reading.end == ERR_OK);
	MUST(str_eq(buf_str(&again.said), buf_str(&said)));
	read_run_done(&again);
	buf_done(&said);
	buf_done(&document);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = fuzz_str(data, size);
	struct read_how how = {
		.type = "text/xml", .limits = &limits, .places = true
	};
	struct read_run *runs = calloc(2, sizeof(*runs)); /* they are large */
	struct read_run *once = runs;
	struct read_run *pieces = runs + 1;

	MUST(runs);
	read_207(once, body, how);
	how.step = 1 + size % 7;
	read_207(pieces, body, how);
	MUST(!once->rc && !pieces->rc && once->ended && pieces->ended);
	MUST(once->reading.end == pieces->reading.end);
	/* What is wrong begins for expat where a piece does, or before. */
	MUST(once->reading.end || once->reading.line == pieces->reading.line);
	MUST(str_eq(buf_str(&once->said), buf_str(&pieces->said)));
	how.step = 0;
	read_207(pieces, str_head(body, size / 2), how);
	MUST(str_starts(buf_str(&once->said), buf_str(&pieces->said)));
	how.type = "";
	read_207(pieces, body, how);
	MUST(!pieces->rc && pieces->ended);
	check_again(body);
	read_run_done(once);
	read_run_done(pieces);
	free(runs);
	return 0;
}
