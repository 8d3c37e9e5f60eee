/* SPDX-License-Identifier: MIT */
#include "store/dir_foretell.h"

#include <assert.h>

/*
 * Changes in one transaction: all are claimed meanwhile, and each claim is
 * compared with each other one.
 */
#define AT_ONCE ((size_t)64)

/* ---- lists */

struct foretold **
foretold_list(struct claims *c, uint32_t end)
{
	return &c->foretold[end * UINT32_C(2654435761) >> 16 &
	    (FORETOLD_LISTS - 1)];
}

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
	foretold_remove(foretold_list(&f->ds->claims, f->end), f);
	f->ds->claims.n_foretold--;
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

/* Takes the next changes of the list, each under a claim; how many. */
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
	rc = state_changes_begin(ds->state, changes, n, false, intents, err);
	(void)pthread_mutex_lock(&ds->claims.mutex);
	for (i = 0; i < n && !rc; i++) {
		v[i]->intent = intents[i];
		v[i]->end = claim_end_of(v[i]->act.change.path);
		v[i]->state = FORETOLD_SAID;
		foretold_add(foretold_list(&ds->claims, v[i]->end), v[i]);
		ds->claims.n_foretold++;
	}
	(void)pthread_mutex_unlock(&ds->claims.mutex);
	for (i = 0; i < n; i++)
		hold_done(&v[i]->hold);
	return rc;
}

/*
 * Makes all of them void: it is not known whether their lines are on the disk.
 */
static void
void_all(struct dir_store *ds, const struct store_batch *b)
{
	struct foretold *f, *next;
	size_t i;

	(void)pthread_mutex_lock(&ds->claims.mutex);
	for (i = 0; i < FORETOLD_LISTS; i++)
		for (f = ds->claims.foretold[i]; f; f = next) {
			next = f->next;
			if (f->batch == b)
				foretold_void(f);
		}
	(void)pthread_mutex_unlock(&ds->claims.mutex);
}

enum err_code
foretell(struct dir_store *ds, struct foretold *list, struct err *err)
{
	const struct store_batch *b = list ? list->batch : NULL;
	struct foretold *v[AT_ONCE];
	enum err_code rc = ERR_OK;
	enum err_code synced = ERR_OK;
	bool any = false;

	while (list && !rc) {
		size_t n = claim_some(&list, v);

		if (n)
			rc = write_down(ds, v, n, err);
		any = any || (n && !rc);
	}
	foretell_none(list);
	if (any)
		synced = state_sync(ds->state, rc ? NULL : err);
	if (synced)
		void_all(ds, b);
	return rc ? rc : synced;
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
