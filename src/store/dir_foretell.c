/* SPDX-License-Identifier: MIT */
#include "store/dir_foretell.h"

#include <assert.h>

#define AT_ONCE ((size_t)128) /* in one transaction */

/* ---- lists */

void
foretold_add(struct foretold **list, struct foretold *f)
{
	f->prev = NULL;
	f->next = *list;
	if (f->next)
		f->next->prev = f;
	*list = f;
}

void
foretold_remove(struct foretold **list, struct foretold *f)
{
	*(f->prev ? &f->prev->next : list) = f->next;
	if (f->next)
		f->next->prev = f->prev;
	f->prev = f->next = NULL;
}

/* ---- one of them */

void
foretold_expect(struct foretold *f, struct dir_store *ds,
    const struct record *r, struct store_batch *b)
{
	assert(f->state == FORETOLD_NOT);
	f->ds = ds;
	f->record = r;
	f->batch = b;
	f->state = FORETOLD_EXPECTED;
	batch_expects(b, f);
}

static void
take_out(struct foretold *f)
{
	foretold_remove(&f->ds->claims.foretold, f);
	f->state = FORETOLD_NOT;
}

void
foretold_void(struct foretold *f)
{
	take_out(f);
	state_change_end(f->ds->state, f->intent, false);
}

void
foretold_done(struct foretold *f)
{
	bool expected;

	if (!f->ds)
		return;
	(void)pthread_mutex_lock(&f->ds->claims.mutex);
	expected = f->state == FORETOLD_EXPECTED;
	if (f->state == FORETOLD_SAID)
		foretold_void(f);
	f->state = FORETOLD_NOT;
	(void)pthread_mutex_unlock(&f->ds->claims.mutex);
	if (expected)
		batch_forgets(f->batch, f);
}

static bool
same_id(const struct resource_id *a, const struct resource_id *b)
{
	return a && b ? !memcmp(a, b, sizeof(*a)) : a == b;
}

static bool
same_note(const struct noted *a, const struct noted *b)
{
	return a && b && str_eq(a->record->key, b->record->key) &&
	    str_eq(a->record->print, b->record->print) &&
	    a->record->begins == b->record->begins &&
	    a->created == b->created && rpath_eq(a->path, b->path) &&
	    str_eq(str_of(a->etag, a->etag_len), str_of(b->etag, b->etag_len));
}

static bool
same_change(const struct change *a, const struct change *b)
{
	return a->kind == b->kind && rpath_eq(a->path, b->path) &&
	    same_id(a->made, b->made) && same_id(a->gone, b->gone) &&
	    same_id(a->props_of, b->props_of) && same_note(a->note, b->note);
}

bool
foretold_take(struct foretold *f, const struct change *change, uint64_t *intent)
{
	bool fits = false;

	if (!f->ds)
		return false;
	(void)pthread_mutex_lock(&f->ds->claims.mutex);
	if (f->state == FORETOLD_SAID) {
		fits = same_change(&f->act.change, change);
		if (fits)
			take_out(f);
		else
			foretold_void(f);
	}
	(void)pthread_mutex_unlock(&f->ds->claims.mutex);
	*intent = f->intent;
	return fits;
}

/* ---- many */

/* The next of the list, each under a claim. */
static size_t
claim_some(struct foretold **list, struct foretold **v)
{
	struct foretold *f;
	size_t n = 0;

	while (*list && n < AT_ONCE) {
		f = *list;
		foretold_remove(list, f);
		f->state = FORETOLD_NOT;
		if (dir_upload_foretell(f))
			v[n++] = f;
	}
	return n;
}

static enum err_code
write_down(struct dir_store *ds, struct foretold **v, size_t n, struct err *err)
{
	const struct change *changes[AT_ONCE];
	uint64_t intents[AT_ONCE];
	enum err_code rc;
	size_t i;

	for (i = 0; i < n; i++)
		changes[i] = &v[i]->act.change;
	rc = state_changes_begin(ds->state, changes, n, intents, err);
	(void)pthread_mutex_lock(&ds->claims.mutex);
	for (i = 0; i < n && !rc; i++) {
		v[i]->intent = intents[i];
		v[i]->state = FORETOLD_SAID;
		foretold_add(&ds->claims.foretold, v[i]);
	}
	(void)pthread_mutex_unlock(&ds->claims.mutex);
	for (i = 0; i < n; i++)
		hold_done(&v[i]->hold);
	return rc;
}

static enum err_code
foretell_some(
    struct dir_store *ds, struct foretold **v, size_t n, struct err *err)
{
	enum err_code rc = write_down(ds, v, n, err);
	size_t i;

	if (!rc)
		rc = state_sync(ds->state, err);
	for (i = 0; i < n && rc; i++)
		foretold_done(v[i]);
	return rc;
}

enum err_code
foretell(struct dir_store *ds, struct foretold *list, struct err *err)
{
	struct foretold *v[AT_ONCE];
	enum err_code rc = ERR_OK;
	size_t n;

	while (list && !rc) {
		n = claim_some(&list, v);
		if (n)
			rc = foretell_some(ds, v, n, err);
	}
	foretell_none(list);
	return rc;
}

void
foretell_none(struct foretold *list)
{
	struct foretold *f;

	while (list) {
		f = list;
		foretold_remove(&list, f);
		f->state = FORETOLD_NOT;
	}
}
