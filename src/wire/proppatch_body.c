/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "wire/capture.h"
#include "wire/dav_body_impl.h"

/*
 * Depth of what: DAV:propertyupdate, DAV:set or DAV:remove, DAV:prop, a
 * property.
 */
enum { AT_ROOT, AT_CHANGE, AT_PROP, AT_PROPERTY };

/*
 * How many times more may be kept than was sent: a namespace in scope around
 * many properties is declared in each.
 */
#define GROWTH ((size_t)4)

enum mode { MODE_NONE = 0, MODE_SET, MODE_REMOVE };

struct proppatch_reader {
	struct dav_body base;
	struct proppatch_memo *memo; /* or NULL */
	size_t max_kept; /* bytes of all names and values */
	size_t kept;
	enum mode mode; /* the change that we are in */
	bool in_prop;
	bool in_value; /* within a property that is set */
	bool any_prop;
	struct str lang[AT_PROPERTY]; /* xml:lang in scope at each depth */
	struct prop_change *changes;
	size_t n;
	size_t other; /* which change has another text than the memo's */
	struct capture capture;
};

/* mode and in_prop were set when the elements around it opened. */
static bool
in_property(const struct proppatch_reader *r, unsigned depth)
{
	return r->mode && r->in_prop && depth >= AT_PROPERTY;
}

/* The xml:lang of an element above the properties is theirs (s4.3). */
static enum err_code
note_lang(
    struct proppatch_reader *r, const struct xml_element *e, struct err *err)
{
	const struct prop_name lang = { XML_NS, STR("lang") };
	struct str *in_scope = &r->lang[e->depth];
	size_t i;

	*in_scope = e->depth ? r->lang[e->depth - 1] : STR("");
	for (i = 0; i < e->n_attrs; i++)
		if (prop_name_eq(e->attrs[i].name.name, lang) &&
		    !arena_str(r->base.arena, e->attrs[i].value, in_scope))
			return err_nomem(err);
	return ERR_OK;
}

static enum mode
mode_of(const struct xml_name *name)
{
	if (is_dav(name, STR("set")))
		return MODE_SET;
	return is_dav(name, STR("remove")) ? MODE_REMOVE : MODE_NONE;
}

/* DAV:propertyupdate, DAV:set, DAV:remove, DAV:prop and what is unknown. */
static enum err_code
enter(struct proppatch_reader *r, const struct xml_element *e, struct err *err)
{
	if (e->depth == AT_ROOT && !is_dav(&e->name, STR("propertyupdate")))
		return err_tell(
		    err, ERR_BAD_BODY, "the root is not DAV:propertyupdate");
	if (e->depth == AT_CHANGE)
		r->mode = mode_of(&e->name);
	if (e->depth == AT_PROP) {
		r->in_prop = r->mode && is_dav(&e->name, STR("prop"));
		r->any_prop |= r->in_prop;
	}
	return note_lang(r, e, err);
}

static enum err_code
begin_change(
    struct proppatch_reader *r, const struct xml_element *e, struct err *err)
{
	void *changes = r->changes;
	struct prop_change *c;
	enum err_code rc =
	    body_room(r->base.arena, &changes, r->n, sizeof(*c), err);

	if (rc)
		return rc;
	r->changes = changes;
	c = &r->changes[r->n];
	*c = (struct prop_change){ .remove = r->mode == MODE_REMOVE };
	if (!arena_name(r->base.arena, e->name.name, &c->prop.name))
		return err_nomem(err);
	if (c->remove)
		return ERR_OK;
	r->in_value = true;
	return capture_begin(&r->capture, e, r->lang[AT_PROP], err);
}

static enum err_code
count_kept(struct proppatch_reader *r, const struct prop *p, struct err *err)
{
	r->kept += p->name.ns.len + p->name.local.len + p->value.len;
	if (r->kept > r->max_kept)
		return err_tell(err, ERR_TOO_LARGE,
		    "the properties are over %zu bytes when each has its "
		    "namespaces and language",
		    r->max_kept);
	return ERR_OK;
}

static enum err_code
end_change(struct proppatch_reader *r, struct err *err)
{
	struct prop_change *c = &r->changes[r->n++];
	enum err_code rc = ERR_OK;

	r->in_value = false;
	if (!c->remove)
		rc = capture_end(&r->capture, r->base.arena, &c->prop, err);
	return rc ? rc : count_kept(r, &c->prop, err);
}

static enum err_code
proppatch_open(void *arg, const struct xml_element *e, struct err *err)
{
	struct proppatch_reader *r = arg;

	if (e->depth < AT_PROPERTY)
		return enter(r, e, err);
	if (!in_property(r, e->depth))
		return ERR_OK;
	if (e->depth == AT_PROPERTY)
		return begin_change(r, e, err);
	return r->in_value ? capture_open(&r->capture, e, err) : ERR_OK;
}

static enum err_code
proppatch_text(void *arg, struct str text, struct err *err)
{
	struct proppatch_reader *r = arg;

	(void)err;
	if (r->in_value)
		capture_text(&r->capture, text);
	return ERR_OK;
}

static enum err_code
proppatch_close(
    void *arg, const struct xml_name *name, unsigned depth, struct err *err)
{
	struct proppatch_reader *r = arg;

	if (!in_property(r, depth))
		return ERR_OK;
	if (r->in_value)
		capture_close(&r->capture, name, depth);
	return depth == AT_PROPERTY ? end_change(r, err) : ERR_OK;
}

static const struct xml_events proppatch_events = {
	.open = proppatch_open,
	.text = proppatch_text,
	.close = proppatch_close,
};

static void
proppatch_done(struct dav_body *b)
{
	struct proppatch_reader *r =
	    CONTAINER_OF(b, struct proppatch_reader, base);

	capture_done(&r->capture);
}

static bool
takes_text(struct dav_body *b, struct str was)
{
	struct proppatch_reader *r =
	    CONTAINER_OF(b, struct proppatch_reader, base);
	const struct proppatch_body *what = &r->memo->what;
	size_t i;

	for (i = 0; i < what->n_changes; i++) {
		const struct prop *p = &what->changes[i].prop;

		if (p->form == PROP_TEXT && str_eq(p->value, was)) {
			r->other = i;
			return true;
		}
	}
	return false;
}

enum err_code
proppatch_body_new(const struct xml_limits *limits, struct proppatch_memo *memo,
    struct arena *a, struct dav_body **out, struct err *err)
{
	struct proppatch_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem(err);
	if (__builtin_mul_overflow(limits->bytes, GROWTH, &r->max_kept))
		r->max_kept = SIZE_MAX;
	dav_body_init(&r->base, limits, &proppatch_events,
	    memo ? &memo->base : NULL, a, proppatch_done);
	r->memo = memo;
	r->base.takes_text = takes_text;
	*out = &r->base;
	return ERR_OK;
}

/* Has the memo remember what was read, if there is room and memory. */
static void
remember(struct proppatch_reader *r, const struct proppatch_body *what)
{
	struct arena *a = dav_body_keeps(&r->base);
	struct prop_change *changes;
	size_t i;

	if (!a)
		return;
	changes = arena_array(a, what->n_changes + 1, sizeof(*changes));
	if (!changes)
		return;
	for (i = 0; i < what->n_changes; i++) {
		changes[i] = what->changes[i];
		if (!arena_name(
			a, what->changes[i].prop.name, &changes[i].prop.name) ||
		    !arena_str(
			a, what->changes[i].prop.value, &changes[i].prop.value))
			return;
	}
	r->memo->what = (struct proppatch_body){ changes, what->n_changes };
	dav_body_known(&r->base);
}

/* *out: what the memo has, with this body's text. */
static enum err_code
recall(struct proppatch_reader *r, struct proppatch_body *out, struct err *err)
{
	const struct proppatch_body *what = &r->memo->what;
	struct prop_change *changes;
	enum err_code rc = ERR_OK;
	size_t i;

	*out = *what;
	if (!r->base.text.len)
		return ERR_OK;
	changes = arena_array(r->base.arena, what->n_changes, sizeof(*changes));
	if (!changes)
		return err_nomem(err);
	memcpy(changes, what->changes, what->n_changes * sizeof(*changes));
	changes[r->other].prop.value = r->base.text;
	for (i = 0; i < what->n_changes && !rc; i++)
		rc = count_kept(r, &changes[i].prop, err);
	out->changes = changes;
	return rc;
}

enum err_code
proppatch_body_end(
    struct dav_body *b, struct proppatch_body *out, struct err *err)
{
	struct proppatch_reader *r =
	    CONTAINER_OF(b, struct proppatch_reader, base);
	bool known;
	enum err_code rc = dav_body_finish(b, &known, err);

	if (rc)
		return rc;
	if (b->empty)
		return err_tell(
		    err, ERR_BAD_BODY, "DAV:propertyupdate is missing");
	if (known)
		return recall(r, out, err);
	if (!r->any_prop)
		return err_tell(err, ERR_BAD_BODY,
		    "DAV:propertyupdate has no DAV:set or DAV:remove with a "
		    "DAV:prop");
	*out = (struct proppatch_body){ r->changes, r->n };
	remember(r, out);
	return ERR_OK;
}
