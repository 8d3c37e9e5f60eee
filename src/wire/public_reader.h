/* SPDX-License-Identifier: MIT */
/* What reads for the program: shared by the public reader and converter. */
#ifndef SHEAF_WIRE_PUBLIC_READER_H
#define SHEAF_WIRE_PUBLIC_READER_H

#include "outcome/sink.h"
#include "sheaf/reader.h"

/*
 * As sheaf_reader_new(), and every outcome also goes into `also`, which is not
 * ended; NULL for none.
 */
enum sheaf_result public_reader_new(const struct sheaf_reader_options *options,
    sheaf_item_fn *item, void *arg, struct sink *also,
    struct sheaf_reader **out) MUST_USE;

/* Reads fd to its end, and ends the reader; as sheaf_read_fd(). */
enum sheaf_result public_read_fd(
    struct sheaf_reader *r, int fd, struct sheaf_answer **out) MUST_USE;

#endif
