/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/dir_impl.h"

void
sync_lanes_init(struct sync_lanes *l)
{
	(void)pthread_mutex_init(&l->lock, NULL);
}

void
sync_lanes_done(struct sync_lanes *l)
{
	while (l->n)
		(void)syscall(SYS_io_destroy, l->free[--l->n]);
	(void)pthread_mutex_destroy(&l->lock);
}

/* 0: there is none to be had, and after a few tries nobody asks again. */
static aio_context_t
lane_take(struct sync_lanes *l)
{
	aio_context_t lane = 0;
	bool make;

	(void)pthread_mutex_lock(&l->lock);
	if (l->n)
		lane = l->free[--l->n];
	make = !lane && l->made < SYNC_LANES;
	l->made += make;
	(void)pthread_mutex_unlock(&l->lock);
	if (make && syscall(SYS_io_setup, SYNCS_MAX, &lane))
		lane = 0;
	return lane;
}

static void
lane_give(struct sync_lanes *l, aio_context_t lane)
{
	(void)pthread_mutex_lock(&l->lock);
	l->free[l->n++] = lane;
	(void)pthread_mutex_unlock(&l->lock);
}

void
syncs_begin(struct syncs *s, struct sync_lanes *l, const int *fds, size_t n)
{
	struct iocb each[SYNCS_MAX];
	struct iocb *asked[SYNCS_MAX];
	long begun = 0;
	size_t i;

	assert(!s->n && n <= SYNCS_MAX);
	for (i = 0; i < n; i++) {
		s->fds[i] = fds[i];
		each[i] = (struct iocb){
			.aio_data = (unsigned)fds[i],
			.aio_lio_opcode = IOCB_CMD_FSYNC,
			.aio_fildes = (unsigned)fds[i],
		};
		asked[i] = &each[i];
	}
	s->n = n;
	s->lanes = l;
	s->lane = n ? lane_take(l) : 0;
	if (s->lane)
		begun = syscall(SYS_io_submit, s->lane, n, asked);
	s->begun = begun > 0 ? (size_t)begun : 0;
}

static void
note(struct syncs *s, const struct io_event *over)
{
	size_t i;

	for (i = 0; i < s->begun; i++)
		if ((unsigned)s->fds[i] == over->data)
			s->failed[i] = (int)-over->res;
}

/* How many more of them are over. */
static size_t
wait_for(struct syncs *s, size_t left)
{
	struct io_event over[SYNCS_MAX];
	long n, i;

	do
		n = syscall(SYS_io_getevents, s->lane, left, left, over, NULL);
	while (n < 0 && errno == EINTR);
	for (i = 0; i < n; i++)
		note(s, &over[i]);
	return n > 0 ? (size_t)n : 0;
}

void
syncs_end(struct syncs *s)
{
	size_t left = s->begun;
	size_t over = left;
	size_t i;

	for (i = 0; i < left; i++)
		s->failed[i] = EIO; /* unless it is heard of */
	while (left && over) {
		over = wait_for(s, left);
		left -= over;
	}
	for (i = s->begun; i < s->n; i++)
		s->failed[i] = fsync(s->fds[i]) ? errno : 0;
	if (s->lane && !left)
		lane_give(s->lanes, s->lane);
	s->lane = 0;
	s->n = s->begun = 0;
}

void
syncs_make(struct syncs *s, struct sync_lanes *l, const int *fds, size_t n)
{
	if (n == 1) { /* it needs nobody beside it */
		s->failed[0] = fsync(fds[0]) ? errno : 0;
		return;
	}
	syncs_begin(s, l, fds, n);
	syncs_end(s);
}

/* ---- collections */

/*
 * A directory we may not read cannot be opened for this; nor do all file
 * systems know how to sync one.  Neither makes the change fail.
 */
enum err_code
dir_sync_begin(const struct dir_store *ds, int dir, int *fd, struct err *err)
{
	if (ds->relaxed)
		return ERR_OK;
	*fd = open_beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	if (*fd < 0 && errno != EACCES)
		return err_os(err, "open to sync");
	return ERR_OK;
}

enum err_code
dir_synced(int failed, struct err *err)
{
	if (!failed || failed == EINVAL || failed == EROFS)
		return ERR_OK;
	errno = failed;
	return err_os(err, "sync directory");
}

enum err_code
dir_sync_end(int fd, struct err *err)
{
	return dir_synced(fd >= 0 && fsync(fd) ? errno : 0, err);
}
