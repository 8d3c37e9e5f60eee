/* SPDX-License-Identifier: MIT */
/*
 * `sheaf put`: sends files, or with -r directories with all that is in them.  A
 * collection is made before what is in it is sent.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "client/upload.h"
#include "cmd/files.h"
#include "http/mime.h"

#define JOBS 4
#define MIME_TYPES "/etc/mime.types"

struct putting {
	struct files f;
	struct mime *mime;
	struct node *first, **last;
	unsigned under_way, window;
	bool failed; /* something was not done */
};

/* A file or directory here, and the URL it goes to. */
struct node {
	struct node *next;
	struct putting *p;
	struct arena a;
	struct str path, url; /* path: NUL-terminated; "-": stdin */
	bool operand; /* named by a person: a link is followed */
	bool dir;
	bool made; /* by our MKCOL */
	bool fresh; /* the collection it goes into was just made by us */
};

static void pump(struct putting *p);

static void
node_free(struct node *n)
{
	arena_done(&n->a);
	free(n);
}

static struct node *
node_new(struct putting *p, struct str path, struct str url, bool dir)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->p = p;
	n->dir = dir;
	if (arena_str(&n->a, path, &n->path) && arena_str(&n->a, url, &n->url))
		return n;
	node_free(n);
	return NULL;
}

/* Files go to the front: to read directories would make the queue longer. */
static void
push(struct putting *p, struct node *n, bool operand)
{
	if (!n) {
		work_stop(p->f.work, "", NULL);
		return;
	}
	n->operand = operand;
	work_expect(p->f.work, 1, 0);
	if (!n->dir && !operand) {
		n->next = p->first;
		p->first = n;
		if (!n->next)
			p->last = &n->next;
	} else {
		*p->last = n;
		p->last = &n->next;
	}
}

static void
tell(struct node *n, const struct verdict *v, uint64_t bytes)
{
	const struct options *o = &n->p->f.o;
	const struct work_item item = { .op = "put",
		.url = n->url,
		.file = n->path,
		.bytes = bytes,
		.if_match = str_from_c(o->if_match),
		.if_none_match = o->if_match || o->force || n->dir
		    ? ((struct str){ 0 })
		    : STR("*"),
		.lock_token = files_token(&n->p->f),
		.recursive = n->dir };

	n->p->failed = n->p->failed || v->fate != FATE_DONE;
	work_done(n->p->f.work, &item, v);
	node_free(n);
}

static void
tell_local(struct node *n, const struct err *err)
{
	struct verdict v = files_failure(err->code, err);

	tell(n, &v, 0);
}

/* ---- a file */

static void
on_progress(void *arg, int64_t bytes)
{
	struct node *n = arg;

	work_progress(n->p->f.work, bytes);
}

static void
on_sent(void *arg, const struct verdict *v, uint64_t bytes)
{
	struct node *n = arg;
	struct putting *p = n->p;

	p->under_way--;
	tell(n, v, v->fate == FATE_DONE ? bytes : 0);
	pump(p);
}

/* Copies standard input into a file without a name; -1: see err. */
static int
spool(struct err *err)
{
	const char *dir = getenv("TMPDIR");
	int fd CLEANUP(fd_close) = open(
	    dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct buf b CLEANUP(buf_done) = { 0 };
	char *bytes = buf_room(&b, (size_t)64 * 1024);
	ssize_t n;

	if (fd < 0 || !bytes) {
		(void)err_os(err, "make a temporary file");
		return -1;
	}
	for (;;) {
		n = read(STDIN_FILENO, bytes, (size_t)64 * 1024);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			(void)err_os(err, "read standard input");
		if (n <= 0)
			break;
		if (fd_write_all(fd, str_of(bytes, (size_t)n), err))
			return -1;
	}
	return n < 0 ? -1 : fd_take(&fd);
}

static bool
is_stdin(const struct node *n)
{
	return n->operand && str_eq(n->path, STR("-"));
}

static int
open_file(const struct node *n, struct err *err)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd;

	if (is_stdin(n))
		return spool(err);
	fd = open(n->path.ptr, n->operand ? flags : flags | O_NOFOLLOW);
	if (fd < 0)
		(void)err_os(err, "open it");
	return fd;
}

static uint64_t
size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) || st.st_size < 0 ? 0 : (uint64_t)st.st_size;
}

static void
send_file(struct node *n)
{
	struct putting *p = n->p;
	struct upload_spec spec = { .url = n->url,
		.content_type = mime_type(p->mime, n->path),
		.if_match = str_from_c(p->f.o.if_match),
		.force = p->f.o.force,
		.fresh = n->fresh,
		.lock_token = files_token(&p->f),
		.no_time = is_stdin(n),
		.progress = on_progress,
		.done = on_sent,
		.arg = n };
	struct err err = { 0 };

	spec.fd = open_file(n, &err);
	if (spec.fd < 0) {
		tell_local(n, &err);
		return;
	}
	work_expect(p->f.work, 0, size_of(spec.fd));
	if (upload_start(p->f.s.client, &spec, &err))
		tell_local(n, &err);
	else
		p->under_way++;
}

/* ---- a directory */

static void
tell_odd(struct node *above, struct str path, struct str url, const char *why)
{
	struct node *n = node_new(above->p, path, url, false);
	struct err err = { 0 };

	work_expect(above->p->f.work, 1, 0);
	(void)err_set(&err, ERR_OS, "%s", why);
	if (n)
		tell_local(n, &err);
	else
		work_stop(above->p->f.work, "", NULL);
}

static void
push_entry(struct node *above, struct str path, struct str url, bool dir)
{
	struct node *n = node_new(above->p, path, url, dir);

	if (n)
		n->fresh = above->made;
	push(above->p, n, false);
}

static void
add_entry(struct node *n, DIR *dir, const char *name)
{
	struct buf path CLEANUP(buf_done) = { 0 };
	struct buf url CLEANUP(buf_done) = { 0 };
	struct stat st;
	bool known = !fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW);

	buf_put(&path, n->path);
	if (!str_ends(n->path, STR("/")))
		buf_putc(&path, '/');
	buf_put(&path, str_from_c(name));
	buf_put(&url, n->url);
	url_put_segment(&url, str_from_c(name));
	if (known && S_ISDIR(st.st_mode))
		buf_putc(&url, '/');
	if (buf_failed(&path) || buf_failed(&url))
		work_stop(n->p->f.work, "", NULL);
	else if (!known)
		tell_odd(n, buf_str(&path), buf_str(&url),
		    "it went away, or may not be looked at");
	else if (S_ISLNK(st.st_mode))
		tell_odd(n, buf_str(&path), buf_str(&url),
		    "it is a symbolic link, which is not followed; put what "
		    "it leads to by itself");
	else if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		tell_odd(n, buf_str(&path), buf_str(&url),
		    "it is neither a file nor a directory");
	else
		push_entry(
		    n, buf_str(&path), buf_str(&url), S_ISDIR(st.st_mode));
}

static enum err_code
read_dir(struct node *n, struct err *err)
{
	int fd = open(n->path.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	enum err_code rc = ERR_OK;

	if (!dir) {
		rc = err_os(err, "read the directory");
		fd_close(&fd);
		return rc;
	}
	errno = 0;
	while ((e = readdir(dir))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			add_entry(n, dir, e->d_name);
		errno = 0;
	}
	if (errno)
		rc = err_os(err, "read the directory");
	(void)closedir(dir);
	return rc;
}

/* The collection is there: queues what is in the directory. */
static void
enter(struct node *n, const struct verdict *v)
{
	struct err err = { 0 };

	if (read_dir(n, &err))
		tell_local(n, &err);
	else
		tell(n, v, 0);
}

static void
on_looked(void *arg, const struct entry *e, const struct verdict *v)
{
	struct node *n = arg;
	struct putting *p = n->p;
	struct verdict mine = *v;

	p->under_way--;
	if (v->fate == FATE_DONE && e && !e->unknown && e->collection) {
		mine.status = 0; /* not the 207 to our question */
		enter(n, &mine);
	} else if (v->fate == FATE_DONE) {
		mine = files_refusal(
		    STR("something that is not a collection is there"));
		tell(n, &mine, 0);
	} else {
		tell(n, v, 0);
	}
	pump(p);
}

static void
on_made(void *arg, const struct verdict *v)
{
	struct node *n = arg;
	struct putting *p = n->p;

	if (v->status == 405) {
		look(&p->f, n->url, on_looked, n);
		return;
	}
	p->under_way--;
	n->made = v->fate == FATE_DONE && v->status == 201;
	if (v->fate == FATE_DONE)
		enter(n, v);
	else
		tell(n, v, 0);
	pump(p);
}

static void
make_collection(struct node *n)
{
	struct putting *p = n->p;
	const struct remote_spec spec = { .method = "MKCOL",
		.url = n->url,
		.lock_token = files_token(&p->f),
		.done = on_made,
		.arg = n };
	struct err err = { 0 };

	if (remote_start(p->f.s.client, &spec, &err))
		tell_local(n, &err);
	else
		p->under_way++;
}

/* ---- the queue */

static void
begin(struct node *n)
{
	struct putting *p = n->p;
	const struct verdict would = { .fate = FATE_DONE, .wait = -1 };

	if (p->f.o.dry_run) {
		files_would(&p->f, n->dir ? "mkcol" : "put",
		    n->dir ? n->url : n->path,
		    n->dir ? ((struct str){ 0 }) : n->url);
		if (n->dir)
			enter(n, &would);
		else
			tell(n, &would, 0);
	} else if (n->dir) {
		make_collection(n);
	} else {
		send_file(n);
	}
}

static void
pump(struct putting *p)
{
	const struct verdict left = {
		.fate = FATE_LEFT, .blame = BLAME_INTERRUPT, .wait = -1
	};
	struct node *n;

	while (p->first && p->under_way < p->window) {
		n = p->first;
		p->first = n->next;
		if (!p->first)
			p->last = &p->first;
		n->next = NULL;
		if (work_interrupted(p->f.work))
			tell(n, &left, 0);
		else
			begin(n);
	}
}

/* ---- the operands */

/* The last name of a path: "b" of "a/b/". */
static struct str
base_name(struct str path)
{
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	return str_skip(path,
	    str_rfind(path, '/') < path.len ? str_rfind(path, '/') + 1 : 0);
}

static void
put_url(struct buf *b, struct str url, struct str path, bool into, bool dir)
{
	size_t query = str_find(url, '?');

	buf_put(b, str_head(url, query));
	if (into) {
		if (!str_ends(buf_str(b), STR("/")))
			buf_putc(b, '/');
		url_put_segment(b, base_name(path));
	}
	if (dir && !str_ends(buf_str(b), STR("/")))
		buf_putc(b, '/');
	/* What is below a collection is added at the end of its URL. */
	if (!dir)
		buf_put(b, str_skip(url, query));
}

static int
add_operand(struct putting *p, const char *operand, struct str url, bool into)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct str path = str_from_c(operand);
	struct str name = base_name(path);
	bool input = str_eq(path, STR("-"));
	struct stat st;
	bool dir = !input && !stat(operand, &st) && S_ISDIR(st.st_mode);

	if (dir && !p->f.o.recursive)
		return files_wrong(&p->f,
		    "'%s' is a directory; -r puts it with all that is in it",
		    operand);
	if (into && (input || !rpath_segment_ok(name)))
		return files_wrong(&p->f,
		    "'%s' has no name of its own in a collection; end the URL "
		    "with one",
		    operand);
	put_url(&b, url, path, into, dir);
	if (buf_failed(&b))
		work_stop(p->f.work, "", NULL);
	else
		push(p, node_new(p, path, buf_str(&b), dir), true);
	return EXIT_OK;
}

static void
run(struct putting *p)
{
	do {
		pump(p);
		files_run(&p->f);
	} while (p->first);
}

static void
start(struct putting *p)
{
	p->last = &p->first;
	p->window = p->f.o.jobs ? p->f.o.jobs : JOBS;
	(void)!mime_open(MIME_TYPES, &p->mime, NULL);
}

static int
put(struct putting *p)
{
	size_t n = p->f.o.n_operands - 1, i;
	struct str url = p->f.s.urls[0];
	bool into =
	    n > 1 || str_ends(str_head(url, str_find(url, '?')), STR("/"));
	int code = EXIT_OK;

	if (p->f.o.if_match && (n > 1 || p->f.o.recursive))
		return files_wrong(&p->f, "--if-match is for one file alone");
	start(p);
	for (i = 0; i < n && code == EXIT_OK; i++)
		code = add_operand(p, p->f.o.operands[i], url, into);
	if (code != EXIT_OK)
		return code;
	run(p);
	return EXIT_OK;
}

static void
putting_done(struct putting *p)
{
	struct node *n;

	while ((n = p->first)) {
		p->first = n->next;
		node_free(n);
	}
	mime_free(p->mime);
}

bool
put_tree(const struct files *f, const struct files_tree *t)
{
	struct putting p = { .f = files_for_tree(f, t) };
	struct node *n = node_new(&p, t->path, t->url, true);

	start(&p);
	push(&p, n, true);
	run(&p);
	putting_done(&p);
	return n && !p.failed;
}

/* What files_begin() does, but the last operand is the URL. */
static bool
begin_files(struct files *f, const char *const *args, int *code)
{
	struct err err = { 0 };

	f->command = "put";
	if (!options_begin("put", args, &f->o, code))
		return false;
	*code = EXIT_USAGE;
	if (!options_operands(&f->o, "put", 2, SIZE_MAX) ||
	    !files_headers_ok(f))
		return false;
	if (work_new(&f->o, "put", &f->work, &err)) {
		(void)fprintf(stderr, "sheaf: put: %s\n", err.why);
		*code = EXIT_CANNOT;
		return false;
	}
	return session_begin(&f->s, &f->o, f->work,
	    f->o.operands + f->o.n_operands - 1, 1, code);
}

int
cmd_put(const char *const *args)
{
	struct putting p = { 0 };
	int code;
	bool begun = begin_files(&p.f, args, &code);

	if (begun)
		code = put(&p);
	putting_done(&p);
	if (begun && code == EXIT_OK)
		return files_end(&p.f);
	return files_refuse(&p.f, code);
}
