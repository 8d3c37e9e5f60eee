/* SPDX-License-Identifier: MIT */
/*
 * The lines in slots that a start finds, or somebody who looks beside a server;
 * see state_late.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/state_impl.h"

#define AT_ONCE JOURNAL_SOME /* that are read */
/* By another process, while a line is being written. */
#define LOOK_FOR NSEC_PER_SEC
#define LOOK_EVERY 1000 /* us */

/*
 * The highest number among the slots, or that which was moved.  *gaps: there is
 * no line for some number in between.
 */
static enum err_code
find_last(struct late *l, bool *gaps, struct err *err)
{
	struct slot some[AT_ONCE];
	uint64_t n = 0;
	uint64_t at;

	l->last = l->moved;
	for (at = 0; at < LATE_SLOTS; at += AT_ONCE) {
		size_t got, i;
		enum err_code rc = fd_read_at(l->sync.fd, at * SLOT_SIZE,
		    (char *)some, sizeof(some), &got, err);

		if (rc)
			return rc;
		for (i = 0; (i + 1) * SLOT_SIZE <= got; i++) {
			if (some[i].number <= l->moved ||
			    !slot_is_good(&some[i]))
				continue;
			n++;
			if (some[i].number > l->last)
				l->last = some[i].number;
		}
		if (got < sizeof(some))
			break;
	}
	*gaps = n < l->last - l->moved;
	return ERR_OK;
}

/* The room is best effort: who finds none writes his line himself. */
enum err_code
late_make(struct state *s, const struct state_spec *spec, struct err *err)
{
	int fd = openat(spec->dir, LATE_NAME,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	s->late.sync.fd = fd;
	if (fd < 0)
		return err_os(err, "open '%s'", LATE_NAME);
	(void)posix_fallocate(fd, 0, (off_t)(LATE_SLOTS * SLOT_SIZE));
	return spec->relaxed || !fsync(fd)
	    ? ERR_OK
	    : err_os(err, "sync '%s'", LATE_NAME);
}

/* Up to the last that there is now. */
static enum err_code
move_found(struct state *s, struct err *err)
{
	struct late *l = &s->late;
	struct tx t;
	enum err_code rc;

	l->free = l->moved;
	if (l->last - l->moved > LATE_SLOTS) /* it is of another database */
		l->moved = l->free = l->last - LATE_SLOTS;
	if (!late_any(s))
		return ERR_OK;
	rc = tx_begin_now(s, &t, err);
	return rc ? rc : tx_end(&t, ERR_OK, true, err);
}

/* A line that is missing was cut off with its process. */
enum err_code
late_open(struct state *s, struct err *err)
{
	struct late *l = &s->late;
	bool gaps;
	enum err_code rc = journal_moved(&s->writer, &l->moved, err);

	if (!rc)
		rc = find_last(l, &gaps, err);
	return rc ? rc : move_found(s, err);
}

/*
 * Beside a server a line that is missing may be on its way, and comes in a
 * moment; where it could not be written a transaction comes instead.
 */
enum err_code
late_look(struct state *s, const char *file, bool (*served)(const void *arg),
    const void *arg, struct err *err)
{
	const int64_t until = clock_monotonic() + LOOK_FOR;
	struct late *l = &s->late;
	enum err_code rc;
	bool gaps, first = true;

	l->sync.fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (l->sync.fd < 0)
		return errno == ENOENT ? ERR_OK
				       : err_os(err, "open '%s'", file);
	do {
		if (!first)
			(void)usleep(LOOK_EVERY);
		first = false;
		rc = journal_moved(&s->writer, &l->moved, err);
		if (!rc)
			rc = find_last(l, &gaps, err);
		gaps = !rc && gaps && served(arg);
	} while (gaps && clock_monotonic() < until);
	if (gaps)
		rc = err_set(err, ERR_BUSY,
		    "a line that the server began is not there after a second;"
		    " is it stopped? '%s'",
		    file);
	return rc ? rc : move_found(s, err);
}
