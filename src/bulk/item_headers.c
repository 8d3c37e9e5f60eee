/* SPDX-License-Identifier: MIT */
/* The header fields of an item's request. */
#include "bulk/item_impl.h"

static enum err_code
find_tag(const struct ref *ref, struct header *h, struct err *err)
{
	if (ref->task)
		h->value = str_of(ref->task->etag, ref->task->etag_len);
	else if (ref->left)
		h->value = ref->left->etag;
	else
		return ERR_OK;
	return h->value.len
	    ? ERR_OK
	    : err_tell(err, ERR_PRECONDITION,
		  "the operation it refers to left no entity tag");
}

struct header_list {
	struct header *v;
	size_t n;
};

static bool
has(const struct header_list *l, struct str name)
{
	const struct headers h = { .v = l->v, .n = l->n };

	return headers_has(&h, name);
}

static void
add(struct header_list *l, struct str name, struct str value)
{
	if (value.ptr)
		l->v[l->n++] = (struct header){ name, value };
}

/* What op means beside its method. */
static void
add_meaning(struct header_list *l, const struct task *t)
{
	const struct batch_item *item = t->item;

	if (item->op == BATCH_OP_CREATE && !(t->ways & WAY_NAMES) &&
	    !has(l, STR("If-None-Match")))
		add(l, STR("If-None-Match"), STR("*"));
	if (item->op == BATCH_OP_UPDATE && !has(l, STR("If-Match")))
		add(l, STR("If-Match"), STR("*"));
	if (item->has_body && item->body.len && !has(l, STR("Content-Type")))
		add(l, STR("Content-Type"), item->body_type);
}

/*
 * A lock's token is submitted in a list that holds where the resource is
 * locked with it; UNLOCK has a header of its own.
 */
static enum err_code
add_token(struct header_list *l, struct item_exchange *ix, struct err *err)
{
	const struct task *t = ix->t;
	struct str token = t->item->lock_token;
	struct buf b CLEANUP(buf_done) = { 0 };
	bool unlock = str_eq(t->method_name, STR("UNLOCK"));
	struct str value;

	if (!token.ptr)
		return ERR_OK;
	if (str_starts(token, STR("<")) && str_ends(token, STR(">")))
		token = str_of(token.ptr + 1, token.len - 2);
	buf_put(&b, unlock ? STR("<") : STR("(<"));
	buf_put(&b, token);
	buf_put(&b, unlock ? STR(">") : STR(">)"));
	if (buf_failed(&b) || !arena_str(&ix->arena, buf_str(&b), &value))
		return err_nomem(err);
	add(l, unlock ? STR("Lock-Token") : STR("If"), value);
	return ERR_OK;
}

static enum err_code
add_destination(
    struct header_list *l, struct item_exchange *ix, struct err *err)
{
	const struct task *t = ix->t;
	struct buf b CLEANUP(buf_done) = { 0 };
	struct str value;

	if (!t->item->destination.ptr)
		return ERR_OK;
	href_put(&b, ix->r->spec.origin.prefix, t->to, t->to_slash);
	if (buf_failed(&b) || !arena_str(&ix->arena, buf_str(&b), &value))
		return err_nomem(err);
	add(l, STR("Destination"), value);
	return ERR_OK;
}

enum err_code
item_make_headers(struct item_exchange *ix, struct err *err)
{
	const struct batch_item *item = ix->t->item;
	const struct headers *own = &item->headers;
	const struct headers *all = &ix->r->head->defaults;
	struct header_list l = { 0 };
	enum err_code rc;
	size_t i;

	l.v = arena_array(&ix->arena, own->n + all->n + 9, sizeof(*l.v));
	if (!l.v)
		return err_nomem(err);
	add(&l, STR("If-Match"), item->if_match);
	add(&l, STR("If-None-Match"), item->if_none_match);
	for (i = 0; i < own->n; i++)
		add(&l, own->v[i].name, own->v[i].value);
	add(&l, STR("Depth"), item->depth);
	if (item->has_overwrite)
		add(&l, STR("Overwrite"),
		    item->overwrite ? STR("T") : STR("F"));
	rc = add_token(&l, ix, err);
	if (!rc)
		rc = add_destination(&l, ix, err);
	if (rc)
		return rc;
	for (i = 0; i < all->n; i++)
		if (!has(&l, all->v[i].name))
			add(&l, all->v[i].name, all->v[i].value);
	add_meaning(&l, ix->t);
	ix->fields = l.v;
	ix->req.headers = (struct headers){ .v = l.v, .n = l.n };
	return ERR_OK;
}

enum err_code
item_find_tags(const struct task *t, struct item_exchange *ix, struct err *err)
{
	enum err_code rc =
	    find_tag(task_ref(t, REF_MATCH), &ix->fields[0], err);

	return rc ? rc
		  : find_tag(task_ref(t, REF_NONE_MATCH),
			&ix->fields[t->item->if_match.ptr ? 1 : 0], err);
}
