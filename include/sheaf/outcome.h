/* SPDX-License-Identifier: MIT */
/*
 * What became of one resource: the model that readers fill and writers write.
 *
 * Strings are UTF-8 and end in NUL.  In what the library hands out they are
 * never NULL: what was not said is "".  In what a caller hands in NULL is taken
 * for "".  A character U+0000 that stood in an answer is handed out as U+FFFD.
 *
 * Memory: an outcome that a callback is handed lives for that call; one that an
 * answer keeps lives as long as the answer.  Functions read what they are
 * handed during the call and keep no pointer to it.
 *
 * Threads: any number may read the same outcome at once.
 */
#ifndef SHEAF_OUTCOME_H
#define SHEAF_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sheaf/api.h>

SHEAF_BEGIN

/* In what form the value of a property is. */
enum sheaf_prop_kind {
	SHEAF_PROP_EMPTY = 0, /* it has none */
	SHEAF_PROP_TEXT = 1, /* text, not escaped */
	/*
	 * The property's whole element, serialised so that it stands alone:
	 * every prefix in it is declared in it (RFC 4918 s4.3).
	 */
	SHEAF_PROP_XML = 2
};

/*
 * A property (RFC 4918 s4).  This struct does not change while the library is
 * called libsheaf.so.0, so that there can be arrays of it.
 */
struct sheaf_prop {
	const char *ns; /* "DAV:", or "" where it is in no namespace */
	const char *name; /* "getetag" */
	const char *value; /* as kind says */
	enum sheaf_prop_kind kind;
};

/*
 * Properties that share a status (RFC 4918 s14.22).  Does not change while the
 * library is called libsheaf.so.0.
 */
struct sheaf_propstat {
	uint32_t status; /* 0: it could not be read */
	const struct sheaf_prop *props;
	size_t n_props;
	const char *error; /* the DAV:error element, serialised, or "" */
	const char *text; /* a sentence for people, or "" */
};

/*
 * What became of one resource.  Where n_propstats is not 0 they say it, and
 * status is that of the resource as a whole: 200 if it could be read; for
 * PROPPATCH the status that decided.
 *
 * Members may be added at the end in a later version.  Who makes one for the
 * library begins with SHEAF_OUTCOME_INIT, which sets size.
 */
struct sheaf_outcome {
	size_t size; /* sizeof(struct sheaf_outcome) */
	/*
	 * As it was sent, whatever number it is; see sheaf_status_effective().
	 * 0: there was none, or it could not be read; then what became of it is
	 * not known.
	 */
	uint32_t status;
	bool partial; /* done for some of its members only */
	const char *href; /* percent-encoded, as it was sent (RFC 3986) */
	const char *id; /* of the operation, in JSON */
	const char *op; /* of the operation: "create", "DELETE" */
	const char *text; /* a sentence for people */
	const char *error; /* the DAV:error element (RFC 4918 s14.5) */
	const char *problem_type; /* a URI (RFC 9457 s3.1.1) */
	const char *location; /* percent-encoded (RFC 4918 s14.9) */
	const char *retry_after; /* as it was sent (RFC 9110 s10.2.3) */
	const char *caused_by; /* the id of what a 424 waited for */
	uint64_t line, column; /* where it begins, from 1; 0: not known */
	const struct sheaf_propstat *propstats;
	size_t n_propstats;
};

/* struct sheaf_outcome o = SHEAF_OUTCOME_INIT; the rest is zero. */
#define SHEAF_OUTCOME_INIT                                                \
	{                                                                 \
		sizeof(struct sheaf_outcome), 0, false, NULL, NULL, NULL, \
		    NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0     \
	}

/*
 * total = success + failed, where failed is sheaf_outcome_is_failure();
 * retryable are those of them whose status sheaf_status_is_retryable() is true
 * of.  Does not change while the library is called libsheaf.so.0.
 */
struct sheaf_summary {
	uint64_t total;
	uint64_t success;
	uint64_t failed;
	uint64_t retryable;
};

/*
 * Whether it is anything but proven done: a status of 400 or more, of 1xx, 202
 * or 207, a redirect, one that could not be read; done in part only; or
 * properties that were refused, with any status but 2xx and 404.  A property
 * that was not found does not make the resource a failure.
 *
 * outcome: not NULL.
 * Returns: true where it cannot be taken for done.
 * RFC: RFC 4918 s13; RFC 9110 s15.
 */
SHEAF_API bool sheaf_outcome_is_failure(const struct sheaf_outcome *outcome);

/*
 * What to tell people: its text, or the reason phrase of its status.
 *
 * outcome: not NULL.
 * Returns: a sentence; never NULL, and "no status" where there is none.
 * Memory: lives as long as the outcome.
 * RFC: RFC 4918 s14.25.
 */
SHEAF_API const char *sheaf_outcome_text(const struct sheaf_outcome *outcome);

SHEAF_END

#endif
