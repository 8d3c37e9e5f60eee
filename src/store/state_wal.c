/* SPDX-License-Identifier: MIT */
/*
 * Reads SQLite's log as its start-up after a crash would: each frame has a
 * checksum over itself and all before it
 * (https://www.sqlite.org/walformat.html).
 */
#include "base/file.h"
#include "store/state_impl.h"

#define MAGIC 0x377f0682U
#define HEADER ((size_t)32)
#define FRAME ((size_t)24)
#define PIECE ((size_t)4096)

struct sum {
	bool big; /* the words are, by the lowest bit of the magic number */
	uint32_t a, b;
};

static uint32_t
word(const unsigned char *p, bool big)
{
	return big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3]
		   : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
		(uint32_t)p[1] << 8 | p[0];
}

/* n is a multiple of 8. */
static void
sum_add(struct sum *s, const unsigned char *p, size_t n)
{
	for (; n; n -= 8, p += 8) {
		s->a += word(p, s->big) + s->b;
		s->b += word(p + 4, s->big) + s->a;
	}
}

static bool
sum_is(const struct sum *s, const unsigned char *p)
{
	return s->a == word(p, true) && s->b == word(p + 4, true);
}

static bool
read_at(int fd, uint64_t at, unsigned char *out, size_t n)
{
	size_t got = 0;

	return !fd_read_at(fd, at, (char *)out, n, &got, NULL) && got == n;
}

static bool
frame_intact(int fd, uint64_t at, uint32_t page, const unsigned char *header,
    struct sum *s)
{
	unsigned char buf[PIECE];
	unsigned char frame[FRAME];
	uint32_t left;

	if (!read_at(fd, at, frame, FRAME) ||
	    memcmp(frame + 8, header + 16, 8) != 0) /* the salt */
		return false;
	sum_add(s, frame, 8);
	at += FRAME;
	for (left = page; left;) {
		uint32_t n = left < PIECE ? left : (uint32_t)PIECE;

		if (!read_at(fd, at, buf, n))
			return false;
		sum_add(s, buf, n);
		left -= n;
		at += n;
	}
	return sum_is(s, frame + 16);
}

bool
wal_intact(int fd, int frames)
{
	unsigned char header[HEADER];
	struct sum s = { 0 };
	uint64_t at = HEADER;
	uint32_t page;

	if (frames <= 0)
		return true;
	if (!read_at(fd, 0, header, HEADER) ||
	    (word(header, true) & ~1U) != MAGIC)
		return false;
	s.big = header[3] & 1;
	page = word(header + 8, true);
	sum_add(&s, header, FRAME);
	if (!sum_is(&s, header + FRAME))
		return false;
	for (; frames; frames--, at += FRAME + page)
		if (!frame_intact(fd, at, page, header, &s))
			return false;
	return true;
}
