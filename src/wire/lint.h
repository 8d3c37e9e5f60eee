/* SPDX-License-Identifier: MIT */
/*
 * Checks a 207 that somebody else wrote against the rules of lint_rules.def:
 * DAV:multistatus, JSON, lines of JSON and JSON text sequences, and the head
 * that came with it.  Reads the bytes as they come.
 *
 * A rule is judged only where what it needs is known: without the method
 * nothing is said of what the method forbids, without the URL nothing of what
 * an href is relative to, without a head nothing of the head.
 *
 * Memory: one item, and for the rules that something stands once a few bytes
 * for each href or id (LINT_MAX_ONCE of them at most; beyond that these rules
 * are no longer judged, and the report says so).
 */
#ifndef SHEAF_WIRE_LINT_H
#define SHEAF_WIRE_LINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"
#include "base/str.h"
#include "wire/reader.h"
#include "wire/saved.h"

enum lint_rule {
#define RULE(id, severity, also, title, source, why, help) LINT_##id,
#include "wire/lint_rules.def"
#undef RULE
	LINT_COUNT
};

enum lint_severity { LINT_WARNING, LINT_ERROR };

struct lint_rule_row {
	const char *id; /* "X105" */
	enum lint_severity severity;
	bool also_warns; /* an error's milder cases are warnings */
	const char *title; /* what holds in a good 207; no full stop */
	const char *source; /* "RFC 4918 s14.24"; or empty */
	const char *why; /* what comes of it where it does not hold */
	const char *help; /* what to do then; sentences */
};

extern const struct lint_rule_row lint_rules[LINT_COUNT];

/* LINT_COUNT when there is none of that name. */
enum lint_rule lint_rule_find(struct str id);

/* Most hrefs, and ids, that are remembered, in at most some 64 bytes each. */
#define LINT_MAX_ONCE ((size_t)4 * 1024 * 1024)

/* Everything is borrowed for the call; strings may hold any bytes. */
struct lint_finding {
	enum lint_rule rule;
	enum lint_severity severity;
	uint64_t line, column; /* of the body, from 1; 0: about the head */
	struct str pointer; /* RFC 6901; ptr is NULL where it is not JSON */
	struct str found; /* a sentence */
	struct str todo; /* sentences */
	const char *source;
};

/* An operation of the bulk request that was answered. */
struct lint_operation {
	struct str id;
	struct str group; /* its atomicityGroup, or empty */
	const struct str *depends_on; /* ids and groups */
	size_t n_depends_on;
};

struct lint_spec {
	/*
	 * What came before the body; NULL: not known.  A status of 0 in it is
	 * not known either.  Borrowed for the call.
	 */
	const struct answer_head *head;
	struct str method; /* where it is empty, the head's */
	struct str url; /* absolute; where it is empty, the head's */
	/*
	 * The operations that were asked for; NULL: not known.  Borrowed until
	 * lint_free().
	 */
	const struct lint_operation *operations;
	size_t n_operations;
	const struct reader_limits *limits; /* NULL: the reader's */
	/*
	 * Most findings of a rule that are handed on, others counted; 0: all.
	 */
	unsigned per_rule;
	void (*found)(void *arg, const struct lint_finding *f);
	void *arg;
};

struct lint_report {
	enum shape shape;
	uint64_t items; /* responses or results */
	uint64_t errors, warnings; /* all of them */
	uint64_t of_rule[LINT_COUNT];
	/*
	 * The body was not read to its end: malformed beyond repair (and then
	 * that is a finding), or over a limit (ERR_TOO_LARGE in err).
	 */
	bool stopped;
	bool once_gave_up; /* there were over LINT_MAX_ONCE hrefs or ids */
	struct err err;
};

struct lint;

/* Judges the head at once.  ERR_NOMEM. */
enum err_code lint_new(
    const struct lint_spec *spec, struct lint **out, struct err *err) MUST_USE;

/* Where the body's bytes go; fails with ERR_NOMEM alone. */
struct ostream *lint_stream(struct lint *l);

/*
 * After the last byte; cut: the transport knows that bytes are missing.
 * Judges what can only be judged at the end.  Fails only with ERR_NOMEM.
 */
enum err_code lint_end(struct lint *l, bool cut, struct lint_report *out,
    struct err *err) MUST_USE;

void lint_free(struct lint *l); /* NULL is fine */

#endif
