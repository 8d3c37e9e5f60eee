/* SPDX-License-Identifier: MIT */
/*
 * Bytes on their way from an operation to a socket, each at its own speed.
 *
 * One thread writes into an ostream and never waits; another reads.  While the
 * reader keeps up, the bytes stay in SPOOL_MEMORY of memory, used again and
 * again.  When it falls behind, what does not fit goes to an unlinked temporary
 * file, whose space is given back as it is read.  So a slow reader never holds
 * the thread that writes, nor a lock or a transaction of it.
 *
 * Each side lets go when it is done; the spool goes with the last.  Writes
 * after the reader has gone fail with ERR_CLIENT_GONE, so that the operation
 * stops.  A writer that goes without ending the stream has failed: the reader
 * is told, so that half an answer is never taken for a whole one.
 */
#ifndef SHEAF_SERVER_SPOOL_H
#define SHEAF_SERVER_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"

#define SPOOL_MEMORY ((size_t)256 * 1024)
#define SPOOL_WAKE ((size_t)128 * 1024)

struct spool;

struct spool_spec {
	const char *dir; /* where the temporary file is made; borrowed */
	uint64_t max; /* most bytes that may wait in it; 0: no limit */
	size_t enough; /* bytes that are worth a wake; 0: SPOOL_WAKE */
	/*
	 * Called once after each spool_wait() that returned true, from the
	 * thread that writes: there are enough bytes to read, or fewer
	 * and a flush, or the end.  Not called with a lock held.
	 */
	void (*wake)(void *arg);
	void *arg;
};

/* A new spool, held by both sides, with its reader waiting. */
enum err_code spool_new(const struct spool_spec *spec, struct spool **out,
    struct err *err) MUST_USE;

/*
 * ---- the side that writes.
 *
 * Besides ERR_CLIENT_GONE a write fails with ERR_NO_SPACE or what else befell
 * the temporary file, ERR_TOO_LARGE over spec.max, and ERR_NOMEM.
 */
struct ostream *spool_stream(struct spool *s);

/* Lets go.  A stream that was not ended, or failed, ends with an error. */
void spool_close(struct spool *s); /* NULL is fine */

/*
 * ---- the side that reads.
 */
enum spool_state {
	SPOOL_READ, /* *got bytes */
	SPOOL_EMPTY, /* nothing to read now */
	SPOOL_END, /* all was read */
	SPOOL_FAILED, /* the writer failed: there will be no more */
};

enum spool_state
spool_read(struct spool *s, char *out, size_t max, size_t *got) MUST_USE;

/*
 * To be called when spool_read() said SPOOL_EMPTY, and the reader is ready to
 * be woken.  True: it will be.  False: there is something to read by now.
 */
bool spool_wait(struct spool *s) MUST_USE;

/*
 * Whether the writer has ended the stream; then *length is the number of bytes
 * in all, and *whole those bytes where they lie together in memory and none
 * was read, until the next call to spool_read() or spool_abandon(); else
 * empty.
 */
bool spool_ended(struct spool *s, uint64_t *length, struct str *whole) MUST_USE;

/* Lets go: what comes is dropped. */
void spool_abandon(struct spool *s); /* NULL is fine */

#endif
