/* SPDX-License-Identifier: MIT */
/*
 * Checks a 207 that any server wrote against rules, each with the paragraph of
 * an RFC that it comes from: DAV:multistatus, JSON, lines of JSON, and the
 * header that came with it.  Reads the bytes as they come.
 *
 * A rule is judged only where what it needs is known: without the method
 * nothing is said of what the method forbids, without the URL nothing of what
 * an href is relative to, without a header nothing of the header.
 *
 * Memory: one item at a time, and some bytes for each href or id, up to a
 * bound.  Findings live for the call they are handed to; rules are constant.
 *
 * Threads: one linter at a time in one thread, any number side by side.
 */
#ifndef SHEAF_LINT_H
#define SHEAF_LINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sheaf/api.h>
#include <sheaf/reader.h>
#include <sheaf/result.h>

SHEAF_BEGIN

enum sheaf_severity { SHEAF_WARNING = 1, SHEAF_ERROR = 2 };

/* A rule.  Members may be added at the end. */
struct sheaf_rule {
	const char *id; /* "X105"; never given another meaning */
	enum sheaf_severity severity;
	bool also_warns; /* an error whose milder cases are warnings */
	const char *title; /* what holds in a good 207; no full stop */
	const char *source; /* "RFC 4918 s14.24", or "" */
	const char *why; /* what comes of it where it does not hold */
	const char *help; /* what to do then; sentences */
};

/*
 * One rule of the table.
 *
 * i: from 0.
 * Returns: the rule, or NULL when there are no more.
 * RFC: RFC 4918; RFC 7493; RFC 8259; RFC 9110; RFC 9457.
 */
SHEAF_API const struct sheaf_rule *sheaf_rule_at(size_t i);

/*
 * Looks a rule up.
 *
 * id: such as "X105"; NULL is none.
 * Returns: the rule, or NULL where there is none of that name.
 * RFC: none.
 */
SHEAF_API const struct sheaf_rule *sheaf_rule_find(const char *id);

/* Where a rule is broken.  Members may be added at the end. */
struct sheaf_finding {
	const struct sheaf_rule *rule;
	enum sheaf_severity severity;
	uint64_t line, column; /* of the body, from 1; 0: of the header */
	/* RFC 6901; NULL where the answer is not JSON; "" is the whole. */
	const char *pointer;
	const char *found; /* a sentence */
	const char *todo; /* sentences */
	const char *source; /* "RFC 4918 s14.24", or "" */
};

typedef void sheaf_finding_fn(void *arg, const struct sheaf_finding *finding);

/* A header field; does not change while the library is libsheaf.so.0. */
struct sheaf_field {
	const char *name;
	const char *value;
};

/* What is known of the answer.  Begin with SHEAF_LINT_OPTIONS_INIT. */
struct sheaf_lint_options {
	size_t size; /* sizeof(struct sheaf_lint_options) */
	const char *method; /* of the request, upper case; NULL: not known */
	const char *url; /* of the request, absolute; NULL: not known */
	uint32_t status; /* of the answer; 0: not known */
	/* The header of the answer; has_header: it is all here. */
	bool has_header;
	const struct sheaf_field *fields;
	size_t n_fields;
	uint32_t per_rule; /* findings handed on; others counted; 0: all */
	uint64_t max_bytes; /* as in struct sheaf_reader_options */
	uint64_t max_item_bytes;
	uint32_t max_depth;
};

#define SHEAF_LINT_OPTIONS_INIT                                                \
	{                                                                      \
		sizeof(struct sheaf_lint_options), NULL, NULL, 0, false, NULL, \
		    0, 0, 0, 0, 0                                              \
	}

/* What was found.  Members may be added at the end. */
struct sheaf_lint_report {
	enum sheaf_form form;
	uint64_t items;
	uint64_t errors, warnings; /* all of them, handed on or not */
	/* It was not read to its end: malformed beyond repair, or a limit. */
	bool stopped;
	/* Too many hrefs or ids to judge the rules that each stands once. */
	bool gave_up;
};

struct sheaf_lint;

/*
 * Makes a linter, and judges the header at once.
 *
 * options: NULL where nothing is known; copied.
 * found: called for each finding; NULL to count them only.
 * arg: handed to found.
 * out: where the linter goes; NULL is put there on failure.
 * Returns: SHEAF_OK, SHEAF_NOMEM or SHEAF_INVALID.
 * Memory: sheaf_lint_free() frees it.
 * RFC: RFC 4918 s13; RFC 9110 s10.2.3.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_lint_new(const struct sheaf_lint_options *options,
    sheaf_finding_fn *found, void *arg, struct sheaf_lint **out);

/*
 * Reads the next bytes of the body.
 *
 * lint: not NULL.
 * bytes: n of them, split anywhere; read during the call.
 * n: may be 0.
 * Returns: SHEAF_OK, also where they are malformed: that is a finding;
 * SHEAF_NOMEM.
 * RFC: RFC 4918 s14; RFC 8259.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_lint_feed(struct sheaf_lint *lint, const void *bytes, size_t n);

/*
 * After the last byte: judges what can only be judged at the end.  To be called
 * once.
 *
 * lint: not NULL.
 * cut: the transport knows that bytes are missing.
 * out: where the report goes; may be NULL; lives as long as the linter.
 * Returns: SHEAF_OK where no error was found (there may be warnings),
 * SHEAF_MALFORMED where there was one, SHEAF_TOO_LARGE over a limit of the
 * options, SHEAF_NOMEM; SHEAF_INVALID when called twice.
 * RFC: RFC 4918 s13.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result sheaf_lint_end(
    struct sheaf_lint *lint, bool cut, const struct sheaf_lint_report **out);

/*
 * Frees a linter, ended or not.
 *
 * lint: NULL is fine.
 * RFC: none.
 */
SHEAF_API void sheaf_lint_free(struct sheaf_lint *lint);

SHEAF_END

#endif
