/* SPDX-License-Identifier: MIT */
/*
 * A PROPPATCH body: what is kept of each property is namespace-well-formed on
 * its own, is the element that was named, and sent again is kept as the same
 * bytes.  Half of the inputs are put where the properties stand, so that the
 * fuzzer need not find its way there.
 */
#include "fuzz.h"

#include "lib/xml_check.h"
#include "wire/dav_body.h"
#include "wire/escape.h"

/* Room for values that are larger than the body that brought them. */
static const struct xml_limits limits = { .bytes = 65536, .depth = 32 };
static const struct xml_limits again_limits = { .bytes = 1 << 20, .depth = 64 };

static enum err_code
read_body(const struct xml_limits *l, struct str bytes, struct arena *a,
    struct proppatch_body *out)
{
	struct dav_body *b;
	struct err err = { 0 };
	enum err_code rc;

	MUST(!proppatch_body_new(l, NULL, a, &b, &err));
	(void)ostream_write(dav_body_stream(b), bytes);
	rc = proppatch_body_end(b, out, &err);
	MUST(rc == err.code);
	MUST(!rc || err.tell[0]);
	dav_body_free(b);
	return rc;
}

/* The property as an element that can be sent. */
static void
put_element(struct buf *b, const struct prop *p)
{
	if (p->form == PROP_XML) {
		buf_put(b, p->value);
		return;
	}
	if (str_eq(p->name.ns, STR("http://www.w3.org/XML/1998/namespace"))) {
		BUF_LIT(b, "<xml:");
		buf_put(b, p->name.local);
		buf_putc(b, '>');
		xml_put_text(b, p->value);
		BUF_LIT(b, "</xml:");
	} else {
		buf_putc(b, '<');
		buf_put(b, p->name.local);
		BUF_LIT(b, " xmlns=\"");
		xml_put_attr(b, p->name.ns);
		BUF_LIT(b, "\">");
		xml_put_text(b, p->value);
		BUF_LIT(b, "</");
	}
	buf_put(b, p->name.local);
	buf_putc(b, '>');
}

static void
check_again(const struct prop *p)
{
	struct buf body = { 0 };
	struct arena a = { 0 };
	struct proppatch_body got;

	BUF_LIT(&body, "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop>");
	put_element(&body, p);
	BUF_LIT(&body, "</D:prop></D:set></D:propertyupdate>");
	MUST(!read_body(&again_limits, buf_str(&body), &a, &got));
	MUST(got.n_changes == 1);
	MUST(prop_name_eq(got.changes[0].prop.name, p->name));
	MUST(got.changes[0].prop.form == p->form);
	MUST(str_eq(got.changes[0].prop.value, p->value));
	arena_done(&a);
	buf_done(&body);
}

static void
check(const struct prop_change *c)
{
	MUST(c->prop.name.local.len);
	if (c->remove) {
		MUST(c->prop.form == PROP_EMPTY);
		return;
	}
	MUST(c->prop.form == PROP_TEXT || !xml_problem(c->prop.value));
	check_again(&c->prop);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf body = { 0 };
	struct arena a = { 0 };
	struct proppatch_body got;
	bool inside = size && data[0] == '(';
	size_t i;

	if (inside)
		BUF_LIT(&body,
		    "<D:propertyupdate xmlns:D='DAV:' xmlns:a='urn:a' "
		    "xmlns='urn:d'><D:set xmlns:b='urn:b' xml:lang='en'>"
		    "<D:prop xml:lang=''>");
	buf_put(&body, str_skip(fuzz_str(data, size), inside ? 1 : 0));
	if (inside)
		BUF_LIT(&body, "</D:prop></D:set></D:propertyupdate>");
	if (!read_body(&limits, buf_str(&body), &a, &got))
		for (i = 0; i < got.n_changes; i++)
			check(&got.changes[i]);
	arena_done(&a);
	buf_done(&body);
	return 0;
}
