/* SPDX-License-Identifier: MIT */
#include "store/dir_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define FIRST_SIZE 256 /* slots; a power of two */
#define READ_SIZE 4096

bool
watch_set_open(struct watch_set *s)
{
	s->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return s->fd >= 0;
}

void
watch_set_done(struct watch_set *s)
{
	fd_close(&s->fd);
	free(s->slots);
	s->slots = NULL;
	s->size = s->n = 0;
}

/* ---- the table: open addressing, never more than three quarters full */

static size_t
slot_of(const struct watch_set *s, int wd)
{
	size_t i = ((unsigned)wd * UINT32_C(0x9e3779b1)) & (s->size - 1);

	while (s->slots[i].wd && s->slots[i].wd != wd)
		i = (i + 1) & (s->size - 1);
	return i;
}

static bool
make_room(struct watch_set *s)
{
	struct watch_set larger = { 0 };
	size_t i;

	if (s->n < s->size / 4 * 3)
		return true;
	larger.size = s->size ? s->size * 2 : FIRST_SIZE;
	larger.slots = calloc(larger.size, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (i = 0; i < s->size; i++)
		if (s->slots[i].wd)
			larger.slots[slot_of(&larger, s->slots[i].wd)] =
			    s->slots[i];
	free(s->slots);
	s->slots = larger.slots;
	s->size = larger.size;
	return true;
}

static void
slot_clear(struct watch_set *s, size_t i)
{
	size_t next = i;

	s->n--;
	s->slots[i].wd = 0;
	/* Those behind it may have their place before it. */
	for (;;) {
		struct watched moved;

		next = (next + 1) & (s->size - 1);
		moved = s->slots[next];
		if (!moved.wd)
			return;
		s->slots[next].wd = 0;
		s->slots[slot_of(s, moved.wd)] = moved;
	}
}

/* ---- watches */

int
watch_open(int set, int fd, uint32_t mask)
{
	char name[32]; /* not a path, which may lead elsewhere meanwhile */

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return inotify_add_watch(set, name, mask);
}

int
watch_add(struct watch_set *s, int fd, uint32_t mask, void *of, uint32_t index)
{
	int wd;

	if (!make_room(s))
		return -1;
	wd = watch_open(s->fd, fd, mask | IN_ONESHOT | IN_MASK_CREATE);
	if (wd <= 0)
		return -1;
	s->slots[slot_of(s, wd)] =
	    (struct watched){ .wd = wd, .index = index, .of = of };
	s->n++;
	return wd;
}

struct watched *
watch_find(const struct watch_set *s, int wd)
{
	struct watched *w = s->size ? &s->slots[slot_of(s, wd)] : NULL;

	return w && w->wd ? w : NULL;
}

/* Takes it out of the table; wd 0: it is not there. */
static struct watched
take(struct watch_set *s, int wd)
{
	struct watched w = { 0 };
	size_t i;

	if (!s->size || wd <= 0)
		return w;
	i = slot_of(s, wd);
	w = s->slots[i];
	if (w.wd)
		slot_clear(s, i);
	return w;
}

void
watch_remove(struct watch_set *s, int wd)
{
	if (take(s, wd).wd)
		(void)inotify_rm_watch(s->fd, wd);
}

bool
watch_read(struct watch_set *s,
    void (*event)(void *arg, const struct watched *w), void *arg)
{
	alignas(struct inotify_event) char bytes[READ_SIZE];
	ssize_t n;

	while ((n = read(s->fd, bytes, sizeof(bytes))) > 0) {
		const char *at = bytes;

		while (at < bytes + n) {
			const struct inotify_event *e =
			    (const struct inotify_event *)(const void *)at;
			struct watched w;

			if (e->mask & IN_Q_OVERFLOW)
				return false;
			w = take(s, e->wd);
			if (w.wd)
				event(arg, &w);
			at += sizeof(*e) + e->len;
		}
	}
	return n == 0 || errno == EAGAIN;
}

unsigned long
watch_limit(void)
{
	struct buf text = { .max = 64 };
	unsigned long limit = 0;

	if (!file_read("/proc/sys/fs/inotify/max_user_watches", &text, NULL)) {
		buf_putc(&text, '\0');
		limit = buf_failed(&text) ? 0 : strtoul(text.ptr, NULL, 10);
	}
	buf_done(&text);
	return limit;
}

int
mounts_open(void)
{
	return open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
}

/* ---- what can be known */

bool
watch_nobody_writes(int fd)
{
	if (fcntl(fd, F_SETSIG, SIGURG) || fcntl(fd, F_SETLEASE, F_RDLCK))
		return false;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return true;
}

bool
watch_keeps_open(const struct statx *stx)
{
	return stx->stx_attributes & STATX_ATTR_ENCRYPTED;
}

bool
watch_may_miss_its_end(int fd)
{
	const uint64_t first =
	    256; /* inode of any subvolume, and of nothing else */
	struct statfs fs;
	struct stat st;

	return !fstatfs(fd, &fs) &&
	    (unsigned long)fs.f_type == BTRFS_SUPER_MAGIC && !fstat(fd, &st) &&
	    st.st_ino == first;
}

bool
watch_is_local(int fd)
{
	static const unsigned long kinds[] = {
		EXT4_SUPER_MAGIC, /* and its forerunners */
		XFS_SUPER_MAGIC,
		BTRFS_SUPER_MAGIC,
		F2FS_SUPER_MAGIC,
		TMPFS_MAGIC,
	};
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs))
		return false;
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if ((unsigned long)fs.f_type == kinds[i])
			return true;
	return false;
}
