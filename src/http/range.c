/* SPDX-License-Identifier: MIT */
#include "http/range.h"

#include <assert.h>
#include <stdbool.h>

/* Reads digits; a number that does not fit is taken for the largest. */
static bool
position_parse(struct str s, uint64_t *out)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!ascii_is_digit(s.ptr[i]))
			return false;
	if (s.len && !str_to_u64(s, out))
		*out = UINT64_MAX;
	return s.len != 0;
}

/*
 * Reads one range-spec (RFC 9110 s14.1.1); false when it is malformed.  "The
 * last n bytes" of an empty body can be satisfied, though there are none.
 */
static bool
spec_parse(
    struct str s, uint64_t length, struct byte_range *out, bool *satisfiable)
{
	size_t dash = str_find(s, '-');
	struct str before = str_head(s, dash), after = str_skip(s, dash + 1);
	uint64_t first, last = UINT64_MAX;

	if (dash == s.len)
		return false;
	if (!before.len) {
		if (!position_parse(after, &last))
			return false;
		*satisfiable = last > 0;
		out->length = last < length ? last : length;
		out->offset = length - out->length;
		return true;
	}
	if (!position_parse(before, &first) ||
	    (after.len && !position_parse(after, &last)) || last < first)
		return false;
	*satisfiable = first < length;
	out->offset = first;
	out->length = 0;
	if (first < length)
		out->length = (last < length ? last + 1 : length) - first;
	return true;
}

static uint64_t
range_end(struct byte_range r)
{
	return r.offset + r.length;
}

/* Whether they overlap, or one begins where the other ends. */
static bool
touch(struct byte_range a, struct byte_range b)
{
	return a.offset <= range_end(b) && b.offset <= range_end(a);
}

static struct byte_range
joined(struct byte_range a, struct byte_range b)
{
	uint64_t from = a.offset < b.offset ? a.offset : b.offset;
	uint64_t to = range_end(a) > range_end(b) ? range_end(a) : range_end(b);

	return (struct byte_range){ from, to - from };
}

static void
take_out(struct ranges *all, size_t i)
{
	all->n--;
	memmove(&all->v[i], &all->v[i + 1], (all->n - i) * sizeof(all->v[0]));
}

static void
put_in(struct ranges *all, size_t i, struct byte_range r)
{
	assert(all->n < RANGES_MAX);
	memmove(&all->v[i + 1], &all->v[i], (all->n - i) * sizeof(all->v[0]));
	all->v[i] = r;
	all->n++;
}

/*
 * Adds r, joined with all ranges that it touches, in the place of the first of
 * them.  One pass is enough: ranges that are there do not touch one another, so
 * r, grown by some of them, touches none that it did not touch before.
 */
static void
add(struct ranges *all, struct byte_range r)
{
	size_t place = all->n;
	size_t i = 0;

	while (i < all->n) {
		if (!touch(all->v[i], r)) {
			i++;
			continue;
		}
		r = joined(all->v[i], r);
		take_out(all, i);
		if (i < place)
			place = i;
	}
	put_in(all, place, r);
}

/* Takes "bytes=" off; false: the header is absent, or of another unit. */
static bool
take_unit(struct str *header)
{
	static const struct str unit = STR_INIT("bytes=");

	if (!str_starts_nocase(*header, unit))
		return false;
	*header = str_skip(*header, unit.len);
	return true;
}

enum err_code
ranges_parse(
    struct str header, uint64_t length, struct ranges *out, struct err *err)
{
	struct str piece;
	struct byte_range r;
	bool one, any = false;
	size_t asked = 0;

	out->n = 0;
	if (!take_unit(&header))
		return ERR_OK;
	while (str_cut(&header, ',', &piece)) {
		piece = str_trim(piece);
		if (!piece.len)
			continue;
		if (++asked > RANGES_MAX ||
		    !spec_parse(piece, length, &r, &one)) {
			out->n = 0;
			return ERR_OK;
		}
		any |= one;
		if (r.length)
			add(out, r);
	}
	if (asked && !any)
		return err_tell(
		    err, ERR_RANGE, "no byte of the range is there");
	return ERR_OK;
}
