/* SPDX-License-Identifier: MIT */
#include "lib/xml_check.h"

#include <expat.h>

static void
put_name(struct buf *b, const char *name)
{
	struct str whole = str_from_c(name);
	size_t bar = str_find(whole, '\x01');

	if (bar < whole.len) {
		buf_putc(b, '{');
		buf_put(b, str_head(whole, bar));
		buf_putc(b, '}');
		whole = str_skip(whole, bar + 1);
	}
	buf_put(b, whole);
}

static void XMLCALL
on_open(void *arg, const XML_Char *name, const XML_Char **attrs)
{
	struct buf *b = arg;

	put_name(b, name);
	for (; *attrs; attrs += 2) {
		buf_putc(b, '@');
		put_name(b, attrs[0]);
		buf_putc(b, '=');
		buf_put(b, str_from_c(attrs[1]));
	}
	buf_putc(b, '(');
}

static void XMLCALL
on_close(void *arg, const XML_Char *name)
{
	(void)name;
	buf_putc(arg, ')');
}

static void XMLCALL
on_text(void *arg, const XML_Char *text, int len)
{
	buf_put(arg, str_of(text, (size_t)len));
}

static const char *
parse(struct str document, struct buf *out)
{
	XML_Parser p = XML_ParserCreateNS(NULL, '\x01');
	enum XML_Status ok;
	enum XML_Error code;

	if (!p)
		return "no parser";
	if (out) {
		XML_SetUserData(p, out);
		XML_SetElementHandler(p, on_open, on_close);
		XML_SetCharacterDataHandler(p, on_text);
	}
	ok = XML_Parse(p, document.ptr, (int)document.len, 1);
	code = XML_GetErrorCode(p);
	XML_ParserFree(p);
	return ok == XML_STATUS_OK ? NULL : XML_ErrorString(code);
}

const char *
xml_problem(struct str document)
{
	return parse(document, NULL);
}

const char *
xml_outline(struct str document, struct buf *out)
{
	return parse(document, out);
}
