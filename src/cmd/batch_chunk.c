/* SPDX-License-Identifier: MIT */
/* Decides what goes into one request, and writes it. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "cmd/batch_impl.h"
#include "outcome/retry.h"

void
batch_chunk_done(struct batch_chunk *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		batch_one_free(c->v[i]);
	bulk_match_done(&c->match);
	free(c->v);
	free(c->items);
	buf_done(&c->body);
	arena_done(&c->a);
	*c = (struct batch_chunk){ 0 };
}

/* ---- what an operation is */

static bool
is_repeatable(const struct batch *b, const struct batch_one *one)
{
	const struct batch_edit *e = &one->op.e;

	if (one->key.len || b->f.o.dry_run)
		return true;
	if (b->in.head.shape == SHAPE_ACTIONS)
		return e->id.len && !str_eq(e->op, STR("update"));
	if (!e->op.len)
		return method_is_idempotent(e->method);
	return !str_eq(e->op, STR("create")) && !str_eq(e->op, STR("patch"));
}

static bool
is_delete(const struct batch_edit *e)
{
	return str_eq(e->op, STR("delete")) || str_eq(e->method, STR("DELETE"));
}

/* ---- what it waits for */

bool
batch_known(void *arg, struct str id, struct edit_known *out)
{
	const struct batch *b = arg;
	const struct known *k = bulk_known_find(b->known, id);

	*out = (struct edit_known){ 0 };
	if (!k) /* what is not in a retry file was done before */
		out->done = b->in.head.retry;
	else if (k->state == KNOWN_DONE)
		*out = (struct edit_known){ true, k->etag, k->href };
	return out->done;
}

static bool
has_failed(const struct batch *b, struct str id)
{
	const struct known *k = bulk_known_find(b->known, id);

	return k && k->state == KNOWN_FAILED;
}

/* The id of an operation that it waits for and that failed; or empty. */
static struct str
failed_cause(const struct batch *b, const struct batch_edit *e)
{
	size_t i;

	for (i = 0; i < e->n_depends_on; i++)
		if (has_failed(b, e->depends_on[i]))
			return e->depends_on[i];
	for (i = 0; i < e->n_refs; i++)
		if (has_failed(b, e->refs[i]))
			return e->refs[i];
	return str_of("", 0);
}

/* ---- what must not be sent */

/* The longest wait of a retry file, as for `sheaf retry`. */
#define RETRY_PATIENCE (INT64_C(600) * NSEC_PER_SEC)

struct refusal {
	enum fate fate;
	enum blame blame;
	unsigned status;
	int64_t wait; /* ns; -1: not said */
	struct buf text;
};

static bool
refuse(struct refusal *r, enum fate fate, unsigned status, const char *text)
{
	r->fate = fate;
	r->blame = fate == FATE_UNKNOWN ? BLAME_CUT : BLAME_STATUS;
	r->status = status;
	r->wait = -1;
	buf_clear(&r->text);
	buf_put(&r->text, str_from_c(text));
	return true;
}

/* ns that are left of the Retry-After in the retry file; <= 0: none. */
static int64_t
time_left(const struct batch *b, const struct batch_one *one)
{
	if (one->attempts || one->op.retry_after <= 0 || !b->in.head.time)
		return 0;
	return (b->in.head.time + one->op.retry_after) * NSEC_PER_SEC -
	    clock_now();
}

static bool
must_not_be_sent(
    const struct batch *b, const struct batch_one *one, struct refusal *r)
{
	struct str cause = failed_cause(b, &one->op.e);

	if (cause.len) {
		(void)refuse(r, FATE_LEFT, 0, "what it waits for has failed: ");
		buf_put(&r->text, cause);
		return true;
	}
	if (one->attempts)
		return false;
	if (time_left(b, one) > RETRY_PATIENCE) {
		(void)refuse(r, FATE_LEFT, 0,
		    "the server asked for more time than anybody waits here");
		r->wait = time_left(b, one);
		return true;
	}
	if (one->op.status == 409 || one->op.status == 412)
		return refuse(r, FATE_FAILED, (unsigned)one->op.status,
		    "it is never sent again as it is, somebody else's work "
		    "could be overwritten: look at what is there, then mend "
		    "the batch");
	if (one->before && !is_repeatable(b, one))
		return refuse(r, FATE_UNKNOWN, 0,
		    "it was sent, no answer came, and to send it again could "
		    "do it twice: look at what is there");
	return false;
}

/* Settles a whole unit: of a group all are sent, or none. */
static void
settle_unit(struct batch *b, struct batch_one *unit, const struct refusal *r)
{
	const struct verdict v = { .fate = r->fate,
		.blame = r->blame,
		.status = r->status,
		.wait = r->wait,
		.text = buf_str(&r->text) };
	struct batch_one *one;

	while ((one = unit)) {
		unit = one->next;
		batch_settle(b, one, &v, NULL);
	}
}

/* ---- units, which are not cut: a group, or one operation */

static struct batch_one *
take_unit(struct batch *b, size_t *n)
{
	struct batch_one *first = batch_shift(b), *last = first;

	*n = first ? 1 : 0;
	while (first && first->op.e.group.len && b->first &&
	    str_eq(b->first->op.e.group, first->op.e.group)) {
		last->next = batch_shift(b);
		last = last->next;
		++*n;
	}
	return first;
}

static void
wait_for(struct batch *b, const struct batch_one *one)
{
	int64_t left = time_left(b, one);

	if (left > 0 && clock_monotonic() + left > b->not_before)
		b->not_before = clock_monotonic() + left;
}

/* ---- the text */

static enum err_code
put_one(struct batch *b, struct buf *body, const struct batch_one *one,
    bool first, struct err *err)
{
	const struct edit_changes changes = {
		.id = one->id,
		.key = one->key,
		.known = batch_known,
		.arg = b,
	};
	size_t from = body->len;
	enum err_code rc;

	if (b->in.head.shape == SHAPE_ACTIONS) {
		buf_put(body, one->op.text);
		buf_putc(body, '\n');
		buf_put(body, one->op.source);
		if (one->op.source.len)
			buf_putc(body, '\n');
		return buf_failed(body) ? err_nomem(err) : ERR_OK;
	}
	if (!first && !b->lines)
		buf_putc(body, ',');
	rc = batch_edit_put(body, &one->op.e, &changes, err);
	if (rc || !b->lines)
		return rc;
	batch_flatten(body, from);
	buf_putc(body, '\n');
	return buf_failed(body) ? err_nomem(err) : ERR_OK;
}

static enum err_code
put_unit(struct batch *b, struct batch_chunk *c, const struct batch_one *unit,
    struct err *err)
{
	bool first = c->n == 0;
	enum err_code rc = ERR_OK;

	for (; unit && !rc; unit = unit->next) {
		rc = put_one(b, &c->body, unit, first, err);
		first = false;
	}
	return rc;
}

static enum err_code
make_room(struct batch_chunk *c, size_t more, struct err *err)
{
	size_t cap = c->cap ? c->cap : 64;
	struct batch_one **v;

	while (cap < c->n + more)
		cap *= 2;
	if (cap == c->cap)
		return ERR_OK;
	v = reallocarray(c->v, cap, sizeof(struct batch_one *));
	if (!v)
		return err_nomem(err);
	c->v = v;
	c->cap = cap;
	return ERR_OK;
}

/* Adds a unit, for which there is room. */
static void
keep_unit(struct batch_chunk *c, struct batch_one *unit)
{
	c->groups += unit->op.e.group.len > 0;
	while (unit) {
		struct batch_one *next = unit->next;

		unit->next = NULL;
		c->v[c->n++] = unit;
		unit = next;
	}
	c->units++;
}

static bool
is_over(const struct batch *b, const struct batch_chunk *c,
    const struct batch_one *unit, size_t more)
{
	if (b->whole || !c->n)
		return false;
	return c->n + more > b->most || c->body.len + 2 > b->most_bytes ||
	    (unit->op.e.group.len && c->groups >= b->most_groups);
}

static void
give_back(
    struct batch *b, struct batch_chunk *c, struct batch_one *unit, size_t len)
{
	c->body.len = len;
	batch_unshift(b, unit);
}

/* Adds a unit, settles it, or gives it back; *full: the chunk is complete. */
static enum err_code
add_unit(struct batch *b, struct batch_chunk *c, struct batch_one *unit,
    size_t n, bool *full, struct err *err)
{
	struct refusal r = { 0 };
	struct err why = { 0 };
	const struct batch_one *one;
	size_t len = c->body.len;
	bool refused = false;
	enum err_code rc = ERR_OK;

	for (one = unit; one && !refused; one = one->next) {
		refused = must_not_be_sent(b, one, &r);
		wait_for(b, one);
	}
	if (!refused)
		rc = make_room(c, n, &why);
	if (!refused && !rc)
		rc = put_unit(b, c, unit, &why);
	if (rc == ERR_NOT_FOUND)
		refused = refuse(&r, FATE_LEFT, 0, why.tell);
	if (refused) {
		c->body.len = len;
		settle_unit(b, unit, &r);
		rc = ERR_OK;
	} else if (rc || is_over(b, c, unit, n)) {
		give_back(b, c, unit, len);
		*full = true;
	} else {
		keep_unit(c, unit);
	}
	buf_done(&r.text);
	if (rc && err)
		*err = why;
	return rc;
}

/* ---- for the answer */

static void
on_member(void *arg, size_t item, const struct outcome *o)
{
	struct batch_one *const *v = ((struct batch_chunk *)arg)->v;

	batch_member(((struct batch_chunk *)arg)->batch, v[item], o);
}

static enum err_code
prepare_match(struct batch *b, struct batch_chunk *c, struct err *err)
{
	size_t i;

	c->items = calloc(c->n + 1, sizeof(*c->items));
	if (!c->items)
		return err_nomem(err);
	c->match = (struct bulk_match){ .items = c->items,
		.n = c->n,
		.kept = &c->a,
		.by_id = b->in.head.shape != SHAPE_ACTIONS,
		.keep = b->f.o.json,
		.member = on_member,
		.arg = c };
	for (i = 0; i < c->n; i++) {
		const struct batch_one *one = c->v[i];

		c->items[i] = (struct bulk_item){ .id = one->id,
			.keyed = one->key.len > 0,
			.repeatable = is_repeatable(b, one),
			.before = one->before,
			.deletes = is_delete(&one->op.e),
			.v.wait = -1 };
		if (b->in.head.shape == SHAPE_ACTIONS)
			c->items[i].op = one->op.e.op;
		if (!one->id.len)
			c->match.by_id = false;
	}
	return bulk_match_init(&c->match, err);
}

enum err_code
batch_chunk_take(struct batch *b, struct batch_chunk *c, struct err *err)
{
	const struct batch_source_head *h = &b->in.head;
	uint64_t limit =
	    h->fail_on_errors ? h->fail_on_errors - b->failures : 0;
	enum err_code rc = ERR_OK;
	bool full = false;
	size_t n;

	c->batch = b;
	batch_lead_put(&c->body, h, b->f.o.dry_run, limit, b->lines);
	while (!rc && !full && (b->whole || c->n < b->most)) {
		struct batch_one *unit = take_unit(b, &n);

		if (!unit)
			break;
		rc = add_unit(b, c, unit, n, &full, err);
	}
	if (rc || !c->n)
		return rc;
	batch_tail_put(&c->body, h, b->lines);
	if (buf_failed(&c->body))
		return err_nomem(err);
	return prepare_match(b, c, err);
}
