/* SPDX-License-Identifier: MIT */
/* The servers that URLs name, and our credentials for each. */
#include <string.h>

#include "base/clock.h"
#include "client/client_impl.h"
#include "client/netrc.h"
#include "http/url.h"

/* Gives "https://example.org:443" and the host alone. */
static enum err_code
find_key(const char *url, struct buf *key, struct buf *host, struct err *err)
{
	struct url u;
	enum err_code rc = url_parse(str_from_c(url), &u, err);
	const unsigned char *c = (const unsigned char *)url;
	size_t i;

	if (rc)
		return rc;
	while (*c > ' ' && *c < 0x7f)
		c++;
	if (*c || u.user.len)
		return err_set(err, ERR_BAD_REQUEST, "'%.100s' %s", url,
		    *c ? "is not percent-encoded" : "has a user name in it");
	for (i = 0; i < u.host.len; i++)
		buf_putc(host, ascii_lower(u.host.ptr[i]));
	buf_put(key,
	    str_eq_nocase(u.scheme, STR("https")) ? STR("https://")
						  : STR("http://"));
	buf_printf(key, "%.*s:%u", STR_ARG(buf_str(host)), u.port);
	return buf_failed(key) || buf_failed(host) ? err_nomem(err) : ERR_OK;
}

/* Fills in the user name and password that are known without asking. */
static void
find_credentials(struct client *c, struct server_origin *o)
{
	struct str user = str_from_c(c->o.user);

	o->has_password = netrc_find(buf_str(&c->netrc), str_from_c(o->host),
	    user, &o->user, &o->password);
	if (o->has_password && o->user.len)
		return;
	o->has_password = false;
	buf_clear(&o->user);
	buf_put(&o->user, user);
}

static enum err_code
make(struct client *c, const struct buf *key, const struct buf *host,
    struct server_origin **out, struct err *err)
{
	struct server_origin *o = ARENA_NEW(&c->a, struct server_origin);
	struct str k, h;

	if (!o || !arena_str(&c->a, buf_str(key), &k) ||
	    !arena_str(&c->a, buf_str(host), &h))
		return err_nomem(err);
	o->key = k.ptr;
	o->host = h.ptr;
	find_credentials(c, o);
	if (buf_failed(&o->user) || buf_failed(&o->password)) {
		buf_done(&o->user);
		buf_done(&o->password);
		return err_nomem(err);
	}
	o->next = c->origins;
	c->origins = o;
	*out = o;
	return ERR_OK;
}

enum err_code
server_origin_find(struct client *c, const char *url,
    struct server_origin **out, struct err *err)
{
	struct buf key CLEANUP(buf_done) = { 0 };
	struct buf host CLEANUP(buf_done) = { 0 };
	struct server_origin *o;
	enum err_code rc = find_key(url, &key, &host, err);

	if (rc)
		return rc;
	for (o = c->origins; o; o = o->next)
		if (str_eq(str_from_c(o->key), buf_str(&key))) {
			*out = o;
			return ERR_OK;
		}
	return make(c, &key, &host, out, err);
}

static void
wipe(struct buf *b)
{
	if (b->ptr)
		explicit_bzero(b->ptr, b->cap);
	buf_done(b);
}

bool
server_origin_ask(struct client *c, struct server_origin *o, int64_t *took)
{
	int64_t began = clock_monotonic();
	struct buf password = { 0 };

	*took = 0;
	if (o->asked || o->has_password || !o->user.len || !c->o.password)
		return o->has_password;
	o->asked = true;
	buf_putc(&o->user, '\0'); /* not counted in len */
	if (!buf_failed(&o->user)) {
		o->user.len--;
		o->has_password = c->o.password(
		    c->o.password_arg, o->user.ptr, o->host, &password);
	}
	if (o->has_password) {
		wipe(&o->password);
		o->password = password;
	} else {
		wipe(&password);
	}
	*took = clock_monotonic() - began;
	return o->has_password;
}

void
server_origins_done(struct client *c)
{
	struct server_origin *o;

	for (o = c->origins; o; o = o->next) {
		buf_done(&o->user);
		wipe(&o->password);
	}
	c->origins = NULL;
}
