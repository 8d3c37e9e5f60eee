/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/batch_impl.h"
#include "cmd/text.h"
#include "wire/json_object.h"
#include "wire/retry_line.h"

/* The longest --idempotency-key: keys made of it and an id are longer. */
#define KEY_MAX 100

/* The first line of a retry file is shorter than this. */
#define HEAD_MAX 65536

/* ---- which file it is */

static enum err_code
is_retry_file(const char *name, bool *out, struct err *err)
{
	int fd CLEANUP(fd_close) =
	    open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct buf b CLEANUP(buf_done) = { 0 };
	struct arena a CLEANUP(arena_done) = { 0 };
	struct retry_header h = { 0 };
	struct str line;
	char *room = buf_room(&b, HEAD_MAX);
	enum err_code rc;

	if (!room)
		return err_nomem(err);
	/* Of a pipe this cannot be found out without reading it. */
	if (fd < 0 || fd_read_at(fd, 0, room, HEAD_MAX, &b.len, NULL))
		return ERR_OK;
	line = str_head(buf_str(&b), str_find(buf_str(&b), '\n'));
	rc = retry_header_parse(&a, line, &h, NULL);
	*out = !rc && str_eq(h.command, STR("batch")) && retry_header_is(line);
	return rc == ERR_NOMEM ? err_nomem(err) : ERR_OK;
}

/* ---- the arguments */

static int
wrong(struct batch *b, const char *what)
{
	return files_wrong(&b->f, "%s", what);
}

static bool
is_key(const char *s)
{
	size_t n = strlen(s);

	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || *s == '"' || *s == '\\')
			return false;
	return n && n <= KEY_MAX;
}

static int
check_options(struct batch *b)
{
	const struct options *o = &b->f.o;

	if (o->resume && (o->n_operands || o->journal || o->idempotency_key))
		return wrong(b,
		    "--resume takes the URL, the batch and the key from the "
		    "journal; leave them out, and --journal, too");
	if (o->resume && o->dry_run)
		return wrong(b, "--resume and --dry-run exclude each other");
	if (o->journal && o->dry_run)
		return wrong(b, "a dry run needs no journal");
	if (o->idempotency_key && !is_key(o->idempotency_key))
		return wrong(b,
		    "--idempotency-key takes up to 100 letters, digits and "
		    "signs without spaces and quotes");
	return EXIT_OK;
}

static bool
make_key(struct batch *b)
{
	static const char digits[] = "0123456789abcdef";
	const char *given = b->f.o.idempotency_key;
	unsigned char random[16];
	char text[35] = "b-";
	size_t i;

	if (given)
		return arena_str(&b->a, str_from_c(given), &b->key);
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	for (i = 0; i < sizeof(random); i++) {
		text[2 + 2 * i] = digits[random[i] >> 4];
		text[3 + 2 * i] = digits[random[i] & 15];
	}
	return arena_str(&b->a, str_of(text, sizeof(text) - 1), &b->key);
}

/* ---- beginning */

static int
complain(struct batch *b, const char *what, const struct err *err)
{
	work_stop(b->f.work, what, err);
	return EXIT_CANNOT;
}

/* The same error with its sentence in why: a parser puts it into tell. */
static struct err
why_of(const struct err *err)
{
	struct err out = *err;

	if (*out.tell)
		(void)snprintf(out.why, sizeof(out.why), "%s", out.tell);
	return out;
}

static bool
is_whole_mode(const struct batch *b)
{
	return str_eq(b->in.head.mode, STR("atomic")) ||
	    str_eq(b->in.head.mode, STR("validate-first"));
}

static int
read_input(struct batch *b, const char *name)
{
	struct buf keep CLEANUP(buf_done) = { 0 };
	const char *called = strcmp(name, "-") != 0 ? name : "standard input";
	struct err err = { 0 };
	enum err_code rc;

	if (b->f.o.journal)
		buf_printf(&keep, "%s.input%c", b->f.o.journal, '\0');
	rc = batch_input_open(
	    &b->in, name, b->f.o.journal ? keep.ptr : NULL, &err);
	if (!rc)
		rc = batch_input_check(&b->in, &err);
	err = why_of(&err);
	if (rc)
		return complain(b, called, &err);
	if (!*b->in.name)
		(void)snprintf(b->in.name, sizeof(b->in.name), "%s", called);
	b->whole = is_whole_mode(b);
	/* "dryRun" in the batch counts as --dry-run. */
	if (b->in.head.dry_run && (b->f.o.journal || b->f.o.resume))
		return wrong(b,
		    "a dry run needs no journal, and the batch "
		    "says that it is one");
	b->f.o.dry_run |= b->in.head.dry_run;
	work_expect(b->f.work, b->in.total, 0);
	return EXIT_OK;
}

static bool
begin_session(struct batch *b, const char *url, int *code)
{
	struct options *o = &b->f.o;
	struct options asked = *o;
	const char *urls[] = { url };
	bool ok;

	/* batch_send.c decides itself what is sent again, and when. */
	asked.attempts = 1;
	ok = session_begin(&b->f.s, &asked, b->f.work, urls, 1, code);
	b->f.s.options = o;
	if (ok)
		b->asked = b->f.s.urls[0];
	return ok;
}

static const char *
c_text(struct batch *b, struct str s)
{
	struct str kept;

	return arena_str(&b->a, s, &kept) ? kept.ptr : NULL;
}

static bool
is_url(const char *name)
{
	struct str s = str_from_c(name);

	return str_starts_nocase(s, STR("http://")) ||
	    str_starts_nocase(s, STR("https://"));
}

/* URL FILE, or a retry file, which knows its URL. */
static int
begin_anew(struct batch *b)
{
	const struct options *o = &b->f.o;
	const char *name = o->operands[o->n_operands - 1], *url;
	int code;

	if (is_url(name))
		return wrong(b,
		    "which batch? URL FILE are wanted, in this order; FILE - "
		    "is standard input");
	code = read_input(b, name);
	if (code != EXIT_OK)
		return code;
	url = o->n_operands == 2 ? o->operands[0] : c_text(b, b->in.head.url);
	if (!url || !*url)
		return wrong(b,
		    "where to? URL FILE are wanted; FILE alone is enough if it "
		    "is a retry file of sheaf batch");
	if (!o->user && b->in.head.user.len)
		b->f.o.user = c_text(b, b->in.head.user);
	if (!begin_session(b, url, &code))
		return code;
	return make_key(b) ? EXIT_OK : complain(b, "", NULL);
}

static int
begin_again(struct batch *b)
{
	const char *name = b->f.o.resume;
	struct journal_line head;
	struct err err = { 0 };
	enum err_code rc;
	int code;

	rc = batch_journal_open(&b->journal, name, &b->a, &head, &err);
	err = why_of(&err);
	if (rc)
		return complain(b, name, &err);
	code = read_input(b, head.input.len ? head.input.ptr : "");
	if (code != EXIT_OK)
		return code;
	if (!str_eq(head.digest, str_from_c(b->in.digest))) {
		(void)err_set(&err, ERR_PRECONDITION,
		    "it is not the batch any more that was begun: it has "
		    "changed");
		return complain(b, b->in.name, &err);
	}
	b->key = head.key;
	if (!b->f.o.user && head.user.len)
		b->f.o.user = head.user.ptr;
	return begin_session(b, head.url.len ? head.url.ptr : "", &code)
	    ? EXIT_OK
	    : code;
}

/* ---- safety stops */

static const char *
why_whole(const struct batch *b)
{
	if (!is_whole_mode(b))
		return "a dry run, in which each operation is judged by what "
		       "those before it would do,";
	return str_eq(b->in.head.mode, STR("atomic"))
	    ? "a batch that is atomic"
	    : "a batch that is validated first";
}

/*
 * Whether what must go in one request fits into one; else says that nothing is
 * sent, and why.
 */
static bool
fits(struct batch *b)
{
	uint64_t group =
	    b->limit < b->most_in_group ? b->limit : b->most_in_group;

	if (b->whole && b->in.total > b->limit) {
		work_say(b->f.work,
		    "nothing was sent: %s must go in one request, which may "
		    "have at most %llu operations; this has %llu",
		    why_whole(b), (unsigned long long)b->limit,
		    (unsigned long long)b->in.total);
	} else if (b->whole && !is_whole_mode(b) &&
	    b->in.size > b->limit_bytes) {
		work_say(b->f.work,
		    "nothing was sent: %s must go in one request, which may "
		    "have at most %llu bytes; this has %llu",
		    why_whole(b), (unsigned long long)b->limit_bytes,
		    (unsigned long long)b->in.size);
	} else if (b->whole && b->in.groups > b->most_groups) {
		work_say(b->f.work,
		    "nothing was sent: %s must go in one request, which may "
		    "have at most %llu groups; this has %llu",
		    why_whole(b), (unsigned long long)b->most_groups,
		    (unsigned long long)b->in.groups);
	} else if (b->in.largest_group > group) {
		work_say(b->f.work,
		    "nothing was sent: a group must go in one request, which "
		    "may have at most %llu operations; there is a group of "
		    "%zu",
		    (unsigned long long)group, b->in.largest_group);
	} else {
		return true;
	}
	work_refused(b->f.work);
	return false;
}

/* Prints what would be sent: servers of other kinds know no dry run. */
static void
put_plan(struct batch *b)
{
	struct buf text CLEANUP(buf_done) = { 0 };

	if (work_json(b->f.work)) {
		struct json_object o = json_begin(&text);

		json_put_text(&o, "type", STR("plan"));
		json_put_text(&o, "url", b->endpoint);
		json_put_number(&o, "operations", b->in.total);
		json_end(&o);
	} else {
		BUF_LIT(&text, "would send ");
		text_put_count(&text, b->in.total);
		BUF_LIT(&text, " operations to ");
		text_put_plain(&text, b->endpoint);
	}
	buf_putc(&text, '\n');
	work_out(b->f.work, buf_str(&text));
}

/* ---- running */

static bool
start(struct batch *b)
{
	struct err err = { 0 };
	enum err_code rc = batch_queue_begin(b, &err);
	const char *what = b->f.o.journal ? b->f.o.journal : b->f.o.resume;

	if (!rc && b->f.o.resume) {
		rc = batch_journal_read(b, &err);
	} else if (!rc && b->f.o.journal) {
		b->journal.name = b->f.o.journal;
		rc = batch_journal_new(b, &err);
	}
	if (rc)
		(void)complain(b, what ? what : "", &err);
	return !rc;
}

static int
run(struct batch *b)
{
	struct buf head CLEANUP(buf_done) = { 0 };
	bool plan;
	int code;

	if (!batch_find_endpoint(b, &code))
		return code;
	batch_head_put(&head, &b->in.head);
	if (buf_failed(&head)) {
		work_stop(b->f.work, "", NULL);
		return work_end(b->f.work);
	}
	work_batch(b->f.work, b->asked,
	    str_from_c(batch_shape_name(b->in.head.shape)), buf_str(&head));
	plan = b->f.o.dry_run && !b->ours;
	if (plan)
		put_plan(b);
	else if (fits(b) && start(b))
		batch_run(b);
	return work_end(b->f.work);
}

static int
begin(struct batch *b, const char *const *args)
{
	struct err err = { 0 };
	int code;

	if (!options_begin(b->f.command, args, &b->f.o, &code))
		return code == EXIT_OK ? -1 : code;
	code = check_options(b);
	if (code == EXIT_OK &&
	    !options_operands(&b->f.o, b->f.command, b->f.o.resume ? 0 : 1,
		b->f.o.resume ? 0 : 2))
		code = EXIT_USAGE;
	if (code != EXIT_OK)
		return code;
	/* "batch" also of `sheaf retry`: it is what the retry file says. */
	if (work_new(&b->f.o, "batch", &b->f.work, &err)) {
		(void)fprintf(stderr, "sheaf: batch: %s\n",
		    *err.why ? err.why : err_text(err.code));
		return EXIT_CANNOT;
	}
	return b->f.o.resume ? begin_again(b) : begin_anew(b);
}

static void
batch_done(struct batch *b)
{
	batch_queue_done(b);
	batch_journal_done(&b->journal);
	batch_input_done(&b->in);
	buf_done(&b->stopped);
	files_drop(&b->f);
	arena_done(&b->a);
	free(b);
}

static int
batch_command(const char *command, const char *const *args)
{
	struct batch *b = calloc(1, sizeof(*b));
	int code;

	if (!b) {
		(void)fprintf(stderr, "sheaf: %s\n", err_text(ERR_NOMEM));
		return EXIT_CANNOT;
	}
	b->f.command = command;
	b->in.fd = b->journal.fd = -1;
	code = begin(b, args);
	if (code == EXIT_OK)
		code = run(b);
	else if (code > 0 && b->f.o.json)
		work_refuse(code);
	batch_done(b);
	return code < 0 ? EXIT_OK : code;
}

int
batch_retry(struct files *f, const char *const *args)
{
	size_t i, n = f->o.n_operands;
	struct err err = { 0 };
	bool of_batch = false;
	enum err_code rc = ERR_OK;

	for (i = 0; i < n && !rc && !of_batch; i++)
		rc = is_retry_file(f->o.operands[i], &of_batch, &err);
	if (!rc && !of_batch)
		return -1;
	if (rc)
		work_stop(f->work, "", &err);
	else if (n > 1)
		work_say(f->work,
		    "the retry file of a batch is retried by "
		    "itself: name it alone");
	files_drop(f);
	if (rc)
		return EXIT_CANNOT;
	return n > 1 ? EXIT_USAGE : batch_command("retry", args);
}

int
cmd_batch(const char *const *args)
{
	return batch_command("batch", args);
}
