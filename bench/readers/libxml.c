/* SPDX-License-Identifier: MIT */
/* libxml2: its SAX2 interface, fed with bytes, and its xmlReader. */
#include <libxml/parser.h>
#include <libxml/xmlreader.h>
#include <string.h>

#include "readers.h"

enum where { OUTSIDE, RESPONSE, PROPSTAT, PROP };

struct job {
	struct counts *c;
	enum where where;
	unsigned depth, prop_depth;
	struct text href, status, value;
	struct text *to; /* where text goes, or NULL */
	bool inside; /* the property has elements in it */
	bool own_status;
};

static bool
is(const char *name, const char *wanted)
{
	return !strcmp(name, wanted);
}

static void
open_dav(struct job *j, const char *name)
{
	if (is(name, "response") && j->where == OUTSIDE) {
		j->where = RESPONSE;
		j->own_status = false;
	} else if (is(name, "href") && j->where == RESPONSE) {
		j->to = &j->href;
	} else if (is(name, "propstat") && j->where == RESPONSE) {
		j->where = PROPSTAT;
		j->c->propstats++;
	} else if (is(name, "prop") && j->where == PROPSTAT) {
		j->where = PROP;
		j->prop_depth = j->depth;
	} else if (is(name, "status")) {
		j->to = &j->status;
		j->own_status = j->where == RESPONSE;
	}
	if (j->to)
		j->to->len = 0;
}

static void
open_element(struct job *j, const char *name, const char *ns)
{
	j->depth++;
	if (j->where == PROP) {
		if (j->depth == j->prop_depth + 1) {
			j->inside = false;
			j->value.len = 0;
			j->to = &j->value;
		} else {
			j->inside = true;
		}
	} else if (ns && is(ns, "DAV:")) {
		open_dav(j, name);
	}
}

static void
close_response(struct job *j)
{
	j->c->items++;
	j->c->bytes += j->href.len;
	if (j->own_status && status_number(&j->status) >= 400)
		j->c->failed++;
	j->where = OUTSIDE;
}

static void
close_element(struct job *j, const char *name)
{
	if (j->where == PROP && j->depth == j->prop_depth + 1) {
		j->c->props++;
		if (!j->inside)
			j->c->bytes += j->value.len;
	} else if (j->where == PROP && j->depth == j->prop_depth) {
		j->where = PROPSTAT;
	} else if (j->where == PROPSTAT && is(name, "propstat")) {
		j->where = RESPONSE;
	} else if (j->where == RESPONSE && is(name, "response")) {
		close_response(j);
	}
	j->to = NULL;
	j->depth--;
}

/* ------------------------------------------------------------------ SAX2 */

static void
sax_open(void *arg, const xmlChar *name, const xmlChar *prefix,
    const xmlChar *ns, int n_ns, const xmlChar **nss, int n_attrs,
    int n_defaulted, const xmlChar **attrs)
{
	(void)prefix;
	(void)n_ns;
	(void)nss;
	(void)n_attrs;
	(void)n_defaulted;
	(void)attrs;
	open_element(arg, (const char *)name, (const char *)ns);
}

static void
sax_close(
    void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns)
{
	(void)prefix;
	(void)ns;
	close_element(arg, (const char *)name);
}

static void
sax_text(void *arg, const xmlChar *text, int n)
{
	struct job *j = arg;

	if (j->to)
		text_add(j->to, (const char *)text, (size_t)n);
}

bool
read_libxml_sax(struct source *s, struct counts *c)
{
	static struct job j;
	xmlSAXHandler sax = { .initialized = XML_SAX2_MAGIC,
		.startElementNs = sax_open,
		.endElementNs = sax_close,
		.characters = sax_text };
	xmlParserCtxtPtr p;
	const char *bytes;
	size_t n;
	int failed = 0;

	j.c = c;
	p = xmlCreatePushParserCtxt(&sax, &j, NULL, 0, NULL);
	if (!p)
		return false;
	xmlCtxtUseOptions(p, XML_PARSE_HUGE | XML_PARSE_NONET);
	while (!failed && (bytes = source_next(s, &n)))
		failed = xmlParseChunk(p, bytes, (int)n, 0);
	if (!failed)
		failed = xmlParseChunk(p, "", 0, 1);
	xmlFreeParserCtxt(p);
	return !failed;
}

/* ------------------------------------------------------------- xmlReader */

/* It asks for so many bytes at once; what is over is kept for the next. */
struct pull {
	struct source *s;
	const char *bytes;
	size_t left;
};

static int
pull_bytes(void *arg, char *to, int room)
{
	struct pull *p = arg;
	size_t n;

	if (!p->left)
		p->bytes = source_next(p->s, &p->left);
	n = p->left < (size_t)room ? p->left : (size_t)room;
	if (n)
		memcpy(to, p->bytes, n);
	p->bytes += n;
	p->left -= n;
	return (int)n;
}

static void
take_node(struct job *j, xmlTextReaderPtr r)
{
	const char *text;

	switch (xmlTextReaderNodeType(r)) {
	case XML_READER_TYPE_ELEMENT:
		open_element(j, (const char *)xmlTextReaderConstLocalName(r),
		    (const char *)xmlTextReaderConstNamespaceUri(r));
		if (xmlTextReaderIsEmptyElement(r))
			close_element(
			    j, (const char *)xmlTextReaderConstLocalName(r));
		break;
	case XML_READER_TYPE_END_ELEMENT:
		close_element(j, (const char *)xmlTextReaderConstLocalName(r));
		break;
	case XML_READER_TYPE_TEXT:
		text = (const char *)xmlTextReaderConstValue(r);
		if (j->to)
			text_add(j->to, text, strlen(text));
		break;
	default:
		break;
	}
}

bool
read_libxml_reader(struct source *s, struct counts *c)
{
	static struct job j;
	struct pull pull = { .s = s };
	xmlTextReaderPtr r = xmlReaderForIO(pull_bytes, NULL, &pull, NULL, NULL,
	    XML_PARSE_HUGE | XML_PARSE_NONET | XML_PARSE_COMPACT);
	int more;

	j.c = c;
	if (!r)
		return false;
	while ((more = xmlTextReaderRead(r)) == 1)
		take_node(&j, r);
	xmlFreeTextReader(r);
	return more == 0;
}
