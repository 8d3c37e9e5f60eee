/* SPDX-License-Identifier: MIT */
#include "wire/multistatus.h"

#include <assert.h>
#include <stdlib.h>

#include "http/href.h"
#include "wire/multistatus_impl.h"

/* Bytes are pushed on when there are as many as this. */
#define PIECE ((size_t)16384)

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
	href_put(&m->out, buf_str(&m->prefix), o->path, o->collection);
}

static enum err_code
push(struct multistatus *m)
{
	enum err_code rc = buf_failed(&m->out);

	if (!rc)
		rc = ostream_write(m->to, buf_str(&m->out));
	if (!rc)
		buf_clear(&m->out);
	return rc;
}

/* The stream keeps its failure: the push at the end of the put finds it. */
void
multistatus_flow(struct multistatus *m)
{
	if (m->out.len >= PIECE)
		(void)push(m);
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
	if (m->out.len < PIECE && !m->to->err.code)
		return buf_failed(&m->out);
	return push(m);
}

static enum err_code
multistatus_end(struct sink *s)
{
	struct multistatus *m = CONTAINER_OF(s, struct multistatus, base);

	begin(m);
	m->form->end(m);
	return push(m);
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
	m->to = to;
	m->minimal = spec->minimal;
	m->form->escape(&m->prefix, spec->prefix);
	if (!buf_room(&m->out, 2 * PIECE) || buf_failed(&m->prefix)) {
		multistatus_free(&m->base);
		return err_nomem(err);
	}
	*out = &m->base;
	return ERR_OK;
}

void
multistatus_free(struct sink *s)
{
	struct multistatus *m;

	if (!s)
		return;
	m = CONTAINER_OF(s, struct multistatus, base);
	buf_done(&m->out);
	buf_done(&m->prefix);
	free(m);
}
