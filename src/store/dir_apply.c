/* SPDX-License-Identifier: MIT */
#include "store/dir_apply.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the steps in the tree */

static bool
has_id(const struct place *p, const struct resource_id *id)
{
	struct resource r;

	if (p->found == FOUND_NOTHING || p->found == FOUND_OTHER)
		return false;
	r = place_resource(p);
	return !memcmp(&r.id, id, sizeof(*id));
}

static enum err_code
take(struct moves *m, struct mover *v, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc = place_find_now(m->ds, v->path, FOLLOW_NO, &p, err);

	if (!rc && !has_id(&p, &v->step->id))
		rc = err_set(err, ERR_NOT_FOUND,
		    "'%.*s' is no longer what it was", STR_ARG(v->path.s));
	return rc ? rc : mover_take(m, v, p.dir, p.name, err);
}

static enum err_code
bring(struct moves *m, struct mover *v, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct rpath to = v->step->to;
	enum err_code rc = place_find_now(m->ds, to, FOLLOW_NO, &p, err);

	if (rc == ERR_NOT_FOUND)
		return err_set(err, ERR_NO_PARENT, "no collection for '%.*s'",
		    STR_ARG(to.s));
	if (!rc && p.name_too_long)
		rc = err_set(err, ERR_NAME_TOO_LONG, "'%.*s'", STR_ARG(to.s));
	else if (!rc && p.found != FOUND_NOTHING)
		rc = err_set(err, ERR_EXISTS, "'%.*s'", STR_ARG(to.s));
	return rc ? rc : mover_put(m, v, &p, err);
}

static bool
brings(const struct mover *v)
{
	return v->step->kind != STEP_REMOVE;
}

static enum err_code
move_all(struct moves *m, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; !rc && i < m->n_goes; i++)
		rc = take(m, m->goes[i], err);
	for (i = 0; !rc && i < m->n; i++)
		if (brings(&m->movers[i]))
			rc = bring(m, &m->movers[i], err);
	return rc;
}

/* ---- and back */

static enum err_code
take_back(struct moves *m, struct mover *v, struct err *err)
{
	char hidden[TEMP_NAME_SIZE];
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc =
	    place_find_now(m->ds, v->step->to, FOLLOW_NO, &p, err);

	(void)snprintf(
	    hidden, sizeof(hidden), "%.*s", STR_ARG(v->step->hidden));
	if (!rc && renameat(p.dir, p.name, v->hideout->fd, hidden))
		rc = err_os(err, "take '%.*s' back", STR_ARG(v->step->to.s));
	v->there = rc != ERR_OK;
	return rc;
}

static enum err_code
bring_back(struct moves *m, struct mover *v, struct err *err)
{
	char hidden[TEMP_NAME_SIZE];
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc = place_find_now(m->ds, v->path, FOLLOW_NO, &p, err);

	(void)snprintf(
	    hidden, sizeof(hidden), "%.*s", STR_ARG(v->step->hidden));
	if (!rc && renameat(v->hideout->fd, hidden, p.dir, p.name))
		rc = err_os(err, "bring '%.*s' back", STR_ARG(v->path.s));
	v->away = rc != ERR_OK;
	return rc;
}

/*
 * Takes the steps back in the reverse order, so that each finds what it found.
 */
static enum err_code
move_back(struct moves *m, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = m->n; !rc && i-- > 0;)
		if (m->movers[i].there)
			rc = take_back(m, &m->movers[i], err);
	for (i = m->n_goes; !rc && i-- > 0;)
		if (m->goes[i]->away)
			rc = bring_back(m, m->goes[i], err);
	return rc;
}

/* ---- all of it */

/* What is taken away for good goes when the claim does. */
static enum err_code
make_left(const struct apply *p, struct left **out, struct err *err)
{
	size_t i;

	for (i = 0; i < p->n_steps; i++) {
		const struct step *s = &p->steps[i];
		struct left *l;

		if (s->kind != STEP_REMOVE || s->beside.s.len)
			continue;
		l = malloc(sizeof(*l));
		if (!l)
			return err_nomem(err);
		(void)snprintf(
		    l->name, sizeof(l->name), "%.*s", STR_ARG(s->hidden));
		l->next = *out;
		*out = l;
	}
	return ERR_OK;
}

static void
drop_left(struct left *l)
{
	while (l) {
		struct left *next = l->next;

		free(l);
		l = next;
	}
}

/*
 * Removes what was hidden on other file systems, which no start looks through.
 */
static void
remove_elsewhere(struct apply *p)
{
	size_t i;

	for (i = 0; i < p->moves.n; i++) {
		const struct mover *v = &p->moves.movers[i];
		char name[TEMP_NAME_SIZE];

		if (v->step->kind != STEP_REMOVE || !v->step->beside.s.len)
			continue;
		(void)snprintf(
		    name, sizeof(name), "%.*s", STR_ARG(v->step->hidden));
		dir_remove_tree(p->ds, v->hideout->fd, name);
	}
}

/*
 * Between the first rename and the last, readers wait.  What has failed is
 * taken back before they go on, so that it was never there; where that fails,
 * too, the steps stay written down, and the next start takes them to their end.
 */
static enum err_code
move_unseen(struct apply *p, uint64_t number, struct err *err)
{
	struct state *state = p->ds->state;
	bool back = true;
	enum err_code rc;

	apply_gate_close(p->ds);
	rc = move_all(&p->moves, err);
	if (!rc)
		rc = state_steps_take(state, number, p->steps, p->n_steps, err);
	if (rc)
		back = !move_back(&p->moves, NULL);
	apply_gate_open(p->ds);
	if (!rc)
		return ERR_OK;
	if (back)
		back = !moves_sync(&p->moves, NULL) &&
		    !state_steps_undo(
			state, number, p->steps, p->n_steps, NULL);
	p->built &= back;
	return rc;
}

static enum err_code
carry_out(struct apply *p, struct dir_claim *c, struct err *err)
{
	struct left *left = NULL;
	uint64_t number = 0;
	enum err_code rc =
	    moves_list(&p->moves, p->steps, p->n_steps, &p->a, err);

	if (!rc)
		rc = make_left(p, &left, err);
	if (!rc)
		rc = state_steps_begin(p->ds->state, p->steps, p->n_steps,
		    p->lines, p->n_lines, &number, err);
	if (!rc)
		rc = move_unseen(p, number, err);
	if (rc) {
		drop_left(left);
		return rc;
	}
	p->built = false;
	/* Seen, as any change is before it is on the disk. */
	rc = moves_sync(&p->moves, err);
	if (!rc)
		rc = state_steps_end(
		    p->ds->state, number, p->steps, p->n_steps, err);
	else
		(void)!state_steps_end(
		    p->ds->state, number, p->steps, p->n_steps, NULL);
	remove_elsewhere(p);
	while (left) {
		struct left *next = left->next;

		left->next = c->left;
		c->left = left;
		left = next;
	}
	return rc;
}

enum err_code
dir_apply(struct store *s, struct store_claim *claim, struct edit *edits,
    size_t n, struct err *err)
{
	struct dir_store *ds = dir_of(s);
	struct apply p = { .ds = ds };
	enum err_code rc;

	assert(claim->store == s);
	rc = apply_plan(&p, ds, edits, n, err);
	if (!rc)
		rc = apply_build(&p, err);
	if (!rc)
		rc = apply_steps(&p, err);
	if (!rc && !p.n_lines)
		rc = state_steps_take(ds->state, 0, p.steps, p.n_steps, err);
	else if (!rc)
		rc = carry_out(&p, dir_claim_of(claim), err);
	apply_clear(&p);
	apply_done(&p);
	return rc;
}
