/* SPDX-License-Identifier: MIT */
/*
 * What the kernel tells of changes: inotify, and the table of mounts.
 *
 * An event is in the queue before the system call that made the change returns.
 * So whoever empties the queue knows of all changes that anybody can claim to
 * have made.
 *
 * Each watch tells of one event and is gone with it: there are never more
 * events than watches, however busy a file is, and watching a file costs those
 * who use it nothing more.  No inode has two watches of one set.  Nothing here
 * locks: the caller does.
 */
#ifndef SHEAF_STORE_DIR_WATCH_H
#define SHEAF_STORE_DIR_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/attr.h"

/* What a watch is for: `of` is whose it is, index which of its members. */
struct watched {
	int wd; /* 0: a free slot */
	uint32_t index;
	void *of;
};

/* All zero but fd (-1) is none. */
struct watch_set {
	int fd;
	struct watched *slots;
	size_t size, n;
};

/* false: the system gives none. */
bool watch_set_open(struct watch_set *s) MUST_USE;
void watch_set_done(struct watch_set *s);

/*
 * Watches what is open as fd.  Returns the watch; or -1: the inode has one
 * already, it is not allowed, or there is no room.
 */
int
watch_add(struct watch_set *s, int fd, uint32_t mask, void *of, uint32_t index);

/* What is known of a watch; NULL: it is gone. */
struct watched *watch_find(const struct watch_set *s, int wd);

/* The same without a table: the watch in the inotify set, or -1. */
int watch_open(int set, int fd, uint32_t mask);

/*
 * Whether nobody has the file open for writing, or mapped.  It takes a lease
 * and gives it back: whoever wants to write waits for that moment.  The kernel
 * would tell us of them by a signal, by default one that ends the process; we
 * choose one that does nothing.
 */
bool watch_nobody_writes(int fd);

/*
 * Whether a watch would do harm: it holds the inode, and so what is in an
 * encrypted collection would stay readable, for all, when its key is removed.
 */
bool watch_keeps_open(const struct statx *stx);

/* Whether every change to this file system is made through this kernel. */
bool watch_is_local(int fd);

/*
 * Whether it is a subvolume of Btrfs, which may be deleted with all that is in
 * it, mounted or not, and no watch of it, or of what is in it, tells.
 */
bool watch_may_miss_its_end(int fd);

/* Removes the watch, if it is still there. */
void watch_remove(struct watch_set *s, int wd);

/*
 * Takes every event from the queue, and each watch of which it tells.  false:
 * events were lost.
 */
bool watch_read(struct watch_set *s,
    void (*event)(void *arg, const struct watched *w), void *arg) MUST_USE;

/* How many watches the user may have in all; 0: not known. */
unsigned long watch_limit(void);

/* The table of mounts, to be polled for POLLPRI; -1: it cannot be had. */
int mounts_open(void);

#endif
