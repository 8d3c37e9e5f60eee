/* SPDX-License-Identifier: MIT */
/*
 * Results made of arbitrary bytes: whatever is in them, the answer is well
 * formed in every form and adds up, its items are those that failed, and a line
 * of a job's results is found again.
 */
#include "fuzz.h"

#include "lib/read_run.h"
#include "wire/bulk_docs.h"
#include "wire/results.h"

#define MAX_RESULTS 6
#define MAX_TEXT 24

/* Text, as ids and what is said of a failure are checked to be. */
static struct str
take_text(struct fuzz_input *in)
{
	static const char *const texts[] = { "", "a", "\"\\/\b\f\n\r\t", "&<>'",
		"]]>", "\xc3\xa9\xf0\x9f\x98\x80", "urn:x", "</D:response>",
		"\"type\":\"summary\"}", "\x7f\xe2\x80\xa8" };

	return str_from_c(texts[fuzz_take(in, ARRAY_LEN(texts))]);
}

static struct rpath
take_path(struct fuzz_input *in)
{
	static const char *const paths[] = { "/", "/a", "/a/b c", "/\xc3\xa9",
		"/\xff\xfe", "/\"&<>%" };

	return (
	    struct rpath){ str_from_c(paths[fuzz_take(in, ARRAY_LEN(paths))]) };
}

static struct outcome
take_outcome(struct fuzz_input *in)
{
	static const struct {
		unsigned status;
		enum err_code why;
	} ends[] = { { 200, ERR_OK }, { 201, ERR_OK }, { 204, ERR_OK },
		{ 404, ERR_NOT_FOUND }, { 423, ERR_LOCKED },
		{ 412, ERR_PRECONDITION }, { 507, ERR_NO_SPACE } };
	unsigned n = fuzz_take(in, ARRAY_LEN(ends));

	struct outcome o = { .status = ends[n].status, .why = ends[n].why };

	o.path = take_path(in);
	o.collection = fuzz_take(in, 2);
	if (o.why)
		o.tell = take_text(in);
	if (fuzz_take(in, 2))
		o.about = take_path(in);
	return o;
}

static void
put_one(struct results *r, struct fuzz_input *in, uint64_t index)
{
	static const char *const types[] = { "application/json", "text/plain",
		"application/octet-stream", "" };
	char id[16];
	struct outcome members[2];
	struct header etag = { STR("etag"), take_text(in) };
	struct result res = { .index = index, .members = members };

	res.outcome = take_outcome(in);
	res.headers = (struct headers){ .v = &etag, .n = fuzz_take(in, 2) };
	res.retry_after = (int)fuzz_take(in, 3) - 1;
	res.replayed = fuzz_take(in, 2);
	res.has_body = fuzz_take(in, 2);
	res.body_type = str_from_c(types[fuzz_take(in, ARRAY_LEN(types))]);
	res.body_omitted = fuzz_take(in, 2);
	res.members_omitted = fuzz_take(in, 2);
	res.url = take_text(in);
	(void)snprintf(id, sizeof(id), "i%u", (unsigned)index);
	res.id = str_from_c(id);
	if (res.has_body)
		res.body = fuzz_take_bytes(in, MAX_TEXT);
	if (res.outcome.why) {
		res.caused_by = take_text(in);
		res.not_attempted = fuzz_take(in, 2);
		res.n_members = fuzz_take(in, 3);
		res.partial = res.n_members > 0;
	}
	members[0] = take_outcome(in);
	members[1] = take_outcome(in);
	MUST(!results_put(r, &res));
}

static struct results_summary
write_as(enum form form, bool minimal, struct fuzz_input in, struct buf *to)
{
	const struct results_spec spec = {
		.form = form,
		.prefix = STR("/p"),
		.batch_id = STR("b_1"),
		.minimal = minimal,
	};
	struct buf_ostream o;
	struct results_summary sum;
	struct results *r;
	uint64_t i;

	MUST(!results_new(&spec, buf_ostream_init(&o, to), &r, NULL));
	for (i = 0; in.left && i < MAX_RESULTS; i++)
		put_one(r, &in, i);
	MUST(!results_end(r, NULL));
	sum = *results_sum(r);
	results_free(r);
	return sum;
}

/* Each line of a result says its index and its status where a job looks. */
static void
check_lines(struct str text, const struct results_summary *sum)
{
	uint64_t n = 0, failed = 0;
	struct str line;

	while (str_cut(&text, '\n', &line)) {
		struct result_line r;

		if (!result_line_read(line, &r))
			continue;
		MUST(r.index == n++);
		failed += r.status >= 400;
	}
	MUST(n == sum->sum.total && failed == sum->sum.failed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	bool minimal = fuzz_take(&in, 2);
	enum form form;

	for (form = FORM_XML; form < FORM_COUNT; form++) {
		struct read_run run = { 0 };
		struct buf document = { 0 };
		struct results_summary sum =
		    write_as(form, minimal, in, &document);

		read_207(&run, buf_str(&document), (struct read_how){ 0 });
		if (run.rc || run.reading.end || run.reading.contradicts)
			(void)fprintf(stderr, "%.*s\n%s\n",
			    STR_ARG(buf_str(&document)), run.reading.err.tell);
		MUST(!run.rc && run.reading.end == ERR_OK);
		MUST(minimal || !run.reading.contradicts);
		MUST(form == FORM_XML ||
		    run.reading.claimed.total == sum.sum.total);
		MUST(form == FORM_XML ||
		    run.reading.claimed.failed == sum.sum.failed);
		if (form == FORM_NDJSON && !minimal)
			check_lines(buf_str(&document), &sum);
		read_run_done(&run);
		buf_done(&document);
	}
	return 0;
}
