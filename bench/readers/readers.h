/* SPDX-License-Identifier: MIT */
/*
 * The same job for several readers of a 207: collect of each item its href, its
 * status, and its propstats with the names and values of their properties, and
 * hand the item on.  Here it is only counted, so that all can be compared.
 */
#ifndef SHEAF_BENCH_READERS_H
#define SHEAF_BENCH_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A document of any length, made of one piece that is given again and again. */
struct source {
	const char *head, *piece, *tail;
	size_t head_len, piece_len, tail_len;
	uint64_t repeats; /* of the piece */
	uint64_t done;
	size_t at; /* in the piece */
	int part; /* 0: the head comes next, 1: the pieces, 2: the tail */
};

#define SOURCE_STEP ((size_t)16 * 1024)

/* The next bytes, at most SOURCE_STEP; *n is 0 at the end. */
const char *source_next(struct source *s, size_t *n);

/* What was read: every reader has to come to the same. */
struct counts {
	uint64_t items;
	uint64_t failed; /* items with a status of their own, of 400 or more */
	uint64_t propstats;
	uint64_t props;
	uint64_t bytes; /* of hrefs, and of values that are text */
};

/* Text that is put together of pieces; long ones are cut, none here is. */
struct text {
	char at[4096];
	size_t len;
};

void text_add(struct text *t, const char *bytes, size_t n);

/* The number in "HTTP/1.1 423 Locked". */
unsigned status_number(const struct text *t);

/* False where it could not be read. */
typedef bool reader_fn(struct source *s, struct counts *c);

reader_fn read_sheaf, read_neon, read_libxml_sax, read_libxml_reader;
reader_fn read_yajl, read_jansson;

#endif
