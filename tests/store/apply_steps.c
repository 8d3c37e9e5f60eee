/* SPDX-License-Identifier: MIT */
#include "store/apply_steps.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/state_steps.h"

#define MAX_RENAMES ((size_t)32)

struct fault_plan plan;

struct renamed {
	int from, to;
	char was[NAME_MAX + 1], is[NAME_MAX + 1];
};

static struct renamed renamed[MAX_RENAMES];
static size_t n_renamed;

static bool
step_fails(void)
{
	if (!plan.left || --plan.left)
		return false;
	if (!plan.fails)
		_exit(STOPPED);
	errno = EIO;
	return true;
}

#define STEP(name, params, args)                               \
	int __real_##name params;                              \
	int __wrap_##name params;                              \
	int __wrap_##name params                               \
	{                                                      \
		return step_fails() ? -1 : __real_##name args; \
	}

#define STEP_SYNC(name)                       \
	int __wrap_##name(int fd);            \
	int __wrap_##name(int fd)             \
	{                                     \
		(void)fd;                     \
		return step_fails() ? -1 : 0; \
	}

STEP_SYNC(fsync)
STEP_SYNC(fdatasync)
STEP_SYNC(syncfs)
STEP(fchmod, (int fd, mode_t mode), (fd, mode))
STEP(futimens, (int fd, const struct timespec t[2]), (fd, t))
STEP(mkdirat, (int dir, const char *name, mode_t mode), (dir, name, mode))
STEP(unlinkat, (int dir, const char *name, int flags), (dir, name, flags))
STEP(linkat, (int from, const char *name, int to, const char *new, int flags),
    (from, name, to, new, flags))

int __real_renameat(int from, const char *name, int to, const char *new);
int __wrap_renameat(int from, const char *name, int to, const char *new);
int __real_renameat2(
    int from, const char *name, int to, const char *new, unsigned flags);
int __wrap_renameat2(
    int from, const char *name, int to, const char *new, unsigned flags);

static int
rename_noted(
    int from, const char *name, int to, const char *new, unsigned flags)
{
	struct renamed *r = &renamed[n_renamed];

	if (step_fails())
		return -1;
	if (__real_renameat2(from, name, to, new, flags))
		return -1;
	if (!plan.lose || !plan.begun)
		return 0;
	if (n_renamed++ == MAX_RENAMES)
		_exit(1);
	r->from = fcntl(from, F_DUPFD_CLOEXEC, 0);
	r->to = fcntl(to, F_DUPFD_CLOEXEC, 0);
	(void)snprintf(r->was, sizeof(r->was), "%s", name);
	(void)snprintf(r->is, sizeof(r->is), "%s", new);
	return 0;
}

int
__wrap_renameat(int from, const char *name, int to, const char *new)
{
	return rename_noted(from, name, to, new, 0);
}

int
__wrap_renameat2(
    int from, const char *name, int to, const char *new, unsigned flags)
{
	return rename_noted(from, name, to, new, flags);
}

/* As if only some of them had come to the disk, of those that could. */
static void
lose_renames(void)
{
	size_t i;

	for (i = n_renamed; i-- > 0;) {
		const struct renamed *r = &renamed[i];

		if (__real_renameat2(r->to, r->is, r->from, r->was, 0))
			_exit(1);
	}
	for (i = 0; i < n_renamed; i++) {
		const struct renamed *r = &renamed[i];

		if (plan.kept >> i & 1)
			(void)__real_renameat2(
			    r->from, r->was, r->to, r->is, RENAME_NOREPLACE);
	}
	_exit(STOPPED);
}

#define STEP_STATE(name, params, args)                               \
	enum err_code __real_##name params;                          \
	enum err_code __wrap_##name params;                          \
	enum err_code __wrap_##name params                           \
	{                                                            \
		if (step_fails())                                    \
			return err_set(err, ERR_IO, "told to fail"); \
		return __real_##name args;                           \
	}

STEP_STATE(state_steps_end,
    (struct state * s, uint64_t number, const struct step *steps, size_t n,
	struct err *err),
    (s, number, steps, n, err))

enum err_code __real_state_steps_begin(struct state *s,
    const struct step *steps, size_t n, const struct change *lines,
    size_t n_lines, uint64_t *number, struct err *err);
enum err_code __wrap_state_steps_begin(struct state *s,
    const struct step *steps, size_t n, const struct change *lines,
    size_t n_lines, uint64_t *number, struct err *err);

enum err_code
__wrap_state_steps_begin(struct state *s, const struct step *steps, size_t n,
    const struct change *lines, size_t n_lines, uint64_t *number,
    struct err *err)
{
	enum err_code rc;

	if (step_fails())
		return err_set(err, ERR_IO, "told to fail");
	rc = __real_state_steps_begin(s, steps, n, lines, n_lines, number, err);
	plan.begun = true;
	return rc;
}

enum err_code __real_state_steps_take(struct state *s, uint64_t number,
    const struct step *steps, size_t n, struct err *err);
enum err_code __wrap_state_steps_take(struct state *s, uint64_t number,
    const struct step *steps, size_t n, struct err *err);

enum err_code
__wrap_state_steps_take(struct state *s, uint64_t number,
    const struct step *steps, size_t n, struct err *err)
{
	enum err_code rc;

	if (plan.lose)
		lose_renames();
	if (step_fails())
		return err_set(err, ERR_IO, "told to fail");
	rc = __real_state_steps_take(s, number, steps, n, err);
	if (plan.left && !plan.fails)
		(void)step_fails();
	return rc;
}
