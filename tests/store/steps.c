/* SPDX-License-Identifier: MIT */
#include "store/steps.h"

#include <sys/stat.h>
#include <unistd.h>

#include "store/state.h"

unsigned steps_left;
unsigned syncs_made;

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

/* A process that dies takes nothing along that was not synced. */
#define STEP_SYNC(name)            \
	int __wrap_##name(int fd); \
	int __wrap_##name(int fd)  \
	{                          \
		(void)fd;          \
		step();            \
		syncs_made++;      \
		return 0;          \
	}

STEP_SYNC(fsync)
STEP_SYNC(fdatasync)
STEP_SYNC(syncfs)
STEP(int, ftruncate, (int fd, off_t size), (fd, size))
STEP(int, fchmod, (int fd, mode_t mode), (fd, mode))
STEP(int, futimens, (int fd, const struct timespec t[2]), (fd, t))
STEP(int, mkdirat, (int dir, const char *name, mode_t mode), (dir, name, mode))
STEP(int, unlinkat, (int dir, const char *name, int flags), (dir, name, flags))
STEP(int, linkat,
    (int from, const char *name, int to, const char *new, int flags),
    (from, name, to, new, flags))
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
    (struct state * s, const struct change *const *c, size_t n,
	uint64_t *intents, struct err *err),
    (s, c, n, intents, err))
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
