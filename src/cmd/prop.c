/* SPDX-License-Identifier: MIT */
/* `sheaf prop get|set|rm`. */
#include <unistd.h>

#include "cmd/files.h"
#include "cmd/text.h"
#include "wire/dav_request.h"
#include "wire/json_object.h"

enum action { PROP_GET, PROP_SET, PROP_RM };

struct job {
	struct files f;
	enum action action;
	struct str url;
	struct prop_name *names;
	size_t n;
	struct work_item item;
	unsigned status; /* of a change that has to be looked at */
};

/* ---- names */

/* Whether it can be the local name of an XML element. */
static bool
local_ok(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] <= ' ' ||
		    strchr("<>&\"'/=:{}()[],;!?*+#%@^|~`$\\", s.ptr[i]))
			return false;
	return s.len && !ascii_is_digit(s.ptr[0]) && s.ptr[0] != '-' &&
	    s.ptr[0] != '.';
}

static bool
read_name(struct str s, struct prop_name *out)
{
	size_t brace = str_find(s, '}');
	size_t i;

	if (str_starts(s, DAV_NS)) {
		out->ns = DAV_NS;
		out->local = str_skip(s, DAV_NS.len);
		return local_ok(out->local);
	}
	if (!str_starts(s, STR("{")) || brace == s.len)
		return false;
	out->ns = str_skip(str_head(s, brace), 1);
	out->local = str_skip(s, brace + 1);
	for (i = 0; i < out->ns.len; i++)
		if ((unsigned char)out->ns.ptr[i] < ' ')
			return false;
	return local_ok(out->local);
}

static void
put_name(struct buf *b, struct prop_name name)
{
	buf_putc(b, '{');
	text_put_plain(b, name.ns);
	buf_putc(b, '}');
	text_put_plain(b, name.local);
}

/* ---- get */

/* Puts a value; to a terminal with control characters as numbers. */
static void
put_value(struct buf *b, const struct told_prop *p)
{
	if (isatty(STDOUT_FILENO))
		text_put_plain(b, p->value);
	else
		buf_put(b, p->value);
}

static void
print_value(struct job *j, const struct told_prop *p)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct buf name CLEANUP(buf_done) = { 0 };

	put_name(&name, p->name);
	if (work_json(j->f.work)) {
		struct json_object o = json_begin(&b);

		json_put_text(&o, "type", STR("property"));
		json_put_text(&o, "url", j->url);
		json_put_text(&o, "name", buf_str(&name));
		json_put_text(&o, p->xml ? "xml" : "value", p->value);
		json_end(&o);
	} else {
		if (j->n > 1) {
			buf_put(&b, buf_str(&name));
			BUF_LIT(&b, ": ");
		}
		put_value(&b, p);
	}
	buf_putc(&b, '\n');
	work_out(j->f.work, buf_str(&b));
}

static const struct told_prop *
find(const struct told_prop *props, size_t n, struct prop_name name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (prop_name_eq(props[i].name, name))
			return &props[i];
	return NULL;
}

/* Prints the values; fails where one is missing, though the server did not. */
static void
got(void *arg, const struct told_prop *props, size_t n, const struct verdict *v)
{
	struct job *j = arg;
	struct buf missing CLEANUP(buf_done) = { 0 };
	struct verdict said = *v;
	size_t i, printed = 0;
	bool unsaid = false;

	for (i = 0; i < j->n; i++) {
		const struct told_prop *p = find(props, n, j->names[i]);

		if (p && p->status / 100 == 2) {
			print_value(j, p);
			printed++;
			continue;
		}
		unsaid |= !p;
		if (missing.len)
			BUF_LIT(&missing, ", ");
		put_name(&missing, j->names[i]);
	}
	if (v->fate == FATE_DONE && missing.len) {
		said.fate = unsaid ? FATE_UNKNOWN
		    : printed      ? FATE_PARTIAL
				   : FATE_FAILED;
		said.blame = unsaid ? BLAME_CUT : BLAME_STATUS;
		said.status = unsaid ? v->status : 404;
		buf_put(&missing,
		    unsaid ? STR(": the answer does not mention it")
			   : STR(" is not set"));
		said.text = buf_str(&missing);
	}
	work_done(j->f.work, &j->item, &said);
}

/* ---- set and rm */

static enum err_code
put_changes(struct job *j, struct buf *body, struct err *err)
{
	struct buf value CLEANUP(buf_done) = { 0 };
	struct prop_change *changes =
	    files_array(&j->f, j->n, sizeof(*changes));
	enum err_code rc = ERR_OK;
	size_t i;

	if (!changes)
		return err_nomem(err);
	for (i = 0; i < j->n; i++) {
		changes[i].remove = j->action == PROP_RM;
		changes[i].prop.name = j->names[i];
	}
	if (j->action == PROP_SET)
		rc =
		    prop_value_read(j->names[0], str_from_c(j->f.o.operands[3]),
			&value, &changes[0].prop, err);
	if (rc)
		return rc;
	proppatch_request_put(body, changes, j->n);
	return buf_failed(body) ? err_nomem(err) : ERR_OK;
}

/* Whether the property is now as it was to be. */
static bool
is_as_wanted(const struct job *j, const struct told_prop *p)
{
	struct str want =
	    str_from_c(j->action == PROP_SET ? j->f.o.operands[3] : NULL);

	if (j->action == PROP_RM)
		return p && p->status == 404;
	/* XML is not compared, for it may be written in many ways. */
	return p && p->status / 100 == 2 &&
	    (p->xml || str_starts(want, STR("<")) || str_eq(p->value, want));
}

static void
checked(
    void *arg, const struct told_prop *props, size_t n, const struct verdict *v)
{
	struct job *j = arg;
	struct verdict said = {
		.fate = FATE_DONE, .status = j->status, .wait = -1
	};
	size_t i;

	for (i = 0; i < j->n; i++)
		if (v->fate != FATE_DONE ||
		    !is_as_wanted(j, find(props, n, j->names[i])))
			said.fate = FATE_UNKNOWN;
	if (said.fate != FATE_DONE) {
		said.blame = BLAME_CUT;
		said.text = STR("the answer does not say what became of each "
				"property, and they are not as they were to "
				"be");
	}
	work_done(j->f.work, &j->item, &said);
}

/* Looks whether it was done, where the answer is a mere 200 or 204. */
static void
changed(void *arg, const struct verdict *v)
{
	struct job *j = arg;

	if (v->fate != FATE_UNKNOWN || v->blame != BLAME_CUT ||
	    (v->status != 200 && v->status != 204)) {
		work_done(j->f.work, &j->item, v);
		return;
	}
	j->status = v->status;
	props_ask(&j->f, j->url, false, j->names, j->n, checked, j);
}

static void
send_change(struct job *j)
{
	change_members(&j->f, &j->item,
	    (struct remote_spec){
		.method = "PROPPATCH",
		.url = j->url,
		.if_match = j->item.if_match,
		.lock_token = j->item.lock_token,
		.asked = j->names,
		.n_asked = j->n,
		.body = j->item.body,
		.content_type = dav_request_media_type(),
	    },
	    changed, j);
}

static void
looked(void *arg, const struct entry *e, const struct verdict *v)
{
	struct job *j = arg;
	struct verdict not_begun = *v;
	const char *what = j->action == PROP_SET ? "set a property of"
						 : "remove properties of";

	if (e && v->fate == FATE_DONE) {
		files_would(&j->f, what, j->url, (struct str){ 0 });
		return;
	}
	files_not_begun(&not_begun);
	work_done(j->f.work, &j->item, &not_begun);
}

/* ---- arguments */

static bool
read_action(struct job *j, int *code)
{
	static const char *const names[] = { "get", "set", "rm" };
	const char *given = j->f.o.operands[0];
	size_t i = 0;

	while (i < ARRAY_LEN(names) && strcmp(names[i], given) != 0)
		i++;
	if (i == ARRAY_LEN(names)) {
		*code = files_wrong(
		    &j->f, "'%s' is none of get, set and rm", given);
		return false;
	}
	j->action = (enum action)i;
	j->n = j->action == PROP_SET ? 1 : j->f.o.n_operands - 2;
	if (j->action == PROP_SET && j->f.o.n_operands != 4) {
		*code = files_wrong(&j->f,
		    "set takes a URL, one {namespace}name and its value");
		return false;
	}
	return true;
}

static bool
read_names(struct job *j, int *code)
{
	size_t i;

	j->names = files_array(&j->f, j->n, sizeof(*j->names));
	for (i = 0; j->names && i < j->n; i++) {
		const char *given = j->f.o.operands[2 + i];

		if (read_name(str_from_c(given), &j->names[i]))
			continue;
		*code = files_wrong(&j->f,
		    "'%s' is no property: {namespace}name or DAV:name", given);
		return false;
	}
	return j->names != NULL;
}

static bool
prepare(struct job *j, int *code)
{
	struct buf body CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };
	enum err_code rc = ERR_OK;

	if (!read_action(j, code) || !read_names(j, code))
		return false;
	j->url = j->f.s.urls[0];
	j->item = (struct work_item){
		.op = j->action == PROP_GET ? "propfind" : "proppatch",
		.url = j->url,
		.if_match = str_from_c(j->f.o.if_match),
		.lock_token = files_token(&j->f),
	};
	if (j->action != PROP_GET)
		rc = put_changes(j, &body, &err);
	if (rc == ERR_BAD_BODY || rc == ERR_TOO_LARGE)
		*code = files_wrong(&j->f,
		    "the value begins with '<' and is no XML: %s", err.tell);
	return !rc && arena_str(&j->f.s.a, buf_str(&body), &j->item.body);
}

int
cmd_prop(const char *const *args)
{
	static const struct files_shape shape = { 3, SIZE_MAX, 1,
		FILES_ONE_URL };
	struct job j = { 0 };
	int code = EXIT_CANNOT;

	if (!files_begin(&j.f, "prop", args, &shape, &code))
		return files_refuse(&j.f, code);
	code = EXIT_CANNOT;
	if (!prepare(&j, &code))
		return files_refuse(&j.f, code);
	if (j.action == PROP_GET)
		props_ask(&j.f, j.url, false, j.names, j.n, got, &j);
	else if (j.f.o.dry_run)
		look(&j.f, j.url, looked, &j);
	else
		send_change(&j);
	files_run(&j.f);
	return files_end(&j.f);
}
