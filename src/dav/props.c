/* SPDX-License-Identifier: MIT */
#include "dav/props.h"

#include "base/clock.h"
#include "http/href.h"
#include "http/mime.h"

static enum err_code
set_text(struct prop *out, struct str value)
{
	out->form = PROP_TEXT;
	out->value = value;
	return ERR_OK;
}

static enum err_code
set_number(struct prop *out, uint64_t number)
{
	out->form = PROP_NUMBER;
	out->number = number;
	return ERR_OK;
}

static enum err_code
get_creationdate(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	return set_text(
	    out, date_rfc3339(&mem->date, clock_seconds(s->res->created)));
}

/*
 * RFC 4918 s15.2 has it on every resource and does not want it made from the
 * URL, as a resource may have many.  Ours has one, and its last segment is
 * what clients that look nowhere else should show, until one is set.
 */
static enum err_code
get_displayname(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	struct str name = rpath_name(s->path);

	(void)mem;
	if (!name.len)
		return ERR_NOT_FOUND;
	return set_text(out, name);
}

static enum err_code
get_contentlength(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	(void)mem;
	return set_number(out, s->res->length);
}

static enum err_code
get_contenttype(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	(void)mem;
	return set_text(out, mime_type(s->op->set->mime, rpath_name(s->path)));
}

static enum err_code
get_etag(const struct subject *s, struct live_memory *mem, struct prop *out)
{
	(void)mem;
	if (!s->res->etag_len)
		return ERR_NOT_FOUND;
	return set_text(out, resource_etag(s->res));
}

static enum err_code
get_lastmodified(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	return set_text(
	    out, date_http(&mem->date, clock_seconds(s->res->modified)));
}

static enum err_code
get_resourcetype(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	static const struct prop_name collection = {
		STR_INIT("DAV:"),
		STR_INIT("collection"),
	};

	(void)mem;
	out->form = PROP_NAMES; /* of a file, none */
	out->names = &collection;
	out->n_names = s->res->collection ? 1 : 0;
	return ERR_OK;
}

/* Rounded, so that a lock of an hour is shown as one right after. */
static uint64_t
seconds_left(int64_t expires)
{
	int64_t left = expires - clock_now() + NSEC_PER_SEC / 2;

	return left > NSEC_PER_SEC ? (uint64_t)(left / NSEC_PER_SEC) : 1;
}

static bool
root_is_collection(struct store *s, struct rpath root)
{
	struct resource res;

	return !store_stat(s, root, &res, NULL) && res.collection;
}

struct prop_lock
lock_shown(
    struct store *s, const struct lock *l, struct rpath path, bool collection)
{
	if (!rpath_eq(l->root, path))
		collection = rpath_is_ancestor(l->root, path) ||
		    root_is_collection(s, l->root);
	return (struct prop_lock){
		.shared = l->shared,
		.deep = l->depth == DEPTH_INFINITY,
		.owner = l->owner,
		.seconds = seconds_left(l->expires),
		.token = l->token,
		.root = l->root,
		.collection = collection,
	};
}

static enum err_code
get_lockdiscovery(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	const struct lock *locks;
	struct prop_lock *shown;
	enum err_code rc;
	size_t n, i;

	(void)mem;
	out->form = PROP_LOCKS;
	if (!s->maybe_locked)
		return ERR_OK;
	rc = store_locks(s->op->store, s->path, s->arena, &locks, &n, NULL);
	if (rc || !n)
		return rc;
	shown = arena_array(s->arena, n, sizeof(*shown));
	if (!shown)
		return ERR_NOMEM;
	for (i = 0; i < n; i++)
		shown[i] = lock_shown(
		    s->op->store, &locks[i], s->path, s->res->collection);
	out->locks = shown;
	out->n_locks = n;
	return ERR_OK;
}

static enum err_code
get_supportedlock(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	(void)s;
	(void)mem;
	out->form = PROP_LOCK_KINDS;
	return ERR_OK;
}

/* A property that is there and empty: there are no reports yet. */
static enum err_code
get_nothing(const struct subject *s, struct live_memory *mem, struct prop *out)
{
	(void)s;
	(void)mem;
	out->form = PROP_NAMES; /* a list with nothing in it */
	return ERR_OK;
}

/*
 * Not urn:uuid: an id is opaque, and its bits are not laid out as a UUID's.
 */
static enum err_code
get_resource_id(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	size_t i;

	BUF_LIT(&mem->text, "urn:sheaf:resource:");
	for (i = 0; i < sizeof(s->res->id.bytes); i++) {
		buf_put_hex(&mem->text, s->res->id.bytes[i] >> 4);
		buf_put_hex(&mem->text, s->res->id.bytes[i] & 15);
	}
	out->form = PROP_HREF;
	out->value = buf_str(&mem->text);
	return ERR_OK;
}

/* The collection itself takes what is to be added to it. */
static enum err_code
get_add_member(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	href_put(&mem->text, s->op->prefix, s->path, true);
	out->form = PROP_HREF;
	out->value = buf_str(&mem->text);
	return ERR_OK;
}

static enum err_code
get_quota_available(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	struct space space;
	enum err_code rc;

	(void)mem;
	rc = store_space(s->op->store, s->path, &space, NULL);
	if (rc)
		return rc;
	/* Absent where there is no limit (RFC 4331 s3). */
	if (space.available == UINT64_MAX)
		return ERR_NOT_FOUND;
	return set_number(out, space.available);
}

static enum err_code
get_quota_used(
    const struct subject *s, struct live_memory *mem, struct prop *out)
{
	struct space space;
	enum err_code rc;

	(void)mem;
	rc = store_space(s->op->store, s->path, &space, NULL);
	if (rc)
		return rc;
	return set_number(out, space.used);
}

#define NS_DAV "DAV:"
#define NS_MS "urn:schemas-microsoft-com:"
#define ON_FILE LIVE_ON_FILE
#define ON_COLLECTION LIVE_ON_COLLECTION
#define ALLPROP LIVE_ALLPROP
#define PROTECTED LIVE_PROTECTED

static const struct live_prop rows[] = {
#define LIVE(ns, local, flags, get) \
	{ { STR_INIT(NS_##ns), STR_INIT(local) }, flags, get },
#include "dav/props.def"
#undef LIVE
};

const struct live_prop *
live_rows(size_t *n)
{
	*n = ARRAY_LEN(rows);
	return rows;
}

const struct live_prop *
live_find(struct prop_name name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (prop_name_eq(rows[i].name, name))
			return &rows[i];
	return NULL;
}
