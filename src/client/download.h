/* SPDX-License-Identifier: MIT */
/*
 * GET into a file, or to a function that takes the bytes.  It is done only if
 * it is proven whole: as many bytes came as were announced, and they have the
 * digest that was sent along, if there was one (RFC 9530, RFC 3230).
 *
 * A download that breaks off is resumed (Range and If-Range, RFC 9110 s13.1.5),
 * by the same call or a later one, where the version has a strong entity tag;
 * else it begins anew.
 */
#ifndef SHEAF_CLIENT_DOWNLOAD_H
#define SHEAF_CLIENT_DOWNLOAD_H

#include "client/client.h"
#include "outcome/verdict.h"

struct download_end {
	struct verdict v;
	uint64_t bytes; /* that are there: all of them, unless it failed */
};

struct download_spec {
	struct str url; /* absolute, encoded */
	/* Where it goes, by way of a hidden file (client/part.h); or NULL: */
	const char *file;
	bool force; /* overwrite what is there */
	/* Takes the bytes, each once and in order; where file is NULL. */
	enum err_code (*take)(void *arg, struct str bytes, struct err *err);
	/*
	 * Refuse a collection, ERR_IS_COLLECTION: url has no slash at its end,
	 * and a redirect led to one that has.
	 */
	bool no_collection;
	unsigned attempts; /* requests, the first and those that resume; 0: 5 */
	/* So many bytes have come; < 0: it begins anew, and they are gone. */
	void (*progress)(void *arg, int64_t bytes);
	/* The size of the whole, as soon as it is known. */
	void (*size)(void *arg, uint64_t bytes);
	/* The last event; what e points to is borrowed. */
	void (*done)(void *arg, const struct download_end *e);
	void *arg;
};

/*
 * Fails as client_call() and, before anything is asked for, as part_open().
 * url and file are copied.
 */
enum err_code download_start(struct client *c, const struct download_spec *spec,
    struct err *err) MUST_USE;

#endif
