/* SPDX-License-Identifier: MIT */
/*
 * PUT of a file: nothing is overwritten that was not seen, and nothing is sent
 * again that may have arrived.  Some servers pass over If-None-Match and
 * If-Match, so what is there is looked at first (HEAD); the condition is for
 * what changes between the two.  With the request goes the digest of the bytes
 * (Repr-Digest, RFC 9530), so that a server that knows it takes them whole or
 * not at all, and the file's time (X-OC-Mtime).
 *
 * Where no answer came the resource is looked at: what is there and is ours is
 * done; what is not there is sent again.
 */
#ifndef SHEAF_CLIENT_UPLOAD_H
#define SHEAF_CLIENT_UPLOAD_H

#include "client/client.h"
#include "outcome/verdict.h"

struct upload_spec {
	struct str url; /* absolute, encoded */
	int fd; /* a plain file; taken over, also where it fails */
	struct str content_type;
	/*
	 * Which version is to be overwritten; empty: none, something that is
	 * there stays (If-None-Match: *), unless:
	 */
	struct str if_match;
	bool force; /* whatever is there */
	bool fresh; /* nothing can be there: its collection was just made */
	struct str lock_token;
	bool no_time; /* the file's own says nothing: it was standard input */
	/* Bytes that are sent; fewer (< 0) when they are sent again. */
	void (*progress)(void *arg, int64_t bytes);
	/* Once, the last; v and what it points to is borrowed. */
	void (*done)(void *arg, const struct verdict *v, uint64_t bytes);
	void *arg;
};

/*
 * As client_call(); ERR_OS, ERR_IO where the file cannot be read.  Reads all of
 * it once, for the digest.
 */
enum err_code upload_start(
    struct client *c, const struct upload_spec *spec, struct err *err) MUST_USE;

#endif
