/* SPDX-License-Identifier: MIT */
#include "wire/lint_request.h"

#include <stdio.h>

#include "wire/json_found.h"

struct request {
	struct arena *a;
	struct lint_operation *v;
	size_t n, cap;
	struct err *err;
};

static enum err_code
copy(struct request *r, struct str s, struct str *out)
{
	return arena_str(r->a, s, out) ? ERR_OK : err_nomem(r->err);
}

static enum err_code
read_depends(struct request *r, const json_t *list, struct lint_operation *o)
{
	size_t i, n = json_array_size(list);
	struct str *names;
	enum err_code rc = ERR_OK;

	if (!n)
		return ERR_OK;
	names = arena_array(r->a, n, sizeof(*names));
	if (!names)
		return err_nomem(r->err);
	for (i = 0; !rc && i < n; i++)
		rc = copy(r, json_text(json_array_get(list, i)), &names[i]);
	o->depends_on = names;
	o->n_depends_on = n;
	return rc;
}

static enum err_code
grow(struct request *r)
{
	size_t cap = r->cap ? r->cap * 2 : 64;
	struct lint_operation *more;

	if (r->n < r->cap)
		return ERR_OK;
	more = arena_array(r->a, cap, sizeof(*more));
	if (!more)
		return err_nomem(r->err);
	if (r->n)
		memcpy(more, r->v, r->n * sizeof(*more));
	r->v = more;
	r->cap = cap;
	return ERR_OK;
}

static enum err_code
add(struct request *r, const json_t *json)
{
	struct lint_operation o = { 0 };
	struct json_found f = { 0 };
	char index[24];
	enum err_code rc = grow(r);

	if (rc)
		return rc;
	json_find(json, &f);
	rc = json_scalar(r->a, f.by[ITEM_ID], &o.id, r->err);
	(void)snprintf(index, sizeof(index), "%zu", r->n);
	if (!rc)
		rc = copy(r, o.id.len ? o.id : str_from_c(index), &o.id);
	if (!rc)
		rc = copy(r, json_text(json_object_get(json, "atomicityGroup")),
		    &o.group);
	if (!rc)
		rc = read_depends(r, json_object_get(json, "dependsOn"), &o);
	if (!rc)
		r->v[r->n++] = o;
	return rc;
}

static enum err_code
add_all(struct request *r, const json_t *list)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; !rc && i < json_array_size(list); i++)
		rc = add(r, json_array_get(list, i));
	return rc;
}

/* The array of operations in it, or NULL. */
static const json_t *
find_list(const json_t *document)
{
	json_t *o = (json_t *)(uintptr_t)document;
	const char *name;
	json_t *v;

	if (json_is_array(document))
		return document;
	v = json_object_get(document, "requests"); /* OData 4.01 s19 */
	if (json_is_array(v))
		return v;
	json_object_foreach(o, name, v) if (json_is_array(v) &&
	    doc_name_of(str_from_c(name)) == DOC_LIST) return v;
	return NULL;
}

static enum err_code
add_document(struct request *r, const json_t *document, bool only)
{
	const json_t *list = find_list(document);

	if (list)
		return add_all(r, list);
	if (json_object_get(document, "batch")) /* the first line of a stream */
		return ERR_OK;
	if (!only && json_is_object(document))
		return add(r, document);
	return err_tell(
	    r->err, ERR_BAD_REQUEST, "there is no array of operations in it");
}

/* Behind what may stand between documents (RFC 7464, NDJSON). */
static struct str
skip_between(struct str s)
{
	while (s.len && *s.ptr && strchr(" \t\r\n\x1e", *s.ptr))
		s = str_skip(s, 1);
	return s;
}

enum err_code
lint_request_read(struct arena *a, struct str bytes,
    const struct lint_operation **out, size_t *n, struct err *err)
{
	const size_t flags = JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK;
	struct request r = { .a = a, .err = err };
	enum err_code rc = ERR_OK;
	bool first = true;

	bytes = skip_between(bytes);
	if (!bytes.len)
		return err_tell(err, ERR_BAD_REQUEST, "it is empty");
	for (; !rc && bytes.len; first = false) {
		json_error_t e;
		json_t *document = json_loadb(bytes.ptr, bytes.len, flags, &e);

		if (!document &&
		    json_error_code(&e) == json_error_out_of_memory)
			return err_nomem(err);
		if (!document)
			return err_tell(err, ERR_BAD_REQUEST,
			    "not JSON: line %d, column %d: %s", e.line,
			    e.column, e.text);
		bytes = skip_between(str_skip(bytes, (size_t)e.position));
		rc = add_document(&r, document, first && !bytes.len);
		json_decref(document);
	}
	if (rc)
		return rc;
	*out = r.v;
	*n = r.n;
	return ERR_OK;
}
