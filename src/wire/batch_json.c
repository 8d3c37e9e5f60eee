/* SPDX-License-Identifier: MIT */
/* {"operations": [...], ...}: all of it is one window. */
#include <assert.h>
#include <stdlib.h>

#include "wire/batch_impl.h"

/* The depth of a member of the document, an operation, a member of that. */
enum { AT_MEMBER = 1, AT_OPERATION, AT_PART };

struct batch_json {
	struct json_split *split;
	struct batch_maker maker;
	uint64_t from; /* where the operation begins */
	bool has_operations;
	struct err bad; /* what one of our events failed with */
};

static const struct batch_place whole = { PLACE_WHOLE, 0 };

static struct batch_place
place_of(uint64_t index)
{
	return (struct batch_place){ PLACE_OPERATION, index };
}

static enum err_code
begin_member(struct batch_parser *p, const struct split_value *v,
    enum split_way *way, struct err *err)
{
	*way = SPLIT_TAKE;
	if (batch_head_knows(v->name))
		return ERR_OK;
	if (!str_eq(v->name, STR("operations")))
		return batch_bad(err, ERR_BAD_BODY, &whole,
		    batch_below(v->name, (struct str){ 0 }).text,
		    "there is no such member");
	if (v->kind != SPLIT_ARRAY)
		return batch_bad(
		    err, ERR_BAD_BODY, &whole, "/operations", "no array");
	p->json->has_operations = true;
	*way = SPLIT_ENTER;
	return ERR_OK;
}

static enum err_code
begin_operation(struct batch_parser *p, const struct split_value *v,
    enum split_way *way, struct err *err)
{
	struct batch_place at = place_of(v->index);

	if (v->kind != SPLIT_OBJECT)
		return batch_bad(err, ERR_BAD_BODY, &at, "", "no object");
	p->json->from = v->offset;
	batch_maker_begin(&p->json->maker, p, &p->window.arena, at);
	*way = SPLIT_ENTER;
	return batch_count_item(p, err);
}

static enum err_code
begin_part(struct batch_parser *p, const struct split_value *v,
    enum split_way *way, struct err *err)
{
	*way = SPLIT_TAKE;
	if (batch_maker_expects(&p->json->maker, v->name))
		return ERR_OK;
	return batch_bad(err, ERR_BAD_BODY, &p->json->maker.at,
	    batch_below(v->name, (struct str){ 0 }).text,
	    "there is no such member");
}

static enum err_code
on_begin(void *arg, const struct split_value *v, enum split_way *way,
    struct err *err)
{
	struct batch_parser *p = arg;
	struct err *bad = &p->json->bad;

	(void)err;
	if (v->depth == AT_MEMBER)
		return begin_member(p, v, way, bad);
	if (v->depth == AT_OPERATION)
		return begin_operation(p, v, way, bad);
	if (v->depth == AT_PART)
		return begin_part(p, v, way, bad);
	*way = SPLIT_ENTER;
	if (v->kind == SPLIT_OBJECT)
		return ERR_OK;
	return err_tell(
	    bad, ERR_BAD_BODY, "no object with \"operations\" in it");
}

static enum err_code
on_take(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	struct batch_parser *p = arg;
	struct batch_json *j = p->json;
	enum err_code rc;

	(void)err;
	if (v->depth == AT_MEMBER)
		return batch_head_member(p, &whole, v->name, bytes, &j->bad);
	rc = batch_maker_fits(
	    &j->maker, p, v->offset + bytes.len - j->from, &j->bad);
	return rc ? rc : batch_maker_member(&j->maker, p, v, bytes, &j->bad);
}

static enum err_code
on_end(void *arg, const struct split_value *v, struct err *err)
{
	struct batch_parser *p = arg;
	struct batch_maker *m = &p->json->maker;
	struct err *bad = &p->json->bad;
	enum err_code rc;

	(void)err;
	if (v->depth != AT_OPERATION)
		return ERR_OK;
	rc = batch_maker_end(m, p, bad);
	return rc ? rc : batch_put_own(p, &m->item, m->bytes, bad);
}

static enum err_code
on_twice(void *arg, const struct split_value *v, struct err *err)
{
	struct batch_parser *p = arg;

	(void)err;
	return batch_bad(&p->json->bad, ERR_BAD_BODY,
	    v->depth == AT_PART ? &p->json->maker.at : &whole,
	    batch_below(v->name, (struct str){ 0 }).text, "stands twice");
}

static const struct split_events events = {
	.begin = on_begin,
	.take = on_take,
	.end = on_end,
	.twice = on_twice,
};

static enum err_code
json_new(struct batch_parser *p, struct err *err)
{
	struct batch_json *j = calloc(1, sizeof(*j));

	if (!j)
		return err_nomem(err);
	p->json = j;
	return batch_split_new(p, &events, &j->split, err);
}

/* Fails as an event of ours, or as the splitter did, with a JSON pointer. */
static enum err_code
tell_split(struct batch_parser *p, enum err_code rc, const struct err *said,
    struct err *err)
{
	struct batch_json *j = p->json;
	struct buf at = { 0 };

	if (j->bad.code || rc == ERR_NOMEM) {
		*err = j->bad.code ? j->bad : *said;
		return err->code;
	}
	json_split_pointer(j->split, &at);
	if (at.len)
		BUF_LIT(&at, ": ");
	rc = batch_tell_split(p, rc, buf_str(&at), said, err);
	buf_done(&at);
	return rc;
}

static enum err_code
json_feed(struct batch_parser *p, struct str bytes, struct err *err)
{
	struct err said = { 0 };
	enum err_code rc = p->json ? ERR_OK : json_new(p, err);

	if (!rc)
		rc = batch_count_bytes(p, bytes.len, err);
	if (rc)
		return rc;
	rc = json_split_feed(p->json->split, bytes, &said);
	return rc ? tell_split(p, rc, &said, err) : ERR_OK;
}

/* Only now: "defaults" may stand behind the operations. */
static enum err_code
settle_all(struct batch_parser *p, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < p->window.n && !rc; i++) {
		struct batch_place at = place_of(p->window.v[i].index);

		rc = batch_body_settle(
		    p, &p->window.arena, &p->window.v[i], &at, err);
	}
	return rc;
}

static enum err_code
json_finish(struct batch_parser *p, struct err *err)
{
	struct err said = { 0 };
	enum err_code rc = p->json ? ERR_OK : json_new(p, err);

	if (rc)
		return rc;
	assert(p->json);
	rc = json_split_end(p->json->split, &said);
	if (rc)
		return tell_split(p, rc, &said, err);
	if (!p->json->has_operations)
		return err_tell(err, ERR_BAD_BODY, "no \"operations\" in it");
	return settle_all(p, err);
}

static void
json_free_form(struct batch_parser *p)
{
	if (!p->json)
		return;
	json_split_free(p->json->split);
	batch_maker_done(&p->json->maker);
	free(p->json);
}

const struct batch_form_ops batch_json_form = {
	.feed = json_feed,
	.end = json_finish,
	.free = json_free_form,
};
