/* SPDX-License-Identifier: MIT */
#include "wire/lint_response.h"

/* ---- the end of a propstat */

static bool
is_good(unsigned status)
{
	return status >= 200 && status < 300;
}

static void
judge_live(struct lint *l, const struct propstat_seen *ps)
{
	size_t i;

	for (i = 0; i < LIVE_COUNT; i++)
		if (ps->wrong[i])
			LINT_SAY(l, X115, &ps->wrong_at[i], "%s is %s",
			    lint_live_name((enum live)i), ps->wrong[i]);
}

static void
note_empty(struct response_seen *r, const struct propstat_seen *ps)
{
	if (ps->n_prop != 1 || ps->properties)
		return;
	if (!r->n_empty++)
		r->empty_at = ps->at;
	if (!is_good(ps->status))
		r->empty_failed = true;
}

static bool
is_redirect(unsigned status)
{
	return (status >= 300 && status <= 303) || status == 305 ||
	    status == 307 || status == 308;
}

void
lint_note_status(
    struct response_seen *r, unsigned status, const struct lint_place *at)
{
	if (!is_redirect(status) || r->redirect)
		return;
	r->redirect = status;
	r->redirect_at = *at;
}

void
lint_end_propstat(
    struct lint *l, struct response_seen *r, const struct propstat_seen *ps)
{
	if (ps->n_prop != 1)
		LINT_SAY(l, X110, &ps->at, "the propstat has %s",
		    ps->n_prop ? "more than one prop" : "no prop");
	if (ps->n_status != 1)
		LINT_SAY(l, X110, &ps->at, "the propstat has %s",
		    ps->n_status ? "more than one status" : "no status");
	note_empty(r, ps);
	if (is_good(ps->status)) {
		judge_live(l, ps);
		r->collection = r->collection || ps->collection;
		r->good = ps->status;
	} else if (ps->status >= 400) {
		r->bad = ps->status;
	}
}

/* ---- the end of a response */

static void
judge_form(struct lint *l, const struct response_seen *r)
{
	if (!r->n_href)
		LINT_SAY(l, X104, &r->at, "the response has no href");
	if (r->n_status && r->n_propstat)
		LINT_SAY(l, X105, &r->at,
		    "the response has both a status and a propstat");
	else if (!r->n_status && !r->n_propstat)
		LINT_SAY(l, X105, &r->at,
		    "the response has neither a status nor a propstat");
	else if (r->n_status > 1)
		LINT_SAY(l, X105, &r->at, "the response has %u statuses",
		    r->n_status);
	else if (r->n_propstat && r->n_href > 1)
		LINT_SAY(l, X105, &r->at,
		    "the response has propstats for %u hrefs", r->n_href);
}

/*
 * One empty prop alone says that there is nothing (RFC 8144 s2.1): no finding.
 */
static void
judge_empty(struct lint *l, const struct response_seen *r)
{
	if (r->n_empty && (r->n_propstat > 1 || r->empty_failed))
		LINT_WARN(
		    l, X110, &r->empty_at, "the propstat has an empty prop");
}

static void
judge_slash(struct lint *l, const struct response_seen *r)
{
	struct str href = buf_str(&r->href);

	href = str_head(href, str_find(href, '?'));
	if (r->collection && r->n_href == 1 && href.len &&
	    !str_ends(href, STR("/")))
		lint_say(l, LINT_X109, LINT_WARNING, &r->href_at,
		    "Write the URL of a collection with a slash at its end.",
		    "'%.*s' is a collection, and its href does not end in a "
		    "slash",
		    LINT_SHOW(href));
}

/* Judges what RFC 4918 s9.6.1 lets nobody say of a member. */
static void
judge_member(struct lint *l, const struct response_seen *r, uint64_t *failures)
{
	unsigned status = r->status;

	if (status >= 300 || !status)
		++*failures;
	if (status == 424 || status == 201 || status == 204)
		LINT_SAY(l, X114, &r->at,
		    "the answer to %.*s has a member that is %u",
		    STR_ARG(l->method), status);
}

bool
lint_names_failures(const struct lint *l)
{
	return LINT_IS(l, "DELETE") || LINT_IS(l, "COPY") || LINT_IS(l, "MOVE");
}

void
lint_end_response(
    struct lint *l, const struct response_seen *r, uint64_t *failures)
{
	judge_form(l, r);
	judge_empty(l, r);
	judge_slash(l, r);
	if (r->redirect && !r->located)
		LINT_SAY(l, X111, &r->redirect_at,
		    "the status is %u, and the response has no location",
		    r->redirect);
	if (r->target && r->n_status == 1 && r->status == 404)
		LINT_SAY(l, X112, &r->at,
		    "the resource that was asked for is 404 inside a 207");
	if (LINT_IS(l, "PROPPATCH") && r->good && r->bad)
		LINT_SAY(l, X113, &r->at,
		    "of one resource properties are %u and others %u", r->good,
		    r->bad);
	if (lint_names_failures(l))
		judge_member(l, r, failures);
}
