/* SPDX-License-Identifier: MIT */
#include "wire/multistatus.h"

#include <assert.h>
#include <stdlib.h>

#include "http/href.h"
#include "wire/multistatus_impl.h"

static const struct form_ops *const forms[FORM_COUNT] = {
	[FORM_XML] = &xml_form,
	[FORM_JSON] = &json_form,
	[FORM_NDJSON] = &ndjson_form,
};

struct str
form_media_type(enum form f)
{
	assert(f < FORM_COUNT);
	return forms[f]->media_type;
}

void
multistatus_put_href(struct multistatus *m, const struct outcome *o)
{
	if (o->told)
		m->form->escape(&m->push.out, o->told->href);
	else
		href_put(
		    &m->push.out, buf_str(&m->prefix), o->path, o->collection);
}

struct cause
multistatus_cause(const struct multistatus *m, const struct outcome *o)
{
	struct cause c = { buf_str(&m->prefix), o->path, o->collection };

	if (o->about.s.len && !rpath_eq(o->about, o->path)) {
		c.path = o->about;
		c.collection = rpath_is_ancestor(o->about, o->path);
	}
	return c;
}

static void
begin(struct multistatus *m)
{
	if (!m->begun)
		m->form->begin(m);
	m->begun = true;
}

static enum err_code
multistatus_put(struct sink *s, const struct outcome *o)
{
	struct multistatus *m = CONTAINER_OF(s, struct multistatus, base);

	begin(m);
	summary_add(&m->sum, o);
	m->form->put(m, o);
	return pusher_flow(&m->push);
}

static enum err_code
multistatus_end(struct sink *s)
{
	struct multistatus *m = CONTAINER_OF(s, struct multistatus, base);

	begin(m);
	m->form->end(m);
	return pusher_flush(&m->push);
}

static const struct sink_ops multistatus_ops = {
	.name = "multistatus",
	.put = multistatus_put,
	.end = multistatus_end,
};

enum err_code
multistatus_new(const struct multistatus_spec *spec, struct ostream *to,
    struct sink **out, struct err *err)
{
	struct multistatus *m = calloc(1, sizeof(*m));

	assert(spec->form < FORM_COUNT);
	if (!m)
		return err_nomem(err);
	sink_init(&m->base, &multistatus_ops);
	m->form = forms[spec->form];
	m->minimal = spec->minimal;
	m->form->escape(&m->prefix, spec->prefix);
	if (!pusher_init(&m->push, to) || buf_failed(&m->prefix)) {
		multistatus_free(&m->base);
		return err_nomem(err);
	}
	*out = &m->base;
	return ERR_OK;
}

enum err_code
multistatus_flush(struct sink *s)
{
	struct multistatus *m = CONTAINER_OF(s, struct multistatus, base);
	enum err_code rc = pusher_flush(&m->push);

	return rc ? rc : ostream_flush(m->push.to);
}

void
multistatus_free(struct sink *s)
{
	struct multistatus *m;

	if (!s)
		return;
	m = CONTAINER_OF(s, struct multistatus, base);
	pusher_done(&m->push);
	buf_done(&m->prefix);
	buf_done(&m->key);
	name_set_done(&m->names);
	free(m);
}
