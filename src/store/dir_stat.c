/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/dir_ready.h"

/*
 * Nanoseconds since 1970.  What is past the year 2262, or before 1677, is taken
 * for one of those.
 */
static int64_t
nanoseconds(struct statx_timestamp t)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)t.tv_sec, NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)t.tv_nsec, &ns))
		return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

static bool
is_root_device(const struct dir_store *ds, unsigned major, unsigned minor)
{
	return major == ds->dev_major && minor == ds->dev_minor;
}

bool
dir_is_on_root_device(const struct dir_store *ds, const struct statx *stx)
{
	return is_root_device(ds, stx->stx_dev_major, stx->stx_dev_minor);
}

/*
 * The id: inode and birth time.  On another file system, mounted within the
 * tree, the device goes in as well; but not the root's, whose number may be
 * another after the next start of the machine.
 */
static struct resource_id
id_of(const struct dir_store *ds, const struct fact *f)
{
	uint64_t half[2] = { f->inode, (uint64_t)f->born };
	struct resource_id id;

	if (!is_root_device(ds, f->dev_major, f->dev_minor))
		half[1] ^= (((uint64_t)f->dev_major << 32) + f->dev_minor + 1) *
		    UINT64_C(0x9e3779b97f4a7c15);
	memcpy(id.bytes, half, sizeof(id.bytes));
	return id;
}

/* Eight hexadecimal digits, one a byte, the first in the highest. */
static uint64_t
hex_digits(uint32_t n)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t d = n;
	uint64_t letters;

	d = (d | d << 16) & UINT64_C(0x0000ffff0000ffff);
	d = (d | d << 8) & UINT64_C(0x00ff00ff00ff00ff);
	d = (d | d << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	letters = (d + 6 * ones) >> 4 & ones;
	return d + '0' * ones + ('a' - '0' - 10) * letters;
}

/*
 * Writes n without leading zeros.  Up to seven bytes behind it are written as
 * well.
 */
static char *
put_hex(char *at, uint32_t n)
{
	unsigned zeros = (unsigned)__builtin_clz(n | 1) / 4;
	uint64_t text = htobe64(hex_digits(n) << 8 * zeros);

	memcpy(at, &text, sizeof(text));
	return at + 8 - zeros;
}

static char *
put_long_hex(char *at, uint64_t n)
{
	uint64_t low = htobe64(hex_digits((uint32_t)n));

	if (n <= UINT32_MAX)
		return put_hex(at, (uint32_t)n);
	at = put_hex(at, (uint32_t)(n >> 32));
	memcpy(at, &low, sizeof(low));
	return at + sizeof(low);
}

/*
 * A PUT always makes a new inode, with a time no other has; what somebody
 * changes in place shows in the time, and the birth time tells a new file from
 * an old one with its inode and a time set by hand.
 */
static void
set_etag(const struct fact *f, struct resource *out)
{
	uint64_t b = (uint64_t)f->born;
	char *at = out->etag;

	static_assert(5 + 16 + 16 + 16 + 8 <= ETAG_MAX, "four numbers");
	*at++ = '"';
	at = put_long_hex(at, f->inode);
	*at++ = '-';
	at = put_long_hex(at, f->size);
	*at++ = '-';
	at = put_long_hex(at, (uint64_t)f->modified);
	*at++ = '-';
	at = put_hex(at, (uint32_t)(b ^ b >> 32));
	*at++ = '"';
	out->etag_len = (unsigned)(at - out->etag);
}

struct resource_id
dir_id(const struct dir_store *ds, const struct statx *stx)
{
	struct fact f;

	fact_set(&f, stx);
	return id_of(ds, &f);
}

void
fact_resource(
    const struct dir_store *ds, const struct fact *f, struct resource *out)
{
	out->collection = S_ISDIR(f->mode);
	out->modified = f->modified;
	out->created = f->has_born ? f->born : f->modified;
	out->id = id_of(ds, f);
	out->has_props = state_may_have_props(ds->state, &out->id);
	out->length = 0;
	out->etag_len = 0;
	if (out->collection)
		return;
	out->length = f->size;
	set_etag(f, out);
}

void
fact_set(struct fact *f, const struct statx *stx)
{
	f->inode = stx->stx_ino;
	f->size = stx->stx_size;
	f->modified = nanoseconds(stx->stx_mtime);
	f->has_born = stx->stx_mask & STATX_BTIME;
	f->born = f->has_born ? nanoseconds(stx->stx_btime) : 0;
	f->dev_major = stx->stx_dev_major;
	f->dev_minor = stx->stx_dev_minor;
	f->mode = stx->stx_mode;
	f->failed = 0;
}

void
fact_find(int dir, const char *name, struct fact *out)
{
	struct statx stx;

	if (statx(dir, name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &stx))
		*out = (struct fact){ .failed = errno };
	else
		fact_set(out, &stx);
}

void
dir_resource(
    const struct dir_store *ds, const struct statx *stx, struct resource *out)
{
	struct fact f;

	fact_set(&f, stx);
	fact_resource(ds, &f, out);
}

enum err_code
dir_stat_fd(int fd, struct statx *out, struct err *err)
{
	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STAT_MASK, out))
		return err_os(err, "stat");
	return ERR_OK;
}

bool
dir_has_gone(int dir)
{
	struct statx stx;

	return !statx(dir, "", AT_EMPTY_PATH, STATX_NLINK, &stx) &&
	    stx.stx_nlink == 0;
}

int64_t
dir_tick(struct dir_store *ds)
{
	int64_t last = atomic_load(&ds->last_time);
	int64_t now = clock_now();
	int64_t tick;

	do
		tick = now > last ? now : last + 1;
	while (!atomic_compare_exchange_weak(&ds->last_time, &last, tick));
	return tick;
}

/* A file that is asked for often. */
static enum err_code
stat_at_once(const struct dir_store *ds, struct rpath path, bool *known,
    struct resource *out)
{
	struct ready_file *f;
	enum err_code rc = ready_hold(ds, path, &f);

	*known = f && f->whole;
	if (*known)
		fact_resource(ds, &f->fact, out);
	ready_drop(f);
	return rc;
}

enum err_code
dir_stat(
    struct store *s, struct rpath path, struct resource *out, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct look l = LOOK_NONE;
	bool known = false;
	enum err_code rc = ERR_OK;

	while (look_on(dir_of(s), &l))
		rc = stat_at_once(dir_of(s), path, &known, out);
	if (rc)
		return err_nomem(err);
	if (known)
		return ERR_OK;
	rc = place_find(dir_of(s), path, FOLLOW_YES, &p, err);
	if (!rc)
		rc = place_must_exist(&p, err);
	if (!rc)
		*out = place_resource(&p);
	return rc;
}

enum err_code
dir_props(struct store *s, const struct resource *r, struct arena *a,
    const struct prop **out, size_t *n, struct err *err)
{
	struct state *state = dir_of(s)->state;

	if (state_may_have_props(state, &r->id))
		return state_props(state, &r->id, a, out, n, err);
	*out = NULL;
	*n = 0;
	return ERR_OK;
}

enum err_code
dir_patch(struct store *s, struct rpath path, const struct prop_change *changes,
    size_t n, const struct guard *g, struct store_batch *b, struct err *err)
{
	struct dir_store *ds = dir_of(s);
	struct hold h CLEANUP(hold_done) = { 0 };
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct act act CLEANUP(act_done) = ACT(.kind = CHANGE_PROPS);
	struct resource r;
	uint64_t number = 0;
	enum err_code rc = hold_place(ds, path, FOLLOW_YES, &h, &p, err);

	if (!rc)
		rc = place_must_exist(&p, err);
	if (!rc)
		rc = place_allows(&p, TOUCH_CONTENT, NULL, g, err);
	if (rc)
		return rc;
	act.change.path = p.path;
	act_makes(&act, ds, &p.stx);
	r = place_resource(&p);
	act_remembers(&act, g, path, false, &r);
	act_props(&act, ds, b, p.dir);
	rc = state_patch(ds->state, &act.change, changes, n, !act.batch,
	    &act.intent, &number, err);
	if (!rc)
		rc = act_end(&act, err);
	hold_done(&h); /* who comes next waits for the disk beside us */
	return rc ? rc : state_wait(ds->state, number, err);
}

bool
dir_patch_is_quick(struct store *s, struct rpath path,
    const struct prop_change *changes, size_t n, bool alone)
{
	struct dir_store *ds = dir_of(s);

	return state_patch_is_quick(ds->state, path, changes, n, alone) &&
	    !claim_would_wait(ds, path, SCOPE_PATH);
}

/*
 * The file system's figures: RFC 4331 s4 lets used bytes count what others
 * keep there too, and a scan of the tree would take too long.
 */
enum err_code
dir_space(
    struct store *s, struct rpath path, struct space *out, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct statvfs vfs;
	int fd CLEANUP(fd_close) = -1;
	enum err_code rc = place_find(dir_of(s), path, FOLLOW_YES, &p, err);

	if (!rc)
		rc = place_must_exist(&p, err);
	if (rc)
		return rc;
	fd = place_open(&p, O_PATH);
	if (fd < 0 || fstatvfs(fd, &vfs))
		return err_os(err, "space at '%.*s'", STR_ARG(path.s));
	out->used = (uint64_t)(vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize;
	out->available = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return ERR_OK;
}
