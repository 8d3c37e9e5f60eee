/* SPDX-License-Identifier: MIT */
/*
 * The body of an operation in JSON: a value as it was sent, text as a string,
 * or bytes in base64.  Which of them a string is depends on its type.
 */
#include "wire/base64.h"
#include "wire/batch_impl.h"
#include "wire/batch_type.h"
#include "wire/json_load.h"
#include "wire/json_text.h"

static enum err_code
wrong(const struct batch_maker *m, struct err *err, const char *why)
{
	return batch_bad(err, ERR_BAD_BODY, &m->at, "/body", "%s", why);
}

/*
 * *out: the text of the string that was sent; where it has no escapes a part of
 * body_sent, else in p->text.
 */
static enum err_code
unescape(struct batch_maker *m, struct batch_parser *p, struct str *out,
    struct err *err)
{
	struct json_chars chars = { 0 };
	const char *why = NULL;

	*out = str_skip(str_head(m->body_sent, m->body_sent.len - 1), 1);
	if (str_find(*out, '\\') == out->len)
		return ERR_OK;
	buf_clear(&p->text);
	(void)json_chars_scan(
	    &chars, str_skip(m->body_sent, 1), &p->text, &why);
	if (buf_failed(&p->text))
		return err_nomem(err);
	*out = buf_str(&p->text);
	return why ? wrong(m, err, why) : ERR_OK;
}

static enum err_code
make_json(struct batch_maker *m, struct batch_parser *p, struct err *err)
{
	m->item.body = m->body_sent;
	m->item.body_type = STR("application/json");
	return batch_print_json(m, p, err);
}

static enum err_code
make_text(struct batch_maker *m, struct batch_parser *p, struct err *err)
{
	struct str text;
	enum err_code rc = unescape(m, p, &text, err);

	if (rc)
		return rc;
	/* Without escapes it is part of what was sent, and is not copied. */
	if (text.ptr == m->body_sent.ptr + 1)
		m->item.body = text;
	else if (!arena_str(m->arena, text, &m->item.body))
		return err_nomem(err);
	m->item.body_type = STR("text/plain; charset=utf-8");
	return ERR_OK;
}

static enum err_code
make_bytes(struct batch_maker *m, struct batch_parser *p, struct err *err)
{
	struct str text;
	enum err_code rc = unescape(m, p, &text, err);
	char *room;
	size_t n;

	if (rc)
		return rc;
	/* Over the text in body_sent, which is longer, and in our arena. */
	room = (char *)(uintptr_t)m->body_sent.ptr;
	if (!base64_decode(text, room, &n))
		return wrong(m, err,
		    "not base64 (RFC 4648 s4, with padding and nothing else)");
	m->item.body = str_of(room, n);
	m->item.body_type = STR("application/octet-stream");
	return ERR_OK;
}

static bool
takes_xml(const struct batch_item *item)
{
	return item->op == BATCH_OP_PROPPATCH ||
	    item->op == BATCH_OP_PROPFIND ||
	    str_eq(item->method, STR("PROPPATCH")) ||
	    str_eq(item->method, STR("PROPFIND"));
}

/*
 * A string without "encoding": XML where the method takes that, else text until
 * batch_body_settle() knows the type.
 */
static enum err_code
make_string(struct batch_maker *m, struct batch_parser *p, struct err *err)
{
	enum err_code rc = make_text(m, p, err);

	if (takes_xml(&m->item))
		m->item.body_type = STR("application/xml; charset=utf-8");
	else
		m->item.body_sent = m->body_sent;
	return rc;
}

enum err_code
batch_body_make(struct batch_maker *m, struct batch_parser *p, struct err *err)
{
	bool is_string = m->body_kind == SPLIT_STRING;

	if (str_eq(m->encoding, STR("json")))
		return make_json(m, p, err);
	if (m->encoding.len && !is_string)
		return wrong(
		    m, err, "no string, as its \"encoding\" wants it to be");
	if (str_eq(m->encoding, STR("base64")))
		return make_bytes(m, p, err);
	if (str_eq(m->encoding, STR("text")))
		return make_text(m, p, err);
	if (is_string)
		return make_string(m, p, err);
	if (takes_xml(&m->item))
		return wrong(m, err,
		    "no string of XML; \"props\" and \"remove\" take JSON");
	return make_json(m, p, err);
}

static struct str
type_of(const struct headers *h)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (str_eq_nocase(h->v[i].name, STR("content-type")))
			return h->v[i].value;
	return (struct str){ 0 };
}

enum err_code
batch_body_settle(struct batch_parser *p, struct arena *a,
    struct batch_item *item, const struct batch_place *at, struct err *err)
{
	struct str sent = item->body_sent;
	struct str type = { 0 };

	item->body_sent = type;
	if (sent.ptr)
		type = type_of(&item->headers);
	if (sent.ptr && !type.ptr)
		type = type_of(&p->head.defaults);
	if (!type.ptr)
		return ERR_OK;
	type = batch_type_of(type);
	if (batch_type_is_json(type)) {
		item->body = sent;
		return item->body_sum.len ? batch_print_sum(p, a, item, err)
					  : ERR_OK;
	}
	if (batch_type_is_text(type))
		return ERR_OK;
	return batch_bad(err, ERR_BAD_BODY, at, "/body",
	    "a string of type %.40s: say \"encoding\": \"base64\", or "
	    "\"text\" if it is that",
	    type.ptr);
}
