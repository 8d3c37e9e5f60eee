/* SPDX-License-Identifier: MIT */
#include "base/mutex.h"

void
mutex_init_short(pthread_mutex_t *m)
{
	pthread_mutexattr_t attr;

	(void)pthread_mutexattr_init(&attr);
#ifdef __GLIBC__ /* no other has such a mutex */
	(void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
	(void)pthread_mutex_init(m, &attr);
	(void)pthread_mutexattr_destroy(&attr);
}
