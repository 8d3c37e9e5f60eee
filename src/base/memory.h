/* SPDX-License-Identifier: MIT */
/*
 * The memory of the whole process, for a program that runs long.  With a C
 * library other than glibc these do nothing.
 */
#ifndef SHEAF_BASE_MEMORY_H
#define SHEAF_BASE_MEMORY_H

/*
 * Has all threads share a few heaps, which give back what they no longer need.
 * To be called before the first thread is started.
 */
void memory_be_small(void);

/*
 * Drops the pages of the program and its libraries that are the same in their
 * files.  Those that are needed again the system maps again from its cache, 16
 * at a time; most were needed for the start only, or for work that is over.
 */
void memory_drop_code(void);

/* Gives the free pages within the heaps back to the system. */
void memory_trim(void);

#endif
