/* SPDX-License-Identifier: MIT */
#include "wire/error_body.h"

#include <assert.h>

#include "wire/escape.h"
#include "wire/problem.h"

/*
 * RFC 4918 s14.5 lets DAV:error hold any elements.  The sentence for people
 * stands in one of ours, so that it is not empty where the failure has no
 * precondition by name.
 */
#define SHEAF_NS "urn:sheaf:"

static struct str
sentence(const struct err *err)
{
	return str_from_c(err->tell[0] ? err->tell : err_text(err->code));
}

static void
put_xml(struct buf *b, const struct err *err, const struct cause *cause)
{
	BUF_LIT(b,
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<D:error xmlns:D=\"DAV:\">");
	condition_put(b, err->code, cause);
	BUF_LIT(b, "<S:message xmlns:S=\"" SHEAF_NS "\">");
	xml_put_text(b, sentence(err));
	BUF_LIT(b, "</S:message></D:error>\n");
}

static void
put_problem(struct buf *b, const struct err *err, const struct cause *cause)
{
	problem_put(
	    b, err->code, err_status(err->code), str_from_c(err->tell), cause);
	buf_putc(b, '\n');
}

static const struct {
	struct str media_type;
	void (*put)(
	    struct buf *b, const struct err *err, const struct cause *cause);
} forms[] = {
	[ERROR_XML] = { STR_INIT("application/xml; charset=utf-8"), put_xml },
	[ERROR_PROBLEM] = { STR_INIT("application/problem+json"), put_problem },
};

struct str
error_media_type(enum error_form f)
{
	assert(f < ARRAY_LEN(forms));
	return forms[f].media_type;
}

void
error_body_put(struct buf *b, enum error_form f, const struct err *err,
    const struct cause *cause)
{
	assert(f < ARRAY_LEN(forms));
	forms[f].put(b, err, cause);
}
