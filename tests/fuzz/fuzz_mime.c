/* SPDX-License-Identifier: MIT */
/* Input: a table of content types. */
#include "fuzz.h"

#include <sys/mman.h>

#include "base/file.h"
#include "http/mime.h"

/* Whatever the table holds, a type can go into a header as it is. */
static void
check_type(struct str type)
{
	size_t i, slashes = 0;

	MUST(type.len >= 3);
	for (i = 0; i < type.len; i++) {
		slashes += type.ptr[i] == '/';
		MUST(type.ptr[i] > ' ' && type.ptr[i] < 0x7f);
		MUST(!strchr("\"(),:;<=>?@[\\]{}", type.ptr[i]));
	}
	MUST(slashes == 1);
}

/* Each word of the input as an extension, in both cases. */
static void
check_words(const struct mime *m, struct str input)
{
	struct str word;

	while (str_cut(&input, ' ', &word)) {
		struct buf b CLEANUP(buf_done) = { 0 };
		struct str type;
		size_t i;

		BUF_LIT(&b, "name.");
		buf_put(&b, word);
		type = mime_type(m, buf_str(&b));
		check_type(type);
		for (i = 0; i < b.len; i++)
			b.ptr[i] = ascii_lower(b.ptr[i]);
		MUST(str_eq(mime_type(m, buf_str(&b)), type));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd CLEANUP(fd_close) = memfd_create("mime.types", MFD_CLOEXEC);
	struct str input = fuzz_str(data, size);
	struct mime *m = NULL;
	char name[64];

	MUST(fd >= 0 && !fd_write_all(fd, input, NULL));
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	MUST(!mime_open(name, &m, NULL));
	check_words(m, input);
	mime_free(m);
	return 0;
}
