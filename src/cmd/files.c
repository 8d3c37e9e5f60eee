/* SPDX-License-Identifier: MIT */
#include "cmd/files.h"
#include "wire/dav_request.h"

#include <stdarg.h>
#include <stdio.h>

#include "cmd/text.h"
#include "wire/json_object.h"

static int
cannot(const struct files *f, const struct err *err)
{
	(void)fprintf(stderr, "sheaf: %s: %s\n", f->command,
	    *err->why ? err->why : err_text(err->code));
	return EXIT_CANNOT;
}

bool
token_read(const char *arg, struct str *out)
{
	struct str s = str_from_c(arg);
	size_t i;

	if (str_starts(s, STR("<")) && str_ends(s, STR(">")))
		s = str_head(str_skip(s, 1), s.len - 2);
	*out = s;
	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == '>' ||
		    s.ptr[i] == '<' || s.ptr[i] == 0x7f)
			return false;
	return s.len;
}

struct str
files_token(const struct files *f)
{
	struct str s = { 0 };

	if (f->o.lock_token)
		(void)token_read(f->o.lock_token, &s);
	return s;
}

bool
files_headers_ok(const struct files *f)
{
	struct str token;
	const char *c;

	if (f->o.lock_token && !token_read(f->o.lock_token, &token)) {
		(void)files_wrong(f, "'%s' is no lock token", f->o.lock_token);
		return false;
	}
	for (c = f->o.if_match; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			(void)files_wrong(f, "--if-match is no entity tag");
			return false;
		}
	return true;
}

bool
files_begin(struct files *f, const char *command, const char *const *args,
    const struct files_shape *shape, int *code)
{
	struct err err = { 0 };
	size_t n;

	f->command = command;
	if (!options_begin(command, args, &f->o, code))
		return false;
	*code = EXIT_USAGE;
	if (!options_operands(&f->o, command, shape->least, shape->most) ||
	    !files_headers_ok(f))
		return false;
	if (work_new(&f->o, command, &f->work, &err)) {
		*code = cannot(f, &err);
		return false;
	}
	n = shape->others == FILES_ONE_URL
	    ? 1
	    : f->o.n_operands - shape->first - shape->others;
	return session_begin(
	    &f->s, &f->o, f->work, f->o.operands + shape->first, n, code);
}

void
files_run(struct files *f)
{
	client_run(f->s.client, work_watch(f->work));
}

struct files
files_for_tree(const struct files *f, const struct files_tree *t)
{
	struct files out = *f;

	out.o.force = false;
	out.o.if_match = NULL;
	out.o.lock_token = t->lock_token.len ? t->lock_token.ptr : NULL;
	out.o.recursive = true;
	return out;
}

int
files_refuse(struct files *f, int code)
{
	if (f->o.json && code != EXIT_OK)
		work_refuse(code);
	files_drop(f);
	return code;
}

void
files_drop(struct files *f)
{
	session_done(&f->s);
	work_free(f->work);
	options_done(&f->o);
	*f = (struct files){ 0 };
}

int
files_end(struct files *f)
{
	int code = work_end(f->work);

	files_drop(f);
	return code;
}

int
files_wrong(const struct files *f, const char *fmt, ...)
{
	va_list args;

	struct buf b CLEANUP(buf_done) = { 0 };
	char text[2048];

	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) > 0)
		text_put_plain(&b, str_from_c(text));
	va_end(args);
	(void)fprintf(stderr, "sheaf: %s: %.*s; see 'sheaf help %s'\n",
	    f->command, STR_ARG(buf_str(&b)), f->command);
	return EXIT_USAGE;
}

struct verdict
files_refusal(struct str why)
{
	return (struct verdict){ .fate = FATE_FAILED,
		.blame = BLAME_LOCAL,
		.wait = -1,
		.text = why };
}

struct verdict
files_failure(enum err_code rc, const struct err *err)
{
	const char *why = err && *err->tell ? err->tell
	    : err && *err->why              ? err->why
					    : err_text(rc);

	return (struct verdict){ .fate = FATE_FAILED,
		.blame = BLAME_LOCAL,
		.wait = -1,
		.text = str_from_c(why) };
}

int
files_cannot(struct files *f)
{
	struct err err = { 0 };

	(void)err_nomem(&err);
	return files_refuse(f, cannot(f, &err));
}

void
files_not_begun(struct verdict *v)
{
	if (v->fate == FATE_UNKNOWN || v->fate == FATE_PARTIAL ||
	    v->fate == FATE_DONE)
		v->fate = FATE_FAILED;
}

void
files_would(
    struct files *f, const char *what, struct str url, struct str destination)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (work_json(f->work)) {
		struct json_object o = json_begin(&b);

		json_put_text(&o, "type", STR("plan"));
		json_put_text(&o, "op", str_from_c(what));
		json_put_text(&o, "url", url);
		if (destination.len)
			json_put_text(&o, "destination", destination);
		json_end(&o);
	} else {
		BUF_LIT(&b, "would ");
		buf_put(&b, str_from_c(what));
		buf_putc(&b, ' ');
		buf_put(&b, url);
		if (destination.len) {
			BUF_LIT(&b, " to ");
			buf_put(&b, destination);
		}
	}
	buf_putc(&b, '\n');
	work_out(f->work, buf_str(&b));
}

void *
files_array(struct files *f, size_t n, size_t size)
{
	return arena_array(&f->s.a, n + 1, size);
}

struct str
files_slash(struct files *f, struct str url)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct str out = { 0 };
	size_t end = str_find(url, '?');

	if (str_ends(str_head(url, end), STR("/")))
		return url;
	buf_put(&b, str_head(url, end));
	buf_putc(&b, '/');
	buf_put(&b, str_skip(url, end));
	if (buf_failed(&b) || !arena_str(&f->s.a, buf_str(&b), &out))
		return (struct str){ 0 };
	return out;
}

enum err_code
files_propfind(struct files *f, struct remote_spec spec, bool all,
    const struct prop_name *names, size_t n, struct err *err)
{
	struct buf body CLEANUP(buf_done) = { 0 };

	propfind_request_put(&body, all, names, n);
	if (buf_failed(&body))
		return err_nomem(err);
	spec.method = "PROPFIND";
	spec.has_depth = true;
	spec.body = buf_str(&body);
	spec.content_type = dav_request_media_type();
	return remote_start(f->s.client, &spec, err);
}
