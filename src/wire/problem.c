/* SPDX-License-Identifier: MIT */
#include "wire/problem.h"

#include "http/status.h"
#include "wire/escape.h"

/* "NOT_FOUND" as "not-found" */
static void
put_type(struct buf *b, const char *name)
{
	BUF_LIT(b, "urn:sheaf:problem:");
	for (; *name; name++)
		buf_putc(b, *name == '_' ? '-' : ascii_lower(*name));
}

/* "no such resource" as "No such resource" */
static void
put_title(struct buf *b, struct str text)
{
	if (text.len && text.ptr[0] >= 'a' && text.ptr[0] <= 'z') {
		buf_putc(b, (char)(text.ptr[0] - 'a' + 'A'));
		text = str_skip(text, 1);
	}
	json_put_chars(b, text);
}

void
problem_put(struct buf *b, enum err_code why, unsigned status,
    struct str detail, const struct cause *cause)
{
	BUF_LIT(b, "{\"type\":\"");
	if (why)
		put_type(b, err_name(why));
	else
		BUF_LIT(b, "about:blank");
	BUF_LIT(b, "\",\"title\":\"");
	put_title(b, why ? str_from_c(err_text(why)) : status_reason(status));
	BUF_LIT(b, "\",\"status\":");
	buf_put_u64(b, status);
	if (detail.len) {
		BUF_LIT(b, ",\"detail\":");
		json_put_string(b, detail);
	}
	if (condition_has_cause(why)) {
		BUF_LIT(b, ",\"resource\":\"");
		cause_put_href(b, cause);
		buf_putc(b, '"');
	}
	buf_putc(b, '}');
}
