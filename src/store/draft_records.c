/* SPDX-License-Identifier: MIT */
/*
 * Records of what a draft did.  They are in a list, in the order of the
 * changes: a batch that is applied at once has no more of them than items.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "store/draft_impl.h"

enum err_code
draft_record_new(struct draft *d, const struct record *r, struct rpath path,
    struct draft_record **out, struct err *err)
{
	struct draft_record *new;
	char *at;

	*out = NULL;
	if (!r)
		return ERR_OK;
	if (d->n_records >= d->spec.max_changed)
		return err_tell(err, ERR_TOO_LARGE,
		    "what is done at once may have %zu keys",
		    d->spec.max_changed);
	new = calloc(1, sizeof(*new) + r->key.len + r->print.len + path.s.len);
	if (!new)
		return err_nomem(err);
	at = new->bytes;
	new->record = *r;
	new->record.key = str_copy(&at, r->key);
	new->record.print = str_copy(&at, r->print);
	new->path.s = str_copy(&at, path.s);
	*out = new;
	return ERR_OK;
}

void
draft_record_done(struct draft_record **r)
{
	if (!*r)
		return;
	buf_done(&(*r)->result);
	free(*r);
	*r = NULL;
}

/* Unless it has expired. */
static struct draft_record *
find(const struct draft *d, struct str key)
{
	struct draft_record *r = d->records;

	while (r && !str_eq(r->record.key, key))
		r = r->next;
	return r && r->record.expires > clock_now() ? r : NULL;
}

static void
drop(struct draft *d, struct str key)
{
	struct draft_record **at = &d->records;
	struct draft_record *before = NULL;
	struct draft_record *old;

	for (; *at && !str_eq((*at)->record.key, key); at = &(*at)->next)
		before = *at;
	old = *at;
	if (!old)
		return;
	*at = old->next;
	if (d->last_record == old)
		d->last_record = before;
	d->n_records--;
	draft_record_done(&old);
}

void
draft_record_keep(struct draft *d, struct draft_record **r, bool created,
    const struct resource *made)
{
	struct draft_record *new = *r;

	if (!new)
		return;
	*r = NULL;
	new->created = created;
	if (made)
		new->made = *made;
	drop(d, new->record.key);
	*(d->last_record ? &d->last_record->next : &d->records) = new;
	d->last_record = new;
	d->n_records++;
}

void
draft_records_forget(struct draft *d)
{
	while (d->records) {
		struct draft_record *r = d->records;

		d->records = r->next;
		draft_record_done(&r);
	}
	d->last_record = NULL;
	d->n_records = 0;
}

enum err_code
draft_op_recall(struct store *s, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err)
{
	struct draft *d = draft_of(s);
	const struct draft_record *r = find(d, key);
	struct recalled got = { .begun = false };

	if (!r)
		return store_recall(d->under, key, a, out, found, err);
	got.begun = r->record.begins;
	got.created = r->created;
	if (!arena_str(a, r->record.print, &got.print) ||
	    !arena_str(a, r->path.s, &got.path.s) ||
	    !arena_str(a, resource_etag(&r->made), &got.etag) ||
	    !arena_str(a, buf_str(&r->result), &got.result))
		return err_nomem(err);
	*out = got;
	*found = true;
	return ERR_OK;
}

/* What the base has under the key, to be completed here. */
static enum err_code
take_over(struct draft *d, const struct record *r, struct draft_record **out,
    struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct recalled was = { .created = false };
	bool found = false;
	enum err_code rc =
	    store_recall(d->under, r->key, &a, &was, &found, err);

	if (rc)
		return rc;
	if (!found || !str_eq(was.print, r->print))
		was = (struct recalled){ .path = { STR("") } };
	rc = draft_record_new(d, r, was.path, out, err);
	if (rc)
		return rc;
	(*out)->created = was.created;
	if (was.etag.len <= ETAG_MAX) {
		(*out)->made.etag_len = (unsigned)was.etag.len;
		if (was.etag.len)
			memcpy((*out)->made.etag, was.etag.ptr, was.etag.len);
	}
	return ERR_OK;
}

enum err_code
draft_op_remember(struct store *s, const struct record *r, struct str result,
    struct store_batch *b, struct err *err)
{
	struct draft *d = draft_of(s);
	struct draft_record *new CLEANUP(draft_record_done) = NULL;
	struct draft_record *now = find(d, r->key);
	struct buf copy = { 0 };
	enum err_code rc = ERR_OK;

	(void)b;
	if (!now || !str_eq(now->record.print, r->print))
		rc = take_over(d, r, &new, err);
	buf_put(&copy, result);
	if (!rc && buf_failed(&copy))
		rc = err_nomem(err);
	if (rc) {
		buf_done(&copy);
		return rc;
	}
	if (new) {
		struct resource made = new->made;

		now = new;
		draft_record_keep(d, &new, now->created, &made);
	}
	buf_done(&now->result);
	now->result = copy;
	now->record.begins = false;
	now->record.expires = r->expires;
	return ERR_OK;
}
