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
set_base_url(struct live *l, struct err *err)
{
	const char *url = l->config.base_url;
	enum err_code rc;

	if (!*url)
		return ERR_OK;
	rc = origin_from_url(&l->arena, str_from_c(url), &l->base, err);
	if (rc != ERR_BAD_PATH)
		return rc;
	return bad_value(err, "base-url", url,
	    "a URL such as https://files.example.org/dav");
}

static enum err_code
set_prefixes(struct live *l, struct err *err)
{
	const char *prefix = l->config.prefix;
	enum err_code rc;

	if (!*prefix) { /* a proxy that passes targets on as they came */
		l->prefix = l->base.prefix;
		return ERR_OK;
	}
	rc = prefix_normalize(&l->arena, str_from_c(prefix), &l->prefix, err);
	if (rc == ERR_BAD_PATH)
		return bad_value(err, "prefix", prefix, "a path such as /dav");
	if (rc)
		return rc;
	if (!l->base.authority.len)
		l->base.prefix = l->prefix;
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

static void
set_limits(struct live *l)
{
	const struct config *c = &l->config;

	l->limits = batch_limits_default;
	l->limits.operations = c->bulk_operations;
	l->limits.json_bytes = c->bulk_body;
	l->limits.budget = c->bulk_time / NSEC_PER_SEC;
	l->limits.concurrency = c->bulk_concurrency;
	l->limits.concurrency_user = c->bulk_concurrency_user;
	l->limits.jobs = c->bulk_jobs;
	if (l->limits.window < c->bulk_operations)
		l->limits.window = c->bulk_operations;
}

static void
set_spool_dir(struct live *l)
{
	const char *dir = getenv("TMPDIR");

	l->spool_dir = dir && *dir ? dir : "/var/tmp";
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
	set_limits(l);
	set_spool_dir(l);
	l->set = (struct dav_settings){
		.max_upload = c->max_upload,
		.max_xml = (size_t)c->max_xml,
		.max_depth = (unsigned)c->max_xml_depth,
		.lock_timeout = (int64_t)c->lock_timeout,
		.idempotency_ttl = (int64_t)c->idempotency_ttl,
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
