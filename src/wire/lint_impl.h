/* SPDX-License-Identifier: MIT */
/* What the parts of the linter share.  For wire/lint*.c alone. */
#ifndef SHEAF_WIRE_LINT_IMPL_H
#define SHEAF_WIRE_LINT_IMPL_H

#include "base/arena.h"
#include "base/buf.h"
#include "http/url.h"
#include "wire/lint.h"
#include "wire/once.h"
#include "wire/reader_sniff.h"

/* Most bytes of a sentence; what is longer is cut. */
#define LINT_SENTENCE 512

struct lint_place {
	uint64_t line, column;
	struct str pointer;
};

struct lint_form;

/* How a body of one shape is checked. */
struct lint_form_ops {
	/*
	 * Fails with ERR_NOMEM alone.  What is malformed is a finding; where
	 * it cannot go on it sets report.stopped, and no more bytes come.
	 */
	enum err_code (*feed)(struct lint_form *f, struct str bytes);
	/* Called at the end, also where it has stopped. */
	enum err_code (*end)(struct lint_form *f, bool cut);
	void (*free)(struct lint_form *f);
};

/* The base of every form, placed first in it. */
struct lint_form {
	const struct lint_form_ops *ops;
	struct lint *l;
};

/* Whether Preference-Applied says that successes were left out. */
enum lint_minimal { MINIMAL_NO, MINIMAL_YES, MINIMAL_UNKNOWN };

struct lint {
	struct ostream base;
	struct lint_spec spec;
	struct reader_limits limits;
	struct arena a; /* for the strings that follow */
	struct str method; /* empty: not known */
	struct url url; /* of the request; scheme is empty: not known */
	unsigned status; /* of the answer; 0: not known */
	struct str content_type;
	bool has_retry_after;
	enum lint_minimal minimal;
	struct lint_report report;
	struct lint_form *form; /* once the first bytes have said which */
	struct sniffer sniffer;
	struct buf held; /* the bytes until then */
	bool any; /* a byte of body has come */
	struct once seen; /* hrefs, or ids */
};

#define LINT_IS(l, name) str_eq((l)->method, STR(name))

/*
 * Counts a finding and hands it on.  at is NULL where it is about the head;
 * todo where the rule's own help says what to do.
 */
void lint_say(struct lint *l, enum lint_rule rule, enum lint_severity severity,
    const struct lint_place *at, const char *todo, const char *fmt, ...)
    PRINTF_LIKE(6, 7);

#define LINT_SAY(l, rule, at, ...)                                         \
	lint_say((l), LINT_##rule, lint_rules[LINT_##rule].severity, (at), \
	    NULL, __VA_ARGS__)
#define LINT_WARN(l, rule, at, ...) \
	lint_say((l), LINT_##rule, LINT_WARNING, (at), NULL, __VA_ARGS__)

/* The beginning of something that may be too long for a sentence. */
#define LINT_SHOW(s) STR_ARG(lint_brief(s))
struct str lint_brief(struct str s);

/* Remembers an href or id; *seen as once_put() has it.  ERR_NOMEM. */
enum err_code lint_remember(
    struct lint *l, struct str key, uint64_t value, uint64_t **seen) MUST_USE;

/*
 * lint_head.c: judge the head, and note what is needed of it later; judge what
 * it says of the body's shape; and of a body that is empty.
 */
void lint_judge_head(struct lint *l, const struct answer_head *h);
void lint_judge_type(struct lint *l, enum shape shape);
void lint_judge_empty(struct lint *l);

/* "120", or an HTTP date. */
bool lint_is_retry_after(struct str s);

/* lint_text.c: the forms of texts. */
bool lint_is_stack_trace(struct str s);
bool lint_is_uri_reference(struct str s);

/* lint_href.c: what is known of the hrefs so far. */
struct lint_hrefs {
	bool some, absolute; /* there was one; the first was absolute */
	bool said; /* it was said that paths and URLs are mixed */
	struct buf key; /* scratch */
};

/* Judges an href; *target: it is the URL of the request. */
enum err_code lint_href(struct lint *l, struct lint_hrefs *hs, struct str href,
    const struct lint_place *at, bool *target) MUST_USE;

/* Judges "HTTP/1.1 404 Not Found"; returns the status, 0: there is none. */
unsigned
lint_status(struct lint *l, struct str line, const struct lint_place *at);

enum err_code lint_xml_new(struct lint *l, struct lint_form **out) MUST_USE;
enum err_code lint_json_new(struct lint *l, struct lint_form **out) MUST_USE;
enum err_code
lint_lines_new(struct lint *l, bool seq, struct lint_form **out) MUST_USE;

#endif
