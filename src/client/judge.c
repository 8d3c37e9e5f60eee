/* SPDX-License-Identifier: MIT */
#include "client/judge.h"

/* ---- methods */

unsigned
method_rules(struct str method)
{
	static const struct {
		struct str name;
		unsigned rules;
	} rows[] = {
		{ STR_INIT("DELETE"), RULE_MULTI | RULE_TARGET },
		{ STR_INIT("COPY"), RULE_MULTI | RULE_TARGET },
		{ STR_INIT("MOVE"), RULE_MULTI | RULE_TARGET },
		{ STR_INIT("MKCOL"), RULE_MULTI | RULE_TARGET | RULE_ATOMIC },
		{ STR_INIT("PROPPATCH"),
		    RULE_MULTI | RULE_ONLY_MULTI | RULE_TARGET | RULE_ATOMIC },
		{ STR_INIT("LOCK"), RULE_MULTI | RULE_ATOMIC | RULE_LOCK },
		{ STR_INIT("PROPFIND"),
		    RULE_MULTI | RULE_ONLY_MULTI | RULE_TARGET | RULE_MISSING |
			RULE_SAFE },
		{ STR_INIT("REPORT"),
		    RULE_MULTI | RULE_EMPTY | RULE_MISSING | RULE_SAFE },
		{ STR_INIT("SEARCH"),
		    RULE_MULTI | RULE_EMPTY | RULE_MISSING | RULE_ANYWHERE |
			RULE_SAFE },
		{ STR_INIT("POST"), RULE_MULTI | RULE_ANYWHERE },
		{ STR_INIT("PATCH"), RULE_MULTI | RULE_ANYWHERE },
		{ STR_INIT("GET"), RULE_SAFE },
		{ STR_INIT("HEAD"), RULE_SAFE },
		{ STR_INIT("OPTIONS"), RULE_SAFE },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(rows[i].name, method))
			return rows[i].rules;
	return 0;
}

/* ---- members */

/* A status that is not registered is its class's x00 (RFC 9110 s15). */
static enum mention
mention_of_status(unsigned rules, unsigned status)
{
	if (status < 200 || status > 599 || status == 202 || status == 207)
		return MENTION_UNREAD;
	if (status < 300)
		return MENTION_DONE;
	return (rules & RULE_MISSING) && status == 404 ? MENTION_DONE
						       : MENTION_FAILED;
}

/* Whether mention a decides rather than b, which was found before. */
static bool
outweighs(enum mention a, unsigned a_status, enum mention b, unsigned b_status)
{
	if (a != b)
		return a > b;
	return a == MENTION_FAILED && b_status == 424 && a_status != 424;
}

enum mention
mention_of(unsigned rules, const struct outcome *o, unsigned *status,
    struct str *error, struct str *tell)
{
	const struct told *told = o->told;
	/* 404 is no failure of a property, but one of a resource. */
	enum mention m = mention_of_status(
	    o->n_propstats ? rules : rules & ~(unsigned)RULE_MISSING,
	    o->status);
	unsigned decided = o->status;
	struct str why = told ? told->error : (struct str){ 0 };
	struct str text = o->tell;
	size_t i;

	if ((rules & RULE_EMPTY) && o->status == 404) /* RFC 6578 s3.5 */
		m = MENTION_DONE;
	if (told && told->partial && m == MENTION_DONE)
		m = MENTION_FAILED;
	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];
		enum mention one = mention_of_status(rules, ps->status);

		if (!outweighs(one, ps->status, m, decided))
			continue;
		m = one;
		decided = ps->status;
		why = ps->error.len ? ps->error : why;
		text = ps->tell.len ? ps->tell : text;
	}
	for (i = 0; i < o->n_propstats; i++) {
		const struct propstat *ps = &o->propstats[i];

		if (m == MENTION_DONE || ps->status != decided)
			continue;
		why = why.len ? why : ps->error;
		text = text.len ? text : ps->tell;
	}
	if (status)
		*status = decided;
	if (error)
		*error = why;
	if (tell)
		*tell = text;
	return m;
}

/* ---- what was found */

static enum finding
find_in_broken_call(const struct evidence *e, unsigned rules)
{
	bool safe = rules & RULE_SAFE;

	if (e->rc == ERR_CANCELLED)
		return e->attempts && !safe ? FOUND_BROKEN_OFF
					    : FOUND_NOT_BEGUN;
	if (e->rc == ERR_UNREACHABLE)
		return e->uncertain_before && !safe ? FOUND_LOST_BEFORE
						    : FOUND_UNREACHABLE;
	if (e->rc == ERR_CUT_SHORT)
		return e->status || safe ? FOUND_CUT : FOUND_NO_ANSWER;
	if (e->rc == ERR_BAD_ANSWER || e->rc == ERR_TOO_LARGE)
		return FOUND_MALFORMED;
	return e->attempts && !safe ? FOUND_LOCAL : FOUND_NOT_SENT;
}

/*
 * A failure that may come of an earlier attempt of ours, which got no answer
 * but was carried out: it has made the collection, taken the lock, moved the
 * source away.  FOUND_STATUS: this is none.
 */
static enum finding
find_after_lost(const struct evidence *e)
{
	static const struct {
		struct str method;
		unsigned status;
		enum finding found;
	} rows[] = {
		{ STR_INIT("DELETE"), 404, FOUND_GONE },
		{ STR_INIT("DELETE"), 410, FOUND_GONE },
		{ STR_INIT("DELETE"), 412, FOUND_AFTER_LOST },
		{ STR_INIT("MOVE"), 404, FOUND_AFTER_LOST },
		{ STR_INIT("MOVE"), 410, FOUND_AFTER_LOST },
		{ STR_INIT("MOVE"), 412, FOUND_AFTER_LOST },
		{ STR_INIT("COPY"), 412, FOUND_AFTER_LOST },
		{ STR_INIT("PUT"), 412, FOUND_AFTER_LOST },
		{ STR_INIT("MKCOL"), 405, FOUND_AFTER_LOST },
		{ STR_INIT("LOCK"), 423, FOUND_AFTER_LOST },
		{ STR_INIT("UNLOCK"), 409, FOUND_AFTER_LOST },
		{ STR_INIT("UNLOCK"), 412, FOUND_AFTER_LOST },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (e->uncertain_before && rows[i].status == e->status &&
		    str_eq(rows[i].method, e->method))
			return rows[i].found;
	return FOUND_STATUS;
}

static bool
is_access(unsigned status)
{
	return status == 401 || status == 403 || status == 407;
}

static enum finding
find_in_failed_members(const struct evidence *e, unsigned rules)
{
	const struct mentioned *m = &e->m;
	bool only_target = m->target_failed && m->failed == 1 && !m->done;

	/* The target is there; some of it could not be read. */
	if ((rules & RULE_SAFE) && (!m->target_failed || m->by_property))
		return FOUND_UNSEEN;
	if (only_target || (rules & RULE_ATOMIC) ||
	    (m->target_failed && (rules & RULE_SAFE)))
		return is_access(m->status) && only_target && !m->by_property
		    ? FOUND_TARGET_ACCESS
		    : FOUND_TARGET;
	if ((rules & RULE_ANYWHERE) && !m->done)
		return FOUND_ALL_MEMBERS;
	return FOUND_MEMBERS;
}

static enum finding
find_in_multistatus(const struct evidence *e, unsigned rules)
{
	const struct mentioned *m = &e->m;

	if (!(rules & RULE_MULTI))
		return FOUND_UNDUE_MULTI;
	if (e->reading.end == ERR_CUT_SHORT)
		return FOUND_CUT;
	if (e->reading.end)
		return FOUND_MALFORMED;
	if (e->reading.contradicts)
		return FOUND_CONTRADICTS;
	if (m->foreign)
		return FOUND_FOREIGN;
	if (m->unread)
		return FOUND_UNREAD;
	if (m->failed)
		return find_in_failed_members(e, rules);
	if (!m->done && !(rules & RULE_EMPTY))
		return FOUND_UNMENTIONED;
	if ((rules & RULE_TARGET) && !m->target)
		return FOUND_UNMENTIONED;
	if (rules & RULE_LOCK)
		return FOUND_NO_LOCK;
	return m->unasked.len ? FOUND_UNASKED : FOUND_DONE;
}

static enum finding
find_in_success(const struct evidence *e, unsigned rules)
{
	if (e->status == 202)
		return FOUND_ACCEPTED;
	if (e->status == 207)
		return e->was_read ? find_in_multistatus(e, rules)
				   : FOUND_UNDUE_MULTI;
	if ((rules & RULE_ONLY_MULTI))
		return rules & RULE_SAFE ? FOUND_NOT_MULTI : FOUND_NO_DETAILS;
	if ((rules & RULE_LOCK) && !e->has_lock)
		return FOUND_NO_LOCK;
	return FOUND_DONE;
}

enum finding
judge_find(const struct evidence *e)
{
	unsigned rules = method_rules(e->method);
	/*
	 * A failure is a failure though its body was cut short, and a 207 that
	 * was cut short is judged by what was read of it.
	 */
	bool speaks = e->rc == ERR_CUT_SHORT &&
	    (e->status >= 300 || (e->status == 207 && e->was_read));

	if (e->rc && !speaks)
		return find_in_broken_call(e, rules);
	if (e->status < 200 || e->status > 599)
		return FOUND_NO_LAST_WORD;
	if (e->status < 300)
		return find_in_success(e, rules);
	if (e->status < 400)
		return FOUND_REDIRECT;
	if (find_after_lost(e) != FOUND_STATUS)
		return find_after_lost(e);
	return is_access(e->status) ? FOUND_ACCESS : FOUND_STATUS;
}
