/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

/* Those of the main thread, which stays nowhere.  False where they are more
 * than a cpu_set_t can name. */
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

/* What is not for the thread that it befalls. */
static void
signals(sigset_t *set)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	size_t i;

	(void)sigfillset(set);
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		(void)sigdelset(set, own[i]);
}

/* But for the one that it runs on, where there is another. */
static void
leave_mine(cpu_set_t *may)
{
	int mine = sched_getcpu();

	if (mine >= 0 && mine < CPU_SETSIZE && CPU_COUNT(may) > 1)
		CPU_CLR((size_t)mine, may);
}

static int
start(
    pthread_t *t, size_t stack, bool beside, void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attr;
	sigset_t none;
	cpu_set_t may;
	int error = pthread_attr_init(&attr);

	if (error)
		return error;
	signals(&none);
	error = pthread_attr_setsigmask_np(&attr, &none);
	if (!error && stack)
		error = pthread_attr_setstacksize(&attr, stack);
	if (!error && processors(&may)) {
		if (beside)
			leave_mine(&may);
		error = pthread_attr_setaffinity_np(&attr, sizeof(may), &may);
	}
	if (!error)
		error = pthread_create(t, &attr, fn, arg);
	(void)pthread_attr_destroy(&attr);
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
