/* SPDX-License-Identifier: MIT */
/*
 * Reads answers that somebody saved: the bare body, a raw HTTP response (status
 * line, header, body, as `curl -i` writes it; with 100 Continue and redirects
 * in front; chunked or not), or an HTTP archive (HAR 1.2), of which the entries
 * with status 207 are taken.  A body may be in gzip, as its header says.  Told
 * apart by the first bytes; memory does not grow with their length.
 *
 * Memory: heads and answers live for the call they are handed to.
 *
 * Threads: one at a time in one thread, any number side by side.
 */
#ifndef SHEAF_SAVED_H
#define SHEAF_SAVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sheaf/api.h>
#include <sheaf/reader.h>
#include <sheaf/result.h>

SHEAF_BEGIN

/* An answer without its body.  Members may be added at the end. */
struct sheaf_head {
	uint32_t status; /* 0: not known, the body alone was saved */
	const char *method; /* of the request, or "" (HAR) */
	const char *url; /* of the request, absolute, or "" (HAR) */
	const char *content_type; /* or "" */
	const char *retry_after; /* or "" */
};

/*
 * What is called, each may be NULL.  For each answer: begin(), item() for each
 * item, end().  What they return: 0 to go on, anything else to stop
 * (SHEAF_STOPPED).  The answer that end() is handed is freed after it.
 */
struct sheaf_saved_events {
	size_t size; /* sizeof(struct sheaf_saved_events) */
	int (*begin)(void *arg, const struct sheaf_head *head);
	int (*item)(void *arg, const struct sheaf_outcome *outcome);
	int (*end)(void *arg, const struct sheaf_answer *answer);
};

struct sheaf_saved;

/*
 * Makes a reader of saved answers.
 *
 * options: as for sheaf_reader_new(), and good for each answer; content_type
 * is taken for a body that has none of its own.
 * events: what to call; read during the call; NULL for none.
 * arg: handed to the events.
 * out: where it goes; NULL is put there on failure.
 * Returns: SHEAF_OK, SHEAF_NOMEM or SHEAF_INVALID.
 * Memory: sheaf_saved_free() frees it.
 * RFC: RFC 9112 s2.1.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_saved_new(const struct sheaf_reader_options *options,
    const struct sheaf_saved_events *events, void *arg,
    struct sheaf_saved **out);

/*
 * Reads the next bytes.
 *
 * saved: not NULL.
 * bytes: n of them, split anywhere; read during the call.
 * n: may be 0.
 * Returns: SHEAF_OK while reading on is of use; else as sheaf_reader_feed().
 * An answer in it that is malformed is no failure of the file: its end() says
 * so, and what follows is read.
 * RFC: RFC 9112 s6 and s7.1.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_saved_feed(struct sheaf_saved *saved, const void *bytes, size_t n);

/*
 * After the last byte.  To be called once.
 *
 * saved: not NULL.
 * Returns: the worst of what its answers are (see sheaf_reader_end());
 * SHEAF_MALFORMED where no answer was found: an archive without a 207, a header
 * without an end; SHEAF_STOPPED, SHEAF_NOMEM; SHEAF_INVALID when called twice.
 * RFC: RFC 9112 s8.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_saved_end(struct sheaf_saved *saved);

/*
 * A sentence on why feeding or ending failed.
 *
 * saved: not NULL.
 * Returns: the sentence, or ""; never NULL.
 * Memory: lives until the next call with it.
 * RFC: none.
 */
SHEAF_API const char *sheaf_saved_message(const struct sheaf_saved *saved);

/*
 * Frees it, ended or not.
 *
 * saved: NULL is fine.
 * RFC: none.
 */
SHEAF_API void sheaf_saved_free(struct sheaf_saved *saved);

SHEAF_END

#endif
