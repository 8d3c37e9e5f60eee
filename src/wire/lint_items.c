/* SPDX-License-Identifier: MIT */
/* The rules that an item alone is judged by; lint_count.c has the others. */
#include "wire/lint_items.h"

#include <inttypes.h>

#include "http/status.h"
#include "wire/json_found.h"
#include "wire/json_status.h"
#include "wire/lint_count.h"

/* The item that is being judged. */
struct item {
	struct lint_items *its;
	const struct lint_taken *taken;
	const json_t *json; /* the object that has its members */
	struct str inner; /* its pointer in the item: "/index", or empty */
	struct json_found f;
	unsigned status;
};

/* Appends "/name", of the member of object whose value is v. */
static bool
put_member(struct buf *b, const json_t *object, const json_t *v)
{
	json_t *o = (json_t *)(uintptr_t)object;
	void *it;

	for (it = json_object_iter(o); it; it = json_object_iter_next(o, it)) {
		const char *name = json_object_iter_key(it);

		if (json_object_iter_value(it) != v)
			continue;
		buf_putc(b, '/');
		for (; *name; name++) {
			if (*name == '~')
				BUF_LIT(b, "~0");
			else if (*name == '/')
				BUF_LIT(b, "~1");
			else
				buf_putc(b, *name);
		}
		return true;
	}
	return false;
}

/* The place of one of its members, or, for NULL, of the item itself. */
static struct lint_place
place_of(const struct item *i, const json_t *v)
{
	struct buf *b = &i->its->pointer;
	struct lint_place at = i->taken->at;
	size_t own = at.pointer.len;

	buf_clear(b);
	buf_put(b, at.pointer);
	buf_put(b, i->inner);
	if (v && !put_member(b, i->json, v) && i->f.by[ITEM_WRAP])
		if (put_member(b, i->json, i->f.by[ITEM_WRAP]))
			(void)put_member(b, i->f.by[ITEM_WRAP], v);
	if (buf_failed(b)) {
		i->its->no_memory = true;
		return at;
	}
	lint_locate(i->taken->bytes, str_skip(buf_str(b), own), &at);
	at.pointer = buf_str(b);
	return at;
}

#define ITEM_SAY(i, rule, v, ...)                                   \
	do {                                                        \
		const struct lint_place item_at = place_of(i, v);   \
		LINT_SAY((i)->its->l, rule, &item_at, __VA_ARGS__); \
	} while (0)

/* ---- J203 */

/* "201" (SCIM), "201 Created" (FHIR) */
static bool
is_plain_status(struct str s)
{
	uint64_t n;

	return str_to_u64(str_head(s, 3), &n) &&
	    (s.len == 3 || (s.len > 4 && s.ptr[3] == ' '));
}

static void
judge_status_form(const struct item *i, const json_t *v)
{
	if (json_is_integer(v)) {
		json_int_t n = json_integer_value(v);

		if (n < 200 || n > 599 || n == 207)
			ITEM_SAY(i, J203, v,
			    "the status is %" JSON_INTEGER_FORMAT, n);
	} else if (json_is_string(v)) {
		struct str s = json_text(v);

		if (!i->its->text_status || !is_plain_status(s))
			ITEM_SAY(i, J203, v, "the status is the text \"%.*s\"",
			    LINT_SHOW(s));
	} else {
		ITEM_SAY(i, J203, v, "the status is no integer");
	}
}

static void
judge_status(struct item *i)
{
	const json_t *v = i->f.by[ITEM_STATUS];

	if (!v)
		v = i->f.by[ITEM_CODE];
	if (v && json_status_read(v, &i->status) && i->status > 599)
		i->status = 0;
	if (v)
		judge_status_form(i, v);
	else if (!i->its->has_no_status)
		ITEM_SAY(i, J203, NULL, "the item has no status");
}

/* ---- J205 */

/* An id as text: of a string or an integer; false: it is neither. */
static bool
id_text(const json_t *v, char *room, size_t size, struct str *out)
{
	if (json_is_string(v)) {
		*out = json_text(v);
		return true;
	}
	if (!json_is_integer(v))
		return false;
	(void)snprintf(
	    room, size, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	*out = str_from_c(room);
	return true;
}

/* Judges which operation it answers; in a map the key is the id. */
static enum err_code
judge_id(struct item *i)
{
	const json_t *v = i->f.by[ITEM_ID];
	char room[32];
	struct lint_place at;
	struct str id = i->taken->key;

	if (i->inner.len || i->its->has_no_status)
		return ERR_OK; /* the id of a document, not of an operation */
	if (!id.ptr && !v) {
		if (!i->f.by[ITEM_HREF] && !i->f.by[ITEM_INDEX] &&
		    !i->f.by[ITEM_LOCATION] && !i->its->text_status)
			ITEM_SAY(i, J205, NULL,
			    "the item does not say which operation it answers");
		i->its->without_id++;
		return ERR_OK;
	}
	if (!id.ptr && !id_text(v, room, sizeof(room), &id)) {
		ITEM_SAY(i, J205, v, "the id is neither text nor an integer");
		return ERR_OK;
	}
	i->its->with_id++;
	at = place_of(i, i->taken->key.ptr ? NULL : v);
	return lint_count_id(i->its, id, i->status, &at);
}

/* ---- J206 */

static bool
has_text(const json_t *v)
{
	return json_is_string(v) && json_string_length(v) > 0;
}

static bool
tells_failure(const struct json_found *f)
{
	return json_says_something(f->by[ITEM_ERROR]) ||
	    json_says_something(f->by[ITEM_PROBLEM]) ||
	    has_text(f->by[ITEM_TEXT]) ||
	    json_says_something(f->by[ITEM_DAV_ERROR]) ||
	    json_says_something(f->by[ITEM_PROP_ERRORS]);
}

/* FHIR's OperationOutcome. */
static bool
has_outcome(const json_t *response)
{
	return json_object_size(json_object_get(response, "outcome")) > 0;
}

static bool
body_tells_failure(const json_t *body)
{
	struct json_found f = { 0 };

	if (has_text(body))
		return true;
	if (!json_is_object(body))
		return false;
	json_find(body, &f);
	return tells_failure(&f) || has_outcome(body);
}

static void
judge_error(const struct item *i)
{
	const struct json_found *f = &i->f;
	const json_t *wrong = NULL;

	if (i->status >= 400) {
		if (!tells_failure(f) && !has_outcome(i->json) &&
		    !body_tells_failure(f->by[ITEM_BODY]) &&
		    !body_tells_failure(f->by[ITEM_WRAP]))
			ITEM_SAY(i, J206, NULL,
			    "the item is %u, and nothing says why", i->status);
		return;
	}
	if (json_says_something(f->by[ITEM_ERROR]))
		wrong = f->by[ITEM_ERROR];
	else if (json_says_something(f->by[ITEM_PROBLEM]))
		wrong = f->by[ITEM_PROBLEM];
	if (wrong && i->status)
		ITEM_SAY(i, J206, wrong, "the item is %u and has an error",
		    i->status);
}

/* ---- J209, H006 */

static void
judge_problem(const struct item *i)
{
	const json_t *p = i->f.by[ITEM_PROBLEM];
	const json_t *status = json_object_get(p, "status");
	const json_t *type = json_object_get(p, "type");

	if (!json_is_object(p))
		return;
	if (status && i->status &&
	    (!json_is_integer(status) ||
		json_integer_value(status) != (json_int_t)i->status))
		ITEM_SAY(i, J209, p,
		    "the problem's status is not the item's %u", i->status);
	if (type &&
	    !(json_is_string(type) && lint_is_uri_reference(json_text(type))))
		ITEM_SAY(i, J209, p, "the problem's type is no URI");
}

/* Whether a Retry-After has a form that it may have. */
static bool
retry_after_ok(const json_t *v)
{
	if (json_is_integer(v))
		return json_integer_value(v) >= 0;
	return json_is_string(v) && lint_is_retry_after(json_text(v));
}

static enum err_code
judge_retry_after(const struct item *i)
{
	const json_t *hints[] = { i->f.by[ITEM_RETRY_AFTER],
		json_header(i->f.by[ITEM_HEADERS], STR("Retry-After")) };
	bool said = false;
	size_t k;

	for (k = 0; k < ARRAY_LEN(hints); k++) {
		if (!hints[k])
			continue;
		said = true;
		if (!retry_after_ok(hints[k]))
			ITEM_SAY(i, H006, k ? i->f.by[ITEM_HEADERS] : hints[k],
			    "Retry-After of an item is neither whole seconds "
			    "nor an HTTP date");
	}
	if (said || (i->status != 429 && i->status != 503))
		return ERR_OK;
	return lint_count_hintless(i->its, i->status, i->taken);
}

/* ---- J208 */

static enum err_code
judge_cause(const struct item *i)
{
	const json_t *v = i->f.by[ITEM_CAUSED_BY];
	struct lint_place at;
	char room[32];
	struct str id;

	if (i->status != 424)
		return ERR_OK;
	if (json_is_array(v))
		v = json_array_get(v, 0);
	if (!id_text(v, room, sizeof(room), &id))
		return lint_count_orphan(i->its, i->taken);
	at = place_of(i, i->f.by[ITEM_CAUSED_BY]);
	return lint_count_cause(i->its, id, &at, i->taken->index);
}

/* ---- S302, S303 */

static void
judge_fields(const struct item *i)
{
	const json_t *headers = i->f.by[ITEM_HEADERS];
	const char *name;
	size_t at = 0;

	while (headers && (name = lint_bad_field(headers, &at)))
		ITEM_SAY(i, S302, headers, "the item has a field %s", name);
}

static void
judge_messages(const struct item *i)
{
	const json_t *const messages[] = { i->f.by[ITEM_ERROR],
		i->f.by[ITEM_PROBLEM], i->f.by[ITEM_TEXT],
		i->status >= 400 ? i->f.by[ITEM_BODY] : NULL };
	size_t k;

	for (k = 0; k < ARRAY_LEN(messages); k++) {
		if (!lint_has_stack_trace(messages[k]))
			continue;
		ITEM_SAY(
		    i, S303, messages[k], "the message holds a stack trace");
		return;
	}
}

/* ---- an item */

/* {"index": {"_id": "1", "status": 201}}: what is inside (Elasticsearch). */
static const json_t *
unwrap(const json_t *item, struct buf *inner)
{
	json_t *o = (json_t *)(uintptr_t)item;
	void *it = json_object_iter(o);
	const json_t *only = it ? json_object_iter_value(it) : NULL;

	if (json_object_size(item) != 1 || !json_object_get(only, "status"))
		return item;
	return put_member(inner, item, only) ? only : item;
}

static enum err_code
judge_item(struct item *i)
{
	enum err_code rc;

	json_find(i->json, &i->f);
	if (!i->f.by[ITEM_STATUS] && json_is_object(i->f.by[ITEM_WRAP]))
		json_find_more(i->f.by[ITEM_WRAP], &i->f);
	judge_status(i);
	lint_count(i->its, i->status,
	    json_is_true(json_object_get(i->json, "retryable")),
	    json_object_get(i->json, "retryable") != NULL, i->taken);
	judge_error(i);
	judge_problem(i);
	judge_fields(i);
	judge_messages(i);
	rc = judge_id(i);
	if (!rc)
		rc = judge_retry_after(i);
	return rc ? rc : judge_cause(i);
}

enum err_code
lint_item(
    struct lint_items *its, const json_t *item, const struct lint_taken *t)
{
	struct buf inner CLEANUP(buf_done) = { 0 };
	struct item i = { .its = its, .taken = t };
	enum err_code rc = ERR_OK;

	i.json = unwrap(item, &inner);
	i.inner = buf_str(&inner);
	if (buf_failed(&inner))
		return ERR_NOMEM;
	if (!json_is_object(item)) {
		ITEM_SAY(&i, J203, NULL, "the item is no object");
		lint_count(its, 0, false, false, t);
	} else {
		rc = judge_item(&i);
	}
	return its->no_memory ? ERR_NOMEM : rc;
}
