/* SPDX-License-Identifier: MIT */
/* Makes the header of a request from its spec. */
#include "client/remote_impl.h"

/* How many fields a spec can ask for, but for those in spec->fields. */
enum { OWN_FIELDS = 8 };

struct list {
	struct arena *a;
	struct header *v;
	size_t n;
	bool failed;
};

static void
add(struct list *l, struct str name, struct str value)
{
	struct header *h = &l->v[l->n];

	if (!value.len || l->failed)
		return;
	if (!arena_str(l->a, name, &h->name) ||
	    !arena_str(l->a, value, &h->value))
		l->failed = true;
	else
		l->n++;
}

static void
add_depth(struct list *l, const struct remote_spec *spec)
{
	static const struct str depths[] = {
		[DEPTH_0] = STR_INIT("0"),
		[DEPTH_1] = STR_INIT("1"),
		[DEPTH_INFINITY] = STR_INIT("infinity"),
	};

	if (spec->has_depth)
		add(l, STR("Depth"), depths[spec->depth]);
}

/* Puts a list for one resource: If is true where one of its lists is. */
static void
put_tagged(struct buf *b, struct str url, struct str token)
{
	buf_put(b, b->len ? STR(" <") : STR("<"));
	buf_put(b, url);
	BUF_LIT(b, "> (<");
	buf_put(b, token);
	BUF_LIT(b, ">)");
}

/*
 * The lock may be on the resource, or on the collection that gets or loses it:
 * either will do, and where it is on neither any more the server does nothing.
 */
static void
put_any(struct buf *b, const struct remote_spec *spec)
{
	const struct str urls[] = { spec->url, spec->destination };
	size_t i;

	for (i = 0; i < ARRAY_LEN(urls); i++) {
		struct str above = str_head(urls[i], url_parent_len(urls[i]));

		if (!urls[i].len)
			continue;
		put_tagged(b, urls[i], spec->lock_token);
		if (!str_eq(above, urls[i]))
			put_tagged(b, above, spec->lock_token);
	}
}

static bool
is_of_lock(const struct remote_spec *spec)
{
	struct str method = str_from_c(spec->method);

	return str_eq(method, STR("LOCK")) || str_eq(method, STR("UNLOCK"));
}

bool
remote_has_choice(const struct remote_spec *spec)
{
	return spec->lock_token.len && !is_of_lock(spec);
}

static void
add_token(struct list *l, const struct remote_spec *spec, enum if_of of)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	bool unlock = str_eq(str_from_c(spec->method), STR("UNLOCK"));

	if (!spec->lock_token.len)
		return;
	if (is_of_lock(spec)) {
		buf_put(&b, unlock ? STR("<") : STR("(<"));
		buf_put(&b, spec->lock_token);
		buf_put(&b, unlock ? STR(">") : STR(">)"));
	} else if (of == IF_TARGET) {
		put_tagged(&b, spec->url, spec->lock_token);
	} else {
		put_any(&b, spec);
	}
	if (buf_failed(&b))
		l->failed = true;
	add(l, unlock ? STR("Lock-Token") : STR("If"), buf_str(&b));
}

enum err_code
remote_fields(struct arena *a, const struct remote_spec *spec, enum if_of of,
    struct headers *out, struct err *err)
{
	struct list l = { .a = a };
	size_t i;

	l.v = arena_array(a, OWN_FIELDS + spec->n_fields, sizeof(*l.v));
	if (!l.v)
		return err_nomem(err);
	add_depth(&l, spec);
	add(&l, STR("Destination"), spec->destination);
	if (spec->keep)
		add(&l, STR("Overwrite"), STR("F"));
	add(&l, STR("If-Match"), spec->if_match);
	add(&l, STR("If-None-Match"), spec->if_none_match);
	add_token(&l, spec, of);
	add(&l, STR("Content-Type"), spec->content_type);
	for (i = 0; i < spec->n_fields; i++)
		add(&l, spec->fields[i].name, spec->fields[i].value);
	*out = (struct headers){ .v = l.v, .n = l.n };
	return l.failed ? err_nomem(err) : ERR_OK;
}
