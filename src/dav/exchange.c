/* SPDX-License-Identifier: MIT */
#include "dav/exchange.h"

#include <assert.h>

void
reply_init(struct reply *r, const struct reply_ops *ops)
{
	assert(ops->header);
	assert(ops->stream);
	assert(ops->content);
	assert(ops->empty);
	*r = (struct reply){ .ops = ops };
}

enum err_code
reply_header(struct reply *r, struct str name, struct str value)
{
	assert(!r->status);
	if (!r->failed)
		r->failed = r->ops->header(r, name, value);
	return r->failed;
}

void
reply_forget(struct reply *r)
{
	assert(!r->status);
	r->failed = ERR_OK;
	if (r->ops->forget)
		r->ops->forget(r);
}

/* Headers of an answer that failed are not those of the next. */
static enum err_code
chosen(struct reply *r, unsigned status, enum err_code rc)
{
	if (rc)
		r->failed = rc;
	else
		r->status = status;
	return rc;
}

enum err_code
reply_stream(struct reply *r, unsigned status, struct ostream **out)
{
	enum err_code rc;

	assert(!r->status);
	rc = r->failed ? r->failed : r->ops->stream(r, status, out);
	return chosen(r, status, rc);
}

enum err_code
reply_content(struct reply *r, unsigned status, struct content *c,
    const struct segment *segs, size_t n)
{
	enum err_code rc;

	assert(!r->status);
	if (r->failed) {
		content_free(c);
		return r->failed;
	}
	rc = r->ops->content(r, status, c, segs, n);
	return chosen(r, status, rc);
}

enum err_code
reply_empty(struct reply *r, unsigned status)
{
	enum err_code rc;

	assert(!r->status);
	rc = r->failed ? r->failed : r->ops->empty(r, status);
	return chosen(r, status, rc);
}

bool
reply_wants_outcomes(const struct reply *r)
{
	return r->ops->outcomes != NULL;
}

enum err_code
reply_outcomes(struct reply *r, unsigned status, struct sink **out)
{
	enum err_code rc;

	assert(!r->status);
	rc = r->failed ? r->failed : r->ops->outcomes(r, status, out);
	return chosen(r, status, rc);
}
