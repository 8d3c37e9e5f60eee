/* SPDX-License-Identifier: MIT */
#include "client/bulk_known.h"

#include <stdlib.h>

#include "base/buf.h"

struct entry {
	struct known known; /* its strings are in text */
	struct buf text;
	size_t waiting; /* of a group: operations that are not settled */
	size_t next; /* index + 1 of another in the same slot; or 0 */
	bool used;
};

/* A ring of entries, found by their id: a new one replaces the oldest. */
struct ring {
	struct entry *v;
	size_t *slots; /* hash table: index + 1 of the first entry, or 0 */
	size_t most; /* entries */
	size_t n_slots;
	size_t at; /* where the next one goes */
};

struct bulk_known {
	struct ring ids, groups;
	struct entry *group; /* of the newest operation; NULL: it has none */
};

static size_t *
slot(const struct ring *r, struct str id)
{
	return &r->slots[(size_t)str_hash(id) & (r->n_slots - 1)];
}

static struct entry *
ring_find(const struct ring *r, struct str id)
{
	size_t i;

	for (i = *slot(r, id); i; i = r->v[i - 1].next)
		if (str_eq(r->v[i - 1].known.id, id))
			return &r->v[i - 1];
	return NULL;
}

static void
ring_forget(struct ring *r, struct entry *e)
{
	size_t *at = slot(r, e->known.id);

	while (&r->v[*at - 1] != e)
		at = &r->v[*at - 1].next;
	*at = e->next;
	e->used = false;
}

/* Copies the strings into e->text, each behind the other. */
static enum err_code
entry_fill(struct entry *e, struct str id, struct str etag, struct str href,
    struct err *err)
{
	struct buf b = { 0 };

	buf_put(&b, id);
	buf_put(&b, etag);
	buf_put(&b, href);
	if (buf_failed(&b)) {
		buf_done(&b);
		return err_nomem(err);
	}
	buf_done(&e->text);
	e->text = b;
	e->known.id = str_head(buf_str(&b), id.len);
	e->known.etag = str_head(str_skip(buf_str(&b), id.len), etag.len);
	e->known.href = str_skip(buf_str(&b), id.len + etag.len);
	return ERR_OK;
}

static struct entry *
ring_add(struct ring *r, struct str id, struct err *err)
{
	struct entry *e = &r->v[r->at];
	size_t *head;

	if (e->used)
		ring_forget(r, e);
	if (entry_fill(e, id, STR(""), STR(""), err))
		return NULL;
	head = slot(r, id);
	e->known.state = KNOWN_PENDING;
	e->waiting = 0;
	e->used = true;
	e->next = *head;
	*head = r->at + 1;
	r->at = (r->at + 1) % r->most;
	return e;
}

static bool
ring_init(struct ring *r, size_t most)
{
	r->most = most;
	for (r->n_slots = 16; r->n_slots < most; r->n_slots *= 2)
		;
	r->v = calloc(most, sizeof(*r->v));
	r->slots = calloc(r->n_slots, sizeof(*r->slots));
	return r->v && r->slots;
}

static void
ring_done(struct ring *r)
{
	size_t i;

	for (i = 0; r->v && i < r->most; i++)
		buf_done(&r->v[i].text);
	free(r->v);
	free(r->slots);
}

enum err_code
bulk_known_new(size_t most, struct bulk_known **out, struct err *err)
{
	struct bulk_known *k = calloc(1, sizeof(*k));

	if (!k)
		return err_nomem(err);
	if (!ring_init(&k->ids, most) || !ring_init(&k->groups, most)) {
		bulk_known_free(k);
		return err_nomem(err);
	}
	*out = k;
	return ERR_OK;
}

void
bulk_known_free(struct bulk_known *k)
{
	if (!k)
		return;
	ring_done(&k->ids);
	ring_done(&k->groups);
	free(k);
}

static enum err_code
join(struct bulk_known *k, struct str group, struct err *err)
{
	struct entry *e = ring_find(&k->groups, group);

	if (e && e != k->group)
		return err_tell(err, ERR_EXISTS,
		    "the operations of the group '%.*s' are no neighbours",
		    (int)(group.len < 100 ? group.len : 100), group.ptr);
	if (!e)
		e = ring_add(&k->groups, group, err);
	k->group = e;
	if (!e)
		return ERR_NOMEM;
	e->waiting++;
	return ERR_OK;
}

enum err_code
bulk_known_add(
    struct bulk_known *k, struct str id, struct str group, struct err *err)
{
	if (id.len && ring_find(&k->ids, id))
		return err_tell(err, ERR_EXISTS, "the id '%.*s' stands twice",
		    (int)(id.len < 130 ? id.len : 130), id.ptr);
	if (id.len && !ring_add(&k->ids, id, err))
		return ERR_NOMEM;
	if (group.len)
		return join(k, group, err);
	k->group = NULL;
	return ERR_OK;
}

enum err_code
bulk_known_settle(struct bulk_known *k, struct str id, struct str group,
    bool done, struct str etag, struct str href, struct err *err)
{
	struct entry *e = id.len ? ring_find(&k->ids, id) : NULL;
	struct entry *g = group.len ? ring_find(&k->groups, group) : NULL;

	if (e && entry_fill(e, id, etag, href, err))
		return ERR_NOMEM;
	if (e)
		e->known.state = done ? KNOWN_DONE : KNOWN_FAILED;
	if (!g)
		return ERR_OK;
	if (g->waiting)
		g->waiting--;
	if (!done)
		g->known.state = KNOWN_FAILED;
	else if (!g->waiting && g->known.state == KNOWN_PENDING)
		g->known.state = KNOWN_DONE;
	return ERR_OK;
}

const struct known *
bulk_known_find(const struct bulk_known *k, struct str id)
{
	struct entry *e = ring_find(&k->ids, id);

	if (!e)
		e = ring_find(&k->groups, id);
	return e ? &e->known : NULL;
}
