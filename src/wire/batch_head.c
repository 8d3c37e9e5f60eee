/* SPDX-License-Identifier: MIT */
/* The head of a batch: what stands beside its operations and is said of all. */
#include <assert.h>

#include "wire/batch_impl.h"

static enum err_code
take_mode(struct batch_parser *p, const json_t *v, const struct batch_place *at,
    const char *below, struct err *err)
{
	static const struct str modes[] = {
		[BATCH_INDEPENDENT] = STR_INIT("independent"),
		[BATCH_VALIDATE_FIRST] = STR_INIT("validate-first"),
		[BATCH_ATOMIC] = STR_INIT("atomic"),
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(modes); i++)
		if (json_is_string(v) && str_eq(batch_text(v), modes[i])) {
			p->head.mode = (enum batch_mode)i;
			return ERR_OK;
		}
	return batch_bad(err, ERR_BAD_BODY, at, below,
	    "none of \"independent\", \"validate-first\", \"atomic\"");
}

static enum err_code
take_dry_run(struct batch_parser *p, const json_t *v,
    const struct batch_place *at, const char *below, struct err *err)
{
	if (!json_is_boolean(v))
		return batch_bad(
		    err, ERR_BAD_BODY, at, below, "neither true nor false");
	p->head.dry_run = json_is_true(v);
	return ERR_OK;
}

static enum err_code
take_fail_on_errors(struct batch_parser *p, const json_t *v,
    const struct batch_place *at, const char *below, struct err *err)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return batch_bad(
		    err, ERR_BAD_BODY, at, below, "no whole number from 0 on");
	p->head.fail_on_errors = (uint64_t)json_integer_value(v);
	return ERR_OK;
}

/* Refuses default headers that can only be one operation's. */
static enum err_code
check_defaults(const struct headers *h, const struct batch_place *at,
    const char *below, struct err *err)
{
	static const struct str own[] = { STR_INIT("idempotency-key"),
		STR_INIT("destination"), STR_INIT("content-id") };
	size_t i, k;

	for (i = 0; i < h->n; i++)
		for (k = 0; k < ARRAY_LEN(own); k++)
			if (str_eq_nocase(h->v[i].name, own[k]))
				return batch_bad(err, ERR_BAD_BODY, at, below,
				    "%.*s cannot be the same for all",
				    STR_ARG(own[k]));
	return ERR_OK;
}

static enum err_code
take_defaults(struct batch_parser *p, const json_t *v,
    const struct batch_place *at, const char *below, struct err *err)
{
	json_t *headers = json_object_get(v, "headers");
	struct batch_below inner = batch_below_in(below, STR("headers"));
	struct headers *to = &p->head.defaults;
	enum err_code rc;

	if (!json_is_object(v))
		return batch_bad(err, ERR_BAD_BODY, at, below, "no object");
	if (json_object_size(v) != (headers ? 1 : 0))
		return batch_bad(err, ERR_BAD_BODY, at, below,
		    "only \"headers\" can stand in it");
	if (!headers)
		return ERR_OK;
	rc = batch_headers_load(
	    &p->head_arena, headers, at, inner.text, to, err);
	return rc ? rc : check_defaults(to, at, inner.text, err);
}

static const struct row {
	struct str name;
	enum err_code (*take)(struct batch_parser *p, const json_t *v,
	    const struct batch_place *at, const char *below, struct err *err);
} rows[] = {
	{ STR_INIT("mode"), take_mode },
	{ STR_INIT("dryRun"), take_dry_run },
	{ STR_INIT("failOnErrors"), take_fail_on_errors },
	{ STR_INIT("defaults"), take_defaults },
};

static const struct row *
row_of(struct str name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(name, rows[i].name))
			return &rows[i];
	return NULL;
}

bool
batch_head_knows(struct str name)
{
	return row_of(name) != NULL;
}

/* Writes down the head in one order, however it was sent, for the print. */
static enum err_code
note_canonical(struct batch_parser *p, struct err *err)
{
	struct buf *b = &p->head_canonical;
	size_t i;

	buf_clear(b);
	buf_printf(b, "%d %d %llu", (int)p->head.mode, p->head.dry_run,
	    (unsigned long long)p->head.fail_on_errors);
	for (i = 0; i < p->head.defaults.n; i++) {
		buf_putc(b, '\n');
		buf_put(b, p->head.defaults.v[i].name);
		buf_putc(b, ':');
		buf_put(b, p->head.defaults.v[i].value);
	}
	return buf_failed(b) ? err_nomem(err) : ERR_OK;
}

static enum err_code
take(struct batch_parser *p, const struct batch_place *at, const char *above,
    struct str name, const json_t *v, struct err *err)
{
	const struct row *row = row_of(name);
	struct batch_below below =
	    batch_below(*above ? str_from_c(above + 1) : name,
		*above ? name : (struct str){ 0 });
	enum err_code rc;

	if (!row)
		return batch_bad(err, ERR_BAD_BODY, at, below.text,
		    "there is no such member");
	rc = row->take(p, v, at, below.text, err);
	return rc ? rc : note_canonical(p, err);
}

enum err_code
batch_head_member(struct batch_parser *p, const struct batch_place *at,
    struct str name, struct str bytes, struct err *err)
{
	struct batch_below below = batch_below(name, (struct str){ 0 });
	json_t *v;
	enum err_code rc = batch_load(bytes, &v, at, below.text, err);

	if (rc)
		return rc;
	rc = take(p, at, "", name, v, err);
	json_decref(v);
	return rc;
}

enum err_code
batch_head_load(struct batch_parser *p, const struct batch_place *at,
    const char *below, struct str bytes, struct err *err)
{
	const char *name;
	json_t *all, *v;
	enum err_code rc = batch_load(bytes, &all, at, below, err);

	if (rc)
		return rc;
	if (!json_is_object(all))
		rc = batch_bad(err, ERR_BAD_BODY, at, below, "no object");
	json_object_foreach(all, name, v)
	{
		if (!rc)
			rc = take(p, at, below, str_from_c(name), v, err);
	}
	json_decref(all);
	return rc;
}
