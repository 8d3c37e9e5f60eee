/* SPDX-License-Identifier: MIT */
#include "server/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

/* The first 12 bytes of an IPv4 address in the form of IPv6. */
static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

/* A numeric address of either family; the text is short, so it is copied. */
static bool
host_parse(struct str s, struct host *out, bool *v4)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	struct in_addr in;

	if (!s.len || s.len >= sizeof(text))
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	*v4 = inet_pton(AF_INET, text, &in) == 1;
	if (*v4) {
		memcpy(out->bytes, mapped, sizeof(mapped));
		memcpy(out->bytes + sizeof(mapped), &in, sizeof(in));
		return true;
	}
	if (inet_pton(AF_INET6, text, &in6) != 1)
		return false;
	memcpy(out->bytes, &in6, sizeof(in6));
	return true;
}

static void
set_v4(struct address *a, const struct host *h, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_port = htons(port);
	memcpy(&sin.sin_addr, h->bytes + sizeof(mapped), 4);
	memcpy(&a->sa, &sin, sizeof(sin));
	a->len = sizeof(sin);
}

static void
set_v6(struct address *a, const struct host *h, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };

	sin6.sin6_port = htons(port);
	memcpy(&sin6.sin6_addr, h->bytes, sizeof(h->bytes));
	memcpy(&a->sa, &sin6, sizeof(sin6));
	a->len = sizeof(sin6);
}

enum err_code
address_parse(struct str s, struct address *out, struct err *err)
{
	size_t colon = str_rfind(s, ':');
	struct str name = str_head(s, colon);
	struct host host = { 0 };
	bool v4 = true, brackets;
	uint64_t port;

	if (colon == s.len || !str_to_u64(str_skip(s, colon + 1), &port) ||
	    port > UINT16_MAX)
		return err_set(err, ERR_BAD_REQUEST,
		    "'%.*s' is not ADDRESS:PORT, as 127.0.0.1:4918 or "
		    "[::1]:4918",
		    STR_ARG(s));
	brackets = str_starts(name, STR("[")) && str_ends(name, STR("]"));
	if (brackets)
		name = str_skip(str_head(name, name.len - 1), 1);
	else if (str_eq_nocase(name, STR("localhost")))
		name = STR("127.0.0.1");
	if (!name.len && !brackets)
		name = STR("0.0.0.0");
	if (!host_parse(name, &host, &v4) || v4 == brackets)
		return err_set(err, ERR_BAD_REQUEST,
		    "'%.*s' has no address such as 127.0.0.1 or [::1] before "
		    "the port",
		    STR_ARG(s));
	*out = (struct address){ 0 };
	if (v4)
		set_v4(out, &host, (uint16_t)port);
	else
		set_v6(out, &host, (uint16_t)port);
	return ERR_OK;
}

bool
host_of(const struct sockaddr *sa, struct host *out)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in sin;

		memcpy(&sin, sa, sizeof(sin));
		memcpy(out->bytes, mapped, sizeof(mapped));
		memcpy(out->bytes + sizeof(mapped), &sin.sin_addr, 4);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, sa, sizeof(sin6));
		memcpy(out->bytes, &sin6.sin6_addr, sizeof(out->bytes));
		return true;
	}
	return false;
}

static bool
host_is_v4(const struct host *h)
{
	return !memcmp(h->bytes, mapped, sizeof(mapped));
}

bool
address_is_loopback(const struct address *a)
{
	static const struct host one = { .bytes = { [15] = 1 } };
	struct host h;

	if (!host_of((const struct sockaddr *)&a->sa, &h))
		return false;
	if (host_is_v4(&h))
		return h.bytes[12] == 127;
	return !memcmp(&h, &one, sizeof(h));
}

void
host_put(struct buf *b, const struct host *h)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (host_is_v4(h))
		(void)inet_ntop(
		    AF_INET, h->bytes + sizeof(mapped), text, sizeof(text));
	else
		(void)inet_ntop(AF_INET6, h->bytes, text, sizeof(text));
	buf_put(b, str_from_c(text));
}

void
address_put(struct buf *b, const struct address *a)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (a->sa.ss_family == AF_INET) {
		memcpy(&sin, &a->sa, sizeof(sin));
		(void)inet_ntop(AF_INET, &sin.sin_addr, text, sizeof(text));
		buf_printf(b, "%s:%u", text, (unsigned)ntohs(sin.sin_port));
		return;
	}
	memcpy(&sin6, &a->sa, sizeof(sin6));
	(void)inet_ntop(AF_INET6, &sin6.sin6_addr, text, sizeof(text));
	buf_printf(b, "[%s]:%u", text, (unsigned)ntohs(sin6.sin6_port));
}

/* ---- networks */

static bool
network_parse(struct str s, struct network *out)
{
	size_t slash = str_find(s, '/');
	uint64_t bits = 128;
	bool v4;

	if (!host_parse(str_head(s, slash), &out->host, &v4))
		return false;
	if (slash < s.len) {
		if (!str_to_u64(str_skip(s, slash + 1), &bits) ||
		    bits > (v4 ? 32 : 128))
			return false;
		if (v4)
			bits += 96;
	}
	out->bits = (unsigned)bits;
	return true;
}

static bool
networks_add(struct networks *n, const struct network *one)
{
	struct network *v = reallocarray(n->v, n->n + 1, sizeof(*v));

	if (!v)
		return false;
	n->v = v;
	n->v[n->n++] = *one;
	return true;
}

enum err_code
networks_parse(struct str s, struct networks *out, struct err *err)
{
	struct networks n = { 0 };
	struct str item, rest = s, word;

	while (s.len && str_cut(&rest, ',', &item)) {
		while (str_cut(&item, ' ', &word)) {
			struct network one;
			enum err_code rc = ERR_OK;

			if (!word.len)
				continue;
			if (!network_parse(word, &one))
				rc = err_set(err, ERR_BAD_REQUEST,
				    "'%.*s' is not an address or a network "
				    "such as 10.0.0.0/8",
				    STR_ARG(word));
			else if (!networks_add(&n, &one))
				rc = err_nomem(err);
			if (rc) {
				networks_done(&n);
				return rc;
			}
		}
	}
	*out = n;
	return ERR_OK;
}

void
networks_done(struct networks *n)
{
	free(n->v);
	*n = (struct networks){ 0 };
}

static bool
network_has(const struct network *n, const struct host *h)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;
	unsigned mask = 0xffu << (8 - rest) & 0xffu;

	if (memcmp(n->host.bytes, h->bytes, whole) != 0)
		return false;
	return !rest || !((n->host.bytes[whole] ^ h->bytes[whole]) & mask);
}

bool
networks_have(const struct networks *n, const struct host *h)
{
	size_t i;

	for (i = 0; i < n->n; i++)
		if (network_has(&n->v[i], h))
			return true;
	return false;
}
