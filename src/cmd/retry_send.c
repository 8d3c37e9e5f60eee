/* SPDX-License-Identifier: MIT */
/* Sends an operation of a retry file, or looks first what became of it. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "client/download.h"
#include "client/upload.h"
#include "cmd/retry_impl.h"

#define MIME_TYPES "/etc/mime.types"

static void
fail(struct retry_one *o, const struct err *err)
{
	struct verdict v = files_failure(err->code, err);

	retry_over(o, &v, true);
}

/* ---- files */

static void
on_progress(void *arg, int64_t bytes)
{
	struct retry_one *o = arg;

	work_progress(o->r->f.work, bytes);
}

static void
on_sent(void *arg, const struct verdict *v, uint64_t bytes)
{
	struct retry_one *o = arg;

	o->item.bytes = v->fate == FATE_DONE ? bytes : 0;
	retry_over(o, v, true);
}

static uint64_t
size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) || st.st_size < 0 ? 0 : (uint64_t)st.st_size;
}

static int
open_file(const struct retry_one *o, struct err *err)
{
	int fd =
	    open(o->l.file.ptr, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		(void)err_os(err, "cannot open it");
	return fd;
}

static void
send_file(struct retry_one *o)
{
	struct retrying *r = o->r;
	struct upload_spec spec = { .url = o->l.url,
		.if_match = o->l.if_match,
		.lock_token = o->l.lock_token,
		.progress = on_progress,
		.done = on_sent,
		.arg = o };
	struct err err = { 0 };

	if (!r->mime)
		(void)!mime_open(MIME_TYPES, &r->mime, NULL);
	spec.content_type = mime_type(r->mime, o->l.file);
	/* These were to overwrite whatever is there, as they may again. */
	spec.force = str_eq(o->l.op, STR("upsert")) ||
	    (str_eq(o->l.op, STR("update")) && !o->l.if_match.len);
	if (!o->l.file.len) {
		(void)err_set(&err, ERR_BAD_REQUEST, "there is no file");
		fail(o, &err);
		return;
	}
	spec.fd = open_file(o, &err);
	if (spec.fd < 0) {
		fail(o, &err);
		return;
	}
	work_expect(r->f.work, 0, size_of(spec.fd));
	if (upload_start(r->f.s.client, &spec, &err))
		fail(o, &err);
}

static void
on_size(void *arg, uint64_t bytes)
{
	struct retry_one *o = arg;

	work_expect(o->r->f.work, 0, bytes);
}

static void
on_got(void *arg, const struct download_end *e)
{
	struct retry_one *o = arg;

	o->item.bytes = e->bytes;
	retry_over(o, &e->v, true);
}

static void
get_file(struct retry_one *o)
{
	struct download_spec spec = { .url = o->l.url,
		.file = o->l.file.ptr,
		.no_collection = true,
		.progress = on_progress,
		.size = on_size,
		.done = on_got,
		.arg = o };
	struct err err = { 0 };

	if (!o->l.file.len) {
		(void)err_set(&err, ERR_BAD_REQUEST, "there is no file");
		fail(o, &err);
	} else if (download_start(o->r->f.s.client, &spec, &err)) {
		fail(o, &err);
	}
}

/* ---- one request */

static void
changed(void *arg, const struct verdict *v)
{
	struct retry_one *o = arg;

	retry_over(o, v, false);
}

static void
took_lock(void *arg, const struct told_lock *l)
{
	struct retry_one *o = arg;

	if (work_json(o->r->f.work))
		return;
	work_out(o->r->f.work, l->token);
	work_out(o->r->f.work, STR("\n"));
}

static void
send_change(struct retry_one *o, const char *method)
{
	struct remote_spec spec = { .method = method,
		.url = o->l.url,
		.destination = o->l.destination,
		.keep = o->l.keep,
		.if_match = o->l.if_match,
		.if_none_match = o->l.if_none_match,
		.lock_token = o->l.lock_token,
		.body = o->l.body };

	if (o->l.body.len)
		spec.content_type = o->l.content_type.len
		    ? o->l.content_type
		    : STR("application/xml; charset=utf-8");
	if (!strcmp(method, "LOCK")) {
		spec.has_depth = true;
		spec.depth = o->l.recursive ? DEPTH_INFINITY : DEPTH_0;
		spec.lock = took_lock;
	}
	change(&o->r->f, &o->item, spec, changed, o);
}

static void
found(void *arg, const struct entry *e, const struct verdict *v)
{
	struct retry_one *o = arg;

	(void)e;
	retry_over(o, v, true);
}

static bool
is_gone(const struct entry *e, const struct verdict *v)
{
	return !e && (v->status == 404 || v->status == 410);
}

static const char *
copy_method(const struct retry_one *o)
{
	return !strcmp(o->item.op, "copy") ? "COPY" : "MOVE";
}

static void
looked_at_place(void *arg, const struct entry *e, const struct verdict *v)
{
	struct retry_one *o = arg;
	struct verdict not_begun = *v;

	if (is_gone(e, v)) {
		send_change(o, copy_method(o));
		return;
	}
	if (e && v->fate == FATE_DONE)
		not_begun = files_refusal(
		    STR("something is at the destination, which was not to be "
			"overwritten; sheaf cp and sheaf mv --force do it"));
	if (e && v->fate == FATE_DONE)
		not_begun.status = 412;
	files_not_begun(&not_begun);
	retry_over(o, &not_begun, true);
}

/* Removes it, unless it is a collection, which was not to be removed. */
static void
looked_at_kind(void *arg, const struct entry *e, const struct verdict *v)
{
	struct retry_one *o = arg;
	struct verdict not_begun = *v;

	if (is_gone(e, v) ||
	    (e && v->fate == FATE_DONE && e->kind_told && !e->collection)) {
		send_change(o, "DELETE");
		return;
	}
	if (e && v->fate == FATE_DONE)
		not_begun = files_refusal(e->kind_told
			? STR("it is a collection; sheaf rm -r removes it with "
			      "all that is in it")
			: STR("the server does not say whether it is a "
			      "collection; sheaf rm -r removes it, and all "
			      "that may be in it"));
	files_not_begun(&not_begun);
	retry_over(o, &not_begun, true);
}

static void
send_delete(struct retry_one *o)
{
	if (o->l.recursive)
		send_change(o, "DELETE");
	else
		look(&o->r->f, o->l.url, looked_at_kind, o);
}

/* Looks before it sends, because some servers ignore Overwrite: F. */
static void
send_copy(struct retry_one *o)
{
	if (o->l.keep)
		look(&o->r->f, o->l.destination, looked_at_place, o);
	else
		send_change(o, copy_method(o));
}

void
retry_send(struct retry_one *o)
{
	const char *op = o->item.op;
	static const struct {
		const char *op, *method;
	} rows[] = { { "mkcol", "MKCOL" }, { "proppatch", "PROPPATCH" },
		{ "lock", "LOCK" }, { "unlock", "UNLOCK" } };
	size_t i;

	if (!strcmp(op, "put")) {
		send_file(o);
		return;
	}
	if (!strcmp(op, "copy") || !strcmp(op, "move")) {
		send_copy(o);
		return;
	}
	if (!strcmp(op, "delete")) {
		send_delete(o);
		return;
	}
	if (!strcmp(op, "get")) {
		get_file(o);
		return;
	}
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].op, op)) {
			send_change(o, rows[i].method);
			return;
		}
	look(&o->r->f, o->l.url, found, o);
}

/* ---- what is not known is looked at first */

static void
conclude(struct retry_one *o, enum fate fate, const char *text)
{
	struct verdict v = { .fate = fate,
		.blame = fate == FATE_DONE ? BLAME_NONE : BLAME_CUT,
		.wait = -1,
		.text = str_from_c(text) };

	if (fate == FATE_DONE)
		work_say_more(o->r->f.work, "%s %.*s: %s", o->item.op,
		    STR_ARG(o->l.url), text);
	retry_over(o, &v, true);
}

/* Whether the look did not show what is there. */
static bool
is_unclear(const struct entry *e, const struct verdict *v)
{
	return !is_gone(e, v) && (!e || e->unknown || v->fate != FATE_DONE);
}

static void
unclear(struct retry_one *o, const struct verdict *v)
{
	struct verdict still = *v;

	still.fate = FATE_UNKNOWN;
	if (still.blame == BLAME_NONE || still.blame == BLAME_STATUS)
		still.blame = BLAME_CUT;
	still.text = STR("what is there could not be seen");
	retry_over(o, &still, true);
}

static void
looked_delete(void *arg, const struct entry *e, const struct verdict *v)
{
	struct retry_one *o = arg;

	if (is_gone(e, v))
		conclude(o, FATE_DONE, "it is gone already");
	else if (is_unclear(e, v))
		unclear(o, v);
	else
		retry_send(o);
}

static void
looked_mkcol(void *arg, const struct entry *e, const struct verdict *v)
{
	struct retry_one *o = arg;

	if (is_gone(e, v))
		retry_send(o);
	else if (is_unclear(e, v))
		unclear(o, v);
	else if (e->collection)
		conclude(o, FATE_DONE, "it is there already");
	else
		conclude(o, FATE_UNKNOWN,
		    "something that is not a collection is there");
}

static uint64_t
local_size(const struct retry_one *o)
{
	struct stat st;

	if (!o->l.file.len || stat(o->l.file.ptr, &st) || st.st_size < 0)
		return UINT64_MAX;
	return (uint64_t)st.st_size;
}

static void
looked_create(void *arg, const struct entry *e, const struct verdict *v)
{
	struct retry_one *o = arg;

	if (is_gone(e, v))
		retry_send(o);
	else if (is_unclear(e, v))
		unclear(o, v);
	else if (e->has_size && e->size == local_size(o))
		conclude(o, FATE_UNKNOWN,
		    "something of the same size is there now, perhaps what "
		    "was sent: compare it, or overwrite it with sheaf put "
		    "--force");
	else
		conclude(o, FATE_UNKNOWN,
		    "something else is there now: look at it; sheaf put "
		    "--force overwrites it");
}

static void
looked_update(void *arg, const struct entry *e, const struct verdict *v)
{
	struct retry_one *o = arg;

	if (is_gone(e, v))
		conclude(o, FATE_UNKNOWN, "it is gone");
	else if (is_unclear(e, v))
		unclear(o, v);
	else if (!o->l.if_match.len || str_eq(e->etag, o->l.if_match))
		retry_send(o); /* nobody has changed it, nor have we */
	else
		conclude(o, FATE_UNKNOWN,
		    "it was changed, perhaps by what was sent: compare it");
}

/*
 * A MOVE is sent only if nothing is at the destination: if it was half done, it
 * would put what is left over what has arrived.
 */
static void
looked_at_destination(void *arg, const struct entry *e, const struct verdict *v)
{
	struct retry_one *o = arg;
	bool copy = !strcmp(o->item.op, "copy");

	/* A copy may go once more over itself. */
	if (is_gone(e, v) || (!is_unclear(e, v) && copy && !o->l.keep))
		retry_send(o);
	else if (is_unclear(e, v))
		unclear(o, v);
	else
		conclude(o, FATE_UNKNOWN,
		    copy ? "something is at the destination now: compare it "
			   "with the source"
			 : "both the source and the destination are there: "
			   "compare them, then finish by hand");
}

static void
looked_gone(void *arg, const struct entry *e, const struct verdict *v)
{
	struct retry_one *o = arg;

	if (is_gone(e, v))
		conclude(o, FATE_UNKNOWN,
		    "neither the source nor the destination is there");
	else if (is_unclear(e, v))
		unclear(o, v);
	else if (!strcmp(o->item.op, "move"))
		conclude(o, FATE_DONE, "it is at its destination already");
	else
		conclude(o, FATE_UNKNOWN,
		    "the source is gone, and something is at the "
		    "destination: look at it");
}

static void
looked_source(void *arg, const struct entry *e, const struct verdict *v)
{
	struct retry_one *o = arg;

	if (is_unclear(e, v))
		unclear(o, v);
	else
		look(&o->r->f, o->l.destination,
		    is_gone(e, v) ? looked_gone : looked_at_destination, o);
}

void
retry_look(struct retry_one *o)
{
	static const struct {
		const char *op;
		look_fn looked;
	} rows[] = { { "delete", looked_delete }, { "mkcol", looked_mkcol },
		{ "copy", looked_source }, { "move", looked_source } };
	struct str word = o->l.op;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].op, o->item.op)) {
			look(&o->r->f, o->l.url, rows[i].looked, o);
			return;
		}
	if (str_eq(word, STR("create")))
		look(&o->r->f, o->l.url, looked_create, o);
	else if (str_eq(word, STR("update")))
		look(&o->r->f, o->l.url, looked_update, o);
	else if (!strcmp(o->item.op, "lock"))
		conclude(o, FATE_UNKNOWN,
		    "perhaps it is locked now: sheaf prop get URL "
		    "{DAV:}lockdiscovery shows it");
	else /* to send it twice does no harm */
		retry_send(o);
}
