/* SPDX-License-Identifier: MIT */
#include "server/live.h"

#include <stdlib.h>

static enum err_code
bad_value(
    struct err *err, const char *option, const char *value, const char *allowed)
{
	return err_set(
	    err, ERR_BAD_REQUEST, "%s: '%s' is not %s", option, value, allowed);
}

static enum err_code
set_prefix(struct live *l, struct str text, struct str *out, struct err *err)
{
	enum err_code rc = prefix_normalize(&l->arena, text, out, err);

	return rc == ERR_BAD_PATH ? ERR_BAD_REQUEST : rc;
}

/* "https://files.example.org/dav" */
static enum err_code
set_base_url(struct live *l, struct err *err)
{
	const char *url = l->config.base_url;
	struct str rest = str_from_c(url);
	size_t slash;

	if (!rest.len)
		return ERR_OK;
	if (str_starts_nocase(rest, STR("https://")))
		l->base.scheme = STR("https");
	else if (str_starts_nocase(rest, STR("http://")))
		l->base.scheme = STR("http");
	else
		return bad_value(err, "base-url", url,
		    "a URL such as https://files.example.org/dav");
	rest = str_skip(rest, l->base.scheme.len + 3);
	slash = str_find(rest, '/');
	l->base.authority = str_head(rest, slash);
	if (!l->base.authority.len)
		return bad_value(err, "base-url", url, "one with a host");
	rest = str_skip(rest, slash);
	if (!rest.len)
		return ERR_OK;
	if (set_prefix(l, rest, &l->base.prefix, err))
		return bad_value(err, "base-url", url,
		    "one with a path without query, fragment or dots");
	return ERR_OK;
}

static enum err_code
set_prefixes(struct live *l, struct err *err)
{
	const char *prefix = l->config.prefix;

	if (!*prefix)
		return ERR_OK;
	if (set_prefix(l, str_from_c(prefix), &l->here.prefix, err))
		return bad_value(err, "prefix", prefix, "a path such as /dav");
	if (!l->base.authority.len)
		l->base.prefix = l->here.prefix;
	return ERR_OK;
}

/* A table that is not there is none: not every system comes with one. */
static enum err_code
set_mime(struct live *l, struct err *err)
{
	enum err_code rc;

	if (!*l->config.mime_types)
		return ERR_OK;
	rc = mime_open(l->config.mime_types, &l->mime, err);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err_code
live_init(struct live *l, struct err *err)
{
	const struct config *c = &l->config;
	enum err_code rc;

	rc = set_base_url(l, err);
	if (!rc)
		rc = set_prefixes(l, err);
	if (!rc)
		rc = networks_parse(
		    str_from_c(c->trusted_proxies), &l->trusted, err);
	if (!rc)
		rc = set_mime(l, err);
	l->set = (struct dav_settings){
		.max_upload = c->max_upload,
		.max_xml = (size_t)c->max_xml,
		.max_depth = (unsigned)c->max_xml_depth,
		.finite_depth = !c->propfind_infinity,
		.mime = l->mime,
	};
	return rc;
}

enum err_code
live_new(struct config *c, struct live **out, struct err *err)
{
	struct live *l = calloc(1, sizeof(*l));
	enum err_code rc;

	if (!l) {
		config_done(c);
		return err_nomem(err);
	}
	l->config = *c;
	*c = (struct config){ 0 };
	atomic_init(&l->holders, 1);
	rc = live_init(l, err);
	if (rc) {
		live_drop(l);
		return rc;
	}
	*out = l;
	return ERR_OK;
}

const char *
live_spool_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : "/var/tmp";
}

struct live *
live_hold(struct live *l)
{
	(void)atomic_fetch_add(&l->holders, 1);
	return l;
}

void
live_drop(struct live *l)
{
	if (!l || atomic_fetch_sub(&l->holders, 1) != 1)
		return;
	mime_free(l->mime);
	networks_done(&l->trusted);
	config_done(&l->config);
	arena_done(&l->arena);
	free(l);
}
