/* SPDX-License-Identifier: MIT */
/*
 * PUT of a file: nothing is overwritten that was not seen, and nothing is sent
 * again that may have arrived.  Some servers ignore If-None-Match and If-Match:
 * so HEAD asks first what is there, and the condition is for what changes
 * between the two.  With the request go the digest of the bytes (Repr-Digest,
 * RFC 9530), so that a server that knows it takes them whole or not at all, and
 * the file's time (X-OC-Mtime).
 *
 * Where no answer came, what is there is looked at: if it is what was sent the
 * upload is done; if nothing is there, or the old version, it is sent again.
 */
#ifndef SHEAF_CLIENT_UPLOAD_H
#define SHEAF_CLIENT_UPLOAD_H

#include "client/client.h"
#include "outcome/verdict.h"

struct upload_spec {
	struct str url; /* absolute, encoded */
	int fd; /* a plain file; closed at the end, also where it fails */
	struct str content_type;
	/*
	 * The version that is to be overwritten, or "*".  Empty: what is there
	 * stays (If-None-Match: *), unless force is set.
	 */
	struct str if_match;
	bool force; /* overwrite whatever is there */
	bool fresh; /* nothing can be there: its collection was just made */
	struct str lock_token;
	bool no_time; /* do not send the file's time: it was standard input */
	/* So many bytes were sent; < 0: so many are sent again. */
	void (*progress)(void *arg, int64_t bytes);
	/* The last event; v and what it points to is borrowed. */
	void (*done)(void *arg, const struct verdict *v, uint64_t bytes);
	void *arg;
};

/*
 * Reads all of the file, for the digest, and starts it as client_call() does.
 * ERR_OS, ERR_IO: the file cannot be read.
 */
enum err_code upload_start(
    struct client *c, const struct upload_spec *spec, struct err *err) MUST_USE;

#endif
