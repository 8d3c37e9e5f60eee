/* SPDX-License-Identifier: MIT */
/* The reply to an item: kept, within limits, to become its result. */
#ifndef SHEAF_BULK_CAPTURE_H
#define SHEAF_BULK_CAPTURE_H

#include "dav/exchange.h"
#include "outcome/collector.h"

struct capture {
	struct reply base;
	struct arena *arena; /* borrowed */
	struct buf *body; /* borrowed; at most max bytes */
	uint64_t max;
	bool without_body; /* of HEAD */
	/* Kept of its headers, under names in lower case; and the tag. */
	struct header headers[12];
	size_t n_headers;
	char *etag;
	unsigned *etag_len;

	/* ---- what came */
	bool has_body, body_omitted;
	bool ended; /* all of it came */
	struct ostream stream;
	struct sink sink;
	struct rpath target; /* whose outcome stands for the whole */
	bool has_root;
	struct outcome root;
	struct collector members;
	size_t max_members;
	uint64_t omitted;
	unsigned worst; /* status of a member */
	uint64_t n_failed; /* members */
};

struct reply *capture_init(struct capture *c);

/* Whether a header is kept; *name: in lower case, and for ever. */
bool capture_name(struct str *name);

struct str capture_header(const struct capture *c, struct str name);

/* All that is kept of a resource's bytes, as of a GET. */
enum err_code capture_content(struct capture *c, struct content *content,
    const struct segment *segs, size_t n) MUST_USE;

#endif
