/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/text.h"
#include "cmd/work_impl.h"

#define BAR_AFTER NSEC_PER_SEC
#define BAR_EVERY (NSEC_PER_SEC / 10)
#define RATE_EVERY (NSEC_PER_SEC / 4)

/* The part of the old rate that is kept at each RATE_EVERY. */
#define RATE_KEEP 0.85

#define BAR_WIDTH 24
#define DEFAULT_WIDTH 80

void
work_bar_init(struct work_bar *b, bool on)
{
	int64_t now = clock_monotonic();

	*b = (struct work_bar){
		.on = on, .began = now, .rate_at = now, .rate = -1
	};
}

static void
measure_rate(struct work_bar *b, int64_t now)
{
	double seconds, rate;

	if (now - b->rate_at < RATE_EVERY)
		return;
	seconds = (double)(now - b->rate_at) / (double)NSEC_PER_SEC;
	rate = (double)(b->bytes_done - b->rate_bytes) / seconds;
	if (rate < 0)
		rate = 0;
	b->rate =
	    b->rate < 0 ? rate : b->rate * RATE_KEEP + rate * (1 - RATE_KEEP);
	b->rate_at = now;
	b->rate_bytes = b->bytes_done;
}

/* The part that is done, 0..1: of bytes if known, else items; <0: not known. */
static double
part_done(const struct work_bar *b)
{
	double part = -1;

	if (b->bytes > 0)
		part = (double)b->bytes_done / (double)b->bytes;
	else if (b->items)
		part = (double)b->items_done / (double)b->items;
	return part > 1 ? 1 : part;
}

/* Seconds that are left; <0: not known. */
static double
seconds_left(const struct work_bar *b, int64_t now)
{
	double part = part_done(b);
	double passed = (double)(now - b->began) / (double)NSEC_PER_SEC;

	if (b->bytes > 0 && b->rate > 1)
		return (double)(b->bytes - b->bytes_done) / b->rate;
	if (b->bytes > 0 || part <= 0)
		return -1;
	return passed / part - passed;
}

static void
put_gauge(struct buf *out, double part)
{
	unsigned i, full = (unsigned)(part * BAR_WIDTH);

	buf_putc(out, '[');
	for (i = 0; i < BAR_WIDTH; i++)
		buf_putc(out, i < full ? '=' : i == full ? '>' : ' ');
	BUF_LIT(out, "] ");
}

void
work_bar_put(
    struct buf *out, const struct work_bar *b, int64_t now, unsigned width)
{
	double part = part_done(b), left = seconds_left(b, now);
	size_t start = out->len;

	if (part >= 0)
		put_gauge(out, part);
	if (part >= 0)
		buf_printf(out, "%3u%%  ", (unsigned)(part * 100));
	text_put_count(out, b->items_done);
	if (b->items) {
		buf_putc(out, '/');
		text_put_count(out, b->items);
	}
	if (b->bytes_done > 0 || b->bytes > 0) {
		BUF_LIT(out, "  ");
		text_put_size(
		    out, b->bytes_done > 0 ? (uint64_t)b->bytes_done : 0);
	}
	if (b->bytes > 0) {
		buf_putc(out, '/');
		text_put_size(out, (uint64_t)b->bytes);
	}
	if (b->rate >= 0 && b->bytes_done > 0) {
		BUF_LIT(out, "  ");
		text_put_size(out, (uint64_t)b->rate);
		BUF_LIT(out, "/s");
	}
	if (left >= 0 && left < 1e6) {
		BUF_LIT(out, "  ETA ");
		text_put_clock(out, (uint64_t)(left + 0.5));
	}
	/* All of it is ASCII; the last column stays free. */
	if (width && out->len - start > width - 1)
		out->len = start + width - 1;
}

void
work_bar_draw(struct work_bar *b, int64_t now)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	unsigned width;

	if (!b->on)
		return;
	measure_rate(b, now);
	if (now - b->began < BAR_AFTER || now - b->drawn < BAR_EVERY)
		return;
	b->drawn = now;
	width = text_width(STDERR_FILENO);
	buf_putc(&out, '\r');
	work_bar_put(&out, b, now, width ? width : DEFAULT_WIDTH);
	BUF_LIT(&out, "\x1b[K");
	b->visible = true;
	(void)!fd_write_all(STDERR_FILENO, buf_str(&out), NULL);
}

void
work_bar_erase(struct work_bar *b)
{
	if (!b->visible)
		return;
	b->visible = false;
	b->drawn = 0;
	(void)!fd_write_all(STDERR_FILENO, STR("\r\x1b[K"), NULL);
}
