/* SPDX-License-Identifier: MIT */
#include "cmd/text.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

static bool
is_word(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!ascii_is_alpha(s.ptr[i]) && !ascii_is_digit(s.ptr[i]) &&
		    (!s.ptr[i] || !strchr("-._/:@%+,=", s.ptr[i])))
			return false;
	return s.len;
}

void
text_put_word(struct buf *b, struct str s)
{
	struct buf plain CLEANUP(buf_done) = { 0 };
	bool odd;
	size_t i;

	if (is_word(s)) {
		buf_put(b, s);
		return;
	}
	text_put_plain(&plain, s);
	odd = !str_eq(buf_str(&plain), s);
	buf_put(b, odd ? STR("$'") : STR("'"));
	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (odd && (c < ' ' || c >= 0x7f))
			buf_printf(b, "\\x%02x", c);
		else if (odd && (c == '\'' || c == '\\'))
			buf_printf(b, "\\%c", c);
		else if (c == '\'')
			BUF_LIT(b, "'\\''");
		else
			buf_putc(b, (char)c);
	}
	buf_putc(b, '\'');
}

void
text_put_size(struct buf *b, uint64_t bytes)
{
	static const char units[][3] = { "B", "kB", "MB", "GB", "TB", "PB",
		"EB" };
	uint64_t tenths = bytes;
	size_t i = 0;

	if (bytes < 1000) {
		buf_printf(b, "%llu B", (unsigned long long)bytes);
		return;
	}
	/* In tenths of the unit, rounded down. */
	for (tenths = bytes / 100, i = 1; tenths >= 10000; i++)
		tenths /= 1000;
	if (tenths < 100)
		buf_printf(b, "%llu.%llu %s", (unsigned long long)tenths / 10,
		    (unsigned long long)tenths % 10, units[i]);
	else
		buf_printf(
		    b, "%llu %s", (unsigned long long)tenths / 10, units[i]);
}

void
text_put_clock(struct buf *b, uint64_t seconds)
{
	uint64_t hours = seconds / 3600;

	if (hours)
		buf_printf(b, "%llu:%02u:%02u", (unsigned long long)hours,
		    (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
	else
		buf_printf(b, "%u:%02u", (unsigned)(seconds / 60),
		    (unsigned)(seconds % 60));
}

void
text_put_wait(struct buf *b, int64_t ns)
{
	static const struct {
		int64_t seconds;
		const char *one, *many;
	} units[] = { { 86400, "day", "days" }, { 3600, "h", "h" },
		{ 60, "min", "min" }, { 1, "s", "s" } };
	int64_t s = ns / NSEC_PER_SEC + (ns % NSEC_PER_SEC > 0);
	size_t i = 0;
	int64_t n;

	while (i + 1 < ARRAY_LEN(units) && s < 2 * units[i].seconds)
		i++;
	n = s / units[i].seconds + (s % units[i].seconds > 0);
	buf_printf(
	    b, "%lld %s", (long long)n, n == 1 ? units[i].one : units[i].many);
}

void
text_put_sentence(struct buf *b, struct str s)
{
	if (!s.len)
		return;
	buf_putc(b,
	    s.ptr[0] >= 'a' && s.ptr[0] <= 'z' ? (char)(s.ptr[0] - 'a' + 'A')
					       : s.ptr[0]);
	buf_put(b, str_skip(s, 1));
	if (!strchr(".!?", s.ptr[s.len - 1]))
		buf_putc(b, '.');
}

bool
text_colours(int fd)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(fd) && !(no && *no) && term && *term &&
	    strcmp(term, "dumb") != 0;
}

unsigned
text_width(int fd)
{
	struct winsize w = { 0 };

	if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &w))
		return 0;
	return w.ws_col;
}
