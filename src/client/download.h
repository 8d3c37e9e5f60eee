/* SPDX-License-Identifier: MIT */
/*
 * GET into a file, or to whoever takes the bytes, that is done only if it is
 * proven whole: the length that was announced arrived, and it is what a digest
 * says where one was given (RFC 9530, RFC 3230).
 *
 * What breaks off is gone on with (Range and If-Range, RFC 9110 s13.1.5),
 * within the call or by a later one, where the version has a strong entity
 * tag; else it begins anew.
 */
#ifndef SHEAF_CLIENT_DOWNLOAD_H
#define SHEAF_CLIENT_DOWNLOAD_H

#include "client/client.h"
#include "outcome/verdict.h"

struct download_end {
	struct verdict v;
	uint64_t bytes; /* of the whole; of a failure, those that are there */
};

struct download_spec {
	struct str url; /* absolute, encoded */
	/* The place (client/part.h says how it comes there); or: */
	const char *file;
	bool force; /* overwrite what is there */
	/* Takes the bytes, each once and in order. */
	enum err_code (*take)(void *arg, struct str bytes, struct err *err);
	/*
	 * Not to be taken for the resource: an answer of a URL that ends in a
	 * slash, where the one asked for does not.
	 */
	bool no_collection;
	unsigned attempts; /* of going on; 0: 5 */
	/* How many more bytes are there; fewer (< 0) when it begins anew. */
	void (*progress)(void *arg, int64_t bytes);
	/* How many it will be, when that is known. */
	void (*size)(void *arg, uint64_t bytes);
	/* Once, the last; what it points to is borrowed. */
	void (*done)(void *arg, const struct download_end *e);
	void *arg;
};

/*
 * As client_call(); also what part_open() says, before anything is asked for.
 * url and file are copied.
 */
enum err_code download_start(struct client *c, const struct download_spec *spec,
    struct err *err) MUST_USE;

#endif
