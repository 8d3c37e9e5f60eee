/* SPDX-License-Identifier: MIT */
/*
 * Time as nanoseconds in an int64_t (good until the year 2262), and calendar
 * arithmetic that does not touch the time zone.
 */
#ifndef SHEAF_BASE_CLOCK_H
#define SHEAF_BASE_CLOCK_H

#include <stdint.h>

#include "base/attr.h"

#define NSEC_PER_SEC INT64_C(1000000000)

/* Nanoseconds since 1970-01-01T00:00:00Z. */
int64_t clock_now(void);

/* Nanoseconds since some fixed moment; never goes back. */
int64_t clock_monotonic(void);

/* The same, late by some milliseconds, for a quarter of the cost. */
int64_t clock_coarse(void);

/* A moment in UTC, in the proleptic Gregorian calendar. */
struct utc {
	int year;
	int month; /* 1..12 */
	int day; /* 1..31 */
	int hour, minute, second;
	int weekday; /* 0 = Sunday */
};

/* seconds since 1970 to a date and back, for the years 0 to 9999. */
struct utc utc_from_seconds(int64_t seconds);
int64_t utc_to_seconds(const struct utc *u);

/* Seconds, rounded towards the past, so that -0.5 s is second -1. */
static inline int64_t
clock_seconds(int64_t nanoseconds)
{
	int64_t s = nanoseconds / NSEC_PER_SEC;

	return nanoseconds % NSEC_PER_SEC < 0 ? s - 1 : s;
}

#endif
