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
#define LARGE_SIZE ((size_t)12288)
#define SMALL_SIZE ((size_t)1200)
#define ENTRY_LEAST ((size_t)24)
#define ENTRY_MOST ((size_t)1048) /* by the kernel's own limit of names */

static struct block *
block_new(size_t size)
{
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
	return block_new(l->now->size);
}

struct level *
level_new(const struct dir_store *ds, const struct resource *res,
    unsigned depth, int *fd)
{
	struct level *l = malloc(sizeof(*l));
	struct block *b =
	    block_new(depth < LARGE_LEVELS ? LARGE_SIZE : SMALL_SIZE);

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
	};
	return l;
}

void
level_look_up(struct level *l, struct listings *ls, bool learns)
{
	l->listing = listing_hold(ls, l->fd, learns ? &l->making : NULL);
	l->listings = ls;
}

static void
take(struct level *l, struct block *b)
{
	making_take(
	    l->listings, l->making, str_of(b->bytes, b->len), b->spots, b->n);
	b->len = 0;
}

/* The walk has left, and was not everywhere. */
static void
stop_making(struct level *l)
{
	struct block *all[] = { l->now, l->then };
	size_t i;

	making_stop(l->listings, l->making);
	for (i = 0; i < ARRAY_LEN(all); i++)
		if (all[i])
			take(l, all[i]);
	making_end(l->listings, l->making, l->fd);
}

/* But for what is below it. */
static void
level_end(struct level *l)
{
	if (l->listing)
		listing_give_back(l->listings, l->listing);
	if (l->making)
		stop_making(l);
	fd_close(&l->fd);
	free(l->now);
	free(l->then);
	free(l->spare);
	free(l);
}

/* A helper was there, and the walk was not: so there is nothing below those. */
static void
block_clear(struct block *b)
{
	size_t i;

	for (i = 0; b && b->n_below && i < b->n; i++)
		if (b->spots[i].below) {
			level_end(b->spots[i].below);
			b->n_below--;
		}
}

void
level_free(struct level *l)
{
	block_clear(l->now);
	block_clear(l->then);
	block_clear(l->spare);
	level_end(l);
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

/* The number of bytes, 0 at the end, -1 and errno. */
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
	b->n = b->seen = b->tried = b->len = 0;
	b->begun = 0;
	b->ready = 0;
	return l->listing ? fill_by_listing(l, b) : fill_by_reading(ds, l, b);
}

unsigned
block_slices(const struct block *b)
{
	return (unsigned)((b->n + SLICE - 1) / SLICE);
}

bool
spot_is_clear(const struct level *l, const struct spot *s)
{
	return s->entry->type == DT_LNK ||
	    (l->kinds_only && s->entry->type == DT_REG);
}

void
block_ask(const struct dir_store *ds, const struct level *l, struct block *b,
    unsigned slice)
{
	size_t first = (size_t)slice * SLICE;
	size_t end = first + SLICE < b->n ? first + SLICE : b->n;
	struct look k = LOOK_NONE;
	bool again = false;
	size_t i;

	for (; look_on(ds, &k); again = true) {
		if (l->making)
			making_ask(l->listings, l->making, l->fd,
			    &b->spots[first], end - first, again);
		for (i = first; i < end; i++) {
			struct spot *s = &b->spots[i];

			if (!s->known && !s->wd && !spot_is_clear(l, s))
				fact_find(l->fd, s->entry->name, &s->fact);
		}
	}
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
	if (b->seen % SLICE == 0)
		ahead_need(a, l, (unsigned)(b->seen / SLICE));
	return &b->spots[b->seen++];
}
