/* SPDX-License-Identifier: MIT */
#include "server/head.h"

#include "http/fields.h"
#include "http/scan.h"

/* ---- the lines, as they stand in libmicrohttpd's buffer */

struct lines {
	struct arena *a;
	struct header *v;
	size_t n, cap;
	uint64_t names;
	/*
	 * libmicrohttpd makes strings of names and values in place: the colon
	 * and the line's end become NULs.  So each name must begin where the
	 * line before it ended; if it does not, there was a NUL in the value,
	 * a line folded, or a bare LF, and others may read it in another way.
	 */
	const char *next; /* where the next line must begin */
	const char *from; /* of the whole */
	char *copy; /* of all that follows `from` */
	enum err_code failed;
};

static bool
has_control(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

static enum MHD_Result
take_line(void *arg, enum MHD_ValueKind kind, const char *key, size_t key_size,
    const char *value, size_t value_size)
{
	struct str name = str_of(key, key_size), v = str_of(value, value_size);
	struct lines *l = arg;

	(void)kind;
	if (!value || key != l->next || !scan_is_token(name) ||
	    has_control(v) || l->n == l->cap) {
		l->failed = ERR_BAD_HEADER;
		return MHD_NO;
	}
	l->names |= headers_name(name);
	l->next = value + value_size + strlen("\r\n");
	l->v[l->n++] = (struct header){
		.name = str_of(l->copy + (key - l->from), key_size),
		.value =
		    str_trim(str_of(l->copy + (value - l->from), value_size)),
	};
	return MHD_YES;
}

static enum err_code
copy_lines(struct MHD_Connection *mc, const char *version, const char *end,
    struct arena *a, struct headers *out, struct err *err)
{
	const char *from = version + strlen(version) + strlen("\r\n");
	struct lines l = { .a = a, .from = from, .next = from };
	int n = MHD_get_connection_values_n(mc, MHD_HEADER_KIND, NULL, NULL);

	if (n < 0 || end < from)
		return err_tell(err, ERR_BAD_HEADER, "malformed header");
	l.cap = (size_t)n;
	l.v = arena_array(a, l.cap ? l.cap : 1, sizeof(*l.v));
	l.copy = arena_alloc(a, (size_t)(end - from) + 1);
	if (!l.v || !l.copy)
		return err_nomem(err);
	memcpy(l.copy, from, (size_t)(end - from));
	(void)MHD_get_connection_values_n(mc, MHD_HEADER_KIND, take_line, &l);
	if (l.failed || l.n != l.cap || l.next + strlen("\r\n") != end)
		return err_tell(err, ERR_BAD_HEADER,
		    "malformed header: lines end in CRLF, are not folded and "
		    "have no control characters, and no space before the "
		    "colon");
	*out = (struct headers){ .v = l.v, .n = l.n, .names = l.names };
	return ERR_OK;
}

/* ---- the framing of the body */

static enum err_code
read_framing(
    const struct headers *h, bool http11, struct request *out, struct err *err)
{
	size_t coded = headers_count(h, STR("Transfer-Encoding"));
	size_t measured = headers_count(h, STR("Content-Length"));
	enum err_code rc;
	struct str value;

	if (!coded && !measured)
		return ERR_OK;
	if (coded && measured)
		return err_tell(err, ERR_BAD_HEADER,
		    "both Content-Length and Transfer-Encoding");
	if (coded && !http11)
		return err_tell(
		    err, ERR_BAD_HEADER, "Transfer-Encoding in HTTP/1.0");
	if (measured > 1 || coded > 1)
		return err_tell(err, ERR_BAD_HEADER,
		    "more than one Content-Length or Transfer-Encoding");
	rc = headers_one(h,
	    coded ? STR("Transfer-Encoding") : STR("Content-Length"), &value,
	    err);
	if (rc)
		return rc;
	if (coded && !str_eq_nocase(value, STR("chunked")))
		return err_tell(err, ERR_NOT_IMPLEMENTED,
		    "a transfer coding other than chunked");
	if (coded) {
		out->has_body = true;
		return ERR_OK;
	}
	if (!str_to_u64(value, &out->length))
		return err_tell(
		    err, ERR_BAD_HEADER, "Content-Length is no number");
	out->has_length = true;
	out->has_body = out->length > 0;
	return ERR_OK;
}

/* ---- the target */

/* RFC 9112 s3.2: exactly one in 1.1, and at most one in 1.0. */
static enum err_code
check_host(const struct headers *h, bool http11, struct err *err)
{
	size_t n = headers_count(h, STR("Host"));

	if (n > 1 || (http11 && !n))
		return err_tell(err, ERR_BAD_HEADER,
		    n ? "more than one Host" : "no Host in HTTP/1.1");
	return ERR_OK;
}

/*
 * "http://host/path": the host counts, and a Host header does not (RFC 9112
 * s3.2.2).  Headers are changed in place.
 */
static enum err_code
take_authority(struct str *target, const struct headers *h, struct arena *a,
    struct headers *out, struct err *err)
{
	size_t scheme = str_find(*target, ':');
	struct str name = str_head(*target, scheme), authority;
	struct header *v = arena_array(a, h->n + 1, sizeof(*v));
	size_t i, slash, query, n = 0;

	if (!v)
		return err_nomem(err);
	if ((!str_eq_nocase(name, STR("http")) &&
		!str_eq_nocase(name, STR("https"))) ||
	    !str_starts(str_skip(*target, scheme), STR("://")))
		return err_tell(err, ERR_BAD_REQUEST,
		    "the request target is neither a path nor an http URL");
	*target = str_skip(*target, scheme + 3);
	slash = str_find(*target, '/');
	query = str_find(*target, '?');
	slash = slash < query ? slash : query;
	authority = str_head(*target, slash);
	if (!authority.len || str_find(authority, '@') < authority.len)
		return err_tell(err, ERR_BAD_REQUEST,
		    "the host of the request target is malformed");
	*target = str_skip(*target, slash);
	if (!str_starts(*target, STR("/")))
		*target = STR("/");
	for (i = 0; i < h->n; i++)
		if (!str_eq_nocase(h->v[i].name, STR("Host")))
			v[n++] = h->v[i];
	v[n++] = (struct header){ STR("Host"), authority };
	*out = (struct headers){
		.v = v,
		.n = n,
		.names = h->names | headers_name(STR("Host")),
	};
	return ERR_OK;
}

static enum err_code
read_target(struct head *h, const struct live *live, struct arena *a,
    struct request *out, struct err *err)
{
	struct str target = h->target;
	enum err_code rc;

	if (str_eq(target, STR("*"))) {
		if (out->method == METHOD_OPTIONS)
			return ERR_OK; /* the root's */
		return err_tell(
		    err, ERR_BAD_REQUEST, "only OPTIONS may be asked of *");
	}
	if (!str_starts(target, STR("/"))) {
		rc = take_authority(
		    &target, &out->headers, a, &out->headers, err);
		if (rc)
			return rc;
	}
	out->query = str_skip(target, str_find(target, '?') + 1);
	target = str_head(target, str_find(target, '?'));
	rc = href_decode_target(
	    a, live->prefix, target, &out->path, &out->slash, err);
	if (rc == ERR_BAD_GATEWAY) /* another prefix: nothing of ours */
		rc = err_set(err, ERR_NOT_FOUND, "not below the prefix");
	return rc;
}

static enum err_code
read_rest(struct head *h, const struct live *live, bool trusted,
    struct arena *a, struct request *out, struct err *err)
{
	struct str expect = { 0 };
	enum err_code rc = read_target(h, live, a, out, err);

	if (!rc)
		rc = origin_find(&out->headers, &live->base, trusted,
		    STR("http"), a, &out->origin, err);
	if (!rc)
		rc = headers_one(&out->headers, STR("Expect"), &expect, err);
	/* What libmicrohttpd will take for it. */
	h->expects = h->http11 && str_eq_nocase(expect, STR("100-continue"));
	return rc;
}

enum err_code
head_read(struct MHD_Connection *mc, const char *method, const char *url,
    const char *version, const struct live *live, bool trusted, struct arena *a,
    struct head *h, struct request *out, struct err *err)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    mc, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	enum err_code rc;

	out->path = RPATH_ROOT;
	out->origin = live->base;
	h->size = info ? info->header_size : 0;
	h->broken = true;
	if (!arena_str(a, str_from_c(method), &h->method) ||
	    !arena_str(a, str_from_c(version), &h->version))
		return err_nomem(err);
	out->method = method_from(h->method);
	out->method_name = h->method;
	h->http11 = !str_eq(h->version, STR("HTTP/1.0"));
	/* One space behind the target, which ends where it said it does. */
	if (!scan_is_token(h->method) || url + h->target.len + 1 != version)
		return err_tell(err, ERR_BAD_REQUEST, "malformed request line");
	rc = copy_lines(mc, version, method + h->size, a, &out->headers, err);
	if (!rc)
		rc = check_host(&out->headers, h->http11, err);
	if (!rc)
		rc = read_framing(&out->headers, h->http11, out, err);
	if (!rc && h->size > live->config.max_header)
		rc = err_set(err, ERR_HEADER_TOO_LARGE, "max-header");
	if (rc)
		return rc;
	h->broken = false;
	return read_rest(h, live, trusted, a, out, err);
}
