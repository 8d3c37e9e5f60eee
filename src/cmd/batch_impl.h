/* SPDX-License-Identifier: MIT */
/*
 * `sheaf batch` reads its input twice.  The first time all of it is checked and
 * counted, so that nothing is sent of a batch that is not valid as a whole. The
 * second time a queue is filled from it.  Chunks are taken off the front of the
 * queue and sent one after the other; what has to go again is put back to the
 * front.  So operations are sent in their order, with the memory of a chunk.
 */
#ifndef SHEAF_CMD_BATCH_IMPL_H
#define SHEAF_CMD_BATCH_IMPL_H

#include "client/bulk.h"
#include "client/bulk_known.h"
#include "cmd/files.h"
#include "cmd/work.h"
#include "wire/batch_journal.h"
#include "wire/batch_source.h"
#include "wire/bulk_offer.h"

/*
 * The longest Retry-After that is waited for, in ns; where it is longer the
 * rest goes into the retry file.
 */
#define BATCH_PATIENCE RETRY_CAP

/* ---- batch_input.c: what is to be sent */

struct batch_input {
	int fd; /* of a file that can be read twice; -1: none */
	char name[4096]; /* its absolute name; empty: it has none */
	uint64_t size; /* bytes */
	uint64_t total; /* operations */
	char digest[65]; /* SHA-256 of the bytes, in hexadecimal */
	struct batch_source_head head; /* its strings are in the arena */
	struct arena a;
	size_t largest_group; /* operations in it; 0: there is no group */
	uint64_t groups;
};

/*
 * Opens the file `name`.  Standard input ("-") and pipes are copied into the
 * file `keep`, or, if that is NULL, into one without a name.
 */
enum err_code batch_input_open(struct batch_input *in, const char *name,
    const char *keep, struct err *err) MUST_USE;
void batch_input_done(struct batch_input *in);

/* Reads all of it: checks it, and finds head, total, size and digest. */
enum err_code
batch_input_check(struct batch_input *in, struct err *err) MUST_USE;

/* Reads the bytes of one operation. */
enum err_code batch_input_at(const struct batch_input *in, uint64_t offset,
    uint64_t size, struct buf *out, struct err *err) MUST_USE;

/* ---- one operation */

struct batch_one {
	struct batch_one *next;
	struct arena a;
	struct batch_source_item at; /* its bytes are in the arena */
	struct batch_operation op;
	struct str id; /* as it is sent */
	struct str key; /* its own or made; empty: the server knows no keys */
	struct str url; /* absolute */
	const char *word; /* "create", "PATCH": for people and retry files */
	unsigned attempts; /* requests it was in */
	bool before; /* it was sent, and may have been done: no answer came */
};

/* ---- batch_journal.c */

struct batch_journal {
	const char *name; /* NULL: there is no journal */
	int fd;
	struct buf lines; /* to be written */
	enum err_code failed; /* the first failure */
	/* Two bits for each operation: it has its result; it was sent. */
	unsigned char *bits;
	uint64_t n_bits; /* operations that there are bits for */
};

struct batch;

/* A new one, with its first line on the disk. */
enum err_code batch_journal_new(struct batch *b, struct err *err) MUST_USE;

/* Opens one to resume it; *head is its first line, in the arena. */
enum err_code batch_journal_open(struct batch_journal *j, const char *name,
    struct arena *a, struct journal_line *head, struct err *err) MUST_USE;

/*
 * Reads the rest: tells the work of each operation that has its result, and
 * remembers which were sent.
 */
enum err_code batch_journal_read(struct batch *b, struct err *err) MUST_USE;

bool batch_journal_is_final(const struct batch_journal *j, uint64_t index);
bool batch_journal_was_sent(const struct batch_journal *j, uint64_t index);

/* Adds a line to those to be written; does nothing without a journal. */
void batch_journal_put(struct batch_journal *j, const struct journal_line *l);

/* Writes the lines, and syncs. */
enum err_code
batch_journal_sync(struct batch_journal *j, struct err *err) MUST_USE;

void batch_journal_done(struct batch_journal *j);

/* ---- the whole */

struct batch {
	struct files f;
	struct batch_input in;
	struct batch_journal journal;
	struct arena a; /* as long as the command */
	/* Where it goes. */
	struct str asked; /* the URL that was named */
	struct str endpoint; /* where requests go */
	struct url endpoint_url;
	bool ours; /* it speaks docs/bulk-api.md: said so in capabilities */
	/*
	 * Operations are sent as lines: one that is malformed fails by itself,
	 * and not the whole request.
	 */
	bool lines;
	struct str key; /* the batch's idempotency key */
	uint64_t most, most_bytes; /* in a request, at present */
	uint64_t limit, limit_bytes; /* in a request, as the server says */
	uint64_t most_groups, most_in_group; /* in a request, in a group */
	/*
	 * All must go in one request: it is to be done as a whole or not at
	 * all; or it is a dry run, which judges each operation by what those
	 * before it would have done.
	 */
	bool whole;
	/* What is read and not yet sent. */
	struct batch_source_events events;
	struct batch_source *source;
	uint64_t read_at; /* bytes of the input */
	bool read_all;
	struct batch_one *first, **last; /* the queue */
	size_t n_queued;
	uint64_t queued_bytes;
	struct bulk_known *known;
	/* What has been sent. */
	uint64_t failures; /* so far, for failOnErrors */
	int64_t not_before; /* the next request; clock_monotonic() */
	struct buf stopped; /* why nothing more is sent; empty: go on */
	/*
	 * Operations that are settled now were not begun: a journal keeps them
	 * for --resume, and the retry file does not need them.
	 */
	bool leaving;
};

/* ---- batch_queue.c */

/* Reads on until the queue has more than a chunk, or all is read. */
enum err_code batch_fill(struct batch *b, struct err *err) MUST_USE;

/* Begins the second reading. */
enum err_code batch_queue_begin(struct batch *b, struct err *err) MUST_USE;
void batch_queue_done(struct batch *b);

/* Takes the first off the queue; NULL: it is empty. */
struct batch_one *batch_shift(struct batch *b);

/* Puts a list of operations back to the front, in its order. */
void batch_unshift(struct batch *b, struct batch_one *list);

/* ---- batch_chunk.c */

struct batch_chunk {
	struct batch *batch;
	struct batch_one **v;
	struct bulk_item *items;
	size_t n, cap;
	size_t units; /* groups, and operations outside of groups */
	uint64_t groups;
	struct buf body; /* of the request */
	struct arena a; /* of what its answer says */
	struct bulk_match match;
	/* Filled in when the answer is there: as of bulk_judge(). */
	enum bulk_finding found;
	const char *odd;
	unsigned status;
	int64_t wait;
};

void batch_chunk_done(struct batch_chunk *c);

/*
 * Makes the next chunk of what is in front of the queue.  An operation that
 * must not be sent is settled, and not part of it.
 */
enum err_code batch_chunk_take(
    struct batch *b, struct batch_chunk *c, struct err *err) MUST_USE;

/* What is known of an operation that others wait for: see batch_edit.h. */
bool batch_known(void *arg, struct str id, struct edit_known *out);

/* ---- batch_tell.c */

/*
 * The server's sentence without the place in the request, which the user has
 * not seen: "/url: ..." of "line 3: /operations/1/url: ...".
 */
struct str batch_text(struct str text);

/*
 * Gives an operation its result: tells the work, notes it in the journal,
 * remembers it for those that wait, and frees one.  answer: may be NULL.
 */
void batch_settle(struct batch *b, struct batch_one *one,
    const struct verdict *v, const struct bulk_item *answer);

/* The same for a result that is in the journal already. */
void batch_settle_again(struct batch *b, const struct journal_line *l);

/* Tells the work of a failed member of an operation. */
void batch_member(
    struct batch *b, const struct batch_one *one, const struct outcome *o);

void batch_one_free(struct batch_one *one);

/* Parses an operation, with all that is needed to send it; NULL: see err. */
struct batch_one *batch_one_new(
    struct batch *b, const struct batch_source_item *at, struct err *err);

/* ---- batch_send.c */

/* Sends all chunks, until every operation has its result. */
void batch_run(struct batch *b);

/* ---- batch_endpoint.c */

/*
 * Finds out where to send the batch and how much fits into a request.  False:
 * why was said, and *code is the exit code.
 */
bool batch_find_endpoint(struct batch *b, int *code) MUST_USE;

/* ---- batch.c */

/*
 * `sheaf retry`, if an operand of f is the retry file of a batch: drops f,
 * sends that, and gives the exit code.  -1: none is, and nothing was done.
 */
int batch_retry(struct files *f, const char *const *args);

#endif
