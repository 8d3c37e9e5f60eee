/* SPDX-License-Identifier: MIT */
/*
 * What a command that talks to servers begins with: a client, made from the
 * options and the environment (SHEAF_PASSWORD, SHEAF_TOKEN), and the URLs that
 * were typed, in the form in which they are sent.
 */
#ifndef SHEAF_CMD_SESSION_H
#define SHEAF_CMD_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "client/client.h"
#include "cmd/options.h"
#include "cmd/work.h"

struct session {
	struct client *client;
	/*
	 * The operands that are URLs: absolute, encoded, no user, no fragment,
	 * no dot segments.
	 */
	const struct str *urls;
	size_t n_urls;
	struct work *work; /* prints what the client says; NULL: stderr */
	struct arena a; /* of urls; the command may use it as well */
	struct buf user, token;
	const struct options *options;
};

/*
 * urls: n operands.  False, with a sentence on stderr that names the argument,
 * and what to exit with in *code: one is no URL or has a password in it, their
 * user names differ, or a file cannot be read.  session_done() in any case.
 * options and work are borrowed.
 */
bool session_begin(struct session *s, const struct options *o,
    struct work *work, const char *const *urls, size_t n, int *code) MUST_USE;
void session_done(struct session *s);

/* Whether an operand is meant to be a URL: it is a word and "://" behind it. */
bool session_is_url(const char *operand);

#endif
