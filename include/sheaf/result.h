/* SPDX-License-Identifier: MIT */
/*
 * How a call of libsheaf ended: the one type that functions return which can
 * fail.  Zero is success, and nothing else is: an answer of which a part failed
 * is not zero, so that `if (result)` finds it.
 *
 * Memory: the strings are constant and never NULL.
 *
 * Threads: any number may call these functions at once.
 */
#ifndef SHEAF_RESULT_H
#define SHEAF_RESULT_H

#include <sheaf/api.h>

SHEAF_BEGIN

/*
 * SHEAF_OK to SHEAF_CONTRADICTS judge an answer, the others the call.  Where
 * several fit, the answer has the last of them that does: a 207 that is cut
 * short after a failed item is SHEAF_CUT_SHORT, and the failed item is kept.
 *
 * Numbers are never given another meaning; there may be more of them in a later
 * version, so take one that you do not know for a failure.
 */
enum sheaf_result {
	/* Everything is there, and nothing in it failed. */
	SHEAF_OK = 0,
	/*
	 * Everything is there, and some items of it failed, or could not be
	 * read, or were done in part: they are kept with the answer.
	 */
	SHEAF_PARTIAL = 1,
	/* The answer says one thing of itself and its items another. */
	SHEAF_CONTRADICTS = 2,
	/* It ended too early.  What it does not mention is unknown. */
	SHEAF_CUT_SHORT = 3,
	/* It is malformed, or no 207 at all.  The rest of it is unknown. */
	SHEAF_MALFORMED = 4,
	/* It went over a limit.  The rest of it is unknown. */
	SHEAF_TOO_LARGE = 5,

	SHEAF_NOMEM = 16, /* there is no memory */
	SHEAF_INVALID = 17, /* the call was wrong: see its manual */
	SHEAF_STOPPED = 18, /* a function of the caller said so */
	SHEAF_IO = 19 /* a read failed; errno says why */
};

/*
 * The name of a result, such as "SHEAF_PARTIAL".
 *
 * result: any number; one that is none of ours gives "SHEAF_?".
 * Returns: the name.
 * RFC: none.
 */
SHEAF_API const char *sheaf_result_name(enum sheaf_result result);

/*
 * A short sentence for people: "some items failed".
 *
 * result: any number.
 * Returns: the sentence, in English, without a full stop.
 * RFC: none.
 */
SHEAF_API const char *sheaf_result_text(enum sheaf_result result);

SHEAF_END

#endif
