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
#define BATCH_KEPT ((size_t)512) /* changes the state is not yet told of */

struct dir_batch {
	struct store_batch base;
	unsigned changes;
	bool announced; /* the journal says that the root has changed */
	size_t n_kept;
	uint64_t kept[BATCH_KEPT];
	size_t n;
	struct {
		dev_t dev;
		int fd; /* any directory of it */
	} systems[BATCH_SYSTEMS];
	struct rpath root; /* in bytes */
	char bytes[];
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

/*
 * The lines of changes that wait may be lost with them in a power cut, or
 * without them: so one for all of them comes first.
 */
static bool
announce(struct dir_batch *b)
{
	struct dir_store *ds = dir_of(b->base.store);
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct change c = { .kind = CHANGE_TREE, .path = b->root };
	uint64_t intent;

	if (b->announced)
		return true;
	if (!place_find(ds, b->root, FOLLOW_YES, &p, NULL))
		c.path = p.path;
	b->announced =
	    state_change_begin(ds->state, &c, true, &intent, NULL) == ERR_OK;
	return b->announced;
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
	if (!announce(b) || fstat(dir, &st))
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

/* Brings what waited to the disk, and then tells the state. */
static enum err_code
batch_sync(struct dir_batch *b, struct err *err)
{
	struct state *state = dir_of(b->base.store)->state;
	enum err_code rc = b->n ? state_sync(state, err) : ERR_OK;
	size_t i;

	for (i = 0; i < b->n; i++)
		if (syncfs(b->systems[i].fd))
			rc = err_os(err, "sync file system");
	for (i = 0; i < b->n_kept; i++)
		state_change_end(state, b->kept[i], true);
	b->n_kept = 0;
	return rc;
}

enum err_code
batch_keep(struct store_batch *base, uint64_t intent, struct err *err)
{
	struct dir_batch *b = batch_of(base);

	b->kept[b->n_kept++] = intent;
	return b->n_kept < BATCH_KEPT ? ERR_OK : batch_sync(b, err);
}

enum err_code
dir_batch_begin(struct store *s, struct rpath root, struct store_batch **out,
    struct err *err)
{
	struct dir_batch *b;

	if (dir_of(s)->relaxed)
		return ERR_OK;
	b = calloc(1, sizeof(*b) + root.s.len);
	if (!b)
		return err_nomem(err);
	memcpy(b->bytes, root.s.ptr, root.s.len);
	b->root.s = str_of(b->bytes, root.s.len);
	b->base.store = s;
	*out = &b->base;
	return ERR_OK;
}

enum err_code
dir_batch_end(struct store *s, struct store_batch *base, struct err *err)
{
	struct dir_batch *b;
	enum err_code rc;
	size_t i;

	if (!base)
		return ERR_OK;
	assert(base->store == s);
	b = batch_of(base);
	rc = batch_sync(b, err);
	for (i = 0; i < b->n; i++)
		fd_close(&b->systems[i].fd);
	free(b);
	return rc;
}
