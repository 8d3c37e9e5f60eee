/* SPDX-License-Identifier: MIT */
/* What the files of recorder.so share. */
#ifndef SHEAF_TESTS_CRASH_RECORDER_H
#define SHEAF_TESTS_CRASH_RECORDER_H

#include <dlfcn.h>
#include <linux/aio_abi.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define NEXT(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

enum kind {
	KIND_ROOT = 1,
	KIND_MAKE, /* a file: name in a is c */
	KIND_MKDIR,
	KIND_REMOVE,
	KIND_RENAME, /* name in a is now to in b; it is c; d was there */
	KIND_EXCHANGE,
	KIND_WRITE,
	KIND_SIZE,
	KIND_TIME,
	KIND_SYNC,
	KIND_SYNC_ALL,
};

struct id {
	uint64_t ino, born;
};

struct record {
	uint32_t size; /* of all of it */
	uint32_t kind;
	struct id a, b, c, d;
	int64_t at; /* an offset, a size; of a sync: the log's when it began */
	int64_t modified; /* of c, afterwards */
	uint32_t name, to, bytes; /* lengths of what follows */
	uint32_t unused;
};

/* The log; -1: nothing is recorded. */
extern int out;

int64_t log_size(void);

/* What name in dir is; all zero where there is nothing. */
struct id id_at(int dir, const char *name, int64_t *modified);

/* Around a change and its record. */
void step_begin(void);
void step_end(int errnum);

void put(struct record r, const char *name, const char *to, const void *bytes,
    size_t n);

/* Those that the kernel makes side by side, until it is asked for them. */
void syncs_begin(struct iocb *const *asked, size_t n);
void syncs_end(const struct io_event *over, size_t n);

#endif
