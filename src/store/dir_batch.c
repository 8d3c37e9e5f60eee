/* SPDX-License-Identifier: MIT */
/*
 * Many changes, synced once.  The first few of a batch are synced as they are
 * made: an operation that changes little should not wait for all that others
 * have written to the file system.  After them that costs less.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_impl.h"

#define BATCH_ALONE 16 /* changes that are synced by themselves */
#define BATCH_SYSTEMS ((size_t)8) /* file systems that one batch may touch */

struct dir_batch {
	struct store_batch base;
	unsigned changes;
	size_t n;
	struct {
		dev_t dev;
		int fd; /* any directory of it */
	} systems[BATCH_SYSTEMS];
};

static struct dir_batch *
batch_of(struct store_batch *b)
{
	return CONTAINER_OF(b, struct dir_batch, base);
}

static bool
batch_knows(const struct dir_batch *b, dev_t dev)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->systems[i].dev == dev)
			return true;
	return false;
}

bool
batch_waits(struct store_batch *base, int dir)
{
	struct dir_batch *b;
	struct stat st;
	int fd;

	if (!base)
		return false;
	b = batch_of(base);
	if (b->changes < BATCH_ALONE) {
		b->changes++;
		return false;
	}
	if (fstat(dir, &st))
		return false;
	if (batch_knows(b, st.st_dev))
		return true;
	if (b->n == BATCH_SYSTEMS)
		return false;
	fd = open_beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return false;
	b->systems[b->n].dev = st.st_dev;
	b->systems[b->n++].fd = fd;
	return true;
}

enum err_code
dir_batch_begin(struct store *s, struct rpath root, struct store_batch **out,
    struct err *err)
{
	struct dir_batch *b;

	(void)root;
	if (dir_of(s)->relaxed)
		return ERR_OK;
	b = calloc(1, sizeof(*b));
	if (!b)
		return err_nomem(err);
	b->base.store = s;
	*out = &b->base;
	return ERR_OK;
}

enum err_code
dir_batch_end(struct store *s, struct store_batch *base, struct err *err)
{
	enum err_code rc = ERR_OK;
	struct dir_batch *b;
	size_t i;

	if (!base)
		return ERR_OK;
	assert(base->store == s);
	b = batch_of(base);
	for (i = 0; i < b->n; i++) {
		if (syncfs(b->systems[i].fd))
			rc = err_os(err, "sync file system");
		fd_close(&b->systems[i].fd);
	}
	free(b);
	return rc;
}
