/* SPDX-License-Identifier: MIT */
/*
 * What was done under a key is answered from its record, and not done again.
 * The record has the form of dav/keyed.c's: a status, header lines, an empty
 * line.
 */
#include "base/clock.h"
#include "bulk/impl.h"
#include "http/fingerprint.h"

#define DAY (86400 * NSEC_PER_SEC)

static int64_t
expires(const struct bulk_run *r)
{
	int64_t ttl = r->env.set->idempotency_ttl;

	return clock_now() + (ttl ? ttl : DAY);
}

/* ---- the batch's own key */

/* Its record is of no change: it only holds the payload to the key. */
static enum err_code
hold_to_key(struct bulk_run *r, struct err *err)
{
	struct record record = {
		.key = buf_str(&r->batch_key),
		.print = r->spec.print,
	};
	struct arena a CLEANUP(arena_done) = { 0 };
	struct recalled was;
	enum err_code rc;
	bool found;

	if (!record.print.len)
		return ERR_OK;
	rc = store_recall(r->env.store, record.key, &a, &was, &found, err);
	if (rc)
		return rc;
	if (found && !str_eq(was.print, record.print))
		return err_tell(err, ERR_KEY_REUSED,
		    "another batch was sent with this Idempotency-Key: a new "
		    "batch needs a new key");
	record.expires = expires(r);
	return found ? ERR_OK
		     : store_remember(
			   r->env.store, &record, (struct str){ 0 }, NULL, err);
}

enum err_code
again_start(struct bulk_run *r, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	bool nomem = false;

	if (r->key_known || r->dry || !r->spec.key.len)
		return ERR_OK;
	r->key_known = true;
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
	return hold_to_key(r, err);
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
	t->err.code = rc;
	task_failed(r, t);
	return false;
}

static enum err_code
make_key(struct bulk_run *r, struct task *t)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct str user = r->spec.caller.user;
	struct fingerprint f;

	if (t->key.len)
		key_put(&b, user, t->key);
	else
		key_put_item(&b, user, r->spec.key, t->item->id);
	if (buf_failed(&b) || !arena_str(&t->arena, buf_str(&b), &t->store_key))
		return err_nomem(&t->err);
	if (b.len > RECORD_KEY_MAX)
		return err_tell(&t->err, ERR_BAD_REQUEST,
		    "the key and the id are longer than a key may be");
	if (r->taking_big) {
		t->body_print = ARENA_NEW(&t->arena, struct fingerprint);
		if (!t->body_print)
			return err_nomem(&t->err);
		fingerprint_init(t->body_print);
		fingerprint_part(t->body_print, t->item->canonical);
		return ERR_OK;
	}
	fingerprint_init(&f);
	fingerprint_part(&f, t->item->canonical);
	(void)fingerprint_end(&f, (char *)t->print);
	return ERR_OK;
}

static void
read_header(struct task *t, struct header *v, struct str line)
{
	size_t colon = str_find(line, ':');
	struct str value = str_trim(str_skip(line, colon + 1));
	struct header *h = &v[t->result.headers.n++];

	*h = (struct header){ str_head(line, colon), value };
	if (!str_eq(h->name, STR("etag")) || value.len > ETAG_MAX)
		return;
	memcpy(t->etag, value.ptr, value.len);
	t->etag_len = (unsigned)value.len;
}

#define HEADERS_MAX ((size_t)16)

/* What a crash took is made of what the change left. */
static void
answer_anew(struct task *t, struct header *v, const struct recalled *was)
{
	struct str m = t->method_name;
	bool content = str_eq(m, STR("PUT")) || str_eq(m, STR("POST")) ||
	    str_eq(m, STR("PATCH"));

	if (v && content && was->etag.len)
		v[t->result.headers.n++] =
		    (struct header){ STR("etag"), was->etag };
}

static uint64_t
read_answer(struct task *t, const struct recalled *was)
{
	struct header *v = arena_array(&t->arena, HEADERS_MAX, sizeof(*v));
	struct str rest = was->result, line;
	uint64_t status = was->created ? 201 : 204;

	t->result.headers.v = v;
	if (was->etag.len && was->etag.len <= ETAG_MAX) {
		memcpy(t->etag, was->etag.ptr, was->etag.len);
		t->etag_len = (unsigned)was->etag.len;
	}
	if (!rest.len || !str_cut(&rest, '\n', &line)) {
		answer_anew(t, v, was);
		return status;
	}
	(void)!str_to_u64(line, &status);
	while (v && t->result.headers.n < HEADERS_MAX &&
	    str_cut(&rest, '\n', &line) && line.len)
		read_header(t, v, line);
	return status;
}

static bool
replay(struct bulk_run *r, struct task *t, const struct recalled *was)
{
	struct outcome o = {
		.path = t->path,
		.collection = t->slash || str_eq(t->method_name, STR("MKCOL")),
	};
	struct result kept;

	t->at = t->ways & WAY_TO ? t->to : t->path;
	if (t->ways & WAY_NAMES && was->path.s.len)
		o.path = t->at = was->path;
	o.status = (unsigned)read_answer(t, was);
	if (o.status < 200 || o.status > 399)
		o.status = 200;
	kept = t->result;
	task_result(t, &o);
	t->result.headers = kept.headers;
	t->result.replayed = true;
	(void)r;
	return false;
}

static bool
take(struct bulk_run *r, struct task *t)
{
	bool nomem = false;

	if (!r->env.keys || r->dry || r->trying)
		return true;
	t->has_key = keys_take(r->env.keys, t->store_key, &nomem);
	if (t->has_key)
		return true;
	if (nomem)
		return fail(r, t, err_nomem(&t->err));
	return fail(r, t,
	    err_tell(&t->err, ERR_KEY_IN_USE,
		"an operation with this key is being carried out; send it "
		"again to learn its outcome"));
}

static enum err_code
is_reused(struct task *t)
{
	return err_tell(&t->err, ERR_KEY_REUSED,
	    "another operation was carried out under this key: a new one "
	    "needs a new key");
}

bool
again_begin(struct bulk_run *r, struct task *t, struct store *store)
{
	struct recalled *was;
	enum err_code rc;
	bool found;

	if (!(t->ways & WAY_KEYED) || (!t->key.len && !r->spec.key.len))
		return true;
	rc = make_key(r, t);
	was = ARENA_NEW(&t->arena, struct recalled);
	if (!rc && !was)
		rc = err_nomem(&t->err);
	if (rc)
		return fail(r, t, rc);
	if (!take(r, t))
		return false;
	rc = store_recall(store, t->store_key, &t->arena, was, &found, &t->err);
	if (rc)
		return fail(r, t, rc);
	t->record = (struct record){
		.key = t->store_key,
		.print = str_of((const char *)t->print, sizeof(t->print)),
		.expires = expires(r),
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
		item_fail(r, t, &t->err);
		return false;
	}
	return !t->was || replay(r, t, t->was);
}

/* It is done, whether that can be remembered or not. */
void
again_done(struct bulk_run *r, struct task *t, struct store *store,
    struct store_batch *batch)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	size_t i;

	(void)r;
	if (!t->recorded)
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
