/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without a fuzzer, over each file of the directories
 * given, so that the corpus is an ordinary test with any compiler.  Small
 * files are also run cut off at every byte, and with each byte replaced by a
 * few that mean something to parsers.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "fuzz.h"

#define SMALL 256

/* A copy of exactly that size, so that a sanitizer sees reads past its end. */
static void
run_once(struct str input)
{
	uint8_t *copy = malloc(input.len ? input.len : 1);

	MUST(copy);
	if (input.len)
		memcpy(copy, input.ptr, input.len);
	MUST(LLVMFuzzerTestOneInput(copy, input.len) == 0);
	free(copy);
}

static void
run_variants(struct buf *b)
{
	static const char bytes[] = "\0\n \"%/<>()[],;=:*-0a\x7f\xff";
	size_t i, k;

	for (i = 0; i < b->len; i++) {
		char was = b->ptr[i];

		run_once(str_head(buf_str(b), i));
		for (k = 0; k < sizeof(bytes) - 1; k++) {
			b->ptr[i] = bytes[k];
			run_once(buf_str(b));
		}
		b->ptr[i] = was;
	}
}

static void
run_file(const char *dir, const char *name)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct err err;
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (file_read(path, &b, &err)) {
		(void)fprintf(stderr, "%s\n", err.why);
		exit(1);
	}
	(void)fprintf(stderr, "%s: %zu bytes\n", path, b.len);
	run_once(buf_str(&b));
	if (b.len <= SMALL)
		run_variants(&b);
}

static int
is_seed(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int
run_dir(const char *dir)
{
	struct dirent **entries;
	int i, n = scandir(dir, &entries, is_seed, alphasort);

	for (i = 0; i < n; i++) {
		run_file(dir, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return n;
}

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (run_dir(argv[i]) <= 0) {
			(void)fprintf(stderr, "%s: no corpus\n", argv[i]);
			return 1;
		}
	}
	return argc < 2;
}
