/* SPDX-License-Identifier: MIT */
/*
 * The configuration as requests use it.  Each request holds the one that was
 * in force when it began, so that SIGHUP can put another in its place at any
 * moment.
 */
#ifndef SHEAF_SERVER_LIVE_H
#define SHEAF_SERVER_LIVE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "dav/exchange.h"
#include "http/href.h"
#include "http/mime.h"
#include "server/address.h"
#include "server/config.h"
#include "wire/batch.h"

struct live {
	atomic_uint holders;
	struct config config;
	struct dav_settings set;
	struct batch_limits limits;
	struct mime *mime;
	struct networks trusted;
	struct origin base; /* what is configured of the root's URL */
	struct str prefix; /* what requests arrive with: "" or "/dav" */
	const char *spool_dir; /* where spools make their temporary files */
	struct arena arena;
};

/*
 * Takes c over, leaving it empty, also when it fails: ERR_BAD_REQUEST for a
 * value that means nothing, with the sentence in err->why.
 */
enum err_code
live_new(struct config *c, struct live **out, struct err *err) MUST_USE;

struct live *live_hold(struct live *l);
void live_drop(struct live *l); /* NULL is fine */

#endif
