/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "wire/capture.h"
#include "wire/dav_body_impl.h"

/* Depth of what: DAV:lockinfo, DAV:lockscope and its kin, what is in them. */
enum { AT_ROOT, AT_PART, AT_CHOICE };

enum part { PART_NONE = 0, PART_SCOPE, PART_TYPE, PART_OWNER };

struct lockinfo_reader {
	struct dav_body base;
	struct lockinfo_memo *memo; /* or NULL */
	enum part part; /* that we are in */
	unsigned exclusive, shared, write; /* how many of each there were */
	struct str lang; /* xml:lang of the root */
	struct capture capture;
	struct prop owner; /* PROP_EMPTY: none yet */
	size_t at, len; /* of what is other text than in the memo's owner */
};

static enum err_code
begin_owner(
    struct lockinfo_reader *r, const struct xml_element *e, struct err *err)
{
	enum err_code rc;

	if (r->owner.form)
		return err_tell(
		    err, ERR_BAD_BODY, "there is more than one DAV:owner");
	rc = capture_begin(&r->capture, e, r->lang, err);
	r->capture.whole = true;
	return rc;
}

static enum err_code
owner_fits(size_t len, struct err *err)
{
	if (len > LOCKINFO_MAX_OWNER)
		return err_tell(err, ERR_TOO_LARGE,
		    "DAV:owner is over %zu bytes with its namespaces",
		    LOCKINFO_MAX_OWNER);
	return ERR_OK;
}

static enum err_code
end_owner(struct lockinfo_reader *r, struct err *err)
{
	enum err_code rc =
	    capture_end(&r->capture, r->base.arena, &r->owner, err);

	return rc ? rc : owner_fits(r->owner.value.len, err);
}

static enum err_code
enter_root(
    struct lockinfo_reader *r, const struct xml_element *e, struct err *err)
{
	const struct prop_name lang = { XML_NS, STR("lang") };
	size_t i;

	if (!is_dav(&e->name, STR("lockinfo")))
		return err_tell(
		    err, ERR_BAD_BODY, "the root is not DAV:lockinfo");
	for (i = 0; i < e->n_attrs; i++)
		if (prop_name_eq(e->attrs[i].name.name, lang) &&
		    !arena_str(r->base.arena, e->attrs[i].value, &r->lang))
			return err_nomem(err);
	return ERR_OK;
}

static enum err_code
enter_part(
    struct lockinfo_reader *r, const struct xml_element *e, struct err *err)
{
	static const struct {
		struct str name;
		enum part part;
	} parts[] = {
		{ STR_INIT("lockscope"), PART_SCOPE },
		{ STR_INIT("locktype"), PART_TYPE },
		{ STR_INIT("owner"), PART_OWNER },
	};
	size_t i;

	r->part = PART_NONE;
	for (i = 0; i < ARRAY_LEN(parts); i++)
		if (is_dav(&e->name, parts[i].name))
			r->part = parts[i].part;
	return r->part == PART_OWNER ? begin_owner(r, e, err) : ERR_OK;
}

static void
choose(struct lockinfo_reader *r, const struct xml_name *name)
{
	r->exclusive += r->part == PART_SCOPE && is_dav(name, STR("exclusive"));
	r->shared += r->part == PART_SCOPE && is_dav(name, STR("shared"));
	r->write += r->part == PART_TYPE && is_dav(name, STR("write"));
}

static enum err_code
lockinfo_open(void *arg, const struct xml_element *e, struct err *err)
{
	struct lockinfo_reader *r = arg;

	if (e->depth == AT_ROOT)
		return enter_root(r, e, err);
	if (e->depth == AT_PART)
		return enter_part(r, e, err);
	if (r->part == PART_OWNER)
		return capture_open(&r->capture, e, err);
	if (e->depth == AT_CHOICE)
		choose(r, &e->name);
	return ERR_OK;
}

static enum err_code
lockinfo_text(void *arg, struct str text, struct err *err)
{
	struct lockinfo_reader *r = arg;

	(void)err;
	if (r->part == PART_OWNER)
		capture_text(&r->capture, text);
	return ERR_OK;
}

static enum err_code
lockinfo_close(
    void *arg, const struct xml_name *name, unsigned depth, struct err *err)
{
	struct lockinfo_reader *r = arg;

	if (r->part != PART_OWNER)
		return ERR_OK;
	capture_close(&r->capture, name, depth);
	if (depth != AT_PART)
		return ERR_OK;
	r->part = PART_NONE;
	return end_owner(r, err);
}

static const struct xml_events lockinfo_events = {
	.open = lockinfo_open,
	.text = lockinfo_text,
	.close = lockinfo_close,
};

static void
lockinfo_done(struct dav_body *b)
{
	struct lockinfo_reader *r =
	    CONTAINER_OF(b, struct lockinfo_reader, base);

	capture_done(&r->capture);
}

static bool
takes_text(struct dav_body *b, struct str was)
{
	struct lockinfo_reader *r =
	    CONTAINER_OF(b, struct lockinfo_reader, base);

	r->len = was.len;
	return dav_body_text_once(r->memo->what.owner, was, &r->at);
}

enum err_code
lockinfo_body_new(const struct xml_limits *limits, struct lockinfo_memo *memo,
    struct arena *a, struct dav_body **out, struct err *err)
{
	struct lockinfo_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem(err);
	dav_body_init(&r->base, limits, &lockinfo_events,
	    memo ? &memo->base : NULL, a, lockinfo_done);
	r->memo = memo;
	r->base.takes_text = takes_text;
	*out = &r->base;
	return ERR_OK;
}

static enum err_code
check(const struct lockinfo_reader *r, struct err *err)
{
	if (r->exclusive + r->shared != 1)
		return err_tell(err, ERR_BAD_BODY,
		    "DAV:lockscope must hold one of DAV:exclusive and "
		    "DAV:shared");
	if (r->write != 1)
		return err_tell(
		    err, ERR_BAD_BODY, "DAV:locktype must hold one DAV:write");
	return ERR_OK;
}

/* Has the memo remember what was read, if there is room and memory. */
static void
remember(struct lockinfo_reader *r, const struct lockinfo_body *what)
{
	struct arena *a = dav_body_keeps(&r->base);

	if (!a || !arena_str(a, what->owner, &r->memo->what.owner))
		return;
	r->memo->what.shared = what->shared;
	dav_body_known(&r->base);
}

/* *out: what the memo has, with this body's text. */
static enum err_code
recall(struct lockinfo_reader *r, struct lockinfo_body *out, struct err *err)
{
	struct str was = r->memo->what.owner;
	struct buf owner CLEANUP(buf_done) = { 0 };
	enum err_code rc;

	*out = r->memo->what;
	if (!r->base.text.len)
		return ERR_OK;
	buf_put(&owner, str_head(was, r->at));
	buf_put(&owner, r->base.text);
	buf_put(&owner, str_skip(was, r->at + r->len));
	rc = owner_fits(owner.len, err);
	if (rc)
		return rc;
	return buf_failed(&owner) ||
		!arena_str(r->base.arena, buf_str(&owner), &out->owner)
	    ? err_nomem(err)
	    : ERR_OK;
}

enum err_code
lockinfo_body_end(
    struct dav_body *b, struct lockinfo_body *out, struct err *err)
{
	struct lockinfo_reader *r =
	    CONTAINER_OF(b, struct lockinfo_reader, base);
	bool known;
	enum err_code rc = dav_body_finish(b, &known, err);

	if (!rc && !known && !b->empty)
		rc = check(r, err);
	if (rc)
		return rc;
	if (known)
		return recall(r, out, err);
	*out = (struct lockinfo_body){
		.empty = b->empty,
		.shared = r->shared != 0,
		.owner = r->owner.value,
	};
	remember(r, out);
	return ERR_OK;
}
