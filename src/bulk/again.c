/* SPDX-License-Identifier: MIT */
/*
 * What was done under a key is answered from its record, and not done again.
 * The record has the form that dav/keyed.c gives it: a status, header lines, an
 * empty line; for a PROPPATCH also the names that were set.
 */
#include "base/clock.h"
#include "bulk/capture.h"
#include "bulk/impl.h"
#include "http/fingerprint.h"
#include "http/href.h"

#define DAY (86400 * NSEC_PER_SEC)

static int64_t
expires(const struct bulk_run *r)
{
	int64_t ttl = r->env.set->idempotency_ttl;

	return clock_now() + (ttl ? ttl : DAY);
}

/* ---- the batch's own key */

/*
 * Whether the batch's key was used; an error if that was for another payload.
 */
static enum err_code
look_back(struct bulk_run *r, bool *found, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct recalled was;
	enum err_code rc = store_recall(
	    r->env.store, buf_str(&r->batch_key), &a, &was, found, err);

	if (!rc && *found && !str_eq(was.print, r->spec.print))
		return err_tell(err, ERR_KEY_REUSED,
		    "another batch was sent with this Idempotency-Key: a new "
		    "batch needs a new key");
	return rc;
}

/* Makes a record, of no change, that holds the batch's key to this payload. */
static enum err_code
hold_to_key(struct bulk_run *r, struct err *err)
{
	const struct record record = {
		.key = buf_str(&r->batch_key),
		.print = r->spec.print,
		.expires = expires(r),
	};

	return store_remember(
	    r->env.store, &record, (struct str){ 0 }, NULL, err);
}

static enum err_code
take_batch_key(struct bulk_run *r, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	bool nomem = false;

	if (r->spec.key.len > r->env.limits->key_bytes)
		return err_tell(err, ERR_BAD_REQUEST,
		    "an Idempotency-Key may have %llu bytes (keyBytes)",
		    (unsigned long long)r->env.limits->key_bytes);
	/* An item's has an id behind it: none is taken for the batch's. */
	key_put_item(&b, r->spec.caller.user, r->spec.key, (struct str){ 0 });
	if (buf_failed(&b))
		return err_nomem(err);
	if (r->env.keys && !keys_take(r->env.keys, buf_str(&b), &nomem))
		return nomem ? err_nomem(err)
			     : err_tell(err, ERR_KEY_IN_USE,
				   "a batch with this Idempotency-Key is being "
				   "carried out; send it again to learn its "
				   "outcome");
	r->batch_key = b;
	b = (struct buf){ 0 };
	return ERR_OK;
}

enum err_code
again_start(struct bulk_run *r, struct err *err)
{
	enum err_code rc;
	bool found;

	if (r->key_known || r->dry || !r->spec.key.len)
		return ERR_OK;
	r->key_known = true;
	rc = take_batch_key(r, err);
	if (rc || !r->spec.print.len)
		return rc;
	rc = look_back(r, &found, err);
	return rc || found ? rc : hold_to_key(r, err);
}

enum err_code
again_check(struct bulk_run *r, struct err *err)
{
	enum err_code rc;
	bool found;

	if (!r->spec.key.len || !r->spec.print.len)
		return ERR_OK;
	rc = take_batch_key(r, err);
	if (!rc)
		rc = look_back(r, &found, err);
	again_end(r);
	return rc;
}

void
again_end(struct bulk_run *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		again_give_back(r, &r->tasks[i]);
	if (r->env.keys && r->batch_key.len)
		keys_give_back(r->env.keys, buf_str(&r->batch_key));
	buf_done(&r->batch_key);
}

/* ---- an item's */

static bool
fail(struct bulk_run *r, struct task *t, enum err_code rc)
{
	t->err->code = rc;
	task_failed(r, t);
	return false;
}

/*
 * The fingerprint is keyed.c's for a single request, so that an item is known
 * by the key of such a one and the other way round; but white space and order
 * in a JSON body do not count.
 */
static enum err_code
make_print(struct bulk_run *r, struct task *t, const struct request *req)
{
	const struct batch_item *item = t->item;
	struct fingerprint *f = ARENA_NEW(&t->arena, struct fingerprint);
	enum err_code rc;

	if (!f)
		return err_nomem(t->err);
	rc = keyed_print(req, &t->arena, f, t->err);
	if (rc)
		return rc;
	/* A PROPPATCH by itself is answered in another form. */
	if (t->ways & WAY_FOUND)
		fingerprint_part(f, STR("item"));
	if (r->taking_big) {
		t->body_print = f;
		return ERR_OK;
	}
	if (item->body_print.len)
		fingerprint_part(f, item->body_print);
	else if (item->body_sum.len)
		fingerprint_body(f, item->body_sum);
	else
		(void)ostream_write(fingerprint_stream(f, NULL), item->body);
	(void)fingerprint_end(f, (char *)t->print);
	return ERR_OK;
}

/* Also of a single request, whose record has all that it answered. */
static void
read_header(struct task *t, struct header *v, struct str line)
{
	size_t colon = str_find(line, ':');
	struct str name = str_head(line, colon);
	struct str value = str_trim(str_skip(line, colon + 1));

	if (!capture_name(&name))
		return;
	v[t->result.headers.n++] = (struct header){ name, value };
	if (!str_eq(name, STR("etag")) || value.len > ETAG_MAX)
		return;
	memcpy(t->etag, value.ptr, value.len);
	t->etag_len = (unsigned)value.len;
}

#define HEADERS_MAX ((size_t)16)

/*
 * Makes the answer of what the change left, where a crash took the record of
 * it.
 */
static uint64_t
answer_anew(struct bulk_run *r, struct task *t, const struct recalled *was,
    struct header *v)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct headers *to = &t->result.headers;
	struct str text;

	if (t->etag_len && !(t->ways & WAY_FOUND))
		v[to->n++] = (struct header){ STR("etag"),
			str_of(t->etag, t->etag_len) };
	if (t->ways & WAY_NAMES) {
		href_put(&b, r->spec.origin.prefix, was->path, false);
		if (!buf_failed(&b) && arena_str(&t->arena, buf_str(&b), &text))
			v[to->n++] = (struct header){ STR("location"), text };
	}
	if (t->ways & WAY_FOUND)
		return 200;
	return was->created ? 201 : 204;
}

/* The properties that a PROPPATCH set: "name namespace", one a line. */
static void
read_props(struct task *t, struct outcome *o, struct str rest)
{
	size_t n = 0, i;
	struct propstat *set = ARENA_NEW(&t->arena, struct propstat);
	struct prop *props;
	struct str line;

	for (i = 0; i < rest.len; i++)
		n += rest.ptr[i] == '\n';
	props = arena_array(&t->arena, n, sizeof(*props));
	if (!set || !props)
		return;
	for (i = 0; i < n && str_cut(&rest, '\n', &line); i++) {
		size_t space = str_find(line, ' ');

		props[i].name.local = str_head(line, space);
		props[i].name.ns = str_skip(line, space + 1);
	}
	*set = (struct propstat){ .status = 200, .props = props, .n_props = i };
	o->propstats = set;
	o->n_propstats = i ? 1 : 0;
}

static void
put_props(struct buf *b, const struct outcome *o)
{
	size_t i, k;

	for (i = 0; i < o->n_propstats; i++)
		for (k = 0; k < o->propstats[i].n_props; k++) {
			const struct prop_name *n =
			    &o->propstats[i].props[k].name;

			if (str_find(n->ns, '\n') < n->ns.len)
				continue; /* a line is a line */
			buf_put(b, n->local);
			buf_putc(b, ' ');
			buf_put(b, n->ns);
			buf_putc(b, '\n');
		}
}

static uint64_t
read_answer(struct bulk_run *r, struct task *t, const struct recalled *was,
    struct outcome *o)
{
	struct header *v = arena_array(&t->arena, HEADERS_MAX, sizeof(*v));
	struct str rest = was->result, line;
	uint64_t status = 200;

	if (!v)
		return was->created ? 201 : 204;
	t->result.headers.v = v;
	if (was->etag.len && was->etag.len <= ETAG_MAX) {
		memcpy(t->etag, was->etag.ptr, was->etag.len);
		t->etag_len = (unsigned)was->etag.len;
	}
	if (!rest.len || !str_cut(&rest, '\n', &line))
		return answer_anew(r, t, was, v);
	(void)!str_to_u64(line, &status);
	while (t->result.headers.n < HEADERS_MAX &&
	    str_cut(&rest, '\n', &line) && line.len)
		read_header(t, v, line);
	if (t->ways & WAY_FOUND)
		read_props(t, o, rest);
	return status;
}

static bool
replay(struct bulk_run *r, struct task *t, const struct recalled *was)
{
	struct outcome o = { .path = t->path };
	struct headers kept;

	t->at = t->ways & WAY_TO ? t->to : t->path;
	if (t->ways & WAY_NAMES && was->path.s.len)
		o.path = t->at = was->path;
	o.collection = task_names_collection(t, o.path);
	o.status = (unsigned)read_answer(r, t, was, &o);
	if (o.status < 200 || o.status > 399)
		o.status = 200;
	kept = t->result.headers;
	task_result(t, &o);
	t->result.headers = kept;
	t->result.replayed = true;
	return false;
}

static bool
take(struct bulk_run *r, struct task *t)
{
	bool nomem = false;

	if (!r->env.keys || r->dry || r->trying || t->has_key)
		return true;
	t->has_key = keys_take(r->env.keys, t->store_key, &nomem);
	if (t->has_key)
		return true;
	if (nomem)
		return fail(r, t, err_nomem(t->err));
	return fail(r, t,
	    err_tell(t->err, ERR_KEY_IN_USE,
		"an operation with this key is being carried out; send it "
		"again to learn its outcome"));
}

/* Whether the item's key is made of the batch's. */
static bool
is_batch_key(const struct task *t)
{
	return t->state != TASK_DONE && t->store_key.len &&
	    !t->item->idempotency_key.len;
}

enum err_code
again_window(struct bulk_run *r, struct err *err)
{
	struct str below = buf_str(&r->batch_key);
	bool nomem = false, any;
	enum err_code rc;
	size_t i;

	if (!r->env.keys || r->dry || !below.len)
		return ERR_OK;
	/*
	 * An item whose key is not free now asks for it again when it is begun.
	 */
	for (i = 0; i < r->n; i++)
		if (is_batch_key(&r->tasks[i]))
			r->tasks[i].has_key = keys_take(
			    r->env.keys, r->tasks[i].store_key, &nomem);
	/* It ends in the slash. */
	rc = store_recall_any(
	    r->env.store, str_head(below, below.len - 1), &any, err);
	for (i = 0; i < r->n && !rc; i++)
		r->tasks[i].unused = r->tasks[i].has_key && !any;
	return rc;
}

static enum err_code
is_reused(struct task *t)
{
	return err_tell(t->err, ERR_KEY_REUSED,
	    "another operation was carried out under this key: a new one "
	    "needs a new key");
}

bool
again_begin(struct bulk_run *r, struct task *t, struct store *store,
    const struct request *req)
{
	struct recalled *was;
	enum err_code rc;
	bool found = false;

	if (!t->store_key.len)
		return true;
	rc = make_print(r, t, req);
	was = ARENA_NEW(&t->arena, struct recalled);
	if (!rc && !was)
		rc = err_nomem(t->err);
	if (rc)
		return fail(r, t, rc);
	if (!take(r, t))
		return false;
	if (!t->unused)
		rc = store_recall(
		    store, t->store_key, &t->arena, was, &found, t->err);
	if (rc)
		return fail(r, t, rc);
	t->record = (struct record){
		.key = t->store_key,
		.print = str_of((const char *)t->print, sizeof(t->print)),
		.expires = expires(r),
		.unused = t->unused,
	};
	t->recorded = !r->dry && !r->trying;
	if (!found)
		return true;
	if (t->body_print && !was->begun)
		t->was = was;
	if (was->begun)
		t->begun = was;
	if (t->body_print)
		return !t->was;
	if (!str_eq(was->print, t->record.print))
		return fail(r, t, is_reused(t));
	return was->begun || replay(r, t, was);
}

bool
again_body(struct bulk_run *r, struct task *t)
{
	const struct recalled *was = t->was ? t->was : t->begun;
	struct str print;

	if (!t->body_print)
		return true;
	print = fingerprint_end(t->body_print, (char *)t->print);
	if (was && !str_eq(was->print, print)) {
		(void)is_reused(t);
		item_fail(r, t, t->err);
		return false;
	}
	return !t->was || replay(r, t, t->was);
}

/*
 * Whether answer_anew() would give the same answer, so that it need not be
 * remembered.
 */
static bool
goes_without_saying(const struct task *t)
{
	const struct headers *h = &t->result.headers;

	return str_eq(t->method_name, STR("PUT")) && h->n == 1 &&
	    str_eq(h->v[0].name, STR("etag")) &&
	    (t->result.outcome.status == 201 ||
		t->result.outcome.status == 204);
}

/* The change is made, whether its answer can be remembered or not. */
void
again_done(struct bulk_run *r, struct task *t, struct store *store,
    struct store_batch *batch)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	size_t i;

	(void)r;
	if (!t->recorded || goes_without_saying(t))
		return;
	buf_put_u64(&b, t->result.outcome.status);
	buf_putc(&b, '\n');
	for (i = 0; i < t->result.headers.n; i++) {
		buf_put(&b, t->result.headers.v[i].name);
		BUF_LIT(&b, ": ");
		buf_put(&b, t->result.headers.v[i].value);
		buf_putc(&b, '\n');
	}
	buf_putc(&b, '\n');
	put_props(&b, &t->result.outcome);
	if (buf_failed(&b))
		buf_clear(&b);
	(void)!store_remember(store, &t->record, buf_str(&b), batch, NULL);
}

void
again_give_back(struct bulk_run *r, struct task *t)
{
	if (t->has_key)
		keys_give_back(r->env.keys, t->store_key);
	t->has_key = false;
}
