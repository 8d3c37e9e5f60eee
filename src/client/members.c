/* SPDX-License-Identifier: MIT */
#include "client/members.h"

#include "base/clock.h"
#include "outcome/retry.h"

/* Whether both name one resource, however it is written; queries are ignored.
 */
static bool
is_it(const struct url *a, const struct url *b)
{
	return a->host.len && url_covers(a, b) && url_covers(b, a);
}

static bool
in_scope(const struct members *s, const struct url *u)
{
	if (s->rules & RULE_ANYWHERE)
		return url_same_origin(&s->target, u);
	return url_covers(&s->target, u) ||
	    (s->destination.host.len && url_covers(&s->destination, u));
}

/* Gives what to call a resource: its href, its id, or its line. */
static enum err_code
name_it(struct members *s, const struct told *t, struct str *out)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (t->href.len)
		buf_put(&b, t->href);
	else if (t->id.len)
		buf_put(&b, t->id);
	else
		buf_printf(
		    &b, "the item at line %llu", (unsigned long long)t->line);
	return !buf_failed(&b) && arena_str(s->kept, buf_str(&b), out)
	    ? ERR_OK
	    : ERR_NOMEM;
}

static enum err_code
note_odd(struct members *s, const struct told *t)
{
	return s->m.odd.len ? ERR_OK : name_it(s, t, &s->m.odd);
}

/* The failure to blame is the first that is not 424, or else the first. */
static enum err_code
note_failure(struct members *s, const struct told *t, unsigned status,
    struct str error, struct str tell)
{
	struct mentioned *m = &s->m;
	enum retry_advice a = retry_advise(status, STR(""), true);
	int64_t wait;

	m->retryable |= a == RETRY_LATER || a == RETRY_WHEN_FREED;
	if (t->retry_after.len &&
	    retry_after_parse(t->retry_after, clock_now(), &wait) &&
	    wait > m->wait)
		m->wait = wait;
	if (m->failed++ && (m->status != 424 || status == 424))
		return ERR_OK;
	m->status = status;
	if (name_it(s, t, &m->href) || !arena_str(s->kept, error, &m->error) ||
	    !arena_str(s->kept, tell, &m->tell))
		return ERR_NOMEM;
	return ERR_OK;
}

static void
note_asked(struct members *s, const struct outcome *o)
{
	size_t i, j, k;

	for (i = 0; i < o->n_propstats; i++)
		for (j = 0; j < o->propstats[i].n_props; j++)
			for (k = 0; k < s->n_asked; k++)
				if (prop_name_eq(s->asked[k],
					o->propstats[i].props[j].name))
					s->seen[k] = true;
}

static bool
keep_name(struct members *s, struct prop_name name, struct str *out)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	buf_putc(&b, '{');
	buf_put(&b, name.ns);
	buf_putc(&b, '}');
	buf_put(&b, name.local);
	return !buf_failed(&b) && arena_str(s->kept, buf_str(&b), out);
}

/* Notes that the target failed, and the property to blame, if one is. */
static enum err_code
note_target(struct members *s, const struct outcome *o, unsigned status)
{
	size_t i;

	s->m.target_failed = true;
	s->m.target_status = status;
	for (i = 0; i < o->n_propstats; i++)
		s->m.by_property |= o->propstats[i].status / 100 == 2;
	for (i = 0; i < o->n_propstats; i++)
		if (o->propstats[i].status == status &&
		    o->propstats[i].n_props && !s->m.property.len)
			return keep_name(s, o->propstats[i].props[0].name,
				   &s->m.property)
			    ? ERR_OK
			    : ERR_NOMEM;
	return ERR_OK;
}

static enum err_code
note(struct members *s, const struct outcome *o, bool target)
{
	struct mentioned *m = &s->m;
	struct str error, tell;
	unsigned status;
	enum mention what = mention_of(s->rules, o, &status, &error, &tell);

	m->target |= target;
	if (target)
		note_asked(s, o);
	if (what == MENTION_DONE) {
		m->done++;
		return ERR_OK;
	}
	if (what == MENTION_UNREAD) {
		m->unread++;
		return note_odd(s, o->told);
	}
	if (target && note_target(s, o, status))
		return ERR_NOMEM;
	return note_failure(s, o->told, status, error, tell);
}

static enum err_code
pass_on(struct members *s, const struct outcome *o, const struct told *t)
{
	struct outcome absolute = *o;

	absolute.told = t;
	return s->next ? sink_put(s->next, &absolute) : ERR_OK;
}

static enum err_code
put_foreign(struct members *s, const struct told *t)
{
	struct outcome unknown = {
		.tell = STR("it is outside of what was asked for"),
	};

	s->m.foreign++;
	if (note_odd(s, t))
		return ERR_NOMEM;
	return pass_on(s, &unknown, t);
}

static enum err_code
members_put(struct sink *base, const struct outcome *o)
{
	struct members *s = CONTAINER_OF(base, struct members, base);
	struct told t = o->told ? *o->told : (struct told){ 0 };
	struct outcome told = *o;
	struct str absolute = { 0 };
	struct url u = { 0 };
	enum err_code rc;
	bool named;

	arena_clear(&s->item);
	told.told = &t;
	rc = url_resolve(&s->item, &s->target, t.href, &absolute, NULL);
	if (rc == ERR_NOMEM)
		return rc;
	/* What is made by url_resolve() can be parsed. */
	named = !rc && !url_parse(absolute, &u, NULL);
	if (named)
		t.href = absolute;
	else if (t.href.len || !t.id.len || !(s->rules & RULE_ANYWHERE))
		return put_foreign(s, &t);
	if (named && !in_scope(s, &u))
		return put_foreign(s, &t);
	rc = note(s, &told,
	    named && (is_it(&s->target, &u) || is_it(&s->destination, &u)));
	return rc ? rc : pass_on(s, o, &t);
}

static enum err_code
members_end(struct sink *base)
{
	struct members *s = CONTAINER_OF(base, struct members, base);

	return s->next ? sink_end(s->next) : ERR_OK;
}

enum err_code
members_init(struct members *s, struct err *err)
{
	static const struct sink_ops ops = {
		.name = "members",
		.put = members_put,
		.end = members_end,
	};

	s->m.wait = -1;
	s->seen = arena_array(s->kept, s->n_asked + 1, sizeof(*s->seen));
	if (!s->seen)
		return err_nomem(err);
	sink_init(&s->base, &ops);
	return ERR_OK;
}

void
members_done(struct members *s)
{
	arena_done(&s->item);
}

enum err_code
members_finish(struct members *s, struct err *err)
{
	size_t k = 0;

	while (k < s->n_asked && s->seen[k])
		k++;
	if (k == s->n_asked)
		return ERR_OK;
	return keep_name(s, s->asked[k], &s->m.unasked) ? ERR_OK
							: err_nomem(err);
}
