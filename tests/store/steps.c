/* SPDX-License-Identifier: MIT */
#include "store/steps.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/state.h"

unsigned steps_left;
unsigned syncs_made;
unsigned sync_fails;
atomic_bool none_beside;
bool syncs_alone;
size_t syncs_at_once = SIZE_MAX;
unsigned syncs_under_way;
unsigned syncs_beside;
unsigned syncs_together;
unsigned early_names;

static void
step(void)
{
	if (steps_left && --steps_left == 0)
		_exit(STOPPED);
}

/* A call that is a step: the function behind NAME, with its ARGS. */
#define STEP(result, name, params, args)   \
	result __real_##name params;       \
	result __wrap_##name params;       \
	result __wrap_##name params        \
	{                                  \
		step();                    \
		return __real_##name args; \
	}

static int
sync_end(void)
{
	if (!sync_fails || --sync_fails)
		return 0;
	errno = EIO;
	return -1;
}

/* A process that dies takes nothing along that was not synced. */
#define STEP_SYNC(name)            \
	int __wrap_##name(int fd); \
	int __wrap_##name(int fd)  \
	{                          \
		(void)fd;          \
		step();            \
		syncs_made++;      \
		return sync_end(); \
	}

STEP_SYNC(fsync)
STEP_SYNC(syncfs)

int __wrap_fdatasync(int fd);

/* It is of the state. */
int
__wrap_fdatasync(int fd)
{
	(void)fd;
	step();
	syncs_made++;
	syncs_beside = syncs_under_way;
	return sync_end();
}

/* Those that the kernel makes side by side (dir_syncs.h) are over when it is
 * asked for them: nothing hinges on the kernel here, which may refuse them. */

static struct iocb under_way[16];

static long
setup(aio_context_t *lane)
{
	if (syncs_alone) {
		errno = EPERM;
		return -1;
	}
	*lane = 1;
	return 0;
}

static long
submit(size_t n, struct iocb *const *asked)
{
	size_t i;

	step();
	if (n > syncs_at_once)
		n = syncs_at_once;
	if (!n) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < n; i++)
		under_way[i] = *asked[i];
	syncs_under_way = (unsigned)n;
	if (n > syncs_together)
		syncs_together = (unsigned)n;
	return (long)n;
}

static long
get_events(struct io_event *over)
{
	long n = (long)syncs_under_way;
	long i;

	for (i = 0; i < n; i++) {
		step();
		syncs_made++;
		syncs_under_way--;
		over[i] = (struct io_event){
			.data = under_way[i].aio_data,
			.res = sync_end() ? -errno : 0,
		};
	}
	return n;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long
__wrap_syscall(long number, ...)
{
	long a[6];
	va_list args;
	long i;

	va_start(args, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	switch (number) {
	case SYS_io_setup:
		return setup((aio_context_t *)a[1]);
	case SYS_io_submit:
		return submit((size_t)a[1], (struct iocb *const *)a[2]);
	case SYS_io_getevents:
		return get_events((struct io_event *)a[3]);
	case SYS_io_destroy:
		return 0;
	default:
		return __real_syscall(
		    number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

STEP(int, ftruncate, (int fd, off_t size), (fd, size))
STEP(int, fchmod, (int fd, mode_t mode), (fd, mode))
STEP(int, futimens, (int fd, const struct timespec t[2]), (fd, t))
STEP(int, mkdirat, (int dir, const char *name, mode_t mode), (dir, name, mode))
STEP(int, unlinkat, (int dir, const char *name, int flags), (dir, name, flags))

int
__real_linkat(int from, const char *name, int to, const char *new, int flags);
int
__wrap_linkat(int from, const char *name, int to, const char *new, int flags);

int
__wrap_linkat(int from, const char *name, int to, const char *new, int flags)
{
	step();
	early_names += syncs_under_way > 0;
	return __real_linkat(from, name, to, new, flags);
}

STEP(int, renameat, (int from, const char *name, int to, const char *new),
    (from, name, to, new))
STEP(int, renameat2,
    (int from, const char *name, int to, const char *new, unsigned flags),
    (from, name, to, new, flags))
STEP(enum err_code, state_change_begin,
    (struct state * s, const struct change *c, bool wait, uint64_t *intent,
	struct err *err),
    (s, c, wait, intent, err))
STEP(enum err_code, state_changes_begin,
    (struct state * s, const struct change *const *c, size_t n, bool wait,
	uint64_t *intents, struct err *err),
    (s, c, n, wait, intents, err))
STEP(enum err_code, state_changes_write,
    (struct state * s, const struct change *const *c, size_t n,
	uint64_t *number, uint64_t *intents, struct err *err),
    (s, c, n, number, intents, err))
STEP(enum err_code, state_patch,
    (struct state * s, const struct change *c,
	const struct prop_change *changes, size_t n, bool wait,
	uint64_t *intent, uint64_t *number, struct err *err),
    (s, c, changes, n, wait, intent, number, err))
STEP(enum err_code, state_copy,
    (struct state * s, const struct change *c, bool wait, uint64_t *intent,
	struct err *err),
    (s, c, wait, intent, err))
STEP(enum err_code, state_say,
    (struct state * s, struct rpath path, uint64_t *seq, struct err *err),
    (s, path, seq, err))
STEP(enum err_code, state_settle,
    (struct state * s, const struct settled *d, struct err *err), (s, d, err))
STEP(enum err_code, state_remember,
    (struct state * s, const struct record *r, struct str result,
	uint64_t *waits, struct err *err),
    (s, r, result, waits, err))
STEP(enum err_code, state_drop,
    (struct state * s, const struct resource_id *ids, size_t n,
	struct err *err),
    (s, ids, n, err))

void __real_state_change_end(struct state *s, uint64_t intent, bool in_place);
void __wrap_state_change_end(struct state *s, uint64_t intent, bool in_place);

void
__wrap_state_change_end(struct state *s, uint64_t intent, bool in_place)
{
	step();
	__real_state_change_end(s, intent, in_place);
	step();
}

struct tx;

enum err_code
__real_tx_begin_now(struct state *s, struct tx *t, struct err *err);
enum err_code
__wrap_tx_begin_now(struct state *s, struct tx *t, struct err *err);

/* By this name it is that of the thread that tidies, and of a start. */
enum err_code
__wrap_tx_begin_now(struct state *s, struct tx *t, struct err *err)
{
	return none_beside ? err_set(err, ERR_IO, "none now")
			   : __real_tx_begin_now(s, t, err);
}
