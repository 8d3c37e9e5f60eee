/* SPDX-License-Identifier: MIT */
#include "http/negotiate.h"

#include "base/attr.h"
#include "http/scan.h"

/* Weights are 0..1000 (RFC 9110 s12.4.2). */
#define WEIGHT_MAX 1000

static bool
weight_parse(struct str s, int *out)
{
	int scale = WEIGHT_MAX;
	size_t i;

	if (!s.len || s.len > 5 || (s.ptr[0] != '0' && s.ptr[0] != '1') ||
	    (s.len > 1 && s.ptr[1] != '.'))
		return false;
	*out = (s.ptr[0] - '0') * scale;
	for (i = 2; i < s.len; i++) {
		if (!ascii_is_digit(s.ptr[i]))
			return false;
		scale /= 10;
		*out += (s.ptr[i] - '0') * scale;
	}
	return *out <= WEIGHT_MAX;
}

/*
 * What follows the name in a member of the list.  Only the weight counts:
 * whoever asks for "application/json; charset=utf-8" means our JSON.
 */
static bool
parameters_parse(struct str rest, int *weight)
{
	struct str piece, name, value;

	*weight = WEIGHT_MAX;
	while (scan_cut(&rest, ';', &piece)) {
		if (!piece.len)
			continue;
		(void)scan_pair(piece, &name, &value);
		if (!scan_is_token(name))
			return false;
		if (str_eq_nocase(name, STR("q")) &&
		    !weight_parse(value, weight))
			return false;
	}
	return true;
}

/* How well a member of the list fits an offer: 0 not at all. */
typedef int fit_fn(struct str member, struct str offer);

/* Whether a member of the list is what the field holds. */
typedef bool valid_fn(struct str member);

/*
 * The weight that the best fitting member of the list gives to an offer, or 0;
 * negative: the field is malformed.
 */
static int
offer_weight(struct str list, struct str offer, valid_fn *valid, fit_fn *fits)
{
	int best = 0, weight = 0;
	struct str member, name;

	while (scan_member(&list, &member)) {
		int fit, w;

		if (!scan_cut(&member, ';', &name) || !valid(name) ||
		    !parameters_parse(member, &w))
			return -1;
		fit = fits(name, offer);
		if (fit > best) {
			best = fit;
			weight = w;
		}
	}
	return weight;
}

static int
media_fits(struct str range, struct str offer)
{
	size_t slash = str_find(offer, '/');

	if (str_eq_nocase(range, offer))
		return 3;
	if (str_eq(range, STR("*/*")))
		return 1;
	return str_ends(range, STR("/*")) && range.len == slash + 2 &&
		str_starts_nocase(range, str_head(offer, slash))
	    ? 2
	    : 0;
}

int
accept_media(struct str accept, const struct str *offers, size_t n)
{
	struct str member, list = accept;
	int chosen = -1, best = 0;
	size_t i;

	if (!scan_member(&list, &member))
		return 0;
	for (i = 0; i < n; i++) {
		int w = offer_weight(
		    accept, offers[i], scan_is_media_type, media_fits);

		if (w < 0)
			return 0;
		if (w > best) {
			best = w;
			chosen = (int)i;
		}
	}
	return chosen;
}

/* "x-gzip" is an old name of "gzip" (RFC 9110 s8.4.1.3). */
static int
coding_fits(struct str coding, struct str offer)
{
	if (str_eq_nocase(coding, STR("x-gzip")))
		coding = STR("gzip");
	if (str_eq_nocase(coding, offer))
		return 2;
	return str_eq(coding, STR("*"));
}

/* "*" says what may be sent, not that the plain form is preferred. */
static int
identity_fits(struct str coding, struct str offer)
{
	return str_eq_nocase(coding, offer);
}

int
accept_coding(struct str accept, const struct str *offers, size_t n)
{
	int best =
	    offer_weight(accept, STR("identity"), scan_is_token, identity_fits);
	int chosen = -1;
	size_t i;

	if (best < 0)
		return -1;
	for (i = 0; i < n; i++) {
		int w =
		    offer_weight(accept, offers[i], scan_is_token, coding_fits);

		if (w > best || (w == best && w && chosen < 0)) {
			best = w;
			chosen = (int)i;
		}
	}
	return chosen;
}

struct preferences
prefer_parse(struct str prefer)
{
	struct preferences p = { 0 };
	struct str member, piece, name, value;
	bool seen_return = false;

	while (scan_member(&prefer, &member)) {
		if (!scan_cut(&member, ';', &piece))
			continue;
		(void)scan_pair(piece, &name, &value);
		if (value.len && !scan_unquote(&value))
			continue;
		if (str_eq_nocase(name, STR("depth-noroot")) && !value.len)
			p.depth_noroot = true;
		if (!str_eq_nocase(name, STR("return")) || seen_return)
			continue;
		/* Of several the first counts (RFC 7240 s2). */
		seen_return = true;
		p.minimal = str_eq_nocase(value, STR("minimal"));
		p.representation = str_eq_nocase(value, STR("representation"));
	}
	return p;
}
