/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/batch_impl.h"
#include "cmd/retry_impl.h"
#include "cmd/text.h"
#include "wire/json_object.h"

/* The first line of a retry file is shorter than this. */
#define HEAD_MAX 65536
#define READ_STEP 65536

/* ---- what to do about a line */

enum retry_plan
retry_plan_of(const struct retry_line *l, const char **why)
{
	*why = "";
	if (l->status == 409 || l->status == 412) {
		*why = "it is never sent again as it is, somebody else's work "
		       "could be overwritten: look at what is there, then run "
		       "the command itself";
		return RETRY_NOT;
	}
	if (l->recursive && l->file.len)
		return RETRY_SEND; /* that looks for itself */
	if (str_eq(l->fate, STR("unknown")))
		return RETRY_LOOK;
	if (str_eq(l->file, STR("-"))) {
		*why = "it came from standard input, which is gone";
		return RETRY_NOT;
	}
	return RETRY_SEND;
}

/* ---- what has failed */

static void
remember(struct retrying *r, struct str id, struct str url)
{
	struct retry_failure *f;

	if (r->n_failures++ >= RETRY_REMEMBERED)
		return;
	f = ARENA_NEW(&r->memory, struct retry_failure);
	if (!f || !arena_str(&r->memory, id, &f->id) ||
	    !arena_str(&r->memory, url, &f->url)) {
		work_stop(r->f.work, "", NULL);
		return;
	}
	f->next = r->failures;
	r->failures = f;
}

static bool
is_below(const struct url *u, struct str above)
{
	struct url a;

	return u->host.len && !url_parse(above, &a, NULL) &&
	    url_same_origin(&a, u) && url_covers(&a, u) && !url_same(&a, u);
}

static bool
has_failed_cause(const struct retry_one *o)
{
	const struct retry_failure *f;

	if (o->r->n_failures > RETRY_REMEMBERED)
		return true;
	for (f = o->r->failures; f; f = f->next) {
		if (f->id.len && str_eq(f->id, o->l.id))
			return true;
		if (f->url.len &&
		    (is_below(&o->url, f->url) ||
			is_below(&o->destination, f->url)))
			return true;
	}
	return false;
}

static void
one_free(struct retry_one *o)
{
	fd_close(&o->fd);
	arena_done(&o->a);
	free(o);
}

void
retry_over(struct retry_one *o, const struct verdict *v, bool tell)
{
	struct retrying *r = o->r;

	if (tell)
		work_done(r->f.work, &o->item, v);
	if (v->fate != FATE_DONE) {
		remember(r, o->l.member_of, o->l.url);
		if (o->l.destination.len)
			remember(r, STR(""), o->l.destination);
	}
	one_free(o);
}

static void
leave(struct retry_one *o, enum fate fate, enum blame blame, struct str why)
{
	struct verdict v = { .fate = fate,
		.blame = blame,
		.status = fate == FATE_LEFT ? 0 : o->l.status,
		.wait = -1,
		.text = why };

	retry_over(o, &v, true);
}

/* ---- one line */

/* The commands' word for it. */
static const char *
command_op(struct retry_one *o)
{
	static const struct {
		const char *op, *word;
	} rows[] = { { "read", "get" }, { "create", "put" },
		{ "update", "put" }, { "upsert", "put" },
		{ "delete", "delete" }, { "copy", "copy" }, { "move", "move" },
		{ "mkcol", "mkcol" }, { "proppatch", "proppatch" },
		{ "propfind", "propfind" }, { "LOCK", "lock" },
		{ "UNLOCK", "unlock" } };
	struct str name = o->l.op.len ? o->l.op : o->l.method;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(name, str_from_c(rows[i].op)))
			return rows[i].word;
	return NULL;
}

static bool
copy_line(struct arena *a, const struct retry_line *from, struct retry_line *to)
{
	*to = *from;
	return arena_str(a, from->id, &to->id) &&
	    arena_str(a, from->member_of, &to->member_of) &&
	    arena_str(a, from->op, &to->op) &&
	    arena_str(a, from->method, &to->method) &&
	    arena_str(a, from->url, &to->url) &&
	    arena_str(a, from->destination, &to->destination) &&
	    arena_str(a, from->file, &to->file) &&
	    arena_str(a, from->if_match, &to->if_match) &&
	    arena_str(a, from->if_none_match, &to->if_none_match) &&
	    arena_str(a, from->lock_token, &to->lock_token) &&
	    arena_str(a, from->body, &to->body) &&
	    arena_str(a, from->content_type, &to->content_type) &&
	    arena_str(a, from->fate, &to->fate) &&
	    arena_str(a, from->error, &to->error);
}

/* ERR_BAD_REQUEST: a URL is not one, or the operation is not known. */
static enum err_code
fill(struct retry_one *o, const struct retry_line *l, struct err *err)
{
	const char *op;

	if (!copy_line(&o->a, l, &o->l))
		return err_nomem(err);
	op = command_op(o);
	if (!op)
		return err_set(err, ERR_BAD_REQUEST,
		    "this sheaf does not know the operation '%.*s'",
		    STR_ARG(l->op.len ? l->op : l->method));
	if (url_parse(o->l.url, &o->url, err) ||
	    (o->l.destination.len &&
		url_parse(o->l.destination, &o->destination, err)))
		return ERR_BAD_REQUEST;
	if ((!strcmp(op, "copy") || !strcmp(op, "move")) &&
	    !o->l.destination.len)
		return err_set(err, ERR_BAD_REQUEST, "there is no destination");
	o->item = (struct work_item){ .op = op,
		.url = o->l.url,
		.destination = o->l.destination,
		.file = o->l.file,
		.if_match = o->l.if_match,
		.if_none_match = str_eq(o->l.op, STR("create"))
		    ? STR("*")
		    : o->l.if_none_match,
		.lock_token = o->l.lock_token,
		.keep = o->l.keep,
		.recursive = o->l.recursive,
		.body = o->l.body };
	if (l->retry_after > 0 && o->r->header.time)
		o->not_before =
		    (o->r->header.time + l->retry_after) * NSEC_PER_SEC;
	return ERR_OK;
}

static struct retry_one *
one_new(struct retrying *r, const struct retry_line *l, struct err *err)
{
	struct retry_one *o = calloc(1, sizeof(*o));

	if (!o) {
		(void)err_nomem(err);
		return NULL;
	}
	o->r = r;
	o->fd = -1;
	if (!fill(o, l, err))
		return o;
	one_free(o);
	return NULL;
}

/* ---- the batch */

static bool
touch(const struct url *a, const struct url *b)
{
	return a->host.len && b->host.len && url_same_origin(a, b) &&
	    (url_covers(a, b) || url_covers(b, a));
}

static bool
conflicts(const struct retrying *r, const struct retry_one *o)
{
	const struct retry_one *b;

	for (b = r->first; b; b = b->next)
		if (touch(&b->url, &o->url) ||
		    touch(&b->url, &o->destination) ||
		    touch(&b->destination, &o->url) ||
		    touch(&b->destination, &o->destination))
			return true;
	return false;
}

/* Waits until a time of clock_now(); false: interrupted. */
static bool
wait_until(struct retrying *r, int64_t moment)
{
	const struct client_watch *w = work_watch(r->f.work);
	static const struct timespec nap = { 0, 50 * 1000 * 1000 };
	bool said = false;

	while (clock_now() < moment) {
		int64_t left = (moment - clock_now()) / NSEC_PER_SEC + 1;

		if (w->stop(w->arg) != CLIENT_GO)
			return false;
		if (!said)
			work_say(r->f.work,
			    "waiting for %lld s, as the server asked",
			    (long long)left);
		said = true;
		(void)nanosleep(&nap, NULL);
	}
	return true;
}

/* What `get -r` and `put -r` do; they tell the work about each item. */
static void
retry_tree(struct retry_one *o)
{
	const struct files_tree t = { .url = o->l.url,
		.path = o->l.file,
		.lock_token = o->l.lock_token };
	bool all = str_eq(o->l.op, STR("read")) ? get_tree(&o->r->f, &t)
						: put_tree(&o->r->f, &t);
	const struct verdict v = { .fate = all ? FATE_DONE : FATE_FAILED,
		.wait = -1 };

	retry_over(o, &v, false);
}

static void
begin(struct retry_one *o)
{
	const char *why;
	enum retry_plan plan = retry_plan_of(&o->l, &why);

	if (has_failed_cause(o))
		leave(o, FATE_LEFT, BLAME_STATUS,
		    STR("what it waits for has failed"));
	else if (plan == RETRY_NOT)
		leave(o,
		    str_eq(o->l.fate, STR("unknown")) ? FATE_UNKNOWN
						      : FATE_FAILED,
		    BLAME_STATUS, str_from_c(why));
	else if (plan == RETRY_LOOK)
		retry_look(o);
	else if (o->l.recursive && o->l.file.len)
		retry_tree(o);
	else if (str_eq(o->l.op, STR("delete")) &&
	    str_eq(o->l.fate, STR("partial")))
		retry_delete_tree(o);
	else
		retry_send(o);
}

static void
interrupted(struct retry_one *o)
{
	leave(o, FATE_LEFT, BLAME_INTERRUPT, STR("interrupted"));
}

void
retry_flush(struct retrying *r)
{
	struct retry_one *o;
	int64_t moment = 0;

	for (o = r->first; o; o = o->next)
		if (o->not_before > moment)
			moment = o->not_before;
	(void)wait_until(r, moment);
	while ((o = r->first)) {
		r->first = o->next;
		if (work_interrupted(r->f.work))
			interrupted(o);
		else
			begin(o);
	}
	r->last = &r->first;
	r->n = 0;
	files_run(&r->f);
}

static void
show_plan(struct retrying *r, struct retry_one *o)
{
	const char *why;
	enum retry_plan plan = retry_plan_of(&o->l, &why);
	static const char *const words[] = {
		[RETRY_SEND] = "send",
		[RETRY_LOOK] = "look",
		[RETRY_NOT] = "skip",
	};
	struct buf b CLEANUP(buf_done) = { 0 };

	if (work_json(r->f.work)) {
		struct json_object j = json_begin(&b);

		json_put_text(&j, "type", STR("plan"));
		json_put_text(&j, "action", str_from_c(words[plan]));
		json_put_text(&j, "op", str_from_c(o->item.op));
		json_put_text(&j, "url", o->l.url);
		if (o->l.destination.len)
			json_put_text(&j, "destination", o->l.destination);
		if (*why)
			json_put_text(&j, "why", str_from_c(why));
		json_end(&j);
	} else {
		buf_put(&b,
		    plan == RETRY_SEND ? STR("would ")
			: plan == RETRY_LOOK
			? STR("would look, and then perhaps ")
			: STR("would not "));
		buf_put(&b, str_from_c(o->item.op));
		buf_putc(&b, ' ');
		text_put_plain(&b, o->l.url);
		if (o->l.destination.len) {
			BUF_LIT(&b, " to ");
			text_put_plain(&b, o->l.destination);
		}
		if (*why)
			buf_printf(&b, ": %s", why);
	}
	buf_putc(&b, '\n');
	work_out(r->f.work, buf_str(&b));
	if (buf_failed(&b))
		work_stop(r->f.work, "", NULL);
	one_free(o);
}

void
retry_add(struct retrying *r, const struct retry_line *l)
{
	struct err err = { 0 };
	struct retry_one *o = one_new(r, l, &err);

	if (!o) {
		retry_refuse(r, &err);
		return;
	}
	work_expect(r->f.work, 1, 0);
	if (r->f.o.dry_run) {
		show_plan(r, o);
		return;
	}
	if (r->n == RETRY_BATCH || conflicts(r, o))
		retry_flush(r);
	if (o->not_before - clock_now() > RETRY_PATIENCE) {
		struct verdict v = { .fate = FATE_LEFT,
			.blame = BLAME_STATUS,
			.status = l->status,
			.wait = o->not_before - clock_now(),
			.text = STR("it is too early") };

		retry_over(o, &v, true);
		return;
	}
	*r->last = o;
	r->last = &o->next;
	r->n++;
}

/* ---- files */

void
retry_refuse(struct retrying *r, const struct err *err)
{
	work_stop(r->f.work, r->source, err);
}

/* Lines of a file, each in one piece. */
struct lines {
	int fd;
	struct buf b;
	size_t at;
	uint64_t n;
	bool ended;
};

static enum err_code
read_more(struct lines *s, struct err *err)
{
	char *to;
	ssize_t n;

	if (s->at) {
		assert(s->b.ptr);
		memmove(s->b.ptr, s->b.ptr + s->at, s->b.len - s->at);
		s->b.len -= s->at;
		s->at = 0;
	}
	to = buf_room(&s->b, READ_STEP);
	if (!to)
		return err_nomem(err);
	do
		n = read(s->fd, to, READ_STEP);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_os(err, "cannot read");
	s->b.len += (size_t)n;
	s->ended = n == 0;
	return ERR_OK;
}

/* *line has no line end; its ptr is NULL after the last line. */
static enum err_code
next_line(struct lines *s, size_t most, struct str *line, struct err *err)
{
	enum err_code rc;

	for (;;) {
		struct str rest = str_skip(buf_str(&s->b), s->at);
		size_t len = str_find(rest, '\n');

		if (len < rest.len || (s->ended && rest.len)) {
			*line = str_head(rest, len);
			s->at += len < rest.len ? len + 1 : len;
			s->n++;
			return ERR_OK;
		}
		*line = str_of(NULL, 0);
		if (s->ended)
			return ERR_OK;
		if (rest.len > most)
			return err_set(err, ERR_TOO_LARGE,
			    "line %llu is longer than %zu bytes",
			    (unsigned long long)s->n + 1, most);
		rc = read_more(s, err);
		if (rc)
			return rc;
	}
}

static enum err_code
add_line(struct retrying *r, struct str line, uint64_t n, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct err why = { 0 };
	struct retry_line l;
	enum err_code rc;

	if (!str_trim(line).len)
		return ERR_OK;
	rc = retry_line_parse(&a, line, &l, &why);
	if (rc)
		return err_set(err, rc, "line %llu: %s", (unsigned long long)n,
		    *why.tell ? why.tell : err_text(rc));
	retry_add(r, &l);
	return ERR_OK;
}

static enum err_code
retry_lines(
    struct retrying *r, struct lines *s, struct str header, struct err *err)
{
	enum err_code rc =
	    retry_header_parse(&r->memory, header, &r->header, err);
	struct str line;

	while (!rc) {
		rc = next_line(s, RETRY_LINE_MAX, &line, err);
		if (rc || !line.ptr)
			break;
		rc = add_line(r, line, s->n, err);
	}
	return rc;
}

static void
lines_done(struct lines *s)
{
	fd_close(&s->fd);
	buf_done(&s->b);
}

static void
retry_file(struct retrying *r, const char *name)
{
	struct lines s CLEANUP(lines_done) = { 0 };
	struct err err = { 0 };
	struct str line = { 0 };
	enum err_code rc = ERR_OK;

	r->source = name;
	r->header = (struct retry_header){ 0 };
	s.fd = strcmp(name, "-") != 0 ? open(name, O_RDONLY | O_CLOEXEC)
				      : dup(STDIN_FILENO);
	if (s.fd < 0)
		rc = err_os(&err, "cannot read it");
	while (!rc && !s.ended && s.b.len < HEAD_MAX &&
	    str_find(buf_str(&s.b), '\n') == s.b.len)
		rc = read_more(&s, &err);
	line = str_head(buf_str(&s.b), str_find(buf_str(&s.b), '\n'));
	if (!rc && !retry_header_is(line)) {
		retry_saved(r, s.fd, buf_str(&s.b));
	} else if (!rc) {
		rc = next_line(&s, HEAD_MAX, &line, &err);
		if (!rc)
			rc = retry_lines(r, &s, line, &err);
	}
	if (rc)
		retry_refuse(r, &err);
	retry_flush(r);
}

/* ---- the command */

static bool
retry_begin(struct retrying *r, const char *const *args, int *code)
{
	struct err err = { 0 };

	r->last = &r->first;
	r->f.command = "retry";
	if (!options_begin("retry", args, &r->f.o, code))
		return false;
	*code = EXIT_USAGE;
	if (!options_operands(&r->f.o, "retry", 1, SIZE_MAX))
		return false;
	*code = EXIT_CANNOT;
	if (work_new(&r->f.o, "retry", &r->f.work, &err)) {
		(void)fprintf(stderr, "sheaf: retry: %s\n",
		    *err.why ? err.why : err_text(err.code));
		return false;
	}
	return session_begin(&r->f.s, &r->f.o, r->f.work, NULL, 0, code);
}

int
cmd_retry(const char *const *args)
{
	struct retrying r = { 0 };
	int code = EXIT_CANNOT;
	size_t i;

	if (!retry_begin(&r, args, &code))
		return files_refuse(&r.f, code);
	code = batch_retry(&r.f, args);
	if (code >= 0)
		return code;
	for (i = 0; i < r.f.o.n_operands; i++)
		retry_file(&r, r.f.o.operands[i]);
	code = files_end(&r.f);
	mime_free(r.mime);
	arena_done(&r.memory);
	return code;
}
