/* SPDX-License-Identifier: MIT */
/* H001 to H007: what the head of a 207 says. */
#include "http/date.h"
#include "http/scan.h"
#include "wire/lint_impl.h"

/* "charset" of "text/xml; charset=utf-8": its value; empty: none. */
static struct str
parameter(struct str type, struct str name)
{
	struct str piece, key, value;

	if (!scan_cut(&type, ';', &piece))
		return STR("");
	while (scan_cut(&type, ';', &piece))
		if (scan_pair(piece, &key, &value) && str_eq_nocase(key, name))
			return scan_unquote(&value) ? value : STR("");
	return STR("");
}

static struct str
essence(struct str type)
{
	return str_trim(str_head(type, str_find(type, ';')));
}

/* The next field of that name, from *at on; false: there is none. */
static bool
next_field(
    const struct headers *h, struct str name, size_t *at, struct str *value)
{
	for (; *at < h->n; ++*at) {
		if (str_eq_nocase(h->v[*at].name, name)) {
			*value = h->v[(*at)++].value;
			return true;
		}
	}
	return false;
}

/* ---- H006 */

bool
lint_is_retry_after(struct str s)
{
	int64_t seconds;
	uint64_t n;

	return str_to_u64(s, &n) || date_parse_http(s, &seconds);
}

static void
judge_retry_after(struct lint *l, const struct headers *h)
{
	struct str value;
	size_t at = 0;

	while (next_field(h, STR("Retry-After"), &at, &value))
		if (!lint_is_retry_after(value))
			LINT_SAY(l, H006, NULL,
			    "Retry-After is '%.*s', which is neither whole "
			    "seconds nor an HTTP date",
			    LINT_SHOW(value));
}

/* ---- H005 */

/* Whether it lets a cache keep the answer: "public", or a "max-age" over 0. */
static bool
directive_allows(struct str directive)
{
	struct str name, value;
	uint64_t n;

	(void)scan_pair(directive, &name, &value);
	if (str_eq_nocase(name, STR("public")) ||
	    str_eq_nocase(name, STR("immutable")))
		return true;
	return (str_eq_nocase(name, STR("max-age")) ||
		   str_eq_nocase(name, STR("s-maxage"))) &&
	    scan_unquote(&value) && str_to_u64(value, &n) && n > 0;
}

static bool
directive_forbids(struct str directive)
{
	struct str name, value;

	(void)scan_pair(directive, &name, &value);
	return str_eq_nocase(name, STR("no-store")) ||
	    str_eq_nocase(name, STR("no-cache"));
}

/* *said: there was a Cache-Control at all. */
static bool
cache_control_allows(const struct headers *h, bool *said)
{
	bool allowed = false, forbidden = false;
	struct str value, directive;
	size_t at = 0;

	*said = false;
	while (next_field(h, STR("Cache-Control"), &at, &value)) {
		*said = true;
		while (scan_member(&value, &directive)) {
			allowed = allowed || directive_allows(directive);
			forbidden = forbidden || directive_forbids(directive);
		}
	}
	return allowed && !forbidden;
}

/* Whether Expires is later than the Date beside it; false if there is none. */
static bool
expires_later(const struct headers *h)
{
	int64_t expires, date;
	struct str value;
	size_t at = 0;

	if (!next_field(h, STR("Expires"), &at, &value) ||
	    !date_parse_http(value, &expires))
		return false;
	at = 0;
	return next_field(h, STR("Date"), &at, &value) &&
	    date_parse_http(value, &date) && expires > date;
}

static void
judge_caching(struct lint *l, const struct headers *h)
{
	bool said;

	if (!LINT_IS(l, "PROPPATCH") && !LINT_IS(l, "MKCOL") &&
	    !LINT_IS(l, "COPY") && !LINT_IS(l, "MOVE") && !LINT_IS(l, "LOCK"))
		return;
	if (cache_control_allows(h, &said))
		LINT_SAY(l, H005, NULL,
		    "Cache-Control lets the answer to %.*s be cached",
		    STR_ARG(l->method));
	else if (!said && expires_later(h))
		LINT_SAY(l, H005, NULL,
		    "Expires lets the answer to %.*s be cached",
		    STR_ARG(l->method));
}

/* ---- H007 */

static void
judge_method(struct lint *l)
{
	/* Methods that concern one resource alone (RFC 4918, RFC 9110). */
	static const char *const single[] = { "CONNECT", "GET", "HEAD",
		"OPTIONS", "PUT", "TRACE", "UNLOCK" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(single); i++)
		if (str_eq(l->method, str_from_c(single[i])))
			LINT_SAY(l, H007, NULL, "%s is answered with 207",
			    single[i]);
}

/* ---- what others want to know */

static enum lint_minimal
find_minimal(const struct headers *h)
{
	struct str value, preference;
	size_t at = 0;

	if (!h->n)
		return MINIMAL_UNKNOWN;
	while (next_field(h, STR("Preference-Applied"), &at, &value)) {
		while (scan_member(&value, &preference)) {
			struct str name, wish;

			(void)scan_pair(preference, &name, &wish);
			if (str_eq_nocase(name, STR("return")) &&
			    scan_unquote(&wish) &&
			    str_eq_nocase(wish, STR("minimal")))
				return MINIMAL_YES;
		}
	}
	return MINIMAL_NO;
}

void
lint_judge_head(struct lint *l, const struct answer_head *h)
{
	l->minimal = h ? find_minimal(&h->fields) : MINIMAL_UNKNOWN;
	if (l->status == 207 || !l->status)
		judge_method(l);
	if (!h)
		return;
	l->has_retry_after = headers_has(&h->fields, STR("Retry-After"));
	judge_retry_after(l, &h->fields);
	if (l->status != 207)
		return;
	if (!h->content_type.len && !LINT_IS(l, "HEAD"))
		LINT_SAY(l, H001, NULL, "there is no Content-Type");
	if (headers_has(&h->fields, STR("Location")))
		LINT_SAY(l, H004, NULL, "there is a Location field");
	judge_caching(l, &h->fields);
}

/* ---- H001 to H003 */

void
lint_judge_empty(struct lint *l)
{
	if ((l->status && l->status != 207) || LINT_IS(l, "HEAD"))
		return;
	LINT_SAY(l, H001, NULL, "there is no body");
}

static const char *
shape_name(enum shape shape)
{
	switch (shape) {
	case SHAPE_XML:
		return "XML";
	case SHAPE_JSON:
		return "JSON";
	case SHAPE_NDJSON:
		return "lines of JSON";
	case SHAPE_JSON_SEQ:
		return "a JSON text sequence";
	case SHAPE_UNKNOWN:
		break;
	}
	return "neither XML nor JSON";
}

static void
judge_xml_type(struct lint *l, struct str type)
{
	struct str name = essence(type);

	if (str_eq_nocase(name, STR("text/xml")))
		LINT_WARN(l, H002, NULL,
		    "Content-Type is text/xml, which is deprecated");
	else if (!str_eq_nocase(name, STR("application/xml")))
		LINT_SAY(l, H002, NULL,
		    "Content-Type is %.*s instead of application/xml",
		    LINT_SHOW(name));
	if (!parameter(type, STR("charset")).len)
		LINT_WARN(l, H002, NULL, "Content-Type names no charset");
}

void
lint_judge_type(struct lint *l, enum shape shape)
{
	struct str type = l->content_type;
	enum shape declared = shape_of_type(type);

	if (!type.len && shape == SHAPE_UNKNOWN)
		LINT_SAY(l, H003, NULL, "the body is neither XML nor JSON");
	if (!type.len)
		return;
	if (shape == SHAPE_UNKNOWN || declared != shape)
		LINT_SAY(l, H003, NULL,
		    "Content-Type is %.*s, and the body is %s",
		    LINT_SHOW(essence(type)), shape_name(shape));
	else if (shape == SHAPE_XML)
		judge_xml_type(l, type);
}
