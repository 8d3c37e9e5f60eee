/* SPDX-License-Identifier: MIT */
/* The public reader (include/sheaf/reader.h) over wire/reader.h. */
#include "wire/public_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "outcome/public.h"
#include "wire/public_answer.h"
#include "wire/public_outcome.h"

#define PIECE ((size_t)64 * 1024)

struct sheaf_reader {
	struct sink base;
	struct sink *also; /* NULL: none */
	struct reader *reader;
	struct reader_limits limits;
	struct sheaf_answer *answer; /* NULL when it was handed out */
	sheaf_item_fn *item;
	void *arg;
	struct arena arena; /* of the item in hand */
	bool ended;
};

static enum err_code
reader_sink_put(struct sink *s, const struct outcome *o)
{
	struct sheaf_reader *r = CONTAINER_OF(s, struct sheaf_reader, base);
	struct sheaf_outcome out;
	enum err_code rc = answer_take(r->answer, o);

	if (!rc && r->also)
		rc = sink_put(r->also, o);
	if (rc || !r->item)
		return rc;
	arena_clear(&r->arena);
	if (!public_outcome(&r->arena, o, &out))
		return ERR_NOMEM;
	return r->item(r->arg, &out) ? ERR_CANCELLED : ERR_OK;
}

static const struct sink_ops reader_sink_ops = {
	.name = "program",
	.put = reader_sink_put,
};

enum sheaf_result
public_reader_new(const struct sheaf_reader_options *options,
    sheaf_item_fn *item, void *arg, struct sink *also,
    struct sheaf_reader **out)
{
	struct sheaf_reader_options o;
	struct reader_limits limits;
	struct sheaf_reader *r;

	*out = NULL;
	if (!reader_options(options, &o, &limits))
		return SHEAF_INVALID;
	r = calloc(1, sizeof(*r));
	if (!r)
		return SHEAF_NOMEM;
	sink_init(&r->base, &reader_sink_ops);
	r->limits = limits;
	r->also = also;
	r->item = item;
	r->arg = arg;
	r->answer = answer_new(&o);
	if (!r->answer ||
	    reader_new(
		&(struct reader_spec){ str_from_c(o.content_type), &r->limits },
		&r->base, &r->reader, NULL)) {
		sheaf_reader_free(r);
		return SHEAF_NOMEM;
	}
	*out = r;
	return SHEAF_OK;
}

enum sheaf_result
sheaf_reader_new(const struct sheaf_reader_options *options,
    sheaf_item_fn *item, void *arg, struct sheaf_reader **out)
{
	return public_reader_new(options, item, arg, NULL, out);
}

void
sheaf_reader_free(struct sheaf_reader *reader)
{
	if (!reader)
		return;
	reader_free(reader->reader);
	sheaf_answer_free(reader->answer);
	arena_done(&reader->arena);
	free(reader);
}

enum sheaf_result
sheaf_reader_feed(struct sheaf_reader *reader, const void *bytes, size_t n)
{
	if (reader->ended)
		return SHEAF_INVALID;
	return public_result(
	    ostream_write(reader_stream(reader->reader), str_of(bytes, n)));
}

enum sheaf_result
sheaf_reader_end(
    struct sheaf_reader *reader, bool cut, struct sheaf_answer **out)
{
	struct reading end = { 0 };
	enum sheaf_result result;
	enum err_code rc;

	if (out)
		*out = NULL;
	if (reader->ended)
		return SHEAF_INVALID;
	reader->ended = true;
	rc = reader_end(reader->reader, cut, &end, NULL);
	result = answer_end(reader->answer, rc, &end);
	if (out && result != SHEAF_NOMEM) {
		*out = reader->answer;
		reader->answer = NULL;
	}
	return result;
}

enum sheaf_result
sheaf_read(const struct sheaf_reader_options *options, const void *bytes,
    size_t n, struct sheaf_answer **out)
{
	struct sheaf_reader *r;
	enum sheaf_result rc = sheaf_reader_new(options, NULL, NULL, &r);

	if (out)
		*out = NULL;
	if (rc)
		return rc;
	(void)!sheaf_reader_feed(r, bytes, n); /* it sticks */
	rc = sheaf_reader_end(r, false, out);
	sheaf_reader_free(r);
	return rc;
}

/* Feeds all that fd has; false with errno where reading failed. */
static bool
feed_fd(struct sheaf_reader *r, int fd, char *piece)
{
	for (;;) {
		ssize_t n = read(fd, piece, PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		if (sheaf_reader_feed(r, piece, (size_t)n))
			return true;
	}
}

enum sheaf_result
public_read_fd(struct sheaf_reader *r, int fd, struct sheaf_answer **out)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	char *piece = arena_alloc(&a, PIECE);
	enum sheaf_result rc;
	bool whole;
	int why;

	if (out)
		*out = NULL;
	if (!piece)
		return SHEAF_NOMEM;
	whole = feed_fd(r, fd, piece);
	why = errno;
	rc = sheaf_reader_end(r, !whole, out);
	if (whole || rc == SHEAF_NOMEM)
		return rc;
	errno = why;
	return SHEAF_IO;
}

enum sheaf_result
sheaf_read_fd(const struct sheaf_reader_options *options, int fd,
    sheaf_item_fn *item, void *arg, struct sheaf_answer **out)
{
	struct sheaf_reader *r;
	enum sheaf_result rc = sheaf_reader_new(options, item, arg, &r);

	if (out)
		*out = NULL;
	if (rc)
		return rc;
	rc = public_read_fd(r, fd, out);
	sheaf_reader_free(r);
	return rc;
}
