/* SPDX-License-Identifier: MIT */
#include "wire/batch_journal.h"

#include <stddef.h>

#include "wire/json_members.h"
#include "wire/json_object.h"

static const char *const kinds[] = {
	[JOURNAL_HEAD] = "sheaf-batch-journal",
	[JOURNAL_SENT] = "sent",
	[JOURNAL_BACK] = "back",
	[JOURNAL_ITEM] = "item",
	[JOURNAL_SYNCED] = "synced",
};

/* The members of each kind. */
static const struct text_row {
	enum journal_kind kind;
	const char *name;
	size_t offset;
} texts[] = {
#define TEXT(kind, name, field)                                            \
	{                                                                  \
		JOURNAL_##kind, name, offsetof(struct journal_line, field) \
	}
	TEXT(HEAD, "url", url),
	TEXT(HEAD, "endpoint", endpoint),
	TEXT(HEAD, "input", input),
	TEXT(HEAD, "sha256", digest),
	TEXT(HEAD, "idempotencyKey", key),
	TEXT(HEAD, "user", user),
	TEXT(ITEM, "id", id),
	TEXT(ITEM, "atomicityGroup", group),
	TEXT(ITEM, "op", op),
	TEXT(ITEM, "url", item_url),
	TEXT(ITEM, "fate", fate),
	TEXT(ITEM, "blame", blame),
	TEXT(ITEM, "error", error),
	TEXT(ITEM, "text", text),
	TEXT(ITEM, "etag", etag),
	TEXT(ITEM, "href", href),
#undef TEXT
};

static const struct number_row {
	enum journal_kind kind;
	const char *name;
	size_t offset;
} numbers[] = {
#define NUMBER(kind, name, field)                                          \
	{                                                                  \
		JOURNAL_##kind, name, offsetof(struct journal_line, field) \
	}
	NUMBER(HEAD, "size", size),
	NUMBER(SENT, "first", first),
	NUMBER(SENT, "last", last),
	NUMBER(BACK, "first", first),
	NUMBER(BACK, "last", last),
	NUMBER(ITEM, "index", index),
	NUMBER(ITEM, "offset", offset),
	NUMBER(ITEM, "size", size),
	NUMBER(ITEM, "status", status),
#undef NUMBER
};

void
journal_put(struct buf *b, const struct journal_line *l)
{
	struct json_object o = json_begin(b);
	size_t i;

	json_put_text(&o, "type", str_from_c(kinds[l->kind]));
	if (l->kind == JOURNAL_HEAD) {
		json_put_number(&o, "version", JOURNAL_VERSION);
		json_put_text(&o, "sheaf", STR(SHEAF_VERSION));
		if (l->ours)
			json_put_true(&o, "ours");
	}
	for (i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i].kind == l->kind)
			json_put_number(&o, numbers[i].name,
			    *(const uint64_t *)(const void *)((const char *)l +
				numbers[i].offset));
	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].kind == l->kind)
			json_put_optional(&o, texts[i].name,
			    *(const struct str *)(const void *)((const char *)
								    l +
				texts[i].offset));
	if (l->kind == JOURNAL_ITEM && l->retry_after >= 0)
		json_put_number(&o, "retryAfter", (uint64_t)l->retry_after);
	json_end(&o);
	buf_putc(b, '\n');
}

static enum err_code
check_version(const struct json_members *m, struct err *err)
{
	uint64_t version = 0;
	enum err_code rc = json_member_number(m, "version", &version, err);

	if (!rc && version != JOURNAL_VERSION)
		rc = err_tell(err, ERR_BAD_BODY,
		    "a journal of a version that this sheaf does not know");
	return rc;
}

static enum err_code
find_kind(struct arena *a, const struct json_members *m,
    enum journal_kind *kind, struct err *err)
{
	struct str type;
	enum err_code rc = json_member_text(a, m, "type", &type, err);
	size_t i;

	*kind = JOURNAL_OTHER;
	for (i = 0; !rc && i < ARRAY_LEN(kinds); i++)
		if (str_eq(type, str_from_c(kinds[i])))
			*kind = (enum journal_kind)i;
	return rc;
}

enum err_code
journal_parse(
    struct arena *a, struct str line, struct journal_line *out, struct err *err)
{
	struct json_members m;
	uint64_t after = UINT64_MAX;
	enum err_code rc = json_members_read(a, line, &m, err);
	size_t i;

	*out = (struct journal_line){ .retry_after = -1 };
	if (!rc)
		rc = find_kind(a, &m, &out->kind, err);
	if (!rc && out->kind == JOURNAL_HEAD)
		rc = check_version(&m, err);
	for (i = 0; !rc && i < ARRAY_LEN(numbers); i++)
		if (numbers[i].kind == out->kind)
			rc = json_member_number(&m, numbers[i].name,
			    (void *)((char *)out + numbers[i].offset), err);
	for (i = 0; !rc && i < ARRAY_LEN(texts); i++)
		if (texts[i].kind == out->kind)
			rc = json_member_text(a, &m, texts[i].name,
			    (void *)((char *)out + texts[i].offset), err);
	if (!rc)
		rc = json_member_number(&m, "retryAfter", &after, err);
	out->retry_after = after > INT32_MAX ? -1 : (int64_t)after;
	out->ours =
	    out->kind == JOURNAL_HEAD && json_member_is_true(&m, "ours");
	return rc;
}
