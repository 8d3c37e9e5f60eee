/* SPDX-License-Identifier: MIT */
/* JSON Patch (RFC 6902): operations on places that JSON pointers name. */
#include <stdarg.h>
#include <stdio.h>

#include "wire/json_patch_impl.h"

/* A value that is copied counts as many: it takes memory, not only time. */
#define COPY_COST 32

#define MAX_TOKEN ((size_t)4096)

/* A step that is being applied. */
struct step {
	size_t nth;
	const char *op;
	struct str path;
	json_t **doc;
	struct patch_work *work;
	struct err *err;
};

/*
 * Where a pointer leads: to a place in an array or object, or to the whole
 * document (above is NULL).  v is the value there; NULL: there is none.
 */
struct target {
	json_t *above;
	json_t *v;
	size_t index; /* in an array */
	char name[MAX_TOKEN + 1]; /* in an object */
};

#define WRONG(s, code, ...) wrong((s), (code), __VA_ARGS__)

static PRINTF_LIKE(3, 4) enum err_code
    wrong(const struct step *s, enum err_code code, const char *why, ...)
{
	char text[128];
	va_list args;

	va_start(args, why);
	(void)vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	return err_tell(s->err, code, "operation %zu (%s %.*s%s): %s", s->nth,
	    s->op, STR_ARG(str_head(s->path, 60)),
	    s->path.len > 60 ? "..." : "", text);
}

static enum err_code
spend(const struct step *s, uint64_t n)
{
	s->work->done += n;
	if (s->work->done <= JSON_PATCH_WORK)
		return ERR_OK;
	return WRONG(s, ERR_TOO_LARGE, "the patch asks for too much work");
}

/* The next token of a pointer that begins with a slash (RFC 6901 s4). */
static enum err_code
next_token(const struct step *s, struct str *rest, char *out)
{
	size_t n = 0;
	size_t i;

	for (i = 1; i < rest->len && rest->ptr[i] != '/'; i++) {
		char c = rest->ptr[i];

		if (c == '~') {
			i++;
			c = i < rest->len ? rest->ptr[i] : '\0';
			if (c != '0' && c != '1')
				return WRONG(s, ERR_BAD_BODY,
				    "a \"~\" in the pointer is followed by "
				    "neither 0 nor 1");
			c = c == '0' ? '~' : '/';
		}
		if (n == MAX_TOKEN)
			return WRONG(
			    s, ERR_TOO_LARGE, "a name in it is too long");
		out[n++] = c;
	}
	out[n] = '\0';
	*rest = str_skip(*rest, i);
	return ERR_OK;
}

/* Reads an index: digits with no zero in front (RFC 6901 s4). */
static bool
index_of(const char *token, size_t *index)
{
	uint64_t n;

	if (!str_to_u64(str_from_c(token), &n) || n > SIZE_MAX / 2 ||
	    (token[0] == '0' && token[1]))
		return false;
	*index = (size_t)n;
	return true;
}

/* Goes one level down, to the member or element that t->name says. */
static enum err_code
go_down(const struct step *s, struct target *t)
{
	t->above = t->v;
	if (json_is_object(t->above)) {
		t->v = json_object_get(t->above, t->name);
		return ERR_OK;
	}
	if (!json_is_array(t->above))
		return WRONG(s, ERR_CONTENT,
		    "what is above it is neither an object nor an array");
	if (!strcmp(t->name, "-"))
		t->index = json_array_size(t->above);
	else if (!index_of(t->name, &t->index))
		return WRONG(s, ERR_CONTENT, "no index of an array");
	t->v = json_array_get(t->above, t->index);
	return ERR_OK;
}

/* Follows a pointer; all but its last level have to be there. */
static enum err_code
find(const struct step *s, struct str pointer, struct target *t)
{
	unsigned depth = 0;

	t->above = NULL;
	t->v = *s->doc;
	if (pointer.len && pointer.ptr[0] != '/')
		return WRONG(
		    s, ERR_BAD_BODY, "a pointer that does not begin with /");
	while (pointer.len) {
		enum err_code rc = next_token(s, &pointer, t->name);

		if (!rc && !t->v)
			rc = WRONG(s, ERR_CONTENT,
			    "what should be above it is not there");
		if (!rc && ++depth > JSON_PATCH_DEPTH)
			rc = WRONG(s, ERR_TOO_LARGE, "it is too deep");
		if (!rc)
			rc = go_down(s, t);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err_code
find_there(const struct step *s, struct str pointer, struct target *t)
{
	enum err_code rc = find(s, pointer, t);

	if (!rc && !t->v)
		return WRONG(s, ERR_CONTENT, "there is no such value");
	return rc;
}

/* ---- measures */

/* How many values v has, itself included; *depth, if not NULL: how deep. */
static uint64_t
/* NOLINTNEXTLINE(misc-no-recursion): JSON_PATCH_DEPTH at most */
count(const json_t *v, unsigned *depth, uint64_t *bytes)
{
	uint64_t n = 1;
	unsigned deepest = 0, one = 0;
	const char *name;
	json_t *member;
	size_t i;

	*bytes += 2 + json_string_length(v);
	for (i = 0; i < json_array_size(v); i++) {
		n += count(json_array_get(v, i), &one, bytes);
		deepest = one > deepest ? one : deepest;
	}
	json_object_foreach((json_t *)(uintptr_t)v, name, member)
	{
		*bytes += strlen(name) + 3;
		n += count(member, &one, bytes);
		deepest = one > deepest ? one : deepest;
	}
	*depth = json_is_array(v) || json_is_object(v) ? deepest + 1 : 0;
	return n;
}

static unsigned
levels(struct str pointer)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < pointer.len; i++)
		n += pointer.ptr[i] == '/';
	return n;
}

/* Checks the limits before v is put where s->path says. */
static enum err_code
check_room(const struct step *s, const json_t *v, bool copy)
{
	unsigned depth;
	uint64_t bytes = 0;
	uint64_t n = count(v, &depth, &bytes);

	if (levels(s->path) + depth > JSON_PATCH_DEPTH)
		return WRONG(s, ERR_TOO_LARGE, "it would nest over %d deep",
		    JSON_PATCH_DEPTH);
	if (copy)
		s->work->copied += bytes;
	if (s->work->max_copied && s->work->copied > s->work->max_copied)
		return WRONG(s, ERR_TOO_LARGE,
		    "its copies are over the limit of %llu bytes",
		    (unsigned long long)s->work->max_copied);
	return spend(s, copy ? n * COPY_COST : n);
}

/* ---- what the operations are made of; each takes a reference of v */

static enum err_code
put_whole(const struct step *s, json_t *v)
{
	json_decref(*s->doc);
	*s->doc = v;
	return ERR_OK;
}

static enum err_code
give_up(const struct step *s, json_t *v, const char *why)
{
	json_decref(v);
	return WRONG(s, ERR_CONTENT, "%s", why);
}

/* RFC 6902 s4.1 */
static enum err_code
add_at(const struct step *s, struct target *t, json_t *v)
{
	size_t n;

	if (!t->above)
		return put_whole(s, v);
	if (json_is_object(t->above))
		return json_object_set_new_nocheck(t->above, t->name, v)
		    ? err_nomem(s->err)
		    : ERR_OK;
	n = json_array_size(t->above);
	if (t->index > n)
		return give_up(s, v, "the array is not that long");
	if (json_array_insert_new(t->above, t->index, v))
		return err_nomem(s->err);
	return spend(s, (n - t->index) / 8);
}

static enum err_code
take_out(const struct step *s, struct target *t)
{
	size_t n = json_array_size(t->above);

	if (json_is_object(t->above)) {
		(void)json_object_del(t->above, t->name);
		return ERR_OK;
	}
	(void)json_array_remove(t->above, t->index);
	return spend(s, (n - t->index) / 8);
}

/* Equality of RFC 6902 s4.6: numbers are compared by their value. */
static bool
/* NOLINTNEXTLINE(misc-no-recursion): JSON_PATCH_DEPTH at most */
is_equal(const json_t *a, const json_t *b)
{
	const char *name;
	json_t *v;
	size_t i;

	if (json_is_number(a) && json_is_number(b) &&
	    json_typeof(a) != json_typeof(b)) {
		const json_t *real = json_is_real(a) ? a : b;
		const json_t *whole = json_is_real(a) ? b : a;
		double x = json_real_value(real);

		/* cppcheck-suppress incorrectLogicOperator ; 0x1p63 is not 0 */
		return x >= -0x1p63 && x < 0x1p63 &&
		    (double)(json_int_t)x >= x && (double)(json_int_t)x <= x &&
		    (json_int_t)x == json_integer_value(whole);
	}
	if (json_typeof(a) != json_typeof(b))
		return false;
	if (!json_is_array(a) && !json_is_object(a))
		return json_equal(a, b);
	if (json_array_size(a) != json_array_size(b) ||
	    json_object_size(a) != json_object_size(b))
		return false;
	for (i = 0; i < json_array_size(a); i++)
		if (!is_equal(json_array_get(a, i), json_array_get(b, i)))
			return false;
	json_object_foreach((json_t *)(uintptr_t)a, name, v)
	{
		const json_t *other = json_object_get(b, name);

		if (!other || !is_equal(v, other))
			return false;
	}
	return true;
}

/* ---- the operations */

static enum err_code
value_of(const struct step *s, const json_t *op, json_t **v)
{
	*v = json_object_get(op, "value");
	return *v ? ERR_OK : WRONG(s, ERR_BAD_BODY, "no \"value\"");
}

static enum err_code
from_of(const struct step *s, const json_t *op, struct str *from)
{
	const json_t *v = json_object_get(op, "from");

	if (!json_is_string(v))
		return WRONG(s, ERR_BAD_BODY, "no \"from\"");
	*from = str_of(json_string_value(v), json_string_length(v));
	return ERR_OK;
}

/* A copy, since a value may be put in twice and then changed in one place. */
static enum err_code
copy_of(const struct step *s, const json_t *v, json_t **out)
{
	*out = json_deep_copy(v);
	return *out ? ERR_OK : err_nomem(s->err);
}

static enum err_code
step_add(const struct step *s, const json_t *op, struct target *t)
{
	json_t *v, *copy;
	enum err_code rc = value_of(s, op, &v);

	if (!rc)
		rc = check_room(s, v, false);
	if (!rc)
		rc = find(s, s->path, t);
	if (!rc)
		rc = copy_of(s, v, &copy);
	return rc ? rc : add_at(s, t, copy);
}

static enum err_code
step_remove(const struct step *s, const json_t *op, struct target *t)
{
	enum err_code rc = find_there(s, s->path, t);

	(void)op;
	if (!rc && !t->above)
		return WRONG(
		    s, ERR_CONTENT, "the whole document; DELETE removes that");
	return rc ? rc : take_out(s, t);
}

static enum err_code
step_replace(const struct step *s, const json_t *op, struct target *t)
{
	json_t *v, *copy;
	enum err_code rc = value_of(s, op, &v);

	if (!rc)
		rc = check_room(s, v, false);
	if (!rc)
		rc = find_there(s, s->path, t);
	if (!rc)
		rc = copy_of(s, v, &copy);
	if (rc)
		return rc;
	if (json_is_array(t->above))
		return json_array_set_new(t->above, t->index, copy)
		    ? err_nomem(s->err)
		    : ERR_OK;
	return add_at(s, t, copy);
}

static enum err_code
step_copy(const struct step *s, const json_t *op, struct target *t)
{
	struct str from = { 0 };
	json_t *copy = NULL;
	enum err_code rc = from_of(s, op, &from);

	if (!rc)
		rc = find_there(s, from, t);
	if (!rc)
		rc = check_room(s, t->v, true);
	if (!rc)
		rc = copy_of(s, t->v, &copy);
	if (!rc)
		rc = find(s, s->path, t);
	if (rc)
		json_decref(copy);
	return rc ? rc : add_at(s, t, copy);
}

/* A value cannot be moved into itself (RFC 6902 s4.4). */
static enum err_code
step_move(const struct step *s, const json_t *op, struct target *t)
{
	struct str from = { 0 };
	json_t *v = NULL;
	enum err_code rc = from_of(s, op, &from);

	if (!rc)
		rc = find_there(s, from, t);
	if (!rc && str_eq(from, s->path))
		return ERR_OK;
	if (!rc && str_starts(s->path, from) && s->path.ptr[from.len] == '/')
		rc = WRONG(s, ERR_CONTENT, "it would be moved into itself");
	if (!rc)
		rc = check_room(s, t->v, false);
	if (rc)
		return rc;
	if (!t->above) /* "" is a prefix of every path */
		return WRONG(s, ERR_CONTENT, "it would be moved into itself");
	v = json_incref(t->v);
	rc = take_out(s, t);
	if (!rc)
		rc = find(s, s->path, t);
	if (rc)
		json_decref(v);
	return rc ? rc : add_at(s, t, v);
}

static enum err_code
step_test(const struct step *s, const json_t *op, struct target *t)
{
	uint64_t bytes = 0;
	unsigned depth;
	json_t *v;
	enum err_code rc = value_of(s, op, &v);

	if (!rc)
		rc = find_there(s, s->path, t);
	if (!rc)
		rc = spend(s, count(v, &depth, &bytes));
	if (!rc && !is_equal(t->v, v))
		rc = WRONG(s, ERR_CONTENT, "the value there is another");
	return rc;
}

static const struct row {
	const char *name;
	enum err_code (*run)(
	    const struct step *s, const json_t *op, struct target *t);
} rows[] = {
	{ "add", step_add },
	{ "remove", step_remove },
	{ "replace", step_replace },
	{ "move", step_move },
	{ "copy", step_copy },
	{ "test", step_test },
};

static const struct row *
row_of(const char *name)
{
	size_t i;

	for (i = 0; name && i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* The patch may still turn out to be malformed: then all is dropped. */
static enum err_code
run_step(struct step *s, const json_t *op, struct target *t)
{
	const json_t *path = json_object_get(op, "path");
	const char *name = json_string_value(json_object_get(op, "op"));
	const struct row *row = row_of(name);

	if (!json_is_object(op))
		return err_tell(
		    s->err, ERR_BAD_BODY, "operation %zu: no object", s->nth);
	if (!row)
		return err_tell(s->err, ERR_BAD_BODY,
		    "operation %zu: \"op\" is none of add, remove, replace, "
		    "move, copy, test",
		    s->nth);
	s->op = row->name;
	if (!json_is_string(path))
		return WRONG(s, ERR_BAD_BODY, "no \"path\"");
	s->path = str_of(json_string_value(path), json_string_length(path));
	return row->run(s, op, t);
}

enum err_code
json_steps(
    json_t **doc, const json_t *patch, struct patch_work *work, struct err *err)
{
	struct step s = { .doc = doc, .work = work, .err = err };
	enum err_code rc = ERR_OK;
	struct target t = { 0 };

	if (!json_is_array(patch))
		return err_tell(
		    err, ERR_BAD_BODY, "the patch is no array of operations");
	for (; s.nth < json_array_size(patch) && !rc; s.nth++) {
		s.path = STR("");
		rc = run_step(&s, json_array_get(patch, s.nth), &t);
	}
	return rc;
}
