/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define READ_STEP ((size_t)65536)

void
fd_close(int *fd)
{
	/*
	 * Linux closes it whatever close() says: a retry could hit another's.
	 */
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

int
fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

enum err_code
fd_write_all(int fd, struct str bytes, struct err *err)
{
	while (bytes.len) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, "write");
		bytes = str_skip(bytes, (size_t)n);
	}
	return ERR_OK;
}

enum err_code
fd_read_at(int fd, uint64_t offset, char *out, size_t max, size_t *got,
    struct err *err)
{
	size_t done = 0;

	while (done < max) {
		ssize_t n =
		    pread(fd, out + done, max - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, "read");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*got = done;
	return ERR_OK;
}

/* How many bytes to read at once; 0: out is full. */
static size_t
read_step(const struct buf *out)
{
	size_t left = out->max - out->len;

	return out->max && left < READ_STEP ? left : READ_STEP;
}

enum err_code
file_read(const char *name, struct buf *out, struct err *err)
{
	int fd CLEANUP(fd_close) = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_os(err, "open '%s'", name);
	for (;;) {
		size_t step = read_step(out);
		char beyond = 0; /* whether there is more than the limit */
		char *room = step ? buf_room(out, step) : &beyond;
		ssize_t n;

		if (!room)
			return err_set(err, buf_failed(out), "read '%s': %s",
			    name, err_text(buf_failed(out)));
		n = read(fd, room, step ? step : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, "read '%s'", name);
		if (n == 0)
			return ERR_OK;
		if (!step)
			return err_set(err, ERR_TOO_LARGE,
			    "'%s' is over %zu bytes", name, out->max);
		out->len += (size_t)n;
	}
}

enum err_code
fd_pour(int fd, struct ostream *to, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	char *at = buf_room(&b, READ_STEP);
	ssize_t n;

	if (!at)
		return err_nomem(err);
	do {
		n = read(fd, at, READ_STEP);
		if (n > 0)
			(void)ostream_write(to, str_of(at, (size_t)n));
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? err_os(err, "cannot read") : ERR_OK;
}
