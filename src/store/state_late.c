/* SPDX-License-Identifier: MIT */
/*
 * Lines of the journal without a transaction.
 *
 * Most changes leave the state nothing to do but to write their line, and for
 * that a transaction is most of what they cost.  So their lines are written
 * into a file beside the database, each into a slot of its own, by one write;
 * the next transaction, whoever's it is, moves them into the journal before it
 * does anything else, and so the order of all lines is that of the changes.  A
 * process that dies leaves them where the next start finds them.
 *
 * Lines are numbered, and line n is in slot n modulo SLOTS.  The database says
 * up to which number they were moved: what has a higher number, and a good
 * checksum, is still to be moved.  A slot is used again when what it had is in
 * the journal for good.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/state_impl.h"

#define LATE_NAME "state.late"
#define SLOTS UINT64_C(2048)
#define MANY (SLOTS / 2) /* they are moved before there is no room */
#define AT_ONCE ((size_t)16) /* that are read */
#define TEXT_MAX ((size_t)224)

struct slot {
	uint64_t number;
	uint64_t check; /* of the whole line, but for this */
	uint32_t kind;
	uint16_t path, other; /* bytes of text */
	uint64_t unused;
	char text[TEXT_MAX];
};

#define SLOT_SIZE (sizeof(struct slot))

/* ---- slots */

static size_t
slot_used(const struct slot *l)
{
	return offsetof(struct slot, text) + l->path + l->other;
}

/* FNV-1a. */
static uint64_t
checksum(const struct slot *l)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ l->number;
	const unsigned char *at = (const unsigned char *)&l->kind;
	const unsigned char *end = (const unsigned char *)l + slot_used(l);

	while (at < end)
		h = (h ^ *at++) * UINT64_C(0x100000001b3);
	return h;
}

static bool
slot_is_good(const struct slot *l)
{
	return l->number && (size_t)l->path + l->other <= TEXT_MAX &&
	    l->check == checksum(l);
}

static off_t
slot_at(uint64_t number)
{
	return (off_t)(number % SLOTS * SLOT_SIZE);
}

static bool
slot_fill(struct slot *l, const struct change *change)
{
	struct str path = change->path.s;
	struct str other = { 0 };

	if (change->kind == CHANGE_MOVE)
		other = change->to.s;
	if (path.len > TEXT_MAX || other.len > TEXT_MAX - path.len)
		return false;
	l->kind = (uint32_t)change->kind;
	l->path = (uint16_t)path.len;
	l->other = (uint16_t)other.len;
	l->unused = 0;
	memcpy(l->text, path.ptr, path.len);
	if (other.len)
		memcpy(l->text + path.len, other.ptr, other.len);
	return true;
}

/* ---- writing */

static bool
has_room(const struct late *l)
{
	return l->sync.fd >= 0 && !l->broken && l->last - l->free < SLOTS;
}

uint64_t
late_add(struct state *s, const struct change *change)
{
	struct late *l = &s->late;
	struct slot line;
	uint64_t number = 0;
	bool many = false;

	if (!slot_fill(&line, change))
		return 0;
	(void)pthread_mutex_lock(&l->lock);
	if (has_room(l)) {
		size_t n = slot_used(&line);

		line.number = l->last + 1;
		line.check = checksum(&line);
		if (pwrite(l->sync.fd, &line, n, slot_at(line.number)) ==
		    (ssize_t)n)
			number = ++l->last;
		many = number && l->last - l->free == MANY;
	}
	(void)pthread_mutex_unlock(&l->lock);
	if (many)
		tidy_wake(s);
	return number;
}

/* After a failure nobody knows what the disk has. */
static enum err_code
sync_now(struct state *s, uint64_t *upto, struct err *err)
{
	struct late *l = &s->late;
	enum err_code rc;
	bool failed;

	(void)pthread_mutex_lock(&l->lock);
	*upto = l->last;
	failed = l->broken;
	(void)pthread_mutex_unlock(&l->lock);
	if (failed)
		return err_set(
		    err, l->sync.failed, "%s could not be synced", LATE_NAME);
	if (!fdatasync(l->sync.fd))
		return ERR_OK;
	rc = err_os(err, "sync '%s'", LATE_NAME);
	(void)pthread_mutex_lock(&l->lock);
	l->broken = true;
	(void)pthread_mutex_unlock(&l->lock);
	return rc;
}

enum err_code
late_sync(struct state *s, uint64_t number, struct err *err)
{
	return s->relaxed ? ERR_OK : sync_wait(s, &s->late.sync, number, err);
}

bool
late_any(struct state *s)
{
	bool any;

	(void)pthread_mutex_lock(&s->late.lock);
	any = s->late.last > s->late.moved;
	(void)pthread_mutex_unlock(&s->late.lock);
	return any;
}

/* ---- moving */

static enum err_code
move_line(struct db *c, const struct slot *l, struct err *err)
{
	const struct str other = str_of(l->text + l->path, l->other);

	return journal_line(c, (int)l->kind, str_of(l->text, l->path),
	    l->other ? &other : NULL, err);
}

/* What a power cut has left out is passed over. */
static enum err_code
move_some(struct tx *t, uint64_t number, size_t n, struct err *err)
{
	struct slot some[AT_ONCE];
	size_t got, i;
	enum err_code rc = fd_read_at(t->s->late.sync.fd,
	    (uint64_t)slot_at(number), (char *)some, n * SLOT_SIZE, &got, err);

	for (i = 0; i < n && !rc; i++)
		if ((i + 1) * SLOT_SIZE <= got &&
		    some[i].number == number + i && slot_is_good(&some[i]))
			rc = move_line(t->c, &some[i], err);
	return rc;
}

static enum err_code
set_moved(struct db *c, uint64_t number, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LATE_SET_MOVED, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)number);
	if (!result)
		result = sqlite3_step(stmt);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

enum err_code
late_move(struct tx *t, struct err *err)
{
	struct late *l = &t->s->late;
	enum err_code rc = ERR_OK;
	uint64_t number, last;

	(void)pthread_mutex_lock(&l->lock);
	number = l->moved + 1;
	last = l->last;
	(void)pthread_mutex_unlock(&l->lock);
	t->moved = last;
	if (number > last)
		return ERR_OK;
	while (number <= last && !rc) {
		size_t n = (size_t)(SLOTS - number % SLOTS);

		if (n > last - number + 1)
			n = (size_t)(last - number + 1);
		if (n > AT_ONCE)
			n = AT_ONCE;
		rc = move_some(t, number, n, err);
		number += n;
	}
	return rc ? rc : set_moved(t->c, last, err);
}

void
late_moved(struct tx *t)
{
	struct late *l = &t->s->late;

	(void)pthread_mutex_lock(&l->lock);
	l->moved = t->moved;
	(void)pthread_mutex_unlock(&l->lock);
}

void
late_free(struct tx *t)
{
	struct late *l = &t->s->late;

	(void)pthread_mutex_lock(&l->lock);
	if (l->free < t->moved)
		l->free = t->moved;
	if (l->free == l->last)
		l->broken = false;
	(void)pthread_mutex_unlock(&l->lock);
}

enum err_code
late_why(struct state *s, enum err_code rc, struct err *err)
{
	struct late *l = &s->late;
	enum err_code why = ERR_OK;
	bool broken;

	(void)pthread_mutex_lock(&l->lock);
	broken = l->broken;
	(void)pthread_mutex_unlock(&l->lock);
	if ((rc != ERR_IO && rc != ERR_NO_SPACE) || !broken)
		return rc;
	(void)pthread_mutex_lock(&l->sync.lock);
	why = l->sync.failed;
	(void)pthread_mutex_unlock(&l->sync.lock);
	return why ? err_set(err, why, "sync the journal") : rc;
}

/* ---- life */

void
late_init(struct state *s)
{
	(void)pthread_mutex_init(&s->late.lock, NULL);
	shared_sync_init(&s->late.sync, sync_now);
}

static enum err_code
read_moved(struct state *s, uint64_t *out, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = writer_lock(s);
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LATE_MOVED, &stmt, err);

	if (rc)
		return rc;
	if (sqlite3_step(stmt) != SQLITE_ROW)
		return db_failed(c, sqlite3_errcode(c->db), err);
	*out = (uint64_t)sqlite3_column_int64(stmt, 0);
	return ERR_OK;
}

/* The highest number among the slots, or that which was moved. */
static enum err_code
find_last(struct late *l, struct err *err)
{
	struct slot some[AT_ONCE];
	uint64_t at;

	for (at = 0; at < SLOTS; at += AT_ONCE) {
		size_t got, i;
		enum err_code rc = fd_read_at(l->sync.fd, (uint64_t)slot_at(at),
		    (char *)some, sizeof(some), &got, err);

		if (rc)
			return rc;
		for (i = 0; (i + 1) * SLOT_SIZE <= got; i++)
			if (some[i].number > l->last && slot_is_good(&some[i]))
				l->last = some[i].number;
		if (got < sizeof(some))
			break;
	}
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
	(void)posix_fallocate(fd, 0, (off_t)(SLOTS * SLOT_SIZE));
	return spec->relaxed || !fsync(fd)
	    ? ERR_OK
	    : err_os(err, "sync '%s'", LATE_NAME);
}

enum err_code
late_open(struct state *s, struct err *err)
{
	struct late *l = &s->late;
	struct tx t;
	enum err_code rc = read_moved(s, &l->moved, err);

	l->last = l->moved;
	if (!rc)
		rc = find_last(l, err);
	l->free = l->moved;
	if (l->last - l->moved > SLOTS) /* it is of another database */
		l->moved = l->free = l->last - SLOTS;
	if (rc || !late_any(s))
		return rc;
	rc = tx_begin_now(s, &t, err);
	return rc ? rc : tx_end(&t, ERR_OK, true, err);
}

void
late_done(struct state *s)
{
	shared_sync_done(&s->late.sync);
	(void)pthread_mutex_destroy(&s->late.lock);
}
