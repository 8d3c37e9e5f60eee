/* SPDX-License-Identifier: MIT */
#include "http/date.h"

#include "base/clock.h"

#define FIRST INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define DAY INT64_C(86400) /* FIRST is where one begins */
#define LAST INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static const char day_names[7][10] = { "Sunday", "Monday", "Tuesday",
	"Wednesday", "Thursday", "Friday", "Saturday" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
	"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* The last two digits of n. */
static void
set_two(char *at, unsigned n)
{
	at[0] = (char)('0' + n / 10 % 10);
	at[1] = (char)('0' + n % 10);
}

static void
set_four(char *at, unsigned n)
{
	set_two(at, n / 100);
	set_two(at + 2, n);
}

struct layout {
	size_t time; /* where in the text "hh:mm:ss" begins */
	size_t len; /* of the whole text */
	/* Writes all of the text but hours, minutes and seconds. */
	void (*set_day)(char *at, const struct utc *u);
};

static void
set_http_day(char *at, const struct utc *u)
{
	static const char blank[] = "Day, 00 Mon 0000 00:00:00 GMT";

	memcpy(at, blank, sizeof(blank) - 1);
	memcpy(at, day_names[u->weekday], 3);
	set_two(at + 5, (unsigned)u->day);
	memcpy(at + 8, month_names[u->month - 1], 3);
	set_four(at + 12, (unsigned)u->year);
}

static void
set_rfc3339_day(char *at, const struct utc *u)
{
	static const char blank[] = "0000-00-00T00:00:00Z";

	memcpy(at, blank, sizeof(blank) - 1);
	set_four(at, (unsigned)u->year);
	set_two(at + 5, (unsigned)u->month);
	set_two(at + 8, (unsigned)u->day);
}

static const struct layout http = { 17, 29, set_http_day };
static const struct layout rfc3339 = { 11, 20, set_rfc3339_day };

static struct str
set_date(struct date_memo *m, const struct layout *l, int64_t seconds)
{
	int64_t day;
	unsigned second;

	if (seconds == m->seconds && m->text[0])
		return str_of(m->text, l->len);
	m->seconds = seconds;
	/* Four digits are all a date has for its year. */
	if (seconds < FIRST)
		seconds = FIRST;
	if (seconds > LAST)
		seconds = LAST;
	day = (seconds - FIRST) / DAY + FIRST / DAY;
	second = (unsigned)(seconds - day * DAY);
	if (day != m->day || !m->text[0]) {
		struct utc u = utc_from_seconds(seconds);

		l->set_day(m->text, &u);
		m->day = day;
	}
	set_two(m->text + l->time, second / 3600);
	set_two(m->text + l->time + 3, second / 60 % 60);
	set_two(m->text + l->time + 6, second % 60);
	return str_of(m->text, l->len);
}

struct str
date_http(struct date_memo *m, int64_t seconds)
{
	return set_date(m, &http, seconds);
}

struct str
date_rfc3339(struct date_memo *m, int64_t seconds)
{
	return set_date(m, &rfc3339, seconds);
}

void
date_put_http(struct buf *b, int64_t seconds)
{
	struct date_memo m = { 0 };

	buf_put(b, date_http(&m, seconds));
}

void
date_put_rfc3339(struct buf *b, int64_t seconds)
{
	struct date_memo m = { 0 };

	buf_put(b, date_rfc3339(&m, seconds));
}

/*
 * Each of these takes what it names off the front of *s; false: something else
 * stands there.
 */

static bool
take(struct str *s, struct str literal)
{
	if (!str_starts(*s, literal))
		return false;
	*s = str_skip(*s, literal.len);
	return true;
}

static bool
take_digits(struct str *s, size_t width, int *out)
{
	uint64_t n;

	if (s->len < width || !str_to_u64(str_head(*s, width), &n))
		return false;
	*out = (int)n;
	*s = str_skip(*s, width);
	return true;
}

static bool
take_month(struct str *s, int *out)
{
	int m;

	for (m = 0; m < 12; m++) {
		if (take(s, str_of(month_names[m], 3))) {
			*out = m + 1;
			return true;
		}
	}
	return false;
}

/* Whether the day of the week fits the date is not asked. */
static bool
take_day_name(struct str *s, bool whole)
{
	size_t d;

	for (d = 0; d < ARRAY_LEN(day_names); d++)
		if (take(s,
			whole ? str_from_c(day_names[d])
			      : str_of(day_names[d], 3)))
			return true;
	return false;
}

static bool
take_time(struct str *s, struct utc *u)
{
	return take_digits(s, 2, &u->hour) && take(s, STR(":")) &&
	    take_digits(s, 2, &u->minute) && take(s, STR(":")) &&
	    take_digits(s, 2, &u->second);
}

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* A leap second, 60, is the first second of the next minute. */
static bool
utc_ok(const struct utc *u)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return u->month >= 1 && u->month <= 12 && u->day >= 1 &&
	    u->day <=
	    days[u->month - 1] + (u->month == 2 && is_leap(u->year)) &&
	    u->hour < 24 && u->minute < 60 && u->second <= 60;
}

static bool
parse_imf(struct str s, struct utc *u)
{
	return take_day_name(&s, false) && take(&s, STR(", ")) &&
	    take_digits(&s, 2, &u->day) && take(&s, STR(" ")) &&
	    take_month(&s, &u->month) && take(&s, STR(" ")) &&
	    take_digits(&s, 4, &u->year) && take(&s, STR(" ")) &&
	    take_time(&s, u) && str_eq(s, STR(" GMT"));
}

static bool
parse_asctime(struct str s, struct utc *u)
{
	return take_day_name(&s, false) && take(&s, STR(" ")) &&
	    take_month(&s, &u->month) && take(&s, STR(" ")) &&
	    (take(&s, STR(" ")) ? take_digits(&s, 1, &u->day)
				: take_digits(&s, 2, &u->day)) &&
	    take(&s, STR(" ")) && take_time(&s, u) && take(&s, STR(" ")) &&
	    take_digits(&s, 4, &u->year) && !s.len;
}

/*
 * Two digits are of the latest such year that is not more than 50 years in
 * the future (RFC 9110 s5.6.7).
 */
static int
whole_year(const struct utc *u)
{
	struct utc limit = utc_from_seconds(clock_seconds(clock_now()));
	struct utc with = *u;

	limit.year += 50;
	with.year += limit.year - limit.year % 100;
	if (utc_to_seconds(&with) > utc_to_seconds(&limit))
		with.year -= 100;
	return with.year;
}

static bool
parse_rfc850(struct str s, struct utc *u)
{
	bool ok = take_day_name(&s, true) && take(&s, STR(", ")) &&
	    take_digits(&s, 2, &u->day) && take(&s, STR("-")) &&
	    take_month(&s, &u->month) && take(&s, STR("-")) &&
	    take_digits(&s, 2, &u->year) && take(&s, STR(" ")) &&
	    take_time(&s, u) && str_eq(s, STR(" GMT"));

	if (ok)
		u->year = whole_year(u);
	return ok;
}

bool
date_parse_http(struct str s, int64_t *seconds)
{
	struct utc u = { 0 };

	if (!parse_imf(s, &u) && !parse_rfc850(s, &u) && !parse_asctime(s, &u))
		return false;
	if (!utc_ok(&u))
		return false;
	*seconds = utc_to_seconds(&u);
	return true;
}

static void
drop_fraction(struct str *s)
{
	struct str rest = *s;

	if (!take(&rest, STR(".")) || !rest.len || !ascii_is_digit(*rest.ptr))
		return;
	while (rest.len && ascii_is_digit(*rest.ptr))
		rest = str_skip(rest, 1);
	*s = rest;
}

/* *offset: of "Z" or "+01:30", in seconds.  Nothing may follow it. */
static bool
parse_offset(struct str s, int *offset)
{
	int hours, minutes, sign = str_starts(s, STR("-")) ? -1 : 1;

	*offset = 0;
	if (str_eq_nocase(s, STR("Z")))
		return true;
	if (!(take(&s, STR("+")) || take(&s, STR("-"))) ||
	    !take_digits(&s, 2, &hours) || !take(&s, STR(":")) ||
	    !take_digits(&s, 2, &minutes))
		return false;
	*offset = sign * (hours * 60 + minutes) * 60;
	return !s.len && hours < 24 && minutes < 60;
}

bool
date_parse_rfc3339(struct str s, int64_t *seconds)
{
	struct utc u = { 0 };
	int offset;

	if (!take_digits(&s, 4, &u.year) || !take(&s, STR("-")) ||
	    !take_digits(&s, 2, &u.month) || !take(&s, STR("-")) ||
	    !take_digits(&s, 2, &u.day) ||
	    !(take(&s, STR("T")) || take(&s, STR("t"))) || !take_time(&s, &u))
		return false;
	drop_fraction(&s);
	if (!parse_offset(s, &offset) || !utc_ok(&u))
		return false;
	*seconds = utc_to_seconds(&u) - offset;
	return true;
}
