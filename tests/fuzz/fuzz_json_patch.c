/* SPDX-License-Identifier: MIT */
/*
 * A patch in the first line, a document in the rest: what comes of them is JSON
 * that can be patched again, and stays what it is where a patch does nothing.
 */
#include "fuzz.h"

#include "wire/json_exact.h"
#include "wire/json_patch.h"

static enum err_code
apply(enum json_patch_form form, struct str doc, struct str patch,
    struct buf *out)
{
	struct err err = { 0 };
	enum err_code rc;

	out->max = 1 << 16;
	rc = json_patch_apply(form, doc, patch, out, &err);
	MUST(rc == err.code);
	MUST(!rc || err.tell[0]);
	MUST(!rc || rc == ERR_BAD_BODY || rc == ERR_CONTENT ||
	    rc == ERR_TOO_LARGE);
	return rc;
}

/* As JSON the same, in spite of its spaces. */
static void
must_be_same(struct str a, struct str b)
{
	json_t *x, *y;

	MUST(!json_exact_load(a, 1000, ERR_CONTENT, &x, NULL));
	MUST(!json_exact_load(b, 1000, ERR_CONTENT, &y, NULL));
	MUST(json_equal(x, y));
	json_decref(x);
	json_decref(y);
}

static void
check(enum json_patch_form form, struct str doc, struct str patch)
{
	struct buf out = { 0 }, again = { 0 }, twice = { 0 };

	if (!apply(form, doc, patch, &out)) {
		MUST(
		    !apply(JSON_PATCH_STEPS, buf_str(&out), STR("[]"), &again));
		must_be_same(buf_str(&out), buf_str(&again));
		/* Merging is idempotent (RFC 7396 s2). */
		if (form == JSON_PATCH_MERGE &&
		    !apply(form, buf_str(&out), patch, &twice))
			must_be_same(buf_str(&out), buf_str(&twice));
	}
	buf_done(&out);
	buf_done(&again);
	buf_done(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str doc = fuzz_str(data, size);
	struct str patch;

	if (size > 1 << 13)
		return 0;
	patch = fuzz_line(&doc);
	check(JSON_PATCH_MERGE, doc, patch);
	check(JSON_PATCH_STEPS, doc, patch);
	return 0;
}
