/* SPDX-License-Identifier: MIT */
/*
 * Writes a 207 in one of three forms: DAV:multistatus (RFC 4918 s13), a JSON
 * document with "results" and a "summary", or lines of JSON that end with a
 * summary.  Memory does not grow with the number of items.  With a reader in
 * front any 207 becomes any other: sheaf_convert().
 *
 * Whatever bytes a string holds, the document is well-formed.  A writer that is
 * not ended leaves a document that nobody can take for whole.
 *
 * Memory: what _new() makes belongs to the caller, who frees it with _free().
 *
 * Threads: one writer at a time in one thread, any number side by side.
 */
#ifndef SHEAF_WRITER_H
#define SHEAF_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include <sheaf/api.h>
#include <sheaf/outcome.h>
#include <sheaf/reader.h>
#include <sheaf/result.h>

SHEAF_BEGIN

/* How to write.  Begin with SHEAF_WRITER_OPTIONS_INIT. */
struct sheaf_writer_options {
	size_t size; /* sizeof(struct sheaf_writer_options) */
	enum sheaf_form form; /* XML, JSON or NDJSON */
	/*
	 * Prefer: return=minimal (RFC 8144 s2.1): properties that are not there
	 * (404) are left out; JSON also leaves out what succeeded and has no
	 * properties to show.
	 */
	bool minimal;
};

#define SHEAF_WRITER_OPTIONS_INIT                                          \
	{                                                                  \
		sizeof(struct sheaf_writer_options), SHEAF_FORM_XML, false \
	}

/*
 * Takes bytes of the document, n of them, not NUL-terminated, in pieces of some
 * KiB.  What it returns: 0 to go on, anything else to stop.
 */
typedef int sheaf_write_fn(void *arg, const char *bytes, size_t n);

struct sheaf_writer;

/*
 * Makes a writer.
 *
 * options: NULL for a DAV:multistatus; read during the call.
 * write: called with the document, piece by piece.
 * arg: handed to write.
 * out: where the writer goes; NULL is put there on failure.
 * Returns: SHEAF_OK, SHEAF_NOMEM, or SHEAF_INVALID: no write, a form that
 * cannot be written, or an option that is not known.
 * Memory: sheaf_writer_free() frees it.
 * RFC: RFC 4918 s13; RFC 8144 s2.1.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_writer_new(const struct sheaf_writer_options *options,
    sheaf_write_fn *write, void *arg, struct sheaf_writer **out);

/*
 * Writes an item.  A failure sticks.
 *
 * writer: not NULL.
 * outcome: not NULL; its status is from 100 to 599, or 0 where it is not known,
 * which each form says in its own way and is read as 0 again.  XML in it that
 * is not well-formed is written as text, a property whose name cannot be one is
 * left out.  Read during the call.
 * Returns: SHEAF_OK; SHEAF_STOPPED where write said so; SHEAF_NOMEM;
 * SHEAF_INVALID for another status, and after sheaf_writer_end(): then nothing
 * was written, and it does not stick.
 * RFC: RFC 4918 s14.24.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result sheaf_writer_put(
    struct sheaf_writer *writer, const struct sheaf_outcome *outcome);

/*
 * sheaf_writer_put() as a sheaf_item_fn, so that a reader can be put in front:
 * sheaf_reader_new(NULL, sheaf_writer_item, writer, &reader).
 *
 * writer: the struct sheaf_writer.
 * outcome: as for sheaf_writer_put().
 * Returns: 0, or the enum sheaf_result that makes it stop.
 * RFC: RFC 4918 s14.24.
 */
SHEAF_API int
sheaf_writer_item(void *writer, const struct sheaf_outcome *outcome);

/*
 * Writes the end of the document.  To be called once.  Nothing put is a
 * document that is whole and empty.
 *
 * writer: not NULL.
 * Returns: SHEAF_OK, SHEAF_STOPPED, SHEAF_NOMEM; SHEAF_INVALID when called
 * twice.
 * RFC: RFC 4918 s14.16.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_writer_end(struct sheaf_writer *writer);

/*
 * Frees a writer, ended or not.
 *
 * writer: NULL is fine.
 * RFC: none.
 */
SHEAF_API void sheaf_writer_free(struct sheaf_writer *writer);

/*
 * The Content-Type of a form that is written.
 *
 * form: any number.
 * Returns: "application/xml; charset=utf-8" and so on; "" for one that cannot
 * be written.
 * Memory: constant.
 * RFC: RFC 4918 s8.2.
 */
SHEAF_API const char *sheaf_form_media_type(enum sheaf_form form);

/*
 * Makes one 207 of another, both as they come: what fd gives is read, and each
 * item written.  Where the first is not whole the second is not ended, so that
 * it is not whole either.
 *
 * from: as for sheaf_reader_new().
 * fd: open for reading.
 * to: as for sheaf_writer_new().
 * write: takes the new document.
 * arg: handed to write.
 * out: the answer that was read, as for sheaf_reader_end(); may be NULL.
 * Returns: what sheaf_read_fd() says of the answer that was read: SHEAF_PARTIAL
 * is an answer converted in full.  SHEAF_STOPPED where write said so; and what
 * sheaf_writer_new() does.
 * Memory: sheaf_answer_free() frees the answer.
 * RFC: RFC 4918 s13.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_convert_fd(const struct sheaf_reader_options *from, int fd,
    const struct sheaf_writer_options *to, sheaf_write_fn *write, void *arg,
    struct sheaf_answer **out);

SHEAF_END

#endif
