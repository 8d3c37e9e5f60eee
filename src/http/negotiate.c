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
 * Reads what follows the name in a member of the list; false: malformed.  Only
 * the weight counts: who asks for "application/json; charset=utf-8" means our
 * JSON.
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

/* How well a member of the list fits an offer; 0: not at all. */
typedef int fit_fn(struct str member, struct str offer);

/* Whether a member of the list is of the field's grammar. */
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

/* "*" does not count: it does not say that the plain form is preferred. */
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

/* Of several with one name the first counts (RFC 7240 s2). */
struct preferring {
	struct preferences p;
	bool seen_return, seen_wait, seen_continue;
};

static bool
first(bool *seen)
{
	bool is_first = !*seen;

	*seen = true;
	return is_first;
}

static void
take_preference(struct preferring *s, struct str name, struct str value)
{
	struct preferences *p = &s->p;

	if (str_eq_nocase(name, STR("depth-noroot")) && !value.len)
		p->depth_noroot = true;
	if (str_eq_nocase(name, STR("respond-async")) && !value.len)
		p->respond_async = true;
	if (str_eq_nocase(name, STR("wait")) && first(&s->seen_wait))
		p->has_wait = str_to_u64(value, &p->wait);
	/* "odata." is how it was named in 4.0. */
	if (str_starts_nocase(name, STR("odata.")))
		name = str_skip(name, strlen("odata."));
	if (str_eq_nocase(name, STR("continue-on-error")) &&
	    first(&s->seen_continue)) {
		p->continue_on_error =
		    !value.len || str_eq_nocase(value, STR("true"));
		p->has_continue =
		    p->continue_on_error || str_eq_nocase(value, STR("false"));
	}
	if (str_eq_nocase(name, STR("return")) && first(&s->seen_return)) {
		p->minimal = str_eq_nocase(value, STR("minimal"));
		p->representation = str_eq_nocase(value, STR("representation"));
	}
}

struct preferences
prefer_parse(struct str prefer)
{
	struct preferring s = { 0 };
	struct str member, piece, name, value;

	while (scan_member(&prefer, &member)) {
		if (!scan_cut(&member, ';', &piece))
			continue;
		(void)scan_pair(piece, &name, &value);
		if (value.len && !scan_unquote(&value))
			continue;
		take_preference(&s, name, value);
	}
	return s.p;
}
