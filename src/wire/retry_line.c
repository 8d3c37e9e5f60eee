/* SPDX-License-Identifier: MIT */
#include "wire/retry_line.h"

#include <jansson.h>
#include <stddef.h>

#include "http/date.h"
#include "wire/json_object.h"

#define HEADER_TYPE STR("sheaf-retry")

/* The members that are text, in the order in which they are written. */
static const struct text_row {
	const char *name;
	size_t offset;
} text_rows[] = {
	{ "id", offsetof(struct retry_line, id) },
	{ "memberOf", offsetof(struct retry_line, member_of) },
	{ "op", offsetof(struct retry_line, op) },
	{ "method", offsetof(struct retry_line, method) },
	{ "url", offsetof(struct retry_line, url) },
	{ "destination", offsetof(struct retry_line, destination) },
	{ "file", offsetof(struct retry_line, file) },
	{ "ifMatch", offsetof(struct retry_line, if_match) },
	{ "ifNoneMatch", offsetof(struct retry_line, if_none_match) },
	{ "lockToken", offsetof(struct retry_line, lock_token) },
	{ "contentType", offsetof(struct retry_line, content_type) },
	{ "body", offsetof(struct retry_line, body) },
	{ "fate", offsetof(struct retry_line, fate) },
	{ "error", offsetof(struct retry_line, error) },
	{ "idempotencyKey", offsetof(struct retry_line, key) },
};

static struct str *
text_of(struct retry_line *l, const struct text_row *r)
{
	return (struct str *)(void *)((char *)l + r->offset);
}

/* What is JSON already; nothing where it is empty. */
static void
put_json(struct json_object *o, const char *name, struct str json)
{
	if (!json.len)
		return;
	buf_put(o->b, o->some ? STR(",\"") : STR("\""));
	o->some = true;
	buf_put(o->b, str_from_c(name));
	BUF_LIT(o->b, "\":");
	buf_put(o->b, json);
}

void
retry_header_put(struct buf *b, const struct retry_header *h)
{
	struct json_object o = json_begin(b);

	json_put_text(&o, "type", HEADER_TYPE);
	json_put_number(&o, "version", RETRY_FILE_VERSION);
	json_put_text(&o, "sheaf", STR(SHEAF_VERSION));
	json_put_text(&o, "command", h->command);
	if (h->user.len)
		json_put_text(&o, "user", h->user);
	json_put_date(&o, "time", h->time);
	json_put_optional(&o, "url", h->url);
	json_put_optional(&o, "shape", h->shape);
	put_json(&o, "batch", h->batch);
	json_end(&o);
	buf_putc(b, '\n');
}

void
retry_line_put(struct buf *b, const struct retry_line *l)
{
	struct retry_line copy = *l;
	struct json_object o = json_begin(b);
	size_t i;

	for (i = 0; i < ARRAY_LEN(text_rows); i++) {
		struct str s = *text_of(&copy, &text_rows[i]);

		if (s.len)
			json_put_text(&o, text_rows[i].name, s);
	}
	if (l->keep)
		json_put_false(&o, "overwrite");
	if (l->recursive)
		json_put_true(&o, "recursive");
	if (l->status)
		json_put_number(&o, "status", l->status);
	if (l->retry_after >= 0)
		json_put_number(&o, "retryAfter", (uint64_t)l->retry_after);
	put_json(&o, "operation", l->operation);
	put_json(&o, "source", l->source);
	json_end(&o);
	buf_putc(b, '\n');
}

/* ---- reading */

static void
drop(json_t **j)
{
	json_decref(*j);
}

static enum err_code
load(struct str line, json_t **out, struct err *err)
{
	json_error_t e;

	if (line.len > RETRY_LINE_MAX)
		return err_tell(err, ERR_BAD_BODY,
		    "the line is longer than %zu bytes", RETRY_LINE_MAX);
	*out = json_loadb(
	    line.ptr ? line.ptr : "", line.len, JSON_REJECT_DUPLICATES, &e);
	if (!*out && json_error_code(&e) == json_error_out_of_memory)
		return err_nomem(err);
	if (!*out)
		return err_tell(err, ERR_BAD_BODY, "no JSON: %s", e.text);
	if (!json_is_object(*out))
		return err_tell(err, ERR_BAD_BODY, "no JSON object");
	return ERR_OK;
}

static enum err_code
take_text(struct arena *a, const json_t *from, const char *name,
    struct str *out, struct err *err)
{
	const json_t *j = json_object_get(from, name);

	*out = str_of("", 0);
	if (!j || json_is_null(j))
		return ERR_OK;
	if (!json_is_string(j))
		return err_tell(
		    err, ERR_BAD_BODY, "the member \"%s\" is no text", name);
	if (!arena_str(
		a, str_of(json_string_value(j), json_string_length(j)), out))
		return err_nomem(err);
	return ERR_OK;
}

static enum err_code
take_number(const json_t *from, const char *name, int64_t absent, int64_t *out,
    struct err *err)
{
	const json_t *j = json_object_get(from, name);

	*out = absent;
	if (!j || json_is_null(j))
		return ERR_OK;
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return err_tell(err, ERR_BAD_BODY,
		    "the member \"%s\" is no whole number", name);
	*out = json_integer_value(j);
	return ERR_OK;
}

static enum err_code
take_flag(const json_t *from, const char *name, bool absent, bool *out,
    struct err *err)
{
	const json_t *j = json_object_get(from, name);

	*out = absent;
	if (!j || json_is_null(j))
		return ERR_OK;
	if (!json_is_boolean(j))
		return err_tell(err, ERR_BAD_BODY,
		    "the member \"%s\" is neither true nor false", name);
	*out = json_is_true(j);
	return ERR_OK;
}

bool
retry_header_is(struct str line)
{
	json_t *j CLEANUP(drop) = NULL;
	const json_t *type;

	if (load(line, &j, NULL))
		return false;
	type = json_object_get(j, "type");
	return json_is_string(type) &&
	    str_eq(str_from_c(json_string_value(type)), HEADER_TYPE);
}

enum err_code
retry_header_parse(
    struct arena *a, struct str line, struct retry_header *out, struct err *err)
{
	json_t *j CLEANUP(drop) = NULL;
	struct str time = { 0 };
	int64_t version;
	enum err_code rc = load(line, &j, err);

	*out = (struct retry_header){ 0 };
	if (!rc)
		rc = take_number(j, "version", 0, &version, err);
	if (!rc && version != RETRY_FILE_VERSION)
		rc = err_tell(err, ERR_BAD_BODY,
		    "a retry file of version %lld, and this sheaf knows "
		    "version %d",
		    (long long)version, RETRY_FILE_VERSION);
	if (!rc)
		rc = take_text(a, j, "command", &out->command, err);
	if (!rc)
		rc = take_text(a, j, "user", &out->user, err);
	if (!rc)
		rc = take_text(a, j, "time", &time, err);
	if (!rc && !date_parse_rfc3339(time, &out->time))
		out->time = 0;
	return rc;
}

static enum err_code
check(const struct retry_line *l, struct err *err)
{
	if (!l->op.len == !l->method.len)
		return err_tell(err, ERR_BAD_BODY,
		    "one of \"op\" and \"method\" has to be there");
	if (!l->url.len)
		return err_tell(
		    err, ERR_BAD_BODY, "there is no member \"url\"");
	return ERR_OK;
}

enum err_code
retry_line_parse(
    struct arena *a, struct str line, struct retry_line *out, struct err *err)
{
	json_t *j CLEANUP(drop) = NULL;
	bool overwrite = true;
	int64_t status = 0;
	size_t i;
	enum err_code rc = load(line, &j, err);

	*out = (struct retry_line){ .retry_after = -1 };
	for (i = 0; !rc && i < ARRAY_LEN(text_rows); i++)
		rc = take_text(
		    a, j, text_rows[i].name, text_of(out, &text_rows[i]), err);
	if (!rc)
		rc = take_flag(j, "overwrite", true, &overwrite, err);
	if (!rc)
		rc = take_flag(j, "recursive", false, &out->recursive, err);
	if (!rc)
		rc = take_number(j, "status", 0, &status, err);
	if (!rc)
		rc = take_number(j, "retryAfter", -1, &out->retry_after, err);
	out->keep = !overwrite;
	out->status = status > 999 ? 0 : (unsigned)status;
	return rc ? rc : check(out, err);
}
