/* SPDX-License-Identifier: MIT */
#include "wire/json_item.h"

#include "http/scan.h"
#include "http/status.h"
#include "wire/json_props.h"
#include "wire/json_status.h"
#include "wire/told.h"

/* An item on its way to be an outcome. */
struct item {
	const struct item_place *at;
	struct json_found f;
	struct json_found error; /* the members of its error_object() */
	struct str op; /* the name of the object around it, if any */
	bool member; /* of another item */
	struct told told;
	struct outcome o;
};

static enum err_code put_value(struct json_items *its, const json_t *v,
    const struct item_place *at, struct str op, bool member, struct err *err);

void
json_items_done(struct json_items *its)
{
	arena_done(&its->arena);
}

/* The place of an element of a list that stands in an item. */
static struct item_place
place_in(const struct item_place *at, size_t index)
{
	return (struct item_place){
		.index = index,
		.line = at->line,
		.column = at->column,
	};
}

static enum err_code
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the limit of depth */
put_list(struct json_items *its, const json_t *list,
    const struct item_place *at, bool member, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < json_array_size(list) && !rc; i++) {
		struct item_place where = place_in(at, i);

		rc = put_value(
		    its, json_array_get(list, i), &where, STR(""), member, err);
	}
	return rc;
}

/*
 * The object that says what went wrong: a problem, an error, the first of
 * several, or, of an item that failed, its body.  May be NULL.
 */
static const json_t *
error_object(const struct json_found *f)
{
	const json_t *e = f->by[ITEM_PROBLEM];

	if (!json_is_object(e))
		e = f->by[ITEM_ERROR];
	if (json_is_array(e))
		e = json_array_get(e, 0);
	if (!json_is_object(e) && status_failed(f->status)) {
		e = f->by[ITEM_BODY];
		if (json_is_object(json_object_get(e, "error")))
			e = json_object_get(e, "error");
	}
	return e;
}

static bool
is_success(unsigned status)
{
	return status >= 200 && status < 400 && status != 207;
}

/* Whether it says that something went wrong, beside the status. */
static bool
has_error(const struct item *it)
{
	const json_t *problem = it->f.by[ITEM_PROBLEM];

	if (json_says_something(it->f.by[ITEM_ERROR]))
		return true;
	return json_says_something(problem) &&
	    !(json_is_object(problem) && is_success(it->error.status));
}

/*
 * Sets the status of the outcome.  An item that says it succeeded and has an
 * error contradicts itself: it has the status of the error, or none.
 */
static void
settle_status(struct item *it)
{
	unsigned status = it->f.status;

	if (is_success(status) && has_error(it) &&
	    !json_is_true(it->f.by[ITEM_PARTIAL]))
		status = status_failed(it->error.status) ? it->error.status : 0;
	if (json_is_true(it->f.by[ITEM_UNKNOWN]))
		status = 0;
	it->o.status = status;
}

/* Of 423, "somebody has it" is all that "Locked: somebody has it" tells. */
static struct str
without_reason(struct str text, unsigned status)
{
	struct str reason = status_reason(status);
	struct str rest = str_skip(text, reason.len);

	if (!reason.len || !str_starts(text, reason))
		return text;
	if (!rest.len)
		return rest;
	return str_starts(rest, STR(": ")) ? str_skip(rest, 2) : text;
}

/* The error if it is a string, without what our writer puts for want of one. */
static struct str
error_text(const struct json_found *f)
{
	struct str text =
	    without_reason(json_text(f->by[ITEM_ERROR]), f->status);
	bool ours =
	    json_is_true(f->by[ITEM_UNKNOWN]) && str_eq(text, TOLD_UNREAD_TEXT);

	return ours ? STR("") : text;
}

static struct str
sentence_of(const struct item *it)
{
	const struct json_found *f = &it->f;
	struct str s = json_sentence(f->by[ITEM_ERROR]);

	if (json_is_string(f->by[ITEM_ERROR]))
		return error_text(f);
	if (!s.len && !is_success(f->status))
		s = json_sentence(f->by[ITEM_PROBLEM]);
	if (!s.len)
		s = json_text(f->by[ITEM_TEXT]);
	if (!s.len && status_failed(it->o.status))
		s = json_sentence(f->by[ITEM_BODY]);
	return without_reason(s, f->status);
}

/* Where the status is a word of their own, that is told. */
static enum err_code
tell_odd_status(struct json_items *its, struct item *it, struct err *err)
{
	struct str word = str_head(json_text(it->f.by[ITEM_STATUS]), 60);
	struct buf text = { 0 };
	enum err_code rc;

	if (it->o.tell.len || it->o.status || it->f.status || !word.len)
		return ERR_OK;
	BUF_LIT(&text, "the status is \"");
	buf_put(&text, word);
	BUF_LIT(&text, "\", which is none of HTTP's");
	rc = buf_failed(&text);
	if (!rc && !arena_str(&its->arena, buf_str(&text), &it->o.tell))
		rc = ERR_NOMEM;
	buf_done(&text);
	return rc ? err_nomem(err) : ERR_OK;
}

/* Whether it is a problem type that says something: not "about:blank". */
static bool
is_type(struct str s)
{
	return scan_is_absolute_uri(s) && !str_eq(s, STR("about:blank"));
}

static bool
names_a_resource(struct str s)
{
	return str_starts(s, STR("/")) || scan_is_absolute_uri(s);
}

static void
find_href(struct item *it)
{
	const json_t *href = it->f.by[ITEM_HREF];

	if (json_is_object(href))
		href = json_object_get(href, "href");
	it->told.href = json_text(href);
	if (!it->told.href.len && it->o.status / 100 == 2)
		it->told.href = json_text(it->f.by[ITEM_LOCATION]);
	if (!it->told.href.len && names_a_resource(it->at->key))
		it->told.href = it->at->key;
	it->o.collection = str_ends(it->told.href, STR("/"));
}

static const json_t *
first_of(const json_t *v)
{
	return json_is_array(v) ? json_array_get(v, 0) : v;
}

/* Sets the id; an item without any name gets its place in the list. */
static enum err_code
find_id(struct json_items *its, struct item *it, struct err *err)
{
	struct arena *a = &its->arena;
	enum err_code rc = json_scalar(a, it->f.by[ITEM_ID], &it->told.id, err);
	json_t *index;

	if (!rc && !it->told.id.len)
		it->told.id = it->at->key;
	if (!rc)
		rc = json_scalar(a, it->f.by[ITEM_INDEX], &it->told.index, err);
	if (rc || it->told.id.len || it->told.href.len)
		return rc;
	it->told.placed = true;
	it->told.id = it->told.index;
	if (it->told.id.len)
		return ERR_OK;
	index = json_integer((json_int_t)it->at->index);
	if (!index)
		return err_nomem(err);
	rc = json_scalar(a, index, &it->told.id, err);
	json_decref(index);
	return rc;
}

static enum err_code
find_retry_after(struct json_items *its, struct item *it, struct err *err)
{
	const json_t *headers = it->f.by[ITEM_HEADERS];
	const json_t *v = it->f.by[ITEM_RETRY_AFTER];

	if (!v)
		v = json_header(headers, STR("retry-after"));
	if (!v)
		v = it->error.by[ITEM_RETRY_AFTER];
	return json_scalar(&its->arena, v, &it->told.retry_after, err);
}

static void
find_problem_type(struct item *it)
{
	struct str type = json_text(it->error.by[ITEM_TYPE]);

	if (!is_type(type) && outcome_is_failure(&it->o))
		type = json_text(it->f.by[ITEM_TYPE]);
	if (is_type(type))
		it->told.problem_type = type;
}

/* Sets everything but the status. */
static enum err_code
find_rest(struct json_items *its, struct item *it, struct err *err)
{
	const json_t *dav_error = it->f.by[ITEM_DAV_ERROR];
	enum err_code rc;

	find_href(it);
	it->told.op = json_text(it->f.by[ITEM_OP]);
	if (!it->told.op.len)
		it->told.op = it->op;
	it->told.location = json_text(it->f.by[ITEM_LOCATION]);
	if (!it->told.location.len)
		it->told.location = json_text(
		    json_header(it->f.by[ITEM_HEADERS], STR("location")));
	it->told.etag =
	    json_text(json_header(it->f.by[ITEM_HEADERS], STR("etag")));
	it->told.partial = json_is_true(it->f.by[ITEM_PARTIAL]);
	it->told.replayed = json_is_true(it->f.by[ITEM_REPLAYED]);
	it->told.member = it->member;
	find_problem_type(it);
	rc =
	    json_dav_error(dav_error ? dav_error : it->error.by[ITEM_DAV_ERROR],
		&it->told.error, err);
	if (!rc)
		rc = find_id(its, it, err);
	if (!rc)
		rc = find_retry_after(its, it, err);
	if (!rc)
		rc =
		    json_scalar(&its->arena, first_of(it->f.by[ITEM_CAUSED_BY]),
			&it->told.caused_by, err);
	if (!rc)
		rc = json_props_read(&its->arena, &it->f, &it->o, err);
	return rc;
}

static enum err_code
put_outcome(struct json_items *its, struct item *it, struct err *err)
{
	it->told.bytes = it->at->bytes;
	it->told.line = it->at->line;
	it->told.column = it->at->column;
	it->o.told = &it->told;
	if (!it->member)
		summary_add(&its->counted, &it->o);
	return reader_put(its->reader, &it->o, err);
}

/* Of {"index": {...}}, an operation and what became of it: what is inside. */
static const json_t *
inside_of_operation(const json_t *v, struct str *op)
{
	json_t *object = (json_t *)(uintptr_t)v;
	void *it = json_object_iter(object);
	enum item_name what;

	if (json_object_size(v) != 1 ||
	    !json_is_object(json_object_iter_value(it)))
		return NULL;
	*op = str_from_c(json_object_iter_key(it));
	what = item_name_of(*op, NULL);
	if (what != ITEM_NONE && what != ITEM_INDEX)
		return NULL;
	return json_object_iter_value(it);
}

/* Puts the lists that an item holds, after the item itself. */
static enum err_code
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the limit of depth */
put_members(struct json_items *its, const struct json_found *f,
    const struct item_place *at, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (json_is_array(f->by[ITEM_MEMBERS]))
		rc = put_list(its, f->by[ITEM_MEMBERS], at, true, err);
	if (!rc && f->list && (!f->status || f->status == 207))
		rc = put_list(its, f->list, at, true, err);
	return rc;
}

static enum err_code
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the limit of depth */
put_item(struct json_items *its, struct item *it, struct err *err)
{
	enum err_code rc;

	settle_status(it);
	it->o.tell = sentence_of(it);
	rc = tell_odd_status(its, it, err);
	if (!rc)
		rc = find_rest(its, it, err);
	if (!rc)
		rc = put_outcome(its, it, err);
	if (!rc)
		rc = put_members(its, &it->f, it->at, err);
	return rc;
}

static enum err_code
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the limit of depth */
put_object(
    struct json_items *its, const json_t *v, struct item *it, struct err *err)
{
	const json_t *inside;
	struct str op;

	json_find(v, &it->f);
	json_find(error_object(&it->f), &it->error);
	if (!it->f.status)
		it->f.status = it->error.status;
	if (!it->f.status && !it->f.by[ITEM_ERROR]) {
		if (it->f.list)
			return put_list(
			    its, it->f.list, it->at, it->member, err);
		inside = inside_of_operation(v, &op);
		if (inside)
			return put_value(
			    its, inside, it->at, op, it->member, err);
		if (json_is_object(it->f.by[ITEM_WRAP]))
			json_find_more(it->f.by[ITEM_WRAP], &it->f);
	}
	return put_item(its, it, err);
}

static enum err_code
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the limit of depth */
put_value(struct json_items *its, const json_t *v, const struct item_place *at,
    struct str op, bool member, struct err *err)
{
	struct item it = { .at = at, .op = op, .member = member };

	if (json_is_array(v))
		return put_list(its, v, at, member, err);
	if (json_is_object(v))
		return put_object(its, v, &it, err);
	(void)json_status_read(v, &it.f.status);
	return put_item(its, &it, err);
}

enum err_code
json_item_put(struct json_items *its, const json_t *item,
    const struct item_place *at, struct err *err)
{
	arena_clear(&its->arena);
	return put_value(its, item, at, STR(""), false, err);
}

enum err_code
json_item_put_unread(struct json_items *its, const struct item_place *at,
    struct str reason, struct err *err)
{
	struct item it = { .at = at };
	enum err_code rc;

	arena_clear(&its->arena);
	it.o.tell = reason;
	find_href(&it);
	rc = find_id(its, &it, err);
	return rc ? rc : put_outcome(its, &it, err);
}

bool
json_item_has_status(const json_t *item)
{
	struct json_found f;

	json_find(item, &f);
	return f.status != 0;
}
