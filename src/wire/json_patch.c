/* SPDX-License-Identifier: MIT */
#include "wire/json_patch.h"

#include "wire/json_exact.h"
#include "wire/json_patch_impl.h"

bool
json_patch_form_of(struct str content_type, enum json_patch_form *out)
{
	struct str type =
	    str_trim(str_head(content_type, str_find(content_type, ';')));

	if (str_eq_nocase(type, STR("application/merge-patch+json")))
		*out = JSON_PATCH_MERGE;
	else if (str_eq_nocase(type, STR("application/json-patch+json")))
		*out = JSON_PATCH_STEPS;
	else
		return false;
	return true;
}

/* RFC 7396 s2: an object is merged, anything else takes the place. */
static bool
/* NOLINTNEXTLINE(misc-no-recursion): JSON_PATCH_DEPTH at most */
merge_into(json_t *object, const json_t *patch)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)patch, name, v)
	{
		json_t *old = json_object_get(object, name);

		if (json_is_null(v)) {
			(void)json_object_del(object, name);
			continue;
		}
		if (!json_is_object(v)) {
			if (json_object_set_nocheck(object, name, v))
				return false;
			continue;
		}
		if (!json_is_object(old)) {
			old = json_object();
			if (json_object_set_new_nocheck(object, name, old))
				return false;
		}
		if (!merge_into(old, v))
			return false;
	}
	return true;
}

enum err_code
json_merge(json_t **doc, const json_t *patch, struct err *err)
{
	if (!json_is_object(patch)) {
		json_decref(*doc);
		*doc = json_incref((json_t *)(uintptr_t)patch);
		return ERR_OK;
	}
	if (!json_is_object(*doc)) {
		json_decref(*doc);
		*doc = json_object();
	}
	return *doc && merge_into(*doc, patch) ? ERR_OK : err_nomem(err);
}

/* By how many spaces the first value inside is indented; 0: it is one line. */
static unsigned
indent_of(struct str text)
{
	size_t i = 0;
	unsigned n = 0;

	while (i < text.len &&
	    (text.ptr[i] == '{' || text.ptr[i] == '[' || text.ptr[i] == '\r'))
		i++;
	if (i == text.len || text.ptr[i] != '\n')
		return 0;
	for (i++; i < text.len && text.ptr[i] == ' ' && n < 8; i++)
		n++;
	return n ? n : 1;
}

static enum err_code
put_result(struct buf *out, const json_t *v, struct str doc, struct err *err)
{
	json_exact_put(out, v, indent_of(doc));
	if (str_ends(doc, STR("\n")))
		buf_putc(out, '\n');
	if (buf_failed(out) == ERR_TOO_LARGE)
		return err_tell(err, ERR_TOO_LARGE,
		    "the document would be over the limit of %zu bytes",
		    out->max);
	return buf_failed(out) ? err_nomem(err) : ERR_OK;
}

/* which: of document and patch, for the message where it cannot be loaded. */
static enum err_code
load(struct str text, const char *which, enum err_code code, json_t **out,
    struct err *err)
{
	struct err why = { 0 };
	enum err_code rc =
	    json_exact_load(text, JSON_PATCH_DEPTH, code, out, &why);

	if (rc == ERR_NOMEM)
		return err_nomem(err);
	if (rc)
		return err_tell(err, rc, "%s: %.150s", which, why.tell);
	return ERR_OK;
}

enum err_code
json_patch_apply(enum json_patch_form form, struct str doc, struct str patch,
    struct buf *out, struct err *err)
{
	struct patch_work work = { .max_copied = out->max };
	json_t *v = NULL, *p = NULL;
	enum err_code rc = load(patch, "the patch", ERR_BAD_BODY, &p, err);

	if (!rc)
		rc = load(
		    doc, "the document that it is for", ERR_CONTENT, &v, err);
	if (!rc)
		rc = form == JSON_PATCH_MERGE ? json_merge(&v, p, err)
					      : json_steps(&v, p, &work, err);
	if (!rc)
		rc = put_result(out, v, doc, err);
	json_decref(v);
	json_decref(p);
	return rc;
}
