/* SPDX-License-Identifier: MIT */
/* What the items of a window mean, and what is wrong with them. */
#include <assert.h>
#include <stdlib.h>

#include "bulk/check.h"
#include "bulk/impl.h"

/* ---- methods */

static const struct {
	struct str name;
	unsigned ways;
} methods[] = {
	{ STR_INIT("GET"), WAY_BELOW },
	{ STR_INIT("HEAD"), 0 },
	{ STR_INIT("OPTIONS"), 0 },
	{ STR_INIT("PROPFIND"), WAY_FOUND | WAY_BELOW },
	{ STR_INIT("PUT"), WAY_WRITES | WAY_KEYED },
	{ STR_INIT("POST"), WAY_WRITES | WAY_KEYED | WAY_NAMES },
	{ STR_INIT("PATCH"), WAY_WRITES | WAY_KEYED },
	{ STR_INIT("DELETE"), WAY_WRITES | WAY_KEYED | WAY_BELOW },
	{ STR_INIT("MKCOL"), WAY_WRITES | WAY_KEYED },
	{ STR_INIT("PROPPATCH"), WAY_WRITES | WAY_KEYED | WAY_FOUND },
	{ STR_INIT("COPY"), WAY_TO | WAY_KEYED | WAY_BELOW },
	{ STR_INIT("MOVE"), WAY_WRITES | WAY_TO | WAY_KEYED },
};

/* A method that is not in the table has no ways; it will answer for itself. */
static unsigned
method_ways(struct str name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq(methods[i].name, name))
			return methods[i].ways;
	return WAY_WRITES;
}

/* op: its method, and whether it says nothing without a body. */
static const struct {
	struct str method;
	bool needs_body;
} ops[] = {
	[BATCH_OP_CREATE] = { STR_INIT("PUT"), true },
	[BATCH_OP_READ] = { STR_INIT("GET"), false },
	[BATCH_OP_UPDATE] = { STR_INIT("PUT"), true },
	[BATCH_OP_UPSERT] = { STR_INIT("PUT"), true },
	[BATCH_OP_PATCH] = { STR_INIT("PATCH"), true },
	[BATCH_OP_DELETE] = { STR_INIT("DELETE"), false },
	[BATCH_OP_COPY] = { STR_INIT("COPY"), false },
	[BATCH_OP_MOVE] = { STR_INIT("MOVE"), false },
	[BATCH_OP_MKCOL] = { STR_INIT("MKCOL"), false },
	[BATCH_OP_PROPPATCH] = { STR_INIT("PROPPATCH"), true },
	[BATCH_OP_PROPFIND] = { STR_INIT("PROPFIND"), false },
};

static enum err_code
check_method(struct checking *c, struct task *t, struct err *err)
{
	const struct batch_item *item = t->item;

	if (item->op == BATCH_OP_NONE) {
		t->method_name = item->method;
	} else {
		t->method_name = ops[item->op].method;
		/* A body that comes in pieces is not in the item. */
		if (ops[item->op].needs_body && !item->has_body && !c->big)
			return wrong(t, err, "body", "is missing");
	}
	t->creates = item->op == BATCH_OP_CREATE;
	/* The server is to find a name in the collection (RFC 5995). */
	if (t->creates && str_ends(item->url, STR("/")))
		t->method_name = STR("POST");
	t->ways = method_ways(t->method_name);
	if (item->destination.ptr && !(t->ways & WAY_TO))
		return wrong(
		    t, err, "destination", "is for COPY and MOVE alone");
	if (item->has_overwrite && !(t->ways & WAY_TO))
		return wrong(t, err, "overwrite", "is for COPY and MOVE alone");
	return ERR_OK;
}

/* ---- headers */

/* The parser has refused headers that no item may have: batch_header_wrong().
 */
static enum err_code
check_headers(struct task *t, struct err *err)
{
	const struct batch_item *item = t->item;
	const struct {
		bool given;
		struct str field, header;
	} shorts[] = {
		{ item->if_match.ptr, STR("ifMatch"), STR("If-Match") },
		{ item->if_none_match.ptr, STR("ifNoneMatch"),
		    STR("If-None-Match") },
		{ item->lock_token.ptr, STR("lockToken"), STR("If") },
		{ item->lock_token.ptr, STR("lockToken"), STR("Lock-Token") },
		{ item->depth.ptr, STR("depth"), STR("Depth") },
		{ item->has_overwrite, STR("overwrite"), STR("Overwrite") },
		{ item->destination.ptr, STR("destination"),
		    STR("Destination") },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(shorts); i++)
		if (shorts[i].given &&
		    headers_has(&item->headers, shorts[i].header))
			return wrong(t, err, shorts[i].field.ptr,
			    "stands beside the header %s, which says the same",
			    shorts[i].header.ptr);
	return ERR_OK;
}

/* ---- what earlier ones left */

const struct ref *
task_ref(const struct task *t, enum ref_at at)
{
	static const struct ref none = { 0 };

	return t->refs ? &t->refs[at] : &none;
}

/* From its id on. */
static enum err_code
find_ref(struct checking *c, struct task *t, const char *field, struct str text,
    enum ref_at at, struct err *err)
{
	struct str id = str_head(text, str_find(text, '/'));
	struct task *other = names_find(&c->ids, id);
	struct ref *out;

	if (!t->refs)
		t->refs = arena_array(&t->arena, N_REFS, sizeof(*t->refs));
	if (!t->refs)
		return err_nomem(err);
	out = &t->refs[at];
	out->rest = str_skip(text, id.len);
	if (other >= t)
		return wrong(t, err, field, "'$%.*s' is a later operation",
		    STR_ARG(str_head(id, 64)));
	if (other) {
		out->task = other;
		other->etag_wanted = true;
		return add_after(c, t, other, err);
	}
	out->left = past_find(&c->r->past, id);
	if (!out->left || out->left->is_group)
		return wrong(t, err, field,
		    "'$%.*s' is none of the operations before it",
		    STR_ARG(str_head(id, 64)));
	if (out->left->failed && !t->blamed.ptr)
		t->blamed = out->left->caused_by;
	return ERR_OK;
}

static enum err_code
check_tags(struct checking *c, struct task *t, struct err *err)
{
	const struct batch_item *item = t->item;
	enum err_code rc = ERR_OK;

	if (str_starts(item->if_match, STR("$")))
		rc = find_ref(c, t, "ifMatch", str_skip(item->if_match, 1),
		    REF_MATCH, err);
	if (!rc && task_ref(t, REF_MATCH)->rest.len)
		rc = wrong(t, err, "ifMatch", "'$id' has nothing behind it");
	if (!rc && str_starts(item->if_none_match, STR("$")))
		rc = find_ref(c, t, "ifNoneMatch",
		    str_skip(item->if_none_match, 1), REF_NONE_MATCH, err);
	if (!rc && task_ref(t, REF_NONE_MATCH)->rest.len)
		rc =
		    wrong(t, err, "ifNoneMatch", "'$id' has nothing behind it");
	return rc;
}

/* ---- URLs */

/* Where the operation that is referred to will have left something. */
static struct rpath
base_of(const struct ref *ref)
{
	const struct task *o = ref->task;

	assert(o || ref->left); /* find_ref() has found one of them */
	if (!o)
		return ref->left->at;
	return o->ways & WAY_TO ? o->to : o->path;
}

enum err_code
ref_path(struct arena *a, struct rpath base, struct str rest, struct rpath *out,
    bool *slash, struct err *err)
{
	struct rpath below = RPATH_ROOT;
	enum err_code rc = ERR_OK;

	*slash = false;
	if (rest.len)
		rc = href_decode_path(a, rest, &below, slash, err);
	if (!rc)
		rc = rpath_join(a, base, str_skip(below.s, 1), out, err);
	return rc;
}

static bool
is_ours(struct rpath path)
{
	struct str first = str_skip(path.s, 1);

	first = str_head(first, str_find(first, '/'));
	return str_eq(first, STR(".sheaf")) || str_eq(first, STR("$batch"));
}

static bool
has_authority(struct str url)
{
	size_t colon;

	if (str_starts(url, STR("/")) && !str_starts(url, STR("//")))
		return false;
	colon = str_find(url, ':');
	return str_starts(url, STR("//")) ||
	    (colon < str_find(url, '/') && colon < url.len);
}

static enum err_code
read_url(struct checking *c, struct task *t, const char *field, struct str url,
    enum ref_at at, struct rpath *out, bool *slash, struct err *err)
{
	const struct ref *ref;
	struct str prefix = c->r->spec.origin.prefix;
	struct err why = { 0 };
	enum err_code rc;

	if (!url.len)
		return wrong(t, err, field, "is missing");
	if (url.ptr[0] == '$') {
		rc = find_ref(c, t, field, str_skip(url, 1), at, err);
		if (rc)
			return rc;
		ref = task_ref(t, at);
		url = str_head(ref->rest, str_find(ref->rest, '?'));
		rc = ref_path(&t->arena, base_of(ref), url, out, slash, &why);
	} else if (has_authority(url)) {
		return wrong(t, err, field, "is to be a path of this server");
	} else {
		url = str_head(url, str_find(url, '?'));
		rc = href_decode_target(
		    &t->arena, prefix, url, out, slash, &why);
	}
	if (rc == ERR_NOMEM)
		return err_nomem(err);
	if (rc == ERR_BAD_GATEWAY)
		return wrong(t, err, field, "is not below '%.*s'",
		    STR_ARG(str_head(prefix, 64)));
	if (rc)
		return wrong(t, err, field, "%s", why.tell);
	if (is_ours(*out))
		return wrong(t, err, field,
		    "is no resource: a batch cannot be inside of a batch");
	return ERR_OK;
}

static enum err_code
check_urls(struct checking *c, struct task *t, struct err *err)
{
	const struct batch_item *item = t->item;
	struct err why = { 0 };
	enum err_code rc =
	    read_url(c, t, "url", item->url, REF_URL, &t->path, &t->slash, err);

	if (rc || !(t->ways & WAY_TO))
		return rc;
	if (item->destination.ptr)
		return read_url(c, t, "destination", item->destination, REF_TO,
		    &t->to, &t->to_slash, err);
	if (!headers_has(&item->headers, STR("Destination")))
		return wrong(t, err, "destination", "is missing");
	rc = destination_parse(&item->headers, &c->r->spec.origin, &t->arena,
	    &t->to, &t->to_slash, &why);
	if (rc == ERR_NOMEM)
		return err_nomem(err);
	if (rc)
		return wrong(t, err, "headers/destination", "%s",
		    why.tell[0] ? why.tell : err_text(rc));
	if (is_ours(t->to))
		return wrong(t, err, "headers",
		    "the destination is no resource of the tree");
	return ERR_OK;
}

/* ---- dependencies, groups, keys */

static enum err_code
check_dependency(
    struct checking *c, struct task *t, struct str id, struct err *err)
{
	struct task *other = names_find(&c->ids, id);
	struct str shown = str_head(id, 64);
	const struct left *left;

	if (other == t)
		return wrong(t, err, "dependsOn",
		    "'%.*s' is the operation itself", STR_ARG(shown));
	if (!other)
		other = names_find(&c->groups, id);
	if (!other)
		other = names_find(&c->later_groups, id);
	if (t->group && str_eq(id, t->item->group))
		return wrong(t, err, "dependsOn",
		    "'%.*s' is the operation's own group", STR_ARG(shown));
	if (other > t)
		return wrong(t, err, "dependsOn",
		    "'%.*s' comes later, and is not run before it",
		    STR_ARG(shown));
	if (other)
		return add_after(c, t, other, err);
	left = past_find(&c->r->past, id);
	if (!left)
		return wrong(t, err, "dependsOn",
		    "'%.*s' is none of the operations before it",
		    STR_ARG(shown));
	if (left->failed && !t->blamed.ptr)
		t->blamed = left->caused_by;
	return ERR_OK;
}

static enum err_code
check_dependencies(struct checking *c, struct task *t, struct err *err)
{
	const struct batch_item *item = t->item;
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < item->n_depends_on && !rc; i++)
		rc = check_dependency(c, t, item->depends_on[i], err);
	return rc;
}

static enum err_code
check_group(struct checking *c, struct task *t, struct err *err)
{
	const struct batch_limits *lim = c->r->env.limits;
	struct str name = t->item->group;
	struct task *before = t > c->v ? t - 1 : NULL;
	struct task *other;
	void **value;

	if (!name.len)
		return ERR_OK;
	if (names_find(&c->ids, name))
		return wrong(t, err, "atomicityGroup",
		    "is the id of an operation as well");
	if (before && before->group && str_eq(before->item->group, name)) {
		t->group = before->group;
		if (++t->group->n_group > lim->group_operations)
			return wrong(t, err, "atomicityGroup",
			    "has more than %llu operations (groupOperations)",
			    (unsigned long long)lim->group_operations);
		return ERR_OK;
	}
	other = names_find(&c->groups, name);
	if (other || past_find(&c->r->past, name)) {
		if (other) /* in a stream: none of it without the rest */
			other->blamed = t->item->id;
		return wrong(t, err, "atomicityGroup",
		    "operations of a group are neighbours, and in one window");
	}
	value = names_add(&c->groups, name);
	if (!value)
		return err_nomem(err);
	*value = t->group = t;
	t->n_group = 1;
	if (c->groups.n > lim->groups)
		return wrong(t, err, "atomicityGroup",
		    "there are more than %llu groups (groups)",
		    (unsigned long long)lim->groups);
	return ERR_OK;
}

/* As key_put() and key_put_item() have it; each begins with the same user. */
static bool
make_key(struct checking *c, struct task *t)
{
	struct str own = t->item->idempotency_key;
	struct buf b CLEANUP(buf_done) = { 0 };

	if (!c->user.len)
		key_put_user(&c->user, c->r->spec.caller.user);
	buf_put(&b, buf_str(&c->user));
	buf_put(&b, own.len ? own : c->r->spec.key);
	if (!own.len) {
		buf_putc(&b, '/');
		buf_put(&b, t->item->id);
	}
	return !buf_failed(&c->user) && !buf_failed(&b) &&
	    arena_str(&t->arena, buf_str(&b), &t->store_key);
}

static enum err_code
check_key(struct checking *c, struct task *t, struct err *err)
{
	struct str own = t->item->idempotency_key, all = c->r->spec.key;
	struct task *other;
	void **value;

	if ((!own.len && !all.len) || !(t->ways & WAY_KEYED))
		return ERR_OK;
	if (!make_key(c, t))
		return err_nomem(err);
	if (t->store_key.len > RECORD_KEY_MAX)
		return wrong(t, err, own.len ? "idempotencyKey" : "id",
		    "makes a key that is too long");
	value = names_add(&c->keys, t->store_key);
	if (!value)
		return err_nomem(err);
	other = *value;
	if (other)
		return wrong(t, err, own.len ? "idempotencyKey" : "id",
		    own.len ? "is that of operation '%.*s', too"
			    : "makes the key that operation '%.*s' has",
		    STR_ARG(str_head(other->item->id, 64)));
	*value = t;
	return ERR_OK;
}

enum err_code
check_item(struct checking *c, struct task *t, struct err *err)
{
	enum err_code rc = check_method(c, t, err);

	if (!rc)
		rc = check_headers(t, err);
	if (!rc)
		rc = check_group(c, t, err);
	if (!rc)
		rc = check_dependencies(c, t, err);
	if (!rc)
		rc = check_tags(c, t, err);
	if (!rc)
		rc = check_urls(c, t, err);
	return rc ? rc : check_key(c, t, err);
}
