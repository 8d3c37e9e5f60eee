/* SPDX-License-Identifier: MIT */
/*
 * Staging: a hidden directory on the file system of the root.  What is not yet
 * in its place, or no longer, is there, so that a process that dies leaves
 * nothing anywhere else, and the next start need not look for it.
 *
 * That start removes what is there while the store is at work already: what it
 * makes itself has names of its own.  It does not while another process has
 * locked staging: two may serve a tree, with state directories elsewhere.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "store/dir_impl.h"

#define TEMP_RUN_LEN ((int)(TEMP_PREFIX_SIZE - sizeof(TEMP_PREFIX)))
#define STAGING_NAME "tmp" /* in the state directory */
#define STAGING_BESIDE TEMP_PREFIX "staging" /* in the root */

void
temp_name_new(struct dir_store *ds, char out[TEMP_NAME_SIZE])
{
	uint64_t n = atomic_fetch_add(&ds->n_temps, 1);
	uint64_t more = n;
	char *at = out + sizeof(ds->temp_prefix) - 1;

	/* Written by hand: each PUT over another file makes such a name. */
	memcpy(out, ds->temp_prefix, sizeof(ds->temp_prefix) - 1);
	do
		at++;
	while (more >>= 4);
	*at = '\0';
	do
		*--at = "0123456789abcdef"[n & 15];
	while (n >>= 4);
}

/* No other start has this prefix, nor will have it. */
static void
choose_prefix(struct dir_store *ds)
{
	uint64_t n;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = (uint64_t)clock_now() ^ (uint64_t)getpid() << 40;
	(void)snprintf(ds->temp_prefix, sizeof(ds->temp_prefix),
	    TEMP_PREFIX "%016llx-", (unsigned long long)n);
}

void
staging_left_name(struct dir_store *ds, char out[TEMP_NAME_SIZE])
{
	uint64_t n = atomic_fetch_add(&ds->n_temps, 1);

	(void)snprintf(out, TEMP_NAME_SIZE, "left-%.*s%llx", TEMP_RUN_LEN,
	    ds->temp_prefix + sizeof(TEMP_PREFIX) - 1, (unsigned long long)n);
}

static bool
is_of_this_run(const struct dir_store *ds, const char *name)
{
	return !strncmp(name, ds->temp_prefix, strlen(ds->temp_prefix));
}

/* ---- where it is */

static bool
same_mount(const struct statx *a, const struct statx *b)
{
	return a->stx_dev_major == b->stx_dev_major &&
	    a->stx_dev_minor == b->stx_dev_minor &&
	    (a->stx_mask & STATX_MNT_ID) == (b->stx_mask & STATX_MNT_ID) &&
	    (!(a->stx_mask & STATX_MNT_ID) || a->stx_mnt_id == b->stx_mnt_id);
}

static enum err_code
stat_mount(int fd, struct statx *out, struct err *err)
{
	return statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, out)
	    ? err_os(err, "stat")
	    : ERR_OK;
}

/* Its name is on the disk before anything is there that must not be lost. */
static int
open_staging(const struct dir_store *ds)
{
	int in CLEANUP(fd_close) = -1;

	if (mkdirat(ds->staging_in, ds->staging_name, 0700) && errno != EEXIST)
		return -1;
	if (dir_sync_begin(ds, ds->staging_in, &in, NULL) ||
	    dir_sync_end(in, NULL))
		return -1;
	return openat(ds->staging_in, ds->staging_name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/*
 * Others may be using the descriptor at this moment: so it stays the same, and
 * only what it stands for is replaced.
 */
int
staging_now(struct dir_store *ds)
{
	int fd CLEANUP(fd_close) = -1;

	if (ds->staging < 0 || !dir_has_gone(ds->staging))
		return ds->staging;
	(void)pthread_mutex_lock(&ds->staging_lock);
	if (dir_has_gone(ds->staging))
		fd = open_staging(ds);
	if (fd >= 0)
		(void)dup3(fd, ds->staging, O_CLOEXEC);
	(void)pthread_mutex_unlock(&ds->staging_lock);
	return ds->staging;
}

/* Where we may not write to the tree there is no staging, and no need of it. */
enum err_code
staging_open(struct dir_store *ds, int state, struct err *err)
{
	struct statx root, there;
	enum err_code rc = stat_mount(ds->root, &root, err);

	choose_prefix(ds);
	if (!rc)
		rc = stat_mount(state, &there, err);
	if (rc)
		return rc;
	ds->staging_name = STAGING_NAME;
	if (!same_mount(&root, &there)) {
		state = ds->root;
		ds->staging_name = STAGING_BESIDE;
	}
	ds->staging_in = fcntl(state, F_DUPFD_CLOEXEC, 0);
	if (ds->staging_in < 0)
		return err_os(err, "open '%s'", ds->staging_name);
	if (mkdirat(state, ds->staging_name, 0700) && errno != EEXIST)
		return ERR_OK;
	ds->staging = open_staging(ds);
	if (ds->staging < 0)
		return err_os(err, "open '%s'", ds->staging_name);
	return ERR_OK;
}

int
staging_for(struct dir_store *ds, int dir)
{
	struct statx stx;

	if (ds->staging < 0 || dir_stat_fd(dir, &stx, NULL) ||
	    !dir_is_on_root_device(ds, &stx))
		return dir;
	return staging_now(ds);
}

/* ---- what was left there */

static DIR *
read_staging(const struct dir_store *ds)
{
	int fd CLEANUP(fd_close) =
	    open_beneath(ds->staging, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		fd = -1;
	return d;
}

/* The next that is of an earlier run. */
static const char *
next_left(const struct dir_store *ds, DIR *d)
{
	const struct dirent *e;

	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    !is_of_this_run(ds, e->d_name))
			return e->d_name;
	return NULL;
}

static void *
sweep(void *arg)
{
	struct dir_store *ds = arg;
	DIR *d = read_staging(ds);
	const char *name;

	thread_name("staging");
	while (d && !atomic_load(&ds->closing) && (name = next_left(ds, d)))
		dir_remove_tree(ds, ds->staging, name);
	if (d)
		(void)closedir(d);
	return NULL;
}

void
staging_sweep(struct dir_store *ds)
{
	bool ours = ds->staging >= 0 &&
	    (!flock(ds->staging, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK);
	DIR *d = ours ? read_staging(ds) : NULL;
	bool any = d && next_left(ds, d);

	if (d)
		(void)closedir(d);
	if (any)
		ds->sweeping = !thread_start(&ds->sweeper, 0, sweep, ds);
}

void
staging_close(struct dir_store *ds)
{
	atomic_store(&ds->closing, true);
	if (ds->sweeping)
		(void)pthread_join(ds->sweeper, NULL);
	ds->sweeping = false;
	fd_close(&ds->staging);
	fd_close(&ds->staging_in);
}

void
trash_done(struct trash *t)
{
	if (t->name[0])
		dir_remove_tree(t->ds, t->dir, t->name);
	*t = TRASH_NONE;
}
