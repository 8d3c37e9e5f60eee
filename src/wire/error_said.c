/* SPDX-License-Identifier: MIT */
#include "wire/error_said.h"

#include "wire/xml.h"

struct saying {
	struct arena *arena;
	struct error_said *out;
	size_t n;
	bool in_href;
	struct buf text, href; /* of the element in hand */
};

static void
saying_done(struct saying *s)
{
	buf_done(&s->text);
	buf_done(&s->href);
}

static bool
keep(struct saying *s, struct str from, struct str *to)
{
	return arena_str(s->arena, from, to);
}

static enum err_code
open_element(void *arg, const struct xml_element *e, struct err *err)
{
	struct saying *s = arg;
	struct prop_name name = e->name.name;
	struct error_said *said;

	s->in_href = false;
	if (!e->depth)
		return prop_name_eq(
			   name, (struct prop_name){ DAV_NS, STR("error") })
		    ? ERR_OK
		    : err_tell(err, ERR_BAD_BODY, "no DAV:error");
	if (s->n == ERROR_SAID_MAX)
		return ERR_OK;
	if (e->depth > 1) {
		s->in_href = !s->out[s->n].href.len &&
		    prop_name_eq(
			name, (struct prop_name){ DAV_NS, STR("href") });
		return ERR_OK;
	}
	said = &s->out[s->n];
	*said = (struct error_said){ 0 };
	buf_clear(&s->text);
	buf_clear(&s->href);
	if (!keep(s, name.ns, &said->name.ns) ||
	    !keep(s, name.local, &said->name.local))
		return err_nomem(err);
	return ERR_OK;
}

static enum err_code
take_text(void *arg, struct str text, struct err *err)
{
	struct saying *s = arg;
	struct buf *b = s->in_href ? &s->href : &s->text;

	(void)err;
	if (s->n < ERROR_SAID_MAX && b->len < ERROR_SAID_TEXT)
		buf_put(b, str_head(text, ERROR_SAID_TEXT - b->len));
	return ERR_OK;
}

static struct str
trim(struct str s)
{
	while (s.len && (unsigned char)s.ptr[0] <= ' ')
		s = str_skip(s, 1);
	while (s.len && (unsigned char)s.ptr[s.len - 1] <= ' ')
		s.len--;
	return s;
}

static enum err_code
close_element(
    void *arg, const struct xml_name *name, unsigned depth, struct err *err)
{
	struct saying *s = arg;
	struct error_said *said = &s->out[s->n];

	(void)name;
	if (s->n == ERROR_SAID_MAX || !depth)
		return ERR_OK;
	if (s->in_href && !keep(s, trim(buf_str(&s->href)), &said->href))
		return err_nomem(err);
	s->in_href = false;
	if (depth > 1)
		return ERR_OK;
	if (!keep(s, trim(buf_str(&s->text)), &said->text) ||
	    buf_failed(&s->text) || buf_failed(&s->href))
		return err_nomem(err);
	s->n++;
	return ERR_OK;
}

enum err_code
error_said_read(struct arena *a, struct str xml,
    struct error_said out[ERROR_SAID_MAX], size_t *n, struct err *err)
{
	static const struct xml_limits limits = { (size_t)1 << 20, 32 };
	static const struct xml_events events = { open_element, take_text,
		close_element };
	struct saying s CLEANUP(saying_done) = { .arena = a, .out = out };
	struct xml *x;
	enum err_code rc;

	*n = 0;
	rc = xml_new(&limits, &events, &s, &x, err);
	if (rc)
		return rc;
	rc = xml_feed(x, xml, err);
	if (!rc)
		rc = xml_end(x, err);
	xml_free(x);
	*n = s.n;
	return rc;
}
