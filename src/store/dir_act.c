/* SPDX-License-Identifier: MIT */
/*
 * A change, from its line in the journal until it is on the disk.
 *
 * The line comes first, so that no change is ever seen that has none; with it
 * comes what the state will have to do about properties and locks.  That is
 * done when the change itself is on the disk: a power cut may take back a
 * rename, and must find the properties of what it brings back.
 */
#include <assert.h>

#include "base/file.h"
#include "store/dir_impl.h"

void
act_makes(struct act *a, const struct dir_store *ds, const struct statx *stx)
{
	a->made = dir_id(ds, stx);
	a->change.made = &a->made;
}

/*
 * Notes what is taken away; but where a file has another name, that keeps it,
 * and its properties.
 */
void
act_takes(struct act *a, const struct place *p)
{
	if (p->found == FOUND_NOTHING ||
	    (!place_is_dir(p) && p->stx.stx_nlink > 1))
		return;
	a->gone = dir_id(p->ds, &p->stx);
	a->change.gone = &a->gone;
}

void
act_inherits(struct act *a, const struct place *from)
{
	a->props_of = dir_id(from->ds, &from->stx);
	if (!state_may_have_props(from->ds->state, &a->props_of))
		return;
	a->change.props_of = &a->props_of;
}

void
act_remembers(struct act *a, const struct guard *g, struct rpath asked,
    bool created, const struct resource *now)
{
	if (!g || !g->record)
		return;
	a->note = (struct noted){
		.record = g->record,
		.path = asked,
		.created = created,
	};
	if (now) {
		a->note.etag_len = now->etag_len;
		memcpy(a->note.etag, now->etag, now->etag_len);
	}
	a->change.note = &a->note;
}

/*
 * A batch can put off what nothing hinges on.  Locks that go are seen by
 * others, who may then make their own there: they go with the claim.  A record
 * is on the disk before its change, since that may get there any time; whether
 * it did is seen after a crash.
 */
enum err_code
act_begin(struct act *a, struct dir_store *ds, struct store_batch *b, int dir,
    int other, struct err *err)
{
	bool waits = a->waits || batch_waits(b, dir);
	bool alone = !waits || a->change.drops_locks; /* it may be */
	enum err_code rc = ERR_OK;

	if (alone)
		rc = dir_sync_begin(ds, dir, &a->sync[0], err);
	if (!rc && alone && other >= 0)
		rc = dir_sync_begin(ds, other, &a->sync[1], err);
	if (rc)
		return rc;
	if (waits && a->change.note)
		batch_remembers(b);
	a->change.late = true;
	a->change.traced = atomic_load(&ds->keyed) > 0;
	rc = state_change_begin(
	    ds->state, &a->change, !waits || a->change.note, &a->intent, err);
	if (rc)
		return rc;
	a->ds = ds;
	if (!waits)
		return ERR_OK;
	if (state_change_drops_locks(a->intent))
		return state_sync(ds->state, err);
	fd_close(&a->sync[0]);
	fd_close(&a->sync[1]);
	a->batch = b;
	return ERR_OK;
}

enum err_code
act_begin_foretold(struct act *a, struct dir_store *ds, struct store_batch *b,
    int dir, uint64_t intent, struct err *err)
{
	a->ds = ds;
	a->intent = intent;
	a->batch = batch_waits(b, dir) ? b : NULL;
	return a->batch ? ERR_OK : dir_sync_begin(ds, dir, &a->sync[0], err);
}

void
act_props(struct act *a, struct dir_store *ds, struct store_batch *b, int dir)
{
	a->ds = ds;
	a->batch = batch_waits(b, dir) ? b : NULL;
	if (a->batch && a->change.note)
		batch_remembers(b);
}

enum err_code
acts_begin(struct act *const *v, size_t n, struct dir_store *ds,
    struct store_batch *b, uint64_t *number, struct err *err)
{
	const struct change *changes[ACTS_MAX] = { 0 };
	uint64_t intents[ACTS_MAX] = { 0 };
	enum err_code rc;
	size_t i;

	assert(n <= ACTS_MAX);
	for (i = 0; i < n; i++) {
		v[i]->change.late = true;
		v[i]->change.traced = atomic_load(&ds->keyed) > 0;
		changes[i] = &v[i]->change;
	}
	rc = b
	    ? state_changes_begin(ds->state, changes, n, false, intents, err)
	    : state_changes_write(ds->state, changes, n, number, intents, err);
	for (i = 0; i < n && !rc; i++) {
		v[i]->ds = ds;
		v[i]->batch = b;
		v[i]->intent = intents[i];
	}
	return rc;
}

enum err_code
act_end(struct act *a, struct err *err)
{
	enum err_code rc = dir_sync_end(a->sync[0], err);

	if (!rc)
		rc = dir_sync_end(a->sync[1], err);
	return act_synced(a, rc, err);
}

enum err_code
act_synced(struct act *a, enum err_code rc, struct err *err)
{
	if (rc)
		state_change_lost(a->ds->state, a->intent);
	else if (a->batch && a->intent)
		rc = batch_keep(a->batch, a->intent, err);
	else
		state_change_end(a->ds->state, a->intent, true);
	a->intent = 0;
	return rc;
}

/*
 * Ends a change that was not ended, by what is there now.  What cannot be told
 * now is left for the next start.
 */
void
act_done(struct act *a)
{
	bool in_place;

	if (a->intent &&
	    dir_change_seen(a->ds, &a->change, &in_place, NULL) == ERR_OK)
		state_change_end(a->ds->state, a->intent, in_place);
	a->intent = 0;
	fd_close(&a->sync[0]);
	fd_close(&a->sync[1]);
}
