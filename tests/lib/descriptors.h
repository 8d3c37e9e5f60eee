/* SPDX-License-Identifier: MIT */
/* The descriptors that this process has open. */
#ifndef SHEAF_TESTS_DESCRIPTORS_H
#define SHEAF_TESTS_DESCRIPTORS_H

#include <stddef.h>

/* To be compared with what it says later. */
size_t open_descriptors(void);

#endif
