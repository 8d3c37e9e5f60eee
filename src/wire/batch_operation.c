/* SPDX-License-Identifier: MIT */
/* Writes and reads one operation of a batch source, and what is around them. */
#include "wire/batch_source.h"

/* ---- shapes */

static const char *const shapes[] = {
	[SHAPE_OPERATIONS] = "operations",
	[SHAPE_REQUESTS] = "requests",
	[SHAPE_ACTIONS] = "actions",
};

const char *
batch_shape_name(enum batch_shape s)
{
	return shapes[s];
}

bool
batch_shape_find(struct str name, enum batch_shape *out)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(shapes); i++)
		if (str_eq(name, str_from_c(shapes[i]))) {
			*out = (enum batch_shape)i;
			return true;
		}
	return false;
}

/* ---- what stands around the operations */

static void
put_number(struct buf *b, bool *some, const char *name, uint64_t n)
{
	buf_put(b, *some ? STR(",\"") : STR("\""));
	*some = true;
	buf_put(b, str_from_c(name));
	BUF_LIT(b, "\":");
	buf_put_u64(b, n);
}

static void
put_true(struct buf *b, bool *some, const char *name)
{
	buf_put(b, *some ? STR(",\"") : STR("\""));
	*some = true;
	buf_put(b, str_from_c(name));
	BUF_LIT(b, "\":true");
}

void
batch_lead_put(struct buf *b, const struct batch_source_head *h, bool dry_run,
    uint64_t fail_on_errors, bool lines)
{
	bool some = h->members.len > 0;

	if (h->shape == SHAPE_ACTIONS ||
	    (lines && !some && !dry_run && !fail_on_errors))
		return;
	buf_put(b, lines ? STR("{\"batch\":{") : STR("{"));
	buf_put(b, h->members);
	if (dry_run)
		put_true(b, &some, "dryRun");
	if (fail_on_errors)
		put_number(b, &some, "failOnErrors", fail_on_errors);
	if (lines) {
		BUF_LIT(b, "}}\n");
		return;
	}
	buf_put(b, some ? STR(",\"") : STR("\""));
	buf_put(b, str_from_c(shapes[h->shape]));
	BUF_LIT(b, "\":[");
}

void
batch_tail_put(struct buf *b, const struct batch_source_head *h, bool lines)
{
	if (h->shape != SHAPE_ACTIONS && !lines)
		BUF_LIT(b, "]}");
}

void
batch_flatten(struct buf *b, size_t from)
{
	size_t i;

	for (i = from; i < b->len; i++)
		if (b->ptr[i] == '\n' || b->ptr[i] == '\r')
			b->ptr[i] = ' ';
}

void
batch_head_put(struct buf *b, const struct batch_source_head *h)
{
	bool some = h->members.len > 0;

	buf_putc(b, '{');
	buf_put(b, h->members);
	if (h->fail_on_errors)
		put_number(b, &some, "failOnErrors", h->fail_on_errors);
	buf_putc(b, '}');
}

/* ---- one operation */

struct str
batch_line_trim(struct str line)
{
	while (line.len && strchr(" \t\r\x1e", line.ptr[0]))
		line = str_skip(line, 1);
	while (line.len && strchr(" \t\r", line.ptr[line.len - 1]))
		line.len--;
	return line;
}

static enum err_code
read_retry_line(struct arena *a, struct str bytes, struct batch_operation *o,
    struct err *err)
{
	const struct json_member *text, *source;
	struct json_members m;
	uint64_t after = UINT64_MAX;
	enum err_code rc = json_members_read(a, bytes, &m, err);

	if (rc)
		return rc;
	text = json_member_find(&m, "operation");
	source = json_member_find(&m, "source");
	if (!text || text->kind != SPLIT_OBJECT)
		return err_tell(
		    err, ERR_BAD_BODY, "there is no \"operation\" in it");
	o->text = text->value;
	if (source)
		o->source = source->value;
	rc = json_member_text(a, &m, "idempotencyKey", &o->key, err);
	if (!rc)
		rc = json_member_text(a, &m, "fate", &o->fate, err);
	if (!rc)
		rc = json_member_number(&m, "status", &o->status, err);
	if (!rc)
		rc = json_member_number(&m, "retryAfter", &after, err);
	o->retry_after = after > INT32_MAX ? -1 : (int64_t)after;
	return rc;
}

static enum err_code
read_source_line(struct arena *a, struct str source, struct err *err)
{
	struct json_members m;

	return json_members_read(a, source, &m, err);
}

enum err_code
batch_source_item_read(struct arena *a, const struct batch_source_head *h,
    struct str bytes, struct batch_operation *out, struct err *err)
{
	size_t end = str_find(bytes, '\n');
	enum err_code rc = ERR_OK;

	*out = (struct batch_operation){ .text = bytes, .retry_after = -1 };
	if (h->retry) {
		rc = read_retry_line(a, bytes, out, err);
	} else if (h->shape == SHAPE_ACTIONS) {
		out->text = batch_line_trim(str_head(bytes, end));
		out->source = batch_line_trim(str_skip(bytes, end + 1));
	}
	if (rc)
		return rc;
	if (h->shape != SHAPE_ACTIONS)
		return batch_edit_read(a, out->text, &out->e, err);
	rc = batch_action_read(a, out->text, &out->e, err);
	if (!rc && batch_action_has_source(&out->e))
		rc = read_source_line(a, out->source, err);
	return rc;
}
