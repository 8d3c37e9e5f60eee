/* SPDX-License-Identifier: MIT */
/*
 * Reads a 207 Multi-Status that any server wrote, in bounded memory and as its
 * bytes come: DAV:multistatus (RFC 4918 s13), JSON in any known shape, lines of
 * JSON (NDJSON), and JSON text sequences (RFC 7464).  Each item is handed to a
 * function as soon as it is whole; those that failed are also kept, up to a
 * bound, in the answer that is had at the end.
 *
 *	if (sheaf_read(NULL, bytes, n, &answer))   // not SHEAF_OK
 *		for (i = 0; (o = sheaf_answer_item(answer, i)); i++)
 *			printf("%s: %u\n", o->href, (unsigned)o->status);
 *	sheaf_answer_free(answer);
 *
 * Nothing is taken on trust: an answer that is cut short, that contradicts
 * itself or that no item of can be read is never SHEAF_OK.  And SHEAF_OK says
 * nothing about what an answer does not mention: <sheaf/plan.h> does.
 *
 * Memory: what _new() and _end() make belongs to the caller, who frees it with
 * its _free(); answers do not need the reader any more.
 *
 * Threads: one reader at a time in one thread, any number of readers side by
 * side.  Any number of threads may look at the same answer.
 */
#ifndef SHEAF_READER_H
#define SHEAF_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sheaf/api.h>
#include <sheaf/outcome.h>
#include <sheaf/result.h>

SHEAF_BEGIN

/* The form of an answer. */
enum sheaf_form {
	SHEAF_FORM_UNKNOWN = 0,
	SHEAF_FORM_XML = 1, /* DAV:multistatus */
	SHEAF_FORM_JSON = 2,
	SHEAF_FORM_NDJSON = 3,
	SHEAF_FORM_JSON_SEQ = 4 /* can be read, not written */
};

/* Which items an answer keeps for sheaf_answer_item(). */
enum sheaf_keep {
	SHEAF_KEEP_FAILURES = 0, /* sheaf_outcome_is_failure() */
	SHEAF_KEEP_ALL = 1,
	SHEAF_KEEP_NONE = 2
};

/*
 * How to read.  Begin with SHEAF_READER_OPTIONS_INIT and set what should not be
 * as usual; zero is the default everywhere.  Members may be added at the end in
 * a later version; size says which of them there are.
 */
struct sheaf_reader_options {
	size_t size; /* sizeof(struct sheaf_reader_options) */
	/*
	 * The Content-Type of the answer.  NULL, or neither XML nor JSON: the
	 * first bytes decide.
	 */
	const char *content_type;
	uint64_t max_bytes; /* of the whole; 0: any number */
	uint64_t max_item_bytes; /* of one item as it is sent; 0: 4 MiB */
	uint32_t max_depth; /* of elements, arrays, objects; 0: 64 */
	enum sheaf_keep keep;
	uint32_t max_kept; /* items; 0: 1,000.  Others are counted only. */
	uint64_t max_kept_bytes; /* in memory; 0: 16 MiB */
};

#define SHEAF_READER_OPTIONS_INIT                                \
	{                                                        \
		sizeof(struct sheaf_reader_options), 0, 0, 0, 0, \
		    SHEAF_KEEP_FAILURES, 0, 0                    \
	}

/*
 * Takes an item, which lives for this call only.  What it returns: 0 to go on,
 * anything else to stop, which makes the reader end with SHEAF_STOPPED.
 */
typedef int sheaf_item_fn(void *arg, const struct sheaf_outcome *outcome);

/* What an answer is, and how it ended.  Members may be added at the end. */
struct sheaf_reading {
	enum sheaf_result result; /* SHEAF_OK to SHEAF_TOO_LARGE, _STOPPED */
	/*
	 * For people: "2 of 40 items failed", "line 3, column 14: ...", or "".
	 */
	const char *message;
	enum sheaf_form form;
	uint64_t bytes; /* that were read */
	uint64_t line, column; /* where it ended, both from 1 */
	struct sheaf_summary summary; /* of the items that were read */
	bool claims; /* a summary stood in it, which says: */
	struct sheaf_summary claimed;
	const char *description; /* DAV:responsedescription of the whole */
	const char *sync_token; /* DAV:sync-token (RFC 6578 s6.2) */
	uint64_t not_kept; /* items to be kept that were over the bound */
};

struct sheaf_reader;
struct sheaf_answer;

/*
 * Makes a reader.
 *
 * options: NULL for the defaults; read during the call.
 * item: called for each item, in order; NULL for none.
 * arg: handed to item.
 * out: where the reader goes; NULL is put there on failure.
 * Returns: SHEAF_OK, SHEAF_NOMEM, or SHEAF_INVALID where options has a size or
 * a value that is not known.
 * Memory: sheaf_reader_free() frees it.
 * RFC: RFC 4918 s13; RFC 8259; RFC 7464.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_reader_new(const struct sheaf_reader_options *options,
    sheaf_item_fn *item, void *arg, struct sheaf_reader **out);

/*
 * Reads the next bytes of the body.  A failure sticks: what follows is dropped,
 * and sheaf_reader_end() says the same again.
 *
 * reader: not NULL.
 * bytes: n of them, split anywhere; read during the call.
 * n: may be 0.
 * Returns: SHEAF_OK while the answer may still be a good one; SHEAF_MALFORMED,
 * SHEAF_TOO_LARGE, SHEAF_STOPPED or SHEAF_NOMEM when reading on is no use. That
 * items failed is said by sheaf_reader_end() only.
 * RFC: RFC 4918 s13 and s20.6.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_reader_feed(struct sheaf_reader *reader, const void *bytes, size_t n);

/*
 * After the last byte, also where feeding failed or the connection broke.
 * Every item that was whole has been delivered.  To be called once.
 *
 * reader: not NULL; nothing but sheaf_reader_free() may be called with it
 * afterwards.
 * cut: the transport knows that bytes are missing (less than Content-Length, no
 * last chunk).
 * out: where the answer goes, whatever the result but SHEAF_NOMEM and
 * SHEAF_INVALID (then NULL is put there); NULL if nobody wants it.
 * Returns: what the answer is: SHEAF_OK only if it is whole, agrees with
 * itself and no item in it failed.  SHEAF_PARTIAL, SHEAF_CONTRADICTS,
 * SHEAF_CUT_SHORT, SHEAF_MALFORMED, SHEAF_TOO_LARGE; SHEAF_STOPPED,
 * SHEAF_NOMEM; SHEAF_INVALID when called twice.
 * Memory: sheaf_answer_free() frees the answer.
 * RFC: RFC 4918 s13; RFC 9112 s8.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result sheaf_reader_end(
    struct sheaf_reader *reader, bool cut, struct sheaf_answer **out);

/*
 * Frees a reader, ended or not.
 *
 * reader: NULL is fine.
 * RFC: none.
 */
SHEAF_API void sheaf_reader_free(struct sheaf_reader *reader);

/*
 * Reads a body that is whole in memory: a reader, fed and ended.
 *
 * options: as for sheaf_reader_new().
 * bytes: n of them.
 * n: may be 0, which is no answer: SHEAF_MALFORMED.
 * out: as for sheaf_reader_end().
 * Returns: what sheaf_reader_end() or sheaf_reader_new() does.
 * Memory: sheaf_answer_free() frees the answer.
 * RFC: RFC 4918 s13.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_read(const struct sheaf_reader_options *options, const void *bytes,
    size_t n, struct sheaf_answer **out);

/*
 * Reads a body from a file descriptor to its end: a file, a pipe, a socket.
 * Memory does not grow with its length.
 *
 * options: as for sheaf_reader_new().
 * fd: open for reading; left open, at the end of what was read.
 * item: as for sheaf_reader_new().
 * arg: handed to item.
 * out: as for sheaf_reader_end().
 * Returns: what sheaf_reader_end() or sheaf_reader_new() does; SHEAF_IO where
 * read(2) failed (errno says why; the answer, of what came before, is there).
 * Memory: sheaf_answer_free() frees the answer.
 * RFC: RFC 4918 s13.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_read_fd(const struct sheaf_reader_options *options, int fd,
    sheaf_item_fn *item, void *arg, struct sheaf_answer **out);

/*
 * What the answer is, and how it ended.
 *
 * answer: not NULL.
 * Returns: never NULL.
 * Memory: lives as long as the answer.
 * RFC: RFC 4918 s13 and s14.15; RFC 6578 s6.2.
 */
SHEAF_API const struct sheaf_reading *
sheaf_answer_reading(const struct sheaf_answer *answer);

/*
 * How many items it keeps: by default those that failed, up to max_kept.
 *
 * answer: NULL has none.
 * Returns: the number of items that sheaf_answer_item() gives.
 * RFC: none.
 */
SHEAF_API size_t sheaf_answer_count(const struct sheaf_answer *answer);

/*
 * One of the items it keeps, in the order they came.
 *
 * answer: NULL has none.
 * i: from 0.
 * Returns: the item, or NULL when there are no more.
 * Memory: lives as long as the answer.
 * RFC: RFC 4918 s14.24.
 */
SHEAF_API const struct sheaf_outcome *
sheaf_answer_item(const struct sheaf_answer *answer, size_t i);

/*
 * Frees an answer and all items it keeps.
 *
 * answer: NULL is fine.
 * RFC: none.
 */
SHEAF_API void sheaf_answer_free(struct sheaf_answer *answer);

SHEAF_END

#endif
