/* SPDX-License-Identifier: MIT */
#include "wire/dav_body.h"

#include <stdlib.h>

#include "wire/dav_body_impl.h"

#define ROOM_FIRST ((size_t)8)

/* ---- the memo */

#define MEMO_MAX ((size_t)1024)

void
body_memo_done(struct body_memo *m)
{
	xml_free(m->xml);
	buf_done(&m->bytes);
	arena_done(&m->arena);
	*m = (struct body_memo){ 0 };
}

void
body_memos_done(struct body_memos *m)
{
	body_memo_done(&m->propfind.base);
	body_memo_done(&m->proppatch.base);
	body_memo_done(&m->lockinfo.base);
}

static bool
has_same_limits(const struct dav_body *b)
{
	return b->memo->limits.bytes == b->limits.bytes &&
	    b->memo->limits.depth == b->limits.depth;
}

static bool
goes_on_as_known(const struct dav_body *b, struct str bytes)
{
	const struct body_memo *m = b->memo;

	return m && m->known && has_same_limits(b) &&
	    str_starts(str_skip(buf_str(&m->bytes), b->same), bytes);
}

struct arena *
dav_body_keeps(struct dav_body *b)
{
	struct body_memo *m = b->memo;

	if (!m || b->empty || buf_failed(&m->bytes))
		return NULL;
	arena_clear(&m->arena);
	return &m->arena;
}

/*
 * Whether each '<' begins a tag, and each text is as it is written: there is no
 * comment, CDATA section or entity, and no processing instruction but the XML
 * declaration.  (No attribute's value has a '<'.)  Nor is it UTF-16, where what
 * looks like a tag may be half a letter.
 */
static bool
is_plain(struct str bytes)
{
	size_t i;

	for (i = 0; i < bytes.len; i++) {
		if (bytes.ptr[i] == '&' || bytes.ptr[i] == '\0')
			return false;
		if (bytes.ptr[i] == '<' && i + 1 < bytes.len &&
		    (bytes.ptr[i + 1] == '!' || (bytes.ptr[i + 1] == '?' && i)))
			return false;
	}
	return true;
}

void
dav_body_known(struct dav_body *b)
{
	b->memo->limits = b->limits;
	b->memo->known = true;
	b->memo->plain = b->takes_text && is_plain(buf_str(&b->memo->bytes));
}

/* ---- other text */

/* Whether it means itself wherever text may be. */
static bool
is_plain_text(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] > '~' || s.ptr[i] == '<' ||
		    s.ptr[i] == '>' || s.ptr[i] == '&')
			return false;
	return s.len > 0;
}

static size_t
count_same(struct str a, struct str b)
{
	size_t n = 0;

	while (n < a.len && n < b.len && a.ptr[n] == b.ptr[n])
		n++;
	return n;
}

bool
dav_body_text_once(struct str in, struct str text, size_t *at)
{
	const char *begin = in.ptr;
	struct str piece;
	size_t n = 0;

	while (str_cut(&in, '<', &piece)) {
		struct str found = str_skip(piece, str_rfind(piece, '>') + 1);

		if (!found.len || !str_eq(found, text))
			continue;
		*at = (size_t)(found.ptr - begin);
		n++;
	}
	return n == 1;
}

/*
 * Finds the one text in which memo and bytes differ: *was and *is, between the
 * same two tags.  False: they differ in something else.
 */
static bool
find_text(struct str memo, struct str bytes, struct str *was, struct str *is)
{
	size_t same = count_same(memo, bytes);
	size_t from = str_rfind(str_head(memo, same), '>') + 1;
	size_t to = from + str_find(str_skip(memo, from), '<');
	size_t end = memo.len - to;

	if (from > same || !end || bytes.len < from + end ||
	    !str_ends(bytes, str_skip(memo, to)))
		return false;
	*was = str_of(memo.ptr + from, to - from);
	*is = str_of(bytes.ptr + from, bytes.len - from - end);
	return is_plain_text(*was) && is_plain_text(*is);
}

/*
 * Whether bytes are a whole body that differs from the memo's in one text, of
 * which the reader knows where it goes.  The memo has that text only once, so
 * that only one part of its result can be made of it.
 */
static bool
has_other_text(struct dav_body *b, struct str bytes)
{
	struct body_memo *m = b->memo;
	struct str memo, was, text, copy;
	size_t at;

	if (b->same || !m || !m->known || !m->plain || bytes.len > MEMO_MAX ||
	    bytes.len > b->limits.bytes || !has_same_limits(b))
		return false;
	memo = buf_str(&m->bytes);
	if (!find_text(memo, bytes, &was, &text) ||
	    !dav_body_text_once(memo, was, &at) || !b->takes_text(b, was) ||
	    !arena_str(b->arena, bytes, &copy))
		return false;
	b->instead = copy;
	b->text = str_of(copy.ptr + (text.ptr - bytes.ptr), text.len);
	b->same = memo.len;
	return true;
}

/* ---- the parser */

/* Frees a parser that failed: what still comes costs nothing. */
static enum err_code
parsed(struct dav_body *b, enum err_code rc)
{
	if (rc) {
		xml_free(b->xml);
		b->xml = NULL;
	}
	return rc;
}

static enum err_code
parse(struct dav_body *b, struct str bytes, struct err *err)
{
	return parsed(b, xml_feed(b->xml, bytes, err));
}

/* Takes the memo's parser, or makes one. */
static enum err_code
find_parser(struct dav_body *b, struct err *err)
{
	struct body_memo *m = b->memo;

	if (!m || !m->xml)
		return xml_new(&b->limits, b->events, b, &b->xml, err);
	b->xml = m->xml;
	m->xml = NULL;
	xml_renew(b->xml, &b->limits, b->events, b);
	return ERR_OK;
}

/* Starts with the bytes that came so far.  The memo now holds this body's. */
static enum err_code
start_parser(struct dav_body *b, struct err *err)
{
	struct body_memo *m = b->memo;
	struct str before = { 0 };
	enum err_code rc = find_parser(b, err);

	if (rc || !m)
		return rc;
	before = str_head(buf_str(&m->bytes), b->same);
	m->known = false;
	m->bytes.len = before.len;
	m->bytes.failed = ERR_OK;
	if (b->instead.len) {
		before = b->instead;
		buf_clear(&m->bytes);
		buf_put(&m->bytes, before);
	}
	return before.len ? parse(b, before, err) : ERR_OK;
}

static enum err_code
body_write(struct ostream *o, struct str bytes)
{
	struct dav_body *b = CONTAINER_OF(o, struct dav_body, stream);
	enum err_code rc = ERR_OK;

	if (!bytes.len)
		return ERR_OK;
	if (!b->xml && goes_on_as_known(b, bytes)) {
		b->same += bytes.len;
		return ERR_OK;
	}
	if (!b->xml && has_other_text(b, bytes))
		return ERR_OK;
	if (!b->xml)
		rc = start_parser(b, &o->err);
	if (rc)
		return rc;
	if (b->memo)
		buf_put(&b->memo->bytes, bytes);
	return parse(b, bytes, &o->err);
}

static const struct ostream_ops body_stream_ops = {
	.name = "XML body",
	.write = body_write,
};

void
dav_body_init(struct dav_body *b, const struct xml_limits *limits,
    const struct xml_events *events, struct body_memo *memo, struct arena *a,
    void (*done)(struct dav_body *))
{
	ostream_init(&b->stream, &body_stream_ops);
	b->limits = *limits;
	b->events = events;
	b->memo = memo;
	if (memo)
		memo->bytes.max = MEMO_MAX;
	b->arena = a;
	b->done = done;
}

enum err_code
dav_body_finish(struct dav_body *b, bool *known, struct err *err)
{
	enum err_code rc = ERR_OK;

	*known = false;
	if (b->stream.err.code) {
		if (err)
			*err = b->stream.err;
		return b->stream.err.code;
	}
	b->empty = !b->xml && !b->same;
	if (b->empty)
		return ERR_OK;
	*known = !b->xml && b->same == b->memo->bytes.len;
	if (*known)
		return ERR_OK;
	if (!b->xml) /* it is shorter than the memo's */
		rc = start_parser(b, err);
	return rc ? rc : parsed(b, xml_end(b->xml, err));
}

struct ostream *
dav_body_stream(struct dav_body *b)
{
	return &b->stream;
}

void
dav_body_free(struct dav_body *b)
{
	if (!b)
		return;
	if (b->done)
		b->done(b);
	if (b->xml && b->memo && xml_is_small(b->xml)) {
		b->memo->xml = b->xml;
		b->xml = NULL;
	}
	xml_free(b->xml);
	free(b);
}

bool
arena_name(struct arena *a, struct prop_name n, struct prop_name *out)
{
	return arena_str(a, n.ns, &out->ns) &&
	    arena_str(a, n.local, &out->local);
}

enum err_code
body_room(struct arena *a, void **items, size_t n, size_t size, struct err *err)
{
	bool full = n == 0 || (n >= ROOM_FIRST && (n & (n - 1)) == 0);
	void *more;

	if (n == BODY_MAX_PROPS)
		return err_tell(err, ERR_TOO_LARGE,
		    "over %zu properties in one request", BODY_MAX_PROPS);
	if (!full) /* it doubles at each power of two */
		return ERR_OK;
	more = arena_array(a, n ? 2 * n : ROOM_FIRST, size);
	if (!more)
		return err_nomem(err);
	if (n)
		memcpy(more, *items, n * size);
	*items = more;
	return ERR_OK;
}
