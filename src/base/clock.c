/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

#define DAY INT64_C(86400)
#define DAYS_400Y INT64_C(146097)
#define DAYS_0000_TO_1970 INT64_C(719468) /* from 0000-03-01 */

static int64_t
clock_read(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t); /* cannot fail for these clocks */
	return (int64_t)t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

int64_t
clock_now(void)
{
	return clock_read(CLOCK_REALTIME);
}

int64_t
clock_monotonic(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t
clock_coarse(void)
{
	return clock_read(CLOCK_MONOTONIC_COARSE);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/*
 * Years are counted from March, so that the leap day is the last of its year
 * and the months before it have lengths that repeat every five.
 */
struct utc
utc_from_seconds(int64_t seconds)
{
	int64_t days = floor_div(seconds, DAY);
	int64_t second = seconds - days * DAY;
	int64_t z = days + DAYS_0000_TO_1970;
	int64_t era = floor_div(z, DAYS_400Y);
	int64_t in_era = z - era * DAYS_400Y;
	int64_t year =
	    (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * in_year + 2) / 153; /* 0 = March */

	return (struct utc){
		.year = (int)(year + era * 400 + (month >= 10)),
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(in_year - (153 * month + 2) / 5 + 1),
		.hour = (int)(second / 3600),
		.minute = (int)(second / 60 % 60),
		.second = (int)(second % 60),
		.weekday = (int)((days % 7 + 11) % 7),
	};
}

int64_t
utc_to_seconds(const struct utc *u)
{
	int64_t year = u->year - (u->month <= 2);
	int64_t era = floor_div(year, 400);
	int64_t in_era_year = year - era * 400;
	int64_t month = u->month > 2 ? u->month - 3 : u->month + 9;
	int64_t in_year = (153 * month + 2) / 5 + u->day - 1;
	int64_t in_era =
	    in_era_year * 365 + in_era_year / 4 - in_era_year / 100 + in_year;
	int64_t days = era * DAYS_400Y + in_era - DAYS_0000_TO_1970;

	return days * DAY + u->hour * 3600 + u->minute * 60 + u->second;
}
