/* SPDX-License-Identifier: MIT */
/* neon's reader of a 207, used as its own ne_props.c uses it. */
#include <ne_207.h>
#include <string.h>

#include "readers.h"

#define STATE_PROP (NE_207_STATE_TOP + 1)
#define STATE_INSIDE (NE_207_STATE_TOP + 2)

struct job {
	struct counts *c;
	struct text value;
	bool inside; /* it has elements in it: no text */
};

static void *
on_response(void *arg, const ne_uri *uri)
{
	struct job *j = arg;

	j->c->items++;
	j->c->bytes += strlen(uri->path);
	return j;
}

static void
on_response_end(
    void *arg, void *response, const ne_status *status, const char *description)
{
	struct job *j = arg;

	(void)response;
	(void)description;
	if (status && status->code >= 400)
		j->c->failed++;
}

static void *
on_propstat(void *arg, void *response)
{
	struct job *j = arg;

	(void)response;
	j->c->propstats++;
	return j;
}

static void
on_propstat_end(
    void *arg, void *propstat, const ne_status *status, const char *description)
{
	(void)arg;
	(void)propstat;
	(void)status;
	(void)description;
}

static int
on_open(void *arg, int parent, const char *ns, const char *name,
    const char **attributes)
{
	struct job *j = arg;

	(void)ns;
	(void)name;
	(void)attributes;
	if (parent == NE_207_STATE_PROP) {
		j->value.len = 0;
		j->inside = false;
		return STATE_PROP;
	}
	if (parent == STATE_PROP || parent == STATE_INSIDE) {
		j->inside = true;
		return STATE_INSIDE;
	}
	return NE_XML_DECLINE;
}

static int
on_text(void *arg, int state, const char *text, size_t n)
{
	struct job *j = arg;

	if (state == STATE_PROP)
		text_add(&j->value, text, n);
	return 0;
}

static int
on_close(void *arg, int state, const char *ns, const char *name)
{
	struct job *j = arg;

	(void)ns;
	(void)name;
	if (state != STATE_PROP)
		return 0;
	j->c->props++;
	if (!j->inside)
		j->c->bytes += j->value.len;
	return 0;
}

bool
read_neon(struct source *s, struct counts *c)
{
	static struct job j;
	ne_xml_parser *xml = ne_xml_create();
	ne_uri base = { 0 };
	ne_207_parser *p;
	const char *bytes;
	size_t n;
	int failed = 0;

	j.c = c;
	if (ne_uri_parse("http://h.example/", &base))
		return false;
	p = ne_207_create(xml, &base, &j);
	ne_207_set_response_handlers(p, on_response, on_response_end);
	ne_207_set_propstat_handlers(p, on_propstat, on_propstat_end);
	ne_xml_push_handler(xml, on_open, on_text, on_close, &j);
	while (!failed && (bytes = source_next(s, &n)))
		failed = ne_xml_parse(xml, bytes, n);
	if (!failed)
		failed = ne_xml_parse(xml, "", 0);
	ne_207_destroy(p);
	ne_xml_destroy(xml);
	ne_uri_free(&base);
	return !failed;
}
