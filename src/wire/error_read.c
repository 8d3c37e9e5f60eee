/* SPDX-License-Identifier: MIT */
#include "wire/error_read.h"

#include <jansson.h>

#include "wire/xml_tree.h"

/* Without what is in front of the root element; s was read without failure. */
static struct str
without_prolog(struct str s)
{
	for (;;) {
		size_t at = str_find(s, '<');
		char next;

		s = str_skip(s, at);
		next = s.len > 1 ? s.ptr[1] : '\0';
		if (next != '?' && next != '!')
			break;
		s = str_skip(s, 1);
	}
	return str_head(s, str_rfind(s, '>') + 1);
}

/* Elements in DAV:error that hold a sentence for people, by local name. */
static bool
is_sentence(const struct xml_node *n)
{
	static const struct str names[] = {
		STR_INIT("message"), /* ours, SabreDAV's */
		STR_INIT("human-readable"), /* Subversion's */
		STR_INIT("responsedescription"),
		STR_INIT("error-description"),
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(n->name.local, names[i]))
			return true;
	return false;
}

static void
read_conditions(const struct xml_node *error, struct error_read *out)
{
	const struct xml_node *n, *href;

	for (n = error->child; n; n = n->next) {
		if (is_sentence(n)) {
			if (!out->sentence.len)
				out->sentence = n->text;
			continue;
		}
		if (out->condition.local.len &&
		    (str_eq(out->condition.ns, DAV_NS) ||
			!str_eq(n->name.ns, DAV_NS)))
			continue;
		out->condition = n->name;
		href = xml_tree_dav(n, "href");
		out->href = href ? href->text : (struct str){ 0 };
	}
}

static enum err_code
read_xml(
    struct arena *a, struct str body, struct error_read *out, struct err *err)
{
	struct xml_node *root;
	enum err_code rc = xml_tree_read(a, body, &root, err);

	if (rc == ERR_NOMEM)
		return rc;
	if (rc || !xml_node_is_dav(root, "error"))
		return ERR_OK;
	read_conditions(root, out);
	if (str_find(body, '\0') < body.len) /* UTF-16 */
		return ERR_OK;
	return arena_str(a, without_prolog(body), &out->xml) ? ERR_OK
							     : err_nomem(err);
}

static bool
copy_member(struct arena *a, const json_t *o, const char *name, struct str *out)
{
	const json_t *v = json_object_get(o, name);

	if (!v || !json_is_string(v) || out->len)
		return true;
	return arena_str(
	    a, str_of(json_string_value(v), json_string_length(v)), out);
}

/* The sentence is the detail, else the title, which says less. */
static enum err_code
read_json(
    struct arena *a, struct str body, struct error_read *out, struct err *err)
{
	json_error_t why;
	json_t *o = json_loadb(body.ptr, body.len, 0, &why);
	bool ok;

	if (!o)
		return json_error_code(&why) == json_error_out_of_memory
		    ? err_nomem(err)
		    : ERR_OK;
	ok = copy_member(a, o, "detail", &out->sentence) &&
	    copy_member(a, o, "title", &out->sentence) &&
	    copy_member(a, o, "message", &out->sentence) &&
	    copy_member(a, o, "type", &out->problem_type) &&
	    copy_member(a, o, "resource", &out->href);
	json_decref(o);
	return ok ? ERR_OK : err_nomem(err);
}

/* The first byte that is no white space and no byte order mark. */
static char
first_byte(struct str s)
{
	if (str_starts(s, STR("\xef\xbb\xbf")))
		s = str_skip(s, 3);
	while (s.len && strchr(" \t\r\n", s.ptr[0]) && s.ptr[0])
		s = str_skip(s, 1);
	return s.len ? s.ptr[0] : '\0';
}

enum err_code
error_read(struct arena *a, struct str content_type, struct str body,
    struct error_read *out, struct err *err)
{
	*out = (struct error_read){ 0 };
	if (str_starts_nocase(content_type, STR("text/html")) || !body.len)
		return ERR_OK;
	if (first_byte(body) == '{')
		return read_json(a, body, out, err);
	return read_xml(a, body, out, err);
}
