/* SPDX-License-Identifier: MIT */
/* origin_find(): where our root stands in the eyes of the client. */
#include "http/fields.h"
#include "http/scan.h"

static enum err_code
malformed(struct err *err, struct str field)
{
	return err_tell(
	    err, ERR_BAD_HEADER, "%.*s is malformed", STR_ARG(field));
}

static bool
scheme_ok(struct str s)
{
	return str_eq_nocase(s, STR("http")) || str_eq_nocase(s, STR("https"));
}

/* What proxies say; empty: nothing. */
struct forwarded {
	struct str proto;
	struct str host;
	struct str port;
};

/*
 * Reads the first element of Forwarded, which is from the proxy that the client
 * sees (RFC 7239 s7.1): a proxy that we trust drops what the client sent.
 */
static enum err_code
read_forwarded(const struct headers *h, struct arena *a, struct forwarded *f,
    struct err *err)
{
	static const struct str field = STR_INIT("Forwarded");
	struct str list, element, pair, name, value;
	enum err_code rc = headers_list(h, field, a, &list, err);

	if (rc || !scan_member(&list, &element))
		return rc;
	while (scan_cut(&element, ';', &pair)) {
		if (!pair.len)
			continue;
		if (!scan_pair(pair, &name, &value) || !scan_is_token(name) ||
		    !scan_unquote(&value))
			return malformed(err, field);
		if (str_eq_nocase(name, STR("proto")))
			f->proto = value;
		else if (str_eq_nocase(name, STR("host")))
			f->host = value;
	}
	return ERR_OK;
}

/* Reads the first of a list, which is from the proxy that the client sees. */
static enum err_code
read_first(const struct headers *h, struct str field, struct arena *a,
    struct str *out, struct err *err)
{
	struct str list;
	enum err_code rc = headers_list(h, field, a, &list, err);

	*out = (struct str){ 0 };
	if (!rc)
		(void)scan_member(&list, out);
	return rc;
}

static enum err_code
read_x_forwarded(const struct headers *h, struct arena *a, struct forwarded *f,
    struct err *err)
{
	enum err_code rc;

	rc = read_first(h, STR("X-Forwarded-Proto"), a, &f->proto, err);
	if (!rc)
		rc = read_first(h, STR("X-Forwarded-Host"), a, &f->host, err);
	if (!rc)
		rc = read_first(h, STR("X-Forwarded-Port"), a, &f->port, err);
	return rc;
}

static bool
has_port(struct str authority)
{
	size_t bracket = str_rfind(authority, ']');
	struct str tail = bracket < authority.len
	    ? str_skip(authority, bracket + 1)
	    : authority;

	return str_find(tail, ':') < tail.len;
}

static enum err_code
add_port(
    struct arena *a, struct str port, struct str *authority, struct err *err)
{
	struct str parts[] = { *authority, STR(":"), port };
	size_t i, len = 0;
	char *to;

	if (!port.len || !authority->len || has_port(*authority))
		return ERR_OK;
	to = arena_alloc(a, authority->len + 1 + port.len);
	if (!to)
		return err_nomem(err);
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		memcpy(to + len, parts[i].ptr, parts[i].len);
		len += parts[i].len;
	}
	*authority = str_of(to, len);
	return ERR_OK;
}

static enum err_code
use_forwarded(const struct forwarded *f, struct arena *a, struct origin *o,
    struct err *err)
{
	uint64_t port;

	if (f->proto.len && !scheme_ok(f->proto))
		return malformed(err, STR("the forwarded protocol"));
	if (f->port.len && (!str_to_u64(f->port, &port) || port > 65535))
		return malformed(err, STR("the forwarded port"));
	if (f->proto.len)
		o->scheme = f->proto;
	if (f->host.len)
		o->authority = f->host;
	return add_port(a, f->port, &o->authority, err);
}

static enum err_code
read_proxy(
    const struct headers *h, struct arena *a, struct origin *o, struct err *err)
{
	struct forwarded f = { 0 };
	struct str prefix = { 0 };
	enum err_code rc;

	rc = read_forwarded(h, a, &f, err);
	if (!rc && !f.proto.len && !f.host.len)
		rc = read_x_forwarded(h, a, &f, err);
	if (!rc)
		rc = use_forwarded(&f, a, o, err);
	if (!rc)
		rc = read_first(h, STR("X-Forwarded-Prefix"), a, &prefix, err);
	if (rc || !prefix.len)
		return rc;
	rc = prefix_normalize(a, prefix, &o->prefix, err);
	return rc == ERR_BAD_PATH ? malformed(err, STR("X-Forwarded-Prefix"))
				  : rc;
}

enum err_code
origin_find(const struct headers *h, const struct origin *base,
    bool trusted_proxy, struct str scheme, struct arena *a, struct origin *out,
    struct err *err)
{
	struct origin o = { .scheme = scheme };
	enum err_code rc;

	if (base->authority.len) { /* a whole URL was configured */
		*out = *base;
		return ERR_OK;
	}
	rc = headers_one(h, STR("Host"), &o.authority, err);
	if (!rc && trusted_proxy)
		rc = read_proxy(h, a, &o, err);
	if (rc)
		return rc;
	if (o.authority.len && !authority_ok(o.authority))
		return malformed(err, STR("the host"));
	if (base->scheme.len)
		o.scheme = base->scheme;
	if (base->prefix.len)
		o.prefix = base->prefix;
	*out = o;
	return ERR_OK;
}
