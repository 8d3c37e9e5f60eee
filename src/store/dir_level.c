/* SPDX-License-Identifier: MIT */
#include "store/dir_level.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_ahead.h"
#include "store/dir_listing.h"

/* The outermost are large: that is where the most members are. */
#define LARGE_LEVELS 8
#define LARGE_SIZE ((size_t)4096)
#define SMALL_SIZE ((size_t)1200)
#define ENTRY_LEAST ((size_t)24)
#define ENTRY_MOST ((size_t)1048) /* by the kernel's own limit of names */

static struct block *
block_new(unsigned depth)
{
	size_t size = depth < LARGE_LEVELS ? LARGE_SIZE : SMALL_SIZE;
	size_t max = size / ENTRY_LEAST;
	struct block *b = malloc(sizeof(*b) + max * sizeof(*b->spots) + size);

	if (!b)
		return NULL;
	*b = (struct block){
		.max = max,
		.bytes = (char *)(b->spots + max),
		.size = size,
	};
	return b;
}

struct block *
level_block(const struct level *l)
{
	return block_new(l->depth);
}

/* A copy of b with what was read, in no more room than that takes. */
static struct block *
block_copy(const struct block *b, size_t len)
{
	struct block *c = malloc(sizeof(*c) + b->n * sizeof(*c->spots) + len);
	size_t i;

	if (!c)
		return NULL;
	*c = *b;
	c->max = b->n;
	c->size = len;
	c->bytes = (char *)(c->spots + b->n);
	memcpy(c->bytes, b->bytes, len);
	memcpy(c->spots, b->spots, b->n * sizeof(*c->spots));
	for (i = 0; i < b->n; i++) {
		const char *entry = (const char *)b->spots[i].entry;

		c->spots[i].entry =
		    (const struct entry *)(const void *)(c->bytes +
			(entry - b->bytes));
	}
	return c;
}

struct level *
level_new(const struct dir_store *ds, const struct resource *res,
    unsigned depth, int *fd)
{
	struct level *l = malloc(sizeof(*l));
	struct block *b = block_new(depth);

	if (!l || !b) {
		free(l);
		free(b);
		return NULL;
	}
	*l = (struct level){
		.res = *res,
		.depth = depth,
		.fd = fd_take(fd),
		.is_root = !memcmp(&res->id, &ds->root_id, sizeof(res->id)),
		.now = b,
		.last = b,
	};
	return l;
}

void
level_look_up(struct level *l, struct listings *ls, bool learns)
{
	l->listing = listing_hold(ls, l->fd, learns ? &l->making : NULL);
	l->listings = ls;
}

void
level_settle(struct level *l)
{
	const struct spot *end;
	struct block *b = l->now, *c;

	if (l->listing || l->making)
		return;
	end = b->n ? &b->spots[b->n - 1] : NULL;
	c = block_copy(b,
	    end ? (size_t)((const char *)end->entry - b->bytes) +
		    end->entry->size
		: 0);
	if (c) {
		free(b);
		l->now = l->last = c;
	}
	fd_close(&l->fd);
}

static void
take(struct level *l, struct block *b)
{
	making_take(
	    l->listings, l->making, str_of(b->bytes, b->len), b->spots, b->n);
	b->len = 0;
}

/*
 * To be called when the walk leaves before the end: the listing will not be
 * whole.
 */
static void
stop_making(struct level *l)
{
	struct block *b;

	making_stop(l->listings, l->making);
	for (b = l->now; b; b = b->next)
		take(l, b);
	making_end(l->listings, l->making, l->fd);
}

/* A helper was there, and the walk was not. */
static void
/* NOLINTNEXTLINE(misc-no-recursion): as deep as helpers were ahead */
free_below(const struct block *b)
{
	size_t i;

	for (i = b->entered; b->n_below && i < b->n; i++)
		if (b->spots[i].below)
			level_free(b->spots[i].below);
}

static void
free_blocks(struct block *b)
{
	while (b) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
}

void
/* NOLINTNEXTLINE(misc-no-recursion): as deep as helpers were ahead */
level_free(struct level *l)
{
	free_below(l->now); /* there is none but where the walk was to go */
	if (l->listing)
		listing_give_back(l->listings, l->listing);
	if (l->making)
		stop_making(l);
	fd_close(&l->fd);
	free_blocks(l->now);
	free_blocks(l->spare);
	free(l);
}

/* ---- entries */

static bool
is_skipped(const struct level *l, const struct entry *e)
{
	const char *name = e->name;

	if (e->type == DT_FIFO || e->type == DT_SOCK || e->type == DT_CHR ||
	    e->type == DT_BLK)
		return true;
	if (name[0] != '.')
		return false;
	return !strcmp(name, ".") || !strcmp(name, "..") ||
	    temp_name_is(name) || (l->is_root && !strcmp(name, STATE_NAME));
}

/* Takes entries as far as there is room; how many bytes of them. */
static size_t
block_take(struct level *l, struct block *b, const char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len && b->n < b->max) {
		const struct entry *e =
		    (const struct entry *)(const void *)(bytes + at);

		at += e->size;
		l->next = e->next;
		if (!is_skipped(l, e))
			b->spots[b->n++] =
			    (struct spot){ .entry = e, .index = l->index };
		l->index++;
	}
	return at;
}

/* Reads entries: how many bytes; 0 at the end; -1 and errno. */
static long
read_entries(const struct dir_store *ds, struct level *l, char *to, size_t room)
{
	struct look k = LOOK_NONE;
	long n = -1;

	while (look_on(ds, &k)) {
		if (l->reopened && lseek(l->fd, l->next, SEEK_SET) < 0)
			n = -1;
		else
			n = syscall(SYS_getdents64, l->fd, to, room);
		l->reopened = true; /* if it is done again */
	}
	l->reopened = false;
	return n;
}

/*
 * As many as there is room for: of a small collection all, and that these are
 * all.
 */
static bool
fill_by_reading(const struct dir_store *ds, struct level *l, struct block *b)
{
	size_t len = 0;
	long n = 1;

	while (n > 0 && b->size - len >= ENTRY_MOST) {
		n = read_entries(ds, l, b->bytes + len, b->size - len);
		if (n > 0) {
			(void)block_take(l, b, b->bytes + len, (size_t)n);
			len += (size_t)n;
		}
	}
	if (l->making) {
		b->len = len;
		making_read(l->listings, l->making, b->spots, b->n);
	}
	if (n < 0 && errno != ENOENT) /* which says that it was removed */
		l->error = errno;
	return n > 0;
}

static bool
fill_by_listing(struct level *l, struct block *b)
{
	size_t len;
	const char *bytes = listing_entries(l->listing, &len);

	l->at += block_take(l, b, bytes + l->at, len - l->at);
	listing_facts(l->listings, l->listing, b->spots, b->n);
	return l->at < len;
}

bool
level_fill(const struct dir_store *ds, struct level *l, struct block *b)
{
	assert(!b->users && !b->n_below);
	b->n = b->seen = b->tried = b->entered = b->len = 0;
	return l->listing ? fill_by_listing(l, b) : fill_by_reading(ds, l, b);
}

bool
spot_is_clear(const struct level *l, const struct spot *s)
{
	return s->entry->type == DT_LNK ||
	    (l->kinds_only && s->entry->type == DT_REG);
}

static void
ask(const struct dir_store *ds, const struct level *l, struct spot *spots,
    size_t n)
{
	struct look k = LOOK_NONE;
	bool again = false;
	size_t i;

	for (; look_on(ds, &k); again = true) {
		if (l->making)
			making_ask(
			    l->listings, l->making, l->fd, spots, n, again);
		for (i = 0; i < n; i++) {
			struct spot *s = &spots[i];

			if (!s->known && !s->wd && !spot_is_clear(l, s))
				fact_find(l->fd, s->entry->name, &s->fact);
		}
	}
}

void
block_ask(const struct dir_store *ds, const struct level *l, struct block *b)
{
	size_t i;

	for (i = 0; i < b->n; i += SLICE)
		ask(ds, l, &b->spots[i], b->n - i < SLICE ? b->n - i : SLICE);
}

/* ---- the walk */

static const struct spot *
level_at_end(struct level *l, struct err *err)
{
	if (l->error) {
		l->failed = err_errno(err, l->error, "read collection");
	} else if (l->making) {
		making_end(l->listings, l->making, l->fd);
		l->making = NULL;
	}
	return NULL;
}

const struct spot *
level_next(struct ahead *a, struct level *l, struct err *err)
{
	struct block *b = l->now;

	while (b->seen == b->n) {
		if (l->making)
			take(l, b);
		if (!ahead_next(a, l))
			return level_at_end(l, err);
		b = l->now;
	}
	return &b->spots[b->seen++];
}
