/* SPDX-License-Identifier: MIT */
/*
 * Many changes, synced once.  Unless many are sure to come
 * (store_batch_many()), the first few of a batch are synced as they are made: a
 * sync of the whole file system would have a small operation wait for all that
 * others have written.  After BATCH_ALONE changes that costs less than a sync
 * for each.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_foretell.h"

#define BATCH_ALONE 16 /* changes that are synced by themselves */
#define BATCH_FLUSH 4U /* uploads that are worth a sync of all */
#define BATCH_SYSTEMS ((size_t)8) /* file systems that one batch may touch */
#define BATCH_KEPT ((size_t)1024) /* changes the state is not yet told of */
#define BATCH_RECORDS ((size_t)1024) /* and records that wait */

struct dir_batch {
	struct store_batch base;
	pthread_mutex_t lock; /* guards what follows */
	unsigned changes;
	bool dirty; /* the state has changes that are not on the disk yet */
	bool keyed; /* it is among ds->keyed */
	enum err_code failed; /* how a sync of a part of it failed */
	struct foretold *expected;
	uint64_t said; /* number of the line that announce() wrote; 0: none */
	size_t n_kept;
	uint64_t kept[BATCH_KEPT];
	size_t n_records;
	uint64_t records[BATCH_RECORDS];
	size_t n;
	struct {
		dev_t dev;
		int fd; /* of anything on it */
	} systems[BATCH_SYSTEMS];
	struct rpath root; /* in bytes */
	char bytes[];
};

static struct dir_batch *
batch_of(struct store_batch *b)
{
	return CONTAINER_OF(b, struct dir_batch, base);
}

static struct dir_batch *
batch_lock(struct store_batch *base)
{
	struct dir_batch *b = batch_of(base);

	(void)pthread_mutex_lock(&b->lock);
	return b;
}

/* For CLEANUP(). */
static void
batch_unlock(struct dir_batch **b)
{
	(void)pthread_mutex_unlock(&(*b)->lock);
}

/* ---- before a change */

static bool
device_of(int fd, const struct statx *stx, dev_t *dev)
{
	struct stat st;

	if (stx) {
		*dev = makedev(stx->stx_dev_major, stx->stx_dev_minor);
		return true;
	}
	if (fstat(fd, &st))
		return false;
	*dev = st.st_dev;
	return true;
}

/*
 * Whether the collection's file system is among those that are synced at the
 * end; adds it if there is room.
 */
static bool
knows_system(struct dir_batch *b, int dir, const struct statx *stx)
{
	dev_t dev;
	size_t i;
	int fd;

	if (dir_of(b->base.store)->relaxed)
		return true;
	if (!device_of(dir, stx, &dev))
		return false;
	for (i = 0; i < b->n; i++)
		if (b->systems[i].dev == dev)
			return true;
	if (b->n == BATCH_SYSTEMS)
		return false;
	fd = open_beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 && errno == ENOTDIR)
		fd = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return false;
	b->systems[b->n].dev = dev;
	b->systems[b->n++].fd = fd;
	return true;
}

/*
 * Writes one line for all changes that wait, before the first: in a power cut
 * their own lines may be lost, with the changes or without them.
 */
static bool
announce(struct dir_batch *b)
{
	struct dir_store *ds = dir_of(b->base.store);
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct rpath path = b->root;

	if (b->said)
		return true;
	if (!place_find(ds, b->root, FOLLOW_YES, &p, NULL))
		path = p.path;
	return state_say(ds->state, path, &b->said, NULL) == ERR_OK;
}

static bool
can_wait(struct store_batch *base, int dir, const struct statx *stx)
{
	struct dir_batch *b CLEANUP(batch_unlock) = batch_lock(base);

	if (!base->many && b->changes < BATCH_ALONE) {
		b->changes++;
		return false;
	}
	if (!announce(b) || !knows_system(b, dir, stx))
		return false;
	b->dirty = true;
	return true;
}

bool
batch_waits(struct store_batch *b, int dir)
{
	return b && can_wait(b, dir, NULL);
}

bool
batch_waits_for(struct store_batch *b, int fd, const struct statx *stx)
{
	return b && can_wait(b, fd, stx);
}

void
batch_remembers(struct store_batch *base)
{
	struct dir_batch *b CLEANUP(batch_unlock) = batch_lock(base);

	if (!b->keyed)
		atomic_fetch_add(&dir_of(base->store)->keyed, 1);
	b->keyed = true;
}

void
batch_expects(struct store_batch *base, struct foretold *f)
{
	struct dir_batch *b CLEANUP(batch_unlock) = batch_lock(base);

	foretold_add(&b->expected, f);
}

void
batch_forgets(struct store_batch *base, struct foretold *f)
{
	struct dir_batch *b CLEANUP(batch_unlock) = batch_lock(base);

	foretold_remove(&b->expected, f);
}

/* ---- after it */

/* Brings the changes that waited to the disk, and then tells the state. */
static enum err_code
batch_sync(struct dir_batch *b, uint64_t said, struct err *err)
{
	struct state *state = dir_of(b->base.store)->state;
	struct settled done = {
		.intents = b->kept,
		.n_intents = b->n_kept,
		.records = b->records,
		.n_records = b->n_records,
	};
	enum err_code rc = b->dirty ? state_sync(state, err) : ERR_OK;
	enum err_code settled;
	size_t i;

	for (i = 0; i < b->n; i++)
		if (syncfs(b->systems[i].fd))
			rc = err_os(err, "sync file system");
	done.lost = rc != ERR_OK;
	done.said = rc ? 0 : said;
	settled = state_settle(state, &done, rc ? NULL : err);
	b->n_kept = b->n_records = 0;
	b->dirty = false;
	if (!b->failed)
		b->failed = rc ? rc : settled;
	return rc ? rc : settled;
}

enum err_code
batch_keep(struct store_batch *base, uint64_t intent, struct err *err)
{
	struct dir_batch *b CLEANUP(batch_unlock) = batch_lock(base);

	b->kept[b->n_kept++] = intent;
	return b->n_kept < BATCH_KEPT ? ERR_OK : batch_sync(b, 0, err);
}

/*
 * A change of the state alone waits for the batch.  record: what
 * state_remember() gave, or 0.
 */
static enum err_code
batch_keep_record(struct store_batch *base, uint64_t record, struct err *err)
{
	struct dir_batch *b CLEANUP(batch_unlock) = batch_lock(base);

	b->dirty = true;
	if (!record)
		return ERR_OK;
	b->records[b->n_records++] = record;
	return b->n_records < BATCH_RECORDS ? ERR_OK : batch_sync(b, 0, err);
}

/* ---- from its beginning to its end */

enum err_code
dir_batch_begin(struct store *s, struct rpath root, struct store_batch **out,
    struct err *err)
{
	struct dir_batch *b = calloc(1, sizeof(*b) + root.s.len);

	if (!b)
		return err_nomem(err);
	(void)pthread_mutex_init(&b->lock, NULL);
	memcpy(b->bytes, root.s.ptr, root.s.len);
	b->root.s = str_of(b->bytes, root.s.len);
	b->base.store = s;
	atomic_fetch_add(&dir_of(s)->batches, 1);
	*out = &b->base;
	return ERR_OK;
}

/*
 * Syncs the bytes of all uploads.  An upload notes which flush had begun when
 * it was last written to: its bytes are on the disk when one that began later
 * has ended.
 */
static enum err_code
flush_bytes(struct dir_store *ds, struct err *err)
{
	uint64_t number, done;
	int fd CLEANUP(fd_close) = -1;

	if (ds->relaxed || atomic_load(&ds->before_names) < BATCH_FLUSH)
		return ERR_OK;
	fd = open_beneath(ds->root, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return err_os(err, "open to sync");
	number = atomic_fetch_add(&ds->flushes_begun, 1) + 1;
	if (syncfs(fd))
		return err_os(err, "sync file system");
	done = atomic_load(&ds->flushes_done);
	while (done < number &&
	    !atomic_compare_exchange_weak(&ds->flushes_done, &done, number))
		;
	return ERR_OK;
}

static struct foretold *
take_expected(struct dir_batch *base)
{
	struct dir_batch *b CLEANUP(batch_unlock) = batch_lock(&base->base);
	struct foretold *all = b->expected;

	b->expected = NULL;
	return all;
}

enum err_code
dir_batch_flush(struct store *s, struct store_batch *base, struct err *err)
{
	struct foretold *expected = take_expected(batch_of(base));
	enum err_code rc;

	if (expected)
		batch_remembers(base);
	rc = foretell(dir_of(s), expected, err);
	return rc ? rc : flush_bytes(dir_of(s), err);
}

enum err_code
dir_batch_end(struct store *s, struct store_batch *base, struct err *err)
{
	struct dir_batch *b;
	enum err_code rc, failed;
	size_t i;

	if (!base)
		return ERR_OK;
	assert(base->store == s);
	b = batch_of(base);
	foretell_none(take_expected(b));
	failed = b->failed;
	rc = batch_sync(b, failed ? 0 : b->said, err);
	/* Not everybody whose change was the last straw could tell. */
	if (!rc && failed)
		rc = err_set(err, failed, "a part of it could not be synced");
	for (i = 0; i < b->n; i++)
		fd_close(&b->systems[i].fd);
	if (b->keyed)
		atomic_fetch_sub(&dir_of(s)->keyed, 1);
	atomic_fetch_sub(&dir_of(s)->batches, 1);
	(void)pthread_mutex_destroy(&b->lock);
	free(b);
	return rc;
}

/* ---- records */

enum err_code
dir_recall(struct store *s, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err)
{
	return state_recall(dir_of(s)->state, key, a, out, found, err);
}

enum err_code
dir_recall_any(struct store *s, struct str key, bool *any, struct err *err)
{
	return state_recall_any(dir_of(s)->state, key, any, err);
}

enum err_code
dir_remember(struct store *s, const struct record *r, struct str result,
    struct store_batch *b, struct err *err)
{
	struct state *state = dir_of(s)->state;
	uint64_t waits = 0;
	enum err_code rc;

	if (!b)
		return state_remember(state, r, result, NULL, err);
	rc = state_remember(state, r, result, &waits, err);
	return rc ? rc : batch_keep_record(b, waits, err);
}
