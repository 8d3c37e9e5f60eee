/* SPDX-License-Identifier: MIT */
#include "store/dir_level.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_listing.h"

#define LARGE_BUF ((size_t)32768)
#define LARGE_CHUNK 128
#define SMALL_BUF ((size_t)4096)
#define SMALL_CHUNK 16

struct level *
level_new(const struct resource *res, bool large, int *fd)
{
	size_t size = large ? LARGE_BUF : SMALL_BUF;
	size_t max_spots = large ? LARGE_CHUNK : SMALL_CHUNK;
	size_t spots = max_spots * sizeof(struct spot);
	struct level *l = malloc(sizeof(*l) + spots + size);

	if (!l)
		return NULL;
	*l = (struct level){
		.res = *res,
		.fd = fd_take(fd),
		.bytes = (char *)(l->spots + max_spots),
		.size = size,
		.max_spots = max_spots,
	};
	return l;
}

void
level_look_up(struct level *l, struct listings *ls)
{
	l->listing = listing_hold(ls, l->fd);
	l->listings = ls;
	if (l->listing)
		l->bytes = listing_entries(l->listing, &l->len);
}

void
level_free(struct level *l)
{
	if (l->listing)
		listing_give_back(l->listings, l->listing);
	fd_close(&l->fd);
	free(l);
}

/* Fills the level's buffer; false at the end, or when that failed. */
static bool
level_read(const struct dir_store *ds, struct level *l, struct err *err)
{
	struct look k = LOOK_NONE;
	int failed = 0;
	long n = 0;

	while (look_on(ds, &k)) {
		if (l->reopened && lseek(l->fd, l->next, SEEK_SET) < 0)
			failed = errno;
		n = syscall(SYS_getdents64, l->fd, l->bytes, l->size);
		l->reopened = true; /* if it is done again */
	}
	l->reopened = false;
	if (failed) {
		l->failed = err_errno(err, failed, "go on in collection");
		return false;
	}
	if (n < 0 && errno != ENOENT) /* which says that it was removed */
		l->failed = err_os(err, "read collection");
	if (n <= 0)
		return false;
	l->at = 0;
	l->len = (size_t)n;
	return true;
}

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

/* The names of the next chunk, which are in the buffer. */
static void
chunk_take(struct level *l)
{
	l->seen = l->n_spots = 0;
	while (l->at < l->len && l->n_spots < l->max_spots) {
		const struct entry *e =
		    (const struct entry *)(const void *)(l->bytes + l->at);

		l->at += e->size;
		l->next = e->next;
		if (!is_skipped(l, e))
			l->spots[l->n_spots++] =
			    (struct spot){ .entry = e, .index = l->index };
		l->index++;
	}
}

/* Asks about the names of a chunk. */
static void
chunk_stat(int dir, struct spot *spots, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!spots[i].known && spots[i].entry->type != DT_LNK)
			fact_find(dir, spots[i].entry->name, &spots[i].fact);
}

const struct spot *
level_next(const struct dir_store *ds, struct level *l, struct err *err)
{
	struct look k = LOOK_NONE;

	if (l->seen < l->n_spots)
		return &l->spots[l->seen++];
	do {
		if (l->failed ||
		    (l->at == l->len &&
			(l->listing || !level_read(ds, l, err))))
			return NULL;
		chunk_take(l);
	} while (!l->n_spots);
	if (l->listing)
		listing_facts(l->listings, l->listing, l->spots, l->n_spots);
	while (look_on(ds, &k))
		chunk_stat(l->fd, l->spots, l->n_spots);
	return &l->spots[l->seen++];
}
