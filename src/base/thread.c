/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/*
 * The processors that the program may use are those of its main thread, which
 * is never bound.  False where there are more than a cpu_set_t can name.
 */
static bool
processors(cpu_set_t *may)
{
	return !sched_getaffinity(getpid(), sizeof(*may), may);
}

unsigned
thread_processors(void)
{
	cpu_set_t may;
	long n;

	if (processors(&may))
		return (unsigned)CPU_COUNT(&may);
	n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : (unsigned)n;
}

void
thread_name(const char *name)
{
	(void)prctl(PR_SET_NAME, name);
}

#ifdef __GLIBC__ /* else a thread can only start where its maker may run */

void
thread_stay(pid_t t, unsigned i, unsigned n)
{
	cpu_set_t may, own;

	CPU_ZERO(&own);
	if (!processors(&may))
		return;
	for (; i < CPU_SETSIZE; i += n)
		if (CPU_ISSET(i, &may))
			CPU_SET(i, &own);
	if (CPU_COUNT(&own))
		(void)sched_setaffinity(t, sizeof(own), &own);
}

void
thread_roam(void)
{
	cpu_set_t may;

	if (processors(&may))
		(void)sched_setaffinity(0, sizeof(may), &may);
}

/*
 * Lets all threads run on all of these, but for the main thread: bound by us,
 * it would no longer show what the system grants the program.
 */
static void
spread(const cpu_set_t *may)
{
	DIR *d = opendir("/proc/self/task");
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		pid_t t = (pid_t)strtol(e->d_name, NULL, 10);

		if (t > 0 && t != getpid())
			(void)sched_setaffinity(t, sizeof(*may), may);
	}
	if (d)
		(void)closedir(d);
}

/*
 * A thread that was bound stays so, even when the container or the machine gets
 * more processors; and start() binds each thread to those there are.
 */
bool
thread_processors_changed(cpu_set_t *known)
{
	bool first = !CPU_COUNT(known);
	cpu_set_t may;

	if (!processors(&may) || CPU_EQUAL(&may, known))
		return false;
	*known = may;
	if (!first)
		spread(&may);
	return !first;
}

static int
place(pthread_attr_t *attr, const cpu_set_t *on)
{
	return pthread_attr_setaffinity_np(attr, sizeof(*on), on);
}

#else

void
thread_stay(pid_t t, unsigned i, unsigned n)
{
	(void)t;
	(void)i;
	(void)n;
}

void
thread_roam(void)
{
}

bool
thread_processors_changed(cpu_set_t *known)
{
	(void)known;
	return false;
}

static int
place(pthread_attr_t *attr, const cpu_set_t *on)
{
	(void)attr;
	(void)on;
	return 0;
}

#endif

/* on: the processors that it may run on; NULL: those of its maker. */
static int
make(pthread_t *t, size_t stack, const cpu_set_t *on, void *(*fn)(void *arg),
    void *arg)
{
	pthread_attr_t attr;
	int error = pthread_attr_init(&attr);

	if (error)
		return error;
	if (stack)
		error = pthread_attr_setstacksize(&attr, stack);
	if (!error && on)
		error = place(&attr, on);
	if (!error)
		error = pthread_create(t, &attr, fn, arg);
	(void)pthread_attr_destroy(&attr);
	return error;
}

/* Takes the caller's processor out of *may, where there is another. */
static void
leave_mine(cpu_set_t *may)
{
	int mine = sched_getcpu();

	if (mine >= 0 && mine < CPU_SETSIZE && CPU_COUNT(may) > 1)
		CPU_CLR((size_t)mine, may);
}

/*
 * Tries again without choosing processors: a sandbox may not allow that, and a
 * processor may just have gone.
 */
static int
start(
    pthread_t *t, size_t stack, bool beside, void *(*fn)(void *arg), void *arg)
{
	cpu_set_t may;
	bool knows = processors(&may);
	sigset_t all, before;
	int error;

	if (knows && beside)
		leave_mine(&may);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = make(t, stack, knows ? &may : NULL, fn, arg);
	if (error && knows)
		error = make(t, stack, NULL, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

int
thread_start(pthread_t *t, size_t stack, void *(*fn)(void *arg), void *arg)
{
	return start(t, stack, false, fn, arg);
}

int
thread_start_beside(pthread_t *t, void *(*fn)(void *arg), void *arg)
{
	return start(t, 0, true, fn, arg);
}
