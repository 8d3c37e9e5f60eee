/* SPDX-License-Identifier: MIT */
/*
 * The memory of the whole process, for a program that runs long.  Where the C
 * library has no such things, these do nothing.
 */
#ifndef SHEAF_BASE_MEMORY_H
#define SHEAF_BASE_MEMORY_H

/*
 * Lets few heaps do for all threads, and each give back what it no longer
 * needs.  Before the first thread.
 */
void memory_be_small(void);

/*
 * Lets go of the pages of the program and its libraries that are as they are in
 * their files: what is needed again the system maps again, from its cache, 16
 * at a time.  Most were for the start, or for work that is over.
 */
void memory_drop_code(void);

/* Gives the holes in the heaps back to the system. */
void memory_trim(void);

#endif
