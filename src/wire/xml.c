/* SPDX-License-Identifier: MIT */
#include "wire/xml.h"

#include <expat.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/buf.h"

/* Between the parts of a name; no XML document can contain it. */
#define SEPARATOR '\x01'

/*
 * Expat scans an unfinished token again from its start with each piece that it
 * is handed, so the pieces a peer chooses to send must not decide how often: a
 * token longer than this waits until as much again has come.
 */
#define SHORT_TOKEN ((size_t)256)

/* Bytes that expat must see at once to guess the encoding. */
#define FIRST ((size_t)4)

/* Bytes handed to expat at a time, unless a longer token is unfinished. */
#define PIECE ((size_t)16384)

/* The longest document that is small for xml_is_small(). */
#define SMALL ((uint64_t)4096)

struct xml {
	XML_Parser parser;
	unsigned long salt; /* of its hash tables; 0: expat asks for its own */
	struct xml_limits limits;
	const struct xml_events *events;
	void *arg;
	struct err err; /* what ended it */
	struct err said; /* for events; here, since zeroing it is costly */
	enum xml_fault fault;
	uint64_t bytes; /* how many came */
	unsigned long parsed; /* how many of them expat has; may wrap */
	unsigned long token; /* the offset of the token that expat is at */
	size_t pending; /* bytes that expat has of an unfinished token */
	unsigned depth; /* of open elements */
	struct arena names; /* the strings of decls */
	struct xml_decl decls[XML_MAX_ATTRS];
	size_t n_decls;
	struct xml_attr attrs[XML_MAX_ATTRS];
	struct buf held; /* bytes that wait */
};

/* Ends the parsing with a failure, whose message begins with the place. */
static void
stop(struct xml *x, enum err_code code, const char *tell)
{
	struct xml_place at = xml_place(x);

	if (code == ERR_NOMEM)
		(void)err_nomem(&x->err);
	else
		(void)err_tell(&x->err, code,
		    "line %" PRIu64 ", column %" PRIu64 ": %s", at.line,
		    at.column, tell);
	(void)XML_StopParser(x->parser, XML_FALSE);
}

/* Ends the parsing if an event failed. */
static void
stop_if(struct xml *x, enum err_code rc)
{
	if (!rc)
		return;
	stop(x, rc, x->said.tell[0] ? x->said.tell : err_text(rc));
}

static struct str
until_separator(const XML_Char *at)
{
	const XML_Char *end = at;

	while (*end && *end != SEPARATOR)
		end++;
	return str_of(at, (size_t)(end - at));
}

/*
 * "uri local prefix", "uri local" or "local", as expat composes them.  Byte by
 * byte: they are short, and there are two of them in each 40 bytes of a 207.
 */
static struct xml_name
name_of(const XML_Char *composed)
{
	struct xml_name n;
	struct str piece = until_separator(composed);

	n.name.ns = STR("");
	n.name.local = piece;
	n.prefix = STR("");
	if (!piece.ptr[piece.len])
		return n;
	n.name.ns = piece;
	n.name.local = until_separator(piece.ptr + piece.len + 1);
	piece = n.name.local;
	if (piece.ptr[piece.len])
		n.prefix = until_separator(piece.ptr + piece.len + 1);
	return n;
}

static bool
name_fits(const struct xml_name *n)
{
	return n->name.ns.len <= XML_MAX_NAME &&
	    n->name.local.len <= XML_MAX_NAME && n->prefix.len <= XML_MAX_NAME;
}

static void XMLCALL
on_declaration(void *arg, const XML_Char *prefix, const XML_Char *uri)
{
	struct xml *x = arg;
	struct xml_decl *d = &x->decls[x->n_decls];

	if (x->err.code)
		return;
	if (x->n_decls == XML_MAX_ATTRS) {
		stop(x, ERR_TOO_LARGE, "over 64 namespaces on one element");
		return;
	}
	if (!arena_str(&x->names, str_from_c(prefix), &d->prefix) ||
	    !arena_str(&x->names, str_from_c(uri), &d->uri)) {
		stop(x, ERR_NOMEM, "");
		return;
	}
	x->n_decls++;
	if (d->prefix.len > XML_MAX_NAME || d->uri.len > XML_MAX_NAME)
		stop(x, ERR_TOO_LARGE, "a namespace over 1024 bytes");
}

/* Fills x->attrs from expat's list of name, value, name, value, NULL. */
static size_t
collect_attrs(struct xml *x, const XML_Char **list)
{
	size_t n;

	for (n = 0; list[2 * n]; n++) {
		if (n == XML_MAX_ATTRS) {
			stop(x, ERR_TOO_LARGE,
			    "over 64 attributes on one element");
			return 0;
		}
		x->attrs[n].name = name_of(list[2 * n]);
		x->attrs[n].value = str_from_c(list[2 * n + 1]);
		if (!name_fits(&x->attrs[n].name)) {
			stop(x, ERR_TOO_LARGE, "a name over 1024 bytes");
			return 0;
		}
	}
	return n;
}

static void
deliver(struct xml *x, const struct xml_element *e)
{
	stop_if(x, x->events->open(x->arg, e, &x->said));
}

static void XMLCALL
on_open(void *arg, const XML_Char *name, const XML_Char **attrs)
{
	struct xml *x = arg;
	struct xml_element e = { .depth = x->depth, .decls = x->decls };

	if (x->err.code)
		return;
	if (x->depth++ >= x->limits.depth) {
		char tell[64];

		(void)snprintf(tell, sizeof(tell),
		    "elements nested over %u deep", x->limits.depth);
		stop(x, ERR_TOO_LARGE, tell);
		return;
	}
	e.name = name_of(name);
	if (!name_fits(&e.name)) {
		stop(x, ERR_TOO_LARGE, "a name over 1024 bytes");
		return;
	}
	e.attrs = x->attrs;
	e.n_attrs = collect_attrs(x, attrs);
	e.n_decls = x->n_decls;
	if (!x->err.code)
		deliver(x, &e);
	x->n_decls = 0;
	arena_clear(&x->names);
}

static void XMLCALL
on_close(void *arg, const XML_Char *name)
{
	struct xml *x = arg;
	struct xml_name n = name_of(name);

	x->depth--;
	if (x->err.code || !x->events->close)
		return;
	stop_if(x, x->events->close(x->arg, &n, x->depth, &x->said));
}

static void XMLCALL
on_text(void *arg, const XML_Char *text, int len)
{
	struct xml *x = arg;
	struct str s = str_of(text, (size_t)len);

	if (x->err.code || !x->events->text)
		return;
	stop_if(x, x->events->text(x->arg, s, &x->said));
}

static void XMLCALL
on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
    const XML_Char *public_id, int internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)internal;
	((struct xml *)arg)->fault = XML_FAULT_DOCTYPE;
	stop(arg, ERR_BAD_BODY, "a document type declaration is not accepted");
}

/* Named here, so that tests which make malloc fail reach expat's calls. */
static const XML_Memory_Handling_Suite memory = { malloc, realloc, free };

static void
begin(struct xml *x, const struct xml_limits *limits,
    const struct xml_events *events, void *arg)
{
	XML_Parser p = x->parser;

	x->limits = *limits;
	x->events = events;
	x->arg = arg;
	if (x->salt)
		(void)XML_SetHashSalt(p, x->salt);
	XML_SetReturnNSTriplet(p, 1);
	XML_SetUserData(p, x);
	XML_SetElementHandler(p, on_open, on_close);
	XML_SetCharacterDataHandler(p, on_text);
	XML_SetStartNamespaceDeclHandler(p, on_declaration);
	XML_SetStartDoctypeDeclHandler(p, on_doctype);
}

enum err_code
xml_new(const struct xml_limits *limits, const struct xml_events *events,
    void *arg, struct xml **out, struct err *err)
{
	static const XML_Char separator[] = { SEPARATOR, '\0' };
	struct xml *x = calloc(1, sizeof(*x));

	if (!x)
		return err_nomem(err);
	x->parser = XML_ParserCreate_MM(NULL, &memory, separator);
	if (!x->parser) {
		free(x);
		return err_nomem(err);
	}
	begin(x, limits, events, arg);
	*out = x;
	return ERR_OK;
}

/* With one salt of our own expat need not ask the system for each document. */
void
xml_renew(struct xml *x, const struct xml_limits *limits,
    const struct xml_events *events, void *arg)
{
	unsigned long salt;

	if (!x->salt &&
	    getrandom(&salt, sizeof(salt), GRND_NONBLOCK) == sizeof(salt))
		x->salt = salt;
	(void)XML_ParserReset(x->parser, NULL);
	x->err.code = ERR_OK;
	x->said.tell[0] = '\0';
	x->fault = XML_FAULT_NONE;
	x->bytes = 0;
	x->parsed = x->token = 0;
	x->pending = 0;
	x->depth = 0;
	x->n_decls = 0;
	arena_clear(&x->names);
	buf_clear(&x->held);
	begin(x, limits, events, arg);
}

bool
xml_is_small(const struct xml *x)
{
	return x->bytes <= SMALL;
}

/* The fault that an error of expat's stands for. */
static enum xml_fault
fault_of(enum XML_Error code, bool last)
{
	static const struct {
		enum XML_Error code;
		enum xml_fault fault;
	} faults[] = {
		{ XML_ERROR_UNBOUND_PREFIX, XML_FAULT_PREFIX },
		{ XML_ERROR_UNDEFINED_ENTITY, XML_FAULT_ENTITY },
		{ XML_ERROR_UNCLOSED_TOKEN, XML_FAULT_CUT },
		{ XML_ERROR_PARTIAL_CHAR, XML_FAULT_CUT },
		{ XML_ERROR_UNCLOSED_CDATA_SECTION, XML_FAULT_CUT },
		{ XML_ERROR_NO_ELEMENTS, XML_FAULT_CUT },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(faults); i++)
		if (faults[i].code == code &&
		    (last || faults[i].fault != XML_FAULT_CUT))
			return faults[i].fault;
	return XML_FAULT_SYNTAX;
}

static enum err_code
fail(struct xml *x, bool last, struct err *err)
{
	enum XML_Error code = XML_GetErrorCode(x->parser);

	if (!x->err.code && code != XML_ERROR_NO_MEMORY)
		x->fault = fault_of(code, last);
	if (!x->err.code)
		stop(x, code == XML_ERROR_NO_MEMORY ? ERR_NOMEM : ERR_BAD_BODY,
		    XML_ErrorString(code));
	if (err)
		*err = x->err;
	return x->err.code;
}

/* Feeds expat through its own buffer, which saves a copy. */
static enum XML_Status
give(XML_Parser parser, struct str bytes)
{
	void *room = XML_GetBuffer(parser, (int)bytes.len);

	if (!room)
		return XML_STATUS_ERROR;
	memcpy(room, bytes.ptr, bytes.len);
	return XML_ParseBuffer(parser, (int)bytes.len, false);
}

/* Feeds a piece; an empty one is the end of the document. */
static enum err_code
parse(struct xml *x, struct str bytes, struct err *err)
{
	bool last = !bytes.len;
	/* Some releases of expat have no buffer yet when nothing came. */
	enum XML_Status ok =
	    last ? XML_Parse(x->parser, "", 0, true) : give(x->parser, bytes);

	x->parsed += bytes.len;
	if (ok != XML_STATUS_OK || x->err.code)
		return fail(x, last, err);
	x->token = xml_offset(x);
	x->pending = x->parsed - x->token;
	return ERR_OK;
}

static enum err_code
parse_all(struct xml *x, struct str bytes, struct err *err)
{
	enum err_code rc = ERR_OK;

	while (bytes.len && !rc) {
		struct str piece =
		    str_head(bytes, x->pending > PIECE ? x->pending : PIECE);

		rc = parse(x, piece, err);
		bytes = str_skip(bytes, piece.len);
	}
	return rc;
}

/* Feeds the bytes that were held back. */
static enum err_code
parse_held(struct xml *x, struct err *err)
{
	enum err_code rc = parse_all(x, buf_str(&x->held), err);

	buf_clear(&x->held);
	return rc;
}

enum err_code
xml_feed(struct xml *x, struct str bytes, struct err *err)
{
	bool any = x->limits.bytes == SIZE_MAX;
	size_t wanted = x->pending > SHORT_TOKEN ? x->pending : 0;

	if (!any && bytes.len > x->limits.bytes - x->bytes)
		return err_tell(err, ERR_TOO_LARGE,
		    "the body is over %zu bytes", x->limits.bytes);
	x->bytes += bytes.len;
	if (!x->parsed)
		wanted = FIRST;
	if (bytes.len >= wanted && !x->held.len)
		return parse_all(x, bytes, err);
	buf_put(&x->held, bytes);
	if (buf_failed(&x->held))
		return err_nomem(err);
	return x->held.len < wanted ? ERR_OK : parse_held(x, err);
}

enum err_code
xml_end(struct xml *x, struct err *err)
{
	enum err_code rc = parse_held(x, err);

	return rc ? rc : parse(x, STR(""), err);
}

struct xml_place
xml_place(const struct xml *x)
{
	return (struct xml_place){ XML_GetCurrentLineNumber(x->parser),
		XML_GetCurrentColumnNumber(x->parser) + 1 };
}

enum xml_fault
xml_fault(const struct xml *x)
{
	return x->fault;
}

unsigned long
xml_offset(const struct xml *x)
{
	XML_Index index = XML_GetCurrentByteIndex(x->parser);

	/* Expat does not know while it puts off to look at a token again. */
	return index == -1 ? x->token : (unsigned long)index;
}

size_t
xml_pending(const struct xml *x)
{
	return x->pending + x->held.len;
}

void
xml_free(struct xml *x)
{
	if (!x)
		return;
	XML_ParserFree(x->parser);
	arena_done(&x->names);
	buf_done(&x->held);
	free(x);
}
