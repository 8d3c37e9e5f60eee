/* SPDX-License-Identifier: MIT */
#include "wire/json_found.h"

#include <stdlib.h>

#include "http/scan.h"
#include "wire/json_status.h"

/* How deep a sentence is looked for: body, error, errors, object. */
#define DEEPEST 5

struct str
json_text(const json_t *v)
{
	return json_is_string(v)
	    ? str_of(json_string_value(v), json_string_length(v))
	    : STR("");
}

/* A "code" over 599 is no status: applications' own codes may have 3 digits. */
static void
find_status(
    struct json_found *f, enum item_name what, const json_t *v, unsigned rank)
{
	bool worse, better;
	unsigned status;

	if (!json_status_read(v, &status) ||
	    (what == ITEM_CODE && status > 599))
		return;
	worse = status >= 400 && f->status < 400;
	better = (status >= 400) == (f->status >= 400) && rank < f->status_rank;
	if (f->status && !worse && !better)
		return;
	f->status = status;
	f->status_rank = rank;
}

static void
find_one(struct json_found *f, const char *key, const json_t *v)
{
	struct str name = str_from_c(key);
	unsigned rank = 0;
	enum item_name what = item_name_of(name, &rank);

	if (json_is_null(v))
		return;
	if (json_is_array(v) && doc_name_of(name) == DOC_LIST)
		f->list = v;
	if (what == ITEM_NONE)
		return;
	if (what == ITEM_STATUS || what == ITEM_CODE)
		find_status(f, what, v, rank);
	if (f->by[what] && rank >= f->rank[what])
		return;
	f->by[what] = v;
	f->rank[what] = rank;
}

void
json_find(const json_t *object, struct json_found *out)
{
	*out = (struct json_found){ 0 };
	json_find_more(object, out);
}

void
json_find_more(const json_t *object, struct json_found *f)
{
	void *it;

	/* jansson's iterators are not const, though they change nothing. */
	for (it = json_object_iter((json_t *)(uintptr_t)object); it;
	     it = json_object_iter_next((json_t *)(uintptr_t)object, it))
		find_one(
		    f, json_object_iter_key(it), json_object_iter_value(it));
}

static struct str
/* NOLINTNEXTLINE(misc-no-recursion): DEEPEST at most */
sentence(const json_t *v, unsigned depth)
{
	struct json_found f;
	struct str s;

	if (json_is_string(v) || depth == DEEPEST)
		return json_text(v);
	if (json_is_array(v))
		return sentence(json_array_get(v, 0), depth + 1);
	if (!json_is_object(v))
		return STR("");
	json_find(v, &f);
	s = json_text(f.by[ITEM_TEXT]);
	if (!s.len)
		s = sentence(f.by[ITEM_ERROR], depth + 1);
	if (s.len || scan_is_absolute_uri(json_text(f.by[ITEM_TYPE])))
		return s; /* a type is no sentence, but where there is no other
			   */
	return json_text(f.by[ITEM_TYPE]);
}

struct str
json_sentence(const json_t *v)
{
	return sentence(v, 0);
}

enum err_code
json_scalar(struct arena *a, const json_t *v, struct str *out, struct err *err)
{
	char *text;
	bool kept;

	*out = json_text(v);
	if (!json_is_number(v))
		return ERR_OK;
	text = json_dumps(v, JSON_ENCODE_ANY);
	if (!text)
		return err_nomem(err);
	kept = arena_str(a, str_from_c(text), out);
	free(text);
	return kept ? ERR_OK : err_nomem(err);
}

bool
json_says_something(const json_t *v)
{
	if (json_is_string(v))
		return json_string_length(v) > 0;
	if (json_is_array(v))
		return json_array_size(v) > 0;
	if (json_is_object(v))
		return json_object_size(v) > 0;
	if (json_is_integer(v))
		return json_integer_value(v) != 0;
	return json_is_true(v);
}

/* {"name": "Retry-After", "value": "3"} */
static const json_t *
header_in_list(const json_t *headers, struct str name)
{
	size_t i;

	for (i = 0; i < json_array_size(headers); i++) {
		const json_t *h = json_array_get(headers, i);

		if (str_eq_nocase(json_text(json_object_get(h, "name")), name))
			return json_object_get(h, "value");
	}
	return NULL;
}

const json_t *
json_header(const json_t *headers, struct str name)
{
	json_t *h = (json_t *)(uintptr_t)headers;
	void *it;

	if (json_is_array(headers))
		return header_in_list(headers, name);
	for (it = json_object_iter(h); it; it = json_object_iter_next(h, it)) {
		const json_t *v = json_object_iter_value(it);

		if (str_eq_nocase(str_from_c(json_object_iter_key(it)), name))
			return json_is_array(v) ? json_array_get(v, 0) : v;
	}
	return NULL;
}
