/* SPDX-License-Identifier: MIT */
#include "wire/active_lock.h"

#include "http/href.h"
#include "wire/escape.h"

static struct str
scope(bool shared)
{
	return shared ? STR("shared") : STR("exclusive");
}

static struct str
depth(const struct prop_lock *l)
{
	return l->deep ? STR("infinity") : STR("0");
}

static void
xml_put_kind(struct buf *b, bool shared)
{
	BUF_LIT(b, "<D:lockscope><D:");
	buf_put(b, scope(shared));
	BUF_LIT(b,
	    "/></D:lockscope>"
	    "<D:locktype><D:write/></D:locktype>");
}

static void
json_put_kind(struct buf *b, bool shared)
{
	BUF_LIT(b, "\"scope\":\"");
	buf_put(b, scope(shared));
	BUF_LIT(b, "\",\"type\":\"write\"");
}

void
xml_put_active_lock(
    struct buf *b, struct str href_prefix, const struct prop_lock *l)
{
	BUF_LIT(b, "<D:activelock>");
	xml_put_kind(b, l->shared);
	BUF_LIT(b, "<D:depth>");
	buf_put(b, depth(l));
	BUF_LIT(b, "</D:depth>");
	buf_put(b, l->owner);
	BUF_LIT(b, "<D:timeout>Second-");
	buf_put_u64(b, l->seconds);
	BUF_LIT(b, "</D:timeout><D:locktoken><D:href>");
	xml_put_text(b, l->token);
	BUF_LIT(b, "</D:href></D:locktoken><D:lockroot><D:href>");
	href_put(b, href_prefix, l->root, l->collection);
	BUF_LIT(b, "</D:href></D:lockroot></D:activelock>");
}

void
json_put_active_lock(
    struct buf *b, struct str href_prefix, const struct prop_lock *l)
{
	buf_putc(b, '{');
	json_put_kind(b, l->shared);
	BUF_LIT(b, ",\"depth\":\"");
	buf_put(b, depth(l));
	buf_putc(b, '"');
	if (l->owner.len) {
		BUF_LIT(b, ",\"owner\":");
		json_put_string(b, l->owner);
	}
	BUF_LIT(b, ",\"timeout\":");
	buf_put_u64(b, l->seconds);
	BUF_LIT(b, ",\"token\":");
	json_put_string(b, l->token);
	BUF_LIT(b, ",\"root\":\"");
	href_put(b, href_prefix, l->root, l->collection);
	BUF_LIT(b, "\"}");
}

void
xml_put_lock_kinds(struct buf *b)
{
	int shared;

	for (shared = 0; shared <= 1; shared++) {
		BUF_LIT(b, "<D:lockentry>");
		xml_put_kind(b, shared);
		BUF_LIT(b, "</D:lockentry>");
	}
}

void
json_put_lock_kinds(struct buf *b)
{
	BUF_LIT(b, "[{");
	json_put_kind(b, false);
	BUF_LIT(b, "},{");
	json_put_kind(b, true);
	BUF_LIT(b, "}]");
}

void
lock_body_put(struct buf *b, struct str href_prefix,
    const struct prop_lock *locks, size_t n)
{
	size_t i;

	BUF_LIT(b,
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<D:prop xmlns:D=\"DAV:\"><D:lockdiscovery>");
	for (i = 0; i < n; i++)
		xml_put_active_lock(b, href_prefix, &locks[i]);
	BUF_LIT(b, "</D:lockdiscovery></D:prop>\n");
}

struct str
lock_body_media_type(void)
{
	return STR("application/xml; charset=utf-8");
}
