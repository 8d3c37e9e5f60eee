/* SPDX-License-Identifier: MIT */
/*
 * `sheaf batch`: the input is read twice.  The first time all of it is checked
 * and counted, so that nothing is sent of what cannot be sent whole; the second
 * time a queue is filled from it, chunks are taken off the front of the queue
 * and sent one after the other, and what has to go again comes back to the
 * front.  So operations are sent in their order, and memory is that of a chunk.
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

/* Longer than this nobody waits for a server; what is left goes into the retry
 * file. */
#define BATCH_PATIENCE RETRY_CAP

/* ---- batch_input.c: what is to be sent */

struct batch_input {
	int fd; /* of a file that can be read twice */
	char name[4096]; /* where it can be found again; or empty */
	uint64_t size, total; /* bytes, operations */
	char digest[65]; /* SHA-256 */
	struct batch_source_head head; /* its strings are in the arena */
	struct arena a;
	size_t largest_group;
	uint64_t groups;
};

/*
 * Opens FILE, or keeps what comes from standard input: in `keep` where that is
 * not NULL, else in a file without a name.
 */
enum err_code batch_input_open(struct batch_input *in, const char *name,
    const char *keep, struct err *err) MUST_USE;
void batch_input_done(struct batch_input *in);

/* Reads all of it: checks it, and finds head, total, size and digest. */
enum err_code
batch_input_check(struct batch_input *in, struct err *err) MUST_USE;

/* One operation's bytes. */
enum err_code batch_input_at(const struct batch_input *in, uint64_t offset,
    uint64_t size, struct buf *out, struct err *err) MUST_USE;

/* ---- one operation */

struct batch_one {
	struct batch_one *next;
	struct arena a;
	struct batch_source_item at; /* its bytes are in the arena */
	struct batch_operation op;
	struct str id; /* as it is sent */
	struct str key; /* its own, or made; empty: the server knows none */
	struct str url; /* absolute */
	const char *word; /* "create", "PATCH": what it is called */
	unsigned attempts;
	bool before; /* sent, and no answer came */
};

/* ---- batch_journal.c */

struct batch_journal {
	const char *name; /* NULL: there is none */
	int fd;
	struct buf lines; /* to be written */
	enum err_code failed;
	/* Of each operation two bits: it has its last word; it was sent. */
	unsigned char *bits;
	uint64_t n_bits;
};

struct batch;

/* A new one, with its first line on the disk. */
enum err_code batch_journal_new(struct batch *b, struct err *err) MUST_USE;

/* Opens it to go on, and reads its first line, which is in the arena. */
enum err_code batch_journal_open(struct batch_journal *j, const char *name,
    struct arena *a, struct journal_line *head, struct err *err) MUST_USE;

/*
 * Reads the rest: tells the work what became of each operation that has its
 * last word, and remembers which were sent.
 */
enum err_code batch_journal_read(struct batch *b, struct err *err) MUST_USE;

bool batch_journal_is_final(const struct batch_journal *j, uint64_t index);
bool batch_journal_was_sent(const struct batch_journal *j, uint64_t index);

/* Notes a line; nothing where there is no journal. */
void batch_journal_put(struct batch_journal *j, const struct journal_line *l);

/* Puts what was noted on the disk. */
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
	struct str endpoint;
	struct url endpoint_url;
	bool ours; /* it said what it takes, and knows keys */
	/*
	 * Operations are sent as lines: one that is malformed fails by itself,
	 * and not the whole request.
	 */
	bool lines;
	struct str key;
	uint64_t most, most_bytes; /* in a request; now */
	uint64_t limit, limit_bytes; /* and as it said */
	uint64_t most_groups, most_in_group;
	/*
	 * It must not be cut in two: all or nothing; or a dry run, which judges
	 * each operation by what those before it would have done.
	 */
	bool whole;
	/* What is read and not yet sent. */
	struct batch_source_events events;
	struct batch_source *source;
	uint64_t read_at;
	bool read_all;
	struct batch_one *first, **last;
	size_t n_queued;
	uint64_t queued_bytes;
	struct bulk_known *known;
	/* What has been sent. */
	uint64_t failures; /* for failOnErrors */
	int64_t not_before; /* clock_monotonic() */
	/*
	 * Why nothing more is sent; empty: go on.  What is told then was not
	 * begun: where there is a journal, that is gone on with.
	 */
	struct buf stopped;
	bool leaving;
};

/* ---- batch_queue.c */

/* Reads on until there is a chunk and one more, or all is read. */
enum err_code batch_fill(struct batch *b, struct err *err) MUST_USE;

/* The second reading begins. */
enum err_code batch_queue_begin(struct batch *b, struct err *err) MUST_USE;
void batch_queue_done(struct batch *b);

/* Takes the first off the queue; NULL: it is empty. */
struct batch_one *batch_shift(struct batch *b);

/* A list of operations goes back to the front, in its order. */
void batch_unshift(struct batch *b, struct batch_one *list);

/* ---- batch_chunk.c */

struct batch_chunk {
	struct batch *batch;
	struct batch_one **v;
	struct bulk_item *items;
	size_t n, cap;
	size_t units; /* pieces that it could be cut into */
	uint64_t groups; /* of them */
	struct buf body;
	struct arena a; /* of what its answer says */
	struct bulk_match match;
	/* Filled in when the answer is there. */
	enum bulk_finding found;
	const char *odd;
	unsigned status;
	int64_t wait;
};

void batch_chunk_done(struct batch_chunk *c);

/* Takes the next off the queue; what cannot be sent is settled. */
enum err_code batch_chunk_take(
    struct batch *b, struct batch_chunk *c, struct err *err) MUST_USE;

/* What an operation left behind that may be waited for, as batch_edit.h asks.
 */
bool batch_known(void *arg, struct str id, struct edit_known *out);

/* ---- batch_tell.c */

/*
 * What was answered, without the place in a request that nobody has seen:
 * "line 3: /operations/1/url: ..." is "/url: ...".
 */
struct str batch_text(struct str text);

/* The last word on an operation: told, journaled, remembered; one is freed. */
void batch_settle(struct batch *b, struct batch_one *one,
    const struct verdict *v, const struct bulk_item *answer);

/* The same, of what the journal has told already. */
void batch_settle_again(struct batch *b, const struct journal_line *l);

/* A member of an operation that failed. */
void batch_member(
    struct batch *b, const struct batch_one *one, const struct outcome *o);

void batch_one_free(struct batch_one *one);

/* An operation, and all that has to be known to send it.  NULL: *err. */
struct batch_one *batch_one_new(
    struct batch *b, const struct batch_source_item *at, struct err *err);

/* ---- batch_send.c */

void batch_run(struct batch *b);

/* ---- batch_endpoint.c */

/*
 * Finds out where to send it and how much that takes.  False: said, and the
 * exit code follows from the work, or is *code.
 */
bool batch_find_endpoint(struct batch *b, int *code) MUST_USE;

/* ---- batch.c */

/*
 * `sheaf retry` of the retry file of a batch, whose arguments were read: drops
 * f and gives the exit code.  -1: it is none of a batch.
 */
int batch_retry(struct files *f, const char *const *args);

#endif
