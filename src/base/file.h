/* SPDX-License-Identifier: MIT */
/* File descriptors: whole reads and writes, and cleanup. */
#ifndef SHEAF_BASE_FILE_H
#define SHEAF_BASE_FILE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/ostream.h"
#include "base/str.h"

/* For CLEANUP(): closes *fd unless it is negative, and makes it -1. */
void fd_close(int *fd);

/* Hands a descriptor over: returns *fd and makes it -1. */
int fd_take(int *fd);

/* Writes all of bytes at the descriptor's position. */
enum err_code fd_write_all(int fd, struct str bytes, struct err *err) MUST_USE;

/*
 * Reads up to max bytes from offset; *got is less than max only at the end of
 * the file.
 */
enum err_code fd_read_at(int fd, uint64_t offset, char *out, size_t max,
    size_t *got, struct err *err) MUST_USE;

/* Appends a whole file to out; ERR_TOO_LARGE past out->max. */
enum err_code
file_read(const char *name, struct buf *out, struct err *err) MUST_USE;

/*
 * Reads fd to its end and writes all of it to `to`.  Fails where fd cannot be
 * read.  A failure of `to` sticks to it and is not returned: the rest is read
 * all the same, so that whoever writes into a pipe is not stopped.
 */
enum err_code fd_pour(int fd, struct ostream *to, struct err *err) MUST_USE;

#endif
