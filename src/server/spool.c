/* SPDX-License-Identifier: MIT */
#include "server/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define RING_FIRST ((size_t)4096)
#define PUNCH_AT ((uint64_t)1 << 20)

/*
 * Bytes are read from the ring first, then from the file.  The writer uses the
 * ring only while nothing waits in the file, so that is their order.
 */
struct ring {
	char *ptr;
	size_t cap;
	size_t head; /* of what is to be read */
	size_t used;
};

struct spool {
	struct ostream base;
	struct spool_spec spec;
	pthread_mutex_t lock;
	int fd; /* the writer opens it, before head != tail */
	uint64_t punched; /* only the reader uses it: see punch() */

	/* Under the lock. */
	struct ring ring;
	uint64_t head, tail; /* of the file; only the writer moves tail */
	uint64_t written, read; /* bytes in all */
	uint64_t flushed; /* how many were written at the last flush */
	bool ended, failed; /* the writer */
	bool gone; /* the reader */
	bool waiting; /* the reader */
	unsigned holders;
};

/* ---- the ring */

/* Grows it so that `more` fits as well, or as much of it as may be. */
static void
ring_grow(struct ring *r, size_t more)
{
	size_t cap = r->cap ? r->cap : RING_FIRST;
	size_t first = r->cap - r->head;
	char *ptr;

	while (cap - r->used < more && cap < SPOOL_MEMORY)
		cap += cap / 2;
	if (cap > SPOOL_MEMORY)
		cap = SPOOL_MEMORY;
	if (cap == r->cap)
		return;
	ptr = malloc(cap);
	if (!ptr)
		return;
	if (first > r->used)
		first = r->used;
	if (r->used) {
		memcpy(ptr, r->ptr + r->head, first);
		memcpy(ptr + first, r->ptr, r->used - first);
	}
	free(r->ptr);
	*r = (struct ring){ .ptr = ptr, .cap = cap, .used = r->used };
}

/* Takes what there is room for and returns how much. */
static size_t
ring_put(struct ring *r, struct str bytes)
{
	size_t at, n, first;

	if (r->cap - r->used < bytes.len)
		ring_grow(r, bytes.len);
	n = r->cap - r->used;
	if (n > bytes.len)
		n = bytes.len;
	if (!n)
		return 0;
	if (!r->used)
		r->head = 0;
	at = (r->head + r->used) % r->cap;
	first = r->cap - at < n ? r->cap - at : n;
	memcpy(r->ptr + at, bytes.ptr, first);
	memcpy(r->ptr, bytes.ptr + first, n - first);
	r->used += n;
	assert(r->used <= r->cap);
	return n;
}

static size_t
ring_get(struct ring *r, char *out, size_t max)
{
	size_t n = r->used < max ? r->used : max;
	size_t first = r->cap - r->head < n ? r->cap - r->head : n;

	memcpy(out, r->ptr + r->head, first);
	memcpy(out + first, r->ptr, n - first);
	r->head = (r->head + n) % r->cap;
	r->used -= n;
	return n;
}

/* ---- what both sides do */

static void
lock(struct spool *s)
{
	(void)pthread_mutex_lock(&s->lock);
}

static void
unlock(struct spool *s)
{
	(void)pthread_mutex_unlock(&s->lock);
}

static void
spool_free(struct spool *s)
{
	free(s->ring.ptr);
	fd_close(&s->fd);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Unlocks, and frees the spool if it was the last to hold it. */
static void
let_go(struct spool *s)
{
	bool last;

	assert(s->holders > 0);
	last = --s->holders == 0;

	unlock(s);
	if (last)
		spool_free(s);
}

/* Whether it is worth waking the reader. */
static bool
worthwhile(const struct spool *s)
{
	return s->ended || s->failed ||
	    s->written - s->read >= s->spec.enough || s->read < s->flushed;
}

/* Unlocks, and wakes the reader if it waits and has a reason to wake. */
static void
unlock_and_wake(struct spool *s)
{
	bool wake = s->waiting && worthwhile(s);

	if (wake)
		s->waiting = false;
	unlock(s);
	if (wake)
		s->spec.wake(s->spec.arg);
}

/* ---- the side that writes */

static int
temporary(const char *dir)
{
	char name[4096];
	int n, fd;

	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	n = snprintf(name, sizeof(name), "%s/sheaf-XXXXXX", dir);
	if (n < 0 || (size_t)n >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(name);
	return fd;
}

static enum err_code
write_at(int fd, struct str bytes, uint64_t at, struct err *err)
{
	while (bytes.len) {
		ssize_t n = pwrite(fd, bytes.ptr, bytes.len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, "write a temporary file");
		bytes = str_skip(bytes, (size_t)n);
		at += (uint64_t)n;
	}
	return ERR_OK;
}

/* Writes at the file's end.  The reader sees it only when it is all there. */
static enum err_code
overflow(struct spool *s, struct str bytes, uint64_t backlog)
{
	enum err_code rc;

	if (s->spec.max && backlog + bytes.len > s->spec.max)
		return err_set(&s->base.err, ERR_TOO_LARGE,
		    "an answer over %llu bytes waits for a slow reader",
		    (unsigned long long)s->spec.max);
	if (s->fd < 0) {
		int fd = temporary(s->spec.dir);

		if (fd < 0)
			return err_os(&s->base.err,
			    "make a temporary file in '%s'", s->spec.dir);
		s->fd = fd;
	}
	rc = write_at(s->fd, bytes, s->tail, &s->base.err);
	if (rc)
		return rc;
	lock(s);
	s->tail += bytes.len;
	s->written += bytes.len;
	unlock_and_wake(s);
	return ERR_OK;
}

static enum err_code
spool_write(struct ostream *o, struct str bytes)
{
	struct spool *s = CONTAINER_OF(o, struct spool, base);
	uint64_t backlog;
	size_t n = 0;

	lock(s);
	assert(!s->ended);
	if (s->gone) {
		unlock(s);
		return ERR_CLIENT_GONE;
	}
	if (s->head == s->tail) {
		/*
		 * All of the file was read: it is used from its beginning
		 * again.
		 */
		s->head = s->tail = 0;
		n = ring_put(&s->ring, bytes);
		s->written += n;
	}
	backlog = s->tail - s->head;
	unlock_and_wake(s);
	bytes = str_skip(bytes, n);
	return bytes.len ? overflow(s, bytes, backlog) : ERR_OK;
}

static enum err_code
spool_flush(struct ostream *o)
{
	struct spool *s = CONTAINER_OF(o, struct spool, base);

	lock(s);
	s->flushed = s->written;
	unlock_and_wake(s);
	return ERR_OK;
}

static enum err_code
spool_end(struct ostream *o)
{
	struct spool *s = CONTAINER_OF(o, struct spool, base);

	lock(s);
	s->ended = true;
	unlock_and_wake(s);
	return ERR_OK;
}

static const struct ostream_ops spool_ops = {
	.name = "spool",
	.write = spool_write,
	.flush = spool_flush,
	.end = spool_end,
};

enum err_code
spool_new(const struct spool_spec *spec, struct spool **out, struct err *err)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (!s)
		return err_nomem(err);
	if (pthread_mutex_init(&s->lock, NULL)) {
		free(s);
		return err_nomem(err);
	}
	ostream_init(&s->base, &spool_ops);
	s->spec = *spec;
	if (!s->spec.enough)
		s->spec.enough = SPOOL_WAKE;
	s->fd = -1;
	s->waiting = true;
	s->holders = 2;
	*out = s;
	return ERR_OK;
}

struct ostream *
spool_stream(struct spool *s)
{
	return &s->base;
}

void
spool_close(struct spool *s)
{
	bool wake;

	if (!s)
		return;
	lock(s);
	s->failed = !s->ended || s->base.err.code;
	wake = s->waiting && worthwhile(s);
	if (!wake) {
		let_go(s);
		return;
	}
	/* Held over the call: the reader may let go before it returns. */
	s->waiting = false;
	unlock(s);
	s->spec.wake(s->spec.arg);
	lock(s);
	let_go(s);
}

/* ---- the side that reads */

/* Gives the space of what was read back to the file system, now and then. */
static void
punch(struct spool *s, uint64_t head)
{
	if (head < s->punched)
		s->punched = 0; /* it was started again */
	if (head - s->punched < PUNCH_AT)
		return;
	/* Where it is not supported the file is as long as its longest wait. */
	(void)fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)s->punched, (off_t)(head - s->punched));
	s->punched = head;
}

static enum spool_state
read_file(struct spool *s, uint64_t head, char *out, size_t max, size_t *got)
{
	struct err err = { 0 };

	if (fd_read_at(s->fd, head, out, max, got, &err) || *got < max) {
		lock(s);
		s->gone = true; /* nobody will read the rest */
		unlock(s);
		return SPOOL_FAILED;
	}
	/* Before it counts as read: the writer may then begin at 0 again. */
	punch(s, head + *got);
	lock(s);
	s->head += *got;
	s->read += *got;
	assert(s->head <= s->tail && s->read <= s->written);
	unlock(s);
	return SPOOL_READ;
}

enum spool_state
spool_read(struct spool *s, char *out, size_t max, size_t *got)
{
	enum spool_state state = SPOOL_EMPTY;
	uint64_t head, waiting;

	lock(s);
	assert(!s->waiting);
	head = s->head;
	waiting = s->tail - head;
	if (s->ring.used) {
		*got = ring_get(&s->ring, out, max);
		s->read += *got;
		state = SPOOL_READ;
	} else if (waiting) {
		if (max > waiting)
			max = (size_t)waiting;
		unlock(s);
		return read_file(s, head, out, max, got);
	} else if (s->failed) {
		state = SPOOL_FAILED;
	} else if (s->ended) {
		state = SPOOL_END;
	}
	unlock(s);
	return state;
}

bool
spool_wait(struct spool *s)
{
	bool wait;

	lock(s);
	wait = !worthwhile(s);
	s->waiting = wait;
	unlock(s);
	return wait;
}

bool
spool_ended(struct spool *s, uint64_t *length, struct str *whole)
{
	bool ended;

	lock(s);
	ended = s->ended && !s->failed;
	if (ended) {
		*length = s->written;
		*whole = (struct str){ 0 };
		if (s->ring.used == s->written && !s->ring.head)
			*whole = str_of(s->ring.ptr, s->ring.used);
	}
	unlock(s);
	return ended;
}

void
spool_abandon(struct spool *s)
{
	if (!s)
		return;
	lock(s);
	s->gone = true;
	s->waiting = false;
	let_go(s);
}
