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
#include <sheaf/writer.h>

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
	/*
	 * The body of the bulk request that was answered, n_request bytes of
	 * JSON or lines of JSON: an array of operations, also as a member
	 * "operations", "requests" and so on, each with id, atomicityGroup and
	 * dependsOn.  Then J205 and J208 are judged in full: an operation that
	 * is not answered, an id that was not asked for, a success of what
	 * depends on a failure.  NULL: not known.
	 */
	const char *request;
	size_t n_request;
};

#define SHEAF_LINT_OPTIONS_INIT                                                \
	{                                                                      \
		sizeof(struct sheaf_lint_options), NULL, NULL, 0, false, NULL, \
		    0, 0, 0, 0, 0, NULL, 0                                     \
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
	/* Findings of each rule, in the order of sheaf_rule_at(). */
	const uint64_t *of_rule;
	size_t n_of_rule;
};

struct sheaf_lint;

/*
 * Makes a linter, and judges the header at once.
 *
 * options: NULL where nothing is known; copied.
 * found: called for each finding; NULL to count them only.
 * arg: handed to found.
 * out: where the linter goes; NULL is put there on failure.
 * Returns: SHEAF_OK, SHEAF_NOMEM or SHEAF_INVALID; SHEAF_MALFORMED where the
 * options' request has no operations that can be read.
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

/* How findings are written. */
enum sheaf_lint_form {
	/* A line for each, "FILE:3:14: error X104: ...". */
	SHEAF_LINT_TEXT = 1,
	/* A line of JSON for each, and a last one that counts them. */
	SHEAF_LINT_JSON = 2,
	/* One document of SARIF 2.1.0, with all rules. */
	SHEAF_LINT_SARIF = 3
};

/* Where an answer is from.  Begin with SHEAF_LINT_SOURCE_INIT. */
struct sheaf_lint_source {
	size_t size; /* sizeof(struct sheaf_lint_source) */
	const char *file; /* its name, or a URL; NULL: standard input */
	bool is_url;
	/*
	 * Which of several in the file, "DELETE http://...", and then lines and
	 * columns are those of its body; NULL: the only one.
	 */
	const char *answer;
	uint64_t line; /* lines of the file before the body's first */
};

#define SHEAF_LINT_SOURCE_INIT                                         \
	{                                                              \
		sizeof(struct sheaf_lint_source), NULL, false, NULL, 0 \
	}

struct sheaf_lint_output;

/*
 * Makes a writer of findings, of one answer or of many: for each
 * sheaf_lint_output_source(), its findings, sheaf_lint_output_report(); and
 * sheaf_lint_output_end().  It writes what `sheaf lint --format` does.
 *
 * form: how.
 * write: called with the bytes, piece by piece.
 * arg: handed to write.
 * out: where the writer goes; NULL is put there on failure.
 * Returns: SHEAF_OK, SHEAF_NOMEM, or SHEAF_INVALID: no write, or no such form.
 * Memory: sheaf_lint_output_free() frees it.
 * RFC: RFC 8259.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_lint_output_new(enum sheaf_lint_form form, sheaf_write_fn *write,
    void *arg, struct sheaf_lint_output **out);

/*
 * Begins an answer: the findings that follow are its own.  Without it they are
 * of standard input.
 *
 * output: not NULL.
 * source: not NULL; copied.
 * Returns: SHEAF_OK, SHEAF_NOMEM, or SHEAF_INVALID, also after the end.
 * RFC: none.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result sheaf_lint_output_source(
    struct sheaf_lint_output *output, const struct sheaf_lint_source *source);

/*
 * Writes a finding.  A sheaf_finding_fn, so that it can be put behind a linter:
 * sheaf_lint_new(&options, sheaf_lint_output_finding, output, &lint).  A
 * failure sticks and is what sheaf_lint_output_end() returns.
 *
 * output: the struct sheaf_lint_output, not NULL.
 * finding: not NULL; its rule is one of this library's; read during the call.
 * RFC: RFC 6901.
 */
SHEAF_API void
sheaf_lint_output_finding(void *output, const struct sheaf_finding *finding);

/*
 * Ends an answer: counts it, and as text says how many findings of a rule the
 * linter counted and did not hand on.
 *
 * output: not NULL.
 * report: of sheaf_lint_end(), not NULL; read during the call.
 * Returns: SHEAF_OK; SHEAF_STOPPED where write said so; SHEAF_NOMEM;
 * SHEAF_INVALID after the end.  A failure sticks.
 * RFC: none.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result sheaf_lint_output_report(
    struct sheaf_lint_output *output, const struct sheaf_lint_report *report);

/*
 * Writes the end.  To be called once.  Without it JSON has no last line, and
 * SARIF is not whole.
 *
 * output: not NULL.
 * complete: all answers could be read; SARIF says so.
 * Returns: SHEAF_OK; SHEAF_STOPPED where write said so; SHEAF_NOMEM;
 * SHEAF_INVALID where a finding was of no rule, and when called twice.
 * RFC: none.
 */
SHEAF_MUST_USE SHEAF_API enum sheaf_result
sheaf_lint_output_end(struct sheaf_lint_output *output, bool complete);

/*
 * Frees a writer of findings, ended or not.
 *
 * output: NULL is fine.
 * RFC: none.
 */
SHEAF_API void sheaf_lint_output_free(struct sheaf_lint_output *output);

SHEAF_END

#endif
