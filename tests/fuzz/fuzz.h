/* SPDX-License-Identifier: MIT */
/*
 * What every fuzz target includes.  A target is one file, fuzz_NAME.c, with an
 * LLVMFuzzerTestOneInput() that asserts what must be true of any input, and
 * not merely survives it.
 */
#ifndef SHEAF_TESTS_FUZZ_H
#define SHEAF_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "http/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property; unlike assert() it cannot be compiled out. */
#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			(void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, \
			    __LINE__, #condition);                             \
			abort();                                               \
		}                                                              \
	} while (0)

/* An input that is taken apart; at its end there are zeros. */
struct fuzz_input {
	const uint8_t *data;
	size_t left;
};

static inline unsigned
fuzz_take(struct fuzz_input *in, unsigned below)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++ % below;
}

static inline struct str
fuzz_str(const uint8_t *data, size_t size)
{
	return str_of((const char *)data, size);
}

/* Bytes as they come, fewer than below. */
static inline struct str
fuzz_take_bytes(struct fuzz_input *in, unsigned below)
{
	size_t n = fuzz_take(in, below);
	struct str s;

	if (n > in->left)
		n = in->left;
	s = fuzz_str(in->data, n);
	in->data += n;
	in->left -= n;
	return s;
}

/* Takes the first line off the input; empty when there is none. */
static inline struct str
fuzz_line(struct str *input)
{
	struct str line;

	return str_cut(input, '\n', &line) ? line : STR("");
}

/*
 * Takes the lines "Name: value" up to an empty one off the input, as a server
 * would hand them on: no more than max of them.
 */
static inline struct headers
fuzz_headers(struct str *input, struct header *fields, size_t max)
{
	struct headers h = { .v = fields, .n = 0 };
	struct str line;

	while (h.n < max && (line = fuzz_line(input)).len) {
		size_t colon = str_find(line, ':');

		fields[h.n++] = (struct header){ str_head(line, colon),
			str_trim(str_skip(line, colon + 1)) };
	}
	return h;
}

#endif
