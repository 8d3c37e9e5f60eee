/* SPDX-License-Identifier: MIT */
#include "lib/bulk_served.h"

#include <stdio.h>

#include "dav/keys.h"
#include "lib/test.h"
#include "store/stores.h"

/* ---- a batch in each of its kinds */

static const struct {
	const char *id, *json, *request, *body;
	/* What is there, or is not, once it was done. */
	const char *path, *bytes;
} ops[] = {
	{ "put", "'op':'create','url':'/n','body':'new'",
	    "PUT /n HTTP/1.1\nIf-None-Match: *\nContent-Type: text/plain\n",
	    "new", "/n", "new" },
	{ "post",
	    "'op':'create','url':'/d/','body':'posted',"
	    "'headers':{'slug':'p.txt','content-type':'text/plain'}",
	    "POST /d/ HTTP/1.1\nSlug: p.txt\n", "posted", "/d/p.txt",
	    "posted" },
	{ "mv", "'op':'move','url':'/m','destination':'/o/m'",
	    "MOVE /m HTTP/1.1\nDestination: /o/m\nOverwrite: T\n", "", "/o/m",
	    "old" },
	{ "cp", "'op':'copy','url':'/c/','destination':'/k/'",
	    "COPY /c/ HTTP/1.1\nDestination: /k/\n", "", "/k/1", "x" },
	{ "patch",
	    "'op':'patch','url':'/j.json',"
	    "'headers':{'content-type':'application/json-patch+json'},"
	    "'body':[{'op':'add','path':'/-','value':1}]",
	    "PATCH /j.json HTTP/1.1\n"
	    "Content-Type: application/json-patch+json\n",
	    "[{\"op\":\"add\",\"path\":\"/-\",\"value\":1}]", "/j.json",
	    "[1]" },
	{ "rm", "'op':'delete','url':'/g'", "DELETE /g HTTP/1.1\n", "", "/g",
	    NULL },
	{ "get", "'op':'read','url':'/none'", "GET /none HTTP/1.1\n", "", NULL,
	    NULL },
};

static void
put_quoted(struct buf *b, const char *text)
{
	for (; *text; text++)
		buf_putc(b, *text == '\'' ? '"' : *text);
}

static void
put_padding(struct buf *b, size_t n)
{
	while (n--)
		buf_putc(b, ' ');
}

static void
put_json(struct buf *b, size_t pad)
{
	size_t i;

	BUF_LIT(b, "{\"operations\":[");
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		buf_printf(b, "%s{\"id\":\"%s\",", i ? "," : "", ops[i].id);
		put_quoted(b, ops[i].json);
		BUF_LIT(b, "}");
		put_padding(b, i == 3 ? pad : 0);
	}
	BUF_LIT(b, "]}");
}

static void
put_lines(struct buf *b, size_t pad)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(ops); i++) {
		buf_printf(b, "{\"id\":\"%s\",", ops[i].id);
		put_quoted(b, ops[i].json);
		put_padding(b, i == 3 ? pad : 0);
		BUF_LIT(b, "}\n");
	}
}

static void
put_crlf(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			buf_putc(b, '\r');
		buf_putc(b, *text);
	}
}

static void
put_parts(struct buf *b, size_t pad)
{
	size_t i;

	put_padding(b, pad);
	put_crlf(b, "\n");
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		put_crlf(
		    b, "--b\nContent-Type: application/http\nContent-ID: ");
		put_crlf(b, ops[i].id);
		put_crlf(b, "\n\n");
		put_crlf(b, ops[i].request);
		put_crlf(b, "\n");
		put_crlf(b, ops[i].body);
		put_crlf(b, "\n");
	}
	put_crlf(b, "--b--\n");
}

const struct served_form served_forms[SERVED_FORMS] = {
	{ "application/json", put_json },
	{ "application/x-ndjson", put_lines },
	{ "multipart/mixed;boundary=b", put_parts },
};

struct buf
served_body(const struct served_form *f, size_t pad)
{
	struct buf b = { 0 };

	f->put(&b, pad);
	buf_putc(&b, '\0');
	assert_int_equal(buf_failed(&b), ERR_OK);
	return b;
}

/* ---- a server's worth */

void
served_make(struct bulk_served *w)
{
	*w = (struct bulk_served){ .limits = batch_limits_default };
	dav_test_init(&w->t, SERVED_BEFORE);
	assert_int_equal(fault_store_new(w->t.store, &w->faulty, NULL), ERR_OK);
	w->t.store = w->faulty;
	assert_int_equal(keys_new(&w->t.keys, NULL), ERR_OK);
	w->t.slice = 16384;
	w->limits.window = 3;
	w->limits.inline_part = 8; /* the patch is longer */
	w->env = (struct bulk_env){
		.store = w->faulty,
		.set = &w->t.set,
		.limits = &w->limits,
		.keys = w->t.keys,
	};
	w->service = (struct bulk_service){ .env = &w->env };
	w->t.service = &w->service;
}

void
served_open_jobs(struct bulk_served *w)
{
	if (!w->dir.path[0])
		tmpdir_make(&w->dir);
	assert_int_equal(
	    jobs_open(w->dir.path, &w->env, &w->service.jobs, NULL), ERR_OK);
}

void
served_done(struct bulk_served *w)
{
	jobs_close(w->service.jobs);
	keys_free(w->t.keys);
	dav_test_done(&w->t);
	tmpdir_remove(&w->dir);
}

unsigned
served_post(struct bulk_served *w, const struct served_form *f,
    const char *headers, size_t pad)
{
	struct buf body = served_body(f, pad);
	char all[256];
	unsigned status;

	(void)snprintf(
	    all, sizeof(all), "%sContent-Type: %s\n", headers, f->type);
	status = dav_send(&w->t, "POST", "/.sheaf/bulk", all, body.ptr);
	buf_done(&body);
	return status;
}

/* ---- what was done, and what was said */

static bool
is_there(struct bulk_served *w, size_t i)
{
	struct store *s = w->t.deny.inner;
	struct content *c = NULL;
	char bytes[16];
	struct resource r;
	size_t got;

	if (!ops[i].bytes)
		return store_stat(s, at(ops[i].path), &r, NULL) ==
		    ERR_NOT_FOUND;
	if (store_open(s, at(ops[i].path), &c, NULL))
		return false;
	assert_int_equal(
	    content_read(c, 0, bytes, sizeof(bytes), &got, NULL), ERR_OK);
	content_free(c);
	return str_eq(str_of(bytes, got), str_from_c(ops[i].bytes));
}

static void
check_item(struct bulk_served *w, const json_t *item, bool *said)
{
	json_int_t status = json_integer_value(json_object_get(item, "status"));
	const char *id = json_string_value(json_object_get(item, "id"));
	size_t i;

	for (i = 0; i < ARRAY_LEN(ops) && strcmp(ops[i].id, id) != 0; i++)
		;
	assert_true(i < ARRAY_LEN(ops) && !said[i]);
	said[i] = true;
	assert_true(status >= 200 && status < 600);
	if (status < 400)
		assert_true(ops[i].path && is_there(w, i));
}

void
served_check(struct bulk_served *w, const json_t *results, bool whole)
{
	bool said[ARRAY_LEN(ops)] = { false };
	const json_t *item;
	size_t i;

	json_array_foreach(results, i, item) check_item(w, item, said);
	for (i = 0; i < ARRAY_LEN(ops) && whole; i++)
		assert_true(said[i]);
}

json_t *
served_json(const struct bulk_served *w)
{
	struct str body = dav_body(&w->t);
	json_t *doc = json_loadb(body.ptr, body.len, 0, NULL);

	if (!doc)
		fail_msg("no JSON: %.*s", STR_ARG(body));
	return doc;
}

void
served_check_answer(struct bulk_served *w, unsigned status)
{
	json_t *doc;

	if (status >= 400)
		assert_tree(w->t.deny.inner, SERVED_BEFORE);
	if (status != 207)
		return;
	doc = served_json(w);
	/* What broke off when some had been done says so. */
	served_check(
	    w, json_object_get(doc, "results"), !json_object_get(doc, "error"));
	json_decref(doc);
}

void
served_check_again(struct bulk_served *w, const struct served_form *f)
{
	json_t *doc, *item;
	size_t i;

	fault_store_fail(w->faulty, 0, ERR_OK, NULL);
	assert_int_equal(served_post(w, f, SERVED_KEY, 0), 207);
	doc = served_json(w);
	json_array_foreach(json_object_get(doc, "results"), i, item)
	    assert_true(
		json_integer_value(json_object_get(item, "status")) < 400 ||
		!ops[i].path);
	json_decref(doc);
	assert_tree(w->t.deny.inner, SERVED_AFTER);
}
