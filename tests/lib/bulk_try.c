/* SPDX-License-Identifier: MIT */
#include "lib/bulk_try.h"

#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "lib/alloc_fail.h"
#include "lib/test.h"

static void
init(struct bulk_try *t)
{
	*t = (struct bulk_try){
		.set = { .max_xml = 1 << 20,
		    .max_depth = 64,
		    .lock_timeout = 3600 * NSEC_PER_SEC },
		.limits = batch_limits_default,
		.spec = {
		    .batch_id = STR("b_1"),
		    .origin = { STR("http"), STR("example.org"), STR("") },
		},
	};
	assert_int_equal(keys_new(&t->keys, NULL), ERR_OK);
	assert_int_equal(pthread_mutex_init(&t->mutex, NULL), 0);
	assert_int_equal(pthread_cond_init(&t->idle, NULL), 0);
}

void
bulk_try_init(struct bulk_try *t, const char *text)
{
	init(t);
	t->store = deny_store_init(&t->deny);
	tree_make(t->deny.inner, text);
}

void
bulk_try_init_on(struct bulk_try *t, struct store *store, const char *text)
{
	init(t);
	t->store = t->deny.inner = store;
	tree_make(store, text);
}

void
bulk_try_done(struct bulk_try *t)
{
	store_close(t->store);
	keys_free(t->keys);
	buf_done(&t->out);
	buf_done(&t->log);
	(void)pthread_mutex_destroy(&t->mutex);
	(void)pthread_cond_destroy(&t->idle);
}

/* ---- threads */

struct helper {
	struct bulk_try *t;
	void (*fn)(void *arg);
	void *arg;
};

static void *
helper_main(void *arg)
{
	struct helper h = *(struct helper *)arg;

	free(arg);
	h.fn(h.arg);
	pthread_mutex_lock(&h.t->mutex);
	if (!--h.t->busy)
		pthread_cond_signal(&h.t->idle);
	pthread_mutex_unlock(&h.t->mutex);
	return NULL;
}

static bool
spawn(void *ctx, void (*fn)(void *arg), void *arg)
{
	struct bulk_try *t = ctx;
	struct helper *h;
	pthread_t thread;
	bool ok = false;

	pthread_mutex_lock(&t->mutex);
	h = t->busy < t->threads ? malloc(sizeof(*h)) : NULL;
	if (h) {
		*h = (struct helper){ t, fn, arg };
		ok = !pthread_create(&thread, NULL, helper_main, h);
		if (ok) {
			(void)pthread_detach(thread);
			t->busy++;
		} else {
			free(h);
		}
	}
	pthread_mutex_unlock(&t->mutex);
	return ok;
}

static void
log_line(void *arg, struct str line)
{
	struct bulk_try *t = arg;

	pthread_mutex_lock(&t->mutex);
	buf_put(&t->log, line);
	buf_putc(&t->log, '\n');
	pthread_mutex_unlock(&t->mutex);
}

/* ---- a batch */

static enum err_code
start(void *arg, unsigned status, struct results **out, struct err *err)
{
	struct bulk_try *t = arg;
	const struct results_spec spec = {
		.form = FORM_JSON,
		.prefix = t->spec.origin.prefix,
		.batch_id = t->spec.batch_id,
		.dry_run = t->spec.dry_run,
	};
	enum err_code rc;

	assert_int_equal(t->status, 0);
	rc = results_new(
	    &spec, buf_ostream_init(&t->to, &t->out), &t->results, err);
	if (rc)
		return rc;
	t->status = status;
	*out = t->results;
	return ERR_OK;
}

static enum err_code
run_windows(struct bulk_try *t, struct bulk_run *r,
    const struct batch_parser *p, struct batch_window all)
{
	size_t step = t->window ? t->window : all.n, i;
	enum err_code rc = ERR_OK;

	for (i = 0; !rc && i < all.n; i += step) {
		struct batch_window w = { .v = all.v + i, .n = all.n - i };

		if (w.n > step)
			w.n = step;
		rc = bulk_run_window(
		    r, batch_parser_head(p), &w, i + step >= all.n, &t->err);
	}
	return rc ? rc : bulk_run_end(r, NULL, &t->err);
}

static enum err_code
run(struct bulk_try *t, const struct batch_parser *p, struct batch_window all)
{
	const struct bulk_env env = {
		.store = t->store,
		.set = &t->set,
		.limits = &t->limits,
		.keys = t->keys,
		.spawn = t->threads ? spawn : NULL,
		.spawn_ctx = t,
		.failures = { log_line, t },
	};
	struct bulk_run *r = NULL;
	enum err_code rc;

	t->spec.start = start;
	t->spec.arg = t;
	t->spec.stream = t->window != 0;
	t->spec.print = (struct str){ 0 };
	if (!t->window && t->spec.key.len)
		t->spec.print = batch_parser_print(p);
	if (t->fail_alloc)
		alloc_fail_at(t->fail_alloc);
	rc = bulk_run_new(&env, &t->spec, &r, &t->err);
	if (!rc)
		rc = run_windows(t, r, p, all);
	t->ended = !rc;
	bulk_run_free(r);
	t->alloc_failed = t->fail_alloc && alloc_fail_stop();
	pthread_mutex_lock(&t->mutex);
	while (t->busy)
		pthread_cond_wait(&t->idle, &t->mutex);
	pthread_mutex_unlock(&t->mutex);
	results_free(t->results);
	t->results = NULL;
	return rc;
}

static void
put_quoted(struct buf *b, const char *text)
{
	for (; *text; text++)
		buf_putc(b, *text == '\'' ? '"' : *text);
}

enum err_code
bulk_try_send(struct bulk_try *t, const char *json)
{
	struct batch_parser *p = NULL;
	struct buf body = { 0 };

	put_quoted(&body, json);
	t->status = 0;
	t->ended = false;
	t->err = (struct err){ 0 };
	buf_clear(&t->out);
	buf_clear(&t->log);
	t->rc = batch_parser_new(
	    BATCH_JSON, (struct str){ 0 }, &t->limits, NULL, &p, &t->err);
	if (!t->rc && !t->window && t->spec.key.len)
		batch_parser_keep_prints(p, BATCH_PRINTS_ALL);
	if (!t->rc)
		t->rc = batch_parser_feed(p, buf_str(&body), &t->err);
	if (!t->rc)
		t->rc = batch_parser_end(p, &t->err);
	if (!t->rc)
		t->rc = run(t, p, *batch_parser_window(p));
	batch_parser_free(p);
	buf_done(&body);
	return t->rc;
}

enum err_code
bulk_try_ops(struct bulk_try *t, const char *operations)
{
	struct buf b = { 0 };
	enum err_code rc;

	buf_printf(&b, "{'operations':[%s]}", operations);
	buf_putc(&b, '\0');
	rc = bulk_try_send(t, b.ptr);
	buf_done(&b);
	return rc;
}

/* ---- its answer, read with a library of others */

static void
put_brief(struct buf *b, const json_t *item)
{
	const char *cause =
	    json_string_value(json_object_get(item, "causedBy"));

	if (b->len)
		buf_putc(b, ' ');
	buf_printf(b, "%s %lld", json_string_value(json_object_get(item, "id")),
	    (long long)json_integer_value(json_object_get(item, "status")));
	if (cause)
		buf_printf(b, "<%s", cause);
	if (json_is_true(json_object_get(item, "replayed")))
		buf_putc(b, '!');
	if (json_is_true(json_object_get(item, "notAttempted")))
		buf_putc(b, '?');
	if (json_is_true(json_object_get(item, "partial")))
		buf_putc(b, '~');
}

static void
check_summary(const json_t *sum, size_t n)
{
	json_int_t total = json_integer_value(json_object_get(sum, "total"));
	json_int_t good = json_integer_value(json_object_get(sum, "success"));
	json_int_t bad = json_integer_value(json_object_get(sum, "failed"));

	assert_int_equal(total, n);
	assert_int_equal(total, good + bad);
}

void
bulk_try_brief(const struct bulk_try *t, struct buf *out)
{
	json_error_t error;
	json_t *all = json_loadb(t->out.ptr, t->out.len, 0, &error);
	json_t *results = json_object_get(all, "results"), *item;
	size_t i;

	if (!all)
		fail_msg("%s in %.*s", error.text, (int)t->out.len, t->out.ptr);
	json_array_foreach(results, i, item)
	{
		assert_int_equal(
		    json_integer_value(json_object_get(item, "index")), i);
		put_brief(out, item);
	}
	check_summary(
	    json_object_get(all, "summary"), json_array_size(results));
	json_decref(all);
}

void
bulk_try_check(
    const struct bulk_try *t, const char *want, const char *file, int line)
{
	struct buf b = { 0 };

	if (t->rc)
		print_error(
		    "%s: %s %s\n", err_name(t->rc), t->err.tell, t->err.why);
	if (t->out.len)
		bulk_try_brief(t, &b);
	if (!str_eq(buf_str(&b), str_from_c(want)))
		print_error("%.*s\n", (int)t->out.len, t->out.ptr);
	assert_str_equal_at(buf_str(&b), str_from_c(want), file, line);
	buf_done(&b);
}

bool
bulk_try_says(const struct bulk_try *t, const char *text)
{
	struct buf b = { 0 };
	bool says;

	put_quoted(&b, text);
	says = t->out.len && memmem(t->out.ptr, t->out.len, b.ptr, b.len);
	buf_done(&b);
	return says;
}
