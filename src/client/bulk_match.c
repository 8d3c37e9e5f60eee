/* SPDX-License-Identifier: MIT */
/* What an answer says of each operation. */
#include <stdlib.h>

#include "base/clock.h"
#include "client/bulk.h"
#include "outcome/retry.h"

/* ---- which item an outcome is about */

static size_t
slot_of(const struct bulk_match *m, struct str id)
{
	size_t at = (size_t)str_hash(id) & (m->n_slots - 1);

	while (m->slots[at] && !str_eq(m->items[m->slots[at] - 1].id, id))
		at = (at + 1) & (m->n_slots - 1);
	return at;
}

/* The index of an item; n: there is none of that name. */
static size_t
find_id(const struct bulk_match *m, struct str id)
{
	size_t at = m->slots ? m->slots[slot_of(m, id)] : 0;

	return at ? at - 1 : m->n;
}

static size_t
find_item(const struct bulk_match *m, const struct told *t)
{
	uint64_t index;

	if (m->by_id && t->id.len && !t->placed)
		return find_id(m, t->id);
	if (t->index.len && str_to_u64(t->index, &index))
		return index < m->n ? (size_t)index : m->n;
	return m->place < m->n ? m->place : m->n;
}

static enum err_code
keep(struct bulk_match *m, struct str s, struct str *out)
{
	return arena_str(m->kept, s, out) ? ERR_OK : ERR_NOMEM;
}

static enum err_code
note_odd(struct bulk_match *m, const struct told *t)
{
	struct str name = t->id.len ? t->id : t->href.len ? t->href : t->op;

	if (m->odd.len)
		return ERR_OK;
	return keep(
	    m, name.len ? name : STR("an item without a name"), &m->odd);
}

/* ---- what it says of the item */

static int64_t
wait_of(const struct told *t)
{
	int64_t ns = -1;

	if (!t->retry_after.len ||
	    !retry_after_parse(t->retry_after, clock_now(), &ns))
		return -1;
	return ns;
}

static enum fate
fate_of(unsigned status, bool partial)
{
	if (status < 200 || status > 599 || status == 202 || status == 207)
		return FATE_UNKNOWN;
	if (partial)
		return FATE_PARTIAL;
	return status < 300 || status == 304 ? FATE_DONE : FATE_FAILED;
}

static enum err_code
keep_answer(struct bulk_match *m, struct bulk_item *it, struct str bytes)
{
	if (!m->keep)
		return ERR_OK;
	it->omitted = bytes.len > BULK_KEPT - m->n_kept;
	if (it->omitted)
		return ERR_OK;
	m->n_kept += bytes.len;
	return keep(m, bytes, &it->answer);
}

static enum err_code
take(struct bulk_match *m, struct bulk_item *it, const struct outcome *o)
{
	const struct told *t = o->told;
	struct verdict v = { .fate = fate_of(o->status, t->partial),
		.status = o->status,
		.wait = wait_of(t) };
	enum err_code rc;

	v.blame = v.fate == FATE_DONE ? BLAME_NONE
	    : v.fate == FATE_UNKNOWN  ? BLAME_CUT
				      : BLAME_STATUS;
	rc = keep(m, o->tell, &v.text);
	if (!rc && v.fate == FATE_UNKNOWN && !v.text.len)
		v.text = STR(
		    "the answer names it and no status that says what became "
		    "of it");
	if (!rc)
		rc = keep(m, t->error, &v.error);
	if (!rc)
		rc = keep(m, t->etag, &v.etag);
	if (!rc)
		rc =
		    keep(m, t->location.len ? t->location : t->href, &it->href);
	if (!rc)
		rc = keep(m, t->caused_by, &it->caused_by);
	if (!rc)
		rc = keep_answer(m, it, t->bytes);
	it->v = v;
	it->replayed = t->replayed;
	return rc;
}

static enum err_code
match_put(struct sink *base, const struct outcome *o)
{
	struct bulk_match *m = CONTAINER_OF(base, struct bulk_match, base);
	struct bulk_item *it;
	size_t i;

	if (!o->told)
		return ERR_OK;
	if (o->told->member) {
		if (m->last < m->n && m->member)
			m->member(m->arg, m->last, o);
		return ERR_OK;
	}
	i = find_item(m, o->told);
	m->place++;
	m->last = i;
	if (i == m->n) {
		m->misplaced = m->misplaced || !m->by_id;
		return note_odd(m, o->told);
	}
	it = &m->items[i];
	if (it->op.len && o->told->op.len && !str_eq(it->op, o->told->op)) {
		m->misplaced = true;
		return note_odd(m, o->told);
	}
	if (it->mentioned) {
		it->twice = true;
		return note_odd(m, o->told);
	}
	it->mentioned = true;
	m->mentioned++;
	return take(m, it, o);
}

enum err_code
bulk_match_init(struct bulk_match *m, struct err *err)
{
	static const struct sink_ops ops = {
		.name = "bulk",
		.put = match_put,
	};
	size_t i;

	m->last = m->n;
	sink_init(&m->base, &ops);
	if (!m->by_id)
		return ERR_OK;
	for (m->n_slots = 16; m->n_slots < 2 * m->n; m->n_slots *= 2)
		;
	m->slots = calloc(m->n_slots, sizeof(*m->slots));
	if (!m->slots)
		return err_nomem(err);
	for (i = 0; i < m->n; i++)
		m->slots[slot_of(m, m->items[i].id)] = i + 1;
	return ERR_OK;
}

void
bulk_match_done(struct bulk_match *m)
{
	free(m->slots);
	m->slots = NULL;
}

/* ---- the answer as a whole */

static bool
is_access(unsigned status)
{
	return status == 401 || status == 403 || status == 407;
}

/*
 * A proxy in front of the server says so, or the server when it breaks down:
 * some items may have been done.
 */
static bool
is_breakdown(unsigned status)
{
	return status >= 500 && status < 600 && status != 501 &&
	    status != 503 && status != 505 && status != 507;
}

static enum bulk_finding
finding_of_status(const struct bulk_reply *r)
{
	if (is_breakdown(r->status))
		return BULK_LOST;
	if (r->status == 413)
		return BULK_TOO_LARGE;
	/* The key is in use: an earlier request with it is still being done. */
	if (r->status == 409 && r->wait >= 0)
		return BULK_SLOW;
	if (retry_advise(r->status, STR(""), true) == RETRY_LATER)
		return BULK_SLOW;
	if (r->status == 400 || r->status == 409 || r->status == 412 ||
	    r->status == 422 || r->status == 423 || r->status == 424 ||
	    r->status == 507)
		return BULK_REFUSED;
	return r->status >= 300 && r->status < 600 ? BULK_HOPELESS : BULK_LOST;
}

static enum bulk_finding
find(const struct bulk_reply *r, const struct bulk_match *m)
{
	if (m->mentioned || (m->odd.len && r->status < 300))
		return BULK_ANSWERED;
	if (r->rc == ERR_CANCELLED)
		return r->sent ? BULK_LOST : BULK_CANCELLED;
	if (r->rc == ERR_UNREACHABLE)
		return BULK_UNREACHED;
	if (r->status >= 300 && (!r->rc || r->rc == ERR_CUT_SHORT))
		return finding_of_status(r);
	return BULK_LOST;
}

static void
settle_all(struct bulk_match *m, const struct verdict *v)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		m->items[i].v = *v;
}

static struct verdict
lost(enum blame blame, const char *text)
{
	return (struct verdict){ .fate = FATE_UNKNOWN,
		.blame = blame,
		.wait = -1,
		.text = str_from_c(text) };
}

static struct str
text_of(const struct err *err)
{
	return str_from_c(*err->tell ? err->tell : err->why);
}

/* The verdict on every item where the answer says nothing of any. */
static struct verdict
verdict_of_lost(const struct bulk_reply *r)
{
	struct verdict v;

	if (r->rc == ERR_CANCELLED)
		return lost(BLAME_INTERRUPT,
		    "it was interrupted, and it may have been done");
	if (r->rc == ERR_CUT_SHORT && !r->status)
		return lost(
		    BLAME_CUT, "no answer came, and it may have been done");
	if (r->rc == ERR_CUT_SHORT ||
	    (r->was_read && r->reading.end == ERR_CUT_SHORT))
		return lost(BLAME_CUT, "the answer was cut short");
	if (r->rc == ERR_BAD_ANSWER || r->rc == ERR_TOO_LARGE)
		return lost(BLAME_PROTOCOL, "the answer is malformed");
	if (r->rc)
		return lost(BLAME_LOCAL, "the answer could not be read");
	if (r->status == 202)
		return lost(BLAME_CUT,
		    "the server will do it later, and it may yet fail");
	if (is_breakdown(r->status)) {
		v = lost(BLAME_CUT,
		    "the server or something in front of it broke down, and "
		    "it may have been done");
		v.status = r->status;
		return v;
	}
	if (r->was_read && r->reading.end)
		return lost(BLAME_PROTOCOL, "the answer is malformed");
	return lost(BLAME_PROTOCOL,
	    "the answer does not say what became of each operation: this may "
	    "be no bulk endpoint");
}

/* The verdict on every item where none was begun. */
static struct verdict
verdict_of_refusal(const struct bulk_reply *r, enum bulk_finding found)
{
	struct verdict v = { .fate = FATE_FAILED,
		.blame = BLAME_STATUS,
		.status = r->status,
		.wait = r->wait,
		.text = r->said.sentence,
		.error = r->said.xml };

	v.retryable = found == BULK_SLOW;
	if (found == BULK_UNREACHED) {
		v.blame = BLAME_UNREACHABLE;
		v.status = 0;
		v.text = text_of(&r->err);
	} else if (found == BULK_CANCELLED) {
		v.fate = FATE_LEFT;
		v.blame = BLAME_INTERRUPT;
		v.text = STR("it was not begun");
	} else if (is_access(r->status)) {
		v.blame = BLAME_ACCESS;
	}
	return v;
}

/* ---- an answer that says something of some items */

/* Why the answer as a whole is not to be believed, for people; or NULL. */
static const char *
what_is_odd(const struct bulk_reply *r, const struct bulk_match *m)
{
	if (m->misplaced)
		return "the answer is not to what was sent: it has other "
		       "operations, or more of them";
	if (m->odd.len)
		return "the answer names what was not sent, or names it twice";
	if (r->reading.contradicts)
		return "the answer contradicts itself: its summary is not what "
		       "its items come to";
	if (r->reading.end == ERR_BAD_ANSWER || r->reading.end == ERR_TOO_LARGE)
		return "the answer is malformed";
	return NULL;
}

/* The verdict on an item that the answer does not mention. */
static struct verdict
verdict_of_silence(const struct bulk_reply *r, const char *odd)
{
	if (odd)
		return lost(BLAME_PROTOCOL,
		    "the answer does not mention it, and has something in it "
		    "that was not asked for, or is malformed");
	if (r->rc || r->reading.end == ERR_CUT_SHORT)
		return lost(BLAME_CUT,
		    "the answer was cut short before it was mentioned");
	return lost(BLAME_CUT, "the answer does not mention it");
}

/*
 * An earlier request may have carried the item out though no answer came: then
 * this failure may come of that.
 */
static void
mind_before(struct bulk_item *it)
{
	if (!it->before || it->keyed || it->v.fate != FATE_FAILED)
		return;
	if (it->deletes && (it->v.status == 404 || it->v.status == 410)) {
		it->v = (struct verdict){ .wait = -1, .status = it->v.status };
	} else if (it->v.status == 409 || it->v.status == 412 ||
	    it->v.status == 404 || it->v.status == 405) {
		it->v.fate = FATE_UNKNOWN;
		it->v.blame = BLAME_CUT;
		it->v.text = STR("an earlier request got no answer, and this "
				 "may be what it did");
	}
}

static void
settle_one(const struct bulk_reply *r, const struct bulk_match *m,
    struct bulk_item *it, const char *odd)
{
	bool disputed = r->reading.contradicts && it->mentioned && !it->twice &&
	    it->v.fate == FATE_DONE;

	if (m->misplaced || disputed)
		it->v = lost(BLAME_PROTOCOL, odd);
	else if (it->twice)
		it->v = lost(BLAME_PROTOCOL, "the answer mentions it twice");
	else if (!it->mentioned)
		it->v = verdict_of_silence(r, odd);
	else
		mind_before(it);
}

/* ---- what is sent again */

static bool
may_go_again(const struct bulk_item *it)
{
	const struct verdict *v = &it->v;

	if (v->fate == FATE_UNKNOWN)
		return it->repeatable &&
		    (v->blame == BLAME_CUT && v->status != 202);
	if (v->fate != FATE_FAILED)
		return false;
	if (it->keyed && v->status == 409 && v->wait >= 0)
		return true; /* an earlier request is still doing it */
	return it->repeatable &&
	    retry_advise(v->status, STR(""), true) == RETRY_LATER;
}

/* An item that failed because of one that goes again, goes again with it. */
static void
follow_causes(struct bulk_match *m)
{
	bool more = true;
	size_t i, cause;

	while (more) {
		more = false;
		for (i = 0; i < m->n; i++) {
			struct bulk_item *it = &m->items[i];

			if (it->again || it->v.fate != FATE_FAILED ||
			    it->v.status != 424 || !it->caused_by.len)
				continue;
			cause = m->by_id ? find_id(m, it->caused_by) : m->n;
			if (cause == m->n || !m->items[cause].again)
				continue;
			it->again = more = true;
		}
	}
}

static void
settle(const struct bulk_reply *r, struct bulk_match *m, const char *odd)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		struct bulk_item *it = &m->items[i];

		settle_one(r, m, it, odd);
		it->again = may_go_again(it);
		it->v.retryable = it->v.fate != FATE_DONE &&
		    (it->again || status_is_retryable(it->v.status));
	}
	follow_causes(m);
}

enum bulk_finding
bulk_judge(const struct bulk_reply *r, struct bulk_match *m, const char **what)
{
	enum bulk_finding found = find(r, m);
	struct verdict v;
	size_t i;

	*what = NULL;
	if (found == BULK_ANSWERED) {
		*what = what_is_odd(r, m);
		settle(r, m, *what);
		return found;
	}
	v = found == BULK_LOST ? verdict_of_lost(r)
			       : verdict_of_refusal(r, found);
	settle_all(m, &v);
	for (i = 0; i < m->n; i++) {
		struct bulk_item *it = &m->items[i];

		it->again = found == BULK_UNREACHED ||
		    found == BULK_TOO_LARGE ||
		    (found == BULK_SLOW &&
			(it->repeatable || r->status == 429)) ||
		    (found == BULK_LOST && may_go_again(it));
	}
	return found;
}
